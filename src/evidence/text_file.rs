//! Text files that a person names: a playbook, its parameters, a site. Small ones: what is larger is another file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of such a file.
const MOST: u64 = 1 << 20;

/// The whole text.
///
/// # Errors
/// When it cannot be read, is no text, or is larger than 1 MiB.
pub fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let bytes = File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes <= MOST) {
        return Ok(text);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is larger than {} MiB", MOST >> 20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_the_bound_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let most = usize::try_from(MOST).unwrap();
        for (bytes, read_well) in [(0, true), (most, true), (most + 1, false)] {
            std::fs::write(file.path(), "x".repeat(bytes)).unwrap();
            assert_eq!(read(file.path()).map(|text| text.len()).ok(), read_well.then_some(bytes));
        }
        // One that never ends.
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("larger than 1 MiB"));
    }
}
