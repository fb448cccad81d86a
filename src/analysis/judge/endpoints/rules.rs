//! What is wrong with where the Service ends, in the order in which it is told.

use super::stale::{met_nobody, met_old_number};
use crate::analysis::judge::rule::{AllOf, Apply::One, Proof};
use crate::analysis::judge::rules;
use crate::analysis::judge::tries::{OfTries, Tries};
use crate::model::finding::Finding;

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
