//! What a run saw itself although every try was answered, and that tells that a fault is there now: clients that are answered live on what they
//! learned before it. Nothing that contradicts what was seen is called latent, and nothing passes beside it.

use std::collections::BTreeSet;

use super::case::{Case, PRESENT};
use super::road::Road;
use crate::model::announcement::Agreement;
use crate::model::catalogue::{Property, has, names};
use crate::model::finding::{Finding, Gap, Severity};

/// What was seen that does not fit an address which one node announces and answers for.
pub(super) struct Present {
    /// Nobody answered when it was asked who has the address.
    unanswered: Option<String>,
    /// Answered tries came in on a node that announces nothing.
    astray: Option<String>,
}

impl Present {
    pub(super) fn of(case: &Case) -> Self {
        Self { unanswered: unanswered(case), astray: astray(case) }
    }

    /// A fault of the announcement as it is: it silences the address now, where that was seen.
    pub(super) fn weighed(&self, finding: Finding) -> Finding {
        match self.told().filter(|_| super::announce::silences(&finding)) {
            Some(seen) => {
                let scope = format!("{PRESENT}{seen}. The tries live on what was learned before; who asks anew may get no answer");
                Finding { scope: Some(scope), ..finding }
            }
            None => finding,
        }
    }

    /// Whether a finding explains what was seen.
    fn explained(findings: &[Finding]) -> bool {
        findings.iter().any(|finding| finding.severity == Severity::Fail || has(&finding.name, Property::OfTheAddressOnTheWire))
    }

    /// What stays open, where nothing that was found explains it.
    pub(super) fn open(&self, case: &Case, findings: &[Finding]) -> Option<Gap> {
        let seen = self.told().filter(|_| !Self::explained(findings))?;
        let undecided = if self.unanswered.is_some() || !asked_anew(case) {
            "whether somebody who asks for the address anew is answered, and by whom: the tries may live on what was learned before"
        } else {
            "why they do not go to the node that answers by ARP: the neighbour entry of who sends them is another, or there is a route"
        };
        Some(Gap::new(names::EVIDENCE_UNDECIDED, case.service, seen, undecided).decisive())
    }

    fn told(&self) -> Option<String> {
        let all: Vec<&str> = self.unanswered.iter().chain(&self.astray).map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// Why a closer look is worth it although every try was answered.
#[must_use]
pub fn suspicions(case: &Case) -> Vec<String> {
    let Present { unanswered, astray } = Present::of(case);
    unanswered.into_iter().chain(astray).collect()
}

/// Whether somebody asked for the address anew and was answered.
fn asked_anew(case: &Case) -> bool {
    case.asks().any(|ask| !ask.asked.is_empty() && !ask.replies.is_empty())
}

/// Whether one node announces the address on its own network, as far as the sources say, or one should.
fn on_layer_2(case: &Case) -> bool {
    case.announcement.is_some_and(|announcement| {
        announcement.protocol != "bgp" && (!announcement.nodes.is_empty() || announcement.agreement == Agreement::None)
    })
}

/// Every place on the address's network that asked who has it got no answer, in every round.
fn unanswered(case: &Case) -> Option<String> {
    let asks: Vec<_> = case.asks().filter(|ask| !ask.asked.is_empty() && ask.error.is_none()).collect();
    let answered = case.asks().any(|ask| !ask.replies.is_empty());
    // A node takes what its own programs send to the address, and asks nobody for it.
    let from: BTreeSet<&str> = asks.iter().map(|ask| ask.host.name.as_str()).filter(|name| case.node(name).is_none()).collect();
    let by = if case.address().is_some_and(|address| address.is_ipv6()) { "NDP" } else { "ARP" };
    let from = from.into_iter().collect::<Vec<_>>().join(" and ");
    (on_layer_2(case) && !from.is_empty() && !answered).then(|| format!("{from} asked by {by} for the address, and nobody answered"))
}

/// Answered tries from outside that came in on nodes which do not announce.
fn astray(case: &Case) -> Option<String> {
    let announcement = case.announcement.filter(|_| on_layer_2(case))?;
    let roads = case.roads();
    let outside = |road: &&Road| road.connection.attempt.answered() && !road.connection.vantage.is_inside();
    let entered: BTreeSet<String> = roads.iter().filter(outside).filter_map(|road| Some(road.entry()?.0)).collect();
    let others: Vec<String> = entered.into_iter().filter(|node| !announcement.nodes.contains(node)).collect();
    let who = if announcement.nodes.is_empty() { "no node".to_owned() } else { announcement.nodes.join(" and ") };
    (!others.is_empty()).then(|| format!("answered tries came in on {}, and {who} announces the address", others.join(" and ")))
}

#[cfg(test)]
mod tests;
