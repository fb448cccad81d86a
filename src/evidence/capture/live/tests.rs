//! Captures on this machine, where it allows them: the same scripts and guard as over SSH.

use std::net::{TcpListener, UdpSocket};

use super::running::{Gathered, now};
use super::*;
use crate::evidence::host::live::{Asker, Ways};
use crate::evidence::interrupt::Interrupt;
use crate::evidence::site::Site;
use crate::model::capture::{CaptureEnd, Direction};
use crate::model::packet::{Body, Passage};
use crate::model::place::{Host, HostKind, Place};

fn here() -> Host {
    Host { name: "local".to_owned(), address: String::new(), kind: HostKind::Local }
}

fn request(filter: &str) -> CaptureRequest {
    let place = Place::Host(here());
    CaptureRequest {
        filter: filter.to_owned(),
        most_packets: 10_000,
        most_seconds: 20,
        most_bytes: 10_000_000,
        ..CaptureRequest::sample(place)
    }
}

struct Ground {
    _runtime: tokio::runtime::Runtime,
    hosts: Arc<LiveHosts>,
    captures: LiveCaptures,
    interrupt: Interrupt,
}

fn ground() -> Ground {
    ground_with(&Site::default(), None)
}

fn ground_with(site: &Site, asker: Option<Asker>) -> Ground {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let interrupt = Interrupt::default();
    let hosts = Arc::new(LiveHosts::reaching(runtime.handle().clone(), site, interrupt.clone(), Ways::asking(asker)));
    Ground { _runtime: runtime, captures: LiveCaptures::new(Arc::clone(&hosts), None), hosts, interrupt }
}

/// A capture that listens, or `None` where this machine does not let us capture.
fn begun(ground: &Ground, request: &CaptureRequest) -> Option<Box<dyn OpenCapture>> {
    let mut capture = ground.captures.open(request).unwrap();
    match capture.wait_listening() {
        Ok(_) => Some(capture),
        Err(error) => {
            assert!(matches!(error.kind, ErrorKind::ToolMissing | ErrorKind::Forbidden | ErrorKind::CaptureRefused), "{error}");
            None
        }
    }
}

fn send(port: u16, count: usize) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..count {
        let _ = socket.send_to(b"hello", ("127.0.0.1", port));
    }
}

#[test]
fn a_capture_stops_at_once_and_loses_nothing_untold() {
    let ground = ground();
    let (mut whole, mut quick) = (0, 0);
    // A wait that is built in would show in every round; what a busy machine adds does not.
    for _ in 0..20 {
        let Some(capture) = begun(&ground, &request("udp dst port 40321")) else { return };
        send(40321, 20);
        let began = std::time::Instant::now();
        let capture = capture.stop().unwrap();
        quick += usize::from(began.elapsed() < Duration::from_millis(200));
        assert_eq!(capture.end, CaptureEnd::Stopped);
        assert!(
            capture.packets.iter().all(|packet| matches!(packet.body, Body::Udp(_)) && packet.interface.as_str() == "lo"),
            "{capture:?}"
        );
        // On a machine that is busy the stop may overtake packets. Then they are missed, which the counters say.
        assert!(!capture.trustworthy() || capture.packets.len() >= 20, "{:?}", capture.counters);
        whole += usize::from(capture.trustworthy());
        if whole >= 3 && quick >= 3 {
            break;
        }
    }
    assert!(whole >= 3 && quick >= 3, "of 20 rounds {whole} whole and {quick} quick");
    assert_eq!(ground.hosts.sweep().len(), 1);
    ground.hosts.sweep()[0].1.as_ref().unwrap();
}

#[test]
fn every_bound_ends_a_capture_and_says_which() {
    let ground = ground();
    let mut few = request("udp dst port 40322");
    few.most_packets = 3;
    let Some(capture) = begun(&ground, &few) else { return };
    send(40322, 20);
    std::thread::sleep(Duration::from_millis(300));
    let capture = capture.stop().unwrap();
    assert_eq!(capture.end, CaptureEnd::Bounded("3 packets".to_owned()));
    assert_eq!(capture.packets.len(), 3);

    let mut short = request("udp dst port 40322");
    short.most_seconds = 1;
    let Some(capture) = begun(&ground, &short) else { return };
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(capture.stop().unwrap().end, CaptureEnd::Bounded("1 seconds".to_owned()));

    let mut small = request("udp dst port 40322");
    small.most_bytes = 500;
    let Some(capture) = begun(&ground, &small) else { return };
    send(40322, 40);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(capture.stop().unwrap().end, CaptureEnd::Bounded("500 bytes".to_owned()));
}

#[test]
fn what_was_seen_so_far_is_told_once_while_the_capture_goes_on() {
    let ground = ground();
    let Some(mut capture) = begun(&ground, &request("udp dst port 40339")) else { return };
    let mut told = |wanted: usize| {
        let mut packets = Vec::new();
        for _ in 0..100 {
            let news = capture.news();
            assert!(!news.last, "it goes on");
            packets.extend(news.packets);
            if packets.len() >= wanted {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        packets.len()
    };
    assert_eq!(told(0), 0);
    send(40339, 3);
    assert_eq!(told(3), 3);
    send(40339, 2);
    assert_eq!(told(2), 2);
    assert_eq!(capture.stop().unwrap().packets.len(), 5);

    let mut few = request("udp dst port 40339");
    few.most_packets = 1;
    let Some(mut capture) = begun(&ground, &few) else { return };
    send(40339, 2);
    let ended = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        capture.news().last
    });
    assert!(ended, "a bound ended it");
}

#[test]
fn a_capture_that_is_dropped_ends_too() {
    let ground = ground();
    let Some(capture) = begun(&ground, &request("udp dst port 40323")) else { return };
    drop(capture);
    std::thread::sleep(Duration::from_millis(400));
    let left = std::process::Command::new("pgrep").args(["-f", &format!("^tcpdump.*{}", ground.hosts.tag())]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

#[test]
fn an_interface_that_is_not_there_is_refused_in_tcpdump_s_words() {
    let ground = ground();
    let mut wrong = request("udp");
    wrong.interface = "nope0".to_owned();
    let mut capture = ground.captures.open(&wrong).unwrap();
    let error = capture.wait_listening().unwrap_err();
    if error.kind == ErrorKind::CaptureRefused {
        assert!(error.hint.contains("nope0"), "{error}");
    }
    assert_eq!(capture.stop().unwrap_err(), error);
}

#[test]
fn a_pod_whose_namespace_cannot_be_proven_is_refused() {
    let ground = ground();
    let mut wrong = request("udp");
    let ips = vec!["203.0.113.77".parse().unwrap(), "2001:db8::77".parse().unwrap()];
    wrong.place = Place::Pod {
        host: here(),
        namespace: "a".to_owned(),
        name: "b".to_owned(),
        ips,
        container_ids: vec!["0123456789abcdef".to_owned()],
    };
    let error = ground.captures.open(&wrong).unwrap().wait_listening().unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NamespaceUnproven | ErrorKind::ToolMissing | ErrorKind::Forbidden), "{error}");
}

#[test]
fn a_filter_that_does_not_compile_touches_no_host() {
    let ground = ground();
    assert_eq!(ground.captures.open(&request("tcp\0")).err().unwrap().kind, ErrorKind::CaptureRefused);
    assert!(ground.hosts.sweep().is_empty());
}

#[test]
fn the_ninth_capture_on_a_host_is_left_out_and_says_so() {
    let ground = ground();
    let open: Vec<_> = (0..8).filter_map(|_| begun(&ground, &request("udp dst port 40324"))).collect();
    if open.len() < 8 {
        return;
    }
    let error = ground.captures.open(&request("udp")).err().unwrap();
    assert_eq!((error.kind, error.gap_name()), (ErrorKind::LeftOut, "evidence/bounded"));
    assert!(error.reason.contains("left out") && error.reason.contains("eight"), "{error}");
    for capture in open {
        capture.stop().unwrap();
    }
    assert!(ground.captures.open(&request("udp")).is_ok(), "an ended capture makes room");
}

#[test]
fn an_interrupt_ends_a_capture_and_refuses_new_ones() {
    let ground = ground();
    let Some(capture) = begun(&ground, &request("udp dst port 40325")) else { return };
    ground.interrupt.set(Reason::Signal);
    assert_eq!(ground.captures.open(&request("udp")).err().unwrap().kind, ErrorKind::Interrupted);
    assert!(matches!(capture.stop().unwrap().end, CaptureEnd::Broken(_)));
    ground.hosts.sweep()[0].1.as_ref().unwrap();
}

#[test]
fn one_interface_s_frames_tell_their_way_and_only_the_wanted_ones_are_taken() {
    let ground = ground();
    let mut one = request("udp dst port 40326");
    one.interface = CaptureRequest::interface_towards("127.0.0.1".parse().unwrap());
    one.direction = Direction::In;
    let Some(capture) = begun(&ground, &one) else { return };
    send(40326, 5);
    let capture = capture.stop().unwrap();
    assert_eq!(capture.interface(), "lo");
    assert!(capture.packets.iter().all(|packet| packet.interface.as_str() == "lo" && packet.passage == Passage::In), "{capture:?}");
    assert_eq!(capture.packets.len(), 5);
    assert!(capture.ended_at >= capture.stopped_at);
}

#[test]
fn an_address_that_nothing_leads_to_is_refused_in_words() {
    let ground = ground();
    let mut one = request("udp");
    let refused =
        |address: &&str| std::process::Command::new("ip").args(["route", "get", address]).status().is_ok_and(|end| !end.success());
    let Some(nowhere) = ["2001:db8::1", "240.0.0.1"].into_iter().find(|address| refused(address)) else { return };
    one.interface = CaptureRequest::interface_towards(nowhere.parse().unwrap());
    let error = ground.captures.open(&one).unwrap().wait_listening().unwrap_err();
    if error.kind == ErrorKind::CaptureRefused {
        assert!(error.reason.contains(nowhere), "{error}");
    }
}

#[test]
fn packets_go_into_a_file_when_there_is_a_directory_for_them() {
    let ground = ground();
    let folder = tempfile::tempdir().unwrap();
    let directory = PcapDirectory::create(&folder.path().join("packets"), "a test").unwrap();
    let captures = LiveCaptures::new(Arc::clone(&ground.hosts), Some(Arc::clone(&directory)));
    let mut capture = captures.open(&request("udp dst port 40327")).unwrap();
    if capture.wait_listening().is_err() {
        return;
    }
    send(40327, 7);
    let capture = capture.stop().unwrap();
    assert!(capture.trustworthy(), "{capture:?}");
    let written = directory.finish(&[]).unwrap();
    assert_eq!((written.points, written.packets), (1, capture.counters.arrived));
}

#[test]
fn no_capture_begins_while_another_host_may_still_ask_for_a_passphrase() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut site = Site::default();
    site.ssh.config = Some("/dev/null".into());
    site.ssh.port = Some(listener.local_addr().unwrap().port());
    let ground = ground_with(&site, Some(Asker::new(|_| None)));
    // A host that is connected to and has not logged anybody in, until it hangs up.
    let hung_up = std::thread::spawn(move || {
        let connection = listener.accept().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let at = now();
        drop((connection, listener));
        at
    });
    let slow = Place::Host(Host { name: "slow".to_owned(), address: "127.0.0.1".to_owned(), kind: HostKind::Node });
    let mut here = ground.captures.open(&request("udp dst port 40328")).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let mut there = ground.captures.open(&CaptureRequest::sample(slow)).unwrap();
    let listening = here.wait_listening();
    assert_eq!(there.wait_listening().unwrap_err().kind, ErrorKind::HostUnreachable);
    let hung_up = hung_up.join().unwrap();
    if listening.is_ok() {
        let capture = here.stop().unwrap();
        assert!(capture.listening_at > hung_up, "{capture:?}");
    }
}

#[tokio::test]
async fn the_limit_runs_from_the_connection_on() {
    const SHORT: Duration = Duration::from_millis(50);
    let (state, mut seen) = watch::channel(State::Connecting);
    let connecting = async {
        tokio::time::sleep(4 * SHORT).await;
        state.send_replace(State::Starting);
        state.send_replace(State::Listening("proof".to_owned()));
    };
    let (proof, ()) = tokio::join!(listening(&mut seen, SHORT, "capture"), connecting);
    assert_eq!(proof.unwrap(), "proof");

    state.send_replace(State::Starting);
    assert_eq!(listening(&mut seen, SHORT, "capture").await.unwrap_err().kind, ErrorKind::TimedOut);

    let (state, mut seen) = watch::channel(State::Connecting);
    drop(state);
    assert_eq!(listening(&mut seen, SHORT, "capture").await.unwrap_err().kind, ErrorKind::CaptureRefused);
}

/// What a capture of 900 packets says whose tcpdump told `said` at its end, and before it what had passed by the stop.
fn whole(passed_by_stop: Option<u64>, captured: u64, received: u64, dropped: u64) -> bool {
    let mut gathered = Gathered::new(&request("udp"), Arc::new(PacketMemory::new(1 << 20)));
    gathered.listening_at = 1;
    gathered.stopped_at = 2;
    gathered.passed_by_stop = passed_by_stop;
    gathered.stream.arrived = captured;
    let said = format!("{captured} packets captured\n{received} packets received by filter\n{dropped} packets dropped by kernel\n");
    gathered.told.take(said.as_bytes());
    gathered.into_capture(request("udp"), Some(0), None).trustworthy()
}

#[test]
fn packets_that_came_after_the_stop_are_no_loss() {
    assert!(whole(None, 900, 900, 0));
    assert!(whole(Some(900), 900, 940, 0));
    assert!(whole(Some(870), 900, 940, 0));
    // Some of those that had come by the stop are missing, or nobody counted, or the kernel had no room.
    assert!(!whole(Some(901), 900, 940, 0));
    assert!(!whole(None, 900, 940, 0));
    assert!(!whole(Some(900), 900, 940, 3));
}
