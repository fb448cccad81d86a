//! What is written is read back, by the crate and by tshark where it is installed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::blocks::interface_statistics::InterfaceStatisticsOption;
use pcap_file::pcapng::{Block, PcapNgReader};

use super::*;
use crate::evidence::capture::decode::{EN10MB, SLL2};
use crate::model::capture::Capture;
use crate::model::place::{Host, HostKind, Place};

const SECOND: i64 = 1_000_000_000;
const NOW: i64 = 1_700_000_000 * SECOND;

fn host(name: &str) -> Host {
    Host { name: name.to_owned(), address: String::new(), kind: HostKind::Node }
}

fn request(place: Place, interface: &str) -> CaptureRequest {
    CaptureRequest {
        interface: interface.to_owned(),
        most_packets: 100,
        most_seconds: 9,
        most_bytes: 1 << 20,
        ..CaptureRequest::sample(place)
    }
}

fn pod() -> Place {
    let (namespace, name) = ("stacklight".to_owned(), "iam-proxy-1".to_owned());
    Place::Pod { host: host("n3"), namespace, name, ips: Vec::new(), container_ids: Vec::new() }
}

fn capture(request: CaptureRequest, arrived: u64, lost: u64) -> Capture {
    let ended = NOW + 5 * SECOND;
    Capture { listening_at: NOW, stopped_at: ended, ended_at: ended, ..Capture::sample(request, arrived, lost) }
}

/// An Ethernet frame with a UDP datagram, its number as source port.
fn frame(number: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(number.to_be_bytes());
    frame.extend([1, 187, 0, 8, 0, 0]);
    frame
}

fn cooked(number: u16) -> Vec<u8> {
    let mut cooked = vec![8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0];
    cooked.extend(&frame(number)[14..]);
    cooked
}

/// Two points: n2 by plain Ethernet at whole seconds, and a pod on n3 in between, by a clock that is a minute ahead.
fn written(folder: &Path) -> (PathBuf, Arc<PcapDirectory>) {
    let path = folder.join("packets");
    let directory = PcapDirectory::create(&path, "metallb-flow 1.0.0").unwrap();
    let one = request(Place::Host(host("n2")), "mlb");
    let mut file = PointFile::new(Arc::clone(&directory), one.clone());
    file.begin("mlb", EN10MB);
    for number in 0..4 {
        file.packet(NOW + i64::from(number) * SECOND, &frame(1000 + number), 1500);
    }
    file.end(&capture(one, 4, 0));
    let other = request(pod(), "any");
    let mut file = PointFile::new(Arc::clone(&directory), other.clone());
    file.begin("any", SLL2);
    for number in 0..4 {
        file.packet(NOW + 60 * SECOND + i64::from(number) * SECOND + SECOND / 2, &cooked(2000 + number), 60);
    }
    file.end(&capture(other, 4, 3));
    (path, directory)
}

fn clocks() -> Vec<ClockOffset> {
    vec![
        ClockOffset { host: "n2".to_owned(), ahead_us: 0, error_us: 700, took_ms: 9 },
        ClockOffset { host: "n3".to_owned(), ahead_us: 60_000_000, error_us: 800, took_ms: 9 },
    ]
}

fn blocks_of(path: &Path) -> Vec<Block<'static>> {
    let mut reader = PcapNgReader::new(File::open(path).unwrap()).unwrap();
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block() {
        blocks.push(block.unwrap().into_owned());
    }
    blocks
}

fn packets(blocks: &[Block<'static>]) -> Vec<EnhancedPacketBlock<'static>> {
    blocks.iter().filter_map(|block| if let Block::EnhancedPacket(packet) = block { Some(packet.clone()) } else { None }).collect()
}

#[test]
fn a_point_s_file_has_its_name_filter_packets_and_counters() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _directory) = written(folder.path());
    let blocks = blocks_of(&path.join("02-stacklight_iam-proxy-1_any.pcapng"));
    let Block::InterfaceDescription(interface) = &blocks[0] else { panic!("{:?}", blocks[0]) };
    assert_eq!(u32::from(interface.linktype), SLL2);
    assert_eq!(interface.snaplen, 128);
    assert!(interface.options.contains(&InterfaceDescriptionOption::IfName("stacklight/iam-proxy-1/any".into())));
    assert!(interface.options.contains(&InterfaceDescriptionOption::IfFilter(b"\0tcp port 443"[..].into())));
    let seen = packets(&blocks);
    assert_eq!(seen.len(), 4);
    assert_eq!(i64::try_from(seen[1].timestamp.as_nanos()).unwrap(), NOW + 61 * SECOND + SECOND / 2, "the host's own time");
    assert_eq!((&*seen[1].data, seen[1].original_len), (&*cooked(2001), 60));
    let Some(Block::InterfaceStatistics(counted)) = blocks.last() else { panic!("{:?}", blocks.last()) };
    for option in [
        InterfaceStatisticsOption::IsbFilterAccept(7),
        InterfaceStatisticsOption::IsbOsDrop(3),
        InterfaceStatisticsOption::IsbUsrDeliv(4),
        InterfaceStatisticsOption::IsbStartTime(u64::try_from(NOW).unwrap()),
    ] {
        assert!(counted.options.contains(&option), "{option:?} of {counted:?}");
    }
    let comment = format!("{:?}", counted.options);
    assert!(comment.contains("not every packet is here"), "{comment}");
}

#[test]
fn the_file_of_all_points_is_in_the_order_of_one_clock() {
    let folder = tempfile::tempdir().unwrap();
    let (path, directory) = written(folder.path());
    assert_eq!(directory.finish(&clocks()).unwrap(), Written { points: 2, packets: 8 });
    let blocks = blocks_of(&path.join(MERGED));
    let seen: Vec<(u32, i64)> =
        packets(&blocks).iter().map(|packet| (packet.interface_id, i64::try_from(packet.timestamp.as_nanos()).unwrap() - NOW)).collect();
    let expected: Vec<(u32, i64)> = (0..4).flat_map(|second| [(0, second * SECOND), (1, second * SECOND + SECOND / 2)]).collect();
    assert_eq!(seen, expected);
    let text = format!("{blocks:?}");
    for wanted in ["n2/mlb", "stacklight/iam-proxy-1/any", "n3 +60.000 s ± 0.80 ms"] {
        assert!(text.contains(wanted), "{wanted} is missing");
    }
    let head = format!("{:?}", PcapNgReader::new(File::open(path.join(MERGED)).unwrap()).unwrap().section());
    assert!(head.contains("run: metallb-flow 1.0.0, began 2") && head.contains(env!("CARGO_PKG_VERSION")), "{head}");
    let statistics: Vec<u32> =
        blocks.iter().filter_map(|block| if let Block::InterfaceStatistics(one) = block { Some(one.interface_id) } else { None }).collect();
    assert_eq!(statistics, [0, 1]);
}

#[test]
fn a_clock_that_was_not_compared_is_said_and_not_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let (path, directory) = written(folder.path());
    directory.finish(&clocks()[..1]).unwrap();
    let blocks = blocks_of(&path.join(MERGED));
    assert!(format!("{blocks:?}").contains("by the clock of n3, which was not compared"));
    assert_eq!(packets(&blocks).iter().map(|packet| packet.interface_id).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 1, 1, 1]);
}

#[test]
fn the_files_are_private_and_only_an_empty_directory_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (path, directory) = written(folder.path());
    directory.finish(&[]).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let files: BTreeMap<String, u32> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    let expected = ["01-n2_mlb.pcapng", "02-stacklight_iam-proxy-1_any.pcapng", MERGED].map(|name| (name.to_owned(), 0o600));
    assert_eq!(files, expected.into());
    let full = PcapDirectory::create(&path, "again").err().unwrap();
    assert!(full.to_string().contains("not empty"), "{full}");
    assert!(PcapDirectory::create(&folder.path().join("no/such"), "x").is_err());
    assert!(PcapDirectory::create(&path.join(MERGED), "x").is_err());
}

#[test]
fn a_file_that_was_cut_off_gives_its_whole_packets() {
    let folder = tempfile::tempdir().unwrap();
    let (path, directory) = written(folder.path());
    let first = path.join("01-n2_mlb.pcapng");
    let bytes = std::fs::read(&first).unwrap();
    let end = bytes.len();
    // The counters are gone, and half of the last packet.
    let packets_end = end - blocks_end(&bytes);
    std::fs::write(&first, &bytes[..packets_end - 20]).unwrap();
    assert_eq!(directory.finish(&clocks()).unwrap().packets, 7);
}

/// The length of a file's last block.
fn blocks_end(bytes: &[u8]) -> usize {
    usize::try_from(u32::from_be_bytes(bytes[bytes.len() - 4..].try_into().unwrap())).unwrap()
}

#[test]
fn a_file_that_cannot_be_written_fails_the_end_and_not_the_capture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packets");
    let directory = PcapDirectory::create(&path, "run").unwrap();
    std::fs::remove_dir(&path).unwrap();
    let one = request(Place::Host(host("n2")), "mlb");
    let mut file = PointFile::new(Arc::clone(&directory), one.clone());
    file.begin("mlb", EN10MB);
    file.packet(NOW, &frame(1), 42);
    file.end(&capture(one, 1, 0));
    let error = directory.finish(&[]).unwrap_err();
    assert!(error.operation.contains("01-n2_mlb.pcapng"), "{error}");
}

/// Wireshark's own reader, where it is installed.
#[test]
fn tshark_reads_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, directory) = written(folder.path());
    directory.finish(&clocks()).unwrap();
    let tshark = |arguments: &[&str]| {
        let output = Command::new("tshark").args(["-n", "-r"]).arg(path.join(MERGED)).args(arguments).output().ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let fields = ["-T", "fields", "-e", "frame.interface_name", "-e", "frame.time_epoch", "-e", "udp.srcport", "-e", "frame.len"];
    // `make test` installs it; without it the tests above read the blocks themselves.
    let Some(text) = tshark(&fields) else { return };
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8, "{text}");
    assert_eq!(lines[0], "n2/mlb\t1700000000.000000000\t1000\t1500");
    assert_eq!(lines[1], "stacklight/iam-proxy-1/any\t1700000000.500000000\t2000\t60");
    let own = Command::new("tshark").args(["-n", "-r"]).arg(path.join("02-stacklight_iam-proxy-1_any.pcapng")).output().unwrap();
    assert!(own.status.success(), "{own:?}");
    if let Ok(info) = Command::new("capinfos").arg(path.join(MERGED)).output() {
        let info = String::from_utf8_lossy(&info.stdout).into_owned();
        for wanted in ["tcp port 443", "lbdiag", "metallb-flow 1.0.0", "n3 +60.000 s"] {
            assert!(info.contains(wanted), "{wanted} is missing in\n{info}");
        }
    }
}
