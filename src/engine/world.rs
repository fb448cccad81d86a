//! What is asked for a world beside what its playbook asks: every object of every kind that words read.

use crate::evidence::Evidence;
use crate::evidence::cluster::ListQuery;
use crate::evidence::cluster::kinds::every_kind;
use crate::evidence::side_by_side::at_most;

/// The playbook that asks whatever others may ask.
pub const PLAYBOOK: &str = crate::evidence::recording::recorded::WORLD;

/// Lists that are asked for at the same time: whoever answers has others to serve.
const AT_ONCE: usize = 4;

/// Asks for the objects, so that the recording of this run holds them. What is refused is recorded as that.
pub fn ask_for_objects(evidence: &Evidence) {
    let _answers = at_most(AT_ONCE, &every_kind(), |kind| evidence.cluster.list(&ListQuery::everywhere(kind.clone())).is_ok());
}
