//! Following packets through files and through real captures: what the lab's recordings hold is joined as its numbers say.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use lbdiag::analysis::trace::{Bounds, Joiner};
use lbdiag::model::capture::Capture;
use lbdiag::model::headers::{DatagramHeaders, Enclosure, Headers, Quoted, TcpHeaders, Transport};
use lbdiag::model::packet::{Body, Packet};
use serde_json::Value;

/// The captures of a recording.
fn captures(recording: &Path) -> Vec<Capture> {
    let file = std::fs::File::open(recording).expect("a recording");
    let lines = BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().map(|line| line.expect("a line"));
    let captures = lines.filter(|line| line.starts_with("{\"c\":\"capture\"")).filter_map(|line| {
        let mut line: Value = serde_json::from_str(&line).expect("a line in its form");
        serde_json::from_value(line["a"]["stop"]["Ok"].take()).ok()
    });
    captures.collect()
}

/// What a recording keeps of a packet, as headers: neither TCP's timestamps nor its identification are there.
fn headers(packet: &Packet, interfaces: &mut BTreeMap<String, u32>) -> Option<Headers> {
    let next = u32::try_from(interfaces.len()).expect("few interfaces") + 1;
    let interface = *interfaces.entry(packet.interface.to_string()).or_insert(next);
    let (source, destination, identification, transport) = match &packet.body {
        Body::Tcp(tcp) => {
            let transport = TcpHeaders {
                source_port: tcp.source_port,
                destination_port: tcp.destination_port,
                sequence: tcp.sequence,
                acknowledgement: if tcp.flags.0 & 16 == 0 { 0 } else { tcp.acknowledgement },
                flags: tcp.flags,
                timestamps: None,
                length: tcp.length,
                header_length: 20,
                print: 0,
                fragmented: false,
                cut_at: None,
            };
            (tcp.source, tcp.destination, 0, Transport::Tcp(transport))
        }
        Body::Udp(udp) => {
            let transport = DatagramHeaders {
                protocol: 17,
                source_port: udp.source_port,
                destination_port: udp.destination_port,
                start_hash: udp.payload_hash,
                whole_hash: None,
                hashed: 24,
                carried: udp.length + 8,
                whole: Some(udp.length + 8),
                fragmented: false,
                hidden: None,
            };
            (udp.source, udp.destination, u32::from(udp.identification), Transport::Datagram(transport))
        }
        Body::Icmp(icmp) => {
            let about = icmp.quoted.as_deref().map(|&(protocol, source, destination, source_port, destination_port)| Quoted {
                protocol,
                source,
                destination,
                source_port,
                destination_port,
            });
            (icmp.source, icmp.destination, 0, Transport::IcmpError { kind: icmp.kind, code: icmp.code, about })
        }
        _ => return None,
    };
    let enclosure = Enclosure { tunnel: packet.tunnel, ..Enclosure::default() };
    Some(Headers {
        at: packet.at,
        interface,
        passage: packet.passage,
        enclosure,
        source,
        destination,
        identification,
        ttl: 0,
        timed: true,
        rest: None,
        transport,
    })
}

/// How often a packet came each way: interface, whether in a tunnel, passage.
type Ways = BTreeMap<(u32, bool, u8), usize>;

/// What tells a TCP packet's connection where nothing else is known: the SYN's number, by the ends that it had there.
type Ends = (usize, BTreeSet<(IpAddr, u16)>);

/// A recording in which a router gives two clients one address, and both ask from the same ports at once: ends and numbers tell no
/// connection there, so that there is nothing to compare with. The judgement's own joining of it is tested with the recordings.
const ONE_ADDRESS_FOR_TWO: &str = "client-translated-by-the-router.lbdiag";

#[test]
fn real_captures_are_joined_as_their_numbers_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let (mut several, mut missed) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).expect("recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "lbdiag") && !path.ends_with(ONE_ADDRESS_FOR_TWO) {
            let (all, not_joined) = check(&path);
            several += all;
            missed.extend(not_joined);
        }
    }
    assert!(several > 1000, "only {several} packets were seen at several points");
    let count = missed.len();
    assert!(missed.is_empty(), "{count} of {several} packets are not joined: {:?}", missed.iter().take(5).collect::<Vec<_>>());
}

/// How many packets should be joined with another point's, and those that are not.
fn check(recording: &Path) -> (usize, Vec<String>) {
    let name = recording.display();
    let captures = captures(recording);
    let mut joiner = Joiner::new(Bounds::default(), true);
    let mut packets: Vec<(u16, u64, Headers)> = Vec::new();
    for (number, capture) in captures.iter().enumerate() {
        let point = joiner.point(&format!("{number}"), true, 0);
        let mut interfaces = BTreeMap::new();
        let of_point = (1_u64..).zip(&capture.packets);
        packets.extend(of_point.filter_map(|(frame, packet)| Some((point, frame, headers(packet, &mut interfaces)?))));
    }
    packets.sort_by_key(|(point, frame, headers)| (headers.at, *point, *frame));
    // By ends at each point, the number of the SYN that was seen last with these.
    let mut begun: BTreeMap<Ends, u32> = BTreeMap::new();
    let mut known = BTreeMap::new();
    let mut seen: BTreeMap<_, BTreeMap<u16, Ways>> = BTreeMap::new();
    for (point, frame, headers) in &packets {
        joiner.take(*point, *frame, headers);
        let Transport::Tcp(tcp) = &headers.transport else { continue };
        let ends = (usize::from(*point), BTreeSet::from([(headers.source, tcp.source_port), (headers.destination, tcp.destination_port)]));
        if tcp.flags.is_syn() {
            begun.insert(ends.clone(), tcp.sequence);
        }
        let Some(syn) = begun.get(&ends) else { continue };
        let like = (*syn, tcp.sequence, tcp.acknowledgement, tcp.flags.0, tcp.length);
        known.insert((*point, *frame), like);
        let tunnel = headers.enclosure.tunnel.map_or(0, |tunnel| tunnel as u8);
        let way = headers.passage as u8;
        *seen.entry(like).or_default().entry(*point).or_default().entry((headers.interface, tunnel > 0, way)).or_default() += 1;
    }
    joiner.finish();
    let (_, pairings) = joiner.done();
    let mut elsewhere = BTreeSet::new();
    for pairing in &pairings {
        let points: BTreeSet<u16> = pairing.seen.iter().map(|seen| seen.point).collect();
        let likes: BTreeSet<_> = pairing.seen.iter().filter_map(|seen| known.get(&(seen.point, seen.frame))).map(|like| like.0).collect();
        assert!(likes.len() <= 1, "{name}: packets of several connections are joined: {pairing:?}");
        if points.len() > 1 {
            elsewhere.extend(pairing.seen.iter().map(|seen| (seen.point, seen.frame)));
        }
    }
    // What came as often at two points has a counterpart for each.
    let often = |ways: &Ways| ways.values().copied().max().unwrap_or(0);
    let counted = known.iter().filter(|((point, _), like)| {
        let of = &seen[*like];
        of.iter().any(|(other, ways)| other != point && often(ways) >= often(&of[point]))
    });
    let all: Vec<_> = counted.map(|(place, _)| *place).collect();
    let missed = all.iter().filter(|place| !elsewhere.contains(place)).map(|place| format!("{name}: {place:?} {:?}", known[place]));
    (all.len(), missed.collect())
}

/// A frame of Ethernet, IPv4 and TCP without payload.
fn frame(source: [u8; 4], source_port: u16, destination: [u8; 4], destination_port: u16, sequence: u32, flags: u8) -> Vec<u8> {
    let mut frame = vec![0x66, 0, 0, 0, 0, 1, 0x66, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0];
    frame.extend(source.into_iter().chain(destination));
    frame.extend(source_port.to_be_bytes().into_iter().chain(destination_port.to_be_bytes()));
    frame.extend(sequence.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0x50, flags, 2, 0, 0, 0, 0, 0]);
    frame
}

fn write(path: &Path, frames: &[(u32, Vec<u8>)]) {
    let mut file: Vec<u8> = [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65_535, 1].iter().flat_map(|word| word.to_be_bytes()).collect();
    for (micro, frame) in frames {
        let length = u32::try_from(frame.len()).expect("a short frame");
        file.extend([1_700_000_000, *micro, length, length].iter().flat_map(|word| word.to_be_bytes()));
        file.extend(frame);
    }
    std::fs::write(path, file).expect("a file");
}

fn two_files(directory: &Path) -> [PathBuf; 2] {
    let files = ["node.pcap", "pod.pcap"].map(|name| directory.join(name));
    let (client, address, node, pod) = ([10, 0, 0, 9], [10, 0, 0, 100], [10, 0, 0, 1], [10, 1, 0, 5]);
    write(&files[0], &[(100, frame(client, 40000, address, 443, 7, 2)), (900, frame(client, 40000, address, 443, 8, 4))]);
    write(&files[1], &[(350, frame(node, 31000, pod, 8443, 7, 2))]);
    files
}

fn trace(arguments: &[&std::ffi::OsStr]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lbdiag")).arg("trace").args(arguments).output().expect("lbdiag");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn files_are_followed_and_told_in_text_and_json() {
    let directory = tempfile::tempdir().expect("a directory");
    let [node, pod] = two_files(directory.path());
    let (code, text, errors) = trace(&[node.as_os_str(), pod.as_os_str()]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains("10.0.0.9:40000 → 10.0.0.100:443") && text.contains("10.0.0.1:31000 → 10.1.0.5:8443"), "{text}");
    assert!(text.contains("+0.250 ms"), "{text}");
    let (report, pairs) = (directory.path().join("report"), directory.path().join("pairs"));
    let json = format!("json={}", report.display());
    let (code, _, errors) =
        trace(&[node.as_os_str(), pod.as_os_str(), "--report".as_ref(), json.as_ref(), "--pairs".as_ref(), pairs.as_os_str()]);
    assert_eq!(code, Some(0), "{errors}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).expect("the report")).expect("JSON");
    assert_eq!(report["connections"][0]["request"][1]["destination"], "10.1.0.5:8443");
    assert_eq!(report["summary"]["points"][1]["joined"], 1);
    let pairs = std::fs::read_to_string(pairs).expect("the pairs");
    assert_eq!(pairs.lines().next(), Some(format!("1\t{}:1\t{}:1", node.display(), pod.display()).as_str()));
}

#[test]
fn what_is_no_capture_is_refused_and_what_was_cut_off_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let [node, pod] = two_files(directory.path());
    let whole = std::fs::read(&node).expect("the file");
    std::fs::write(&node, &whole[..whole.len() - 3]).expect("a file that is cut off");
    let (code, text, _) = trace(&[node.as_os_str(), pod.as_os_str()]);
    assert!(code == Some(0) && text.contains("incomplete: ") && text.contains("within a packet"), "{text}");
    std::fs::write(&pod, "no capture at all, but text").expect("a file");
    let (code, _, errors) = trace(&[node.as_os_str(), pod.as_os_str()]);
    assert!(code == Some(1) && errors.contains("neither pcap nor pcapng"), "{errors}");
    assert_eq!(trace(&[]).0, Some(2));
}

/// A row: the files that are followed together, connections with the places that each was joined at, whether they are called seen everywhere, and
/// what has to be said beside it.
struct Row {
    files: &'static [&'static str],
    /// Per connection: its protocol, and the ends of its request by place.
    connections: &'static [(&'static str, &'static [&'static str])],
    whole: u64,
    said: &'static [&'static str],
}

/// Links and tunnels of all kinds. Where frames cannot be read, nothing is called seen everywhere, and each sentence that they weaken names them.
const ROWS: &[Row] = &[
    Row { files: &["01-gre.pcap"], connections: &[("tcp", &[CLIENT_TO_ADDRESS])], whole: 1, said: &[" gre "] },
    Row { files: &["04-mpls.pcap"], connections: &[("tcp", &[CLIENT_TO_ADDRESS])], whole: 1, said: &[] },
    Row { files: &["08-vxlan-port-4790.pcap"], connections: &[("tcp", &[CLIENT_TO_ADDRESS])], whole: 1, said: &["vxlan 4096"] },
    Row { files: &["11-vxlan-gbp.pcap"], connections: &[("tcp", &[CLIENT_TO_ADDRESS])], whole: 1, said: &["vxlan 4096"] },
    Row { files: &["43-fcs-bits-in-the-link-type.pcap"], connections: &[("tcp", &[CLIENT_TO_ADDRESS])], whole: 1, said: &[] },
    Row {
        files: &["42-load-generator-one-sequence-number.pcap"],
        connections: &[
            ("tcp", &["192.0.2.50:40000 → 203.0.113.100:443"]),
            ("tcp", &["192.0.2.50:40001 → 203.0.113.100:443"]),
            ("tcp", &["192.0.2.50:40002 → 203.0.113.100:443"]),
            ("tcp", &["192.0.2.50:40003 → 203.0.113.100:443"]),
            ("tcp", &["192.0.2.50:40004 → 203.0.113.100:443"]),
            ("tcp", &["192.0.2.50:40005 → 203.0.113.100:443"]),
        ],
        whole: 6,
        said: &[],
    },
    Row { files: &["50a-client.pcap", "50c-pod.pcap"], connections: &[("tcp", JOINED)], whole: 1, said: &[] },
    Row { files: &["50a-client.pcap", "50d-pod-vxlan-8473.pcap"], connections: &[("tcp", JOINED)], whole: 1, said: &[" vxlan "] },
    Row { files: &["50a-client.pcap", "50e-pod-gre.pcap"], connections: &[("tcp", JOINED)], whole: 1, said: &[" gre "] },
    Row { files: &["50a-client.pcap", "50g-pod-mpls.pcap"], connections: &[("tcp", JOINED)], whole: 1, said: &[] },
    Row { files: &["50a-client.pcap", "50i-pod-vxlan-4789.pcap"], connections: &[("tcp", JOINED)], whole: 1, said: &[] },
    Row {
        files: &["encapsulations/h01-client-pppoe.pcap", "encapsulations/h01-pod.pcap"],
        connections: &[("tcp", WEB)],
        whole: 1,
        said: &[],
    },
    Row {
        files: &["encapsulations/h02-switch-snap.pcap", "encapsulations/h02-pod.pcap"],
        connections: &[("tcp", WEB)],
        whole: 1,
        said: &[],
    },
    Row {
        files: &["encapsulations/h04-mirror-erspan.pcap", "encapsulations/h04-pod.pcap"],
        connections: &[("tcp", WEB)],
        whole: 1,
        said: &[" gre "],
    },
    Row {
        files: &[
            "encapsulations/h03-client.pcap",
            "encapsulations/h03-n2.pcap",
            "encapsulations/h03-n3-wireguard-only.pcap",
            "encapsulations/h03-pod.pcap",
        ],
        connections: &[
            (
                "tcp",
                &["10.88.192.50:40000 → 10.88.64.100:443", "10.88.192.50:40000 → 10.88.64.100:443", "10.88.140.2:31000 → 10.88.131.4:4180"],
            ),
            ("udp", &["10.88.0.12:51820 → 10.88.0.13:51820", "10.88.0.12:51820 → 10.88.0.13:51820"]),
        ],
        whole: 0,
        said: &["it may be there all the same: 9 frames were not read (WireGuard)", "none of them is called seen everywhere"],
    },
    Row {
        files: &["encapsulations/h05-n2.pcap", "encapsulations/h05-pod.pcap"],
        connections: &[("tcp", WEB)],
        whole: 1,
        said: &["closed, 1 repeated"],
    },
    Row {
        files: &["encapsulations/h06-n2.pcap", "encapsulations/h06-pod.pcap"],
        connections: &[
            ("tcp", &["10.88.130.1:31002 → 10.88.130.4:4180", "10.88.192.51:40000 → 10.88.64.100:443"]),
            ("tcp", &["10.88.192.50:40000 → 10.88.64.100:443", "10.88.130.1:31001 → 10.88.130.4:4180"]),
        ],
        whole: 2,
        said: &[],
    },
    Row {
        files: &["encapsulations/h07-n2-sctp.pcap", "encapsulations/h07-pod-sctp.pcap"],
        connections: &[("sctp", &["10.88.192.50:45000 → 10.88.64.100:3868", "10.88.130.1:32000 → 10.88.130.4:3868"])],
        whole: 1,
        said: &[],
    },
    Row { files: &["encapsulations/h08-two-interfaces.pcapng"], connections: &[("tcp", WEB)], whole: 1, said: &[":mlb", ":tun0"] },
    Row {
        files: &["encapsulations/h09-client.pcap", "encapsulations/h09-n2-user0.pcap", "encapsulations/h09-pod.pcap"],
        connections: &[("tcp", WEB)],
        whole: 0,
        said: &["not seen at", "it may be there all the same: 9 frames were not read (link type 147)"],
    },
    Row {
        files: &["encapsulations/h11-n2-proxy.pcap", "encapsulations/h11-pod.pcap"],
        connections: &[
            ("tcp", &["10.88.0.12:52000 → 10.88.130.4:4180", "10.88.0.12:52000 → 10.88.130.4:4180"]),
            ("tcp", &["10.88.192.50:40000 → 10.88.64.100:443"]),
        ],
        whole: 1,
        said: &["a proxy in between"],
    },
];

const CLIENT_TO_ADDRESS: &str = "192.0.2.50:40000 → 203.0.113.100:443";
const JOINED: &[&str] = &[CLIENT_TO_ADDRESS, "10.88.130.1:25787 → 198.51.100.7:4180"];
const WEB: &[&str] = &["10.88.192.50:40000 → 10.88.64.100:443", "10.88.130.1:31000 → 10.88.130.4:4180"];

#[test]
fn links_and_tunnels_are_read_or_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    for row in ROWS {
        let files: Vec<PathBuf> = row.files.iter().map(|file| folder.join(file)).collect();
        let mut arguments: Vec<&std::ffi::OsStr> = files.iter().map(|file| file.as_os_str()).collect();
        let (code, text, errors) = trace(&arguments);
        assert_eq!(code, Some(0), "{errors}");
        arguments.extend(["--report", "json"].map(std::ffi::OsStr::new));
        let (_, json, errors) = trace(&arguments);
        let report: serde_json::Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json} {errors}"));
        let mut found: Vec<(String, Vec<String>)> = report["connections"].as_array().expect("connections").iter().map(connection).collect();
        let mut expected: Vec<(String, Vec<String>)> = row
            .connections
            .iter()
            .map(|(protocol, ends)| ((*protocol).to_owned(), ends.iter().map(|ends| (*ends).to_owned()).collect()))
            .collect();
        for (_, ends) in expected.iter_mut().chain(&mut found) {
            ends.sort();
        }
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{:?}: {text}", row.files);
        assert_eq!(report["summary"]["whole"], row.whole, "{:?}: {text}", row.files);
        assert!(row.said.iter().all(|said| text.contains(said)), "{:?}: {text}", row.files);
    }
}

/// A connection's protocol, and the ends of its request at each place.
fn connection(traced: &serde_json::Value) -> (String, Vec<String>) {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let hops = traced["request"].as_array().expect("hops");
    let ends = hops.iter().map(|hop| format!("{} → {}", text(&hop["source"]), text(&hop["destination"])));
    (text(&traced["protocol"]), ends.collect())
}

/// What is cut, changed, lost or out of order: the files below `changed`, the numbers of connections and of those seen everywhere, what has to be
/// said, and what must not be.
type Changed = (&'static [&'static str], u64, u64, &'static [&'static str], &'static [&'static str]);

const CHANGED: &[Changed] = &[
    (
        &["answers-die-behind-the-pod-client.pcap", "answers-die-behind-the-pod-node.pcap", "answers-die-behind-the-pod-pod.pcap"],
        2,
        1,
        &["0 packets, 0 bytes; 3 missing", "SYN-ACK (answer) with sequence 7000", "+0.400 ms", "no answer was seen at"],
        &["its clock is"],
    ),
    (
        &[
            "datagrams-answered-at-the-pod-alone-client.pcap",
            "datagrams-answered-at-the-pod-alone-node.pcap",
            "datagrams-answered-at-the-pod-alone-pod.pcap",
        ],
        3,
        2,
        &["0 packets, 0 bytes; 1 missing", "unless their road does not pass there"],
        &[],
    ),
    (&["a-line-of-40-ms-client.pcap", "a-line-of-40-ms-node.pcap"], 2, 1, &["+40.000 ms", "3 missing"], &["its clock is", "ahead"]),
    (
        &["acknowledgements-of-tftp-die-client.pcap", "acknowledgements-of-tftp-die-node.pcap", "acknowledgements-of-tftp-die-pod.pcap"],
        3,
        1,
        &["not seen", "of 12 bytes, +1.000 ms, last at"],
        &[],
    ),
    (
        &["snapped-at-68-client.pcap", "snapped-at-68-node.pcap"],
        1,
        1,
        &["2 TCP frames end within the options, cut at 68 bytes", "beside it: 2 of its frames at"],
        &["missing", "no packet with its numbers"],
    ),
    (
        &["snapped-at-40-and-54-client.pcap", "snapped-at-40-node.pcap", "snapped-at-54-pod.pcap"],
        1,
        0,
        &["9 frames were not read (cut behind its ports, before its sequence number or flags)", "cut at 54 bytes"],
        &["missing", "no packet with its numbers"],
    ),
    (
        &["vxlan-snapped-at-104.pcap", "vxlan-snapped-at-104-pod.pcap"],
        1,
        1,
        &["vxlan 4096", "9 TCP frames end within the options, cut at 104 bytes"],
        &["missing", "no packet with its numbers"],
    ),
    (
        &["identifications-rewritten-node.pcap", "identifications-rewritten-pod.pcap"],
        1,
        1,
        &["something in between rewrites them"],
        &["missing", "no packet with its numbers"],
    ),
    (
        &["timestamps-stripped-client.pcap", "timestamps-stripped-node.pcap"],
        1,
        1,
        &["something on the way takes them off"],
        &["missing", "no packet with its numbers"],
    ),
    (
        &["nat64-client.pcap", "nat64-node.pcap", "nat64-server.pcap"],
        1,
        0,
        &["10.88.0.12:61000 → 10.88.64.100:443", "[64:ff9b::a58:4064]:443", "FIN (answer) with sequence 7901", "last at"],
        &["no packet with its numbers"],
    ),
    (&["fou-client.pcap", "fou-node.pcap", "fou-pod.pcap"], 1, 1, &["fou-node.pcap fou "], &["udp", "no packet with its numbers"]),
    (
        &["records-out-of-order-client.pcap", "records-out-of-order-node.pcap", "records-out-of-order-pod.pcap"],
        2,
        0,
        &["its records go back in time, by up to 35003.100 ms: they were put in order", "not captured at"],
        &["1 missing"],
    ),
    (
        &["resets-of-a-middlebox-client.pcap", "resets-of-a-middlebox-node.pcap", "resets-of-a-middlebox-pod.pcap"],
        1,
        0,
        &[
            "RST (answer) first seen at",
            "RST (request) first seen at",
            "Its time to live is 251 there, that of all else in this direction 64",
        ],
        &["missing", "though seen behind it", "-4."],
    ),
    (
        &["fragments-behind-options-client.pcap", "fragments-behind-options-node.pcap", "fragments-behind-options-pod.pcap"],
        1,
        0,
        &["5 packets, 5464 bytes; 1 missing", "of 552 bytes, its bytes 2456 to 3008", "node.pcap in packet 8"],
        &["not captured"],
    ),
    (
        &["outer-fragment-lost-client.pcap", "outer-fragment-lost-node.pcap", "outer-fragment-lost-pod.pcap"],
        1,
        0,
        &["node.pcap vxlan 4096: data (request) of 50 bytes with sequence 8047, its bytes 1398 to 1448", "client.pcap in packet 6"],
        &["not captured"],
    ),
    (&["copies-on-any-client.pcap", "copies-on-any-node.pcap", "copies-on-any-pod.pcap"], 1, 0, &["; 2 missing"], &["not captured"]),
    (
        &["one-segment-of-a-bundle-lost-client.pcap", "one-segment-of-a-bundle-lost-node.pcap", "one-segment-of-a-bundle-lost-pod.pcap"],
        1,
        0,
        &["data (answer) of 1448 bytes with sequence 8449, its bytes 1448 to 2896", "node.pcap in packet 5"],
        &["4344"],
    ),
    (
        &["simple-packet-block.pcapng"],
        1,
        1,
        &["1 frame has no time in the file: it stands at that of the frame before", "+0.199 to +0.200 ms"],
        &["-0.2", "5.399"],
    ),
    (
        &["nothing-captured-client.pcap", "cut-within-a-packet-pod.pcap", "nothing-captured-router.pcap", "nothing-written.pcap"],
        1,
        0,
        &[
            "does not hold everything, and its counts are of what it holds",
            "nothing was captured there",
            "it has no bytes: its capture wrote nothing",
            "nothing-captured-router.pcap: that capture holds no packet",
        ],
        &["missing"],
    ),
    (
        &["esp-one-way-client.pcap", "esp-one-way-node.pcap", "esp-one-way-pod.pcap"],
        2,
        0,
        &["6 frames were not read (ESP): what was not seen there may be in these"],
        &["missing"],
    ),
    (&["two-hosts-one-text-client.pcap", "two-hosts-one-text-node.pcap"], 2, 2, &["10.99.1.8:514 → 10.88.64.101:514"], &["missing"]),
];

#[test]
fn what_is_cut_changed_or_out_of_order_gives_no_untrue_sentence() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/changed");
    for (names, connections, whole, said, never) in CHANGED {
        let files: Vec<PathBuf> = names.iter().map(|file| folder.join(file)).collect();
        let mut arguments: Vec<&std::ffi::OsStr> = files.iter().map(|file| file.as_os_str()).collect();
        let (code, text, errors) = trace(&arguments);
        assert_eq!(code, Some(0), "{errors}");
        // Names of files are no sentences.
        let text = text.replace(&format!("{}/", folder.display()), "");
        let spoken = names.iter().fold(text.clone(), |text, name| text.replace(name, "it"));
        for said in *said {
            assert!(text.contains(said), "{names:?}: not said: {said}\n{text}");
        }
        for never in *never {
            assert!(!spoken.contains(never), "{names:?}: said: {never}\n{text}");
        }
        arguments.extend(["--report", "json"].map(std::ffi::OsStr::new));
        let report: Value = serde_json::from_str(&trace(&arguments).1).expect("JSON");
        assert_eq!(
            (&report["summary"]["connections"], &report["summary"]["whole"]),
            (&Value::from(*connections), &Value::from(*whole)),
            "{text}"
        );
    }
}

#[test]
fn records_that_stand_too_far_behind_are_counted_and_weaken_what_is_missing() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = ["client.pcap", "node.pcap"].map(|name| directory.path().join(name));
    let syn = |number: u16| frame([10, 0, 0, 9], 10_000 + number, [10, 0, 0, 100], 443, u32::from(number) * 1000, 2);
    // Two queues that took turns, and one record that was written at the end.
    let in_turns =
        |back: u32| (0..6000_u16).map(move |number| (u32::from(number) * 100 + if number % 2 == 0 { 0 } else { back }, syn(number)));
    let whole: Vec<(u32, Vec<u8>)> = in_turns(0).collect();
    let mut late = in_turns(350).collect::<Vec<_>>();
    let first = late.remove(20);
    write(&files[0], &whole);
    write(&files[1], &late);
    let arguments: Vec<&std::ffi::OsStr> = files.iter().map(|file| file.as_os_str()).collect();
    let (_, text, _) = trace(&arguments);
    assert!(!text.contains("go back in time") && text.contains("6000 connections, 5999 of them seen everywhere"), "{text}");
    late.push(first);
    write(&files[1], &late);
    let (_, text, _) = trace(&arguments);
    assert!(
        text.contains("its records go back in time, by up to") && text.contains("1 stands too far behind to be put in order"),
        "{text}"
    );
    assert!(text.contains("6000 connections, 0 of them seen everywhere") || text.contains("what is missing may be among them"), "{text}");
}

#[test]
fn odd_connections_are_those_with_packets_or_resets_that_are_not_everywhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/changed");
    let rows: [(&[&str], usize); 3] = [
        (&["answers-die-behind-the-pod-client.pcap", "answers-die-behind-the-pod-node.pcap", "answers-die-behind-the-pod-pod.pcap"], 1),
        (&["resets-of-a-middlebox-client.pcap", "resets-of-a-middlebox-node.pcap", "resets-of-a-middlebox-pod.pcap"], 1),
        (&["identifications-rewritten-node.pcap", "identifications-rewritten-pod.pcap"], 0),
    ];
    for (names, count) in rows {
        let files: Vec<PathBuf> = names.iter().map(|file| folder.join(file)).collect();
        let mut arguments: Vec<&std::ffi::OsStr> = files.iter().map(|file| file.as_os_str()).collect();
        arguments.push("--odd".as_ref());
        let text = trace(&arguments).1;
        assert_eq!(text.matches("Connection ").count(), count, "{text}");
    }
}
