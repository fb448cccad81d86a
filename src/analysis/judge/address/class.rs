//! The Service's load balancer class against the one that MetalLB serves.

use super::own;
use crate::analysis::allocation::class::{Class, classes, controller_serves, speakers_serve};
use crate::analysis::judge::case::{Case, found};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::metallb::Metallb;

/// The class is not served by the part that matters: the controller for an address, the speakers for its announcement.
pub(super) fn unserved(case: &Case, metallb: &Metallb) -> Option<Finding> {
    let by_controller = controller_serves(metallb, case.service);
    let by_speakers = speakers_serve(metallb, case.service);
    let matters = if case.address().is_none() { by_controller.or(by_speakers) } else { by_speakers };
    if matters != Some(false) {
        return None;
    }
    let parts = [("controller", classes(&metallb.controllers)), ("speakers", classes(&metallb.speakers))];
    let mut evidence = vec![match &case.service.class {
        Some(class) => format!("spec.loadBalancerClass is {class}"),
        None => "the Service has no spec.loadBalancerClass".to_owned(),
    }];
    evidence.extend(
        parts.iter().filter(|(_, classes)| !classes.is_empty()).map(|(part, classes)| format!("MetalLB's {part}: {}", shown(classes))),
    );
    let what = if case.address().is_none() { "gives no address to it" } else { "does not announce it" };
    let summary = match &case.service.class {
        Some(class) => format!("the Service asks for the load balancer class {class}, which this MetalLB does not serve: it {what}"),
        None => format!("this MetalLB serves only Services of a load balancer class of its own, and the Service names none: it {what}"),
    };
    Some(found(names::ADDRESS_CLASS_UNSERVED, vec![own(case)], summary, evidence))
}

/// Whether it is the reason that no speaker announces.
pub(super) fn silences(case: &Case, metallb: &Metallb) -> bool {
    speakers_serve(metallb, case.service) == Some(false)
}

fn shown(classes: &[Class]) -> String {
    let each: Vec<String> = classes
        .iter()
        .map(|class| {
            class.as_ref().map_or_else(|| "started without --lb-class".to_owned(), |class| format!("started with --lb-class={class}"))
        })
        .collect();
    each.join(" and ")
}
