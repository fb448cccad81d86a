//! The stream of a capture: pcap records out of whatever pieces arrive, decoded at once.
//!
//! The stream comes from a host that may be broken or hostile, so memory is bounded whatever it sends: no record is larger
//! than libpcap's largest, and beyond the capture's own bounds packets are counted and let go.

use std::sync::Arc;

use pcap_file::PcapError;
use pcap_file::pcap::{PcapParser, RawPcapPacket};
use pcap_file::{Endianness, TsResolution};

use super::super::decode::{self, Links};
use super::super::pcapng::PointFile;
use super::memory::PacketMemory;
use crate::model::packet::InterfaceName;
use crate::model::packets::Packets;

/// libpcap's own bound on one record (`MAXIMUM_SNAPLEN`).
const LARGEST_RECORD: u32 = 262_144;
/// The length of a record's header, bytes.
const RECORD_HEADER: usize = 16;

/// Takes bytes, gives packets.
pub(super) struct Stream {
    parser: Option<PcapParser>,
    link_type: u32,
    /// What has not yet made a whole record.
    rest: Vec<u8>,
    links: Links,
    pub(super) packets: Packets,
    most_packets: u64,
    memory: Arc<PacketMemory>,
    /// Whether packets were let go because the run's memory for them is used up.
    pub(super) exhausted: bool,
    /// Records that arrived.
    pub(super) arrived: u64,
    /// Records among them that passed a loopback interface.
    pub(super) looped: u64,
    /// Bytes that arrived.
    pub(super) bytes: u64,
    broken: Option<String>,
    /// Where the frames' bytes go, when they are wanted.
    pub(super) file: Option<PointFile>,
}

impl Stream {
    pub(super) fn new(most_packets: u64, memory: Arc<PacketMemory>) -> Self {
        Self {
            parser: None,
            link_type: 0,
            rest: Vec::new(),
            links: Links::default(),
            packets: Packets::default(),
            most_packets,
            memory,
            exhausted: false,
            arrived: 0,
            looped: 0,
            bytes: 0,
            broken: None,
            file: None,
        }
    }

    /// The name of an interface, by its index in the capture's namespace.
    pub(super) fn name_link(&mut self, index: u32, name: &str) {
        self.links.names.insert(index, name.into());
    }

    /// The one interface that is captured on, with its MAC.
    pub(super) fn only_link(&mut self, name: &str, own: Vec<[u8; 6]>) {
        self.links.names.insert(0, name.into());
        self.links.own = own;
    }

    /// The names of all interfaces, in the order of their indices.
    pub(super) fn links(&self) -> Vec<String> {
        self.links.names.values().map(ToString::to_string).collect()
    }

    /// Takes what came. After it broke, everything is let go.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.broken.is_some() {
            return;
        }
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(bytes);
        let mut unread = rest.as_slice();
        loop {
            match self.one(unread) {
                Ok(Some(after)) => unread = after,
                Ok(None) => {
                    self.rest = unread.to_vec();
                    return;
                }
                Err(reason) => {
                    self.broken = Some(reason);
                    return;
                }
            }
        }
    }

    /// What is wrong with the stream, told when no more will come.
    pub(super) fn end(&self) -> Result<(), String> {
        match &self.broken {
            Some(reason) => Err(reason.clone()),
            None if self.parser.is_none() && self.bytes > 0 => Err("the stream ended within its header".to_owned()),
            None if !self.rest.is_empty() => Err(format!("the stream ended within a packet, {} bytes into it", self.rest.len())),
            None => Ok(()),
        }
    }

    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Reads the header or one record; `None` when more bytes are needed.
    fn one<'a>(&mut self, unread: &'a [u8]) -> Result<Option<&'a [u8]>, String> {
        let Some(parser) = &self.parser else {
            return match PcapParser::new(unread) {
                Ok((after, parser)) => {
                    self.link_type = u32::from(parser.header().datalink);
                    if !decode::known(self.link_type) {
                        return Err(format!("link type {} cannot be read", self.link_type));
                    }
                    self.parser = Some(parser);
                    let interface = self.links.names.get(&0).map_or("any", InterfaceName::as_str);
                    if let Some(file) = &mut self.file {
                        file.begin(interface, self.link_type);
                    }
                    Ok(Some(after))
                }
                Err(PcapError::IncompleteBuffer) => Ok(None),
                Err(error) => Err(format!("this is no pcap stream: {error}")),
            };
        };
        let header = parser.header();
        // The parser would wait for as many bytes as a record claims to have.
        if let Some(claimed) = claimed_length(unread, header.endianness)
            && claimed > LARGEST_RECORD
        {
            return Err(format!("a packet of {claimed} bytes, which no capture can hold"));
        }
        // Raw, because the parser's own packets refuse what is longer on the wire than the capture keeps.
        match parser.next_raw_packet(unread) {
            Ok((after, record)) => {
                self.keep(&record, header.ts_resolution);
                Ok(Some(after))
            }
            Err(PcapError::IncompleteBuffer) => Ok(None),
            Err(error) => Err(format!("a packet that cannot be read: {error}")),
        }
    }

    /// Whether a frame passed a loopback interface (`ARPHRD_LOOPBACK`).
    fn passed_loopback(&self, frame: &[u8]) -> bool {
        let kind = match self.link_type {
            decode::SLL2 => frame.get(8..10),
            decode::SLL => frame.get(2..4),
            _ => return self.links.names.get(&0).is_some_and(|name| name.as_str() == "lo"),
        };
        kind == Some(&772_u16.to_be_bytes())
    }

    fn keep(&mut self, record: &RawPcapPacket<'_>, resolution: TsResolution) {
        self.arrived += 1;
        self.looped += u64::from(self.passed_loopback(&record.data));
        if self.packets.len() as u64 >= self.most_packets || self.exhausted {
            return;
        }
        let fraction = i64::from(record.ts_frac) * if resolution == TsResolution::MicroSecond { 1000 } else { 1 };
        let at = i64::from(record.ts_sec) * 1_000_000_000 + fraction;
        if let Some(file) = &mut self.file {
            // What the Service's users send each other is nobody's business, and may hold their passwords.
            let headers = decode::headers_end(self.link_type, &record.data);
            file.packet(at, &record.data[..headers], record.orig_len);
        }
        let Some(packet) = decode::decode(self.link_type, &record.data, record.orig_len, at, &self.links) else { return };
        if self.memory.take(&packet) {
            self.packets.push(packet);
        } else {
            self.exhausted = true;
        }
    }
}

/// What the next record says of its own length.
fn claimed_length(unread: &[u8], endianness: Endianness) -> Option<u32> {
    let bytes: [u8; 4] = unread.get(8..RECORD_HEADER - 4)?.try_into().ok()?;
    Some(if endianness == Endianness::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(most_packets: u64) -> Stream {
        Stream::new(most_packets, Arc::new(PacketMemory::new(1 << 20)))
    }

    fn header(magic: [u8; 4], link_type: u32) -> Vec<u8> {
        let mut bytes = magic.to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0]);
        bytes.extend(link_type.to_le_bytes());
        bytes
    }

    const NANO: [u8; 4] = [0x4d, 0x3c, 0xb2, 0xa1];
    const MICRO: [u8; 4] = [0xd4, 0xc3, 0xb2, 0xa1];

    /// A record of a captured frame that was longer on the wire than the capture keeps.
    fn record(second: u32, fraction: u32) -> Vec<u8> {
        let frame = [8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 6, 0x66, 0, 0, 0, 0, 2, 0, 0, 0x45, 0];
        let mut bytes = Vec::new();
        for number in [second, fraction, u32::try_from(frame.len()).unwrap(), 1500] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(frame);
        bytes
    }

    fn whole(count: u32) -> Vec<u8> {
        let mut bytes = header(NANO, 276);
        for number in 0..count {
            bytes.extend(record(100, number));
        }
        bytes
    }

    #[test]
    fn packets_come_out_however_the_stream_is_cut() {
        let bytes = whole(3);
        for cut in 0..bytes.len() {
            let mut stream = open(100);
            stream.name_link(7, "mlb");
            stream.take(&bytes[..cut]);
            stream.take(&bytes[cut..]);
            stream.end().unwrap();
            assert_eq!(stream.arrived, 3, "cut at {cut}");
            let times: Vec<i64> = stream.packets.iter().map(|packet| packet.at).collect();
            assert_eq!(times, [100_000_000_000, 100_000_000_001, 100_000_000_002]);
            assert_eq!(stream.packets.get(0).unwrap().interface.as_str(), "mlb");
        }
    }

    #[test]
    fn microseconds_become_nanoseconds() {
        let mut stream = open(100);
        stream.take(&header(MICRO, 276));
        stream.take(&record(1, 5));
        assert_eq!(stream.packets.get(0).unwrap().at, 1_000_005_000);
    }

    #[test]
    fn a_capture_that_saw_nothing_is_whole() {
        let mut stream = open(100);
        stream.take(&header(NANO, 276));
        stream.end().unwrap();
        open(1).end().unwrap();
    }

    fn broken(bytes: &[u8]) -> String {
        let mut stream = open(100);
        stream.take(bytes);
        stream.end().unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(broken(b"bash: warning: something is set up badly\n").contains("no pcap stream"));
        assert!(broken(&header(NANO, 276)[..10]).contains("within its header"));
        assert!(broken(&header(NANO, 147)).contains("link type 147"));
        let bytes = whole(2);
        assert!(broken(&bytes[..bytes.len() - 1]).contains("within a packet"));
        let mut endless = whole(1);
        endless.extend([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0]);
        assert!(broken(&endless).contains("no capture can hold"));
    }

    #[test]
    fn packets_beyond_the_bound_are_counted_and_let_go() {
        let mut stream = open(2);
        stream.take(&whole(5));
        assert_eq!((stream.arrived, stream.packets.len()), (5, 2));
    }

    #[test]
    fn packets_beyond_the_run_s_memory_are_counted_and_let_go() {
        let memory = Arc::new(PacketMemory::new(600));
        let (mut one, mut other) = (Stream::new(100, Arc::clone(&memory)), Stream::new(100, memory));
        one.take(&whole(5));
        other.take(&whole(5));
        assert!(one.exhausted && other.exhausted);
        assert_eq!((one.arrived, other.arrived), (5, 5));
        assert!((1..5).contains(&one.packets.len()) && other.packets.is_empty());
    }

    #[test]
    fn garbage_without_end_costs_no_memory() {
        let mut stream = open(2);
        for _ in 0..1000 {
            stream.take(&[0xaa; 10_000]);
        }
        assert_eq!(stream.rest.capacity(), 0);
        assert_eq!(stream.bytes, 10_000_000);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..8)) {
            let mut stream = open(10);
            stream.take(&header(NANO, 276));
            for piece in &pieces {
                stream.take(piece);
            }
            let _ = stream.end();
        }
    }

    #[test]
    fn whatever_a_capture_streams_is_read() {
        crate::readers::hold("capture_streams", crate::readers::files("tests/captures", "pcap"), |_, is| {
            let mut stream = open(1000);
            is.chunks(97).for_each(|piece| stream.take(piece));
            let _ = stream.end();
        });
    }
}
