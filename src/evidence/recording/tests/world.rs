//! Worlds whose answers are made, to be recorded: no two alike, refused now and then, or as many as a run gives.

use super::*;

/// A world that answers by a counter, so that no two answers are alike, and now and then refuses.
pub(super) struct World {
    pub(super) count: std::sync::atomic::AtomicU64,
    pub(super) refuse_every: u64,
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
        Ok((query.name != "absent")
            .then(|| json!({"metadata": metadata, "kind": "Service", "apiVersion": format!("v{count}"), "spec": {"type": "LoadBalancer"}})))
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

pub(super) struct WorldCapture {
    request: CaptureRequest,
    count: u64,
}

/// Captures of a `World`.
pub(super) struct WorldCaptures(Arc<World>);

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
pub(super) fn packets(count: usize, seed: u64) -> Packets {
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
                    offers: crate::model::packet::Offers::default(),
                })
            };
            let passage = if noise.is_multiple_of(2) { Passage::In } else { Passage::Out };
            let interface = ["mlb", "eth0", "veth3af1"][low::<usize>(noise, 3)].into();
            let source_mac = Some(Mac([2, 0x42, 0x0a, 0x58, 0, low(noise, 9)]));
            Packet { at, interface, passage, source_mac, body, tunnel: None, outer: None, ttl: None }
        })
        .collect()
}

/// A number below a bound.
pub(super) fn low<T: TryFrom<u64>>(noise: u64, bound: u64) -> T {
    T::try_from(noise % bound).unwrap_or_else(|_| unreachable!("the bound fits the type"))
}

pub(super) fn live(tape: &Arc<Tape>, refuse_every: u64) -> Evidence {
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
pub(super) enum Ask {
    Get(String),
    List(Option<String>),
    Log(bool),
    Run(&'static str, Script, Vec<String>),
    Sweep,
    Capture { host: &'static str, waits: bool, stops: bool },
    Time(String),
    HostClock(&'static str),
}

pub(super) fn host(name: &str) -> Host {
    Host { name: name.to_owned(), address: "192.0.2.1".to_owned(), kind: HostKind::Node }
}

pub(super) fn request(host_name: &str) -> CaptureRequest {
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
pub(super) fn ask(evidence: &Evidence, ask: &Ask) -> String {
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

pub(super) fn manifest(evidence: &Evidence) -> Manifest {
    let playbook = Playbook { name: "metallb-flow".to_owned(), version: "1.0.0".to_owned(), sha256: "ab".repeat(32) };
    let params = BTreeMap::from([("service".to_owned(), json!("web")), ("tries".to_owned(), json!(8))]);
    Manifest::new(playbook, evidence.clock.started(), 1234, params, &Site::default())
}

/// Records all questions, writes them, and replays the file.
pub(super) fn there_and_back(asks: &[Ask], refuse_every: u64, path: &Path) -> (Vec<String>, Vec<Touch>, Vec<String>, Vec<Touch>) {
    let tape = Arc::new(Tape::new(true));
    let evidence = live(&tape, refuse_every);
    let said: Vec<String> = asks.iter().map(|question| ask(&evidence, question)).collect();
    file::write(path, &manifest(&evidence), &tape).unwrap();
    let (replayed, read) = open(path).unwrap();
    assert_eq!(read, manifest(&evidence));
    let again = asks.iter().map(|question| ask(&replayed, question)).collect();
    (said, tape.touched(), again, replayed.tape.touched())
}

pub(super) fn any_ask() -> impl Strategy<Value = Ask> {
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

/// Captures of as many packets as a run of the main playbook gives.
pub(super) struct Many;

pub(super) struct OneOfMany(CaptureRequest);

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
