//! Files built by hand, whole, cut off and broken.

use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;

/// A pcap file of one link type, from times in the file's units and packets.
fn classic(magic: u32, little: bool, packets: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let number = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let mut file = Vec::new();
    for value in [magic, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend(number(value));
    }
    for (seconds, fraction, data) in packets {
        let length = u32::try_from(data.len()).unwrap();
        for value in [*seconds, *fraction, length, length + 5] {
            file.extend(number(value));
        }
        file.extend(*data);
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let size = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    [&kind.to_le_bytes(), &size, body.as_slice(), &size].concat()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat())
}

fn interface(link_type: u16, options: &[u8]) -> Vec<u8> {
    block(1, &[&link_type.to_le_bytes()[..], &[0, 0, 0, 0, 4, 0], options].concat())
}

fn packet(interface: u32, time: u64, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let (upper, lower) = (u32::try_from(time >> 32).unwrap(), u32::try_from(time & 0xffff_ffff).unwrap());
    block(6, &[&interface.to_le_bytes()[..], &upper.to_le_bytes(), &lower.to_le_bytes(), &length, &length, data].concat())
}

fn open(bytes: &[u8]) -> Result<CaptureFile, EvidenceError> {
    CaptureFile::read("x.pcap", Box::new(Cursor::new(bytes.to_vec())))
}

/// Point, time and bytes of a packet.
type Taken = (usize, i64, Vec<u8>);

/// Every packet, and how the reading ended.
fn all(bytes: &[u8]) -> (Vec<Taken>, Option<String>) {
    let mut file = open(bytes).unwrap();
    let mut packets = Vec::new();
    loop {
        match file.advance() {
            Ok(Some(frame)) => packets.push((frame.point, frame.at, frame.data.to_vec())),
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error.to_string())),
        }
    }
}

#[test]
fn pcap_is_read_in_either_byte_order_and_unit() {
    for little in [true, false] {
        let (packets, end) = all(&classic(0xa1b2_c3d4, little, &[(1, 2, b"abc"), (3, 4, b"")]));
        assert_eq!((packets, end), (vec![(0, 1_000_002_000, b"abc".to_vec()), (0, 3_000_004_000, Vec::new())], None));
        let (packets, _) = all(&classic(0xa1b2_3c4d, little, &[(1, 2, b"abc")]));
        assert_eq!(packets, [(0, 1_000_000_002, b"abc".to_vec())]);
    }
}

#[test]
fn what_gzip_packed_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&classic(0xa1b2_c3d4, true, &[(1, 2, b"abc")])).unwrap();
    assert_eq!(all(&packed.finish().unwrap()).0, [(0, 1_000_002_000, b"abc".to_vec())]);
}

#[test]
fn pcapng_has_interfaces_units_names_and_counters() {
    let named = interface(276, &[2, 0, 6, 0, b'n', b'2', b'/', b'm', b'l', b'b', 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    let plain = interface(1, &[]);
    let lost = block(5, &[&[0; 12][..], &[7, 0, 8, 0], &3_u64.to_le_bytes()].concat());
    let again = [section(), interface(101, &[9, 0, 1, 0, 0x8a, 0, 0, 0]), packet(0, 1024, b"binary")].concat();
    let file = [section(), named, plain, packet(0, 5, b"first"), packet(1, 6, b"second"), lost, block(0x4242, b"other"), again].concat();
    let (packets, end) = all(&file);
    assert_eq!(end, None);
    assert_eq!(packets, [(0, 5, b"first".to_vec()), (1, 6000, b"second".to_vec()), (2, 1_000_000_000, b"binary".to_vec())]);
    let mut file = open(&file).unwrap();
    while file.advance().unwrap().is_some() {}
    let points = file.points();
    assert_eq!((points[0].name.as_deref(), points[0].link_type, points[0].dropped), (Some("n2/mlb"), 276, Some(3)));
    assert_eq!((points[1].name.as_deref(), points[1].readable(), points[2].link_type), (None, true, 101));
}

#[test]
fn a_file_that_was_cut_off_gives_what_is_whole_and_says_so() {
    let file = classic(0xa1b2_c3d4, true, &[(1, 2, b"abc"), (3, 4, b"defg")]);
    let (packets, end) = all(&file[..file.len() - 1]);
    assert_eq!(packets.len(), 1);
    assert!(end.unwrap().contains("behind packet 1"));
    let file = [section(), interface(1, &[]), packet(0, 5, b"first")].concat();
    let (packets, end) = all(&file[..file.len() - 1]);
    assert!(packets.is_empty() && end.unwrap().contains("within a block"));
}

#[test]
fn what_is_no_capture_is_refused() {
    for bytes in [&b""[..], b"\x7fELF and so on and so on", b"ab"] {
        assert!(open(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn lengths_are_not_believed() {
    let mut file = classic(0xa1b2_c3d4, true, &[(1, 2, b"abc")]);
    file[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(all(&file).1.unwrap().contains("bytes"));
    let mut file = [section(), interface(1, &[]), packet(0, 5, b"first")].concat();
    let length = file.len();
    file[length - 20..length - 16].copy_from_slice(&u32::MAX.to_le_bytes());
    let _ = all(&file);
    assert!(all(&[section(), packet(7, 5, b"first")].concat()).1.is_some(), "an interface that was not told of");
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), form in 0..3) {
        let start = match form {
            0 => classic(0xa1b2_c3d4, true, &[]),
            1 => [section(), interface(1, &[])].concat(),
            _ => Vec::new(),
        };
        bytes.splice(0..0, start);
        if let Ok(mut file) = open(&bytes) {
            for _ in 0..1000 {
                match file.advance() {
                    Ok(Some(frame)) => { let _ = frame.headers(); }
                    _ => break,
                }
            }
        }
    }
}
