//! The causes inside a node, each with its proof, and the order in which a packet meets them at each point of the path.

use super::{filters, forwarding, kube_proxy};
use crate::analysis::judge::rules::Rule;
use crate::analysis::judge::{client, conntrack, pod_link, policy, translation};
use crate::analysis::state::network;
use crate::model::catalogue::names;

/// The rules of every point.
pub(in crate::analysis::judge) fn all() -> impl Iterator<Item = &'static Rule> {
    REQUEST_INSIDE.into_iter().chain(REPLY_INSIDE).chain(FAR_REQUEST).chain(FAR_REPLY)
}

/// The request came in on the announcing node and no translated packet left it.
pub(in crate::analysis::judge) const REQUEST_INSIDE: [&Rule; 14] = [
    &DIVERTED,
    &FILTERED,
    &BESIDE_FILTERS,
    &FORWARDING_OFF,
    &REVERSE_PATH,
    &REFUSED_TO_FORWARD,
    &NOT_PROGRAMMED,
    &PROXY_STALE,
    &NO_LOCAL_ENDPOINT,
    &CONNTRACK_STALE,
    &CONNTRACK_FULL,
    &POD_ROUTE,
    &POD_LINK,
    &POLICY_UNSEEN,
];

/// The answer came back to the announcing node and did not leave it for the client.
pub(in crate::analysis::judge) const REPLY_INSIDE: [&Rule; 8] =
    [&NO_WAY_BACK, &UNTRACKED_ANSWERS, &TAKEN, &BESIDE_FILTERS, &FORWARDING_OFF, &REVERSE_PATH, &REFUSED_BACK, &CLIENT_ON_LINK];

/// The request came out of the tunnel on the pod's node and did not reach the pod's link.
pub(in crate::analysis::judge) const FAR_REQUEST: [&Rule; 9] =
    [&SHORT_LIVED, &FILTERED, &BESIDE_FILTERS, &FORWARDING_OFF, &REVERSE_PATH, &POD_ROUTE, &REFUSED_TO_FORWARD, &POD_LINK, &POLICY_UNSEEN];

/// The answer left the pod and did not leave its node.
pub(in crate::analysis::judge) const FAR_REPLY: [&Rule; 8] =
    [&TAKEN, &BESIDE_FILTERS, &FORWARDING_OFF, &REVERSE_PATH, &BACK_ROUTE, &POD_LINK, &ANSWERS_ASTRAY, &UNTRACKED_REQUESTS];

const DIVERTED: Rule = Rule {
    title: "a rule that leads requests elsewhere, or ends their way before kube-proxy's",
    names: &[names::NODE_FIREWALL_DROP],
    needs: "a rule other than kube-proxy's that these requests come to, that counted as many, and that translates, spares or untracks them",
    apply: |scene| translation::diverted(scene.case, scene.pair, scene.node, scene.roads),
};

const FILTERED: Rule = Rule {
    title: "a packet filter that drops requests, of its own or for a NetworkPolicy",
    names: &[names::NODE_FIREWALL_DROP, names::POLICY_DENIED],
    needs: "a rule that drops or rejects, that these packets come to, and that counted as many or is the only one they surely come to",
    apply: |scene| {
        filters::firewall_of(scene.pair, scene.node, scene.fields, scene.roads)
            .map(|finding| policy::behind(scene.case, scene.node, scene.packets, finding))
    },
};

const TAKEN: Rule = Rule {
    title: "a packet filter that drops answers",
    names: &[names::NODE_FIREWALL_DROP],
    needs: FILTERED.needs,
    apply: |scene| filters::firewall_of(scene.pair, scene.node, scene.fields, scene.roads),
};

const SHORT_LIVED: Rule = Rule {
    title: "a rule that leaves packets too few hops",
    names: &[names::NODE_FIREWALL_DROP],
    needs: "a rule of a node before that sets the hop limit of these packets, and that counted",
    apply: |scene| {
        translation::short_lived(scene.case, scene.roads, scene.node)
            .map(|finding| policy::behind(scene.case, scene.node, scene.packets, finding))
    },
};

const BESIDE_FILTERS: Rule = Rule {
    title: "the traffic control of an interface, or an IPsec policy",
    names: &[names::NODE_FIREWALL_DROP],
    needs: "a queue of the interface, or the kernel's count of IPsec drops, that grew by as many as were lost",
    apply: |scene| filters::dropped_beside_filters(scene.pair, scene.node, scene.queue, scene.roads.len()),
};

const FORWARDING_OFF: Rule = Rule {
    title: "forwarding that is off",
    names: &[names::NODE_FORWARDING_OFF],
    needs: "the node's settings: forwarding is 0, of the family or of the interface of arrival",
    apply: |scene| forwarding::forwarding_off(scene.case, scene.pair, scene.node, scene.input),
};

const REVERSE_PATH: Rule = Rule {
    title: "the reverse path filter",
    names: &[names::NODE_REVERSE_PATH_FILTER],
    needs: "rp_filter in force on the interface of arrival, and a way back to the source by another one, or none",
    apply: |scene| forwarding::reverse_path(scene.pair, scene.node, scene.input, scene.sources),
};

const REFUSED_TO_FORWARD: Rule = Rule {
    title: "a way to the pod that the kernel refuses for what comes in by this interface",
    names: &[names::ROUTE_POD_NETWORK_MISSING],
    needs: "the refusal of `ip route get POD from SOURCE iif INTERFACE`",
    apply: |scene| forwarding::refused_to_forward(scene.pair, scene.node, scene.input, scene.sources, &scene.packets.endpoints),
};

const NOT_PROGRAMMED: Rule = Rule {
    title: "an address that kube-proxy does not translate",
    names: &[names::NODE_NOT_PROGRAMMED, names::NODE_PROXY_DOWN],
    needs: "kube-proxy's rules, read and without the address, or reached by nothing",
    apply: |scene| kube_proxy::not_programmed(scene.case, scene.pair, scene.node),
};

const PROXY_STALE: Rule = Rule {
    title: "kube-proxy's rules that lead to an endpoint that is gone",
    names: &[names::NODE_PROXY_STALE],
    needs: "an endpoint in kube-proxy's rules that no EndpointSlice has",
    apply: |scene| kube_proxy::proxy_stale(scene.case, scene.pair, scene.node),
};

const NO_LOCAL_ENDPOINT: Rule = Rule {
    title: "policy Local without a pod",
    names: &[names::ANNOUNCE_NO_LOCAL_ENDPOINT],
    needs: "the external traffic policy Local, and no serving endpoint on the node",
    apply: |scene| kube_proxy::no_local_endpoint(scene.case, scene.node),
};

const CONNTRACK_STALE: Rule = Rule {
    title: "an old entry of the connection table",
    names: &[names::NODE_CONNTRACK_STALE],
    needs: "an entry of one of these connections from before they were repeated, that leads to no endpoint",
    apply: |scene| conntrack::stale(scene.case, scene.pair, scene.node, scene.roads),
};

const CONNTRACK_FULL: Rule = Rule {
    title: "a connection table that is full",
    names: &[names::NODE_CONNTRACK_FULL],
    needs: "nf_conntrack_count at 99 in 100 of nf_conntrack_max or more",
    apply: |scene| conntrack::full(scene.pair, scene.node),
};

const POD_ROUTE: Rule = Rule {
    title: "a way to the pod that the kernel refuses",
    names: &[names::ROUTE_POD_NETWORK_MISSING],
    needs: "the refusal of `ip route get POD`",
    apply: |scene| forwarding::pod_route(scene.pair, scene.node, &scene.packets.endpoints),
};

const POD_LINK: Rule = Rule {
    title: "the node's own way to its pod",
    names: &[names::POD_DISCONNECTED, names::ROUTE_POD_NETWORK_WRONG, names::ROUTE_POD_NETWORK_MISSING, names::POD_WRONG_NEIGHBOUR],
    needs: "a pod of this node, whose link, bridge, route or neighbour entry there is not what it has to be",
    apply: |scene| pod_link::of(scene.case, scene.pair, scene.node, &scene.packets.endpoints),
};

const POLICY_UNSEEN: Rule = Rule {
    title: "a NetworkPolicy that is enforced outside of packet filters",
    names: &[names::POLICY_DENIED],
    needs: "a policy that selects the pod and does not let the request in, and an interface of a plugin that enforces policies by itself",
    apply: |scene| policy::unseen(scene.case, scene.pair, scene.node, scene.packets),
};

const NO_WAY_BACK: Rule = Rule {
    title: "a way back to the client that the kernel refuses",
    names: &[names::ROUTE_RETURN_MISSING],
    needs: "the refusal of `ip route get CLIENT`",
    apply: |scene| {
        scene.packets.clients.iter().find_map(|client| {
            let refused = network::way(&scene.pair.after, &format!("{client},,"))?.refused?;
            Some(forwarding::no_way_back(scene.node, *client, &refused))
        })
    },
};

const REFUSED_BACK: Rule = Rule {
    title: "a way back to the client that the kernel refuses for what comes in from the pods",
    names: &[names::ROUTE_RETURN_MISSING],
    needs: "the refusal of `ip route get CLIENT from POD iif INTERFACE`",
    apply: |scene| forwarding::refused_back(scene.pair, scene.node, scene.input, &scene.packets.clients, scene.sources),
};

const UNTRACKED_ANSWERS: Rule = Rule {
    title: "a rule that keeps answers from being translated back",
    names: &[names::NODE_FIREWALL_DROP],
    needs: "a rule that these answers surely come to, and that untracks them or ends their life",
    apply: |scene| translation::untracked_answers(scene.case, scene.pair, scene.node, scene.roads),
};

const CLIENT_ON_LINK: Rule = Rule {
    title: "a client that the node takes for a neighbour",
    names: &[names::ROUTE_RETURN_MISSING, names::CLIENT_OVERLAPS_CLUSTER],
    needs: "a route of the node that takes the client for a neighbour, and a neighbour entry that failed",
    apply: |scene| client::overlaps::on_link(scene.case, scene.roads, scene.node),
};

const BACK_ROUTE: Rule = Rule {
    title: "a way back to whom the pod answers that the kernel refuses",
    names: &[names::ROUTE_RETURN_MISSING],
    needs: "the refusal of `ip route get` for the source that the pod saw",
    apply: |scene| forwarding::back_route(scene.case, scene.pair, scene.node, scene.input, scene.packets),
};

const ANSWERS_ASTRAY: Rule = Rule {
    title: "answers that the pod sends to the wrong neighbour",
    names: &[names::POD_NO_WAY_BACK, names::POD_DISCONNECTED, names::POD_WRONG_NEIGHBOUR],
    needs: "the pod's neighbour entry for its gateway, which is another's",
    apply: |scene| pod_link::answers_astray(scene.case, scene.pair, scene.node, scene.packets),
};

const UNTRACKED_REQUESTS: Rule = Rule {
    title: "a rule that keeps requests out of the connection table, so that answers count as invalid",
    names: &[names::NODE_FIREWALL_DROP],
    needs: "kube-proxy's rule against invalid packets that counted, and a rule that untracks the request",
    apply: |scene| translation::answers_of_untracked(scene.case, scene.pair, scene.node, scene.roads),
};
