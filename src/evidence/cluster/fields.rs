//! The fields of objects that are taken from the API: a table, one entry a kind. Whatever is not in it is never seen, kept or told.
//!
//! A path is written as in `kubectl explain`: `spec.ports[].port`. What stands behind it says how the field is taken:
//!
//! | written | taken |
//! |---|---|
//! | `a.b` | one text, number or truth; texts pass the scrubber |
//! | `a.b[]` | a list of such |
//! | `a.b{}` | a whole map of texts, as it is: labels and selectors, which are public and would select something else |
//! | `a.b{KEY}` | one key of such a map; its text passes the scrubber |
//! | `a.b{}\|addresses` | of every text of the map only the IP addresses in it |
//! | `a.b?` | that it is there, not what it holds |
//! | `a.b\|given` | that it holds something: `password` becomes `hasPassword: true` |
//! | `a.b\|flags`, `a.b\|variables` | arguments and variables of a container that are MetalLB's and known by name (`metallb`) |
//! | `a.b\|path` | the path of an address, without its query |

/// What is taken of every kind.
pub(super) const ALWAYS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    "metadata.labels{}",
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.ownerReferences[].apiVersion",
    "metadata.ownerReferences[].kind",
    "metadata.ownerReferences[].name",
    "metadata.ownerReferences[].uid",
    "metadata.ownerReferences[].controller",
];

/// What is taken of one kind beside `ALWAYS`.
pub(super) struct Taken {
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    pub(super) fields: &'static [&'static str],
}

const fn taken(group: &'static str, plural: &'static str, fields: &'static [&'static str]) -> Taken {
    Taken { group, plural, fields }
}

/// Named keys of named maps of configuration that a judgement needs: namespace, name, keys. None is needed so far.
pub(super) const CONFIG_MAPS: &[(&str, &str, &[&str])] = &[];

/// A workload's template is read for its labels alone.
const WORKLOAD: &[&str] = &[
    "spec.replicas",
    "spec.paused",
    "spec.template.metadata.labels{}",
    "status.desiredNumberScheduled",
    "status.numberReady",
    "status.readyReplicas",
    "status.conditions[].type",
    "status.conditions[].status",
    "status.conditions[].reason",
    "status.conditions[].message",
];

const ADVERTISEMENT: &[&str] = &[
    "spec.ipAddressPools[]",
    "spec.ipAddressPoolSelectors[].matchLabels{}",
    "spec.ipAddressPoolSelectors[].matchExpressions[].key",
    "spec.ipAddressPoolSelectors[].matchExpressions[].operator",
    "spec.ipAddressPoolSelectors[].matchExpressions[].values[]",
    "spec.nodeSelectors[].matchLabels{}",
    "spec.nodeSelectors[].matchExpressions[].key",
    "spec.nodeSelectors[].matchExpressions[].operator",
    "spec.nodeSelectors[].matchExpressions[].values[]",
    "spec.serviceSelectors[].matchLabels{}",
    "spec.serviceSelectors[].matchExpressions[].key",
    "spec.serviceSelectors[].matchExpressions[].operator",
    "spec.serviceSelectors[].matchExpressions[].values[]",
    "spec.interfaces[]",
    "spec.peers[]",
    "spec.aggregationLength",
    "spec.aggregationLengthV6",
    "spec.preferredNodeSelectors?",
];

const STATUS_OF_A_SERVICE: &[&str] = &["status.node", "status.interfaces[].name", "status.peers[]"];

pub(super) const KINDS: &[Taken] = &[
    taken(
        "",
        "services",
        &[
            "metadata.finalizers[]",
            "metadata.annotations{metallb.io/loadBalancerIPs}",
            "metadata.annotations{metallb.io/address-pool}",
            "metadata.annotations{metallb.io/allow-shared-ip}",
            "metadata.annotations{metallb.io/ip-allocated-from-pool}",
            "metadata.annotations{metallb.universe.tf/loadBalancerIPs}",
            "metadata.annotations{metallb.universe.tf/address-pool}",
            "metadata.annotations{metallb.universe.tf/allow-shared-ip}",
            "metadata.annotations{metallb.universe.tf/ip-allocated-from-pool}",
            "metadata.annotations{service.kubernetes.io/topology-mode}",
            "metadata.annotations{service.kubernetes.io/topology-aware-hints}",
            "metadata.annotations{service.kubernetes.io/load-balancer-cleanup}",
            "metadata.annotations{kube-vip.io/vipHost}",
            "metadata.annotations{cilium.io/IPAMRequestSatisfied}",
            "metadata.annotations{purelb.io/allocated-by}",
            "metadata.annotations{loadbalancer.openstack.org/load-balancer-id}",
            "metadata.annotations{lb.kubesphere.io/v1alpha1}",
            "metadata.annotations{ncp/internal_ip_for_policy}",
            "spec.type",
            "spec.selector{}",
            "spec.clusterIP",
            "spec.clusterIPs[]",
            "spec.externalIPs[]",
            "spec.ports[].name",
            "spec.ports[].port",
            "spec.ports[].protocol",
            "spec.ports[].targetPort",
            "spec.ports[].nodePort",
            "spec.ports[].appProtocol",
            "spec.externalTrafficPolicy",
            "spec.internalTrafficPolicy",
            "spec.loadBalancerSourceRanges[]",
            "spec.sessionAffinity",
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
            "spec.allocateLoadBalancerNodePorts",
            "spec.ipFamilies[]",
            "spec.ipFamilyPolicy",
            "spec.trafficDistribution",
            "spec.loadBalancerClass",
            "spec.healthCheckNodePort",
            "spec.publishNotReadyAddresses",
            "spec.loadBalancerIP",
            "status.loadBalancer.ingress[].ip",
            "status.loadBalancer.ingress[].hostname",
            "status.loadBalancer.ingress[].ipMode",
            "status.conditions[].type",
            "status.conditions[].status",
        ],
    ),
    taken(
        "",
        "nodes",
        &[
            "metadata.annotations{}|addresses",
            "spec.podCIDRs[]",
            "spec.unschedulable",
            "status.addresses[].type",
            "status.addresses[].address",
            "status.conditions[].type",
            "status.conditions[].status",
        ],
    ),
    taken("", "pods", POD),
    taken("", "namespaces", &[]),
    taken(
        "",
        "events",
        &[
            "type",
            "reason",
            "message",
            "source.component",
            "reportingComponent",
            "series.count",
            "series.lastObservedTime",
            "count",
            "eventTime",
            "firstTimestamp",
            "lastTimestamp",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
        ],
    ),
    taken(
        "discovery.k8s.io",
        "endpointslices",
        &[
            "addressType",
            "endpoints[].addresses[]",
            "endpoints[].conditions.ready",
            "endpoints[].conditions.serving",
            "endpoints[].conditions.terminating",
            "endpoints[].hints.forZones[].name",
            "endpoints[].hints.forNodes[].name",
            "endpoints[].nodeName",
            "endpoints[].targetRef.kind",
            "endpoints[].targetRef.name",
            "ports[].name",
            "ports[].port",
            "ports[].protocol",
        ],
    ),
    taken("apps", "deployments", WORKLOAD),
    taken("apps", "statefulsets", WORKLOAD),
    taken("apps", "daemonsets", WORKLOAD),
    taken(
        "networking.k8s.io",
        "networkpolicies",
        &[
            "spec.policyTypes[]",
            "spec.podSelector.matchLabels{}",
            "spec.podSelector.matchExpressions[].key",
            "spec.podSelector.matchExpressions[].operator",
            "spec.podSelector.matchExpressions[].values[]",
            "spec.ingress[].from[].ipBlock.cidr",
            "spec.ingress[].from[].ipBlock.except[]",
            "spec.ingress[].ports[].protocol",
            "spec.ingress[].ports[].port",
            "spec.ingress[].ports[].endPort",
        ],
    ),
    taken(
        "metallb.io",
        "ipaddresspools",
        &[
            "spec.addresses[]",
            "spec.autoAssign",
            "spec.avoidBuggyIPs",
            "spec.serviceAllocation.namespaces[]",
            "spec.serviceAllocation.namespaceSelectors[].matchLabels{}",
            "spec.serviceAllocation.namespaceSelectors[].matchExpressions[].key",
            "spec.serviceAllocation.namespaceSelectors[].matchExpressions[].operator",
            "spec.serviceAllocation.namespaceSelectors[].matchExpressions[].values[]",
            "spec.serviceAllocation.serviceSelectors[].matchLabels{}",
            "spec.serviceAllocation.serviceSelectors[].matchExpressions[].key",
            "spec.serviceAllocation.serviceSelectors[].matchExpressions[].operator",
            "spec.serviceAllocation.serviceSelectors[].matchExpressions[].values[]",
            "status.availableIPv4",
            "status.availableIPv6",
        ],
    ),
    taken("metallb.io", "l2advertisements", ADVERTISEMENT),
    taken("metallb.io", "bgpadvertisements", ADVERTISEMENT),
    taken(
        "metallb.io",
        "bgppeers",
        &[
            "spec.peerAddress",
            "spec.interface",
            "spec.peerPort",
            "spec.myASN",
            "spec.peerASN",
            "spec.nodeSelectors[].matchLabels{}",
            "spec.nodeSelectors[].matchExpressions[].key",
            "spec.nodeSelectors[].matchExpressions[].operator",
            "spec.nodeSelectors[].matchExpressions[].values[]",
            // That a session is signed is worth knowing; with what is not.
            "spec.password|given",
            "spec.hasPassword",
            "spec.passwordSecret.name",
            "spec.vrf",
            "spec.holdTime",
            "spec.sourceAddress",
            "spec.ebgpMultiHop",
        ],
    ),
    taken("metallb.io", "servicel2statuses", STATUS_OF_A_SERVICE),
    taken("metallb.io", "servicebgpstatuses", STATUS_OF_A_SERVICE),
    taken("metallb.io", "configurationstates", &["status.result", "status.errorSummary", "status.conditions[].lastTransitionTime"]),
    taken("frrk8s.metallb.io", "bgpsessionstates", &["status.node", "status.peer", "status.vrf", "status.bgpStatus", "status.bfdStatus"]),
    taken("coordination.k8s.io", "leases", &["spec.holderIdentity", "spec.leaseDurationSeconds", "spec.renewTime"]),
    taken("crd.projectcalico.org", "ippools", &["spec.allowedUses[]", "spec.cidr"]),
    taken(
        "cilium.io",
        "ciliumnodes",
        &["spec.ipam.podCIDRs[]", "spec.addresses[].ip", "spec.health.ipv4", "spec.health.ipv6", "spec.ingress.ipv4", "spec.ingress.ipv6"],
    ),
];

const POD: &[&str] = &[
    "spec.nodeName",
    "spec.hostNetwork",
    "spec.runtimeClassName",
    "spec.readinessGates[].conditionType",
    "spec.containers[].name",
    "spec.containers[].image",
    "spec.containers[].args|flags",
    "spec.containers[].env|variables",
    "spec.containers[].ports[].name",
    "spec.containers[].ports[].containerPort",
    "spec.containers[].ports[].protocol",
    "spec.containers[].ports[].hostPort",
    "spec.containers[].restartPolicy",
    "spec.containers[].readinessProbe|probe",
    "spec.containers[].livenessProbe|probe",
    "spec.containers[].startupProbe|probe",
    "spec.initContainers[].name",
    "spec.initContainers[].image",
    "spec.initContainers[].args|flags",
    "spec.initContainers[].env|variables",
    "spec.initContainers[].ports[].name",
    "spec.initContainers[].ports[].containerPort",
    "spec.initContainers[].ports[].protocol",
    "spec.initContainers[].ports[].hostPort",
    "spec.initContainers[].restartPolicy",
    "spec.initContainers[].readinessProbe|probe",
    "spec.initContainers[].livenessProbe|probe",
    "spec.initContainers[].startupProbe|probe",
    "status.phase",
    "status.reason",
    "status.message",
    "status.podIP",
    "status.podIPs[].ip",
    "status.conditions[].type",
    "status.conditions[].status",
    "status.conditions[].reason",
    "status.conditions[].message",
    "status.conditions[].lastTransitionTime",
    "status.containerStatuses[]|status",
    "status.initContainerStatuses[]|status",
];

/// What is taken of a kubelet's probe: neither its headers nor its command.
pub(super) const PROBE: &[&str] = &[
    "httpGet.scheme",
    "httpGet.host",
    "httpGet.port",
    "httpGet.path|path",
    "tcpSocket.host",
    "tcpSocket.port",
    "grpc.port",
    "grpc.service",
    "exec?",
    "initialDelaySeconds",
];

/// What is taken of a container's status. Its last words may be anything, its whole environment included.
pub(super) const STATUS: &[&str] = &[
    "name",
    "containerID",
    "ready",
    "started",
    "restartCount",
    "state.running.startedAt",
    "state.waiting.reason",
    "state.waiting.message",
    "state.terminated.reason",
    "state.terminated.exitCode",
    "lastState.terminated.reason",
    "lastState.terminated.exitCode",
];
