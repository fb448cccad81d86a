//! What is said of the words is true: their examples run on recordings and give what they say, and the fields of their records are
//! those that the values really have.

#![expect(clippy::expect_used, reason = "what cannot be set up has failed its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::recording::recorded;
use lbdiag::model::outcome::{Outcome, StepState};
use lbdiag::words::all::{word, words};
use lbdiag::words::word::{Kind, Record};
use serde_json::Value;

const HEADER: &str = "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [cluster.read, node.read, node.capture, pod.capture, probe]\n//! params:\n//!   namespace: { type: string, required: false }\n//!   service: { type: string, required: false }\n//!   client: { type: ip, required: false }\n//! ---\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(text: &str, recording: &Path) -> Outcome {
    let playbook = engine::playbook::read("a.rhai", text.to_owned()).map_err(|broken| broken.to_string()).expect("a playbook");
    let prepared = Prepared::replay(playbook, recorded::open(recording).expect("the recording"), &[]).expect("parameters");
    let mut outcome = prepared.replayed(Duration::from_secs(60)).expect("a replay").outcome;
    // The header above lists more than a script needs.
    outcome.diagnostics.retain(|one| !["W0201", "W0202", "W0203"].contains(&one.code.as_str()));
    outcome
}

fn recording(name: &str) -> PathBuf {
    root().join(format!("tests/recordings/{name}.lbdiag"))
}

#[test]
fn every_example_gives_what_it_says() {
    let mut wrong = Vec::new();
    let mut shown = 0;
    for word in words() {
        for example in word.examples {
            shown += 1;
            let text =
                format!("{HEADER}let shown = step(\"example\", || {{\n{}\n}});\nstep(\"shown\", || note(`${{shown}}`));\n", example.script);
            let outcome = run(&text, &recording(example.recording));
            let gave = outcome.steps.last().and_then(|step| step.facts.first());
            let whole = outcome.diagnostics.is_empty() && outcome.steps.iter().all(|step| step.state == StepState::Done);
            if !whole || gave.map(String::as_str) != Some(example.gives) {
                wrong.push(format!("{}: {gave:?} {:?} {:?}", word.name, outcome.diagnostics, outcome.steps));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shown >= 38, "only {shown} examples");
}

/// Whoever copies an example has a playbook that the check has nothing against.
#[test]
fn every_example_passes_the_check() {
    for word in words() {
        for example in word.examples {
            let text = format!("{HEADER}let shown = step(\"example\", || {{\n{}\n}});\nnote(`${{shown}}`);\n", example.script);
            let said = match engine::playbook::read("a.rhai", text) {
                Ok(playbook) => playbook.warnings,
                Err(broken) => broken.diagnostics,
            };
            let about: Vec<_> = said.iter().filter(|one| !["W0202", "W0203"].contains(&one.code.as_str())).collect();
            assert!(about.is_empty(), "{}: {about:?}", word.name);
        }
    }
}

/// A word whose options may all be left out takes its call without their map.
#[test]
fn a_map_of_options_may_be_left_out_where_all_of_them_may() {
    let script = "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nnote(`${probe_request(svc).sni} ${svc.probe_request().sni} ${nodes().len()} ${await_client(svc)} ${retry(|| 1)}`);\nstep(\"ask\", || probe(svc));\n";
    let outcome = run(&format!("{HEADER}{script}"), &recording("healthy"));
    let errors: Vec<_> = outcome.diagnostics.iter().filter(|one| one.code.starts_with('E')).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for word in words().filter(|word| !word.options.is_empty() && word.options.iter().all(|option| !option.required)) {
        assert_eq!(word.arity().0, word.params.iter().filter(|param| param.required).count(), "{}", word.name);
    }
}

/// Which fields of which records were seen, and what was seen that is not described.
#[derive(Default)]
struct Seen {
    fields: BTreeMap<&'static str, BTreeSet<String>>,
    unknown: BTreeSet<String>,
}

impl Seen {
    fn look(&mut self, value: &Value, kind: Kind) {
        match (kind, value) {
            (Kind::Record(record), Value::Object(fields)) => {
                for (name, value) in fields {
                    self.fields.entry(record.name).or_default().insert(name.clone());
                    match record.field(name) {
                        Some(field) => self.look(value, field.kind),
                        None if record.hidden.contains(&name.as_str()) => {}
                        None => {
                            self.unknown.insert(format!("{}.{name}", record.name));
                        }
                    }
                }
            }
            (Kind::List(inner), Value::Array(parts)) => parts.iter().for_each(|part| self.look(part, *inner)),
            (Kind::Map(inner), Value::Object(entries)) => entries.values().for_each(|value| self.look(value, *inner)),
            _ => {}
        }
    }
}

/// Fields that are described and stand in none of the recordings here: they are left out where nothing is known.
const RARE: [&str; 12] = [
    "Attempt.bytes",
    "CaptureSeen.stop_ms",
    "Pod.runtime_class",
    "Probe.awaited",
    "Probe.certificates",
    "Probe.request",
    "Request.host",
    "Request.path",
    "Request.payload",
    "Request.sizes",
    "Request.sni",
    "Request.statuses",
];

#[test]
fn the_fields_of_records_are_those_that_values_have() {
    let playbook = std::fs::read_to_string(root().join("playbooks/metallb-flow.rhai")).expect("the playbook");
    let debugged = format!(
        "{playbook}\nlet closer = step(\"look again\", || look_closer(svc, announcer, target, flow));\nstep(\"values\", || {{ debug(svc); debug(announcer); debug(target); debug(flow); debug(closer); }});\n"
    );
    let kinds = ["service", "find_announcer", "resolve_target_port", "during", "look_closer"];
    let mut seen = Seen::default();
    let all = [
        "healthy",
        "udp-healthy",
        "bgp-community-blackholed-unseen",
        "pod-app-frozen-in-one-pod",
        "router-stale-neighbour",
        "client-by-traffic-dropped-at-the-node",
        "ep-selector-matches-nothing",
        "overlay-vxlan-port-blocked-inbound",
    ];
    for name in all {
        let outcome = run(&debugged, &recording(name));
        let values = outcome.steps.last().map(|step| step.facts.clone()).unwrap_or_default();
        assert_eq!(values.len(), kinds.len(), "{name}: {:?}", outcome.diagnostics);
        for (text, name) in values.iter().zip(kinds) {
            let kind = word(name).expect("a word").returns.kind;
            seen.look(&serde_json::from_str(text).unwrap_or(Value::Null), kind);
        }
    }
    assert!(seen.unknown.is_empty(), "these are not described: {:?}", seen.unknown);
    let mut never = Vec::new();
    for record in records() {
        let Some(fields) = seen.fields.get(record.name) else { continue };
        // Who asked is said as `from` of what the model calls otherwise.
        let described =
            record.fields.iter().filter(|field| field.name != "from").map(|field| field.name).chain(record.hidden.iter().copied());
        never.extend(described.filter(|name| !fields.contains(*name)).map(|name| format!("{}.{name}", record.name)));
    }
    never.retain(|field| !RARE.contains(&field.as_str()) && !field.ends_with(".spared"));
    assert!(never.is_empty(), "these are described and were never there: {never:?}");
    assert!(seen.fields.len() > 12, "{:?}", seen.fields.keys());
}

/// Every record that some word gives, with those of its fields.
fn records() -> Vec<&'static Record> {
    let all: BTreeMap<&str, &Record> = words().flat_map(|word| word.returns.kind.records()).map(|record| (record.name, record)).collect();
    all.into_values().collect()
}

#[test]
fn places_are_written_as_their_user_writes_them() {
    let script = "let shown = step(\"x\", || {\n    let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\n    let asked = probe(svc, #{ from: [\"ssh:c1\", \"ssh:c2\"] });\n    let arp = arping(svc, \"ssh:c1,ssh:c2\");\n    `${asked[1].from} ${asked[1].vantage} ${arp[0].host} ${asked[0].request} ${asked[0].awaited}`\n});\nstep(\"shown\", || note(shown));\n";
    let outcome = run(&format!("{HEADER}{script}"), &recording("healthy"));
    let told = outcome.steps.last().and_then(|step| step.facts.first().cloned());
    assert_eq!(told.as_deref(), Some("ssh:c2 ssh:c2 ssh:c1  "), "{:?}", outcome.diagnostics);
}

#[test]
fn a_mistake_ends_the_run_and_is_no_gap_also_within_a_step() {
    for (body, code, marked) in [
        ("find_announcer(svc, [params_of(), 1][0])", "E0205", "find_announcer"),
        // What is written out is told before the run, so these come by a function.
        ("probe(svc, #{ tries: [given(0), \"x\"][0] })", "E0206", "probe"),
        ("find_announcer(svc, #{ wire: [given(3.5), 1][0] })", "E0206", "find_announcer"),
        ("firewall(\"n2\", #{ iif: given(\"a/b\"), source: \"10.0.0.1\" })", "E0206", "firewall"),
        ("resolve_target_port([given(\"x\"), svc][0], 1)", "E0204", "resolve_target_port"),
        ("[svc, 1][0].adress", "E0302", "adress"),
    ] {
        let text = format!(
            "{HEADER}fn given(value) {{ let held = []; held.push(value); held[0] }}\nfn params_of() {{ given(#{{ mertics: true }}) }}\nlet svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet x = step(\"x\", || {{\n    {body}\n}});\n"
        );
        let outcome = run(&text, &recording("healthy"));
        let [mistake] = outcome.diagnostics.as_slice() else { panic!("{body}: {:?} {:?}", outcome.diagnostics, outcome.gaps) };
        assert_eq!(mistake.code, code, "{mistake}");
        let span = mistake.spot.as_ref().expect("a place").span;
        assert_eq!(&text[span.start.byte..span.end.byte], marked, "{mistake}");
        assert!(outcome.gaps.iter().all(|gap| gap.subject.to_string() != "step/x"), "{:?}", outcome.gaps);
    }
}

#[test]
fn old_names_work_and_say_so() {
    let text = format!(
        "{HEADER}let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet found = find_announcer(svc, #{{ sparing: true }});\nlet way = road(found, resolve_target_port(svc));\nstep(\"x\", || note(`${{way.nodes.len()}} ${{enough(svc, found, (), ())}}`));\n"
    );
    let outcome = run(&text, &recording("healthy"));
    assert_eq!(outcome.steps.last().map(|step| step.facts.clone()), Some(vec!["2 false".to_owned()]), "{:?}", outcome.diagnostics);
    let told: Vec<(&str, usize)> =
        outcome.diagnostics.iter().map(|one| (one.code.as_str(), one.spot.as_ref().map_or(0, |spot| spot.span.start.line))).collect();
    assert_eq!(told, [("W0501", 12), ("W0501", 13), ("W0501", 14)]);
}
