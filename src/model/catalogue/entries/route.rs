//! Routes and tunnels: the way back, and the way between nodes.

use crate::model::catalogue::Entry;
use crate::model::finding::Severity;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "route/return-asymmetric",
        severity: Severity::Fail,
        culprit: "the node and the route",
        meaning: "The answer leaves the node by another interface than the request came in by, so something on the way back does not know the connection.",
        decided_by: "The interface of the request against the interface of the answer, and the node's route to the client.",
        next: "Add a route or a policy rule so that answers leave by the interface that requests use.",
    },
    Entry {
        name: "route/return-missing",
        severity: Severity::Fail,
        culprit: "the node or router",
        meaning: "The node or a router has no route back to the client, so answers end there.",
        decided_by: "The route lookup for the client's address, and requests that arrive without answers that leave.",
        next: "Add the route to the client's network there.",
    },
    Entry {
        name: "route/pod-network-missing",
        severity: Severity::Fail,
        culprit: "the node",
        meaning: "The node has no route to the network of the pods on another node, so packets for them take a wrong way or end.",
        decided_by: "The node's routes against the pod networks of the nodes, and packets for the pod that leave by the wrong interface.",
        next: "See why the CNI's agent on this node did not write the route, and restart it.",
    },
    Entry {
        name: "route/pod-network-wrong",
        severity: Severity::Fail,
        culprit: "the node and the route",
        meaning: "The node's route to a pod network leads to the wrong node.",
        decided_by: "The route's gateway or device against the node that really holds that pod network.",
        next: "Remove the wrong route and restart the CNI's agent on this node.",
    },
    Entry {
        name: "overlay/lost-between",
        severity: Severity::Fail,
        culprit: "the two nodes",
        meaning: "Packets leave one node's tunnel and never come to the other node. A filter on the underlay is the usual cause.",
        decided_by: "The encapsulated packet seen leaving the first node and not seen arriving on the second, or arriving and not unpacked.",
        next: "Open the tunnel's port (UDP 4789 or 8472, 6081, or IP protocol 4) between the nodes.",
    },
    Entry {
        name: "overlay/wrong-endpoint",
        severity: Severity::Fail,
        culprit: "the node",
        meaning: "The tunnel's forwarding or neighbour entry points at the wrong node, so packets go to a machine that does not hold the pod.",
        decided_by: "The bridge forwarding and neighbour entries of the tunnel against the nodes' addresses.",
        next: "Remove the wrong entry and restart the CNI's agent on this node.",
    },
    Entry {
        name: "overlay/interface-down",
        severity: Severity::Fail,
        culprit: "the node and its interface",
        meaning: "The tunnel's interface is down or missing, so no pod of another node can be reached from here.",
        decided_by: "The interface's state on the node.",
        next: "Bring it up, and restart the CNI's agent on this node.",
    },
    Entry {
        name: "overlay/mtu",
        severity: Severity::Fail,
        culprit: "the node and its interface",
        meaning: "The tunnel's MTU is larger than the underlay carries: small packets pass and large ones vanish.",
        decided_by: "Interface MTUs against the underlay's, handshakes that pass, and large segments that are repeated without an acknowledgement.",
        next: "Lower the CNI's MTU (VXLAN takes 50 bytes), or raise the underlay's.",
    },
    Entry {
        name: "overlay/checksum",
        severity: Severity::Fail,
        culprit: "the node and its interface",
        meaning: "Encapsulated packets leave with wrong checksums and the receiver drops them; offloading on the tunnel's interface is the usual cause.",
        decided_by: "Bad UDP or TCP checksums at the receiver, and its checksum error counters that grow.",
        next: "Turn checksum offloading off on the tunnel's interface (ethtool -K IF tx-checksum-ip-generic off), or update the kernel.",
    },
];
