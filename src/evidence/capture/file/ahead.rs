//! A capture file that is read ahead by a thread of its own, as far as a few batches: several files are read side by side.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::vec::IntoIter;

use super::{CaptureFile, FilePoint};
use crate::evidence::error::EvidenceError;
use crate::model::headers::Headers;

/// Packets that are handed over at once, and batches that wait.
const BATCH: usize = 256;
const WAITING: usize = 8;

/// A packet of a file, without its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// Its place among the file's points.
    pub point: usize,
    /// Its number in the file, from 1.
    pub number: u64,
    /// Nanoseconds since the epoch by the file.
    pub at: i64,
    /// `None` for what is no IP packet.
    pub headers: Option<Headers>,
}

/// A file that is read ahead.
pub struct AheadFile {
    batches: Receiver<Batch>,
    now: IntoIter<Glance>,
    points: Vec<FilePoint>,
    broken: Option<EvidenceError>,
}

/// What is handed over.
struct Batch {
    glances: Vec<Glance>,
    /// All points so far, when there are more than before or the file has ended.
    points: Option<Vec<FilePoint>>,
    broken: Option<EvidenceError>,
}

impl AheadFile {
    /// Opens a file as [`CaptureFile::open`] does, and begins to read.
    ///
    /// # Errors
    /// When it cannot be read, or is no capture.
    pub fn open(path: &Path) -> Result<Self, EvidenceError> {
        let file = CaptureFile::open(path)?;
        let (give, batches) = sync_channel(WAITING);
        // Ends with the file, or when nobody takes what it gives any more.
        std::thread::spawn(move || read(file, &give));
        Ok(Self { batches, now: Vec::new().into_iter(), points: Vec::new(), broken: None })
    }

    /// The next packet; `None` at the end, or where the file is broken.
    pub fn advance(&mut self) -> Option<Glance> {
        loop {
            if let Some(glance) = self.now.next() {
                return Some(glance);
            }
            let batch = self.batches.recv().ok()?;
            self.now = batch.glances.into_iter();
            if let Some(points) = batch.points {
                self.points = points;
            }
            self.broken = batch.broken.or(self.broken.take());
        }
    }

    /// The points that are known so far.
    #[must_use]
    pub fn points(&self) -> &[FilePoint] {
        &self.points
    }

    /// Why the file could not be read to its end, once it was read as far as it can be.
    #[must_use]
    pub fn broken(&self) -> Option<&EvidenceError> {
        self.broken.as_ref()
    }
}

fn read(mut file: CaptureFile, give: &SyncSender<Batch>) {
    let mut known = 0;
    loop {
        let mut glances = Vec::with_capacity(BATCH);
        let mut broken = None;
        while glances.len() < BATCH {
            match file.advance() {
                Ok(Some(frame)) => {
                    glances.push(Glance { point: frame.point, number: frame.number, at: frame.at, headers: frame.headers() });
                }
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        let ended = glances.len() < BATCH;
        // At the end once more: counts of what the capture lost stand there.
        let points = (ended || file.points().len() > known).then(|| file.points().to_vec());
        known = file.points().len();
        if give.send(Batch { glances, points, broken }).is_err() || ended {
            return;
        }
    }
}
