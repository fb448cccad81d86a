//! What a recording holds, for people: nothing is replayed.

use std::path::Path;

use serde_json::Value;

use super::answer::{CaptureAnswer, LogAnswer};
use super::file;
use super::manifest::Manifest;
use super::question::Channel;
use super::tape::Entry;
use crate::evidence::cluster::List;
use crate::evidence::error::EvidenceError;
use crate::evidence::host::Output;
use crate::model::clock::ClockOffset;

/// A recording that is looked into.
pub struct Contents {
    pub manifest: Manifest,
    /// In the order of the file, which is that of asking.
    pub held: Vec<Held>,
}

/// One question that it has an answer to.
pub struct Held {
    pub at_ms: u64,
    pub took_ms: u64,
    /// Where the question went, as the format calls it.
    pub channel: String,
    /// The question as JSON.
    pub question: String,
    /// `ok`, or the error.
    pub result: String,
    /// Bytes of the answer's JSON.
    pub bytes: usize,
    /// Why the answer cannot be read, when it cannot.
    pub unreadable: Option<String>,
}

impl Contents {
    /// Reads a recording and looks at every answer.
    ///
    /// # Errors
    /// When the file cannot be read or is no recording that this version understands.
    pub fn read(path: &Path) -> Result<Self, EvidenceError> {
        let (manifest, entries) = file::read(path)?;
        Ok(Self { manifest, held: entries.iter().map(held).collect() })
    }
}

fn held(entry: &Entry) -> Held {
    let channel = serde_json::to_value(entry.asked.channel).ok().and_then(|name| name.as_str().map(str::to_owned));
    Held {
        at_ms: entry.at_ms,
        took_ms: entry.took_ms,
        channel: channel.unwrap_or_default(),
        question: entry.asked.text.clone(),
        result: entry.result.clone(),
        bytes: entry.answer.unfolded(),
        unreadable: readable(entry).err().map(|error| error.to_string()),
    }
}

/// Whether the answer has its channel's shape, as a replay would read it.
fn readable(entry: &Entry) -> Result<(), serde_json::Error> {
    let answer = &entry.answer;
    match entry.asked.channel {
        Channel::Get => answer.parsed::<Result<Option<Value>, EvidenceError>>().map(drop),
        Channel::List => answer.parsed::<Result<List, EvidenceError>>().map(drop),
        Channel::Log | Channel::Metrics => answer.parsed::<LogAnswer>().map(drop),
        Channel::May => answer.parsed::<Result<bool, EvidenceError>>().map(drop),
        Channel::Run => answer.parsed::<Result<Output, EvidenceError>>().map(drop),
        Channel::Sweep => answer.parsed::<Vec<(String, Result<(), EvidenceError>)>>().map(drop),
        Channel::Capture => answer.parsed::<CaptureAnswer>().map(drop),
        Channel::Clock => answer.parsed::<u64>().map(drop),
        Channel::HostClock => answer.parsed::<Result<ClockOffset, EvidenceError>>().map(drop),
    }
}
