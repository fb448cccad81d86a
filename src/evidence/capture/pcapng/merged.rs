//! One file of all capture points, in the order of time. It is read from the points' files and written packet by packet, so
//! that it takes the same memory however large they are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use pcap_file::pcapng::PcapNgWriter;

use super::super::decode::bytes_at;
use super::{Point, blocks};
use crate::evidence::output::Output;
use crate::model::clock::ClockOffset;

/// The types of the blocks that are passed on.
const PACKET: u32 = 6;
const STATISTICS: u32 = 5;
/// What a file of ours holds at most in one block: libpcap's largest packet and what stands around it, or a long filter.
const LARGEST_BLOCK: u32 = 400_000;
/// What a block has around its body: its type, and its length before and after.
const AROUND: u32 = 12;
/// Bytes of each file that are read ahead.
const READ_AHEAD: usize = 16 * 1024;

/// Writes the file; gives the number of packets in it.
pub(super) fn write(path: &Path, run: &str, points: &[Point], clocks: &[ClockOffset]) -> io::Result<u64> {
    let comment = "packets of all capture points, in the order of time by the clock of the machine that lbdiag ran on";
    let other = |error: pcap_file::PcapError| io::Error::other(error.to_string());
    let file = Output::create_file(path)?;
    let mut writer = PcapNgWriter::with_section_header(file, blocks::section(run, comment)).map_err(other)?;
    for point in points {
        let interface = blocks::interface(point, &blocks::clock_comment(&point.host, clocks));
        writer.write_pcapng_block(interface).map_err(other)?;
    }
    let mut file = writer.into_inner();
    let mut sources = Vec::new();
    for (number, point) in points.iter().enumerate() {
        let ahead = clocks.iter().find(|clock| clock.host == point.host).map_or(0, ClockOffset::ahead_ns);
        sources.push(Source::open(&point.file, u32::try_from(number).unwrap_or(u32::MAX), ahead)?);
    }
    let packets = in_order(&mut sources, &mut file)?;
    for source in &sources {
        for block in &source.statistics {
            file.write_all(block)?;
        }
    }
    file.finish()?;
    Ok(packets)
}

/// Always the earliest packet of those that are next in their files.
fn in_order(sources: &mut [Source], file: &mut impl Write) -> io::Result<u64> {
    let mut next = BinaryHeap::new();
    for (number, source) in sources.iter_mut().enumerate() {
        next.extend(source.advance()?.map(|at| Reverse((at, number))));
    }
    let mut packets = 0;
    while let Some(Reverse((_, number))) = next.pop() {
        let Some(source) = sources.get_mut(number) else { break };
        file.write_all(&source.block)?;
        packets += 1;
        next.extend(source.advance()?.map(|at| Reverse((at, number))));
    }
    Ok(packets)
}

/// A point's file under way.
struct Source {
    file: BufReader<File>,
    /// Its interface in the file of all points.
    interface: u32,
    /// What is taken from its times, nanoseconds.
    ahead: i64,
    /// The packet that is next, as it will be written.
    block: Vec<u8>,
    statistics: Vec<Vec<u8>>,
}

impl Source {
    fn open(path: &Path, interface: u32, ahead: i64) -> io::Result<Self> {
        let file = BufReader::with_capacity(READ_AHEAD, File::open(path)?);
        Ok(Self { file, interface, ahead, block: Vec::new(), statistics: Vec::new() })
    }

    /// Reads up to the next packet and gives its time; `None` at the end. A file that was cut off, by a run that was killed,
    /// ends with its last whole block.
    fn advance(&mut self) -> io::Result<Option<u64>> {
        while let Some(kind) = self.read_block()? {
            match kind {
                PACKET => return Ok(Some(self.corrected())),
                STATISTICS => {
                    self.renumber();
                    self.statistics.push(self.block.clone());
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn read_block(&mut self) -> io::Result<Option<u32>> {
        let mut head = [0; 8];
        if !read_whole(&mut self.file, &mut head)? {
            return Ok(None);
        }
        let number = |at: usize| bytes_at(&head, at).map_or(0, u32::from_be_bytes);
        let (kind, length) = (number(0), number(4));
        if !(AROUND..=LARGEST_BLOCK).contains(&length) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a block of {length} bytes")));
        }
        self.block.clear();
        self.block.extend(head);
        self.block.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        Ok(read_whole(&mut self.file, &mut self.block[8..])?.then_some(kind))
    }

    fn renumber(&mut self) {
        if let Some(place) = self.block.get_mut(8..12) {
            place.copy_from_slice(&self.interface.to_be_bytes());
        }
    }

    /// Puts the packet on its interface and its time on our clock; gives that time.
    fn corrected(&mut self) -> u64 {
        self.renumber();
        let Some(at) = bytes_at(&self.block, 12).map(u64::from_be_bytes) else { return 0 };
        let at = at.saturating_add_signed(self.ahead.saturating_neg());
        if let Some(place) = self.block.get_mut(12..20) {
            place.copy_from_slice(&at.to_be_bytes());
        }
        at
    }
}

/// Fills the buffer; `false` when the file ends before that.
fn read_whole(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
