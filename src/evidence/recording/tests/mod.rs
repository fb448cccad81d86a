//! Recorded, written, read, replayed: nothing may differ.

mod bounds;
mod derived;
mod files;
mod world;

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
use super::tape::{Entry, MOST, Most, Tape};
use crate::evidence::capture::{Captures, News, OpenCapture};
use crate::evidence::clock::LiveClock;
use crate::evidence::clocks::Clocks;
use crate::evidence::cluster::{AccessQuery, Cluster, Keep, Kind, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::script::Script;
use crate::evidence::host::{Command, Hosts, Output};
use crate::evidence::interrupt::Interrupt;
use crate::evidence::lane::{self, Lane};
use crate::evidence::site::Site;
use crate::evidence::{Evidence, side_by_side::side_by_side};
use crate::model::capture::{Capture, CaptureEnd, CaptureRequest, Counters, Direction};
use crate::model::clock::ClockOffset;
use crate::model::outcome::Touch;
use crate::model::packet::{Arp, Body, Flags, Mac, Packet, Passage, Segment};
use crate::model::packets::Packets;
use crate::model::place::{Host, HostKind, Place};
use world::{Ask, Many, any_ask, ask, live, manifest, request, there_and_back};

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
        match open(&path) {
            Err(error) => prop_assert!(error.to_string().contains("run.lbdiag")),
            // What a changed byte makes of it may look like a file that was cut off; one that was is never taken for whole.
            Ok((_, manifest)) => prop_assert!(!cut || manifest.cut_after.is_some()),
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
fn lines_of_work_that_ask_the_same_replay_each_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let tape = Arc::new(Tape::new(true));
    let evidence = live(&tape, u64::MAX);
    let in_lane = |number: u16, evidence: &Evidence| {
        lane::within(Lane { number, slot: usize::from(number) }, || {
            [Ask::Get("a".to_owned()), Ask::Time("t".to_owned()), Ask::Get("a".to_owned())].map(|question| ask(evidence, &question))
        })
    };
    let said: Vec<_> = [0, 1, 2].map(|number| in_lane(number, &evidence)).into();
    assert!(said[0] != said[1] && said[1] != said[2], "every answer is another one: {said:?}");
    file::write(&path, &manifest(&evidence), &tape).unwrap();
    let (replayed, _) = open(&path).unwrap();
    let mut again: Vec<_> = [2, 1, 0].map(|number| in_lane(number, &replayed)).into();
    again.reverse();
    assert_eq!(said, again);
    let (replayed, _) = open(&path).unwrap();
    let unknown = in_lane(7, &replayed);
    assert_eq!((&unknown[0], &unknown[2]), (&said[0][0], &said[0][2]), "one that nobody recorded is answered by count");
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
