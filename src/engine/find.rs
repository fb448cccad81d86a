//! Finding a playbook: a file, or the name of one that is shipped inside the binary.

use std::path::{Path, PathBuf};

use super::library::Folders;
use crate::evidence::text_file;
use crate::language::header::Header;
use crate::language::playbook::{Broken, Origin, Playbook, read_with};
use crate::language::read_header;
use crate::model::diagnostic::{Diagnostic, Source, codes};
use crate::model::nearest::nearest;

/// The playbooks that work anywhere, by name.
const SHIPPED: [(&str, &str); 12] = [
    ("metallb-flow", include_str!("../../playbooks/metallb-flow.rhai")),
    ("doctor", include_str!("../../playbooks/doctor.rhai")),
    ("announcements", include_str!("../../playbooks/announcements.rhai")),
    ("service-static", include_str!("../../playbooks/service-static.rhai")),
    ("all-services", include_str!("../../playbooks/all-services.rhai")),
    ("before-drain", include_str!("../../playbooks/before-drain.rhai")),
    ("after-change", include_str!("../../playbooks/after-change.rhai")),
    ("node-ready-for-metallb", include_str!("../../playbooks/node-ready-for-metallb.rhai")),
    ("certificates", include_str!("../../playbooks/certificates.rhai")),
    ("mtu", include_str!("../../playbooks/mtu.rhai")),
    ("client-path", include_str!("../../playbooks/client-path.rhai")),
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
        if let Some(what) = something_else(&file) {
            return Err(Refusal::Unknown(what));
        }
        let mut playbook = read_file(&file).map_err(Refusal::Broken)?;
        // A name alone means the shipped one as well: which of the two runs is told.
        if name.components().count() == 1 && shipped_text(name).is_some() {
            playbook.origin = Origin::InPlaceOfShipped;
        }
        return Ok(playbook);
    }
    match shipped_text(name) {
        Some((name, text)) => read_with(&format!("{name}.rhai"), text.to_owned(), &Folders::default())
            .map(|playbook| Playbook { origin: Origin::Shipped, ..playbook })
            .map_err(Refusal::Broken),
        None => Err(Refusal::Unknown(unknown(name))),
    }
}

/// What a file is that is none of a playbook's, by its name, and what takes it.
#[must_use]
pub fn something_else(file: &Path) -> Option<String> {
    let shown = crate::model::text::one_line(&file.display().to_string());
    let ends = |end: &str| file.file_name().is_some_and(|name| name.to_string_lossy().ends_with(end));
    if ends(".world") {
        Some(format!("{shown} is a world, and no playbook: `lbdiag run PLAYBOOK --world {shown}` looks at it"))
    } else if ends(".lbdiag") {
        Some(format!("{shown} is a recording, and no playbook: `lbdiag run PLAYBOOK --replay {shown}` takes its answers"))
    } else if ends(".tests.yaml") {
        Some(format!("{shown} has the tests of a playbook, and is none: `lbdiag test {shown}` runs them"))
    } else {
        None
    }
}

/// Reads a playbook's file.
///
/// # Errors
/// When the file cannot be read, its header or syntax is wrong, or it uses words that it may not.
pub fn load(path: &Path) -> Result<Playbook, Broken> {
    let mut playbook = read_file(path)?;
    if playbook.lacking.is_empty() { Ok(playbook) } else { Err(Broken { diagnostics: std::mem::take(&mut playbook.lacking) }) }
}

/// As `load`, where the site's library may still have what is imported.
fn read_file(path: &Path) -> Result<Playbook, Broken> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| Broken {
        diagnostics: vec![Diagnostic::new(codes::UNREADABLE, None, format!("read playbook {shown}: {error}"))],
    };
    read_with(&shown, text_file::read(path).map_err(unreadable)?, &Folders::beside(path))
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
    let whole = || {
        let mut whole = name.as_os_str().to_owned();
        whole.push(".rhai");
        PathBuf::from(whole)
    };
    if name.components().count() > 1 {
        places.push(whole());
    } else {
        let inside = Path::new("playbooks").join(name);
        places.push(inside.with_extension("rhai"));
        // A shipped one is meant by its name, unless its file stands in `playbooks/`.
        if shipped_text(name).is_none() {
            places.push(whole());
        }
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
    fn what_is_no_playbook_is_told_with_what_takes_it() {
        for (name, piece) in [("a/b.world", "--world"), ("b.lbdiag", "--replay"), ("b.tests.yaml", "lbdiag test")] {
            assert!(something_else(Path::new(name)).is_some_and(|what| what.contains(piece)), "{name}");
        }
        assert_eq!(something_else(Path::new("a.rhai")), None);
    }

    #[test]
    fn the_ending_may_be_left_out() {
        assert!(file(Path::new("./examples/who-announces")).is_some() && file(Path::new("./examples/who-announce")).is_none());
    }

    #[test]
    fn every_shipped_playbook_loads() {
        for (name, text) in SHIPPED {
            let playbook = read_with(name, text.to_owned(), &Folders::default()).unwrap_or_else(|broken| panic!("{broken}"));
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
