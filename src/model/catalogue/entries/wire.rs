//! The wire: ARP, NDP and frames between clients and the announcing node.

use crate::model::catalogue::Entry;
use crate::model::finding::Severity;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "wire/no-answer",
        severity: Severity::Fail,
        culprit: "the node and its interface",
        meaning: "The node announces and the request for the address arrives there, but no ARP or NDP answer leaves.",
        decided_by: "Requests seen on the announcer's interface without an answer, and the speaker's list of interfaces that it answers on.",
        next: "Look at that interface: its state, whether it is enslaved or has ARP off, and the speaker's log lines about ARP responders.",
    },
    Entry {
        name: "wire/request-lost",
        severity: Severity::Fail,
        culprit: "the network before the node",
        meaning: "The request leaves the client and reaches no node. Something between the two holds it back.",
        decided_by: "The packet seen leaving the client, and not seen on the announcer or on any other node.",
        next: "Look at switches, routers and filters between the two named places: port security, VLANs, access lists, a route for the address.",
    },
    Entry {
        name: "wire/reply-lost",
        severity: Severity::Fail,
        culprit: "the network after the node",
        meaning: "The answer leaves the node and does not reach the client.",
        decided_by: "The answer seen leaving the node by the right interface and to the right MAC, and not seen at the client.",
        next: "Look at what lies between: anti-spoofing or ARP inspection on the node's port, and filters for the client's network.",
    },
    Entry {
        name: "wire/mtu",
        severity: Severity::Fail,
        culprit: "the network between node and client",
        meaning: "Small packets pass and large ones vanish without an ICMP message, so connections open and then hang.",
        decided_by: "Handshakes and small answers that pass, and full-sized segments that are sent again and again and never acknowledged.",
        next: "Repair the MTU of the path, or let \"fragmentation needed\" messages through; lowering the MSS helps meanwhile.",
    },
    Entry {
        name: "wire/duplicate-address",
        severity: Severity::Fail,
        culprit: "the foreign MAC",
        meaning: "A machine that is no announcer answers for the address.",
        decided_by: "An ARP or NDP answer whose MAC belongs to no node of the cluster (or to a node where the address was bound by hand).",
        next: "Find the machine by its MAC, and take the address away from it or out of MetalLB's pool and any DHCP range.",
    },
    Entry {
        name: "wire/wrong-interface",
        severity: Severity::Fail,
        culprit: "the node and its interface",
        meaning: "Several interfaces of one node answer for the address, or one that is not on its network.",
        decided_by: "The MACs of the answers against the node's interfaces.",
        next: "Limit the advertisement to one interface, or set arp_ignore and arp_announce on the node.",
    },
    Entry {
        name: "wire/stale-neighbour",
        severity: Severity::Fail,
        culprit: "the client or router",
        meaning: "The client or router sends to a MAC that is not the announcer's: an earlier announcer's, or nobody's.",
        decided_by: "The destination MAC of the client's frames, or its neighbour entry, against the announcer's MAC.",
        next: "Delete the entry there (ip neigh del), and see why it ignores gratuitous ARP if it comes back.",
    },
    Entry {
        name: "wire/client-address-duplicate",
        severity: Severity::Fail,
        culprit: "the second holder",
        meaning: "The client's own address is held by two machines, so answers go to the other one.",
        decided_by: "Two MACs that answer for the client's address, or answers that leave the node for a MAC that is not the client's.",
        next: "Take the address from the second machine, which the evidence names by MAC.",
    },
    Entry {
        name: "wire/interface-down",
        severity: Severity::Fail,
        culprit: "the node and its interface",
        meaning: "The interface over which the node announces is down or has no carrier, which MetalLB's election does not look at.",
        decided_by: "The interface's state on the node, and no ARP answer from it.",
        next: "Bring the interface up, or look at its cable and switch port; until then keep the node out of the announcement.",
    },
    Entry {
        name: "wire/wrong-port",
        severity: Severity::Fail,
        culprit: "the network",
        meaning: "The switch sends the announcer's frames to another port, although the client uses the right MAC.",
        decided_by: "Frames with the announcer's MAC that leave the client, are not seen on the announcer, and are seen elsewhere or nowhere.",
        next: "Look at the switch's forwarding table for that MAC, and clear it; look for a second machine with the same MAC.",
    },
];
