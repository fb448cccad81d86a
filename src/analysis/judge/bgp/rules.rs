//! What is wrong with an announcement over BGP, from the speakers' peers to what the router makes of the prefix.

use super::{Told, filtered, no_peer, not_advertised, sessions, single_announcer};
use crate::analysis::judge::case::Case;
use crate::analysis::judge::rule::{AllOf, Apply::One, Proof, View};
use crate::analysis::judge::rules;

/// An address that is told to routers.
pub(in crate::analysis::judge) struct OverBgp;

impl View for OverBgp {
    type Of<'a> = Told<'a>;

    fn case<'s>(scene: &'s Told<'_>) -> &'s Case<'s> {
        scene.case
    }
}

/// The peers of the nodes, and the sessions with them.
pub(in crate::analysis::judge) const SESSIONS: AllOf<OverBgp> =
    AllOf { title: "BGP sessions", proofs: &[&NO_PEER, &UNKNOWN_PEER, &SESSION_DOWN, &SESSION_STALLED] };

/// What is sent over sessions that work.
pub(in crate::analysis::judge) const PREFIX: AllOf<OverBgp> = AllOf { title: "the prefix", proofs: &[&NOT_SENT, &NOT_TAKEN] };

/// The nodes that a router may choose.
pub(in crate::analysis::judge) const NEXT_HOPS: AllOf<OverBgp> = AllOf { title: "the next hops", proofs: &[&SINGLE_ANNOUNCER] };

const NO_PEER: Proof<OverBgp> = Proof {
    rule: &rules::NO_PEER,
    title: "nodes that no BGPPeer reaches",
    needs: "the BGPPeers and their node selectors, and no node that may announce",
    apply: One(|told| rules::NO_PEER.of(no_peer(told.announcement, told.bgp))),
};

const UNKNOWN_PEER: Proof<OverBgp> = Proof {
    rule: &rules::NOT_ADVERTISED,
    title: "an advertisement that names no peer of the nodes",
    needs: "the BGPAdvertisement's peers, and nodes that have others",
    apply: One(|told| rules::NOT_ADVERTISED.of(no_peer(told.announcement, told.bgp))),
};

const SESSION_DOWN: Proof<OverBgp> = Proof {
    rule: &rules::SESSION_DOWN,
    title: "a session that its own side knows to be down",
    needs: "the speaker's words or metrics about a session over which the address should be announced",
    apply: One(|told| sessions::down(told.bgp)),
};

const SESSION_STALLED: Proof<OverBgp> = Proof {
    rule: &rules::SESSION_STALLED,
    title: "a session that the other side has given up",
    needs: "the kernel's sockets: none, or silent for longer than the hold time; or a router that does not have the neighbour",
    apply: One(|told| sessions::stalled(told.case, told.bgp)),
};

const NOT_SENT: Proof<OverBgp> = Proof {
    rule: &rules::NOT_ADVERTISED,
    title: "a session that is up and carries no prefix",
    needs: "metallb_bgp_announced_prefixes_total of 0 on every node that announces, over sessions that are up",
    apply: One(|told| not_advertised(told.bgp)),
};

const NOT_TAKEN: Proof<OverBgp> = Proof {
    rule: &rules::ROUTER_FILTERS,
    title: "a router that has the neighbours and not the route",
    needs: "the router's BGP table and routes, beside sessions that are up on both sides",
    apply: One(|told| filtered(told.case, told.bgp)),
};

const SINGLE_ANNOUNCER: Proof<OverBgp> = Proof {
    rule: &rules::SINGLE_ANNOUNCER,
    title: "an advertisement that leaves one node",
    needs: "the nodes that may announce, one alone, and others that the advertisement's selectors leave out",
    apply: One(|told| single_announcer(told.case, told.announcement, told.bgp)),
};
