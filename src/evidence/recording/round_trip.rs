//! Recorded, written, read, replayed: nothing may differ.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::file;
use super::manifest::{Manifest, Playbook};
use super::recorded::open;
use super::recorder::{RecordingCaptures, RecordingClock, RecordingClocks, RecordingCluster, RecordingHosts};
use super::tape::{MOST, Most, Tape};
use crate::evidence::capture::{Captures, News, OpenCapture};
use crate::evidence::clock::LiveClock;
use crate::evidence::clocks::Clocks;
use crate::evidence::cluster::{AccessQuery, Cluster, Keep, Kind, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::script::Script;
use crate::evidence::host::{Command, Hosts, Output};
use crate::evidence::interrupt::Interrupt;
use crate::evidence::site::Site;
use crate::evidence::{Evidence, side_by_side::side_by_side};
use crate::model::capture::{Capture, CaptureEnd, CaptureRequest, Counters, Direction};
use crate::model::clock::ClockOffset;
use crate::model::outcome::Touch;
use crate::model::packet::{Arp, Body, Flags, Mac, Packet, Passage, Segment};
use crate::model::packets::Packets;
use crate::model::place::{Host, HostKind, Place};

/// A world that answers by a counter, so that no two answers are alike, and now and then refuses.
struct World {
    count: std::sync::atomic::AtomicU64,
    refuse_every: u64,
}

impl World {
    fn next(&self) -> Result<u64, EvidenceError> {
        let count = self.count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        if count.is_multiple_of(self.refuse_every) {
            return Err(EvidenceError::new(ErrorKind::Forbidden, "ask", format!("refused \u{1b}[1m{count}")).hint("ask nicely"));
        }
        Ok(count)
    }
}

impl Cluster for World {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        let count = self.next()?;
        let metadata = json!({"name": query.name, "namespace": query.namespace});
        Ok((query.name != "absent").then(|| json!({"metadata": metadata, "kind": "Service", "apiVersion": format!("v{count}")})))
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        let count = self.next()?;
        let object = |item| json!({"metadata": {"name": format!("o{item}"), "namespace": query.namespace.as_deref().unwrap_or("a"), "uid": format!("u{count}")}});
        let mut list = List::whole((0..count % 4).map(object).collect());
        if count.is_multiple_of(5) {
            list.lack(EvidenceError::new(ErrorKind::LeftOut, "list", "cut"));
        }
        Ok(list)
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let count = self.next()?;
        for number in 0..count % 7 {
            line(&format!("2026-11-23T16:00:00Z {} line {number} \u{e9}\t\"quoted\"", query.pod));
        }
        self.next().map(|_| ())
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let count = self.next()?;
        line(&format!("metallb_speaker_announced{{node=\"{}\"}} {count}", query.pod));
        Ok(())
    }

    fn may(&self, _query: &AccessQuery) -> Result<bool, EvidenceError> {
        Ok(self.next()?.is_multiple_of(2))
    }
}

impl Hosts for World {
    fn warm(&self, _hosts: &[Host]) {}

    fn run(&self, _host: &Host, _command: &Command) -> Result<Output, EvidenceError> {
        let count = self.next()?;
        Ok(Output { status: i32::try_from(count % 3).unwrap(), stdout: format!("{count}\0\n"), stderr: "\u{fffd}".to_owned() })
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        vec![("n1".to_owned(), Ok(())), ("n2".to_owned(), self.next().map(|_| ()))]
    }
}

impl Clocks for World {
    fn begin(&self, _host: &Host) {}

    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError> {
        let count = self.next()?;
        Ok(ClockOffset { host: host.name.clone(), ahead_us: -7, error_us: count, took_ms: count % 50 })
    }
}

struct WorldCapture {
    request: CaptureRequest,
    count: u64,
}

/// Captures of a `World`.
struct WorldCaptures(Arc<World>);

impl Captures for WorldCaptures {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        Ok(Box::new(WorldCapture { request: request.clone(), count: self.0.next()? }))
    }
}

impl OpenCapture for WorldCapture {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        if self.count % 5 == 3 {
            return Err(EvidenceError::new(ErrorKind::ToolMissing, "capture", "tcpdump is not there"));
        }
        Ok(format!("netns {}", self.count))
    }

    fn news(&mut self) -> News {
        News { packets: Vec::new(), last: true }
    }

    fn stop(self: Box<Self>) -> Result<Capture, EvidenceError> {
        if self.count % 5 == 3 {
            return Err(EvidenceError::new(ErrorKind::CaptureRefused, "stop", "it never listened"));
        }
        let packets = packets(usize::try_from(self.count % 11).unwrap(), self.count);
        let end = match self.count % 3 {
            0 => CaptureEnd::Stopped,
            1 => CaptureEnd::Bounded("packets".to_owned()),
            _ => CaptureEnd::Broken("the connection \u{7}ended".to_owned()),
        };
        let counters = Counters { captured: Some(3), received_by_filter: None, dropped_by_kernel: Some(0), arrived: packets.len() as u64 };
        Ok(Capture {
            request: self.request,
            packets,
            counters,
            end,
            listening_at: 17,
            stopped_at: i64::MAX,
            ended_at: i64::MAX,
            proof: "netns".to_owned(),
            links: vec!["eth0".to_owned()],
            chosen: None,
        })
    }
}

/// Packets with as little order in them as real ones have.
fn packets(count: usize, seed: u64) -> Packets {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0_i64..)
        .take(count)
        .map(|number| {
            let noise = random();
            let at = 1_795_450_000_000_000_000 + number * 3_000_000 + low::<i64>(noise, 1 << 20);
            let (client, pod) = ("10.88.192.17".parse().unwrap(), "10.88.131.3".parse().unwrap());
            let body = if noise.is_multiple_of(23) {
                Body::Arp(Arp { reply: false, sender_mac: Mac([2, 0x42, 0x0a, 0x58, 0, 0x0b]), sender: client, target: pod })
            } else {
                Body::Tcp(Segment {
                    source: client,
                    destination: pod,
                    source_port: low(noise >> 3, 1 << 16),
                    destination_port: 4180,
                    sequence: low(random(), 1 << 32),
                    acknowledgement: low(random(), 1 << 32),
                    flags: Flags(low(noise, 32)),
                    length: low(noise, 1448),
                })
            };
            let passage = if noise.is_multiple_of(2) { Passage::In } else { Passage::Out };
            let interface = ["mlb", "eth0", "veth3af1"][low::<usize>(noise, 3)].into();
            let source_mac = Some(Mac([2, 0x42, 0x0a, 0x58, 0, low(noise, 9)]));
            Packet { at, interface, passage, source_mac, body, tunnel: None, outer: None }
        })
        .collect()
}

/// A number below a bound.
fn low<T: TryFrom<u64>>(noise: u64, bound: u64) -> T {
    T::try_from(noise % bound).unwrap_or_else(|_| unreachable!("the bound fits the type"))
}

fn live(tape: &Arc<Tape>, refuse_every: u64) -> Evidence {
    let world = Arc::new(World { count: 0.into(), refuse_every });
    Evidence {
        cluster: Arc::new(RecordingCluster(world.clone(), Arc::clone(tape))),
        hosts: Arc::new(RecordingHosts(world.clone(), Arc::clone(tape))),
        captures: Arc::new(RecordingCaptures(Arc::new(WorldCaptures(world.clone())), Arc::clone(tape))),
        clocks: Arc::new(RecordingClocks::new(world, Arc::clone(tape))),
        clock: Arc::new(RecordingClock(Arc::new(LiveClock::since(tape.began())), Arc::clone(tape))),
        tape: Arc::clone(tape),
        interrupt: Interrupt::default(),
    }
}

/// One thing to ask.
#[derive(Clone, Debug)]
enum Ask {
    Get(String),
    List(Option<String>),
    Log(bool),
    Run(&'static str, Script, Vec<String>),
    Sweep,
    Capture { host: &'static str, waits: bool, stops: bool },
    Time(String),
    HostClock(&'static str),
}

fn host(name: &str) -> Host {
    Host { name: name.to_owned(), address: "192.0.2.1".to_owned(), kind: HostKind::Node }
}

fn request(host_name: &str) -> CaptureRequest {
    let place = Place::Pod {
        host: host(host_name),
        namespace: "stacklight".to_owned(),
        name: "web-1".to_owned(),
        ips: vec!["10.88.131.3".parse().unwrap()],
        container_ids: vec!["abc".to_owned()],
    };
    CaptureRequest {
        filter: "tcp port 4180".to_owned(),
        most_packets: 1000,
        most_seconds: 60,
        most_bytes: 1 << 20,
        direction: Direction::In,
        ..CaptureRequest::sample(place)
    }
}

/// Asks and gives the answer as text, so that answers can be compared whatever they are.
fn ask(evidence: &Evidence, ask: &Ask) -> String {
    match ask {
        Ask::Get(name) => {
            let query = ObjectQuery { kind: Kind::core("services"), namespace: Some("stacklight".to_owned()), name: name.clone() };
            format!("{:?}", evidence.cluster.get(&query))
        }
        Ask::List(labels) => {
            let query = ListQuery { labels: labels.clone(), ..ListQuery::within(Kind::core("pods"), "stacklight") };
            format!("{:?}", evidence.cluster.list(&query))
        }
        Ask::Log(previous) => {
            let query =
                LogQuery { namespace: "m".to_owned(), pod: "speaker-x".to_owned(), container: "speaker".to_owned(), previous: *previous };
            let mut mattered = Vec::new();
            let end = evidence.cluster.read_log(&query, &mut |line| {
                let matters = !line.contains("line 3");
                if matters {
                    mattered.push(line.to_owned());
                    Keep::Yes
                } else {
                    Keep::No
                }
            });
            format!("{mattered:?} {end:?}")
        }
        Ask::Run(name, script, args) => {
            let command = Command { script: *script, args: args.clone(), limit: Duration::from_secs(1), most_bytes: 10 };
            format!("{:?}", evidence.hosts.run(&host(name), &command))
        }
        Ask::Sweep => format!("{:?}", evidence.hosts.sweep()),
        Ask::Capture { host, waits, stops } => match evidence.captures.open(&request(host)) {
            Err(error) => format!("{error:?}"),
            Ok(mut capture) => {
                let listening = waits.then(|| capture.wait_listening());
                let seen = stops.then(|| capture.stop());
                format!("{listening:?} {seen:?}")
            }
        },
        Ask::HostClock(name) => format!("{:?}", evidence.clocks.offset(&host(name))),
        Ask::Time(label) => format!("{} {}", evidence.clock.elapsed_ms(label), evidence.clock.started()),
    }
}

fn manifest(evidence: &Evidence) -> Manifest {
    let playbook = Playbook { name: "metallb-flow".to_owned(), version: "1.0.0".to_owned(), sha256: "ab".repeat(32) };
    let params = BTreeMap::from([("service".to_owned(), json!("web")), ("tries".to_owned(), json!(8))]);
    Manifest::new(playbook, evidence.clock.started(), 1234, params, &Site::default())
}

/// Records all questions, writes them, and replays the file.
fn there_and_back(asks: &[Ask], refuse_every: u64, path: &Path) -> (Vec<String>, Vec<Touch>, Vec<String>, Vec<Touch>) {
    let tape = Arc::new(Tape::new(true));
    let evidence = live(&tape, refuse_every);
    let said: Vec<String> = asks.iter().map(|question| ask(&evidence, question)).collect();
    file::write(path, &manifest(&evidence), &tape).unwrap();
    let (replayed, read) = open(path).unwrap();
    assert_eq!(read, manifest(&evidence));
    let again = asks.iter().map(|question| ask(&replayed, question)).collect();
    (said, tape.touched(), again, replayed.tape.touched())
}

fn any_ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        prop_oneof!["[a-c]", Just("absent".to_owned())].prop_map(Ask::Get),
        proptest::option::of("[a-c]=[a-c]").prop_map(Ask::List),
        any::<bool>().prop_map(Ask::Log),
        (
            prop_oneof![Just("n1"), Just("n2")],
            prop_oneof![Just(Script::Probe), Just(Script::Inspect)],
            proptest::collection::vec("\\PC{0,5}", 0..3)
        )
            .prop_map(|(host, script, args)| Ask::Run(host, script, args)),
        Just(Ask::Sweep),
        (prop_oneof![Just("n1"), Just("n2")], any::<bool>(), any::<bool>()).prop_map(|(host, waits, stops)| Ask::Capture {
            host,
            waits,
            stops
        }),
        "[a-c]".prop_map(Ask::Time),
        prop_oneof![Just("n1"), Just("n2")].prop_map(Ask::HostClock),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_replay_says_the_same_and_touches_the_same_at_the_same_time(asks in proptest::collection::vec(any_ask(), 0..40), refuse_every in 2_u64..9) {
        let folder = tempfile::tempdir().unwrap();
        let (said, touched, again, touched_again) = there_and_back(&asks, refuse_every, &folder.path().join("run.lbdiag"));
        prop_assert_eq!(said, again);
        prop_assert_eq!(touched, touched_again);
    }

    #[test]
    fn no_damage_to_a_file_is_worse_than_an_error(at in 0_usize..2000, byte in any::<u8>(), cut in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.lbdiag");
        there_and_back(&[Ask::Sweep, Ask::Get("a".to_owned()), Ask::Log(false)], 5, &path);
        let mut bytes = fs::read(&path).unwrap();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        fs::write(&path, &bytes).unwrap();
        if let Err(error) = open(&path) {
            prop_assert!(error.to_string().contains("run.lbdiag"));
        } else {
            prop_assert!(!cut);
        }
    }
}

#[test]
fn questions_asked_side_by_side_replay_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let tape = Arc::new(Tape::new(true));
    let evidence = live(&tape, u64::MAX);
    let asks: Vec<Ask> = (0..40).map(|number| Ask::Get(format!("s{number}"))).collect();
    let said = side_by_side(&asks, |question| ask(&evidence, question));
    file::write(&path, &manifest(&evidence), &tape).unwrap();
    let (replayed, _) = open(&path).unwrap();
    let again: Vec<String> = asks.iter().rev().map(|question| ask(&replayed, question)).collect();
    assert!(said.iter().eq(again.iter().rev()));
    assert_eq!(tape.touched(), replayed.tape.touched());
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let tape = Arc::new(Tape::new(true));
    let evidence = live(&tape, 4);
    for question in [Ask::Get("a".to_owned()), Ask::Sweep, Ask::Capture { host: "n1", waits: true, stops: true }] {
        ask(&evidence, &question);
    }
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    file::write(&one, &manifest(&evidence), &tape).unwrap();
    file::write(&two, &manifest(&evidence), &tape).unwrap();
    assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap());
}

#[test]
fn what_was_not_asked_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    there_and_back(&[Ask::Get("a".to_owned())], u64::MAX, &path);
    let (replayed, _) = open(&path).unwrap();
    let query = ObjectQuery { kind: Kind::core("services"), namespace: Some("stacklight".to_owned()), name: "b".to_owned() };
    let error = replayed.cluster.get(&query).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotRecorded);
    assert_eq!(error.hint, "the recording was made with other parameters or an older playbook");
    assert!(error.to_string().contains("get service stacklight/b"), "{error}");
    assert!(replayed.tape.touched().is_empty());
    assert!(replayed.captures.open(&request("n1")).is_err_and(|error| error.kind == ErrorKind::NotRecorded));
}

#[test]
fn asked_more_often_than_recorded_the_last_answer_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let get = Ask::Get("a".to_owned());
    let (said, ..) = there_and_back(&[get.clone(), get.clone()], u64::MAX, &path);
    let (replayed, _) = open(&path).unwrap();
    let again: Vec<String> = (0..4).map(|_| ask(&replayed, &get)).collect();
    assert_eq!(again, [&said[0], &said[1], &said[1], &said[1]].map(Clone::clone));
}

#[test]
fn a_tape_that_keeps_nothing_still_knows_what_was_touched() {
    let tape = Arc::new(Tape::new(false));
    let evidence = live(&tape, u64::MAX);
    for question in [Ask::Get("a".to_owned()), Ask::Time("t".to_owned()), Ask::Sweep, Ask::Run("n1", Script::Probe, vec!["tcp".to_owned()])]
    {
        ask(&evidence, &question);
    }
    let mut touched: Vec<(String, String, String)> = tape.touched().into_iter().map(|touch| (touch.kind, touch.host, touch.what)).collect();
    touched.sort();
    let expected = [
        ("api", "api server", "get service stacklight/a"),
        ("command", "n1", "sweep"),
        ("command", "n2", "sweep"),
        ("probe", "n1", "probe tcp"),
    ];
    assert_eq!(touched, expected.map(|(kind, host, what)| (kind.to_owned(), host.to_owned(), what.to_owned())));
    assert_eq!(tape.each_entry(|entry| Err(entry.at_ms)), Ok(()), "no entry is given");
}

/// Hosts whose answers are as long as they are asked to be.
struct Long;

impl Hosts for Long {
    fn warm(&self, _hosts: &[Host]) {}

    fn run(&self, _host: &Host, command: &Command) -> Result<Output, EvidenceError> {
        let length = command.args[0].parse().unwrap();
        // Letters without order, so that they cannot be packed to nothing.
        let mut state = 88_172_645_463_325_252_u64;
        let letters = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let letter = char::from(b'!' + u8::try_from(state % 90).unwrap());
            // Nor with what a credential might stand behind.
            if "=:@-.&?#".contains(letter) { '_' } else { letter }
        });
        Ok(Output { status: 0, stdout: letters.take(length).collect(), stderr: String::new() })
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        Vec::new()
    }
}

fn ask_for(hosts: &dyn Hosts, length: usize, number: usize) -> Result<usize, ErrorKind> {
    let host = Host { name: "n1".to_owned(), address: String::new(), kind: HostKind::Node };
    let args = vec![length.to_string(), number.to_string()];
    let command = Command { script: Script::State, args, limit: Duration::from_secs(1), most_bytes: 1 };
    hosts.run(&host, &command).map(|output| output.stdout.len()).map_err(|error| error.kind)
}

#[test]
fn what_a_recording_has_no_room_for_is_left_out_and_said_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let tape = Arc::new(Tape::at_most(true, Most { entries: 30, unfolded: 300_000, held: 200_000 }));
    let hosts = RecordingHosts(Arc::new(Long), Arc::clone(&tape));
    assert_eq!(tape.gap(), None);
    for (number, length) in [100, 500_000, 70_000, 250_000].into_iter().enumerate() {
        assert_eq!(ask_for(&hosts, length, number), Ok(length));
    }
    for number in 4..40 {
        assert_eq!(ask_for(&hosts, 10, number), Ok(10));
    }
    // The question whose first answer had room, and whose second has none.
    assert_eq!(ask_for(&hosts, 100, 0), Ok(100));
    let left_out = tape.left_out();
    assert_eq!((left_out.too_large, left_out.too_many), (2, 11));
    let gap = tape.gap().unwrap();
    assert!(gap.reason.starts_with("the recording has no room for 13 answers, among them: state 500000 1 (n1), "), "{}", gap.reason);
    file::write(&path, &manifest(&live(&Arc::new(Tape::new(false)), 9)), &tape).unwrap();
    let (replayed, manifest) = open(&path).unwrap();
    assert_eq!(manifest.left_out, left_out);
    let again: Vec<Result<usize, ErrorKind>> = [(100, 0), (500_000, 1), (70_000, 2), (250_000, 3), (10, 4), (10, 39)]
        .map(|(length, number)| ask_for(&*replayed.hosts, length, number))
        .into();
    let not = Err(ErrorKind::NotRecorded);
    assert_eq!(again, [Ok(100), not, Ok(70_000), not, Ok(10), not]);
    assert_eq!(ask_for(&*replayed.hosts, 100, 0), not, "what was left out is not the answer before it");
}

#[test]
fn what_fills_a_recording_to_its_bound_is_read_again() {
    const MUCH: usize = 256 << 10;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    // An eighth of what is written, and of what is read.
    let eighth = |most: Most| Most { entries: most.entries / 8, unfolded: most.unfolded / 8, held: most.held / 8 };
    let tape = Arc::new(Tape::at_most(true, eighth(MOST)));
    let hosts = RecordingHosts(Arc::new(Long), Arc::clone(&tape));
    for number in 0..18 {
        assert_eq!(ask_for(&hosts, MUCH, number), Ok(MUCH));
    }
    let left_out = usize::try_from(tape.left_out().too_large).unwrap();
    assert!((1..9).contains(&left_out), "{left_out} of 18");
    file::write(&path, &manifest(&live(&Arc::new(Tape::new(false)), 9)), &tape).unwrap();
    assert_eq!(file::read_at_most(&path, eighth(file::MOST)).unwrap().1.len(), 18);
    let (replayed, _) = open(&path).unwrap();
    let again = (0..18).filter(|number| ask_for(&*replayed.hosts, MUCH, *number) == Ok(MUCH)).count();
    assert_eq!(again, 18 - left_out);
}

/// A file of such lines beneath a manifest.
fn written(path: &Path, lines: impl Iterator<Item = String>) {
    let first = serde_json::to_string(&manifest(&live(&Arc::new(Tape::new(false)), 9))).unwrap();
    let mut gzip = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    writeln!(gzip, "{first}").unwrap();
    lines.for_each(|line| writeln!(gzip, "{line}").unwrap());
    gzip.finish().unwrap();
}

#[test]
fn a_file_of_more_entries_than_a_run_makes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.lbdiag");
    let line = |number: usize| format!("{{\"c\":\"clock\",\"q\":\"{number}\",\"n\":0,\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":1}}");
    written(&path, (0..39_000).map(line));
    assert!(open(&path).is_ok());
    written(&path, (0..41_000).map(line));
    let error = open(&path).err().unwrap().to_string();
    assert!(error.contains("holds more than 40000 answers") && error.contains("no run makes such a recording"), "{error}");
}

#[test]
fn a_long_line_is_read_whatever_the_order_of_its_members() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let question = "{\"args\":[\"7\",\"0\"],\"host\":{\"kind\":\"node\",\"name\":\"n1\"},\"script\":\"state\"}";
    let answer = format!("{{\"Ok\":{{\"status\":0,\"stdout\":\"{}\",\"stderr\":\"\"}}}}", "x".repeat(3 << 20));
    let short = "{\"c\":\"clock\",\"q\":\"t\",\"n\":0,\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":7}".to_owned();
    for line in [
        format!("{{\"a\":{answer},\"c\":\"host.run\",\"q\":{question},\"n\":0,\"at\":0,\"took\":0,\"r\":\"ok\"}}"),
        format!("{{\"c\":\"host.run\",\"q\":{question},\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":{answer}}}"),
    ] {
        written(&path, [line, short.clone()].into_iter());
        let (replayed, _) = open(&path).unwrap();
        assert_eq!(ask_for(&*replayed.hosts, 7, 0), Ok(3 << 20));
        assert_eq!(replayed.clock.elapsed_ms("t"), 7, "the line after it is whole");
    }
    let cut = format!("{{\"c\":\"host.run\",\"q\":{question},\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":{}", &answer[..2 << 20]);
    written(&path, [cut].into_iter());
    assert!(open(&path).err().unwrap().to_string().contains("entry 1 makes no sense"));
}

/// Captures of as many packets as a run of the main playbook gives.
struct Many;

struct OneOfMany(CaptureRequest);

impl Captures for Many {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        Ok(Box::new(OneOfMany(request.clone())))
    }
}

impl OpenCapture for OneOfMany {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        Ok(String::new())
    }

    fn news(&mut self) -> News {
        News { packets: Vec::new(), last: true }
    }

    fn stop(self: Box<Self>) -> Result<Capture, EvidenceError> {
        let packets = packets(2500, 7);
        let counters = Counters::default();
        let end = CaptureEnd::Stopped;
        let (proof, links) = (String::new(), Vec::new());
        Ok(Capture { request: self.0, packets, counters, end, listening_at: 0, stopped_at: 0, ended_at: 0, proof, links, chosen: None })
    }
}

#[test]
fn two_and_a_half_thousand_packets_fit_in_300_kb() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let tape = Arc::new(Tape::new(true));
    RecordingCaptures(Arc::new(Many), Arc::clone(&tape)).open(&request("n1")).unwrap().stop().unwrap();
    file::write(&path, &manifest(&live(&tape, 2)), &tape).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    assert!(size < 200_000, "{size} bytes");
}

#[test]
fn the_file_is_private_and_replaces_only_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    fs::write(&path, "older").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    there_and_back(&[Ask::Sweep], 3, &path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else stays behind");

    let tape = Tape::new(true);
    let manifest = manifest(&live(&Arc::new(Tape::new(false)), 3));
    let device = file::write(Path::new("/dev/null"), &manifest, &tape).unwrap_err();
    assert!(device.reason.contains("not a file"), "{device}");
    let nowhere = file::write(&folder.path().join("no/such/run.lbdiag"), &manifest, &tape).unwrap_err();
    assert!(nowhere.operation.contains("run.lbdiag"), "{nowhere}");

    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    file::write(&link, &manifest, &tape).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(open(&path).is_ok());
}

/// What `open` says about a file with these bytes.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, bytes).unwrap();
    open(&path).map(|_| ()).unwrap_err().reason
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_that_are_no_recordings_are_refused_by_name() {
    assert_eq!(open(Path::new("/no/such/file")).map(|_| ()).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(refusal(b""), "it is cut off");
    assert_eq!(refusal(b"just text\n"), "it is not a recording of lbdiag");
    assert_eq!(refusal(&gzip(b"")), "it is empty");
    assert_eq!(refusal(&gzip(b"\xff\xfe\n")), "it is not a recording of lbdiag");
    assert_eq!(refusal(&gzip(b"{\"format\":\"other\",\"version\":1}\n")), "it is not a recording of lbdiag");
    assert_eq!(
        refusal(&gzip(b"{\"format\":\"lbdiag-recording\",\"version\":9}\n")),
        "its format is version 9, this lbdiag reads up to version 1"
    );
    assert!(refusal(&gzip(b"{\"format\":\"lbdiag-recording\",\"version\":1}\n")).starts_with("its first line makes no sense"));
}

#[test]
fn a_bomb_ends_at_its_bound() {
    assert_eq!(refusal(&gzip(&vec![b' '; (256 << 20) + 10])), "it unfolds to more than 256 MiB");
}

#[test]
fn a_recorded_capture_tells_all_that_it_saw_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let tape = Arc::new(Tape::new(true));
    let mut live = RecordingCaptures(Arc::new(Many), Arc::clone(&tape)).open(&request("n1")).unwrap();
    live.wait_listening().unwrap();
    live.news();
    live.stop().unwrap();
    file::write(&path, &manifest(&self::live(&tape, 2)), &tape).unwrap();
    let mut replayed = super::recorded::open(&path).unwrap().0.captures.open(&request("n1")).unwrap();
    let news = replayed.news();
    assert_eq!((news.packets.len(), news.last), (2500, true));
    assert_eq!(replayed.news(), News { packets: Vec::new(), last: true });
    assert_eq!(replayed.stop().unwrap().packets.len(), 2500);
}
