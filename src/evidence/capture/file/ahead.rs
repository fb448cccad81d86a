//! A capture file that is read ahead by a thread of its own, as far as a few batches: several files are read side by side.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use std::vec::IntoIter;

use super::{CaptureFile, FilePoint};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::Interrupt;
use crate::evidence::panicked;
use crate::model::headers::{Headers, Hidden};

/// Packets that are handed over at once, and batches that wait.
const BATCH: usize = 256;
const WAITING: usize = 8;
/// How often it is looked whether the reading was interrupted.
const LOOK: Duration = Duration::from_millis(50);

/// A packet of a file, without its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// Its place among the file's points.
    pub point: usize,
    /// Its number in the file, from 1.
    pub number: u64,
    /// Nanoseconds since the epoch by the file.
    pub at: i64,
    /// As [`Frame::headers`](super::Frame::headers) gives them.
    pub headers: Result<Headers, Option<Hidden>>,
}

/// A file that is read ahead.
pub struct AheadFile {
    batches: Receiver<Batch>,
    now: IntoIter<Glance>,
    points: Vec<FilePoint>,
    broken: Option<EvidenceError>,
    name: String,
    interrupt: Interrupt,
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
    pub fn open(path: &Path, interrupt: Interrupt) -> Result<Self, EvidenceError> {
        let name = path.display().to_string();
        let file = CaptureFile::open(path)?;
        Ok(Self::ahead(&name, interrupt, move |give| read(file, give)))
    }

    /// Reads on a thread of its own. It ends with the file, or when nobody takes what it gives any more; a panic of it is what the file
    /// is broken by, never its silent end.
    fn ahead(name: &str, interrupt: Interrupt, read: impl FnOnce(&SyncSender<Batch>) + Send + 'static) -> Self {
        let (give, batches) = sync_channel(WAITING);
        let operation = format!("read {name}");
        std::thread::spawn(move || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| read(&give))) {
                let broken = EvidenceError::new(ErrorKind::Garbled, operation, panicked::message(&*payload));
                let _ = give.send(Batch { glances: Vec::new(), points: None, broken: Some(broken) });
            }
        });
        Self { batches, now: Vec::new().into_iter(), points: Vec::new(), broken: None, name: name.to_owned(), interrupt }
    }

    /// The next packet; `None` at the end, where the file is broken, or when the interrupt came.
    pub fn advance(&mut self) -> Option<Glance> {
        loop {
            if let Some(glance) = self.now.next() {
                return Some(glance);
            }
            if self.interrupt.reason().is_some() {
                self.broken.get_or_insert_with(|| {
                    EvidenceError::new(ErrorKind::Interrupted, format!("read {}", self.name), "it was interrupted, and not read to its end")
                });
                return None;
            }
            let batch = match self.batches.recv_timeout(LOOK) {
                Ok(batch) => batch,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return None,
            };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::interrupt::Reason;

    #[test]
    fn a_panic_of_the_reader_is_no_silent_end_of_its_file() {
        let glance = Glance { point: 0, number: 1, at: 0, headers: Err(None) };
        let mut file = AheadFile::ahead("x.pcap", Interrupt::default(), move |give| {
            give.send(Batch { glances: vec![glance], points: None, broken: None }).unwrap();
            std::panic::panic_any("it makes no sense");
        });
        assert!(file.advance().is_some(), "what was read before is told");
        assert!(file.advance().is_none());
        let broken = file.broken().map(ToString::to_string).unwrap_or_default();
        assert!(broken.contains("read x.pcap") && broken.contains("it makes no sense"), "{broken}");
    }

    #[test]
    fn a_reader_that_waits_for_ever_ends_with_the_interrupt() {
        let interrupt = Interrupt::default();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let mut file = AheadFile::ahead("x.pcap", interrupt.clone(), move |_| {
            let _ = held.recv();
        });
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            interrupt.set(Reason::Signal);
        });
        assert!(file.advance().is_none());
        assert!(file.broken().is_some_and(|broken| broken.kind == ErrorKind::Interrupted));
        drop(hold);
    }
}
