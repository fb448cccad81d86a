//! Endpoints and policies: which pods stand behind the Service, and who may reach them.

use crate::model::catalogue::Entry;
use crate::model::finding::Severity;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "policy/denied",
        severity: Severity::Fail,
        culprit: "the policy",
        meaning: "A NetworkPolicy (or a kindred object of the CNI) denies the traffic to the pods.",
        decided_by: "The policies that select the pod against the source address that the pod sees, and packets that reach the pod's node and not the pod.",
        next: "Allow the named source in the policy. With externalTrafficPolicy Cluster the pod sees a node's address, not the client's.",
    },
    Entry {
        name: "endpoints/selector-matches-nothing",
        severity: Severity::Fail,
        culprit: "the Service",
        meaning: "The Service's selector matches no pod, so it has no endpoints.",
        decided_by: "The selector against the labels of the pods in the namespace; the evidence names the nearest ones.",
        next: "Correct the selector, or the labels of the pods.",
    },
    Entry {
        name: "endpoints/none-ready",
        severity: Severity::Fail,
        culprit: "the pods",
        meaning: "Pods match the selector and none of them is ready, so the Service has no endpoint that may serve. The evidence says why for each.",
        decided_by: "Endpoint conditions, pod conditions, container states and the latest events of the pods.",
        next: "Follow the reason in the evidence: image, start-up, readiness probe or node.",
    },
    Entry {
        name: "endpoints/port-name-missing",
        severity: Severity::Fail,
        culprit: "the Service's port",
        meaning: "targetPort is a name that no container of the pods declares, so the endpoints have no port and connections are refused.",
        decided_by: "targetPort against the names of the container ports in the matched pods, and endpoints without ports.",
        next: "Name a port that the containers declare, or use a number in targetPort.",
    },
    Entry {
        name: "endpoints/port-name-differs",
        severity: Severity::Info,
        culprit: "the Service's port",
        meaning: "The same port name means different numbers in different pods. That is allowed, and often the middle of a roll-out.",
        decided_by: "The port's number in each EndpointSlice and pod.",
        next: "See that this is meant; otherwise finish the roll-out.",
    },
    Entry {
        name: "endpoints/address-of-no-pod",
        severity: Severity::Fail,
        culprit: "the EndpointSlice",
        meaning: "An endpoint that was written by hand (or left behind) has an address that no pod and no known machine holds.",
        decided_by: "The slice's addresses against the pods of the cluster, and its managed-by label.",
        next: "Correct or delete the named EndpointSlice.",
    },
    Entry {
        name: "endpoints/protocol-mismatch",
        severity: Severity::Fail,
        culprit: "the Service's port",
        meaning: "The Service declares another protocol than the pods speak: UDP where TCP is meant, or the reverse.",
        decided_by: "The port's protocol against the pods' sockets and declared container ports.",
        next: "Correct the protocol of the Service's port.",
    },
    Entry {
        name: "endpoints/some-not-ready",
        severity: Severity::Info,
        culprit: "the pods",
        meaning: "Some of the Service's pods are not ready and get no traffic; the others serve.",
        decided_by: "Endpoint conditions and the state of the pods.",
        next: "See why these pods are not ready before the others fail too.",
    },
];
