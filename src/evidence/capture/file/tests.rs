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
    for bytes in [&b"\x7fELF and so on and so on"[..], b"ab"] {
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

/// Statistics of an interface: codes with their counts.
fn statistics(interface: u32, counts: &[(u16, u64)]) -> Vec<u8> {
    let options = counts.iter().flat_map(|(code, count)| counted(*code, &count.to_le_bytes()));
    block(5, &[&interface.to_le_bytes()[..], &[0; 8], &options.collect::<Vec<u8>>()].concat())
}

fn counted(code: u16, value: &[u8]) -> Vec<u8> {
    let mut option = [&code.to_le_bytes()[..], &u16::try_from(value.len()).unwrap().to_le_bytes(), value].concat();
    option.resize(option.len().next_multiple_of(4), 0);
    option
}

/// What each point of a file lost, once it is read.
fn lost(blocks: &[Vec<u8>]) -> Vec<Option<u64>> {
    let mut file = open(&[&[section()], blocks].concat().concat()).unwrap();
    while file.advance().unwrap().is_some() {}
    file.points().iter().map(|point| point.dropped).collect()
}

#[test]
fn of_what_was_lost_the_worst_is_believed() {
    let (one, whole) = (interface(1, &[]), u64::MAX);
    for (blocks, expected) in [
        (vec![one.clone(), statistics(0, &[(5, whole), (7, 3)])], vec![Some(whole)]),
        (vec![one.clone(), statistics(0, &[(5, 2), (5, 3), (7, 4)])], vec![Some(9)]),
        // The later count is smaller, or tells nothing.
        (vec![one.clone(), statistics(0, &[(7, 9)]), statistics(0, &[(7, 0)]), statistics(0, &[])], vec![Some(9)]),
        (vec![one.clone(), statistics(0, &[(4, 9)])], vec![None]),
        (vec![one.clone(), statistics(0, &[(5, 0), (7, 0)])], vec![Some(0)]),
        // Of an interface that is told of later, and of one that never is.
        (vec![statistics(0, &[(7, 6)]), one.clone(), one.clone()], vec![Some(6), None]),
        (vec![one.clone(), one.clone(), statistics(7, &[(7, 6)]), statistics(u32::MAX, &[(7, 8)])], vec![Some(8), Some(8)]),
        // That of one section says nothing of the next one's.
        (vec![one.clone(), statistics(1, &[(7, 6)]), section(), one.clone()], vec![Some(6), None]),
    ] {
        assert_eq!(lost(&blocks), expected);
    }
}

#[test]
fn a_count_that_is_cut_is_no_nothing() {
    let cut = block(5, &[&[0; 12][..], &counted(7, &[0; 4])].concat());
    assert_eq!(lost(&[interface(1, &[]), cut]), [None]);
}

#[test]
fn packets_tell_what_was_lost_before_them() {
    let told = |count: u64| {
        let length = 4_u32.to_le_bytes();
        block(6, &[&[0; 12][..], &length, &length, b"data", &counted(4, &count.to_le_bytes())].concat())
    };
    let old = |drops: u16| {
        let length = 4_u32.to_le_bytes();
        block(2, &[&[0, 0][..], &drops.to_le_bytes(), &[0; 8], &length, &length, b"data"].concat())
    };
    let one = interface(1, &[]);
    assert_eq!(lost(&[one.clone(), told(0), told(2), told(3)]), [Some(5)]);
    assert_eq!(lost(&[one.clone(), told(2), told(u64::MAX), statistics(0, &[(7, 0)])]), [Some(u64::MAX)]);
    assert_eq!(lost(&[one.clone(), old(3), old(u16::MAX), packet(0, 1, b"data")]), [Some(3)]);
    assert_eq!(lost(&[one, told(0), packet(0, 1, b"data")]), [None]);
}

#[test]
fn times_beyond_all_clocks_stay_in_their_order() {
    let offset = |seconds: i64| counted(14, &seconds.to_le_bytes());
    for seconds in [i64::MAX, i64::MIN] {
        let file = [section(), interface(1, &offset(seconds)), packet(0, u64::MAX, b"a"), packet(0, 0, b"b")].concat();
        let (packets, broken) = all(&file);
        assert!(packets.len() == 2 && broken.is_none() && packets[0].1 >= packets[1].1, "{packets:?}");
    }
}

#[test]
fn a_file_of_no_bytes_is_a_capture_that_wrote_nothing() {
    let (packets, end) = all(&[]);
    assert!(packets.is_empty() && end.unwrap().contains("it has no bytes"));
    assert!(open(&[0xd4]).is_err_and(|error| error.to_string().contains("within the first number")));
}

#[test]
fn a_packet_without_a_time_is_told_from_those_that_have_one() {
    let simple = block(3, &[&3_u32.to_le_bytes()[..], b"abc"].concat());
    let file = [section(), interface(1, &[]), packet(0, 7_000_000, b"x"), simple].concat();
    let mut file = open(&file).unwrap();
    let timed = |frame: Option<Frame<'_>>| frame.map(|frame| (frame.timed, frame.at));
    assert_eq!(timed(file.advance().unwrap()), Some((true, 7_000_000_000)));
    assert_eq!(timed(file.advance().unwrap()), Some((false, 7_000_000_000)), "it stands at the time of the one before");
}
