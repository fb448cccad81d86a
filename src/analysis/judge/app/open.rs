//! What stays open of connections that stand and are not answered.

use crate::analysis::judge::case::Case;
use crate::analysis::judge::node::gone;
use crate::analysis::judge::road::Road;
use crate::model::catalogue::names;
use crate::model::finding::Gap;

/// Why nothing is said of a connection whose pod was not seen.
pub(super) const NOT_WATCHED: &str = "the connection was made and not answered, and the pod could not be watched";

const NOT_ANSWERED: &str = "why the connection is made and not answered";

/// The gaps of these connections, by why nothing is said of each: what is open of one try is open of all that ended alike.
pub(super) fn gaps(case: &Case, roads: &[&Road], why: impl Fn(&Road) -> Option<String>) -> Vec<Gap> {
    let gap = |subject, reason| Gap::new(names::EVIDENCE_UNDECIDED, subject, reason, NOT_ANSWERED).decisive();
    if let Some((pod, reason)) =
        gone::led_to_one(case, roads).filter(|_| roads.iter().all(|road| why(road).is_some_and(|why| why == NOT_WATCHED)))
    {
        return vec![gap(pod, reason)];
    }
    let mut gaps: Vec<Gap> = Vec::new();
    for gap in roads.iter().filter_map(|road| Some(gap((&road.connection.vantage).into(), why(road)?))) {
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
    }
    gaps
}
