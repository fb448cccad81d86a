//! ARP and the first packet, as both sides saw them: who asks for the address, who answers, and where the request goes.

use super::arp::Arp;
use super::{names as clients_of, undecided};
use crate::analysis::judge::answering;
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::client::{self, way};
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::View;
use crate::analysis::state::arp_filters::ArpPacket;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::subject::Subject;

/// Requests that the announcing node, which was watched, did not take.
pub(in crate::analysis::judge) struct Asking<'a> {
    pub case: &'a Case<'a>,
    pub roads: &'a [&'a Road<'a>],
    pub node: &'a str,
    arp: Arp,
    /// Whether anything left the clients.
    pub sent: bool,
    /// Whether nothing did: only a client that was watched is known to have sent nothing.
    quiet: bool,
    pub(super) vantages: Vec<String>,
}

/// Who asks for the address, and who answers.
pub(in crate::analysis::judge) struct Resolution;

impl View for Resolution {
    type Of<'a> = Asking<'a>;

    fn case<'s>(scene: &'s Asking<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Asking<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}

impl<'a> Asking<'a> {
    pub(super) fn of(case: &'a Case<'a>, roads: &'a [&'a Road<'a>], node: &'a str) -> Self {
        let sent = roads.iter().any(|road| road.sent().next().is_some());
        let quiet = !sent && roads.iter().all(|road| road.watched(&road.client()));
        // Who sends nothing asks for the address himself; for the others somebody on the way asks, a router.
        let arp = Arp::seen(case, roads, node, quiet);
        Self { case, roads, node, arp, sent, quiet, vantages: clients_of(roads) }
    }
}

impl Asking<'_> {
    /// How a neighbour asks who has the address.
    fn by(&self) -> &'static str {
        if self.case.address().is_some_and(|address| address.is_ipv6()) { "NDP" } else { "ARP" }
    }

    pub(super) fn clients(&self) -> String {
        self.vantages.join(" and ")
    }

    pub(super) fn between(&self) -> Subject {
        Subject::network(&self.vantages.join("+"), self.node)
    }

    fn open(&self, reason: &str, what: &str) -> Gap {
        undecided(self.case, reason, what)
    }

    /// The node was asked, by the clients or by a router, and nobody got an answer.
    fn unanswered(&self) -> bool {
        self.arp.asked_at_node > 0 && self.arp.answered_anybody == 0 && (self.quiet || self.arp.router_asks)
    }

    /// The rounds in which every node was watched that could take the request. One is enough; that the first one looks at fewer nodes is the
    /// usual case.
    fn whole(&self) -> Vec<&Road<'_>> {
        self.roads.iter().copied().filter(|road| answering::unwatched_nodes(self.case, &[*road]).is_empty()).collect()
    }

    pub(super) fn left(&self) -> usize {
        self.whole().iter().map(|road| road.sent().count()).sum()
    }
}

pub(super) fn asked_elsewhere(asking: &Asking) -> Option<Finding> {
    let Asking { arp, node, .. } = asking;
    let by = asking.by();
    (arp.asked_at_node == 0 && arp.asked_elsewhere > 0).then(|| {
        found(
            names::WIRE_REQUEST_LOST,
            vec![asking.between()],
            format!("{by} requests for the address reach other nodes and not {node}, which announces it"),
            vec![format!("{} {by} requests for the address came in on other nodes, none on {node}", arp.asked_elsewhere)],
        )
    })
}

pub(super) fn speaker_stopped(asking: &Asking) -> Option<Finding> {
    let Asking { case, arp, node, .. } = asking;
    let state = &case.node_state(node).filter(|_| asking.unanswered())?.after;
    state.wake("speaker").map(|next| Finding {
        next,
        ..found(
            names::ANNOUNCE_SPEAKER_UNHEALTHY,
            vec![Subject::speaker(node)],
            format!("the speaker on {node} is stopped: it runs and answers nothing"),
            vec![
                format!("{} {} requests came in on {node}, no answer left it", arp.asked_at_node, asking.by()),
                format!("the kernel shows the process speaker on {node} in state T"),
            ],
        )
    })
}

pub(super) fn no_answer(asking: &Asking) -> Option<Finding> {
    let Asking { case, arp, node, .. } = asking;
    let state = &case.node_state(node).filter(|_| asking.unanswered())?.after;
    state.processes("speaker")?;
    let interface = state.on_link(case.address()?)?.into_iter().next()?;
    case.announcement?.claimed_by(node).then(|| {
        found(
            names::WIRE_NO_ANSWER,
            vec![Subject::interface(node, interface)],
            format!("{node} says that it announces the address, requests reach it, and it answers none"),
            vec![format!("{} {} requests came in on {node}, no answer left it", arp.asked_at_node, asking.by())],
        )
    })
}

pub(super) fn answers_none(asking: &Asking) -> Option<Gap> {
    let reason = || format!("{} requests for the address reach {}, and it answers none", asking.by(), asking.node);
    asking.unanswered().then(|| asking.open(&reason(), "why the speaker does not answer"))
}

pub(super) fn answer_to_client_lost(asking: &Asking) -> Option<Finding> {
    let Asking { arp, node, .. } = asking;
    let by = asking.by();
    let lost = arp.asked_at_node > 0 && arp.answered_by_node > 0 && asking.quiet && arp.client_asked > 0 && arp.client_answered == 0;
    lost.then(|| {
        found(
            names::WIRE_REPLY_LOST,
            vec![asking.between()],
            format!("{node} answers by {by}, and the answer does not reach {}", asking.clients()),
            vec![
                format!("{} {by} requests for the address came in on {node}, {} answers left it", arp.asked_at_node, arp.answered_by_node),
                format!("{} {by} requests left the client, no answer came in", arp.client_asked),
            ],
        )
    })
}

/// The answers come in at the clients, which go on asking: something inside them takes the answers.
fn answered_in_vain(asking: &Asking) -> bool {
    asking.quiet && asking.arp.client_asked > 0 && asking.arp.client_answered > 0
}

/// A rule of a client's own that drops the answers, by the packet as it came in.
pub(super) fn answer_filtered(asking: &Asking) -> Option<Finding> {
    let vip = asking.case.address().filter(|_| answered_in_vain(asking))?;
    asking.roads.iter().find_map(|road| {
        let name = road.client();
        let state = &asking.case.node_state(&name)?.after;
        let device = state.way_to_address()?.device?;
        let target = road.connection.attempt.source?;
        let drop = state.drops_arp(&ArpPacket { incoming: true, reply: true, sender: vip, target, interface: &device })?;
        let evidence = vec![
            format!("{} ARP answers for {vip} came in on {name}, which went on asking", asking.arp.client_answered),
            format!("nft table arp on {name}: `{}` ({}) takes them", drop.text, drop.path),
        ];
        let summary = format!("the packet filter of {name} drops the ARP answers for the address");
        Some(found(names::CLIENT_FIREWALL, client::culprits(&[*road]), summary, evidence))
    })
}

pub(super) fn answer_not_taken(asking: &Asking) -> Option<Gap> {
    let reason = || format!("{} answers come in on {}, which sends nothing and goes on asking", asking.by(), asking.clients());
    answered_in_vain(asking).then(|| asking.open(&reason(), "what takes the answers inside the client"))
}

pub(super) fn answers_others(asking: &Asking) -> Option<Gap> {
    let asked = asking.quiet && asking.arp.client_asked > 0 && asking.arp.asked_at_node > 0;
    let reason = || format!("ARP requests of {} reach {}, and it answers others and not these", asking.clients(), asking.node);
    asked.then(|| asking.open(&reason(), "why they are not answered"))
}

pub(super) fn answer_to_router_lost(asking: &Asking) -> Option<Finding> {
    let Asking { arp, node, .. } = asking;
    let by = asking.by();
    (arp.answered_by_node > 0 && asking.sent && !arp.router_unreachable.is_empty() && arp.router_asks_again).then(|| {
        found(
            names::WIRE_REPLY_LOST,
            vec![asking.between()],
            format!("{node} answers the router by {by}, and the answer does not reach it"),
            vec![
                format!("{} {by} requests for the address came in on {node}, {} answers left it", arp.asked_at_node, arp.answered_by_node),
                unreachable_told(asking),
            ],
        )
    })
}

/// The clients' requests for the address leave them and do not come to the node.
fn in_vain(asking: &Asking) -> bool {
    asking.quiet && asking.arp.client_asked > 0 && asking.arp.asked_at_node == 0
}

/// Of a client that is in none of the node's networks it is open whether the network loses its requests, or its route is wrong.
pub(super) fn asks_from_afar(asking: &Asking) -> Option<Gap> {
    let Asking { case, arp, node, .. } = asking;
    let pair = case.node_state(node).filter(|_| in_vain(asking) && !arp.askers.is_empty())?;
    let near = pair.after.addresses().unwrap_or_default().iter().any(|(_, net)| arp.askers.iter().any(|asker| net.contains(asker)));
    let reason = || format!("{} asks by {}, and has no address in any network of {node}", asking.clients(), asking.by());
    (!near).then(|| asking.open(&reason(), "whether its route takes the address for a neighbour's"))
}

pub(super) fn asked_in_vain(asking: &Asking) -> Option<Finding> {
    let by = asking.by();
    in_vain(asking).then(|| {
        found(
            names::WIRE_REQUEST_LOST,
            vec![asking.between()],
            format!("{by} requests leave {} and do not reach {}", asking.clients(), asking.node),
            vec![format!("{} {by} requests left the client, none came in on {}", asking.arp.client_asked, asking.node)],
        )
    })
}

pub(super) fn nothing_leaves(asking: &Asking) -> Option<Gap> {
    (!asking.sent).then(|| match way::gateway_silent(asking.case, asking.roads) {
        Some(reason) => asking.open(&reason, "whether that gateway is gone, or the client's route names the wrong one"),
        None => asking.open("nothing was seen to leave the client", "what keeps the client from asking"),
    })
}

pub(super) fn router_cannot_resolve(asking: &Asking) -> Option<Gap> {
    let by = asking.by();
    // Who never was heard to ask may have a route that refuses: it says the same.
    let what = if asking.arp.router_asks {
        format!("whether its {by} requests or the answers are lost")
    } else {
        format!("whether its own route refuses the address, or its {by} requests or the answers are lost")
    };
    (!asking.arp.router_unreachable.is_empty()).then(|| asking.open(&unreachable_told(asking), &what))
}

/// A router says that it cannot reach the address, and nothing of it, neither what it should pass on nor an ARP request, came to any node: what of
/// the two is lost, or whether it asks at all, only the router can tell.
pub(super) fn not_passed_on(asking: &Asking) -> Option<Finding> {
    let Asking { arp, node, case, .. } = asking;
    let vip = case.address()?;
    let silent = arp.router_asks || arp.asked_at_node + arp.asked_elsewhere > 0;
    if arp.router_unreachable.is_empty() || silent || asking.whole().is_empty() || asking.left() == 0 {
        return None;
    }
    let (by, clients) = (asking.by(), asking.clients());
    let routers = arp.router_unreachable.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let (table, route) = if vip.is_ipv6() { ("ip -6 neigh", "ip -6 route") } else { ("ip neigh", "ip route") };
    let evidence = vec![
        unreachable_told(asking),
        format!("{} packets left the client for the address, none came in on any node that may announce it", asking.left()),
        format!("no {by} request for the address came in on any of them either, {node} among them"),
    ];
    Some(Finding {
        next: format!(
            "On {routers} (Linux: {route} get {vip}; {table} show {vip}): a route that refuses the address, or an interface or VLAN on which its {by} requests reach no node."
        ),
        ..found(
            names::WIRE_REQUEST_LOST,
            vec![asking.between()],
            format!("{routers}, on the way, says that it cannot reach the address, and does not pass on what {clients} sends"),
            evidence,
        )
    })
}

/// Which router says that nobody tells it the address's MAC.
fn unreachable_told(asking: &Asking) -> String {
    let routers = asking.arp.router_unreachable.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    format!("a router ({routers}) reports the address as unreachable by ICMP")
}

/// The request left the client for the right neighbour, and some node that could take it was not watched.
pub(super) fn not_all_watched(asking: &Asking) -> Option<Gap> {
    asking.whole().is_empty().then(|| {
        let unwatched = answering::unwatched_nodes(asking.case, asking.roads).join(", ");
        let again = || asking.case.closer.into_iter().flat_map(|closer| &closer.again.probes).filter(|probe| probe.made().next().is_some());
        if again().next().is_some() && again().all(crate::model::probe::Probe::all_answered) {
            let reason = format!("tries that failed were answered when they were repeated, and {unwatched} was not watched before");
            return asking.open(&reason, "where the first ones went: what failed has healed meanwhile, or comes and goes");
        }
        asking.open(&format!("{unwatched} could not be watched"), "whether the request went to another node")
    })
}

/// Who of IPv6 was told where to send may have been told by an advertisement that no capture holds: it is sent to him alone.
pub(super) fn perhaps_never_led(asking: &Asking) -> Option<Gap> {
    asking.case.address().is_some_and(|address| address.is_ipv6()).then(|| {
        asking.open(
            &format!("the request leaves {} and reaches no node", asking.clients()),
            "whether requests are lost, or the neighbour advertisements that would lead them",
        )
    })
}

pub(super) fn nothing_left_while_watched(asking: &Asking) -> Option<Gap> {
    let reason = "nothing was seen to leave the client while all nodes were watched";
    (asking.left() == 0).then(|| asking.open(reason, "whether the request went to another node"))
}
