//! What the fields of objects have to be, kind by kind: a table of whatever words read.

/// What a field has to be, where it is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Is {
    Object,
    Text,
    /// Text that has to be there and to say something.
    Name,
    /// A map of texts.
    Texts,
    Flag,
    /// A whole number that is not negative.
    Number,
    /// A number of a port; 0 is what is left open.
    Port,
    /// One that is never left open.
    OwnPort,
    /// A port by its number or its name.
    PortOrName,
    Address,
    Network,
}

use Is::{Address, Flag, Name, Network, Number, Object, OwnPort, Port, PortOrName, Text, Texts};

/// What every object has. `[]` stands for each element of an array.
pub(super) const ALL: &[(&str, Is)] = &[
    ("metadata", Object),
    ("metadata.labels", Texts),
    ("metadata.annotations", Texts),
    ("metadata.uid", Text),
    ("metadata.creationTimestamp", Text),
    ("metadata.deletionTimestamp", Text),
    ("metadata.finalizers[]", Text),
    ("metadata.ownerReferences[]", Object),
    ("metadata.ownerReferences[].kind", Text),
    ("metadata.ownerReferences[].name", Text),
    ("spec", Object),
    ("status", Object),
];

const PODS: &[(&str, Is)] = &[
    ("spec.nodeName", Text),
    ("spec.hostNetwork", Flag),
    ("spec.containers[]", Object),
    ("spec.containers[].name", Name),
    ("spec.containers[].image", Text),
    ("spec.containers[].args[]", Text),
    ("spec.containers[].env[]", Object),
    ("spec.containers[].ports[]", Object),
    ("spec.containers[].ports[].name", Text),
    ("spec.containers[].ports[].protocol", Text),
    ("spec.containers[].ports[].containerPort", OwnPort),
    ("spec.containers[].ports[].hostPort", Port),
    ("status.phase", Text),
    ("status.podIP", Address),
    ("status.podIPs[]", Object),
    ("status.podIPs[].ip", Address),
    ("status.conditions[]", Object),
    ("status.conditions[].type", Text),
    ("status.conditions[].status", Text),
    ("status.containerStatuses[]", Object),
    ("status.containerStatuses[].name", Text),
    ("status.containerStatuses[].containerID", Text),
    ("status.containerStatuses[].ready", Flag),
    ("status.containerStatuses[].restartCount", Number),
];

const SERVICES: &[(&str, Is)] = &[
    // The API fills it in: one without it came from somewhere else.
    ("spec.type", Name),
    ("spec.selector", Texts),
    ("spec.clusterIP", Text),
    ("spec.clusterIPs[]", Text),
    ("spec.externalTrafficPolicy", Text),
    ("spec.internalTrafficPolicy", Text),
    ("spec.loadBalancerClass", Text),
    ("spec.loadBalancerIP", Text),
    ("spec.loadBalancerSourceRanges[]", Text),
    ("spec.allocateLoadBalancerNodePorts", Flag),
    ("spec.publishNotReadyAddresses", Flag),
    ("spec.healthCheckNodePort", Port),
    ("spec.ports[]", Object),
    ("spec.ports[].name", Text),
    ("spec.ports[].protocol", Text),
    ("spec.ports[].port", OwnPort),
    ("spec.ports[].targetPort", PortOrName),
    ("spec.ports[].nodePort", Port),
    ("status.loadBalancer", Object),
    ("status.loadBalancer.ingress[]", Object),
    ("status.loadBalancer.ingress[].ip", Address),
    ("status.loadBalancer.ingress[].hostname", Text),
    ("status.conditions[]", Object),
];

const NODES: &[(&str, Is)] = &[
    ("spec.unschedulable", Flag),
    ("spec.podCIDRs[]", Network),
    ("status.addresses[]", Object),
    ("status.addresses[].type", Text),
    ("status.addresses[].address", Text),
    ("status.conditions[]", Object),
    ("status.conditions[].type", Text),
    ("status.conditions[].status", Text),
];

const SLICES: &[(&str, Is)] = &[
    ("addressType", Text),
    ("ports[]", Object),
    ("ports[].name", Text),
    ("ports[].protocol", Text),
    ("ports[].port", OwnPort),
    ("endpoints[]", Object),
    ("endpoints[].addresses[]", Address),
    ("endpoints[].nodeName", Text),
    ("endpoints[].targetRef", Object),
    ("endpoints[].targetRef.kind", Text),
    ("endpoints[].targetRef.name", Text),
    ("endpoints[].conditions", Object),
    ("endpoints[].conditions.ready", Flag),
    ("endpoints[].conditions.serving", Flag),
    ("endpoints[].conditions.terminating", Flag),
];

const POOLS: &[(&str, Is)] = &[
    ("spec.addresses[]", Text),
    ("spec.autoAssign", Flag),
    ("spec.avoidBuggyIPs", Flag),
    ("spec.serviceAllocation", Object),
    ("spec.serviceAllocation.namespaces[]", Text),
    ("spec.serviceAllocation.namespaceSelectors[]", Object),
    ("spec.serviceAllocation.serviceSelectors[]", Object),
];

const ADVERTISEMENTS: &[(&str, Is)] = &[
    ("spec.ipAddressPools[]", Text),
    ("spec.ipAddressPoolSelectors[]", Object),
    ("spec.nodeSelectors[]", Object),
    ("spec.serviceSelectors[]", Object),
    ("spec.interfaces[]", Text),
    ("spec.peers[]", Text),
    ("spec.aggregationLength", Number),
    ("spec.aggregationLengthV6", Number),
];

const PEERS: &[(&str, Is)] = &[
    ("spec.peerAddress", Text),
    ("spec.interface", Text),
    ("spec.peerPort", Port),
    ("spec.myASN", Number),
    ("spec.peerASN", Number),
    ("spec.nodeSelectors[]", Object),
    ("spec.vrf", Text),
    ("spec.holdTime", Text),
    ("spec.sourceAddress", Text),
    ("spec.ebgpMultiHop", Flag),
];

const STATUSES: &[(&str, Is)] = &[
    ("status.node", Text),
    ("status.peer", Text),
    ("status.vrf", Text),
    ("status.bgpStatus", Text),
    ("status.bfdStatus", Text),
    ("status.peers[]", Text),
    ("status.interfaces[]", Object),
    ("status.interfaces[].name", Text),
    ("status.result", Text),
    ("status.errorSummary", Text),
];

const EVENTS: &[(&str, Is)] =
    &[("type", Text), ("reason", Text), ("message", Text), ("involvedObject", Object), ("involvedObject.name", Text), ("count", Number)];

const WORKLOADS: &[(&str, Is)] = &[
    ("spec.replicas", Number),
    ("spec.template", Object),
    ("spec.template.metadata.labels", Texts),
    ("status.readyReplicas", Number),
    ("status.numberReady", Number),
    ("status.desiredNumberScheduled", Number),
];

const POLICIES: &[(&str, Is)] = &[
    ("spec.podSelector", Object),
    ("spec.podSelector.matchLabels", Texts),
    ("spec.podSelector.matchExpressions[]", Object),
    ("spec.policyTypes[]", Text),
    ("spec.ingress[]", Object),
    ("spec.ingress[].from[]", Object),
    ("spec.ingress[].from[].ipBlock.cidr", Network),
    ("spec.ingress[].from[].ipBlock.except[]", Network),
    ("spec.ingress[].ports[]", Object),
    ("spec.ingress[].ports[].protocol", Text),
    ("spec.ingress[].ports[].port", PortOrName),
    ("spec.ingress[].ports[].endPort", Port),
];

/// The fields that are read of a kind, besides those of all.
pub(super) fn fields(plural: &str) -> &'static [(&'static str, Is)] {
    match plural {
        "pods" => PODS,
        "services" => SERVICES,
        "nodes" => NODES,
        "endpointslices" => SLICES,
        "ipaddresspools" => POOLS,
        "l2advertisements" | "bgpadvertisements" => ADVERTISEMENTS,
        "bgppeers" => PEERS,
        "servicel2statuses" | "servicebgpstatuses" | "bgpsessionstates" | "configurationstates" => STATUSES,
        "events" => EVENTS,
        "deployments" | "daemonsets" | "statefulsets" => WORKLOADS,
        "networkpolicies" => POLICIES,
        _ => &[],
    }
}
