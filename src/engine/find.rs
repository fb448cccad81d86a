//! Finding a playbook: a file, or the name of one that is shipped inside the binary.

use std::path::{Path, PathBuf};

use crate::evidence::text_file;
use crate::language::header::Header;
use crate::language::playbook::{Broken, Playbook, read};
use crate::language::read_header;
use crate::model::diagnostic::{Diagnostic, Source, codes};
use crate::model::nearest::nearest;

/// The playbooks that work anywhere, by name.
const SHIPPED: [(&str, &str); 3] = [
    ("metallb-flow", include_str!("../../playbooks/metallb-flow.rhai")),
    ("doctor", include_str!("../../playbooks/doctor.rhai")),
    ("record-world", include_str!("../../playbooks/record-world.rhai")),
];

/// The headers of the playbooks that work anywhere.
pub fn shipped() -> impl Iterator<Item = Header> {
    SHIPPED.into_iter().filter_map(|(name, text)| read_header::read(&Source { file: name, text }).ok())
}

/// Why a playbook cannot be used.
#[derive(Debug)]
pub enum Refusal {
    /// There is none of that name.
    Unknown(String),
    /// It is broken: every mistake of it, with its place.
    Broken(Broken),
}

/// Opens a playbook: the file of that name, one in `playbooks/`, or a shipped one.
///
/// # Errors
/// When there is none, or it may not run.
pub fn open(name: &Path) -> Result<Playbook, Refusal> {
    if let Some(file) = file(name) {
        return load(&file).map_err(Refusal::Broken);
    }
    match shipped_text(name) {
        Some((name, text)) => read(&format!("{name}.rhai"), text.to_owned()).map_err(Refusal::Broken),
        None => Err(Refusal::Unknown(unknown(name))),
    }
}

/// Reads a playbook's file.
///
/// # Errors
/// When the file cannot be read, its header or syntax is wrong, or it uses words that it may not.
pub fn load(path: &Path) -> Result<Playbook, Broken> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| Broken {
        diagnostics: vec![Diagnostic::new(codes::UNREADABLE, None, format!("read playbook {shown}: {error}"))],
    };
    read(&shown, text_file::read(path).map_err(unreadable)?)
}

/// The file of that name, when there is one.
#[must_use]
pub fn file(name: &Path) -> Option<PathBuf> {
    places(name).into_iter().find(|file| file.is_file())
}

/// The text of a shipped playbook. Only a bare name, or the name as it stands in the source tree, means one.
fn shipped_text(name: &Path) -> Option<(&'static str, &'static str)> {
    let bare = name.strip_prefix("playbooks").unwrap_or(name);
    let wanted = bare.to_str()?;
    let wanted = wanted.strip_suffix(".rhai").unwrap_or(wanted);
    SHIPPED.into_iter().find(|(name, _)| *name == wanted)
}

fn places(name: &Path) -> Vec<PathBuf> {
    let mut places = vec![name.to_owned()];
    if name.components().count() == 1 {
        let inside = Path::new("playbooks").join(name);
        places.push(inside.with_extension("rhai"));
    }
    places
}

fn unknown(name: &Path) -> String {
    let wanted = crate::model::text::one_line(&name.display().to_string());
    let stem = name.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let known: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).chain(beside(name)).collect();
    match nearest(&stem, known.iter().map(String::as_str)) {
        Some(near) => format!("there is no playbook {wanted}; did you mean {near}?"),
        None => {
            format!("there is no playbook {wanted}: it is no file, and the shipped ones are {}", SHIPPED.map(|(name, _)| name).join(" "))
        }
    }
}

/// The playbooks in the directory that was named, and in `playbooks/`.
fn beside(name: &Path) -> Vec<String> {
    let named = name.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = [named, Path::new("playbooks")].into_iter().filter_map(|directory| std::fs::read_dir(directory).ok()).flatten();
    let files =
        files.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|extension| extension == "rhai"));
    files.map(|path| path.with_extension("").to_string_lossy().trim_start_matches("./").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_playbooks_are_found_by_name_anywhere() {
        for name in ["metallb-flow", "metallb-flow.rhai", "playbooks/metallb-flow.rhai"] {
            assert!(shipped_text(Path::new(name)).is_some(), "{name}");
        }
        for name in ["/etc/metallb-flow.rhai", "other/metallb-flow", ""] {
            assert!(shipped_text(Path::new(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn every_shipped_playbook_loads() {
        for (name, text) in SHIPPED {
            let playbook = read(name, text.to_owned()).unwrap_or_else(|broken| panic!("{broken}"));
            assert_eq!(playbook.header.name, name);
        }
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        assert!(unknown(Path::new("metalb-flow")).contains("did you mean metallb-flow?"));
        assert!(unknown(Path::new("/tmp/metalb-flow.rhai")).contains("metallb-flow"));
        assert!(unknown(Path::new("zzz")).contains("the shipped ones are metallb-flow"));
    }
}
