//! The playbooks of a folder, or other files by their ending: all in it and in the folders below, in the order of their names.

use std::io;
use std::path::{Path, PathBuf};

/// Files that are looked for at most, and folders below one another.
const MOST: usize = 10_000;
const DEEPEST: usize = 32;

/// Its playbooks. Hidden files and folders are somebody else's, and links to folders are not followed.
///
/// # Errors
/// When a folder cannot be read, or holds too many files or folders one in another.
pub fn playbooks(folder: &Path) -> io::Result<Vec<PathBuf>> {
    files(folder, ".rhai")
}

/// Its files whose names end so.
///
/// # Errors
/// As `playbooks`.
pub(super) fn files(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    gather(folder, ending, 0, &mut found)?;
    Ok(found)
}

fn gather(folder: &Path, ending: &str, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("read the folder {}: {error}", folder.display()));
    if depth > DEEPEST {
        return Err(io::Error::other(format!("{} is more than {DEEPEST} folders deep", folder.display())));
    }
    let mut entries = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(told)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries.into_iter().filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')) {
        let (path, kind) = (entry.path(), entry.file_type().map_err(told)?);
        if kind.is_dir() {
            gather(&path, ending, depth + 1, found)?;
        } else if entry.file_name().to_string_lossy().ends_with(ending) {
            if found.len() == MOST {
                return Err(io::Error::other(format!("there are more than {MOST} such files in it")));
            }
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playbooks_are_found_below_and_nothing_else_is() {
        let place = tempfile::tempdir().unwrap();
        for name in ["b.rhai", "a/z.rhai", "a/deeper/y.rhai", ".git/x.rhai", "a/.hidden.rhai", "notes.md", "rhai"] {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(place.path(), place.path().join("a/round")).unwrap();
        let found = playbooks(place.path()).unwrap();
        let names: Vec<&Path> = found.iter().map(|path| path.strip_prefix(place.path()).unwrap()).collect();
        assert_eq!(names, ["a/deeper/y.rhai", "a/z.rhai", "b.rhai"].map(Path::new));
        let error = playbooks(&place.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("read the folder") && error.contains("none"), "{error}");
    }

    #[test]
    fn folders_without_an_end_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let deep = (0..=DEEPEST + 1).fold(place.path().to_owned(), |path, _| path.join("d"));
        std::fs::create_dir_all(deep).unwrap();
        assert!(playbooks(place.path()).unwrap_err().to_string().contains("folders deep"));
    }
}
