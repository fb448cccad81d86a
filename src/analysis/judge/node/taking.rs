//! The node that took the requests, before its inside is looked at, and what is left when its inside explains nothing.

use super::gone;
use crate::analysis::judge::rule::{Apply::One, FirstOf, Proof, Step::Look, Step::Open};
use crate::analysis::judge::tries::{OfTries, Tries};
use crate::analysis::judge::{client, endpoints, holders, rules};
use crate::model::finding::Finding;

/// Why none of its inside matters.
pub(in crate::analysis::judge) const TAKING: FirstOf<OfTries> = FirstOf {
    title: "the request taken by",
    steps: &[
        Look(&STRAY),
        Open(|tries| {
            tries.case.node_state(tries.node).is_none().then(|| gone::unseen(tries.node, "the state of the node could not be read"))
        }),
        Look(&OUTSIDE_RANGES),
    ],
};

/// Nothing inside the node explains it.
pub(in crate::analysis::judge) const SOUGHT: FirstOf<OfTries> =
    FirstOf { title: "the endpoint that is looked for on", steps: &[Look(&SOUGHT_OF_NO_POD), Look(&SOUGHT_IN_VAIN)] };

/// The requests pass the node, and nothing comes back.
pub(in crate::analysis::judge) const FAR_GONE: FirstOf<OfTries> = FirstOf { title: "the node behind", steps: &[Look(&FAR_NODE_GONE)] };

/// On a node that announces nothing it matters little what takes the request: none should come there.
const STRAY: Proof<OfTries> = Proof {
    rule: &rules::DUPLICATE_ADDRESS,
    title: "a node that takes requests and announces nothing",
    needs: "an answer by ARP of that node, whose speaker does not announce, while another one's does",
    apply: One(|tries| holders::stray(tries.case).filter(|_| holders::is_stray(tries.case, tries.node))),
};

const OUTSIDE_RANGES: Proof<OfTries> = Proof {
    rule: &rules::SOURCE_RANGE,
    title: "requests from outside of the source ranges alone",
    needs: "loadBalancerSourceRanges that hold none of the clients' addresses",
    apply: One(|tries| {
        let mut sources = tries.roads.iter().filter_map(|road| road.connection.attempt.source).peekable();
        let outside = sources.peek().is_some() && sources.all(|client| client::source_range(tries.case, client));
        outside.then(|| client::outside_ranges(tries.case, tries.roads))
    }),
};

fn sought(tries: &Tries) -> Option<Finding> {
    endpoints::sought_by(tries.case, tries.roads, tries.node)
}

const SOUGHT_OF_NO_POD: Proof<OfTries> = Proof {
    rule: &rules::ADDRESS_OF_NO_POD,
    title: "an endpoint that somebody wrote and the node looks for in vain",
    needs: "an endpoint of a slice that Kubernetes did not write, that nobody holds and whose address does not resolve on the node",
    apply: One(|tries| rules::ADDRESS_OF_NO_POD.of(sought(tries))),
};

const SOUGHT_IN_VAIN: Proof<OfTries> = Proof {
    rule: &rules::SLICE_STALE,
    title: "an endpoint that the node looks for in vain",
    needs: "an endpoint that nobody holds any more and whose address does not resolve on the node",
    apply: One(|tries| rules::SLICE_STALE.of(sought(tries))),
};

const FAR_NODE_GONE: Proof<OfTries> = Proof {
    rule: &rules::NODE_UNREACHABLE,
    title: "the pod's node that is not there",
    needs: "a node that does not answer by SSH, and a second witness: the API, its kubelet, or a neighbour that cannot resolve it",
    apply: One(|tries| gone::far(tries.case, tries.roads, tries.node)),
};
