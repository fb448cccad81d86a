//! A text of the user's own that is written anew in its place: whole or not at all, and with the permissions that it had.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::Output;

/// Writes a file that is there already.
///
/// # Errors
/// When it is not there, or cannot be written.
pub fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one: what it leads to is written.
    let target = fs::canonicalize(path)?;
    let permissions = fs::metadata(&target)?.permissions();
    let mut output = Output::create_file(&target)?;
    output.write_all(text.as_bytes())?;
    output.finish()?;
    fs::set_permissions(&target, permissions)
}

/// Writes a new file, which everybody may read that the user's own settings let read.
///
/// # Errors
/// When there is one of that name already, or it cannot be written.
pub fn create_new(path: &Path, text: &str) -> io::Result<()> {
    create_new_bytes(path, text.as_bytes())
}

/// As `create_new`, of what is no text.
///
/// # Errors
/// As `create_new`.
pub fn create_new_bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn permissions_and_links_stay() {
        let place = tempfile::tempdir().unwrap();
        let (file, link) = (place.path().join("a.rhai"), place.path().join("link.rhai"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        rewrite(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(rewrite(&place.path().join("none"), "").is_err());
    }

    #[test]
    fn a_new_file_replaces_none() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.rhai");
        create_new(&file, "one").unwrap();
        assert_eq!(create_new(&file, "two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
    }
}
