//! What follows from what was asked, and what does not.

use serde_json::{Value, json};

use super::super::derived::{self, Known};
use super::super::kept::Kept;
use super::super::question::Question;
use super::super::tape::Entry;
use crate::evidence::cluster::{Kind, List, ListQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::script::Script;
use crate::evidence::host::{Command, Output};
use crate::model::place::{Host, HostKind};

fn entry<A: serde::Serialize>(question: Question, answer: &A) -> Entry {
    let answer = Kept::of(answer).unwrap();
    Entry { asked: question.asked, occurrence: 0, at_ms: 7, took_ms: 1, result: "ok".to_owned(), answer }
}

fn known(entries: &[Entry]) -> Known<'_> {
    Known::of(entries.iter().map(|entry| (&entry.asked, entry)))
}

fn pod(namespace: &str, name: &str, app: &str, ip: &str) -> Value {
    json!({ "metadata": { "namespace": namespace, "name": name, "labels": { "app": app } }, "status": { "podIP": ip } })
}

fn pods(query: &ListQuery, lacks: Option<EvidenceError>) -> Entry {
    let objects = vec![pod("a", "one", "web", "10.0.0.1"), pod("a", "two", "db", "10.0.0.2"), pod("b", "one", "web", "10.0.0.3")];
    entry(Question::list(query), &Ok::<_, EvidenceError>(List { objects, lacks }))
}

fn names(known: &Known, query: &ListQuery) -> Option<Vec<String>> {
    let listed = derived::list(known, query)?.answer.unwrap();
    Some(
        listed
            .objects
            .iter()
            .map(|object| format!("{}/{}", object["metadata"]["namespace"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap()))
            .collect(),
    )
}

fn object(namespace: &str, name: &str) -> ObjectQuery {
    ObjectQuery { kind: Kind::core("pods"), namespace: Some(namespace.to_owned()), name: name.to_owned() }
}

#[test]
fn a_list_of_everything_answers_for_its_parts() {
    let entries = [pods(&ListQuery::everywhere(Kind::core("pods")), None)];
    let known = known(&entries);
    let all = |query: ListQuery| names(&known, &query);
    let within = |namespace| ListQuery::within(Kind::core("pods"), namespace);
    assert_eq!(all(within("a")).unwrap(), ["a/one", "a/two"]);
    assert_eq!(all(within("a").labels("app in (web)")).unwrap(), ["a/one"]);
    assert_eq!(all(ListQuery::everywhere(Kind::core("pods")).fields("status.podIP=10.0.0.3")).unwrap(), ["b/one"]);
    assert!(all(within("none")).unwrap().is_empty());
    for unsure in
        [within("a").labels("app ~ web"), within("a").fields("spec.hostNetwork=true"), ListQuery::everywhere(Kind::core("services"))]
    {
        assert_eq!(all(unsure.clone()), None, "{unsure:?}");
    }
    assert_eq!(all(ListQuery::within(Kind::core("pods").reading(["spec.more"]), "a")), None);
    let got = |namespace, name| derived::get(&known, &object(namespace, name)).map(|derived| derived.answer.unwrap().is_some());
    assert_eq!((got("b", "one"), got("b", "two")), (Some(true), Some(false)));
}

#[test]
fn a_part_of_a_list_proves_nothing_of_the_rest() {
    let entries = [pods(&ListQuery::within(Kind::core("pods"), "a").labels("app"), None)];
    let known_part = known(&entries);
    assert_eq!(names(&known_part, &ListQuery::within(Kind::core("pods"), "a")), None);
    assert_eq!(names(&known_part, &ListQuery::within(Kind::core("pods"), "b").labels("app")), None);
    assert!(derived::get(&known_part, &object("a", "three")).is_none());
    assert!(derived::get(&known_part, &object("a", "two")).is_some());
    let cut = EvidenceError::new(ErrorKind::Garbled, "list pods", "it was cut");
    let entries = [pods(&ListQuery::everywhere(Kind::core("pods")), Some(cut))];
    let known_cut = known(&entries);
    assert!(derived::get(&known_cut, &object("a", "three")).is_none());
    let part = derived::list(&known_cut, &ListQuery::within(Kind::core("pods"), "a")).unwrap();
    assert!(part.answer.unwrap().lacks.is_some());
}

#[test]
fn a_kind_that_the_cluster_does_not_know_is_nowhere() {
    let refused = |kind| Err::<List, _>(EvidenceError::new(kind, "list", "no"));
    let query = ListQuery::everywhere(Kind::core("pods"));
    let entries = [entry(Question::list(&query), &refused(ErrorKind::NotFound))];
    let absent = known(&entries);
    assert!(derived::list(&absent, &ListQuery::within(Kind::core("pods"), "a")).unwrap().answer.is_err());
    let entries = [entry(Question::list(&query), &refused(ErrorKind::Forbidden))];
    let forbidden = known(&entries);
    assert!(derived::list(&forbidden, &ListQuery::within(Kind::core("pods"), "a")).is_none());
}

fn host() -> Host {
    Host { name: "n1".to_owned(), address: "10.0.0.1".to_owned(), kind: HostKind::Node }
}

fn command(script: Script, args: &[&str]) -> Command {
    Command { script, args: args.iter().map(|arg| (*arg).to_owned()).collect(), limit: std::time::Duration::from_secs(1), most_bytes: 1 }
}

fn ran(script: Script, args: &[&str], stdout: &str) -> Entry {
    let output = Output { status: 0, stdout: stdout.to_owned(), stderr: String::new() };
    entry(Question::run(&host(), &command(script, args)), &Ok::<_, EvidenceError>(output))
}

fn printed(entries: &[Entry], script: Script, args: &[&str]) -> Option<String> {
    Some(derived::run(&known(entries), &host(), &command(script, args))?.answer.unwrap().stdout)
}

#[test]
fn fewer_tries_are_the_first_of_more() {
    let entries = [ran(
        Script::Probe,
        &["10.0.0.9", "443", "tcp", "3", "4", "1400", "ports=1-3"],
        "tool\tpython3\ntry\t1\tsmall\ntry\t3\tsmall\ntry\t2\tsmall\n",
    )];
    let asked = |tries, seconds| printed(&entries, Script::Probe, &["10.0.0.9", "443", "tcp", tries, seconds, "1400", "ports=9-9"]);
    assert_eq!(asked("2", "4").unwrap(), "tool\tpython3\ntry\t1\tsmall\ntry\t2\tsmall\n");
    assert_eq!((asked("4", "4"), asked("2", "9")), (None, None));
}

#[test]
fn answers_on_the_wire_are_those_about_the_address() {
    let lines = "ask\teth0\taa\t10.0.0.8\nask\teth0\taa\t10.0.0.9\nreply\teth0\tbb\t10.0.0.9\n";
    let entries = [ran(Script::Arping, &["10.0.0.8,10.0.0.9", "1"], lines)];
    assert_eq!(printed(&entries, Script::Arping, &["10.0.0.8", "1"]).unwrap(), "ask\teth0\taa\t10.0.0.8\n");
    assert_eq!(printed(&entries, Script::Arping, &["10.0.0.7", "1"]), None);
}

#[test]
fn parts_of_a_state_come_of_the_whole() {
    let whole = "\n=== links\n1: lo\n\n=== end 0\n\n=== addresses\n1: lo inet 127.0.0.1/8\n\n=== end 0\n\n=== settings\nnet/ipv4/ip_forward = 1\n\n=== end 0\n\n=== route-get\n10.0.0.7,, => 10.0.0.7 dev a\n10.0.0.8,, => 10.0.0.8 dev b\n\n=== end 0\n\n=== conntrack\n src=10.0.0.7 dst=10.0.0.9 \n src=10.0.0.8 dst=10.0.0.9 \n\n=== end 0\n";
    let entries = [
        ran(Script::Inspect, &["host", "", "", "10.0.0.9", "10.0.0.7,,", "10.0.0.8,,"], whole),
        ran(Script::State, &["host", "", "", "sysctl", "net/ipv4/none", "net/ipv4/two"], "\n=== settings\nnet/ipv4/two = 2\n\n=== end 0\n"),
    ];
    let state = |args: &[&str]| printed(&entries, Script::State, &[&["host", "", ""], args].concat());
    assert_eq!(state(&["interfaces"]).unwrap(), "\n=== links\n1: lo\n\n=== end 0\n\n=== addresses\n1: lo inet 127.0.0.1/8\n\n=== end 0\n");
    assert_eq!(state(&["sockets"]), None);
    let settings = state(&["sysctl", "net/ipv4/ip_forward", "net/ipv4/none", "net/ipv4/two"]).unwrap();
    assert_eq!(settings, "\n=== settings\nnet/ipv4/ip_forward = 1\nnet/ipv4/two = 2\n\n=== end 0\n");
    assert_eq!(state(&["sysctl", "net/ipv4/never_asked"]), None);
    let fewer = printed(&entries, Script::Inspect, &["host", "", "", "10.0.0.9", "10.0.0.8,,"]).unwrap();
    assert!(fewer.contains("10.0.0.8 dev b") && !fewer.contains("10.0.0.7") && fewer.contains("ip_forward"), "{fewer}");
    assert_eq!(printed(&entries, Script::Inspect, &["host", "", "", "10.0.0.9", "10.0.0.6,,"]), None);
    assert_eq!(printed(&entries, Script::Inspect, &["pod", "", "", "10.0.0.9"]), None);
}
