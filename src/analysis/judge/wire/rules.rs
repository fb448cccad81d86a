//! What keeps requests from the node that should take them: the causes, and the order in which they are looked for.

use super::request_lost;
use super::resolution::{self, Resolution};
use super::{Before, BeforeNode, before_some_only, duplicate, flux, interface_down, router_word, unreachable_next_hops, unreachable_node};
use crate::analysis::judge::rule::{AllOf, Apply::Each, Apply::One, FirstOf, Proof, Step::Known, Step::Look, Step::Open};
use crate::analysis::judge::{client, held_twice, holders, hop_limit, neighbours, rules, unread};
use crate::model::catalogue::names;
use crate::model::finding::Finding;

/// What the wire shows, whoever asks.
pub(in crate::analysis::judge) const STANDING: AllOf<BeforeNode> =
    AllOf { title: "the wire", proofs: &[&DUPLICATE, &FLUX, &INTERFACE_DOWN, &NEXT_HOPS_GONE, &NODES_OF_ONE_ADDRESS, &NODES_OF_ONE_MAC] };

/// No node takes the requests for an address that is announced on layer 2.
pub(in crate::analysis::judge) const BEFORE_NODE: FirstOf<BeforeNode> = FirstOf {
    title: "before any node, from",
    steps: &[
        Look(&INTERFACE_DOWN),
        Look(&TAKEN_BY_CLIENT),
        Look(&EXPIRED_ON_THE_WAY),
        Look(&ANNOUNCER_OF_ONE_MAC),
        Look(&LED_BY_ROUTE),
        Open(|before| neighbours::forwarded_to_a_host(before.case, before.roads)),
        Look(&STALE_NEIGHBOUR),
        Look(&DUPLICATE),
        Known(|before| torn_apart(before)),
        Known(|before| before.silencing.cloned()),
        Open(|before| router_word::said_by_a_node(before.case, before.roads)),
        Look(&REFUSED_BY_ROUTER),
        Look(&NODE_GONE),
    ],
};

/// Connections of which a part came to the node that announces, while another node answers for the address as well: what is sent goes now to
/// the one, now to the other.
fn torn_apart(before: &Before) -> Option<Finding> {
    let part = !before.roads.is_empty() && before.roads.iter().all(|road| road.entry().is_some());
    holders::stray(before.case).filter(|_| part)
}

/// The same over BGP: nobody asks for the address by ARP, and a router decides where it goes.
pub(in crate::analysis::judge) const BEFORE_ROUTED_NODE: FirstOf<BeforeNode> = FirstOf {
    title: "before any next hop, from",
    steps: &[
        Known(|before| before.silencing.cloned()),
        Look(&NODE_GONE),
        Look(&EXPIRED_ON_THE_WAY),
        Look(&ROUTER_FILTERS),
        Open(|before| unread::behind_router(before.case, &router_word(before)?)),
        Look(&ROUTER_HAS_NO_ROUTE),
        Look(&REFUSED_BY_ROUTER),
        Open(|before| client::entry::unproven(before.case, before.roads)),
        Look(&FROM_SOME_ONLY),
    ],
};

/// Who asks for the address by ARP or NDP, who answers, and where the first packet goes.
pub(in crate::analysis::judge) const RESOLUTION: FirstOf<Resolution> = FirstOf {
    title: "asking for the address of",
    steps: &[
        Look(&ASKED_ELSEWHERE),
        Look(&SPEAKER_STOPPED),
        Look(&NO_ANSWER),
        Open(|scene| resolution::answers_none(scene)),
        Look(&ANSWER_TO_CLIENT_LOST),
        Look(&ANSWER_FILTERED),
        Open(|scene| resolution::answer_not_taken(scene)),
        Open(|scene| resolution::answers_others(scene)),
        Look(&ANSWER_TO_ROUTER_LOST),
        Open(|scene| resolution::asks_from_afar(scene)),
        Look(&ASKED_IN_VAIN),
        Look(&FILTERED_BY_CLIENT),
        Open(|scene| resolution::nothing_leaves(scene)),
        Look(&NOT_PASSED_ON),
        Open(|scene| resolution::router_cannot_resolve(scene)),
        Look(&WRONG_PORT),
        Open(|scene| resolution::not_all_watched(scene)),
        Open(|scene| resolution::perhaps_never_led(scene)),
        Open(|scene| resolution::nothing_left_while_watched(scene)),
        Open(|scene| unread::on_link(scene.case, scene.roads)),
        Open(|scene| client::entry::unproven(scene.case, scene.roads)),
        Look(&REQUEST_LOST),
    ],
};

const DUPLICATE: Proof<BeforeNode> = Proof {
    rule: &rules::DUPLICATE_ADDRESS,
    title: "a host of the network that answers for the address",
    needs: "a MAC that answers by ARP for the address and that no node has, when every node that may announce was read",
    apply: One(|before| duplicate(before.case)),
};

const FLUX: Proof<BeforeNode> = Proof {
    rule: &rules::WRONG_INTERFACE,
    title: "several interfaces of one node that answer",
    needs: "answers by ARP from several MACs, all of one node",
    apply: One(|before| flux(before.case)),
};

const INTERFACE_DOWN: Proof<BeforeNode> = Proof {
    rule: &rules::INTERFACE_DOWN,
    title: "the announcing node's interface on the address's network, which cannot carry anything",
    needs: "the node's links: every one on the address's network, or that the advertisement names, is down, enslaved or without ARP",
    apply: One(|before| {
        let beside = |finding: &Finding| [names::ANNOUNCE_NOBODY, names::ANNOUNCE_INTERFACE_OFF_LINK].contains(&finding.name.as_str());
        interface_down(before.case).filter(|_| before.silencing.is_none_or(beside))
    }),
};

const EXPIRED_ON_THE_WAY: Proof<BeforeNode> = Proof {
    rule: &rules::TTL_EXPIRED,
    title: "a router that says by ICMP that requests may pass no further one",
    needs: "an ICMP error (time exceeded in transit) that comes in at the client, for tries of every place, and the TTL with which they left it",
    apply: One(|before| hop_limit::expired_on_the_way(before.case, before.roads)),
};

const NEXT_HOPS_GONE: Proof<BeforeNode> = Proof {
    rule: &rules::NODE_UNREACHABLE,
    title: "nodes that are meant to announce over BGP and are not there",
    needs: NODE_GONE.needs,
    apply: Each(|before| unreachable_next_hops(before.case)),
};

const NODES_OF_ONE_ADDRESS: Proof<BeforeNode> = Proof {
    rule: &rules::HELD_TWICE,
    title: "two nodes that have one address",
    needs: "the addresses of both nodes: one of a node's object, or in the network of the Service's address",
    apply: Each(|before| held_twice::addresses(before.case)),
};

const NODES_OF_ONE_MAC: Proof<BeforeNode> = Proof {
    rule: &rules::HELD_TWICE,
    title: "two nodes that have one MAC in the network of the address",
    needs: "the links of both nodes, of the interfaces that have an address in the network of the Service's address",
    apply: Each(|before| held_twice::macs(before.case)),
};

const ANNOUNCER_OF_ONE_MAC: Proof<BeforeNode> = Proof {
    rule: &rules::HELD_TWICE,
    title: "another node that has the announcer's MAC, where requests come to no node that takes them",
    needs: NODES_OF_ONE_MAC.needs,
    apply: One(|before| held_twice::mac_of_announcer(before.case)),
};

const TAKEN_BY_CLIENT: Proof<BeforeNode> = Proof {
    rule: &rules::DUPLICATE_ADDRESS,
    title: "a client that takes what others send to the address",
    needs: "requests of others that come in on a client, on which an interface has the address",
    apply: One(|before| holders::taken_by_client(before.case, before.roads)),
};

const LED_BY_ROUTE: Proof<BeforeNode> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "a router that leads requests to a host outside of the address's network",
    needs: "requests that come in on a client which has no address in the network of the Service's address, by frames that are not the asking client's own",
    apply: One(|before| neighbours::led_by_route(before.case, before.roads)),
};

const STALE_NEIGHBOUR: Proof<BeforeNode> = Proof {
    rule: &rules::STALE_NEIGHBOUR,
    title: "a client or router that sends to another MAC than the announcer's",
    needs: "the client's neighbour entry, or requests that pass a node addressed to another MAC, or that a client sends to a client itself",
    apply: One(|before| neighbours::stale(before.case, before.roads)),
};

const NODE_GONE: Proof<BeforeNode> = Proof {
    rule: &rules::NODE_UNREACHABLE,
    title: "a node that announces and is not there",
    needs: "a node that does not answer by SSH, and that the API has as not ready or whose kubelet does not answer",
    apply: One(|before| unreachable_node(before.case)),
};

fn router_word(before: &Before) -> Option<Finding> {
    router_word::no_route(before.case, before.roads)
}

const ROUTER_FILTERS: Proof<BeforeNode> = Proof {
    rule: &rules::ROUTER_FILTERS,
    title: "a peer that says by ICMP that it has no route",
    needs: "an ICMP error (no route) from a router that is a peer of nodes whose sessions are up, for tries of every place",
    apply: One(|before| rules::ROUTER_FILTERS.of(router_word(before))),
};

const ROUTER_HAS_NO_ROUTE: Proof<BeforeNode> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "a router that says by ICMP that it has no route",
    needs: "an ICMP error (no route) from a router on the way, for tries of every place",
    apply: One(|before| rules::REQUEST_LOST.of(router_word(before))),
};

const REFUSED_BY_ROUTER: Proof<BeforeNode> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "somebody on the way who says by ICMP that it refuses the requests",
    needs: "an ICMP error that refuses (prohibited, no route, port unreachable) from an address that is neither a node's nor the Service's, for tries of every place, and none for an answered try",
    apply: One(|before| router_word::refused(before.case, before.roads)),
};

const FROM_SOME_ONLY: Proof<BeforeNode> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "requests of some places that reach no next hop, while those of others do",
    needs: "captures on every node that announces, and tries of another place that came in there",
    apply: One(|before| before_some_only(before.case, before.roads)),
};

const ASKED_ELSEWHERE: Proof<Resolution> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "requests for the address that reach other nodes and not the announcer",
    needs: "ARP or NDP requests that come in on other nodes, and none on the announcer",
    apply: One(|scene| resolution::asked_elsewhere(scene)),
};

const SPEAKER_STOPPED: Proof<Resolution> = Proof {
    rule: &rules::SPEAKER_UNHEALTHY,
    title: "a speaker that is stopped and answers nothing",
    needs: "requests for the address that come in on the announcer, no answer, and its process speaker in state T",
    apply: One(|scene| resolution::speaker_stopped(scene)),
};

const NO_ANSWER: Proof<Resolution> = Proof {
    rule: &rules::NO_ANSWER,
    title: "an announcer that answers no request for the address",
    needs: "requests for the address that come in on a node which says that it announces, and no answer",
    apply: One(|scene| resolution::no_answer(scene)),
};

const ANSWER_TO_CLIENT_LOST: Proof<Resolution> = Proof {
    rule: &rules::REPLY_LOST,
    title: "answers of the announcer that do not reach the client",
    needs: "the client's requests for the address on both sides, and answers that leave the node and do not come in at the client",
    apply: One(|scene| resolution::answer_to_client_lost(scene)),
};

const ANSWER_FILTERED: Proof<Resolution> = Proof {
    rule: &rules::CLIENT_FIREWALL,
    title: "a client's packet filter that drops the answers to its ARP requests",
    needs: "answers that come in on a client which goes on asking, and a rule of its arp tables that surely takes them",
    apply: One(|scene| resolution::answer_filtered(scene)),
};

const ANSWER_TO_ROUTER_LOST: Proof<Resolution> = Proof {
    rule: &rules::REPLY_LOST,
    title: "answers of the announcer that do not reach the router",
    needs: "a router that asks again although it was answered, and says by ICMP that nobody tells it the MAC",
    apply: One(|scene| resolution::answer_to_router_lost(scene)),
};

const NOT_PASSED_ON: Proof<Resolution> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "a router that says that it cannot reach the address, and whom no node hears",
    needs: "ICMP host unreachable of a router at the client, every node that may announce the address watched, and neither the requests nor an ARP request for the address on any of them",
    apply: One(|scene| resolution::not_passed_on(scene)),
};

const ASKED_IN_VAIN: Proof<Resolution> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "the client's requests for the address, which do not come to the announcer",
    needs: "requests that leave a client of the announcer's network, and none that comes in there",
    apply: One(|scene| resolution::asked_in_vain(scene)),
};

const FILTERED_BY_CLIENT: Proof<Resolution> = Proof {
    rule: &rules::CLIENT_FIREWALL,
    title: "a client's packet filter that lets nothing leave it",
    needs: "a rule of the client that takes these packets, and nothing that was seen to leave it",
    apply: One(|asking| client::firewall(asking.case, asking.roads).filter(|_| !asking.sent)),
};

const WRONG_PORT: Proof<Resolution> = Proof {
    rule: &rules::WRONG_PORT,
    title: "frames for the announcer that come out at another node's port",
    needs: "a client whose neighbour entry is right, and requests that one other node alone sees, addressed to the announcer's MAC",
    apply: One(|asking| neighbours::wrong_port(asking.case, asking.roads, asking.node)),
};

const REQUEST_LOST: Proof<Resolution> = Proof {
    rule: &rules::REQUEST_LOST,
    title: "requests that leave the client and reach no node",
    needs: "requests that leave the client while every node that may announce is watched, and come in on none",
    apply: One(|asking| Some(request_lost::request_lost(asking))),
};
