//! What takes packets between two nodes, in the order in which they meet it.

use super::macs::mac_of_nobody;
use super::sizes::{Lost, sizes};
use super::{
    Arrived, Between, Handed, by_default_route, direct, down_on_arrival, down_on_leaving, ends, entries, filtered_on_arrival,
    filtered_on_leaving, foreign, lost_between, none_encapsulated, refused, route_to_another_node, second_holder, sender_unread,
    tables_unread, wrong_endpoint, wrong_neighbour,
};
use crate::analysis::judge::case::Case;
use crate::analysis::judge::node::queues;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::{Apply::One, FirstOf, Proof, Step::Look, Step::Open, View};
use crate::analysis::judge::{by_mark, checksum, rules};

pub(in crate::analysis::judge) struct HandedOver;
pub(in crate::analysis::judge) struct OnTheWay;
pub(in crate::analysis::judge) struct Arriving;
pub(in crate::analysis::judge) struct LostHere;

impl View for HandedOver {
    type Of<'a> = Handed<'a>;

    fn case<'s>(scene: &'s Handed<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Handed<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}

impl View for OnTheWay {
    type Of<'a> = Between<'a>;

    fn case<'s>(scene: &'s Between<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Between<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}

impl View for Arriving {
    type Of<'a> = Arrived<'a>;

    fn case<'s>(scene: &'s Arrived<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Arrived<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}

impl View for LostHere {
    type Of<'a> = Lost<'a>;

    fn case<'s>(scene: &'s Lost<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Lost<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}

/// The node handed the packet to an interface, and nothing encapsulated left it.
pub(in crate::analysis::judge) const NOT_SENT: FirstOf<HandedOver> = FirstOf {
    title: "the tunnel from",
    steps: &[
        Look(&TUNNEL_DOWN),
        Look(&SENT_BY_MARK),
        Look(&BY_DEFAULT_ROUTE),
        Look(&TUNNEL_FILTERED),
        Look(&TUNNEL_CHOSEN),
        Look(&TUNNEL_QUEUED),
        Look(&WRONG_ROUTE),
        Look(&LOST_DIRECTLY),
        Look(&SENT_OTHERWISE),
        Open(|scene| tables_unread(scene)),
        Look(&WRONG_ENTRY),
    ],
};

/// It left one node encapsulated and did not come in on the other.
pub(in crate::analysis::judge) const BETWEEN: FirstOf<OnTheWay> = FirstOf {
    title: "between nodes, from",
    steps: &[
        Look(&FOREIGN_ADDRESS),
        Look(&ROUTE_TO_ANOTHER_NODE),
        Open(|scene| sender_unread(scene)),
        Look(&TUNNEL_TO_ANOTHER_NODE),
        Open(|scene| none_encapsulated(scene)),
        Look(&SECOND_HOLDER),
        Look(&WRONG_NEIGHBOUR),
        Look(&LOST_BETWEEN),
    ],
};

/// It came in encapsulated and did not come out of the tunnel.
pub(in crate::analysis::judge) const NOT_DECAPSULATED: FirstOf<Arriving> = FirstOf {
    title: "the tunnel to",
    steps: &[Look(&ARRIVAL_FILTERED), Look(&ARRIVAL_DOWN), Look(&EXPECTED_OTHERWISE), Look(&SPOILED), Look(&MAC_OF_NOBODY)],
};

/// Small packets pass two points, and large ones do not.
pub(in crate::analysis::judge) const SIZES: FirstOf<LostHere> =
    FirstOf { title: "sizes behind", steps: &[Look(&LARGE_BEFORE_NODE), Look(&LARGE_BETWEEN_NODES)] };

const BY_DEFAULT_ROUTE: Proof<HandedOver> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a node without a route to another node's pods",
    needs: "the translated packet leaves by the default route's interface, and no other route holds the pod's address",
    apply: One(|scene| by_default_route(scene)),
};

const SENT_BY_MARK: Proof<HandedOver> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a policy rule by mark that leads what is for another node's pods elsewhere",
    needs: "packets for the pod that leave by another interface than `ip route get POD` says, and one policy rule by mark whose table leads there",
    apply: One(|scene| by_mark::led_away(scene.case, scene.roads, scene.node, scene.pair)),
};

const TUNNEL_DOWN: Proof<HandedOver> = Proof {
    rule: &rules::TUNNEL_DOWN,
    title: "the tunnel's interface on the node that sends, which is down",
    needs: "a tunnel's interface that is not up, to which the packet is handed, or whose routes are gone with it",
    apply: One(|scene| down_on_leaving(scene)),
};

const TUNNEL_FILTERED: Proof<HandedOver> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a packet filter that drops what the tunnel sends",
    needs: "a rule of the node that drops datagrams to the other node's tunnel port, and that counted",
    apply: One(|scene| filtered_on_leaving(scene)),
};

const TUNNEL_CHOSEN: Proof<HandedOver> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a policy rule that refuses what the tunnel sends, by the mark that the packet inside has",
    needs: "`ip rule` and the routes: the rule takes every lost packet as the tunnel sends it, and no answered one; without it they would go on",
    apply: One(|scene| refused::on_leaving(scene)),
};

const TUNNEL_QUEUED: Proof<HandedOver> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "the traffic control of what carries a tunnel",
    needs: "a queue of the tunnel's interface, or of one that carries it, that dropped as many packets as were lost or holds them longer than the tries lasted",
    apply: One(|scene| {
        let Handed { case, roads, node, pair, interface, .. } = scene;
        let mut interfaces = queues::beneath(case, node);
        interfaces.insert(interface.clone());
        queues::drops(pair, node, &interfaces, queues::enough(roads.len())).or_else(|| queues::holds(pair, node, &interfaces, roads))
    }),
};

const WRONG_ROUTE: Proof<HandedOver> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a route to another node's pods by another interface than the tunnel's",
    needs: "a route that holds the pod's address and leads by no tunnel and to no address of the pod's node, where other pod networks go by a tunnel",
    apply: One(|scene| direct::wrong_route(scene)),
};

const LOST_DIRECTLY: Proof<HandedOver> = Proof {
    rule: &rules::LOST_BETWEEN,
    title: "packets that leave one node for another without a tunnel and do not come in there",
    needs: "a route to an address of the pod's node, a neighbour entry with its MAC, and captures on both nodes that lost nothing",
    apply: One(|scene| direct::lost_directly(scene)),
};

const SENT_OTHERWISE: Proof<HandedOver> = Proof {
    rule: &rules::ENDS_DIFFER,
    title: "a tunnel that sends to another port or network than the pod's node has",
    needs: "the tunnel's id and port on both nodes, which differ; which of them is wrong the other nodes tell",
    apply: One(|scene| ends::where_it_leaves(scene)),
};

const WRONG_ENTRY: Proof<HandedOver> = Proof {
    rule: &rules::WRONG_ENDPOINT,
    title: "the tunnel's own tables, which do not lead to the pod's node",
    needs: "the neighbour entry of the route's gateway on the tunnel, and the forwarding entry of its MAC",
    apply: One(|scene| wrong_endpoint(scene)),
};

const FOREIGN_ADDRESS: Proof<OnTheWay> = Proof {
    rule: &rules::FOREIGN_ADDRESS,
    title: "an address of a node in another node's pod network",
    needs: "packets for an address that an interface of the node has, and a route that leads them to the node in whose pod network it lies",
    apply: One(|scene| foreign::finding(scene)),
};

const ROUTE_TO_ANOTHER_NODE: Proof<OnTheWay> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a route to another node's pods that leads to a third node",
    needs: "encapsulated packets for another address than the pod's node's, and a gateway in a third node's pod network",
    apply: One(|scene| route_to_another_node(scene)),
};

const TUNNEL_TO_ANOTHER_NODE: Proof<OnTheWay> = Proof {
    rule: &rules::WRONG_ENDPOINT,
    title: "a tunnel that sends to another address than the pod's node's",
    needs: "encapsulated packets that leave for an address which the pod's node does not have; which entry leads them there the sender's tables tell, beside the MAC of the pod's node",
    apply: One(|scene| entries::tunnel_to_another_node(scene)),
};

const SECOND_HOLDER: Proof<OnTheWay> = Proof {
    rule: &rules::HELD_TWICE,
    title: "a node's address that somebody else has, to whom the tunnel's datagrams go",
    needs: "the sender's neighbour entry for the other node's address, with a MAC that is not that node's, and the second holder's addresses",
    apply: One(|between| second_holder(between)),
};

const WRONG_NEIGHBOUR: Proof<OnTheWay> = Proof {
    rule: &rules::STALE_NEIGHBOUR,
    title: "a node's neighbour entry for another node that is another machine's",
    needs: "the sender's neighbour entry for the other node's address, with the MAC of a node that does not have that address",
    apply: One(|between| wrong_neighbour(between)),
};

const LOST_BETWEEN: Proof<OnTheWay> = Proof {
    rule: &rules::LOST_BETWEEN,
    title: "encapsulated packets that leave one node and do not come in on the other",
    needs: "captures on both nodes that lost nothing: encapsulated packets on the first, none on the second",
    apply: One(|between| Some(lost_between(between))),
};

const ARRIVAL_FILTERED: Proof<Arriving> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a packet filter that drops what comes to the tunnel",
    needs: "a rule of the node that drops these datagrams, and that counted",
    apply: One(|scene| filtered_on_arrival(scene)),
};

const ARRIVAL_DOWN: Proof<Arriving> = Proof {
    rule: &rules::TUNNEL_DOWN,
    title: "the tunnel's interface on the node that receives, which is down",
    needs: "a tunnel's interface of the node that is not up",
    apply: One(|scene| down_on_arrival(scene)),
};

const EXPECTED_OTHERWISE: Proof<Arriving> = Proof {
    rule: &rules::ENDS_DIFFER,
    title: "a tunnel whose other end has another port or network",
    needs: "the tunnel's id and port on both nodes, which differ; which of them is wrong the other nodes tell",
    apply: One(|scene| ends::where_it_arrives(scene)),
};

const SPOILED: Proof<Arriving> = Proof {
    rule: &rules::CHECKSUM,
    title: "encapsulated packets with a wrong checksum",
    needs: "UdpInCsumErrors of the node that grew by as many as were lost",
    apply: One(|arrived| checksum::of_tunnel(arrived.pair, arrived.node, arrived.roads, &arrived.came)),
};

const MAC_OF_NOBODY: Proof<Arriving> = Proof {
    rule: &rules::WRONG_ENDPOINT,
    title: "a tunnel's neighbour entry for the pod's node that is no MAC of that node",
    needs: "the sender's neighbour entry for the gateway of its route to the pod, on a tunnel, and every link of the node that gets the frames",
    apply: One(|scene| mac_of_nobody(scene)),
};

const LARGE_BEFORE_NODE: Proof<LostHere> = Proof {
    rule: &rules::WIRE_MTU,
    title: "large packets that are lost between client and node",
    needs: "tries with small requests that are answered by the same endpoints, and none that fails",
    apply: One(|lost| rules::WIRE_MTU.of(sizes(lost))),
};

const LARGE_BETWEEN_NODES: Proof<LostHere> = Proof {
    rule: &rules::OVERLAY_MTU,
    title: "large packets that are lost on or between the nodes",
    needs: LARGE_BEFORE_NODE.needs,
    apply: One(|lost| rules::OVERLAY_MTU.of(sizes(lost))),
};
