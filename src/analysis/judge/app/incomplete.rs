//! Answers that begin and do not come to the end that they announce themselves: nothing else is told of an answer's content.

use std::collections::BTreeSet;

use crate::analysis::judge::case::found;
use crate::analysis::judge::road::{Leg, Point, Road};
use crate::analysis::judge::rule::{Apply::One, Proof};
use crate::analysis::judge::rules;
use crate::analysis::judge::tries::OfTries;
use crate::model::catalogue::names;
use crate::model::connection::Sighting;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::probe::Ending;
use crate::model::subject::Subject;

pub(in crate::analysis::judge) const INCOMPLETE: Proof<OfTries> = Proof {
    rule: &rules::APP_INCOMPLETE_ANSWER,
    title: "a program that does not end the answer that it began",
    needs: "answers that announce more than comes of them, everything that leaves the pod seen to come to the client, and the end, where there is one, seen to leave the pod",
    apply: One(|tries| super::of_name(tries, names::APP_INCOMPLETE_ANSWER)),
};

/// Whether the program itself stopped; otherwise why that is not known.
pub(super) fn name(road: &Road) -> Result<&'static str, String> {
    let missing = &road.connection.attempt.detail;
    let Some(pod) = road.points().into_iter().find(|point| matches!(point, Point::Pod(_))) else {
        return Err(format!("the answer began and did not end ({missing}), and the pod could not be watched"));
    };
    if !road.watched(&road.client()) {
        return Err(format!("the answer began and did not end ({missing}), and the client could not be watched"));
    }
    if !road.passed(Leg::ReplyData, &pod) {
        return Err(format!("the answer began and did not end ({missing}), and the pod was not seen to give it"));
    }
    if road.connection.attempt.ending == Ending::AnswerStalls {
        if super::may_be_filtered(road) {
            return Err("the answer stops, and a packet filter inside the pod took packets that may be its rest".to_owned());
        }
        return Ok(names::APP_INCOMPLETE_ANSWER);
    }
    let ended = |what: Sighting| matches!(what, Sighting::Fin | Sighting::Reset);
    let by_pod =
        road.hops(move |hop| !hop.request && hop.passage == Passage::Out && hop.place.contains('/') && ended(hop.what)).next().is_some();
    by_pod
        .then_some(names::APP_INCOMPLETE_ANSWER)
        .ok_or_else(|| format!("the connection ended in the middle of the answer ({missing}), and the pod was not seen to end it"))
}

pub(super) fn finding(roads: &[&Road], culprits: Vec<Subject>, pods: &str) -> Finding {
    let stalls = roads.iter().filter(|road| road.connection.attempt.ending == Ending::AnswerStalls).count();
    let missing: BTreeSet<&str> = roads.iter().map(|road| road.connection.attempt.detail.as_str()).collect();
    let what = if stalls == roads.len() { "stops in the middle of it" } else { "ends the connection in the middle of it" };
    let mut evidence = vec![format!(
        "{} connections: the answer begins, and everything that leaves the pod comes to the client{}",
        roads.len(),
        if stalls == roads.len() { "" } else { "; then the pod ends the connection" }
    )];
    evidence.extend(missing.iter().take(3).map(|missing| (*missing).to_owned()));
    let waited = if stalls == roads.len() { super::waited(roads) } else { String::new() };
    found(names::APP_INCOMPLETE_ANSWER, culprits, format!("{pods} begins its answer and {what}{waited}"), evidence)
}
