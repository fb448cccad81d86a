//! Files that a person names, or that a configuration names: a playbook, its parameters, a site, a kubeconfig, keys, known hosts. Small ones:
//! what is larger is another file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of such a file.
const MOST: u64 = 1 << 20;

/// Bytes of a file that holds a line for each of many things: hosts, users, clusters.
pub const MOST_OF_A_LIST: u64 = 8 << 20;

/// The whole text.
///
/// # Errors
/// When it cannot be read, is no text, or is larger than 1 MiB.
pub fn read(path: &Path) -> io::Result<String> {
    read_from(File::open(path)?)
}

/// As `read`, of what is open already, such as standard input.
///
/// # Errors
/// As `read`.
pub fn read_from(text: impl Read) -> io::Result<String> {
    let bytes = bytes_from(text, MOST)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

/// The whole file, of at most so many bytes.
///
/// # Errors
/// When it cannot be read or is larger.
pub fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    bytes_from(File::open(path)?, most)
}

fn bytes_from(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is larger than {} MiB", most >> 20)))
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
