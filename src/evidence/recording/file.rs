//! One file: JSON lines under gzip. The first line is the manifest, each further line one question with its answer.
//!
//! The file is private to its owner, and appears whole. One that was cut off later, by a copy or a full disk, opens up to its last complete answer.
//! `docs/recording.md` describes the format.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Take, Write};
use std::path::Path;

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::kept::Kept;
use super::manifest::{FORMAT, Manifest, VERSION};
use super::question::{Asked, Channel};
use super::tape::{self, Entry, Most, Tape};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::output::Output;
use crate::model::text::escaped_json;

/// How much is read, which is more than is written. A bomb ends here.
pub(super) const MOST: Most =
    Most { entries: 2 * tape::MOST.entries, unfolded: tape::MOST.unfolded + (64 << 20), held: 2 * tape::MOST.held };

/// Bytes of the first line, which holds the parameters.
const LONGEST_MANIFEST: u64 = 8 << 20;

/// Bytes of entries that stay as they are: most are asked for once and soon. What comes after is packed.
const MOST_PLAIN: usize = 8 << 20;

/// Bytes of a line that is read whole. A longer one is packed as it comes.
const LONG_LINE: u64 = 1 << 20;

/// An entry as a line is read. The names are short because there may be thousands.
#[derive(Deserialize)]
struct Line<A> {
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
    answer: A,
}

/// An answer that is packed while it is read.
struct Streamed(Kept);

impl<'de> Deserialize<'de> for Streamed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Kept::of_stream(deserializer).map(Self).map_err(D::Error::custom)
    }
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
    let manifest = Manifest { left_out: tape.left_out(), ..manifest.clone() };
    write_each(path, &manifest, |write| tape.each_entry(write))
}

/// As `write`, of entries that are here.
///
/// # Errors
/// As `write`.
pub(super) fn write_entries(path: &Path, manifest: &Manifest, entries: &[Entry]) -> Result<(), EvidenceError> {
    write_each(path, manifest, |write| entries.iter().try_for_each(write))
}

/// Gives each entry to whoever writes it.
type EntryWriter<'a> = &'a mut dyn FnMut(&Entry) -> io::Result<()>;

fn write_each(path: &Path, manifest: &Manifest, each: impl FnOnce(EntryWriter<'_>) -> io::Result<()>) -> Result<(), EvidenceError> {
    let failed = |error: io::Error| {
        EvidenceError::new(ErrorKind::Garbled, format!("write recording {}", path.display()), error)
            .hint("choose another file with --record")
    };
    Output::create_file(path).and_then(|output| write_whole(output, manifest, each)).map_err(failed)
}

fn write_whole(output: Output, manifest: &Manifest, each: impl FnOnce(EntryWriter<'_>) -> io::Result<()>) -> io::Result<()> {
    // No time and no name in the gzip header: the same run gives the same bytes.
    let mut gzip = GzBuilder::new().write(output, Compression::best());
    gzip.write_all(escaped_json(&serde_json::to_string(manifest)?).as_bytes())?;
    gzip.write_all(b"\n")?;
    each(&mut |entry| write_entry(&mut gzip, entry))?;
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

/// Reads a recording. Long answers are packed as they come, so that none is ever there whole.
///
/// # Errors
/// `NotFound` when there is no such file; `Garbled` when it is no recording, was cut off before its first answer or changed, comes from a newer
/// lbdiag, unfolds to more than 256 MiB, has more entries than a run makes, or has something behind its end.
pub(super) fn read(path: &Path) -> Result<(Manifest, Vec<Entry>), EvidenceError> {
    read_at_most(path, MOST)
}

pub(super) fn read_at_most(path: &Path, most: Most) -> Result<(Manifest, Vec<Entry>), EvidenceError> {
    let refuse = Refusal { path };
    let file = File::open(path).map_err(|error| refuse.io(&error))?;
    let source = BufReader::new(GzDecoder::new(BufReader::new(file)).take(most.unfolded as u64 + 1));
    let mut lines = Lines { source, most: most.unfolded, refuse, cut: false };
    let mut manifest = match lines.next(LONGEST_MANIFEST)? {
        Some(Next::Whole(first)) => read_manifest(&first, refuse)?,
        Some(Next::Begun(_)) => return Err(lines.endless()),
        None if lines.cut => return Err(refuse.cut()),
        None => return Err(refuse.because("it is empty", "record again")),
    };
    let mut entries = Vec::new();
    let (mut held, mut plain) = (0, 0);
    while let Some(next) = lines.next(LONG_LINE)? {
        let entry = match next {
            Next::Whole(text) => short_entry(&text, &mut plain),
            Next::Begun(begin) => lines.long_entry(begin),
        };
        if lines.ended_within(&entry) {
            break;
        }
        let entry = entry.map_err(|error| lines.nonsense(entries.len() + 1, &error))?;
        lines.check()?;
        held += entry.frame() + entry.answer.held();
        if entries.len() == most.entries || held > most.held {
            return Err(
                refuse.because(&format!("it holds more than {} answers, or larger ones", entries.len()), "no run makes such a recording")
            );
        }
        entries.push(entry);
    }
    if lines.cut {
        manifest.cut_after = Some(entries.len());
    } else {
        nothing_behind(lines.source.into_inner().into_inner().into_inner(), refuse)?;
    }
    Ok((manifest, entries))
}

/// Refuses a file that goes on behind the end of the recording: somebody put it there, and it may be meant to be read.
fn nothing_behind(mut file: BufReader<File>, refuse: Refusal<'_>) -> Result<(), EvidenceError> {
    let more = file.fill_buf().map_err(|error| refuse.io(&error))?;
    if more.is_empty() {
        return Ok(());
    }
    Err(refuse.because("something stands behind its end", "the file was changed after it was recorded, or two files were joined"))
}

/// An entry whose line is here. Its answer stays as it is while there is room for such.
fn short_entry(text: &str, plain: &mut usize) -> Result<Entry, serde_json::Error> {
    let line: Line<Box<RawValue>> = serde_json::from_str(text)?;
    *plain += line.answer.get().len();
    let answer = if *plain <= MOST_PLAIN { Kept::Text(line.answer.clone()) } else { Kept::of(&line.answer)? };
    line.entry(answer)
}

impl<A> Line<A> {
    fn entry(self, answer: Kept) -> Result<Entry, serde_json::Error> {
        let question = serde_json::from_str(self.question.get())?;
        let Self { channel, occurrence, at_ms, took_ms, result, .. } = self;
        Ok(Entry { asked: Asked::new(channel, &question), occurrence, at_ms, took_ms, result, answer })
    }
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
    source: BufReader<Take<R>>,
    most: usize,
    refuse: Refusal<'a>,
    /// Whether the file ended before its end.
    cut: bool,
}

/// A line, or the begin of one that is too long to be read whole.
enum Next {
    Whole(String),
    Begun(Vec<u8>),
}

impl<R: Read> Lines<'_, R> {
    fn next(&mut self, most: u64) -> Result<Option<Next>, EvidenceError> {
        let mut bytes = Vec::new();
        let count = match self.source.by_ref().take(most).read_until(b'\n', &mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                // What came of a line that has no end says nothing.
                self.cut = true;
                return Ok(None);
            }
            count => count.map_err(|error| self.refuse.io(&error))?,
        };
        self.check()?;
        if count == 0 {
            return Ok(None);
        }
        if bytes.last() != Some(&b'\n') && count as u64 == most {
            return Ok(Some(Next::Begun(bytes)));
        }
        String::from_utf8(bytes).map(|text| Some(Next::Whole(text))).map_err(|_| self.refuse.foreign())
    }

    /// The entry of a line of which only the begin is here.
    fn long_entry(&mut self, begin: Vec<u8>) -> Result<Entry, serde_json::Error> {
        let rest = RestOfLine { source: &mut self.source, ended: false };
        let Line { channel, question, occurrence, at_ms, took_ms, result, answer: Streamed(answer) } =
            serde_json::from_reader(BufReader::new(io::Cursor::new(begin).chain(rest)))?;
        Line { channel, question, occurrence, at_ms, took_ms, result, answer: () }.entry(answer)
    }

    /// Whether the file ended within a long line.
    fn ended_within(&mut self, entry: &Result<Entry, serde_json::Error>) -> bool {
        self.cut |= matches!(entry, Err(error) if error.io_error_kind() == Some(io::ErrorKind::UnexpectedEof));
        self.cut
    }

    /// Why a file whose first line is too long is none: a bomb is told from a file of another kind by what follows.
    fn endless(&mut self) -> EvidenceError {
        match io::copy(&mut self.source, &mut io::sink()) {
            Ok(_) => self.check().err().unwrap_or_else(|| self.refuse.foreign()),
            Err(error) => self.refuse.io(&error),
        }
    }

    /// Refuses a file that unfolds to more than the bound.
    fn check(&self) -> Result<(), EvidenceError> {
        if self.source.get_ref().limit() > 0 {
            return Ok(());
        }
        let reason = format!("it unfolds to more than {} MiB", self.most >> 20);
        Err(self.refuse.because(&reason, "no run makes such a recording"))
    }

    /// Why an entry cannot be read: what the file is, if that is the reason, and otherwise what stands in it.
    fn nonsense(&self, number: usize, error: &serde_json::Error) -> EvidenceError {
        if let Err(beyond) = self.check() {
            return beyond;
        }
        if let Some(kind) = error.io_error_kind() {
            return self.refuse.io(&io::Error::new(kind, error.to_string()));
        }
        self.refuse.because(&format!("entry {number} makes no sense: {error}"), "the file was changed after it was recorded")
    }
}

/// What follows of a line, without its end.
struct RestOfLine<'a, R> {
    source: &'a mut R,
    ended: bool,
}

impl<R: BufRead> Read for RestOfLine<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let there = self.source.fill_buf()?;
        let there = &there[..there.len().min(buffer.len())];
        let (count, consumed) = match memchr::memchr(b'\n', there) {
            Some(end) => {
                self.ended = true;
                (end, end + 1)
            }
            None => (there.len(), there.len()),
        };
        buffer[..count].copy_from_slice(&there[..count]);
        self.source.consume(consumed);
        Ok(count)
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

    fn cut(self) -> EvidenceError {
        self.because("it is cut off", "it was not copied whole, or the disk was full")
    }

    fn io(self, error: &io::Error) -> EvidenceError {
        match error.kind() {
            io::ErrorKind::NotFound => {
                EvidenceError::new(ErrorKind::NotFound, format!("read recording {}", self.path.display()), "there is no such file")
            }
            io::ErrorKind::UnexpectedEof => self.cut(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => self.foreign(),
            _ => self.because(&error.to_string(), ""),
        }
    }
}
