//! Where modules are found: in the playbook's folder, in the site's libraries, and among those inside lbdiag.

use std::path::{Path, PathBuf};

use crate::evidence::inside::inside;
use crate::evidence::text_file;
use crate::language::modules::{Found, Library};

/// The modules that work anywhere, by the name by which they are imported.
const SHIPPED: [(&str, &str); 2] =
    [("lib/services", include_str!("../../playbooks/lib/services.rhai")), ("lib/tables", include_str!("../../playbooks/lib/tables.rhai"))];

/// Folders in which modules are looked for, in their order, before the shipped ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Folders(Vec<PathBuf>);

impl Folders {
    /// The folder of a playbook.
    pub(super) fn beside(playbook: &Path) -> Self {
        let folder = playbook.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self(vec![folder.to_owned()])
    }

    /// Those of a site after these.
    pub(super) fn and(mut self, site: &[PathBuf]) -> Self {
        self.0.extend_from_slice(site);
        self
    }
}

impl Library for Folders {
    fn find(&self, name: &str) -> Result<Option<Found>, String> {
        let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !name.split('/').all(plain) {
            return Err(
                "a module's name is made of letters, digits, - and _, in folders by /, without `..` and without an ending".to_owned()
            );
        }
        for folder in &self.0 {
            let file = format!("{name}.rhai");
            // What is not there may be elsewhere; a link that is there is looked at.
            if folder.join(&file).symlink_metadata().is_err() {
                continue;
            }
            let path = inside(folder, &file)?;
            let text = text_file::read(&path).map_err(|error| format!("read {}: {error}", path.display()))?;
            return Ok(Some(Found { path: path.display().to_string(), text, shipped: false }));
        }
        let shipped = SHIPPED.iter().find(|(known, _)| *known == name);
        Ok(shipped.map(|(name, text)| Found { path: format!("{name}.rhai"), text: (*text).to_owned(), shipped: true }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_order_and_nowhere_else() {
        let outer = tempfile::tempdir().unwrap();
        let (own, site) = (outer.path().join("own"), outer.path().join("site"));
        for folder in [&own, &site] {
            std::fs::create_dir_all(folder.join("lib")).unwrap();
        }
        std::fs::write(outer.path().join("secret.rhai"), "outside").unwrap();
        std::fs::write(own.join("lib/a.rhai"), "own").unwrap();
        std::fs::write(site.join("lib/a.rhai"), "site").unwrap();
        std::fs::write(site.join("lib/b.rhai"), "site").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret.rhai"), own.join("lib/link.rhai")).unwrap();
        let folders = Folders::beside(&own.join("x.rhai")).and(&[site]);
        let found = |name: &str| folders.find(name).map(|found| found.map(|found| (found.text.len(), found.shipped)));
        assert_eq!((found("lib/a"), found("lib/b"), found("lib/none")), (Ok(Some((3, false))), Ok(Some((4, false))), Ok(None)));
        assert!(found("lib/services").is_ok_and(|found| found.is_some_and(|(_, shipped)| shipped)));
        for wrong in ["../secret", "/etc/passwd", "lib/../../secret", "lib/link", "", "a//b", "lib/a.rhai", "lib\\a"] {
            assert!(found(wrong).is_err(), "{wrong}");
        }
    }
}
