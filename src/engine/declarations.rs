//! Findings that playbooks declare themselves, of every playbook and module that can be found from here.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::find::{file, shipped};
use super::folder::playbooks;
use crate::evidence::text_file;
use crate::language::header::Header;
use crate::language::read_header;
use crate::model::declared::Declared;
use crate::model::diagnostic::Source;

/// A finding, and who declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    pub finding: Declared,
    /// The name and the version in the header.
    pub playbook: String,
    pub version: String,
    /// The file; `None` for what is inside lbdiag.
    pub path: Option<PathBuf>,
}

/// Those of the playbooks in `here`, below its `playbooks/`, below the folders of a site's library, and inside lbdiag, in this order.
/// A file whose header cannot be read declares nothing: `lbdiag check` tells why.
///
/// # Errors
/// When a folder cannot be read, or holds too many files; that there is no `playbooks/` is no error.
pub fn declarations(here: &Path, library: &[PathBuf]) -> io::Result<Vec<Declaration>> {
    let mut files = beside(here)?;
    let below = here.join("playbooks");
    if below.is_dir() {
        files.extend(playbooks(&below)?);
    }
    for folder in library {
        files.extend(playbooks(folder)?);
    }
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for path in files {
        // One that two folders hold is told once. Pipes and devices would be waited for.
        let once = path.canonicalize().is_ok_and(|whole| seen.insert(whole));
        if !once || !path.is_file() {
            continue;
        }
        let Ok(text) = text_file::read(&path) else { continue };
        if let Ok(header) = read_header::read(&Source { file: &path.display().to_string(), text: &text }) {
            all.extend(of(&header, Some(&path)));
        }
    }
    // Where a file takes a shipped one's place, that is not what runs.
    all.extend(shipped().filter(|header| file(Path::new(&header.name)).is_none()).flat_map(|header| of(&header, None).collect::<Vec<_>>()));
    Ok(all)
}

fn of<'a>(header: &'a Header, path: Option<&'a Path>) -> impl Iterator<Item = Declaration> + 'a {
    header.findings.iter().map(move |finding| Declaration {
        finding: finding.clone(),
        playbook: header.name.clone(),
        version: header.version.clone(),
        path: path.map(Path::to_owned),
    })
}

/// The playbooks of the folder itself, in the order of their names.
fn beside(here: &Path) -> io::Result<Vec<PathBuf>> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("read the folder {}: {error}", here.display()));
    let entries = std::fs::read_dir(here).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(told)?;
    let mut files: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rhai"));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_is_found_in_every_place_and_once() {
        let place = tempfile::tempdir().unwrap();
        let library = place.path().join("playbooks/shared");
        std::fs::create_dir_all(&library).unwrap();
        for (file, name) in [("b.rhai", "b"), ("playbooks/a.rhai", "a"), ("playbooks/shared/c.rhai", "c")] {
            let text = format!(
                "//! ---\n//! name: {name}\n//! version: 1.0.0\n//! about: x\n//! uses: []\n//! findings:\n//!   site/{name}: {{ severity: warn, \
                 meaning: m }}\n//! ---\n"
            );
            std::fs::write(place.path().join(file), text).unwrap();
        }
        std::fs::write(place.path().join("broken.rhai"), "//! ---\n//! nam: x\n").unwrap();
        let all = declarations(place.path(), &[library]).unwrap();
        let own: Vec<&str> = all.iter().filter(|one| one.path.is_some()).map(|one| one.finding.name.as_str()).collect();
        assert_eq!(own, ["site/b", "site/a", "site/c"]);
        // Those inside lbdiag give way to files of their names: here, where the tests run, all of them are beside.
        let inside = shipped().filter(|header| file(Path::new(&header.name)).is_none()).map(|header| header.findings.len()).sum::<usize>();
        assert_eq!(all.iter().filter(|one| one.path.is_none()).count(), inside);
        let error = declarations(place.path(), &[place.path().join("none")]).unwrap_err().to_string();
        assert!(error.contains("read the folder") && error.contains("none"), "{error}");
    }
}
