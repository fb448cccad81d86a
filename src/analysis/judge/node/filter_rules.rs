//! The packet filters of a node and what else drops in its kernel, as proofs.

use super::scene::{Inside, Scene};
use super::{filters, kube_proxy, over_bridge, queues};
use crate::analysis::judge::rule::{Apply::One, Proof};
use crate::analysis::judge::{ipsec, policy, rules, translation};
use crate::analysis::state::ruleset::Hook;
use crate::model::finding::Finding;

pub(super) const DIVERTED: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule that leads requests elsewhere, or ends their way before kube-proxy's",
    needs: "a rule other than kube-proxy's that these requests come to, that counted as many, and that translates, spares or untracks them",
    apply: One(|scene| translation::diverted(scene.case, scene.pair, scene.node, scene.roads)),
};

pub(super) const DIVERTED_BEHIND: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule of the pod's node that leads what comes for the pod elsewhere",
    needs: "a rule of a node behind the one that took the requests, that these come to as they come in there, that counted as many, and that translates them to no endpoint",
    apply: One(|scene| translation::diverted_behind(scene.case, scene.pair, scene.node, scene.roads)),
};

pub(super) const CLAIMED: Proof<Inside> = Proof {
    rule: &rules::CLAIMED,
    title: "a refusal of kube-proxy's in the name of another Service",
    needs: "a rule of kube-proxy's own whose comment names another Service as one without endpoints, and that took as many of these packets as failed",
    apply: One(|scene| translation::for_another_service(scene.case, scene.pair, scene.node, scene.fields, scene.roads)),
};

pub(super) const AGENT_BEHIND: Proof<Inside> = Proof {
    rule: &rules::POLICY_AGENT_BEHIND,
    title: "a network plugin's agent that does not know a pod's link",
    needs: "Calico's rule for unknown interfaces, which drops these packets and counted them, on the node of the pod that they are for",
    apply: One(|scene| {
        let taking = filters::taking(scene.pair, scene.node, scene.fields, scene.roads)?;
        policy::unknown_link(scene.case, scene.pair, scene.node, scene.packets, taking)
    }),
};

pub(super) const LEFT_BEHIND: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule of a network plugin's that was left in the legacy tables",
    needs: "a rule in a network plugin's chain of the legacy tables that drops these packets, and chains of the same agent in the other tables",
    apply: One(|scene| {
        let taking = filters::taking(scene.pair, scene.node, scene.fields, scene.roads)?;
        policy::left_behind(scene.case, scene.pair, scene.node, scene.packets, taking)
    }),
};

pub(super) const POLICY_STALE: Proof<Inside> = Proof {
    rule: &rules::POLICY_STALE,
    title: "a policy that is enforced and not held",
    needs: "a rule in a network plugin's chain that drops these packets and names policies, and the API's policies, which lack them or let these requests in",
    apply: One(|scene| {
        let taking = filters::taking(scene.pair, scene.node, scene.fields, scene.roads)?;
        policy::stale(scene.case, scene.pair, scene.node, scene.packets, taking)
    }),
};

pub(super) const POLICY_ENFORCED: Proof<Inside> = Proof {
    rule: &rules::POLICY_DENIED,
    title: "a NetworkPolicy behind a packet filter that drops requests",
    needs: "a rule in a network plugin's chain that drops these packets, and a policy that selects the pod and does not let them in",
    apply: One(|scene| {
        let taking = filters::taking(scene.pair, scene.node, scene.fields, scene.roads)?;
        policy::behind(scene.case, scene.pair, scene.node, scene.packets, taking)
    }),
};

pub(super) const FILTERED: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a packet filter that drops requests",
    needs: "a rule that drops or rejects, that these packets come to, and that counted as many or is the only one they surely come to",
    apply: One(|scene| {
        let taking = filters::taking(scene.pair, scene.node, scene.fields, scene.roads)?;
        // What is not translated goes to no pod, whether or not a rule behind the translation takes it, too.
        let behind = matches!(taking.hook, Hook::Input | Hook::Forward | Hook::Postrouting);
        let to_service = scene.fields.iter().any(|fields| fields.destination == scene.case.address());
        let untranslated = || kube_proxy::untranslated(scene.case, scene.pair, scene.node).is_some();
        if behind && to_service && untranslated() { None } else { Some(policy::of_plugin(taking.finding(scene.node), scene.node)) }
    }),
};

fn filtered(scene: &Scene) -> Option<Finding> {
    filters::firewall_of(scene.pair, scene.node, scene.fields, scene.roads)
}

pub(super) const TAKEN: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a packet filter that drops answers",
    needs: FILTERED.needs,
    apply: One(|scene| filtered(scene)),
};

pub(super) const BRIDGED: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a packet filter of the bridge between a node and its pod",
    needs: "a rule of the bridge family or of ebtables that drops these frames between the bridge and the pod's port, and that counted or is the only one they surely come to",
    apply: One(|scene| filters::bridged(scene.pair, scene.node, scene.frames, scene.roads)),
};

pub(super) const SHORT_LIVED: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule that leaves packets too few hops",
    needs: "a rule of a node before that sets the hop limit of these packets, and that counted",
    apply: One(|scene| translation::short_lived(scene.case, scene.roads, scene.node)),
};

pub(super) const TRAFFIC_CONTROL: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "the traffic control of an interface",
    needs: "a queue of an interface on their way that dropped as many packets as were lost",
    apply: One(|scene| queues::drops(scene.pair, scene.node, scene.queues, queues::enough(scene.roads.len()))),
};

pub(super) const HELD_BACK: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "traffic control that holds packets back",
    needs: "a queue of an interface on their way whose backlog, at its rate, or whose delay lasts longer than the tries",
    apply: One(|scene| queues::holds(scene.pair, scene.node, scene.queues, scene.roads)),
};

pub(super) const IPSEC: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "an IPsec policy",
    needs: "the kernel's count of IPsec drops, that grew by as many as were lost",
    apply: One(|scene| ipsec::drops(scene.pair, scene.node, queues::enough(scene.roads.len()))),
};

pub(super) const ARP_FILTERED: Proof<Inside> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a rule that keeps the node from learning the MAC of whom it answers",
    needs: "a neighbour entry of the client or its gateway that failed, and a rule of the arp family that surely takes the ARP packets for it",
    apply: One(|scene| filters::arp_filtered(scene.pair, scene.node, &scene.packets.clients)),
};

pub(super) const OVER_THE_BRIDGE: Proof<Inside> = Proof {
    rule: &rules::RETURN_ASYMMETRIC,
    title: "answers that a bridge takes past the rules that would translate them",
    needs: "answers of a pod that leave by the link of who asked as they left the pod, both links ports of one bridge, and bridge-nf-call-iptables that is 0, or br_netfilter that is not loaded",
    apply: One(|scene| over_bridge::untranslated(scene)),
};
