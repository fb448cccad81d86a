//! A file that somebody looks at and that stays until it is removed: of a name that nobody else can have chosen, and its owner's alone.

use std::io::{self, Write};
use std::path::PathBuf;

/// Writes a new file into the directory for temporary ones, readable by its owner alone.
///
/// # Errors
/// When it cannot be made or written; nothing of it is left then.
pub fn written(begin: &str, end: &str, text: &str) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix(begin).suffix(end).tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    file.into_temp_path().keep().map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::written;

    #[test]
    fn its_owner_alone_may_read_it_and_no_two_are_one() {
        let (one, other) = (written("lbdiag-", ".html", "a").unwrap(), written("lbdiag-", ".html", "b").unwrap());
        assert_ne!(one, other);
        assert_eq!(std::fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&one).unwrap(), "a");
        for file in [one, other] {
            std::fs::remove_file(file).unwrap();
        }
    }
}
