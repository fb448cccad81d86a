//! The causes inside a node that are its own routing: what it refuses, and what it takes for its own, each with its proof.

use super::scene::{Inside, Scene};
use super::{dead_gateway, forwarding};
use crate::analysis::judge::client::overlaps;
use crate::analysis::judge::rule::{Apply::One, Proof};
use crate::analysis::judge::{chosen, pod_link, rules};
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) const REQUESTS_CHOSEN_MISSING: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a policy rule that refuses the requests by their mark, protocol or port",
    needs: "`ip rule` and the routes: the rule takes every lost request as the node routes it, and no answered one; without it they would go on",
    apply: One(|scene| rules::POD_NETWORK_MISSING.of(chosen::led_requests(scene))),
};

pub(super) const REQUESTS_CHOSEN_WRONG: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a policy rule that leads the requests to where nobody is, by their mark, protocol or port",
    needs: "`ip rule` and the routes: the rule takes every lost request and no answered one, and its route ends at a link that is down or a next hop that is nobody",
    apply: One(|scene| rules::POD_NETWORK_WRONG.of(chosen::led_requests(scene))),
};

pub(super) const ANSWERS_CHOSEN: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a policy rule that refuses the answers, or leads them to where nobody is, by their mark, protocol or port",
    needs: "`ip rule` and the routes: the rule takes every lost answer as the node routes it, and no answered one's; without it they would go on",
    apply: One(|scene| chosen::led_answers(scene)),
};

pub(super) const REFUSED_TO_FORWARD: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a way to the pod that the kernel refuses for what comes in by this interface",
    needs: "the refusal of `ip route get POD from SOURCE iif INTERFACE`",
    apply: One(|scene| forwarding::refused_to_forward(scene.pair, scene.node, scene.input, scene.sources, &linked(scene))),
};

pub(super) const REFUSED_BACK: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a way back to the client that the kernel refuses for what comes in from the pods",
    needs: "the refusal of `ip route get CLIENT from POD iif INTERFACE`",
    apply: One(|scene| forwarding::refused_back(scene.pair, scene.node, scene.input, &scene.packets.clients, scene.sources)),
};

pub(super) const CLIENT_IS_HERE: Proof<Inside> = Proof {
    rule: &rules::OVERLAPS_CLUSTER,
    title: "a node that has the client's own address on an interface",
    needs: "an interface of the node with the address that every lost request comes from, and `ip route get CLIENT` there that does not say a way out",
    apply: One(|scene| overlaps::on_the_node(scene.case, scene.roads, scene.node)),
};

/// The endpoints whose route is not gone with a link of their own.
pub(super) fn linked(scene: &Scene) -> BTreeSet<(IpAddr, u16)> {
    let cut_off = |ip: &IpAddr| pod_link::may_be_down(scene.case, scene.pair, scene.node, *ip);
    scene.packets.endpoints.iter().filter(|(ip, _)| !cut_off(ip)).copied().collect()
}

pub(super) const BLOCK_OF_PODS: Proof<Inside> = Proof {
    rule: &rules::OVERLAPS_CLUSTER,
    title: "a client whose address lies in a block of pod addresses that the node holds",
    needs: "a blackhole route that a network plugin wrote, by its protocol, and that holds the client",
    apply: One(|scene| overlaps::block_of_pods(scene.pair, scene.node, &scene.packets.clients)),
};

pub(super) const DEAD_GATEWAY: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a way back by a gateway that is nobody",
    needs: "the node's one way to the client, by a gateway whose neighbour entry failed in both reads, and nobody answered that it leads there, too",
    apply: One(|scene| dead_gateway::finding(scene.case, scene.pair, scene.node, &scene.packets.clients)),
};

pub(super) const SILENT_CLIENT: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a client that tells nobody the MAC of the address it asks from",
    needs: "requests that come in by an interface which leads back to the client itself, and its neighbour entry there, which failed in both reads",
    apply: One(|scene| dead_gateway::silent_client(scene.case, scene.pair, scene.node, scene.roads)),
};
