//! A server that allows fewer sessions on a connection than usual: what is asked at once is answered one after the other, or left out and
//! said at once where a capture holds the only session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lbdiag::evidence::capture::live::LiveCaptures;
use lbdiag::evidence::capture::{Captures, OpenCapture};
use lbdiag::evidence::error::ErrorKind;
use lbdiag::evidence::host::Hosts;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::capture::{CaptureRequest, Direction};
use lbdiag::model::place::Place as Point;

use crate::sshd::{Options, Place, Sshd, is_links, node, possible};

/// A host that is known, whose server allows so many sessions.
fn host(sessions: u32) -> (Place, Sshd) {
    let place = Place::new();
    let config = format!("MaxSessions {sessions}\n");
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { config: &config, ..Options::default() });
    place.block("n1", &server, "");
    place.trust(&server);
    (place, server)
}

#[test]
fn commands_at_once_are_answered_one_after_the_other() {
    if !possible() {
        return;
    }
    for sessions in [1, 2] {
        let (place, _server) = host(sessions);
        let live = place.hosts();
        let names = ["n1"; 8];
        let began = Instant::now();
        for answer in side_by_side(&names, |name| live.links(name)) {
            assert!(answer.as_ref().is_ok_and(is_links), "MaxSessions {sessions}: {answer:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }
}

fn capture() -> CaptureRequest {
    CaptureRequest {
        place: Point::Host(node("n1")),
        interface: "lo".to_owned(),
        filter: "udp port 9".to_owned(),
        snaplen: 96,
        most_packets: 10,
        most_seconds: 30,
        most_bytes: 1 << 16,
        direction: Direction::Both,
        buffer_kib: None,
        by_hand: true,
    }
}

#[test]
fn what_a_capture_leaves_no_session_for_is_left_out_and_said_at_once() {
    if !possible() || !std::path::Path::new("/usr/bin/tcpdump").exists() {
        return;
    }
    let (place, _server) = host(1);
    let live = place.hosts();
    let captures = LiveCaptures::new(Arc::clone(&live.hosts), None);
    let mut open: Vec<Box<dyn OpenCapture>> = (0..2).map(|_| captures.open(&capture()).unwrap()).collect();
    let began = Instant::now();
    let listening: Vec<_> = open.iter_mut().map(|capture| capture.wait_listening()).collect();
    let refused: Vec<_> = listening.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(refused.len() == 1 && refused[0].kind == ErrorKind::LeftOut && refused[0].hint.contains("MaxSessions"), "{listening:?}");
    let error = live.refused("n1");
    assert_eq!(error.kind, ErrorKind::LeftOut, "{error}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let index = listening.iter().position(Result::is_ok).unwrap();
    open.swap_remove(index).stop().unwrap();
    assert!(live.links("n1").as_ref().is_ok_and(is_links), "afterwards there is room again");
    let sweep = live.hosts.sweep();
    assert!(sweep.iter().all(|(_, swept)| swept.is_ok()), "{sweep:?}");
}
