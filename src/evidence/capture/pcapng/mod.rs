//! Captured packets as files for Wireshark: one pcapng a capture point, written while it captures, and one of all together.
//!
//! Packets' headers go straight from the stream into these files and nowhere else: neither the run nor its recording holds
//! them as bytes. The files are private, and what a capture may hold bounds them.

mod blocks;
mod merged;
mod point;

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::output::private;
use crate::evidence::side_by_side::lock;
use crate::model::capture::CaptureRequest;
use crate::model::clock::ClockOffset;
use crate::model::text::one_line;
pub(in crate::evidence::capture) use point::PointFile;

/// The name of the file with the packets of all points.
pub const MERGED: &str = "merged.pcapng";
/// Longest part of a file's name that stands for its place. Bytes.
const LONGEST_NAME: usize = 80;

/// The directory of one run's files.
pub struct PcapDirectory {
    path: PathBuf,
    /// What ran, for the files' comments.
    run: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    points: Vec<Point>,
    /// The first thing that went wrong.
    failed: Option<EvidenceError>,
}

/// A capture point with its file.
#[derive(Clone, Debug)]
struct Point {
    file: PathBuf,
    /// `n2/mlb`
    name: String,
    /// Whose clock stamped the packets.
    host: String,
    filter: String,
    snaplen: u32,
    link_type: u32,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Files of capture points.
    pub points: usize,
    /// Packets in the file of all points.
    pub packets: u64,
}

impl PcapDirectory {
    /// Makes the directory, private. One that exists has to be empty, so that the packets of two runs are never mixed.
    ///
    /// # Errors
    /// When it cannot be made or is not empty.
    pub fn create(path: &Path, run: &str) -> Result<Arc<Self>, EvidenceError> {
        let refused = |reason: String| EvidenceError::new(ErrorKind::Forbidden, format!("use {} for packets", path.display()), reason);
        match std::fs::read_dir(path) {
            Ok(entries) => {
                if entries.take(1).count() > 0 {
                    return Err(refused("it is not empty".to_owned()).hint("name a directory that does not exist yet"));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().mode(0o700).create(path).map_err(|error| refused(error.to_string()))?;
            }
            Err(error) => return Err(refused(error.to_string())),
        }
        let run = format!("{run}, began {}", Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ"));
        let directory = Self { path: path.to_owned(), run, state: Mutex::default() };
        // Tried now: after a run that cannot be repeated is too late to learn that nothing may be written here.
        let trial = directory.path.join(MERGED);
        private(&trial).and_then(|_| std::fs::remove_file(&trial)).map_err(|error| refused(error.to_string()))?;
        Ok(Arc::new(directory))
    }

    /// Closes the run: writes the file of all points, in the order of time by our clock, as far as the hosts' clocks were
    /// compared with it.
    ///
    /// # Errors
    /// When any of the files could not be written.
    pub fn finish(&self, clocks: &[ClockOffset]) -> Result<Written, EvidenceError> {
        let (points, failed) = {
            let state = lock(&self.state);
            (state.points.clone(), state.failed.clone())
        };
        if let Some(failed) = failed {
            return Err(failed);
        }
        let file = self.path.join(MERGED);
        let packets = merged::write(&file, &self.run, &points, clocks).map_err(|error| unwritten(&file, &error))?;
        Ok(Written { points: points.len(), packets })
    }

    /// Opens the file of one capture point, once its link type is known. `None` when it cannot be; `finish` says why.
    fn point(&self, request: &CaptureRequest, interface: &str, link_type: u32) -> Option<(File, Point)> {
        let mut state = lock(&self.state);
        let number = state.points.len() + 1;
        let name = one_line(&format!("{}/{interface}", request.place));
        let file = self.path.join(format!("{number:02}-{}.pcapng", file_name(&name)));
        match private(&file) {
            Ok(opened) => {
                let point = Point {
                    file,
                    name,
                    host: request.place.host().name.clone(),
                    filter: request.filter.clone(),
                    snaplen: request.snaplen,
                    link_type,
                };
                state.points.push(point.clone());
                Some((opened, point))
            }
            Err(error) => {
                state.failed.get_or_insert(unwritten(&file, &error));
                None
            }
        }
    }

    fn failed(&self, file: &Path, error: &io::Error) {
        lock(&self.state).failed.get_or_insert(unwritten(file, error));
    }
}

fn unwritten(file: &Path, error: &io::Error) -> EvidenceError {
    EvidenceError::new(ErrorKind::Forbidden, format!("write {}", file.display()), error)
}

/// A place's name as a part of a file's name.
fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    name.chars().map(safe).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests;
