//! The shapes of those answers that a recording keeps in another form than the trait gives them.

use serde::{Deserialize, Serialize};

use crate::evidence::error::EvidenceError;
use crate::model::capture::{Capture, CaptureEnd};

/// Most lines of one log that a recording keeps.
pub(super) const MOST_LINES: usize = 20_000;

/// Most bytes of one log that a recording keeps. Speakers' lines have 200 bytes; those that strangers write may have as many as they like.
const MOST_LOG_BYTES: usize = 16 << 20;

/// A log: the lines that mattered to whoever read it, and how it ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct LogAnswer {
    pub(super) kept: Vec<String>,
    /// All lines that were read.
    pub(super) lines: u64,
    /// Lines that mattered and are not here, because there were more than a recording keeps.
    pub(super) lost: u64,
    pub(super) error: Option<EvidenceError>,
    /// Bytes of the kept lines.
    #[serde(skip)]
    bytes: usize,
}

impl LogAnswer {
    /// A log of which nothing is kept.
    pub(super) fn not_kept(error: EvidenceError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    pub(super) fn keep(&mut self, line: &str) {
        if self.lost == 0 && self.kept.len() < MOST_LINES && self.bytes + line.len() <= MOST_LOG_BYTES {
            self.bytes += line.len();
            self.kept.push(line.to_owned());
        } else {
            self.lost += 1;
        }
    }
}

/// The life of a capture, as far as it came.
#[derive(Debug, Deserialize)]
pub(super) struct CaptureAnswer {
    pub(super) open: Result<(), EvidenceError>,
    /// What the first wait said; `None` when nobody waited.
    pub(super) listening: Option<Result<String, EvidenceError>>,
    /// `None` when it was dropped.
    pub(super) stop: Option<Result<Capture, EvidenceError>>,
}

/// The same as it is kept: a capture's packets are not copied for it.
#[derive(Serialize)]
pub(super) struct CaptureLife<'a> {
    pub(super) open: Result<(), EvidenceError>,
    pub(super) listening: Option<Result<String, EvidenceError>>,
    pub(super) stop: Option<&'a Result<Capture, EvidenceError>>,
}

/// How a capture ended, for the list of what was touched.
pub(super) fn ending(end: &CaptureEnd) -> String {
    match end {
        CaptureEnd::Stopped => "ok".to_owned(),
        CaptureEnd::Bounded(bound) => format!("ended by its bound: {bound}"),
        CaptureEnd::Broken(why) => format!("broke: {why}"),
    }
}
