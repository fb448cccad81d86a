//! The part of a file that is in memory: read in large pieces, given out without a copy.

use std::io::{self, Read};

/// Bytes that are read at once, and held while no packet needs more.
const PIECE: usize = 256 * 1024;
/// The most that one packet or block may take; libpcap's own bound is 256 KiB a packet, and blocks of statistics, names or
/// secrets may be larger.
pub(super) const LARGEST: usize = 16 << 20;

/// A window on a stream.
pub(super) struct Window {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl Window {
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        Self { source, buffer: vec![0; PIECE], from: 0, to: 0 }
    }

    /// Makes so many bytes be there; `false` when the stream ends before.
    pub(super) fn need(&mut self, count: usize) -> io::Result<bool> {
        if self.to - self.from >= count {
            return Ok(true);
        }
        if count > LARGEST {
            return Err(super::damaged(format!("a packet or block of {count} bytes")));
        }
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        if self.buffer.len() < count {
            self.buffer.resize(count, 0);
        }
        while self.to < count {
            match self.source.read(&mut self.buffer[self.to..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.to += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// What is there.
    pub(super) fn here(&self) -> &[u8] {
        self.buffer.get(self.from..self.to).unwrap_or_default()
    }

    /// Goes on by so many bytes, which are there, and says where in memory they lie.
    pub(super) fn pass(&mut self, count: usize) -> usize {
        let at = self.from;
        self.from = (self.from + count).min(self.to);
        at
    }

    /// Bytes that were passed by, as long as no more were asked for.
    pub(super) fn passed(&self, (at, length): (usize, usize)) -> Option<&[u8]> {
        self.buffer.get(at..at + length)
    }
}

/// The rest of the stream, for what unpacks it.
impl Read for Window {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.from == self.to {
            return self.source.read(into);
        }
        let count = into.len().min(self.to - self.from);
        into[..count].copy_from_slice(&self.buffer[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}
