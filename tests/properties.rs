//! Every recorded run in a world that is a little other: what has nothing to do with the fault changes no verdict, other names change
//! names alone, and where something could not be looked at the verdict is the same or inconclusive, never another cause and never a pass.
//!
//! `PROPERTIES=all` tries everything; `PROPERTIES=NUMBER` takes another sample of the removals; `PROPERTIES_OF=NAME` takes one recording.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

#[path = "properties/bases.rs"]
mod bases;
#[path = "properties/harmless.rs"]
mod harmless;
#[path = "properties/removals.rs"]
mod removals;
#[path = "properties/renamings.rs"]
mod renamings;
#[path = "properties/sections.rs"]
mod sections;
#[path = "properties/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, Inputs, RunOptions};
use lbdiag::evidence::host::script::Script;
use lbdiag::evidence::recording::recorded::Recording;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::basis::{Basis, BasisKind};
use lbdiag::model::finding::{Finding, Severity};
use lbdiag::model::outcome::{Outcome, Verdict};
use world::{Asked, Change};

/// Removals of one recording that are tried at least, when not all are.
const SAMPLE: usize = 8;

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).expect("recordings").map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "lbdiag"));
    if let Ok(only) = std::env::var("PROPERTIES_OF") {
        all.retain(|path| path.to_string_lossy().contains(&only));
    }
    all.retain(|path| Recording::read(path).is_ok_and(|read| read.manifest.playbook.name == "metallb-flow"));
    all.sort();
    all
}

/// A run of the main job in a changed world, and what it asked.
fn run(recording: &Recording, change: Change, known: &Arc<Asked>) -> (Outcome, Asked) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai");
    let playbook = engine::load(&path).map_err(|broken| broken.to_string()).expect("the playbook");
    let inputs = Inputs { recorded: Some(recording.manifest.params.clone()), ..Inputs::default() };
    let params = engine::resolve(&playbook.header, &inputs).expect("parameters from the recording");
    let options = RunOptions { time_limit: Duration::from_secs(300), progress: Arc::new(|_| {}) };
    let (evidence, shared) = world::changed(recording.world(), Arc::new(change), Arc::clone(known));
    let outcome = engine::run(&playbook, params, &evidence, &recording.manifest.site.site(), &options).outcome;
    (outcome, shared.asked())
}

/// A recording with its run as it is.
struct Base {
    name: String,
    recording: Recording,
    whole: Outcome,
    known: Arc<Asked>,
    /// The sections of the states that it holds.
    sections: Vec<String>,
}

impl Base {
    fn of(path: &Path) -> Self {
        let recording = Recording::read(path).expect("a recording that opens");
        let (whole, asked) = run(&recording, Change::default(), &Arc::default());
        let world = recording.world();
        let inspected = asked.runs.iter().filter(|(_, command)| command.script == Script::Inspect);
        let printed =
            inspected.filter_map(|(host, command)| world.hosts.run(host, command).ok()).flat_map(|output| sections::names(&output.stdout));
        let sections = printed.collect::<BTreeSet<_>>().into_iter().collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, recording, whole, known: Arc::new(asked), sections }
    }

    fn changed(&self, change: Change) -> Outcome {
        run(&self.recording, change, &self.known).0
    }
}

fn shown(outcome: &Outcome) -> String {
    let first = outcome.findings.first();
    let culprit = first.and_then(|finding| finding.culprits.first()).map(ToString::to_string).unwrap_or_default();
    let ended = outcome.ended.as_ref().map(|ended| format!(" ended: {ended}")).unwrap_or_default();
    format!(
        "{} {} {culprit} ({}){ended}",
        outcome.verdict.word(),
        first.map(|finding| finding.name.as_str()).unwrap_or_default(),
        outcome.summary
    )
}

/// The verdict with the first finding's name and culprit, which is what a person acts upon.
fn answer(outcome: &Outcome) -> (Verdict, Option<(String, Option<String>)>) {
    let first = outcome.findings.first().filter(|finding| finding.severity != Severity::Info);
    (outcome.verdict, first.map(|finding| (finding.name.clone(), finding.culprits.first().map(ToString::to_string))))
}

/// Whether a culprit is one of those: the same, a part of the same workload, or the same rule of the same node as another tool prints it.
fn is_among(culprit: &str, culprits: &[String]) -> bool {
    let rule = |text: &str| text.split_once("/rule/").map(|(node, _)| node.to_owned());
    // A network between several places and a node holds the one between a part of them and it.
    let ends = |text: &str| {
        text.strip_prefix("network/").and_then(|ends| ends.split_once("..")).map(|(from, to)| (from.to_owned(), to.to_owned()))
    };
    let within = |one: &str| {
        let (Some((some, to)), Some((all, whole))) = (ends(culprit), ends(one)) else { return false };
        to == whole && some.split('+').all(|place| all.split('+').any(|other| other == place))
    };
    culprits.iter().any(|one| one == culprit || within(one) || (rule(one).is_some() && rule(one) == rule(culprit)))
}

/// Whether it is the same answer: where less was seen it may name fewer of the culprits, or another of them first.
fn same(whole: &Outcome, part: &Outcome) -> bool {
    let (of_whole, of_part) = (answer(whole), answer(part));
    let all: Vec<String> = whole.findings.first().iter().flat_map(|finding| &finding.culprits).map(ToString::to_string).collect();
    let names = |answer: &(Verdict, Option<(String, Option<String>)>)| (answer.0, answer.1.as_ref().map(|(name, _)| name.clone()));
    let culprit = of_part.1.as_ref().and_then(|(_, culprit)| culprit.as_ref());
    // Whose a MAC is may not be known, while it is the one that the evidence tells of.
    let by_mac = |culprit: &str| {
        let told = |mac: &str| whole.findings.first().is_some_and(|finding| finding.evidence.iter().any(|text| text.contains(mac)));
        culprit.strip_prefix("mac/").is_some_and(told)
    };
    // A network is named after a client that was asked from; any of them shows it.
    let asked = || whole.observed.tries.iter().filter_map(|tries| tries.from.split(':').next_back());
    let by_another_client = |culprit: &str| {
        let ends = |text: &str| {
            text.strip_prefix("network/").and_then(|rest| rest.split_once("..")).map(|(from, to)| (from.to_owned(), to.to_owned()))
        };
        let Some((from, to)) = ends(culprit) else { return false };
        asked().any(|place| place == from)
            && all.iter().filter_map(|one| ends(one)).any(|(other, there)| there == to && asked().any(|place| place == other))
    };
    let known = |culprit: &str| is_among(culprit, &all) || by_mac(culprit) || by_another_client(culprit);
    names(&of_whole) == names(&of_part) && culprit.is_none_or(|culprit| known(culprit))
}

/// Why what is said without something is wrong, beside what is said with it.
fn wrong_without(whole: &Outcome, part: &Outcome, about: &[String]) -> Option<String> {
    if same(whole, part) {
        return None;
    }
    if part.verdict != Verdict::Inconclusive {
        return Some("another answer".to_owned());
    }
    let named = |text: &str| about.iter().any(|word| text.contains(word.as_str()));
    let quoted = whole.findings.iter().any(|finding| finding.evidence.iter().any(|text| named(text)) || named(&finding.summary));
    let gap = part.gaps.iter().any(|gap| named(&gap.reason) || named(&gap.undecided) || named(&gap.subject.to_string()));
    (!about.is_empty() && !quoted && !gap).then(|| "inconclusive, and neither evidence nor gap names what is missing".to_owned())
}

/// A number that is the same for the same words.
fn number(words: &str) -> u64 {
    words.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The removals of a recording in the order in which they are tried now, and how many of them at least.
fn ordered(base: &Base) -> (Vec<Change>, usize) {
    let mut all = removals::removals(&base.known, &base.sections);
    let seed = std::env::var("PROPERTIES").unwrap_or_default();
    let least = if seed == "all" { all.len() } else { SAMPLE };
    all.sort_by_key(|change| number(&format!("{seed}{}{}", base.name, change.title)));
    (all, least)
}

/// What is wrong without something; until so many were tried, and three of them changed what is said.
fn removed(base: &Base) -> Vec<String> {
    let (mut wrong, mut other, mut tried) = (Vec::new(), 0, 0);
    let (all, least) = ordered(base);
    for change in all {
        if tried >= least && other >= 3 {
            break;
        }
        tried += 1;
        let (title, about) = (change.title.clone(), change.about.clone());
        let part = base.changed(change);
        other += usize::from(part.findings != base.whole.findings || part.verdict != base.whole.verdict || part.gaps != base.whole.gaps);
        if let Some(why) = wrong_without(&base.whole, &part, &about) {
            wrong.push(format!("{} {title}: {why}\n    whole: {}\n    now:   {}", base.name, shown(&base.whole), shown(&part)));
        }
    }
    if other < 3 {
        wrong.push(format!("{}: only {other} removals change what is said", base.name));
    }
    wrong
}

fn added(base: &Base) -> Vec<String> {
    let count = harmless::kinds().len();
    let all = base.changed(harmless::additions(|_| true));
    if answer(&all) == answer(&base.whole) {
        return Vec::new();
    }
    // Which of them it was.
    let alone = (0..count).filter_map(|number| {
        let part = base.changed(harmless::additions(|other| other == number));
        (answer(&part) != answer(&base.whole)).then(|| format!("{}: {}", harmless::kinds()[number], shown(&part)))
    });
    let alone: Vec<String> = alone.collect();
    vec![format!(
        "{} with foreign things\n    whole: {}\n    now:   {}\n    {}",
        base.name,
        shown(&base.whole),
        shown(&all),
        alone.join("\n    ")
    )]
}

fn renamed(base: &Base, path: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for (what, names) in renamings::NAMES {
        let file = renamings::renamed(path, names, folder.path()).expect("a recording with other names");
        let other = Recording::read(&file).expect("the recording with other names");
        let part = run(&other, Change::default(), &Arc::default()).0;
        // The last part of a rule's name is made of its text, in which names stand.
        let text = |outcome: &Outcome| {
            let (verdict, first) = answer(outcome);
            let culprit = |culprit: String| {
                culprit.rsplit_once('/').filter(|_| culprit.contains("/rule/")).map_or(culprit.clone(), |(path, _)| path.to_owned())
            };
            format!("{verdict:?} {:?}", first.map(|(name, first)| (name, first.map(culprit))))
        };
        let expected = names.iter().fold(text(&base.whole), |text, (old, new)| renamings::replaced(&text, old, new));
        if expected != text(&part) {
            wrong.push(format!(
                "{} with other names for {what}\n    whole: {}\n    now:   {}",
                base.name,
                shown(&base.whole),
                shown(&part)
            ));
        }
    }
    wrong
}

/// Each recording's result, on as many threads as there are processors.
fn each<A: Send>(look: impl Fn(&Path) -> A + Sync) -> Vec<A> {
    let all = recordings();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parts: Vec<Vec<PathBuf>> = (0..threads).map(|part| all.iter().skip(part).step_by(threads).cloned().collect()).collect();
    side_by_side(&parts, |part| part.iter().map(|path| look(path)).collect::<Vec<A>>()).into_iter().flatten().collect()
}

fn report(wrong: Vec<Vec<String>>) {
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_foreign_changes_nothing() {
    assert!(harmless::kinds().len() >= 20);
    report(each(|path| added(&Base::of(path))));
}

#[test]
fn other_names_change_names_alone() {
    report(each(|path| renamed(&Base::of(path), path)));
}

/// Without the rule that a run named, nothing names it, and what was lost is not explained by it.
#[test]
fn without_the_named_rule_the_sentence_goes() {
    let named = each(|path| {
        let base = Base::of(path);
        let rule =
            base.whole.findings.first().filter(|finding| finding.name == "node/firewall-drop").map(|finding| finding.summary.clone())?;
        let text = rule.split_once(": ").map(|(_, text)| text.to_owned()).expect("a rule's text");
        let told = &base.whole.findings[0].evidence;
        let counterfactual = told.iter().any(|line| line.contains("without this rule"));
        let of_a_filter = base.whole.findings[0].culprits.iter().any(|culprit| culprit.to_string().contains("/rule/"));
        assert!(counterfactual || !of_a_filter || !rule.contains(" drops it: "), "{}: {told:?}", base.name);
        let part = base.changed(harmless::without_rule(text.clone()));
        assert!(!shown(&part).contains(&text) && part.verdict != Verdict::Pass, "{}: {}", base.name, shown(&part));
        Some(base.name)
    });
    assert!(named.iter().flatten().count() >= 2, "{named:?}");
}

/// Findings that tries and captures alone may prove; what states say of them is where the fault is, or how to mend it.
const BY_PACKETS: [&str; 9] = [
    "app/no-answer",
    "bgp/filtered",
    "client/no-route",
    "client/translated",
    "node/unreachable",
    "overlay/mtu",
    "route/return-asymmetric",
    "wire/request-lost",
    "wire/ttl-expired",
];

/// Without the answers that a finding says it rests on, it is not said; nor without the sections of states among them, but for those.
#[test]
fn without_what_it_rests_on_a_finding_goes() {
    let all = each(|path| {
        let base = Base::of(path);
        let Some(first) = base.whole.findings.first().filter(|first| !first.rests_on.is_empty()) else { return Vec::new() };
        let said = |part: &Outcome| {
            let same = |finding: &Finding| (&finding.name, finding.culprits.first()) == (&first.name, first.culprits.first());
            part.findings.iter().any(|finding| same(finding) && finding.severity == first.severity)
        };
        let states: Vec<Basis> = first.rests_on.iter().filter(|basis| basis.kind == BasisKind::State).cloned().collect();
        let mut tried = vec![(first.rests_on.clone(), "anything")];
        if !states.is_empty() {
            tried.push((states, "any state"));
        }
        let gone = |(bases, what): (Vec<Basis>, &str)| {
            let part = base.changed(bases::without(&bases));
            let proven = what == "any state" && BY_PACKETS.contains(&first.name.as_str());
            (said(&part) && !proven, format!("{}: {} is said without {what} that it rests on: {bases:?}", base.name, first.name))
        };
        tried.into_iter().map(gone).collect::<Vec<_>>()
    });
    let all: Vec<(bool, String)> = all.into_iter().flatten().collect();
    let said: Vec<&String> = all.iter().filter(|(said, _)| *said).map(|(_, told)| told).collect();
    assert!(all.len() >= 100, "{}", all.len());
    assert!(said.is_empty(), "{} of {}:\n{}", said.len(), all.len(), said.iter().map(|told| told.as_str()).collect::<Vec<_>>().join("\n"));
}

/// A rule that takes answered and lost tries alike is never the cause.
#[test]
fn a_rule_that_takes_answered_tries_too_is_never_named() {
    report(each(|path| {
        let base = Base::of(path);
        let part = base.changed(harmless::decoy());
        let named = part.findings.iter().find(|finding| format!("{finding:?}").contains("decoy"));
        let answered = base.whole.witnesses.iter().any(|witness| witness.by == lbdiag::model::witness::Tie::Path);
        // Where no answered try passes the place, nothing tells that it is none.
        let untold =
            |finding: &lbdiag::model::finding::Finding| finding.evidence.iter().any(|line| line.contains("no answered try is known"));
        let named = named.filter(|finding| !untold(finding));
        named.filter(|_| answered).map(|finding| format!("{}: {}", base.name, finding.summary)).into_iter().collect()
    }));
}

#[test]
fn what_is_missing_gives_the_same_answer_or_none() {
    report(each(|path| removed(&Base::of(path))));
}
