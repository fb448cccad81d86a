//! BGP: sessions, prefixes and next hops.

use crate::model::catalogue::Entry;
use crate::model::finding::Severity;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "bgp/session-down",
        severity: Severity::Fail,
        culprit: "the peer",
        meaning: "The BGP session between a speaker and its peer is not established. The evidence gives the reason, such as a wrong ASN or password, or a port that cannot be reached.",
        decided_by: "The session's state from the speaker or FRR, its last notification, and a connection try to port 179.",
        next: "Correct what the reason names in the BGPPeer or on the router.",
    },
    Entry {
        name: "bgp/session-stalled",
        severity: Severity::Fail,
        culprit: "the node and its peer",
        meaning: "One side believes in the session while the other gave it up, or the session goes up and down.",
        decided_by: "The state of both sides with their uptimes, and the hold timer against the last message.",
        next: "Look at what drops packets of the session in one direction, and at the hold time.",
    },
    Entry {
        name: "bgp/no-peer-for-node",
        severity: Severity::Fail,
        culprit: "the peer",
        meaning: "No BGPPeer's node selectors reach the node, so it has no session at all.",
        decided_by: "The nodeSelectors of every BGPPeer against the node's labels.",
        next: "Widen the nodeSelectors of the BGPPeer, or label the node.",
    },
    Entry {
        name: "bgp/not-advertised",
        severity: Severity::Fail,
        culprit: "the advertisement",
        meaning: "The session is up and the prefix is not sent over it.",
        decided_by: "The prefixes that the speaker sends on the session, and the BGPAdvertisement's selectors and peers.",
        next: "Correct the BGPAdvertisement: its pools, peers, nodeSelectors and aggregation length.",
    },
    Entry {
        name: "bgp/filtered",
        severity: Severity::Fail,
        culprit: "the router",
        meaning: "The speaker sends the prefix and the router does not have it in its table.",
        decided_by: "The advertised routes on the node against the router's table.",
        next: "Look at the router's filters, maximum prefixes and communities for this peer.",
    },
    Entry {
        name: "bgp/next-hop-fails",
        severity: Severity::Fail,
        culprit: "the node",
        meaning: "One of several next hops is broken, so only the flows that are hashed to it fail.",
        decided_by: "Failed tries against the node that received each of them.",
        next: "Repair the named node, or take it out of the announcement meanwhile.",
    },
    Entry {
        name: "bgp/single-announcer",
        severity: Severity::Warn,
        culprit: "the advertisement",
        meaning: "Only one node announces by BGP where several are meant, so that its failure ends the Service for a while.",
        decided_by: "The nodes that announce against the nodes that the advertisement allows.",
        next: "See why the other nodes do not announce: their sessions, and the policy Local.",
    },
];
