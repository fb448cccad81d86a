//! One file: JSON lines under gzip. The first line is the manifest, each further line one question with its answer.
//!
//! The file is private to its owner, and is there whole or not at all.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::kept::Kept;
use super::manifest::{FORMAT, Manifest, VERSION};
use super::question::{Asked, Channel};
use super::tape::{Entry, Tape};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::output::Output;
use crate::model::text::escaped_json;

/// Bytes that a recording may unfold to. A bomb ends here.
const MOST_BYTES: u64 = 256 << 20;

/// An entry as a line is read. The names are short because there may be thousands.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "c")]
    channel: Channel,
    #[serde(rename = "q")]
    question: Box<RawValue>,
    #[serde(rename = "n", default)]
    occurrence: u32,
    #[serde(rename = "at")]
    at_ms: u64,
    #[serde(rename = "took")]
    took_ms: u64,
    #[serde(rename = "r")]
    result: String,
    #[serde(rename = "a")]
    answer: Box<RawValue>,
}

/// The same as it is written, without its answer, which comes last.
#[derive(Serialize)]
struct Head<'a> {
    #[serde(rename = "c")]
    channel: Channel,
    #[serde(rename = "q")]
    question: &'a RawValue,
    #[serde(rename = "n")]
    occurrence: u32,
    #[serde(rename = "at")]
    at_ms: u64,
    #[serde(rename = "took")]
    took_ms: u64,
    #[serde(rename = "r")]
    result: &'a str,
}

/// Enough of a manifest to say what a file is.
#[derive(Deserialize)]
struct Label {
    format: String,
    version: u32,
}

/// Writes what the tape kept. The file appears whole, readable by its owner alone; one of that name is replaced.
///
/// # Errors
/// When the folder cannot be written, or something other than a file has that name.
pub fn write(path: &Path, manifest: &Manifest, tape: &Tape) -> Result<(), EvidenceError> {
    let failed = |error: io::Error| {
        EvidenceError::new(ErrorKind::Garbled, format!("write recording {}", path.display()), error)
            .hint("choose another file with --record")
    };
    Output::create_file(path).and_then(|output| write_whole(output, manifest, tape)).map_err(failed)
}

fn write_whole(output: Output, manifest: &Manifest, tape: &Tape) -> io::Result<()> {
    // No time and no name in the gzip header: the same run gives the same bytes.
    let mut gzip = GzBuilder::new().write(output, Compression::best());
    gzip.write_all(escaped_json(&serde_json::to_string(manifest)?).as_bytes())?;
    gzip.write_all(b"\n")?;
    for entry in tape.entries() {
        write_entry(&mut gzip, &entry)?;
    }
    gzip.finish()?.finish()
}

fn write_entry(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    let question: &RawValue = serde_json::from_str(&entry.asked.text)?;
    let Entry { occurrence, at_ms, took_ms, ref result, .. } = *entry;
    let head = escaped_json(&serde_json::to_string(&Head { channel: entry.asked.channel, question, occurrence, at_ms, took_ms, result })?);
    // The answer is unpacked into the line, so that it is never there as one text.
    out.write_all(head.strip_suffix('}').unwrap_or(&head).as_bytes())?;
    out.write_all(b",\"a\":")?;
    entry.answer.write(out)?;
    out.write_all(b"}\n")
}

/// Reads a recording.
///
/// # Errors
/// `NotFound` when there is no such file; `Garbled` when it is no recording, was cut off or changed, comes from a newer
/// lbdiag, or unfolds to more than 256 MiB.
pub(super) fn read(path: &Path) -> Result<(Manifest, Vec<Entry>), EvidenceError> {
    read_at_most(path, MOST_BYTES)
}

fn read_at_most(path: &Path, most: u64) -> Result<(Manifest, Vec<Entry>), EvidenceError> {
    let refuse = Refusal { path };
    let file = File::open(path).map_err(|error| refuse.io(&error))?;
    let mut lines = Lines { source: BufReader::new(GzDecoder::new(BufReader::new(file)).take(most + 1)), read: 0, most, refuse };
    let first = lines.next()?.ok_or_else(|| refuse.because("it is empty", "record again"))?;
    let manifest = read_manifest(&first, refuse)?;
    let mut entries = Vec::new();
    while let Some(text) = lines.next()? {
        let line: Line = serde_json::from_str(&text).map_err(|error| {
            refuse.because(&format!("entry {} makes no sense: {error}", entries.len() + 1), "the file was changed after it was recorded")
        })?;
        let question = serde_json::from_str(line.question.get()).map_err(|error| refuse.because(&error.to_string(), ""))?;
        let Line { channel, occurrence, at_ms, took_ms, result, answer, .. } = line;
        let answer = Kept::of_text(answer).map_err(|error| refuse.because(&error.to_string(), ""))?;
        entries.push(Entry { asked: Asked::new(channel, &question), occurrence, at_ms, took_ms, result, answer });
    }
    Ok((manifest, entries))
}

fn read_manifest(line: &str, refuse: Refusal<'_>) -> Result<Manifest, EvidenceError> {
    let label: Label = serde_json::from_str(line).map_err(|_| refuse.foreign())?;
    if label.format != FORMAT {
        return Err(refuse.foreign());
    }
    if label.version > VERSION {
        let reason = format!("its format is version {}, this lbdiag reads up to version {VERSION}", label.version);
        return Err(refuse.because(&reason, "a newer lbdiag made it: use that one"));
    }
    serde_json::from_str(line)
        .map_err(|error| refuse.because(&format!("its first line makes no sense: {error}"), "the file was changed after it was recorded"))
}

/// The lines of the unfolded file, bounded.
struct Lines<'a, R> {
    source: R,
    read: u64,
    most: u64,
    refuse: Refusal<'a>,
}

impl<R: BufRead> Lines<'_, R> {
    fn next(&mut self) -> Result<Option<String>, EvidenceError> {
        let mut bytes = Vec::new();
        let count = self.source.read_until(b'\n', &mut bytes).map_err(|error| self.refuse.io(&error))?;
        self.read += count as u64;
        if self.read > self.most {
            return Err(self.refuse.because(&format!("it unfolds to more than {} MiB", self.most >> 20), "no run makes such a recording"));
        }
        if count == 0 {
            return Ok(None);
        }
        String::from_utf8(bytes).map(Some).map_err(|_| self.refuse.foreign())
    }
}

/// Says why a file is no recording that can be read.
#[derive(Clone, Copy)]
struct Refusal<'a> {
    path: &'a Path,
}

impl Refusal<'_> {
    fn because(self, reason: &str, hint: &str) -> EvidenceError {
        EvidenceError::new(ErrorKind::Garbled, format!("read recording {}", self.path.display()), reason).hint(hint)
    }

    fn foreign(self) -> EvidenceError {
        self.because("it is not a recording of lbdiag", "give a file that `lbdiag run --record FILE` wrote")
    }

    fn io(self, error: &io::Error) -> EvidenceError {
        match error.kind() {
            io::ErrorKind::NotFound => {
                EvidenceError::new(ErrorKind::NotFound, format!("read recording {}", self.path.display()), "there is no such file")
            }
            io::ErrorKind::UnexpectedEof => self.because("it is cut off", "it was not copied whole, or the disk was full"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => self.foreign(),
            _ => self.because(&error.to_string(), ""),
        }
    }
}
