//! What is wrong with where the Service ends, in the order in which it is told.

use super::stale::{self, met_nobody, met_old_number};
use super::{End, nowhere, other_family, pods, port_names};
use crate::analysis::judge::case::Case;
use crate::analysis::judge::rule::{AllOf, Apply::Each, Apply::One, Proof, Rule, View};
use crate::analysis::judge::rules;
use crate::analysis::judge::tries::{OfTries, Tries};
use crate::model::finding::Finding;

/// Where the Service ends.
pub(in crate::analysis::judge) struct Ending;

impl View for Ending {
    type Of<'a> = End<'a>;

    fn case<'s>(scene: &'s End<'_>) -> &'s Case<'s> {
        scene.case
    }
}

/// No endpoint serves: from the selector to the pods, the first reason that is proven.
pub(in crate::analysis::judge) const NOWHERE: AllOf<Ending> = AllOf {
    title: "endpoints of which none serves",
    proofs: &[&NO_PORT_NAME, &NO_PORT_OF_THE_PROTOCOL, &NO_POD_SELECTED, &SLICES_WITHHOLD, &NODES_CUT_OFF, &NONE_READY, &SOME_WAIT],
};

/// Endpoints serve: what is worth saying of those that do not.
pub(in crate::analysis::judge) const SERVING: AllOf<Ending> = AllOf {
    title: "the endpoints",
    proofs: &[
        &HELD_BY_NO_POD,
        &HELD_BY_NOBODY,
        &ONLY_TERMINATING,
        &SOME_NOT_READY,
        &SOME_WITHOUT_PORT_NAME,
        &SOME_WITHOUT_PROTOCOL,
        &PORT_NAME_DIFFERS,
    ],
};

/// What the slices say beside what the pods are.
pub(in crate::analysis::judge) const DIFFERENCES: AllOf<Ending> = AllOf { title: "slices against pods", proofs: &[&SLICES_DIFFER] };

/// The clients of the Service's other address.
pub(in crate::analysis::judge) const OTHER_FAMILY: AllOf<Ending> = AllOf { title: "the other family", proofs: &[&OTHER_FAMILY_UNSERVED] };

/// Tries were seen to end where the slices should not send any.
pub(in crate::analysis::judge) const PROVEN: AllOf<OfTries> =
    AllOf { title: "the endpoints that were met", proofs: &[&MET_NO_POD, &MET_NOBODY, &MET_OLD_NUMBER] };

fn at_nobody(tries: &Tries, name: &str) -> Option<Finding> {
    met_nobody(tries.case, tries.roads).into_iter().find(|finding| finding.name == name)
}

const MET_NO_POD: Proof<OfTries> = Proof {
    rule: &rules::ADDRESS_OF_NO_POD,
    title: "tries that end at an address which somebody wrote and nobody holds",
    needs: "tries that were sent to an endpoint of a slice that Kubernetes did not write, and that nobody holds",
    apply: One(|tries| at_nobody(tries, rules::ADDRESS_OF_NO_POD.names[0])),
};

const MET_NOBODY: Proof<OfTries> = Proof {
    rule: &rules::SLICE_STALE,
    title: "tries that end at an endpoint which nobody holds any more",
    needs: "tries that were sent to an endpoint that no pod and no node has",
    apply: One(|tries| at_nobody(tries, rules::SLICE_STALE.names[0])),
};

const MET_OLD_NUMBER: Proof<OfTries> = Proof {
    rule: &rules::SLICE_STALE,
    title: "tries that end at a number which the Service does not mean any more",
    needs: "refusals by the pod at a number that its own spec does not give",
    apply: One(|tries| met_old_number(tries.case, tries.roads)),
};

/// Why nothing serves, when it is for this rule to say.
fn why_nowhere(end: &End, rule: &Rule) -> Option<Finding> {
    nowhere::findings(end.case, end.target).into_iter().find_map(|finding| rule.of(Some(finding)))
}

const NO_PORT_NAME: Proof<Ending> = Proof {
    rule: &rules::PORT_NAME_MISSING,
    title: "a targetPort that nobody declares by that name",
    needs: "endpoints that would serve and have no number for the port, and the ports that their pods or slices declare",
    apply: One(|end| why_nowhere(end, &rules::PORT_NAME_MISSING)),
};

const NO_PORT_OF_THE_PROTOCOL: Proof<Ending> = Proof {
    rule: &rules::PROTOCOL_MISMATCH,
    title: "a targetPort that is declared for another protocol alone",
    needs: "endpoints that would serve and have no number for the port, which their pods or slices declare for another protocol",
    apply: One(|end| why_nowhere(end, &rules::PROTOCOL_MISMATCH)),
};

const NO_POD_SELECTED: Proof<Ending> = Proof {
    rule: &rules::SELECTOR_MATCHES_NOTHING,
    title: "a selector that matches no pod and no workload's template",
    needs: "the namespace's pods and workloads, none of which has the selector's labels",
    apply: One(|end| why_nowhere(end, &rules::SELECTOR_MATCHES_NOTHING)),
};

const SLICES_WITHHOLD: Proof<Ending> = Proof {
    rule: &rules::SLICE_STALE,
    title: "slices that hold back pods which are ready",
    needs: "pods that are selected and ready and not in the slices, read twice",
    apply: One(|end| why_nowhere(end, &rules::SLICE_STALE)),
};

const NODES_CUT_OFF: Proof<Ending> = Proof {
    rule: &rules::CONTROL_PLANE_CUT_OFF,
    title: "nodes that can be reached and that the API does not hear of",
    needs: "pods that run and count as not ready, all on nodes that are not ready, of which one was reached",
    apply: One(|end| why_nowhere(end, &rules::CONTROL_PLANE_CUT_OFF)),
};

const NONE_READY: Proof<Ending> = Proof {
    rule: &rules::NONE_READY,
    title: "pods or hand-made endpoints of which none is ready",
    needs: "the EndpointSlices and the pods behind them",
    apply: One(|end| why_nowhere(end, &rules::NONE_READY)),
};

const SOME_WAIT: Proof<Ending> = Proof {
    rule: &rules::SOME_NOT_READY,
    title: "pods that are not ready, beside a port that nobody has",
    needs: "the pods that the selector matches, some of which are not ready",
    apply: One(|end| why_nowhere(end, &rules::SOME_NOT_READY)),
};

const HELD_BY_NO_POD: Proof<Ending> = Proof {
    rule: &rules::ADDRESS_OF_NO_POD,
    title: "an endpoint in a hand-made slice that nobody holds",
    needs: "an endpoint that no pod and no node has, and that nobody answered at",
    apply: One(|end| stale::dead(end.case, end.target).into_iter().find_map(|finding| rules::ADDRESS_OF_NO_POD.of(Some(finding)))),
};

const HELD_BY_NOBODY: Proof<Ending> = Proof {
    rule: &rules::SLICE_STALE,
    title: "an endpoint of Kubernetes' own slice that nobody holds",
    needs: HELD_BY_NO_POD.needs,
    apply: One(|end| stale::dead(end.case, end.target).into_iter().find_map(|finding| rules::SLICE_STALE.of(Some(finding)))),
};

const ONLY_TERMINATING: Proof<Ending> = Proof {
    rule: &rules::NONE_READY,
    title: "terminating pods alone that still serve",
    needs: "endpoints that serve and are terminating, and none that is ready",
    apply: One(|end| rules::NONE_READY.of(pods::partly(end.case, end.target))),
};

const SOME_NOT_READY: Proof<Ending> = Proof {
    rule: &rules::SOME_NOT_READY,
    title: "pods that are not ready, beside others that serve",
    needs: SOME_WAIT.needs,
    apply: One(|end| rules::SOME_NOT_READY.of(pods::partly(end.case, end.target))),
};

const SOME_WITHOUT_PORT_NAME: Proof<Ending> = Proof {
    rule: &rules::PORT_NAME_MISSING,
    title: "pods that lack the port's name, beside others that serve",
    needs: "ready endpoints without a number for the port, and what their pods declare",
    apply: One(|end| rules::PORT_NAME_MISSING.of(port_names::partly(end.case, end.target))),
};

const SOME_WITHOUT_PROTOCOL: Proof<Ending> = Proof {
    rule: &rules::PROTOCOL_MISMATCH,
    title: "pods that declare the port for another protocol, beside others that serve",
    needs: SOME_WITHOUT_PORT_NAME.needs,
    apply: One(|end| rules::PROTOCOL_MISMATCH.of(port_names::partly(end.case, end.target))),
};

const PORT_NAME_DIFFERS: Proof<Ending> = Proof {
    rule: &rules::PORT_NAME_DIFFERS,
    title: "a port's name that is another number in some pods",
    needs: "a targetPort by name, and slices with several numbers for it",
    apply: One(|end| port_names::differs(end.case, end.target)),
};

const SLICES_DIFFER: Proof<Ending> = Proof {
    rule: &rules::SLICE_STALE,
    title: "slices that differ from the pods, or that add to them",
    needs: "EndpointSlices and pods, read twice",
    apply: Each(|end| stale::differences(end.case, end.target)),
};

const OTHER_FAMILY_UNSERVED: Proof<Ending> = Proof {
    rule: &rules::NONE_READY,
    title: "an address of the other family without an endpoint",
    needs: "a second address of the Service, and no endpoint of its family",
    apply: One(|end| other_family(end.case, end.target)),
};
