//! Services and where their ports end, as scripts see them.

use crate::words::word::{Field, Kind, Record};

const TEXTS: Kind = Kind::List(&Kind::Text);
const ADDRESSES: Kind = Kind::List(&Kind::Address);
const LABELS: Kind = Kind::Map(&Kind::Text);

pub const SERVICE_PORT: Record = Record {
    name: "ServicePort",
    meaning: "One port of a Service.",
    fields: &[
        Field::new("name", Kind::Text, "Its name; empty when the Service has one unnamed port."),
        Field::new("port", Kind::Number, "The number that clients connect to."),
        Field::new("protocol", Kind::OneOf(&["TCP", "UDP", "SCTP"]), "What is spoken below the application."),
        Field::new("target_port", Kind::Text, "The pods' port: a number or a container port's name, as text."),
        Field::new("node_port", Kind::Number, "The port on every node.").or_nothing("the Service has none"),
        Field::new("app_protocol", Kind::Text, "What is spoken, as the API calls it, such as https.").or_nothing("it is not told"),
    ],
    hidden: &[],
    open: false,
};

pub const SERVICE: Record = Record {
    name: "Service",
    meaning: "A Service of any type.",
    fields: &[
        Field::new("namespace", Kind::Text, "Its namespace."),
        Field::new("name", Kind::Text, "Its name."),
        Field::new("path", Kind::Text, "Both, as NAMESPACE/NAME."),
        Field::new("address", Kind::Address, "The load-balanced address that is followed: the first, or the one that was asked for.")
            .or_nothing("it has none"),
        Field::new("addresses", ADDRESSES, "All its load-balanced addresses, the one that is followed first."),
        Field::new("kind", Kind::OneOf(&["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]), "Its type."),
        Field::new("ports", Kind::List(&Kind::Record(&SERVICE_PORT)), "Its ports, in order."),
        Field::new("cluster_ips", ADDRESSES, "Its addresses inside the cluster; empty for a headless Service."),
        Field::new("headless", Kind::Bool, "Whether it has no cluster IP: its name then resolves to the pods, and nothing is translated."),
        Field::new(
            "leads_to_endpoints",
            Kind::Bool,
            "Whether its ports lead to endpoints: it has ports, is not headless and is no mere name in DNS.",
        ),
        Field::new("selector", LABELS, "The labels by which it selects pods."),
        Field::new(
            "external_policy",
            Kind::OneOf(&["Cluster", "Local"]),
            "externalTrafficPolicy: whether a node sends requests from outside to pods of all nodes, or to its own alone.",
        ),
        Field::new(
            "internal_policy",
            Kind::OneOf(&["Cluster", "Local"]),
            "internalTrafficPolicy: the same for clients inside the cluster, at the cluster IP.",
        ),
        Field::new("source_ranges", TEXTS, "The networks that loadBalancerSourceRanges lets in; empty lets in everybody."),
        Field::new("affinity_seconds", Kind::Number, "How long a client keeps its pod, with sessionAffinity ClientIP.")
            .unit("seconds")
            .or_nothing("it does not"),
        Field::new("node_ports", Kind::Bool, "allocateLoadBalancerNodePorts."),
        Field::new("proxied_addresses", ADDRESSES, "The addresses that kube-proxy is told not to program (ipMode Proxy)."),
        Field::new("health_check_node_port", Kind::Number, "Where nodes answer whether they have a pod, with externalTrafficPolicy Local.")
            .or_nothing("there is none"),
        Field::new("publish_not_ready", Kind::Bool, "Whether pods that are not ready count as ready."),
        Field::new("traffic_distribution", Kind::Text, "Which endpoints are preferred, such as PreferClose.").or_nothing("none are"),
        Field::new("class", Kind::Text, "loadBalancerClass: which controller is to serve it.").or_nothing("any"),
        Field::new("wanted_address", Kind::Text, "The deprecated loadBalancerIP.").or_nothing("it asks for none so"),
        Field::new(
            "ip_families",
            Kind::List(&Kind::OneOf(&["IPv4", "IPv6"])),
            "Its families of addresses, in the order of the cluster IPs.",
        ),
        Field::new(
            "ip_family_policy",
            Kind::OneOf(&["SingleStack", "PreferDualStack", "RequireDualStack"]),
            "Whether it has one family or two.",
        )
        .or_nothing("the API does not tell"),
        Field::new("labels", LABELS, "Its labels."),
        Field::new("annotations", LABELS, "Its annotations."),
        Field::new("finalizers", TEXTS, "Who has to let go before it is deleted."),
        Field::new("conditions", TEXTS, "The types of its status' conditions."),
        Field::new("hostnames", TEXTS, "Names in place of addresses in its status, which MetalLB never writes."),
        Field::new("uid", Kind::Text, "The API's own name for it, which no later object gets again."),
        Field::new("created", Kind::Text, "When it was made, in RFC 3339."),
    ],
    hidden: &[],
    open: false,
};

pub const ENDPOINT: Record = Record {
    name: "Endpoint",
    meaning: "One address behind one port of a Service.",
    fields: &[
        Field::new("pod", Kind::Text, "The pod behind it, in the Service's namespace.").or_nothing("none is known"),
        Field::new("ip", Kind::Address, "Its address."),
        Field::new("family", Kind::OneOf(&["IPv4", "IPv6"]), "The family of the address."),
        Field::new("node", Kind::Text, "The node that it is on.").or_nothing("the slice names none"),
        Field::new("port", Kind::Number, "The number that requests are sent to.")
            .or_nothing("the slice has no number for the port, because the pod lacks a port of that name"),
        Field::new("name", Kind::Text, "The name of the Service's port; empty when it has none."),
        Field::new("ready", Kind::Bool, "Whether it is ready."),
        Field::new("serving", Kind::Bool, "Whether it answers, be it terminating."),
        Field::new("terminating", Kind::Bool, "Whether its pod is being deleted."),
        Field::new("from", Kind::Text, "The EndpointSlice that says so, or `pod spec` where the slices could not be read."),
        Field::new("for_zones", TEXTS, "The zones that topology hints give it to; empty without hints."),
        Field::new("for_nodes", TEXTS, "The nodes that topology hints give it to; empty without hints."),
        Field::new("declared", Kind::Number, "The number that the pod's own spec gives for the port.")
            .or_nothing("no spec was read, or none has it"),
        Field::new("holder", Kind::Text, "Who holds the address, where that was looked up: `pod NAMESPACE/NAME` or `node NAME`.")
            .or_nothing("it was not looked up, or nobody has it"),
        Field::new("unheld", Kind::Bool, "Whether it was looked up and neither a pod nor a node has the address."),
        Field::new("dead", Kind::Text, "Why nobody can answer there, where the API proves it.").or_nothing("it does not"),
    ],
    hidden: &[],
    open: false,
};

pub const SLICE_PORT: Record = Record {
    name: "SlicePort",
    meaning: "A port of an EndpointSlice.",
    fields: &[
        Field::new("name", Kind::Text, "The name of the Service's port that it is for."),
        Field::new("number", Kind::Number, "Its number.").or_nothing("it means all ports, which kube-proxy cannot use"),
        Field::new("protocol", Kind::OneOf(&["TCP", "UDP", "SCTP"]), "Its protocol."),
    ],
    hidden: &[],
    open: false,
};

pub const SLICE: Record = Record {
    name: "Slice",
    meaning: "An EndpointSlice of the Service.",
    fields: &[
        Field::new("name", Kind::Text, "Its name."),
        Field::new("managed_by", Kind::Text, "Who writes it; empty when nobody claims it."),
        Field::new("addresses", Kind::Number, "How many addresses it holds."),
        Field::new("ports", Kind::List(&Kind::Record(&SLICE_PORT)), "Its ports."),
    ],
    hidden: &[],
    open: false,
};

pub const DISAGREEMENT: Record = Record {
    name: "Disagreement",
    meaning: "A difference between the slices, which kube-proxy follows, and the pods.",
    fields: &[
        Field::new(
            "kind",
            Kind::OneOf(&["pod-gone", "address-differs", "number-differs", "ready-differs", "pod-missing", "foreign-slice"]),
            "What differs.",
        ),
        Field::new("slice", Kind::Text, "The slice.").or_nothing("the pod stands in none"),
        Field::new("pod", Kind::Text, "The pod.").or_nothing("none is known"),
        Field::new("ip", Kind::Address, "The address.").or_nothing("none is known"),
        Field::new("detail", Kind::Text, "A sentence that says it all."),
    ],
    hidden: &[],
    open: false,
};

pub const TEMPLATE: Record = Record {
    name: "Template",
    meaning: "A workload that should give the selector its pods, where it has none.",
    fields: &[
        Field::new("kind", Kind::OneOf(&["Deployment", "StatefulSet", "DaemonSet"]), "What it is."),
        Field::new("name", Kind::Text, "Its name."),
        Field::new("desired", Kind::Number, "Pods that it is told to have."),
        Field::new("trouble", Kind::Text, "Why it has none, in the API's words; empty when nothing says."),
    ],
    hidden: &[],
    open: false,
};

pub const SETTING: Record = Record {
    name: "Setting",
    meaning: "A setting of the Service that is not the default.",
    fields: &[
        Field::new("name", Kind::Text, "Its name."),
        Field::new("value", Kind::Text, "Its value."),
        Field::new("means", Kind::Text, "What it means for a client."),
    ],
    hidden: &[],
    open: false,
};

pub const REACH: Record = Record {
    name: "Reach",
    meaning: "Nodes that send to a part of the endpoints only.",
    fields: &[
        Field::new("nodes", TEXTS, "Their names."),
        Field::new("by", Kind::Text, "What restricts them, such as `externalTrafficPolicy Local` or `zone a`."),
        Field::new("endpoints", ADDRESSES, "The addresses that requests on these nodes can hit."),
    ],
    hidden: &[],
    open: false,
};

pub const CONTAINER_PORT: Record = Record {
    name: "ContainerPort",
    meaning: "A port that a container declares.",
    fields: &[
        Field::new("name", Kind::Text, "Its name; empty when it has none."),
        Field::new("number", Kind::Number, "Its number."),
        Field::new("protocol", Kind::Text, "Its protocol."),
        Field::new("host_port", Kind::Number, "A port of the node that leads to it beside the Service.").or_nothing("there is none"),
    ],
    hidden: &[],
    open: false,
};

pub const CONTAINER: Record = Record {
    name: "Container",
    meaning: "A container of a pod.",
    fields: &[
        Field::new("name", Kind::Text, "Its name."),
        Field::new("image", Kind::Text, "Its image."),
        Field::new("ports", Kind::List(&Kind::Record(&CONTAINER_PORT)), "The ports that it declares."),
        Field::new("running", Kind::Bool, "Whether it runs."),
        Field::new("ready", Kind::Bool, "Whether it is ready."),
        Field::new("restarts", Kind::Number, "How often it was started again."),
        Field::new("started_at", Kind::Text, "When it was started, in RFC 3339.").or_nothing("it does not run"),
        Field::new("sidecar", Kind::Bool, "Whether it is an init container that keeps running beside the others."),
        Field::new("probes", LABELS, "The kubelet's probes by their kind, as `http-get :8080/healthz`."),
        Field::new("id", Kind::Text, "The runtime's id; empty while it has not started."),
    ],
    hidden: &["args", "env"],
    open: false,
};

pub const POD: Record = Record {
    name: "Pod",
    meaning: "A pod.",
    fields: &[
        Field::new("namespace", Kind::Text, "Its namespace."),
        Field::new("name", Kind::Text, "Its name."),
        Field::new("uid", Kind::Text, "The API's own name for it, which no later object gets again."),
        Field::new("labels", LABELS, "Its labels."),
        Field::new("node", Kind::Text, "The node that it is on.").or_nothing("it is on none yet"),
        Field::new("ips", ADDRESSES, "Its addresses."),
        Field::new("host_network", Kind::Bool, "Whether it is on its node's own network."),
        Field::new("runtime_class", Kind::Text, "Its RuntimeClass, such as a sandbox.").or_nothing("it has the usual one"),
        Field::new("phase", Kind::OneOf(&["Pending", "Running", "Succeeded", "Failed", "Unknown"]), "How far it has come."),
        Field::new("ready", Kind::Bool, "Whether it is ready."),
        Field::new("terminating", Kind::Bool, "Whether it is being deleted."),
        Field::new("not_ready_because", Kind::Text, "Why it is not ready, in the API's words; empty when it is."),
        Field::new("not_ready_container", Kind::Text, "The container that keeps it from being ready.").or_nothing("it is no container"),
        Field::new("ready_since", Kind::Text, "Since when it is as ready as it is, in RFC 3339.").or_nothing("the API does not tell"),
        Field::new("owner", TEXTS, "Kind and name of who made it, such as ReplicaSet and web-5d4f.").or_nothing("nobody did"),
        Field::new("containers", Kind::List(&Kind::Record(&CONTAINER)), "Its containers."),
        Field::new(
            "init_containers",
            Kind::List(&Kind::Record(&CONTAINER)),
            "What runs before the containers, and beside them where it is a sidecar.",
        ),
    ],
    hidden: &[],
    open: false,
};

pub const EVENT: Record = Record {
    name: "Event",
    meaning: "An event of the API.",
    fields: &[
        Field::new("kind", Kind::Text, "Normal or Warning."),
        Field::new("reason", Kind::Text, "Its reason, in a word."),
        Field::new("message", Kind::Text, "Its text."),
        Field::new("component", Kind::Text, "Who says it."),
        Field::new("at", Kind::Text, "When it was said last, in RFC 3339."),
        Field::new("count", Kind::Number, "How often it was said."),
        Field::new("object_uid", Kind::Text, "The uid of the object that it is about."),
    ],
    hidden: &[],
    open: false,
};

pub const TARGET: Record = Record {
    name: "Target",
    meaning: "Where one port of a Service ends.",
    fields: &[
        Field::new("port", Kind::Record(&SERVICE_PORT), "The port that was asked about."),
        Field::new("family", Kind::OneOf(&["IPv4", "IPv6"]), "The family of addresses that counts: that of the load-balanced address.")
            .or_nothing("the Service has no address: then both count"),
        Field::new("endpoints", Kind::List(&Kind::Record(&ENDPOINT)), "All endpoints of both families, by pod."),
        Field::new(
            "serving",
            Kind::List(&Kind::Record(&ENDPOINT)),
            "The endpoints that requests are sent to: the ready ones, or those that serve while they terminate when none is ready.",
        ),
        Field::new("pods", Kind::List(&Kind::Record(&POD)), "The pods that the selector matches, be they endpoints or not, by name."),
        Field::new(
            "near_misses",
            Kind::Map(&Kind::Text),
            "Pods and workloads that the selector misses by one label, with what differs: likely a typing error.",
        ),
        Field::new("elsewhere", TEXTS, "Other namespaces with pods that the selector would match there."),
        Field::new("slices", Kind::List(&Kind::Record(&SLICE)), "The EndpointSlices of the Service."),
        Field::new(
            "disagreements",
            Kind::List(&Kind::Record(&DISAGREEMENT)),
            "Differences between slices and pods that stayed for a few seconds.",
        ),
        Field::new(
            "templates",
            Kind::List(&Kind::Record(&TEMPLATE)),
            "Workloads that should give the selector its pods; asked for where it finds none.",
        ),
        Field::new(
            "pod_events",
            Kind::Map(&Kind::List(&Kind::Record(&EVENT))),
            "Warning events of pods that are not ready, by pod, the newest first.",
        ),
        Field::new("settings", Kind::List(&Kind::Record(&SETTING)), "Settings of the Service that are not the default."),
        Field::new("reach", Kind::List(&Kind::Record(&REACH)), "Which node can send where; empty when every node sends to every endpoint."),
        Field::new("slices_read", Kind::Bool, "Whether the slices could be read: if not, no endpoint means nothing."),
        Field::new("pods_read", Kind::Bool, "Whether the pods could be read."),
    ],
    hidden: &[],
    open: false,
};
