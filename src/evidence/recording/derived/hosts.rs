//! What hosts would have printed, from what they did print when they were asked for more.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::super::question::{Channel, Question};
use super::{Derived, Known, answered};
use crate::evidence::error::EvidenceError;
use crate::evidence::host::script::Script;
use crate::evidence::host::{Command, Output};
use crate::model::place::Host;

type Ran = Result<Output, EvidenceError>;

/// A question to a host as a recording keeps it.
#[derive(Deserialize)]
struct Told {
    host: Value,
    script: Script,
    args: Vec<String>,
}

/// The words that name a place for the scripts that look at one.
const PLACE: usize = 3;

/// The sections of the whole state of a place that are a part of it.
const PARTS: [(&str, &[&str]); 3] =
    [("interfaces", &["links", "addresses"]), ("neighbours", &["neighbours"]), ("sockets", &["sockets", "datagram-sockets"])];

/// What a host would have printed.
pub(in crate::evidence::recording) fn run<'a>(known: &Known<'a>, host: &Host, command: &Command) -> Option<Derived<'a, Ran>> {
    let asked: Told = serde_json::from_str(&Question::run(host, command).asked.text).ok()?;
    let others: Vec<(Told, &'a super::super::tape::Entry)> =
        known.asked::<Told>(Channel::Run).filter(|(told, _)| told.host == asked.host).collect();
    match asked.script {
        Script::Probe | Script::ProbePod => first_some(&others, |told, ran| fewer_tries(&asked, told, ran)),
        Script::Arping => first_some(&others, |told, ran| fewer_addresses(&asked, told, ran)),
        Script::Inspect => first_some(&others, |told, ran| fewer_questions(&asked, told, ran)),
        Script::State if asked.args.get(PLACE).is_some_and(|part| part == "sysctl") => settings(&asked, &others),
        Script::State => first_some(&others, |told, ran| part_of_a_state(&asked, told, ran)),
        _ => None,
    }
}

/// The first that gives an answer.
fn first_some<'a>(
    others: &[(Told, &'a super::super::tape::Entry)],
    derive: impl Fn(&Told, Output) -> Option<Output>,
) -> Option<Derived<'a, Ran>> {
    others.iter().find_map(|(told, entry)| {
        let output = derive(told, answered::<Ran>(entry)?.ok()?)?;
        Some(Derived { entry, answer: Ok(output) })
    })
}

/// The same probe with more tries: the first of them.
fn fewer_tries(asked: &Told, told: &Told, output: Output) -> Option<Output> {
    // A probe out of a pod has the pod's two words in front.
    let at = if asked.script == Script::ProbePod { 5 } else { 3 };
    let number = |told: &Told| told.args.get(at).and_then(|tries| tries.parse::<u64>().ok());
    let rest = |told: &Told| told.args.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, arg)| arg.clone()).collect::<Vec<_>>();
    let (wanted, had) = (number(asked)?, number(told)?);
    if asked.script != told.script || wanted > had || rest(asked) != rest(told) {
        return None;
    }
    let taken = |line: &&str| {
        let mut fields = line.split('\t');
        fields.next() != Some("try") || fields.next().and_then(|number| number.parse::<u64>().ok()).is_none_or(|number| number <= wanted)
    };
    Some(with_lines(output, taken))
}

/// The same question on the wire about more addresses: the lines about those that are asked for.
fn fewer_addresses(asked: &Told, told: &Told, output: Output) -> Option<Output> {
    let (Some(wanted), Some(had)) = (asked.args.first(), told.args.first()) else { return None };
    let had: BTreeSet<&str> = had.split(',').collect();
    let wanted: BTreeSet<&str> = wanted.split(',').collect();
    if told.script != Script::Arping || asked.args.get(1) != told.args.get(1) || !wanted.is_subset(&had) {
        return None;
    }
    let taken = |line: &&str| line.split('\t').nth(3).is_none_or(|address| wanted.contains(address));
    Some(with_lines(output, taken))
}

/// The same look at a place with more questions to its routing.
fn fewer_questions(asked: &Told, told: &Told, output: Output) -> Option<Output> {
    let split = PLACE + 1;
    let (about, questions) = asked.args.split_at_checked(split)?;
    let (known, had) = told.args.split_at_checked(split)?;
    if told.script != Script::Inspect || about != known || !questions.iter().all(|question| had.contains(question)) {
        return None;
    }
    let clients: Vec<String> =
        questions.iter().map(|question| format!(" src={} dst={} ", question.split(',').next().unwrap_or_default(), about[PLACE])).collect();
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in output.stdout.split('\n') {
        if let Some(name) = line.strip_prefix("=== ") {
            if !name.starts_with("end ") {
                name.clone_into(&mut section);
            }
            lines.push(line);
            continue;
        }
        let taken = match section.as_str() {
            "route-get" => line.split_once(" => ").is_none_or(|(question, _)| questions.iter().any(|asked| asked == question)),
            "conntrack" => line.is_empty() || clients.iter().any(|client| line.contains(client.as_str())),
            _ => true,
        };
        if taken {
            lines.push(line);
        }
    }
    let stdout = lines.join("\n");
    Some(Output { stdout, ..output })
}

/// A part of a place's state, of a look at the whole of it.
fn part_of_a_state(asked: &Told, told: &Told, output: Output) -> Option<Output> {
    let (place, [part, values @ ..]) = asked.args.split_at_checked(PLACE)? else { return None };
    let (_, names) = PARTS.iter().find(|(name, _)| name == part)?;
    if told.script != Script::Inspect || told.args.get(..PLACE) != Some(place) || !values.is_empty() {
        return None;
    }
    let all = sections(&output.stdout);
    let mut stdout = String::new();
    for name in *names {
        stdout.push_str(all.get(*name)?);
    }
    Some(Output { stdout, ..output })
}

/// The text of each section with its first and last line.
fn sections(text: &str) -> BTreeMap<&str, &str> {
    let mut all = BTreeMap::new();
    let mut rest = text;
    while let Some(begin) = rest.find("\n=== ") {
        let body = &rest[begin..];
        let Some(end) = body.find("\n=== end ") else { break };
        let whole = end + 1 + body[end + 1..].find('\n').map_or(body.len() - end - 1, |at| at + 1);
        let name = body[5..].lines().next().unwrap_or_default();
        all.insert(name, &body[..whole]);
        rest = &rest[begin + whole..];
    }
    all
}

/// Settings of a kernel, each from whatever look told it or asked for it in vain.
fn settings<'a>(asked: &Told, others: &[(Told, &'a super::super::tape::Entry)]) -> Option<Derived<'a, Ran>> {
    let (place, names) = asked.args.split_at_checked(PLACE)?;
    let mut values: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut from = None;
    for (told, entry) in others {
        let of_the_place = told.args.get(..PLACE) == Some(place);
        let alone = told.script == Script::State && told.args.get(PLACE).is_some_and(|part| part == "sysctl");
        if !of_the_place || !(alone || told.script == Script::Inspect) {
            continue;
        }
        let Some(Ok(output)) = answered::<Ran>(entry) else { continue };
        from = Some(*entry);
        if alone {
            values.extend(told.args.iter().skip(PLACE + 1).map(|name| (name.clone(), None)));
        }
        let all = sections(&output.stdout);
        let lines = all.get("settings").map(|section| section.lines()).into_iter().flatten();
        values.extend(lines.filter_map(|line| line.split_once(" = ")).map(|(name, value)| (name.to_owned(), Some(value.to_owned()))));
    }
    let mut lines = Vec::new();
    for name in names.iter().skip(1) {
        if let Some(value) = values.get(name)? {
            lines.push(format!("{name} = {value}\n"));
        }
    }
    let stdout = format!("\n=== settings\n{}\n=== end 0\n", lines.concat());
    Some(Derived { entry: from?, answer: Ok(Output { status: 0, stdout, stderr: String::new() }) })
}

fn with_lines(output: Output, taken: impl Fn(&&str) -> bool) -> Output {
    let stdout = output.stdout.split_inclusive('\n').filter(|line| taken(&line.trim_end_matches('\n'))).collect();
    Output { stdout, ..output }
}
