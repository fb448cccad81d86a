//! The Service has no address.

use super::{Giving, configuration, own, words};
use crate::analysis::allocation::{Answer, answer};
use crate::analysis::judge::case::{Case, found};
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::metallb::Metallb;

/// The objects do not say why, and MetalLB does.
pub(super) fn quoting(giving: &Giving) -> Option<Finding> {
    let Giving { case, metallb, answer, .. } = giving;
    // Without what the answer rests on, MetalLB's words may have a nearer cause: they stand in the gap.
    let text = words::refusal(metallb).filter(|_| !matches!(answer, Answer::Refused(_) | Answer::Unknown(_)))?;
    let mut evidence = words::quoted(metallb);
    evidence.push(match answer {
        Answer::Granted(pool) => format!("by the objects as they are now, pool {pool} has an address for it"),
        Answer::Unknown(_) | Answer::Refused(_) => String::new(),
    });
    evidence.retain(|line| !line.is_empty());
    let summary = format!("MetalLB refused the Service an address: {text}");
    Some(found(names::ADDRESS_REQUEST_REFUSED, vec![own(case)], summary, evidence))
}

/// What would decide why there is no address.
pub(super) fn undecided(case: &Case, metallb: Option<&Metallb>) -> Gap {
    let reason = match metallb.map(|metallb| (metallb, answer(case.service, metallb))) {
        None => "the Service has no address, and MetalLB's objects were not looked at".to_owned(),
        Some((metallb, _)) if metallb.instead.is_some() => {
            let class = case.service.class.as_ref().map(|class| format!("; it asks for the class {class}")).unwrap_or_default();
            format!(
                "the Service has no address, and the cluster has no MetalLB: the API knows none of its kinds, and no pod is one of its parts{class}"
            )
        }
        Some((metallb, Answer::Unknown(what))) => match words::refusal(metallb) {
            Some(text) => format!("MetalLB says: {text}; it was not read {what}"),
            None => format!("the Service has no address; it was not read {what}, and no event of MetalLB's says why"),
        },
        Some((metallb, Answer::Granted(pool))) => {
            let mut missing = Vec::new();
            if metallb.events.is_none() {
                missing.push("the Service's events");
            }
            if metallb.controller_log.is_none() {
                missing.push("the log of MetalLB's controller");
            }
            if !configuration::controller_spoke(metallb) {
                missing.push("whether the controller took up the configuration");
            }
            let unseen = metallb.controller_log.as_ref().is_some_and(|log| !log.mentions_service);
            let unseen = if unseen { "; the controller's log does not mention it, as if the controller had not looked at it" } else { "" };
            let would = if missing.is_empty() {
                "a log of the controller at level debug, or a second look in a minute, would tell".to_owned()
            } else {
                format!("{} would tell", missing.join(", "))
            };
            let said = words::quoted(metallb).join("; ");
            let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
            format!("the Service has no address although pool {pool} has one for it{unseen}{said}; {would}")
        }
        Some((_, Answer::Refused(_))) => "the Service has no address, and nothing that was read says why".to_owned(),
    };
    Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, "why it has no address").decisive()
}
