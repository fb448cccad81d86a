//! Clients: what is wrong on the asking side, or keeps one client out.

use crate::model::catalogue::Entry;
use crate::model::finding::Severity;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "client/no-route",
        severity: Severity::Fail,
        culprit: "the client",
        meaning: "The client has no route to the address, so nothing leaves it.",
        decided_by: "The client's error \"network is unreachable\" at once, its routing table, and no packet on its interface.",
        next: "Add a default route or a route to the address's network on the client.",
    },
    Entry {
        name: "client/overlaps-cluster",
        severity: Severity::Fail,
        culprit: "the client's network",
        meaning: "The client's address lies inside a network that the nodes use themselves (pods, Services, an on-link range), so their answers never leave towards the client.",
        decided_by: "The client's address against pod and Service networks, and the node's route to the client.",
        next: "Use another network for these clients, or renumber the cluster's.",
    },
    Entry {
        name: "client/source-range",
        severity: Severity::Fail,
        culprit: "the Service",
        meaning: "loadBalancerSourceRanges is set and leaves the client out, so kube-proxy drops its packets.",
        decided_by: "The client's address against spec.loadBalancerSourceRanges, and requests that stop on the node.",
        next: "Add the client's network to loadBalancerSourceRanges, or remove the list.",
    },
    Entry {
        name: "client/wrong-port",
        severity: Severity::Fail,
        culprit: "the client",
        meaning: "The client asks for a port or protocol that the Service does not have.",
        decided_by: "The client's requests against spec.ports.",
        next: "Use a port of the Service, or add the port to it.",
    },
    Entry {
        name: "client/firewall",
        severity: Severity::Fail,
        culprit: "the client",
        meaning: "The client's own packet filter drops the requests or the answers.",
        decided_by: "The filter's rules and counters on the client, and packets that stop there.",
        next: "Change the named rule on the client.",
    },
];
