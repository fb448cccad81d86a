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
        meaning: "The Service's selector matches no pod of its namespace, and no workload there would make one that it matches, so it has no endpoints.",
        decided_by: "The selector against the labels of the pods, and of the pod templates of Deployments, StatefulSets and DaemonSets, in the namespace. The evidence names what it nearly matches, and other namespaces that have such pods.",
        next: "Correct the selector, or the labels of the pods; a Service selects in its own namespace alone.",
    },
    Entry {
        name: "endpoints/none-ready",
        severity: Severity::Fail,
        culprit: "the workload and its pods; the EndpointSlice where endpoints are made by hand",
        meaning: "Nothing that the Service selects is ready, so it has no endpoint that may serve: its pods are not ready, the workload that it selects has none (scaled to 0, or kept from making any), or its hand-made endpoints are missing or not ready. The evidence says why for each.",
        decided_by: "Endpoint conditions, pod conditions, container states, probes and readiness gates, the latest events of the pods, and the conditions of the workload.",
        next: "Follow the reason in the evidence: replicas, quota, scheduling, image, start-up, readiness probe, readiness gate or node.",
    },
    Entry {
        name: "endpoints/port-name-missing",
        severity: Severity::Fail,
        culprit: "the Service's port; the EndpointSlice where it is made by hand",
        meaning: "targetPort is a name that no container of the pods declares for the Service's protocol, so these endpoints have no port: kube-proxy leaves them out, and rejects when nothing else is left. MetalLB looks at readiness alone and goes on announcing. A hand-made EndpointSlice has to call its port as the Service does.",
        decided_by: "targetPort against the names and protocols of the container ports (and sidecars' ports) in the matched pods, and endpoints without ports. Where only some pods lack the name it is a warning that says which.",
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
        meaning: "An endpoint that was written by hand (or left behind) lies in the cluster's pod network, and no pod and no node holds its address: whatever kube-proxy sends there is lost. An address outside the cluster is somebody's server, and is none of this.",
        decided_by: "The slice's addresses against the pods of the cluster, the addresses of the nodes and their pod networks, and its managed-by label. While other endpoints serve it is a warning, and a failure once tries were seen to end there.",
        next: "Correct or delete the named EndpointSlice, or the Endpoints object that it mirrors.",
    },
    Entry {
        name: "endpoints/slice-stale",
        severity: Severity::Fail,
        culprit: "the EndpointSlice",
        meaning: "What an EndpointSlice says, and kube-proxy follows, is not what the pods are: it names a pod that is gone, another address or number than the pod has, or holds back pods that are ready. Or somebody else wrote it beside the selector, which is only noted.",
        decided_by: "Slices and pods, compared as Kubernetes' own controller computes the ones from the others, and read again some seconds later; what was merely under way is over by then. A warning, unless nothing serves because of it or tries were seen to end there.",
        next: "See that kube-controller-manager works and may write EndpointSlices; delete a slice that was left behind, the controller makes it anew.",
    },
    Entry {
        name: "endpoints/protocol-mismatch",
        severity: Severity::Fail,
        culprit: "the Service's port",
        meaning: "The Service declares another protocol than the pods speak: UDP where TCP is meant, or the reverse.",
        decided_by: "The port's protocol against the named ports that the pods declare, the ports of hand-made EndpointSlices, and the sockets of a pod that refused. A number that is merely declared for another protocol proves nothing.",
        next: "Correct the protocol of the Service's port.",
    },
    Entry {
        name: "endpoints/some-not-ready",
        severity: Severity::Info,
        culprit: "the pods",
        meaning: "Some of the Service's pods are not ready and get no traffic; the others serve. With publishNotReadyAddresses they get traffic all the same.",
        decided_by: "Endpoint conditions and the state of the pods.",
        next: "See why these pods are not ready before the others fail too.",
    },
];
