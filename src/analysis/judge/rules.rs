//! Every cause that the judgement says, with the names that are its own and the objects that it is read from, in the order in which a packet meets what they are about.

use super::objects::Objects;
use super::rule::Rule;
use crate::model::catalogue::names;

macro_rules! rules {
    ($($rule:ident: $title:literal says $($name:ident),+ $(of $($object:ident),+)?;)*) => {
        $(pub(super) const $rule: Rule =
            Rule { title: $title, names: &[$(names::$name),+], objects: &[$($(Objects::$object),+)?] };)*

        /// All of them.
        #[cfg(test)]
        pub(super) const ALL: &[&Rule] = &[$(&$rule),*];
    };
}

rules! {
    NOT_A_LOAD_BALANCER: "a Service of another type" says ADDRESS_NOT_A_LOAD_BALANCER of Service;
    CLASS_UNSERVED: "a load balancer class that is not MetalLB's" says ADDRESS_CLASS_UNSERVED of Service, Parts;
    CONTROLLER_DOWN: "a controller that does not run" says ADDRESS_CONTROLLER_DOWN of Parts, MetallbPods;
    CONTROLLER_UNHEALTHY: "a controller that cannot write" says ADDRESS_CONTROLLER_UNHEALTHY of ControllerLog, Events;
    COMPETING_CONTROLLER: "somebody else who gives addresses" says ADDRESS_COMPETING_CONTROLLER of Service, DaemonSets, Pools;
    CONFIG_INVALID: "a configuration that MetalLB refuses" says ADDRESS_CONFIG_INVALID of Pools, Advertisements, Peers, ConfigurationStates, ControllerLog, SpeakerLogs;
    POOL_MISSING: "an address pool that is not there" says ADDRESS_POOL_MISSING of Service, Pools, Namespace;
    POOL_NOT_AUTOMATIC: "pools that have to be asked for" says ADDRESS_POOL_NOT_AUTOMATIC of Service, Pools;
    POOL_EXHAUSTED: "a pool without a free address" says ADDRESS_POOL_EXHAUSTED of Service, Pools, AllServices;
    REQUEST_REFUSED: "a wish that MetalLB cannot grant" says ADDRESS_REQUEST_REFUSED of Service, Pools, AllServices, Namespace, Events, ControllerLog;
    LAST_OCTET: "an address that ends like a network's" says ADDRESS_LAST_OCTET of Service, Pools;
    OFF_LINK: "an address in no network of the nodes" says ADDRESS_OFF_LINK of Service, Nodes;
    BROADCAST: "an address that a network has for itself" says ADDRESS_BROADCAST of Service;
    CLAIMED: "another Service that takes the address or an endpoint's" says ADDRESS_CLAIMED of AllServices;

    NO_ADVERTISEMENT: "a pool that no advertisement selects" says ANNOUNCE_NO_ADVERTISEMENT of Service, Pools, Advertisements;
    SPEAKER_MISSING: "nodes without a speaker" says ANNOUNCE_SPEAKER_MISSING of MetallbPods, Parts, Nodes;
    NO_CANDIDATE: "no node that may announce" says ANNOUNCE_NO_CANDIDATE of Pools, Advertisements, Nodes, MetallbPods;
    NO_LOCAL_ENDPOINT: "policy Local without a pod" says ANNOUNCE_NO_LOCAL_ENDPOINT of Service, Slices, Nodes, Advertisements;
    ANNOUNCED_INTERFACE_MISSING: "an advertisement for an interface that is not there" says ANNOUNCE_INTERFACE_MISSING of Advertisements;
    ANNOUNCED_INTERFACE_OFF_LINK: "an advertisement for an interface of another network" says ANNOUNCE_INTERFACE_OFF_LINK of Advertisements;
    SPEAKER_UNHEALTHY: "a speaker that does not work" says ANNOUNCE_SPEAKER_UNHEALTHY of MetallbPods, SpeakerLogs;
    SPLIT_BRAIN: "speakers that do not see each other" says ANNOUNCE_SPLIT_BRAIN of SpeakerLogs;
    NOBODY_ANNOUNCES: "a node that should announce and does not" says ANNOUNCE_NOBODY of SpeakerLogs, SpeakerMetrics, Statuses, Events, Advertisements, Nodes;
    UNEXPECTED_NODE: "another announcer than the elected one" says ANNOUNCE_UNEXPECTED_NODE of SpeakerLogs, SpeakerMetrics, Statuses, Events, Leases, Advertisements, Nodes, MetallbPods, Slices;
    FLAPPING: "an announcement that does not rest" says ANNOUNCE_FLAPPING of SpeakerLogs;
    STALE_SOURCE: "a source that names another announcer" says ANNOUNCE_STALE_SOURCE of SpeakerLogs, SpeakerMetrics, Statuses, Events;

    NO_PEER: "nodes without a BGP peer" says BGP_NO_PEER_FOR_NODE of Peers, Nodes, BgpAdvertisements;
    NOT_ADVERTISED: "a prefix that is not sent" says BGP_NOT_ADVERTISED of BgpAdvertisements, Peers, SpeakerMetrics;
    SESSION_DOWN: "a BGP session that is down" says BGP_SESSION_DOWN of Peers, SessionStates, SpeakerLogs, SpeakerMetrics;
    SESSION_STALLED: "a BGP session that one side has given up" says BGP_SESSION_STALLED of Peers, SessionStates, SpeakerLogs, SpeakerMetrics;
    ROUTER_FILTERS: "a router that does not take the prefix" says BGP_FILTERED of BgpAdvertisements, Peers, SpeakerMetrics;
    SINGLE_ANNOUNCER: "one node alone that announces" says BGP_SINGLE_ANNOUNCER of BgpAdvertisements, Nodes, MetallbPods;
    NEXT_HOP_FAILS: "a next hop that fails" says BGP_NEXT_HOP_FAILS;

    CLIENT_NO_ROUTE: "a client's route" says CLIENT_NO_ROUTE;
    CLIENT_NO_SOURCE_PORT: "a client without a source port" says CLIENT_NO_SOURCE_PORT;
    CLIENT_FIREWALL: "a client's own packet filter" says CLIENT_FIREWALL;
    SOURCE_RANGE: "a client outside of the source ranges" says CLIENT_SOURCE_RANGE of Service;
    CLIENT_TRANSLATED: "a client that somebody on the way translates" says CLIENT_TRANSLATED;
    OVERLAPS_CLUSTER: "a client in a network of the cluster's" says CLIENT_OVERLAPS_CLUSTER;

    INTERFACE_DOWN: "the announcing interface that carries nothing" says WIRE_INTERFACE_DOWN;
    DUPLICATE_ADDRESS: "somebody else who has the address" says WIRE_DUPLICATE_ADDRESS of Nodes;
    WRONG_INTERFACE: "several interfaces of one node that answer" says WIRE_WRONG_INTERFACE;
    STALE_NEIGHBOUR: "a neighbour entry that is wrong" says WIRE_STALE_NEIGHBOUR;
    CLIENT_ADDRESS_DUPLICATE: "somebody else who has the client's address" says WIRE_CLIENT_ADDRESS_DUPLICATE;
    WRONG_PORT: "a switch that sends to another port" says WIRE_WRONG_PORT;
    NO_ANSWER: "requests for the address that nobody answers" says WIRE_NO_ANSWER;
    REQUEST_LOST: "requests that are lost before the node" says WIRE_REQUEST_LOST;
    REPLY_LOST: "answers that are lost behind the node" says WIRE_REPLY_LOST;
    TTL_EXPIRED: "packets that may pass no more routers" says WIRE_TTL_EXPIRED;
    WIRE_MTU: "large packets that are lost before the node" says WIRE_MTU;

    HELD_TWICE: "an address or a MAC that two nodes have" says NODE_DUPLICATE_ADDRESS of Nodes;
    NODE_UNREACHABLE: "a node that is not there" says NODE_UNREACHABLE of Nodes, SpeakerLogs;
    NODE_HANGS: "a node that takes connections and says nothing" says NODE_HANGS of Nodes, SpeakerLogs;
    CONTROL_PLANE_CUT_OFF: "nodes of which the API does not hear" says NODE_CONTROL_PLANE_CUT_OFF of Nodes, Pods;
    FIREWALL_DROP: "a packet filter, or what drops beside it" says NODE_FIREWALL_DROP;
    POLICY_AGENT_BEHIND: "a network plugin that does not know a pod's link" says POLICY_AGENT_BEHIND of NetworkPolicies;
    POLICY_STALE: "a policy that is enforced and not held" says POLICY_STALE of NetworkPolicies;
    POLICY_DENIED: "a NetworkPolicy" says POLICY_DENIED of NetworkPolicies;
    FORWARDING_OFF: "forwarding that is off" says NODE_FORWARDING_OFF;
    REVERSE_PATH_FILTER: "the reverse path filter" says NODE_REVERSE_PATH_FILTER;
    NOT_PROGRAMMED: "an address that kube-proxy does not translate" says NODE_NOT_PROGRAMMED of Service;
    PROXY_DOWN: "kube-proxy that does not run" says NODE_PROXY_DOWN;
    PROXY_STALE: "kube-proxy's rules for an endpoint that is gone" says NODE_PROXY_STALE of Slices;
    CONNTRACK_STALE: "an old entry of the connection table" says NODE_CONNTRACK_STALE;
    CONNTRACK_CLASH: "connections that the connection table cannot enter" says NODE_CONNTRACK_CLASH;
    CONNTRACK_TIMEOUT: "a connection table that forgets too early" says NODE_CONNTRACK_TIMEOUT;
    CONNTRACK_FULL: "a connection table that is full" says NODE_CONNTRACK_FULL;
    HAIRPIN_OFF: "a bridge that sends nothing back to where it came from" says NODE_HAIRPIN_OFF;
    LOST_INSIDE: "a node that swallows packets" says NODE_LOST_INSIDE;

    POD_NETWORK_MISSING: "no way to a pod" says ROUTE_POD_NETWORK_MISSING;
    POD_NETWORK_WRONG: "a route to pods that leads elsewhere" says ROUTE_POD_NETWORK_WRONG;
    RETURN_MISSING: "no way back" says ROUTE_RETURN_MISSING;
    RETURN_ASYMMETRIC: "a way back past the one of the request" says ROUTE_RETURN_ASYMMETRIC;

    LOST_BETWEEN: "the network between two nodes" says OVERLAY_LOST_BETWEEN;
    FOREIGN_ADDRESS: "an address of another node's pod network" says OVERLAY_FOREIGN_ADDRESS;
    WRONG_ENDPOINT: "a tunnel that leads elsewhere" says OVERLAY_WRONG_ENDPOINT;
    ENDS_DIFFER: "two ends of a tunnel that differ" says OVERLAY_ENDS_DIFFER;
    TUNNEL_DOWN: "a tunnel's interface that is down" says OVERLAY_INTERFACE_DOWN;
    OVERLAY_MTU: "large packets that are lost between nodes" says OVERLAY_MTU;
    CHECKSUM: "packets that a tunnel spoils" says OVERLAY_CHECKSUM;

    SELECTOR_MATCHES_NOTHING: "a selector that matches no pod" says ENDPOINTS_SELECTOR_MATCHES_NOTHING of Service, Slices, Pods, Workloads;
    NONE_READY: "no endpoint that serves" says ENDPOINTS_NONE_READY of Slices, Pods;
    SOME_NOT_READY: "endpoints that are not ready" says ENDPOINTS_SOME_NOT_READY of Slices, Pods;
    PORT_NAME_MISSING: "a port's name that nobody declares" says ENDPOINTS_PORT_NAME_MISSING of Service, Slices, Pods;
    PORT_NAME_DIFFERS: "a port's name with several numbers" says ENDPOINTS_PORT_NAME_DIFFERS of Service, Slices, Pods;
    PROTOCOL_MISMATCH: "a port for another protocol" says ENDPOINTS_PROTOCOL_MISMATCH of Service, Slices, Pods;
    ADDRESS_OF_NO_POD: "an endpoint that somebody wrote and nobody holds" says ENDPOINTS_ADDRESS_OF_NO_POD of Slices, AllPods, Nodes;
    SLICE_STALE: "EndpointSlices that are not what the pods are" says ENDPOINTS_SLICE_STALE of Slices, Pods, AllPods, Nodes;

    POD_DISCONNECTED: "a pod's link" says POD_DISCONNECTED;
    POD_WRONG_NEIGHBOUR: "a node's entry for its pod" says POD_WRONG_NEIGHBOUR;
    POD_NO_WAY_BACK: "a pod that cannot answer" says POD_NO_WAY_BACK;
    POD_FIREWALL_DROP: "a packet filter inside a pod" says POD_FIREWALL_DROP;
    POD_NOT_LISTENING: "a pod that does not listen" says POD_NOT_LISTENING;
    POD_LISTENS_ON_LOOPBACK: "a pod that listens for itself alone" says POD_LISTENS_ON_LOOPBACK;
    POD_SILENT: "a program that does not take connections" says POD_SILENT;

    APP_PROTOCOL_MISMATCH: "a program that speaks something else" says APP_PROTOCOL_MISMATCH;
    APP_RESETS: "a program that resets" says APP_RESETS;
    APP_CLOSES: "a program that closes" says APP_CLOSES;
    APP_INCOMPLETE_ANSWER: "a program that does not end its answer" says APP_INCOMPLETE_ANSWER;
    APP_REFUSES_TLS: "a program that refuses TLS" says APP_REFUSES_TLS;
    APP_NO_ANSWER: "a program that does not answer" says APP_NO_ANSWER;
    APP_ANSWERS_WITH_ERRORS: "a program that answers with errors" says APP_ANSWERS_WITH_ERRORS;
    APP_CERTIFICATE_EXPIRED: "a certificate that is not valid now" says APP_CERTIFICATE_EXPIRED;
    APP_CERTIFICATE_OTHER_NAME: "a certificate that is not for the name" says APP_CERTIFICATE_OTHER_NAME;
}
