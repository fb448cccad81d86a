//! Capture files of anybody, pcap and pcapng, read packet by packet: the same memory however large they are.
//!
//! Files come from anywhere and may be broken or cut off. What stands before the damage is read; the damage is told.

mod ahead;
mod blocks;
mod classic;
#[cfg(test)]
mod tests;
mod window;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::decode::known;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::headers::{Headers, Hidden};
pub use ahead::{AheadFile, Glance};
use blocks::Blocks;
use classic::Classic;
use window::Window;

/// Where the packets of a file were captured: a pcap file has one such point, a pcapng file may have many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePoint {
    /// The interface's name by the file, when it has one.
    pub name: Option<String>,
    pub link_type: u32,
    /// Packets that the capture lost by its own count, when it tells.
    pub dropped: Option<u64>,
    /// Packets that were lost between those that are here, as these tell.
    lost_between: u64,
    /// What one unit of its times is.
    unit: Unit,
    /// What is added to its times, nanoseconds.
    offset: i64,
}

impl FilePoint {
    /// Whether its frames can be read.
    #[must_use]
    pub fn readable(&self) -> bool {
        known(self.link_type)
    }
}

/// How a file counts time: so many to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Ten to this power.
    Decimal(u8),
    /// Two to this power.
    Binary(u8),
}

impl Default for Unit {
    fn default() -> Self {
        Self::Decimal(6)
    }
}

impl Unit {
    /// A count of units as nanoseconds; the latest time that can be said when there are more.
    fn nanoseconds(self, count: u64) -> i64 {
        let nanoseconds = match self {
            Self::Decimal(power @ 0..=9) => u128::from(count) * 10_u128.pow(9 - u32::from(power)),
            Self::Decimal(power) => u128::from(count) / 10_u128.checked_pow(u32::from(power) - 9).unwrap_or(u128::MAX),
            Self::Binary(power) => (u128::from(count) * 1_000_000_000).checked_shr(u32::from(power)).unwrap_or(0),
        };
        i64::try_from(nanoseconds).unwrap_or(i64::MAX)
    }
}

/// One packet of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its place among the file's points.
    pub point: usize,
    /// Its number in the file, from 1, as Wireshark counts.
    pub number: u64,
    /// Nanoseconds since the epoch by the file.
    pub at: i64,
    /// Whether the file says that time; otherwise it is that of the frame before.
    pub timed: bool,
    /// Bytes on the wire.
    pub original_len: u32,
    /// The bytes that were kept.
    pub data: &'a [u8],
    pub link_type: u32,
}

impl Frame<'_> {
    /// Its headers.
    ///
    /// # Errors
    /// What a packet may be hidden in; nothing, when the frame holds none of any connection.
    pub fn headers(&self) -> Result<Headers, Option<Hidden>> {
        super::decode::headers(self.link_type, self.data, self.original_len, self.at, &[])
            .map(|headers| Headers { timed: self.timed, ..headers })
    }
}

/// A capture file under way.
pub struct CaptureFile {
    name: String,
    form: Form,
    window: Window,
    frames: u64,
}

enum Form {
    Classic(Classic),
    Blocks(Blocks),
    /// A file of no bytes: the capture wrote nothing, not even what it is.
    Nothing,
}

impl CaptureFile {
    /// Opens a file, or standard input when it is `-`, and reads what it is.
    ///
    /// # Errors
    /// When it cannot be read, or is no capture.
    pub fn open(path: &Path) -> Result<Self, EvidenceError> {
        let name = path.display().to_string();
        let unread = |error: io::Error| EvidenceError::new(ErrorKind::NotFound, format!("read {name}"), error);
        let source: Box<dyn Read + Send> =
            if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(unread)?) };
        Self::read(&name, source)
    }

    /// As `open`, from any stream. One that gzip packed is unpacked.
    ///
    /// # Errors
    /// When it cannot be read, or is no capture.
    pub fn read(name: &str, source: Box<dyn Read + Send>) -> Result<Self, EvidenceError> {
        let failed = |error: io::Error| EvidenceError::new(ErrorKind::Garbled, format!("read {name}"), error);
        let mut window = Window::new(source);
        if window.need(2).map_err(failed)? && window.here().starts_with(&[0x1f, 0x8b]) {
            window = Window::new(Box::new(MultiGzDecoder::new(window)));
        }
        if !window.need(4).map_err(failed)? {
            if window.here().is_empty() {
                return Ok(Self { name: name.to_owned(), form: Form::Nothing, window, frames: 0 });
            }
            return Err(no_capture(name, "it ends within the first number"));
        }
        let form = if window.here().starts_with(&blocks::SECTION) {
            Form::Blocks(Blocks::default())
        } else {
            Form::Classic(Classic::begin(&mut window).map_err(failed)?.ok_or_else(|| no_capture(name, "it is neither pcap nor pcapng"))?)
        };
        Ok(Self { name: name.to_owned(), form, window, frames: 0 })
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    /// When the file ends within a packet or holds what cannot be read. What was given before stays true.
    pub fn advance(&mut self) -> Result<Option<Frame<'_>>, EvidenceError> {
        let place = match &mut self.form {
            Form::Classic(classic) => classic.advance(&mut self.window),
            Form::Blocks(blocks) => blocks.advance(&mut self.window),
            Form::Nothing => Err(damaged("it has no bytes: its capture wrote nothing, not even a header")),
        };
        match place {
            Ok(Some(found)) => {
                self.frames += 1;
                let data = self.window.passed(found.data).unwrap_or_default();
                let Found { point, at, timed, original_len, link_type, .. } = found;
                Ok(Some(Frame { point, number: self.frames, at, timed, original_len, data, link_type }))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                let after = format!("read {} behind packet {}", self.name, self.frames);
                Err(EvidenceError::new(ErrorKind::Garbled, after, error))
            }
        }
    }

    /// The points that are known so far; a pcapng file may tell of more later.
    #[must_use]
    pub fn points(&self) -> &[FilePoint] {
        match &self.form {
            Form::Classic(classic) => std::slice::from_ref(&classic.point),
            Form::Blocks(blocks) => &blocks.points,
            Form::Nothing => &[],
        }
    }
}

/// Where a packet lies in the window, and what was said of it.
struct Found {
    point: usize,
    at: i64,
    timed: bool,
    original_len: u32,
    link_type: u32,
    data: (usize, usize),
}

fn no_capture(name: &str, why: &str) -> EvidenceError {
    EvidenceError::new(ErrorKind::Garbled, format!("read {name}"), why).hint("name files that tcpdump -w, Wireshark or --pcap wrote")
}

/// What is wrong with a file, as an error of reading.
fn damaged(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}
