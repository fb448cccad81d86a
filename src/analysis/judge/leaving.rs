//! The answer's way from the node that took the request to the client: which way the node sends it, and who gets it.

use super::node::forwarding;
use super::rule::{Apply::One, FirstOf, Proof, Step::Look, Step::Open};
use super::tries::{OfTries, Tries};
use super::{awaited, neighbours, rules, wire};
use crate::analysis::judge::client::rules::IN_POD_NETWORK;
use crate::model::finding::Finding;

/// The answer came to the node's side towards the pods: another way out of it than the one of the request.
pub(super) const ANOTHER_WAY: FirstOf<OfTries> = FirstOf { title: "the way back from", steps: &[Look(&IN_POD_NETWORK), Look(&ASYMMETRIC)] };

/// The answer left the node and did not come to the client.
pub(super) const LEFT: FirstOf<OfTries> = FirstOf {
    title: "the answer behind",
    steps: &[Look(&IN_POD_NETWORK), Look(&ASYMMETRIC), Look(&STALE_ENTRY), Look(&ADDRESS_HELD_TWICE), Look(&LOST)],
};

/// The answer left the node for a client that cannot be looked at, and that did not take it.
pub(super) const NOT_TAKEN: FirstOf<OfTries> = FirstOf {
    title: "the answer that is not taken behind",
    steps: &[
        Look(&ASYMMETRIC),
        Look(&STALE_ENTRY),
        Look(&ADDRESS_HELD_TWICE),
        Open(|tries| Some(awaited::not_acknowledged(tries.roads, tries.node))),
    ],
};

const ASYMMETRIC: Proof<OfTries> = Proof {
    rule: &rules::RETURN_ASYMMETRIC,
    title: "answers that leave the node by another interface than the request came by",
    needs: "answers with the Service's address that leave the node by another interface than that of the requests",
    apply: One(|tries| forwarding::asymmetric(tries.case, tries.roads, tries.node)),
};

fn back(tries: &Tries) -> Option<Finding> {
    neighbours::back(tries.case, tries.roads, tries.node)
}

const STALE_ENTRY: Proof<OfTries> = Proof {
    rule: &rules::STALE_NEIGHBOUR,
    title: "a permanent neighbour entry of the node's for the client or its gateway",
    needs: "a permanent entry with another MAC than the one that the requests came from",
    apply: One(|tries| rules::STALE_NEIGHBOUR.of(back(tries))),
};

const ADDRESS_HELD_TWICE: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_ADDRESS_DUPLICATE,
    title: "somebody else who has the client's address",
    needs: "the node's neighbour entry for the client, with another MAC than the one that its requests came from",
    apply: One(|tries| rules::CLIENT_ADDRESS_DUPLICATE.of(back(tries))),
};

const LOST: Proof<OfTries> = Proof {
    rule: &rules::REPLY_LOST,
    title: "answers that leave the node and do not come to the client",
    needs: "captures on both sides that lost nothing: answers that leave the node, and none that comes in at the client",
    apply: One(|tries| Some(wire::reply_lost(tries.case, tries.roads, tries.node))),
};
