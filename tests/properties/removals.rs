//! What could not be looked at: without it the verdict is the same, or inconclusive.

use std::collections::BTreeSet;

use lbdiag::evidence::error::{ErrorKind, EvidenceError};
use lbdiag::evidence::host::script::Script;
use lbdiag::model::place::Host;

use super::sections;
use super::world::{Asked, Change};

fn refused(kind: ErrorKind, what: &str) -> EvidenceError {
    EvidenceError::new(kind, what, "it was taken away")
}

/// Every removal that a run which asked this can suffer. `printed` is an answer of `inspect`, for the names of its sections.
pub(super) fn removals(asked: &Asked, printed: &[String]) -> Vec<Change> {
    let mut all = Vec::new();
    let hosts: BTreeSet<&Host> =
        asked.runs.iter().map(|(host, _)| host).chain(asked.captures.iter().map(|request| request.place.host())).collect();
    let inspected: BTreeSet<(&str, bool)> = asked
        .runs
        .iter()
        .filter(|(_, command)| command.script == Script::Inspect)
        .map(|(host, command)| (host.name.as_str(), command.args.first().is_some_and(|place| place == "host")))
        .collect();
    for name in printed.iter().collect::<BTreeSet<_>>() {
        all.push(section(name.clone(), None));
        all.extend(inspected.iter().filter(|(_, of_host)| *of_host).map(|(host, _)| section(name.clone(), Some((*host).to_owned()))));
    }
    all.extend(inspected.iter().map(|(host, of_host)| state((*host).to_owned(), *of_host)));
    if !inspected.is_empty() {
        all.push(Change { title: "without any state".to_owned(), ..state_of(|_, _| true) });
        all.push(uncounted());
        all.push(cut_short());
    }
    let places: BTreeSet<String> = asked.captures.iter().map(|request| request.place.to_string()).collect();
    for place in places {
        all.push(capture(place.clone(), false));
        all.push(capture(place, true));
    }
    if !asked.captures.is_empty() {
        all.push(Change {
            title: "without any capture".to_owned(),
            refuse: Some(Box::new(|_, _| Some(refused(ErrorKind::CaptureRefused, "capture")))),
            ..Change::default()
        });
    }
    all.extend(hosts.iter().filter(|host| !host.name.is_empty()).map(|host| whole_host(host.name.clone())));
    all.extend(asked.logs.iter().map(|query| query.pod.clone()).collect::<BTreeSet<_>>().into_iter().map(log));
    all.extend(asked.lists.iter().map(|query| query.kind.plural.clone()).collect::<BTreeSet<_>>().into_iter().map(kind));
    if asked.runs.iter().any(|(_, command)| command.script == Script::Arping) {
        all.push(arp());
    }
    all
}

/// One section of a place's state, or of all places'.
fn section(name: String, host: Option<String>) -> Change {
    let title = format!("without {name} of {}", host.as_deref().unwrap_or("any place"));
    let about = host.iter().cloned().collect();
    let run = move |at: &Host, command: &lbdiag::evidence::host::Command, answer: Result<_, EvidenceError>| {
        let here = command.script == Script::Inspect && host.as_ref().is_none_or(|host| *host == at.name && command.args[0] == "host");
        if here { answer.map(|output| sections::without(output, &name)) } else { answer }
    };
    Change { title, about, run: Some(Box::new(run)), ..Change::default() }
}

fn state_of(which: impl Fn(&Host, bool) -> bool + Send + Sync + 'static) -> Change {
    let run = move |at: &Host, command: &lbdiag::evidence::host::Command, answer| {
        let of_host = command.args.first().is_some_and(|place| place == "host");
        if matches!(command.script, Script::Inspect | Script::State) && which(at, of_host) {
            return Err(refused(ErrorKind::TimedOut, &format!("inspect {}", at.name)));
        }
        answer
    };
    Change { run: Some(Box::new(run)), ..Change::default() }
}

fn state(host: String, of_host: bool) -> Change {
    let title = format!("without the state of {}{host}", if of_host { "" } else { "pods on " });
    let about = if of_host { vec![host.clone()] } else { Vec::new() };
    Change { title, about, ..state_of(move |at, whole| at.name == host && whole == of_host) }
}

/// Counters of packets that nobody read.
fn uncounted() -> Change {
    let run = |_: &Host, command: &lbdiag::evidence::host::Command, answer: Result<lbdiag::evidence::host::Output, EvidenceError>| {
        let mut output = answer?;
        if command.script == Script::Inspect {
            for name in ["iptables", "iptables-legacy", "ip6tables"] {
                output = sections::edited(output, name, |dump| {
                    dump.lines()
                        .map(|line| line.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(line, |(_, rule)| rule))
                        .collect::<Vec<_>>()
                        .join("\n")
                });
            }
        }
        Ok(output)
    };
    Change { title: "without the counters of rules".to_owned(), run: Some(Box::new(run)), ..Change::default() }
}

/// Answers that end in the middle.
fn cut_short() -> Change {
    let run = |_: &Host, command: &lbdiag::evidence::host::Command, answer: Result<lbdiag::evidence::host::Output, EvidenceError>| {
        let mut output = answer?;
        if command.script == Script::Inspect {
            let half = output.stdout.lines().count() / 2;
            output.stdout = output.stdout.lines().take(half).collect::<Vec<_>>().join("\n");
        }
        Ok(output)
    };
    Change { title: "with states that end in the middle".to_owned(), run: Some(Box::new(run)), ..Change::default() }
}

fn capture(place: String, later_alone: bool) -> Change {
    let title = format!("without the {}of {place}", if later_alone { "second capture " } else { "captures " });
    let about = vec![place.clone()];
    let refuse = move |request: &lbdiag::model::capture::CaptureRequest, before: usize| {
        let taken = request.place.to_string() == place && (!later_alone || before > 0);
        taken.then(|| refused(ErrorKind::CaptureRefused, &format!("capture on {}", request.place)))
    };
    Change { title, about, refuse: Some(Box::new(refuse)), ..Change::default() }
}

fn whole_host(name: String) -> Change {
    let gone = |name: &str| refused(ErrorKind::HostUnreachable, &format!("connect to {name}"));
    let (of_run, of_capture, of_clock) = (name.clone(), name.clone(), name.clone());
    Change {
        title: format!("without {name}"),
        about: vec![name],
        run: Some(Box::new(move |at, _, answer| if at.name == of_run { Err(gone(&of_run)) } else { answer })),
        refuse: Some(Box::new(move |request, _| (request.place.host().name == of_capture).then(|| gone(&of_capture)))),
        clock: Some(Box::new(move |at| (at.name == of_clock).then(|| gone(&of_clock)))),
        ..Change::default()
    }
}

fn log(pod: String) -> Change {
    let (title, about) = (format!("without the log of {pod}"), vec![pod.clone()]);
    let log = move |query: &lbdiag::evidence::cluster::LogQuery, lines| {
        if query.pod == pod { Err(refused(ErrorKind::Forbidden, &format!("read the log of {pod}"))) } else { Ok(lines) }
    };
    Change { title, about, log: Some(Box::new(log)), ..Change::default() }
}

fn kind(plural: String) -> Change {
    let title = format!("without {plural}");
    let about = vec![plural.clone(), plural.trim_end_matches('s').to_owned()];
    let list = move |query: &lbdiag::evidence::cluster::ListQuery, answer| {
        if query.kind.plural == plural { Err(refused(ErrorKind::Forbidden, &format!("list {plural}"))) } else { answer }
    };
    Change { title, about, list: Some(Box::new(list)), ..Change::default() }
}

fn arp() -> Change {
    let run = |at: &Host, command: &lbdiag::evidence::host::Command, answer| {
        if command.script == Script::Arping { Err(refused(ErrorKind::ToolMissing, &format!("arping on {}", at.name))) } else { answer }
    };
    Change { title: "without ARP from the clients".to_owned(), run: Some(Box::new(run)), ..Change::default() }
}
