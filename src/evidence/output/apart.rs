//! No output is an input, and no two outputs are one: by whatever name, link or descriptor.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::behind_links;

/// Something that is read or written, with the option that names it as people type it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub option: String,
    pub path: PathBuf,
}

impl Named {
    /// A file by its option.
    #[must_use]
    pub fn new(option: &str, path: &Path) -> Self {
        Self { option: format!("{option} {}", path.display()), path: path.to_owned() }
    }
}

/// What makes two names one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    /// Device and number of what is there.
    There(u64, u64),
    /// The directory, and the name of what is not there yet: where case does not count, two names that differ in it alone are one.
    New(u64, u64, OsString),
}

/// Refuses an output that is an input, or another output, or lies where packets are to be written.
///
/// # Errors
/// Names the two options.
pub fn apart(inputs: &[Named], outputs: &[Named], packets: Option<&Named>) -> Result<(), String> {
    let known: Vec<(&Named, BTreeSet<Identity>)> = outputs.iter().map(|output| (output, identities(&output.path))).collect();
    for (place, (output, whose)) in known.iter().enumerate() {
        if let Some(input) = inputs.iter().find(|input| !identities(&input.path).is_disjoint(whose)) {
            return Err(format!("{} would overwrite what is read by {}: they are one file; name another", output.option, input.option));
        }
        let others = known.iter().take(place);
        if let Some((other, _)) = others.into_iter().find(|(_, other)| !other.is_disjoint(whose)) {
            return Err(format!("{} and {} would be written into one file; name another", other.option, output.option));
        }
        let Some(packets) = packets else { continue };
        let directory = identities(&packets.path);
        let inside = !identities(parent(&output.path)).is_disjoint(&directory);
        if inside || !directory.is_disjoint(whose) {
            return Err(format!(
                "{} lies in the directory of {}, which holds nothing but packets; name another",
                output.option, packets.option
            ));
        }
    }
    if let Some(packets) = packets
        && let Some(input) = inputs.iter().find(|input| !identities(&input.path).is_disjoint(&identities(&packets.path)))
    {
        return Err(format!("{} would overwrite what is read by {}; name another", packets.option, input.option));
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn identities(path: &Path) -> BTreeSet<Identity> {
    let mut all = BTreeSet::new();
    if let Ok(there) = fs::metadata(path) {
        all.extend(holds_data(&there).then(|| Identity::There(there.dev(), there.ino())));
        return all;
    }
    let Ok(path) = behind_links(path) else { return all };
    if let (Ok(directory), Some(name)) = (fs::metadata(parent(&path)), path.file_name()) {
        all.insert(Identity::New(directory.dev(), directory.ino(), name.to_string_lossy().to_lowercase().into()));
    }
    all
}

/// Terminals and `/dev/null` may be read and written by everybody at once.
fn holds_data(there: &Metadata) -> bool {
    let kind = there.file_type();
    kind.is_file() || kind.is_dir() || kind.is_fifo() || kind.is_block_device()
}
