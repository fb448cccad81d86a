//! Logs that no speaker wrote, in between of real ones: nothing of them may be dropped in silence, and no real line may be misread for them.

use flate2::read::GzDecoder;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;
use crate::analysis::configuration_log::ConfigurationFold;
use crate::model::metallb::Reader;

/// A healthy run in the lab; its recording keeps what the four speakers said that mattered.
const RECORDING: &[u8] = include_bytes!("../../../tests/recordings/healthy.lbdiag");

/// Characters that are given of one line at most, by the evidence layer.
const LONGEST: usize = 64 << 10;

const NATIVE: [&str; 5] = [
    r#"2026-11-23T05:36:45.6Z {"caller":"native.go:121","event":"sessionUp","level":"info","localASN":64501,"msg":"BGP session established","peer":"10.88.64.1","peerASN":64512,"ts":"2026-11-23T05:36:45Z"}"#,
    r#"2026-11-23T05:36:55.6Z {"caller":"native.go:127","event":"sessionDown","level":"warn","localASN":64501,"msg":"BGP session down","peer":"10.88.64.1","peerASN":64512,"ts":"2026-11-23T05:36:55Z"}"#,
    r#"2026-11-23T05:36:56.1Z {"caller":"frr.go:492","error":"exit status 1","level":"error","op":"reload-validate","ts":"2026-11-23T05:36:56Z"}"#,
    r#"2026-11-23T05:37:56.1Z {"caller":"speakerlist.go:300","level":"info","msg":"node event - forcing sync","node addr":"10.88.0.13","node event":"NodeLeave","node name":"n3","ts":"x"}"#,
    r#"2026-11-23T05:38:56.1Z {"event":"serviceWithdrawn","ip":["10.88.64.100"],"ips":["10.88.64.100"],"level":"info","msg":"withdrawing service announcement","pool":"services","protocol":"layer2","reason":"notOwner"}"#,
];

/// Lines that speakers wrote.
fn real_lines() -> Vec<String> {
    let entries = serde_json::Deserializer::from_reader(GzDecoder::new(RECORDING)).into_iter::<Value>().map(Result::unwrap);
    let kept =
        entries.filter(|entry| entry["q"]["container"] == "speaker").flat_map(|entry| entry["a"]["kept"].as_array().unwrap().clone());
    let mut lines: Vec<String> = kept.map(|line| line.as_str().unwrap().to_owned()).collect();
    assert!(lines.len() > 20, "the recording's logs were not found");
    lines.truncate(150);
    lines.extend(NATIVE.map(str::to_owned));
    lines
}

fn real() -> impl Strategy<Value = String> {
    select(real_lines())
}

/// Any bytes, as the evidence layer gives them and with the control characters that it would not give.
fn bytes() -> impl Strategy<Value = String> {
    let letter = prop_oneof![any::<u8>(), select(br#" {}[]":=,\etsv"#.to_vec())];
    proptest::collection::vec(letter, 0..200).prop_map(|bytes| String::from_utf8_lossy(&bytes).replace('\n', " "))
}

/// A real line that stops in its middle, or begins there.
fn half() -> impl Strategy<Value = String> {
    (real(), any::<proptest::sample::Index>(), any::<bool>()).prop_map(|(line, at, head)| {
        let at = 1 + at.index(line.len() - 1);
        if head { line[..at].to_owned() } else { line[at..].to_owned() }
    })
}

/// The head of one line with the tail of another.
fn torn() -> impl Strategy<Value = String> {
    (real(), real(), any::<proptest::sample::Index>()).prop_map(|(one, other, at)| {
        let at = at.index(one.len().min(other.len()));
        format!("{}{}", &one[..at], &other[at..])
    })
}

fn endless() -> impl Strategy<Value = String> {
    let beginnings = [
        "",
        "{\"level\":\"info\",\"msg\":\"",
        "caller=",
        "2026-11-22T10:00:00Z ",
        "{\"event\":\"serviceAnnounced\",\"protocol\":\"",
        "[",
        "I1122",
    ];
    (select(beginnings.to_vec()), select(vec!["x", "é", "\\\"", "{", "[[", "\u{1b}[2J", "\"a\":"]), any::<bool>()).prop_map(
        |(beginning, unit, ends)| {
            let unit = unit.repeat((LONGEST - beginning.len() - 2) / unit.len());
            format!("{beginning}{unit}{}", if ends { "\"}" } else { "" })
        },
    )
}

/// Something that is no text.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!({"ips": ["10.88.64.100"]})),
        Just(json!([4, [], "10.88.64.100/32"])),
        Just(json!({})),
    ]
}

/// Events with all that a log has of them, one field of which is not what any version writes.
fn nonsense() -> impl Strategy<Value = String> {
    let wrong = prop_oneof![
        select(vec![("event", "serviceAnnounced"), ("event", "serviceWithdrawn")])
            .prop_flat_map(|event| (Just(event), select(vec!["ips", "protocol", "event", "msg"]))),
        select(vec![
            ("event", "sessionUp"),
            ("event", "sessionDown"),
            ("event", "peerNotification"),
            ("event", "peerRemoved"),
            ("msg", "failed to connect to peer")
        ])
        .prop_flat_map(|event| (Just(event), select(vec!["peer"]))),
        select(vec![("event", "createARPResponder"), ("event", "deleteNDPResponder")])
            .prop_flat_map(|event| (Just(event), select(vec!["interface", "op"]))),
        Just((("msg", "node event - forcing sync"), "node name")),
    ];
    (wrong, odd()).prop_map(|(((key, name), field), value)| {
        let mut line = json!({
            "level": "info", "ts": "x", "protocol": "layer2", "peer": "10.88.64.9", "interface": "mlb", "node name": "n2", "node event": "NodeLeave",
        });
        line[key] = json!(name);
        line[field] = value;
        line.to_string()
    })
}

/// logfmt with its quotes in the wrong places.
fn logfmt() -> impl Strategy<Value = String> {
    let word = select(vec![
        "caller=main.go:229",
        "event=serviceAnnounced",
        "event=\"serviceAnnounced",
        "ips=[\"10.88.64.100\"]",
        "ips=[\"",
        "msg=\"a \\\" b\"",
        "msg=\"\\",
        "=",
        "==\"",
        "protocol=",
        "\"",
        "level=info",
        "event==serviceWithdrawn",
        "ts=\u{fffd}",
        "peer=\"10.88.64.1",
        "service= a/b",
    ]);
    proptest::collection::vec(word, 0..8).prop_map(|words| words.join(" "))
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![6 => real(), 4 => bytes(), 4 => half(), 2 => torn(), 1 => endless(), 4 => nonsense(), 3 => logfmt()]
}

/// What tells nothing, whatever stands beside it.
fn senseless() -> impl Strategy<Value = String> {
    let parses = |line: &str| serde_json::from_str::<Value>(Line::cut(line).text).is_ok();
    let said = move |line: &String| !parses(line) && (!Line::cut(line).is_structured() || Line::cut(line).text.starts_with('{'));
    prop_oneof![bytes().prop_filter("it says something", said), half().prop_filter("it is whole", said), nonsense()]
}

/// Whether some format explains a line, told apart from how the fold does it.
fn is_explained(text: &str) -> bool {
    let has = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    if text.starts_with('{') {
        let whole = text.ends_with('}') && has(&["\"level\":\"", "\"ts\":\"", "\"caller\":\"", "\"event\":\"", "ServiceReconciler"]);
        return whole || has(&["\"level\":\"debug\"", "\"enqueueing\":\""]);
    }
    let line = Line { at: None, text };
    line.is_known_noise() || (text.contains('=') && has(&["caller=", "ts=", "level=", "msg="]))
}

fn folded(lines: &[String]) -> (SpeakerLog, Vec<Worth>) {
    let mut fold = Fold::new("speaker-a", "n1", &["10.88.64.100".parse().unwrap()]);
    let worth = lines.iter().map(|line| fold.line(line)).collect();
    (fold.finish(), worth)
}

/// Without what counts lines.
fn told(log: SpeakerLog) -> SpeakerLog {
    SpeakerLog { lines: 0, unknown_lines: 0, unknown_samples: Vec::new(), last_at: None, ..log }
}

proptest! {
    #[test]
    fn every_line_is_explained_or_counted(lines in proptest::collection::vec(anything(), 0..12)) {
        let (log, worth) = folded(&lines);
        let mut configuration = ConfigurationFold::new(Reader::Speaker("n1".to_owned()), "speaker-a");
        for (line, worth) in lines.iter().zip(&worth) {
            configuration.line(line);
            let text = Line::cut(line).text;
            prop_assert!(*worth == Worth::Strange || text.is_empty() || is_explained(text), "dropped in silence: {line:?}");
        }
        let strange = worth.iter().filter(|worth| **worth == Worth::Strange).count();
        let whole = lines.iter().filter(|line| !Line::cut(line).text.is_empty()).count();
        prop_assert_eq!((log.lines, log.unknown_lines), (whole as u64, strange as u64));
        // What is kept of a line is bounded, however long it is.
        prop_assert!(log.unknown_samples.len() <= SAMPLES && log.unknown_samples.iter().all(|sample| sample.chars().count() <= SAMPLE_LENGTH));
        prop_assert!(serde_json::to_string(&log).unwrap().len() < 4_096 + 8_192 * lines.len());
    }

    #[test]
    fn an_event_with_the_wrong_fields_is_counted(line in nonsense()) {
        prop_assert_eq!(&folded(std::slice::from_ref(&line)).1, &[Worth::Strange], "{}", line);
    }

    #[test]
    fn real_lines_tell_the_same_among_others(lines in proptest::collection::vec(prop_oneof![real().prop_map(|line| (line, true)), senseless().prop_map(|line| (line, false))], 0..20)) {
        let only: Vec<String> = lines.iter().filter(|(_, real)| *real).map(|(line, _)| line.clone()).collect();
        let (alone, worth) = folded(&only);
        prop_assert!(!worth.contains(&Worth::Strange));
        let all: Vec<String> = lines.iter().map(|(line, _)| line.clone()).collect();
        let (among, worth_among) = folded(&all);
        prop_assert_eq!(told(among), told(alone));
        let of_real: Vec<Worth> = lines.iter().zip(worth_among).filter(|((_, real), _)| *real).map(|(_, worth)| worth).collect();
        prop_assert_eq!(of_real, worth);
    }

    /// As the recorder keeps them.
    #[test]
    fn what_a_recording_keeps_tells_the_same(lines in proptest::collection::vec(anything(), 0..12)) {
        let (whole, worth) = folded(&lines);
        let (mut kept, mut context) = (Vec::new(), None);
        for (line, worth) in lines.iter().zip(worth) {
            match worth {
                Worth::Context => context = Some(line.clone()),
                Worth::Nothing => {}
                Worth::Something => kept.extend(context.take().into_iter().chain([line.clone()])),
                Worth::Strange => kept.extend(context.take().into_iter().chain([Fold::not_understood(line)])),
            }
        }
        prop_assert_eq!(SpeakerLog { lines: 0, ..folded(&kept).0 }, SpeakerLog { lines: 0, ..whole });
    }
}

/// The second half of a dump that the level of debug wrote and that a rotation of the log cut in two.
#[test]
fn a_password_in_a_line_that_nothing_explains_is_not_kept() {
    let tail = r#"eer) (len=1) {\n  Password: (string) (len=7) \"hunter2\",\n  SecretPassword: \"hunter3\"}","ts":"x"}"#;
    let log = folded(&[tail.to_owned()]).0;
    assert_eq!(log.unknown_samples, [r"eer) (len=1) {\n  Password (removed)"]);
    assert_eq!(
        Fold::not_understood(&format!("2026-11-22T10:00:00Z {tail}")),
        r"2026-11-22T10:00:00Z not understood: eer) (len=1) {\n  Password (removed)"
    );
}
