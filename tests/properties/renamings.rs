//! The same world with other names: the same verdict, with the names changed in it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Names that mean nothing, and what they become.
pub(super) const NAMES: [(&str, &[(&str, &str)]); 4] = [
    ("interfaces", &[("mlb", "bond7"), ("eth0", "enp3s0f1")]),
    ("the CNI's interfaces", &[("vxlan.calico", "flannel.9"), ("cni0", "br-pods")]),
    ("clients", &[("c1", "web-north"), ("c2", "zz-south")]),
    ("the workload and its namespace", &[("stacklight", "monitoring"), ("iam-proxy-alertmanager", "am-gate")]),
];

/// The recording with other names, in that folder.
pub(super) fn renamed(recording: &Path, names: &[(&str, &str)], folder: &Path) -> std::io::Result<PathBuf> {
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(recording)?).read_to_string(&mut text)?;
    for (old, new) in names {
        text = replaced(&text, old, new);
    }
    let path = folder.join(recording.file_name().unwrap_or_default());
    let mut file = GzEncoder::new(std::fs::File::create(&path)?, Compression::fast());
    file.write_all(text.as_bytes())?;
    file.finish()?;
    Ok(path)
}

/// A name where it stands alone, or before a hyphen of what is named after it.
pub(super) fn replaced(text: &str, old: &str, new: &str) -> String {
    let letter = |character: Option<char>| character.is_some_and(|character| character.is_alphanumeric() || character == '_');
    let in_mac = |before: &str, after: &str| after.starts_with(':') || (before.ends_with(':') && !before.ends_with("ssh:"));
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        // An escape of JSON ends in a letter before a name that begins a line.
        let escaped = before.ends_with("\\n") || before.ends_with("\\t");
        let alone =
            (escaped || !letter(before.chars().next_back())) && !letter(after.chars().next()) && (old.len() > 2 || !in_mac(before, after));
        out.push_str(before);
        out.push_str(if alone { new } else { old });
        rest = after;
    }
    out.push_str(rest);
    out
}
