//! The causes inside a node, each with its proof, and the order in which a packet meets them at each point of the path.

use crate::analysis::state::ways::RouteQuestion;

use super::connection_rules::{CONNTRACK_CLASH, CONNTRACK_FULL, CONNTRACK_STALE, FORGOTTEN, FORGOTTEN_AND_TAKEN};
use super::filter_rules::{
    AGENT_BEHIND, ARP_FILTERED, BRIDGED, CLAIMED, DIVERTED, DIVERTED_BEHIND, FILTERED, HELD_BACK, IPSEC, LEFT_BEHIND, OVER_THE_BRIDGE,
    POLICY_ENFORCED, POLICY_STALE, SHORT_LIVED, TAKEN, TRAFFIC_CONTROL,
};
use super::routing_rules::{
    ANSWERS_CHOSEN, BLOCK_OF_PODS, CLIENT_IS_HERE, DEAD_GATEWAY, REFUSED_BACK, REFUSED_TO_FORWARD, REQUESTS_CHOSEN_MISSING,
    REQUESTS_CHOSEN_WRONG, SILENT_CLIENT, linked,
};
use super::scene::{Inside, Scene};
use super::{forwarding, hairpin, kube_proxy};
use crate::analysis::judge::rule::{Apply::One, FirstOf, Proof, Step::Look};
use crate::analysis::judge::rules;
use crate::analysis::judge::{by_mark, hop_limit};
use crate::analysis::judge::{client, endpoints, pod_link, policy, translation};
use crate::model::finding::Finding;

/// The request came in on the announcing node and no translated packet left it.
pub(in crate::analysis::judge) const REQUEST_INSIDE: FirstOf<Inside> = FirstOf {
    title: "the request inside",
    steps: &[
        Look(&REQUESTS_EXPIRED),
        Look(&DIVERTED),
        Look(&CLAIMED),
        Look(&AGENT_BEHIND),
        Look(&LEFT_BEHIND),
        Look(&POLICY_STALE),
        Look(&POLICY_ENFORCED),
        Look(&FILTERED),
        Look(&TRAFFIC_CONTROL),
        Look(&HELD_BACK),
        Look(&IPSEC),
        Look(&FORWARDING_OFF),
        Look(&CLIENT_IS_HERE),
        Look(&REVERSE_PATH),
        Look(&REFUSED_TO_FORWARD),
        Look(&REQUESTS_CHOSEN_MISSING),
        Look(&REQUESTS_CHOSEN_WRONG),
        Look(&LEFT_ALONE),
        Look(&PROXY_DOWN),
        Look(&NOT_PROGRAMMED),
        Look(&PROXY_STALE),
        Look(&PROXY_UNAWARE),
        Look(&NO_LOCAL_ENDPOINT),
        Look(&CONNTRACK_STALE),
        Look(&CONNTRACK_FULL),
        Look(&CONNTRACK_CLASH),
        Look(&POD_ROUTE),
        Look(&OWN_NETWORK),
        Look(&HAIRPIN_OFF),
        Look(&POD_LINK),
        Look(&OWN_ROUTE_WRONG),
        Look(&OWN_ROUTE_MISSING),
        Look(&WRONG_NEIGHBOUR),
        Look(&POLICY_UNSEEN),
    ],
};

/// The answer came back to the announcing node and did not leave it for the client.
pub(in crate::analysis::judge) const REPLY_INSIDE: FirstOf<Inside> = FirstOf {
    title: "the answer inside",
    steps: &[
        Look(&ANSWERS_EXPIRED),
        Look(&ADDRESS_LOST),
        Look(&BLOCK_OF_PODS),
        Look(&NO_WAY_BACK),
        Look(&UNTRACKED_ANSWERS),
        Look(&ZONED),
        Look(&FORGOTTEN),
        Look(&TAKEN),
        Look(&TRAFFIC_CONTROL),
        Look(&HELD_BACK),
        Look(&IPSEC),
        Look(&FORWARDING_OFF),
        Look(&REVERSE_PATH),
        Look(&REFUSED_BACK),
        Look(&ANSWERS_CHOSEN),
        Look(&ARP_FILTERED),
        Look(&DEAD_HOP),
        Look(&DEAD_GATEWAY),
        Look(&CLIENT_ON_LINK),
        Look(&CLIENT_IN_A_LINK),
        Look(&SILENT_CLIENT),
    ],
};

/// The request came out of the tunnel on the pod's node and did not reach the pod's link.
pub(in crate::analysis::judge) const FAR_REQUEST: FirstOf<Inside> = FirstOf {
    title: "the request inside the pod's node",
    steps: &[
        Look(&SHORT_LIVED),
        Look(&REQUESTS_EXPIRED),
        Look(&DIVERTED_BEHIND),
        Look(&POD_ADDRESS_TAKEN),
        Look(&CLAIMED),
        Look(&AGENT_BEHIND),
        Look(&LEFT_BEHIND),
        Look(&POLICY_STALE),
        Look(&POLICY_ENFORCED),
        Look(&FILTERED),
        Look(&TRAFFIC_CONTROL),
        Look(&HELD_BACK),
        Look(&IPSEC),
        Look(&FORWARDING_OFF),
        Look(&REVERSE_PATH),
        Look(&POD_ROUTE),
        Look(&REFUSED_TO_FORWARD),
        Look(&REQUESTS_CHOSEN_MISSING),
        Look(&REQUESTS_CHOSEN_WRONG),
        Look(&CONNTRACK_FULL),
        Look(&POD_LINK),
        Look(&OWN_ROUTE_WRONG),
        Look(&OWN_ROUTE_MISSING),
        Look(&WRONG_NEIGHBOUR),
        Look(&POLICY_UNSEEN),
    ],
};

/// The answer left the pod and did not leave its node.
pub(in crate::analysis::judge) const FAR_REPLY: FirstOf<Inside> = FirstOf {
    title: "the answer inside the pod's node",
    steps: &[
        Look(&ANSWERS_EXPIRED),
        Look(&OVER_THE_BRIDGE),
        Look(&BRIDGED),
        Look(&FORGOTTEN_AND_TAKEN),
        Look(&TAKEN),
        Look(&TRAFFIC_CONTROL),
        Look(&HELD_BACK),
        Look(&IPSEC),
        Look(&FORWARDING_OFF),
        Look(&REVERSE_PATH),
        Look(&BACK_ROUTE),
        Look(&ANSWERS_CHOSEN),
        Look(&POD_LINK),
        Look(&OWN_ROUTE_WRONG),
        Look(&OWN_ROUTE_MISSING),
        Look(&WRONG_NEIGHBOUR),
        Look(&ANSWERS_ASTRAY),
        Look(&UNTRACKED_REQUESTS),
    ],
};

/// The packet left the node on the pod's link and did not arrive in the pod.
pub(in crate::analysis::judge) const ON_THE_LINK: FirstOf<Inside> = FirstOf {
    title: "the pod's link on",
    steps: &[
        Look(&LED_BY_MARK),
        Look(&POD_LINK),
        Look(&OWN_ROUTE_WRONG),
        Look(&OWN_ROUTE_MISSING),
        Look(&WRONG_NEIGHBOUR),
        Look(&BRIDGED),
        Look(&TRAFFIC_CONTROL),
        Look(&HELD_BACK),
    ],
};

/// The requests were seen on their way to an address or a port that is no endpoint's.
pub(in crate::analysis::judge) const ASTRAY: FirstOf<Inside> =
    FirstOf { title: "requests to no endpoint from", steps: &[Look(&DIVERTED), Look(&PROXY_STALE), Look(&CONNTRACK_STALE)] };

/// The request passed the node, nothing came back, and what lies behind could not be watched.
pub(in crate::analysis::judge) const BEYOND: FirstOf<Inside> =
    FirstOf { title: "requests that pass", steps: &[Look(&PROXY_STALE), Look(&CONNTRACK_STALE), Look(&POD_LINK)] };

/// A node that a router may choose and that no try came in on.
pub(in crate::analysis::judge) const UNTRIED: FirstOf<Inside> = FirstOf {
    title: "the next hop",
    steps: &[Look(&FORWARDING_OFF), Look(&NO_WAY_BACK), Look(&LEFT_ALONE), Look(&PROXY_DOWN), Look(&NOT_PROGRAMMED)],
};

const REQUESTS_EXPIRED: Proof<Inside> = Proof {
    rule: &rules::TTL_EXPIRED,
    title: "requests that come in where they may not be forwarded further",
    needs: "the TTL of the requests as they come in on the node: 1 in every try that is lost, more in those that are answered",
    apply: One(|scene| hop_limit::spent_at(scene.case, scene.roads, scene.node, true)),
};

const ANSWERS_EXPIRED: Proof<Inside> = Proof {
    rule: &rules::TTL_EXPIRED,
    title: "answers that come in where they may not be forwarded further",
    needs: "the TTL of the answers as they come in on the node: 1 in every try that is lost, more in those that are answered",
    apply: One(|scene| hop_limit::spent_at(scene.case, scene.roads, scene.node, false)),
};

const FORWARDING_OFF: Proof<Inside> = Proof {
    rule: &rules::FORWARDING_OFF,
    title: "forwarding that is off",
    needs: "the node's settings: forwarding is 0, of the family or of the interface of arrival",
    apply: One(|scene| forwarding::forwarding_off(scene.case, scene.pair, scene.node, scene.input)),
};

const REVERSE_PATH: Proof<Inside> = Proof {
    rule: &rules::REVERSE_PATH_FILTER,
    title: "the reverse path filter",
    needs: "rp_filter in force on the interface of arrival, and a way back to the source by another one, or none",
    apply: One(|scene| forwarding::reverse_path(scene.pair, scene.node, scene.input, scene.sources)),
};

const LEFT_ALONE: Proof<Inside> = Proof {
    rule: &rules::NOT_PROGRAMMED,
    title: "a Service that kube-proxy is told to leave alone",
    needs: "kube-proxy's rules, read and without the address or its port, and a label or an ipMode that gives the Service to somebody else",
    apply: One(|scene| endpoints::left_alone(scene.case, scene.node, &kube_proxy::untranslated(scene.case, scene.pair, scene.node)?)),
};

const PROXY_DOWN: Proof<Inside> = Proof {
    rule: &rules::PROXY_DOWN,
    title: "kube-proxy that does not run",
    needs: "kube-proxy's rules, read and without the address or its port, and no process of it, or one that is stopped",
    apply: One(|scene| kube_proxy::down(scene.case, scene.pair, scene.node)),
};

const NOT_PROGRAMMED: Proof<Inside> = Proof {
    rule: &rules::NOT_PROGRAMMED,
    title: "an address that kube-proxy does not translate",
    needs: "kube-proxy's rules, read and without the address or its port, or reached by nothing",
    apply: One(|scene| kube_proxy::not_programmed(scene.case, scene.pair, scene.node)),
};

const PROXY_STALE: Proof<Inside> = Proof {
    rule: &rules::PROXY_STALE,
    title: "kube-proxy's rules that lead to an endpoint that is gone",
    needs: "an endpoint in kube-proxy's rules that no EndpointSlice has",
    apply: One(|scene| kube_proxy::proxy_stale(scene.case, scene.pair, scene.node)),
};

const PROXY_UNAWARE: Proof<Inside> = Proof {
    rule: &rules::PROXY_STALE,
    title: "kube-proxy that refuses although a pod is ready",
    needs: "a rule of kube-proxy's that says that the Service has no endpoint, or none here, and took as many as were lost, or such an element of its table, and an endpoint in the EndpointSlices that is ready, on this node with policy Local",
    apply: One(|scene| kube_proxy::unaware(scene)),
};

const NO_LOCAL_ENDPOINT: Proof<Inside> = Proof {
    rule: &rules::NO_LOCAL_ENDPOINT,
    title: "policy Local without a pod",
    needs: "the external traffic policy Local, and no serving endpoint on the node",
    apply: One(|scene| kube_proxy::no_local_endpoint(scene.case, scene.node)),
};

const POD_ADDRESS_TAKEN: Proof<Inside> = Proof {
    rule: &rules::HELD_TWICE,
    title: "a node that has the address of its own pod itself",
    needs: "a pod of this node, and `ip route get POD` there that says local",
    apply: One(|scene| forwarding::pod_address_taken(scene.case, scene.pair, scene.node, &scene.packets.endpoints)),
};

const OWN_NETWORK: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a network of the node's own that holds another node's pod",
    needs: "the way to a pod of another node, by an interface that has an address in a network which holds the pod",
    apply: One(|scene| forwarding::own_network(scene.case, scene.pair, scene.node, &scene.packets.endpoints)),
};

const HAIRPIN_OFF: Proof<Inside> = Proof {
    rule: &rules::HAIRPIN_OFF,
    title: "a pod that is led to itself by a bridge whose hairpin mode is off",
    needs: "tries of one pod that is an endpoint itself, hairpin off at its port of the node's bridge, kube-proxy's rules that lead to it, and answered tries that all went to other endpoints, or no other endpoint",
    apply: One(|scene| hairpin::off(scene.case, scene.pair, scene.node, scene.roads)),
};

const POD_ROUTE: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a way to the pod that the kernel refuses",
    needs: "the refusal of `ip route get POD`",
    apply: One(|scene| forwarding::pod_route(scene.pair, scene.node, &linked(scene))),
};

/// What is wrong between the node and a pod of its own.
fn pod_link(scene: &Scene) -> Option<Finding> {
    pod_link::of(scene.case, scene.pair, scene.node, &scene.packets.endpoints)
}

const LED_BY_MARK: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a policy rule by mark that leads what is for a node's own pod elsewhere",
    needs: "packets for the pod that leave by another interface than `ip route get POD` says, and one policy rule by mark whose table leads there",
    apply: One(|scene| by_mark::led_away(scene.case, scene.roads, scene.node, scene.pair)),
};

const POD_LINK: Proof<Inside> = Proof {
    rule: &rules::POD_DISCONNECTED,
    title: "a link or bridge between the node and its pod that is down",
    needs: "a pod of this node whose interface or bridge is not up, or whose address does not resolve there",
    apply: One(|scene| rules::POD_DISCONNECTED.of(pod_link(scene))),
};

const OWN_ROUTE_WRONG: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a node's route to its own pod that leads elsewhere",
    needs: "a pod of this node, and a route there to it by an interface behind which it is not",
    apply: One(|scene| rules::POD_NETWORK_WRONG.of(pod_link(scene))),
};

const OWN_ROUTE_MISSING: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a node without a route to its own pod",
    needs: "a pod of this node, for which the node takes its default route",
    apply: One(|scene| rules::POD_NETWORK_MISSING.of(pod_link(scene))),
};

const WRONG_NEIGHBOUR: Proof<Inside> = Proof {
    rule: &rules::POD_WRONG_NEIGHBOUR,
    title: "a node's neighbour entry for its own pod that is another's",
    needs: "a pod of this node, and a neighbour entry there with a MAC that the pod does not have",
    apply: One(|scene| rules::POD_WRONG_NEIGHBOUR.of(pod_link(scene))),
};

const POLICY_UNSEEN: Proof<Inside> = Proof {
    rule: &rules::POLICY_DENIED,
    title: "a NetworkPolicy that is enforced outside of packet filters",
    needs: "a policy that selects the pod and does not let the request in, and an interface of a plugin that enforces policies by itself",
    apply: One(|scene| policy::unseen(scene.case, scene.pair, scene.node, scene.packets)),
};

const ADDRESS_LOST: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "an announcer whose interface has no address any more",
    needs: "the addresses of the nodes: none on the interface of arrival, one in the network of the Service's address on other nodes, and a refused way back",
    apply: One(|scene| forwarding::address_lost(scene.case, scene.pair, scene.node, scene.queue, &scene.packets.clients)),
};

const NO_WAY_BACK: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a way back to the client that the kernel refuses",
    needs: "the refusal of `ip route get CLIENT`",
    apply: One(|scene| {
        scene.packets.clients.iter().find_map(|client| {
            let refused = scene.pair.after.refusal(&RouteQuestion::to(*client))?;
            Some(forwarding::no_way_back(scene.node, *client, refused))
        })
    }),
};

const UNTRACKED_ANSWERS: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule that keeps answers from being translated back",
    needs: "a rule that these answers surely come to, and that untracks them or ends their life",
    apply: One(|scene| translation::untracked_answers(scene.case, scene.pair, scene.node, scene.roads)),
};

const ZONED: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule that puts requests into another zone of the connection table than their answers",
    needs: "a rule that these requests surely come to, that counted and sets a zone, and none that sets one for the answers",
    apply: One(|scene| translation::zoned(scene.case, scene.pair, scene.node, scene.roads, scene.input)),
};

const DEAD_HOP: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a way back with several next hops, of which one is nobody",
    needs: "the node's route to the client, its next hops, and a neighbour entry of one of them that failed, while another one's did not",
    apply: One(|scene| forwarding::dead_hop(scene.pair, scene.node, &scene.packets.clients)),
};

const CLIENT_ON_LINK: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a client that the node takes for a neighbour by its route or netmask",
    needs: "a route of the node that takes the client for a neighbour, and a neighbour entry that failed",
    apply: One(|scene| rules::RETURN_MISSING.of(client::overlaps::on_link(scene.case, scene.roads, scene.node))),
};

const CLIENT_IN_A_LINK: Proof<Inside> = Proof {
    rule: &rules::OVERLAPS_CLUSTER,
    title: "a client whose address lies in another network of the node",
    needs: "a network of the node's own that holds the client's address, and a neighbour entry that failed",
    apply: One(|scene| rules::OVERLAPS_CLUSTER.of(client::overlaps::on_link(scene.case, scene.roads, scene.node))),
};

const BACK_ROUTE: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a way back to whom the pod answers that the kernel refuses",
    needs: "the refusal of `ip route get` for the source that the pod saw",
    apply: One(|scene| forwarding::back_route(scene.case, scene.pair, scene.node, scene.input, scene.packets)),
};

const ANSWERS_ASTRAY: Proof<Inside> = Proof {
    rule: &rules::POD_NO_WAY_BACK,
    title: "answers that the pod sends to the wrong neighbour",
    needs: "the pod's neighbour entry for its gateway, which is another's",
    apply: One(|scene| pod_link::answers_astray(scene.case, scene.pair, scene.node, scene.packets)),
};

const UNTRACKED_REQUESTS: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule that keeps requests out of the connection table, so that answers count as invalid",
    needs: "kube-proxy's rule against invalid packets that counted, and a rule that untracks the request",
    apply: One(|scene| translation::answers_of_untracked(scene.case, scene.pair, scene.node, scene.roads)),
};
