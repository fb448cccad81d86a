//! The page of outcomes that are made for it; `tests/pages.rs` reads those of recordings with a parser of HTML.

use super::*;
use crate::model::announcement::Source;
use crate::model::basis::Basis;
use crate::model::outcome::{Answered, Touch};
use crate::model::place::{HostKind, Place};
use crate::model::text::tests::HOSTILE;
use crate::report::text::outcome::tests::{broken, judged};

/// What a stranger's name would hold to be run.
const RUNS: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)><!--";

/// An outcome in which every part of the page has something to show.
fn seen() -> Outcome {
    let mut outcome = judged();
    outcome.gaps = broken().gaps;
    let source = |kind: &str, age_s| Source {
        kind: kind.to_owned(),
        node: Some("n2".to_owned()),
        protocol: "layer2".to_owned(),
        at: Some("2026-01-02T03:00:00Z".to_owned()),
        age_s,
        detail: "announces".to_owned(),
        trusted: true,
    };
    let readings = [(1, "before"), (7, "after")];
    for (at, (at_ms, _)) in readings.iter().enumerate() {
        let touch = Touch { what: "inspect host '' ''".to_owned(), at_ms: *at_ms, ..outcome.touched[1].clone() };
        outcome.touched.insert(1 + at, touch);
    }
    let answer = |(at_ms, text): (u64, &str)| Answered {
        host: outcome.touched[1].host.clone(),
        what: outcome.touched[1].what.clone(),
        at_ms,
        text: format!("=== links\n{text} links\n=== end 0\n=== iptables\n-A {text}\n=== end 0"),
    };
    outcome.answers = readings.map(answer).to_vec();
    let place = Place::sample("n2", HostKind::Node);
    outcome.findings[0].rests_on = vec![Basis::state(&place, "iptables", true), Basis::state(&place, "links", false), Basis::probe("c1")];
    outcome.observed.announcement.as_mut().unwrap().sources =
        vec![source("log", Some(245)), source("wire", Some(1)), source("lease", None)];
    outcome
}

#[test]
fn nothing_of_a_stranger_is_markup() {
    let mut outcome = seen();
    let hostile = format!("{RUNS}{HOSTILE}");
    outcome.findings[0].evidence.push(hostile.clone());
    outcome.findings[0].name.clone_from(&hostile);
    outcome.findings[0].culprits.push(hostile.as_str().into());
    outcome.gaps[0].reason.clone_from(&hostile);
    outcome.steps[0].facts.push(hostile.clone());
    outcome.touched[1].what.clone_from(&hostile);
    outcome.answers[0].what.clone_from(&hostile);
    outcome.findings[0].rests_on[0].place.clone_from(&hostile);
    outcome.findings[0].rests_on[1].part.clone_from(&hostile);
    outcome.answers[0].text.clone_from(&hostile);
    outcome.playbook.clone_from(&hostile);
    let observed = &mut outcome.observed;
    observed.service.as_mut().unwrap().name.clone_from(&hostile);
    observed.tries[0].from.clone_from(&hostile);
    observed.announcement.as_mut().unwrap().sources[0].detail.clone_from(&hostile);
    let path = &mut observed.paths[0].path;
    path.from.clone_from(&hostile);
    for hop in path.request.iter_mut().chain(&mut path.answer) {
        for text in [&mut hop.at, &mut hop.place, &mut hop.interface, &mut hop.source, &mut hop.destination] {
            text.clone_from(&hostile);
        }
    }
    let page = page(&outcome);
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("<img") && !page.contains("<!--") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.chars().any(|c| crate::model::text::is_unseen(c) && !matches!(c, '\n' | '\t')));
}

#[test]
fn the_policy_allows_the_pages_own_style_and_script_alone() {
    let page = page(&seen());
    let between = |open: &str, close: &str| page.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned();
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let hash = STANDARD.encode(Sha256::digest(between(open, close).as_bytes()));
        assert!(between("Content-Security-Policy\" content=\"", "\"").contains(&format!("'sha256-{hash}'")), "{open}");
    }
    assert!([" style=", " onclick=", " src=", "href=\"http", "@import", "url("].iter().all(|one| !page.contains(one)));
}

#[test]
fn the_same_outcome_is_the_same_page_and_the_verdict_stands_first() {
    let (one, other) = (page(&seen()), page(&seen()));
    assert_eq!(one, other);
    let at = |text: &str| one.find(text).unwrap_or_else(|| panic!("{text} in {one}"));
    assert!(at("id=\"verdict\"") < at("id=\"places\"") && at("id=\"places\"") < at("id=\"findings\""));
    // Each section once: where a finding rests on it, and in the whole answer a link.
    for text in ["-A before", "-A after", "before links", "after links"] {
        assert_eq!(one.matches(&format!("<pre>{text}\n</pre>")).count(), 1, "{text} in {one}");
    }
    assert!(one.contains("id=\"answer-1\"") && one.contains("href=\"#answer-1-2\"") && one.contains("href=\"#answer-2-1\""));
    assert!(one.contains("data-place=\"ssh:c2\"") && one.contains("✗"));
}

#[test]
fn a_finding_shows_what_its_proof_looked_at_and_nothing_else() {
    let page = page(&seen());
    let part = page.split_once("What it rests on").unwrap().1.split_once("</article>").unwrap().0;
    // Compared: both readings; looked at as it is: the last one alone.
    let stands = |text: &str| part.contains(&format!("<pre>{text}\n</pre>"));
    assert_eq!(["-A before", "-A after", "before links", "after links"].map(stands), [true, true, false, true], "{part}");
    assert!(part.contains("data-basis=\"n2 iptables\"") && part.contains("data-basis=\"probe c1\""));
    let mut own = seen();
    own.findings[0].rests_on.clear();
    own.considered.clear();
    assert!(!super::page(&own).contains("What it rests on"), "nothing is guessed of what a playbook says by itself");
}
