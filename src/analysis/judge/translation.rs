//! Translation on a node: rules that lead a request past kube-proxy's, and answers that pass the node which would translate them back.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::packets::Packets;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::road::{Leg, Road};
use super::rule::{AllOf, Apply::Each, Proof};
use super::rules;
use super::tries::OfTries;
use crate::analysis::state::conntrack::{Wanted, tracked};
use crate::analysis::state::netfilter;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::ruleset::{Hook, Kind, Trail, Turn, refused_by_kube_proxy, trail, undecided};
use crate::model::catalogue::names;
use crate::model::connection::{Hop, Sighting};
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::service::TrafficPolicy;
use crate::model::state::StatePair;
use crate::model::subject::Subject;

/// A client's first packet as it comes in on the node that takes it.
fn first_packet(case: &Case, packets: &Packets, client: IpAddr, input: Option<&str>) -> Fields {
    Fields {
        source: Some(client),
        destination: case.address(),
        destination_port: Some(packets.port),
        protocol: packets.protocol.to_owned(),
        input: input.map(str::to_owned),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    }
}

/// The interface by which the requests came in on a node.
fn input(roads: &[&Road], node: &str) -> Option<String> {
    roads.iter().filter_map(|road| road.entry()).find(|(name, _)| name == node).map(|(_, interface)| interface)
}

/// The trails of the clients' first packets through the node, and whose they are.
fn trails(case: &Case, pair: &StatePair, node: &str, roads: &[&Road], towards: Option<(IpAddr, u16)>) -> BTreeMap<IpAddr, Trail> {
    let packets = Packets::of(case, roads);
    let input = input(roads, node);
    let first = |client: &IpAddr| first_packet(case, &packets, *client, input.as_deref());
    packets.clients.iter().map(|client| (*client, trail(pair, &first(client), towards))).collect()
}

/// Whether the rule ends a packet's way before kube-proxy's rules: in nftables only in their own table, since other chains are asked anyway.
fn ends(pair: &StatePair, turn: &Turn) -> bool {
    turn.kind == Kind::Spares && if by_iptables(pair) { turn.tool != "nft" } else { turn.path.contains("-kube-proxy/") }
}

/// Whether the rule leads a request past kube-proxy's translation, or lets it go no further than this node.
fn diverts(case: &Case, pair: &StatePair, turn: &Turn) -> bool {
    let endpoint = |address: IpAddr, port: Option<u16>| {
        let target = case.target.filter(|target| target.slices_read);
        // Where the endpoints are not known, anybody may be one.
        target.is_none_or(|target| {
            target.endpoints.iter().any(|endpoint| endpoint.ip == address && (port.is_none() || endpoint.port == port))
        })
    };
    // What comes later finds the packet translated, and its hop limit looked at.
    if turn.of_kube_proxy || turn.hook > Hook::Prerouting {
        return false;
    }
    match turn.kind {
        Kind::Destination(Some(address), port) => !endpoint(address, port),
        Kind::Destination(None, _) | Kind::Untracks => true,
        Kind::Spares => ends(pair, turn),
        Kind::HopLimit(hops) => hops <= 1,
        Kind::Source(_) | Kind::Marks => false,
    }
}

/// Requests of the second round in this group: the node's counters were read around them.
fn repeated(roads: &[&Road]) -> usize {
    roads.iter().filter(|road| road.repeated()).count()
}

/// The first rule that diverts a client's requests: one that all of them come to, or one that may take them and counted as many as failed.
fn diverting<'t>(case: &Case, pair: &StatePair, trail: &'t Trail, failed: usize, astray: &BTreeSet<IpAddr>) -> Option<&'t Turn> {
    let translated = trail.turns.iter().position(|turn| turn.of_kube_proxy && matches!(turn.kind, Kind::Destination(..)) && turn.certain);
    let before = &trail.turns[..translated.unwrap_or(trail.turns.len())];
    let enough = |turn: &Turn| failed > 0 && turn.grown.is_some_and(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= failed));
    // A connection that is known already is translated as it was the first time, and the rule counts no more.
    let known = |turn: &Turn| matches!(turn.kind, Kind::Destination(Some(to), _) if astray.contains(&to));
    let certain = before.iter().find(|turn| turn.certain && diverts(case, pair, turn) && (turn.counted() || known(turn)));
    certain.or_else(|| trail.turns.iter().find(|turn| !turn.certain && diverts(case, pair, turn) && enough(turn)))
}

/// The rule of a turn.
fn rule(node: &str, turn: &Turn) -> Subject {
    Subject::rule(node, &turn.path, &turn.text)
}

/// A rule of the node's packet filters takes the requests elsewhere, keeps them from being translated, or ends their way.
pub(super) fn diverted(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    // Without kube-proxy's rules, what spares a packet from them spares it from nothing.
    if !translates(pair) {
        return None;
    }
    let astray = astray(case, pair, roads);
    let trails = trails(case, pair, node, roads, None);
    let mut rules: BTreeMap<&str, &Turn> = BTreeMap::new();
    for (client, trail) in &trails {
        let failed = roads.iter().filter(|road| road.repeated() && road.connection.attempt.source == Some(*client)).count();
        let turn = diverting(case, pair, trail, failed, &astray)?;
        if turn.certain && answered(case, node, *client) {
            return None;
        }
        rules.insert(&turn.path, turn);
    }
    let turn = *rules.values().next()?;
    let mut evidence: Vec<String> = rules.values().map(|turn| filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown)).collect();
    if !astray.is_empty() {
        evidence.push(format!("the connection table of {node} awaits the answers from {}", join(&astray)));
    }
    Some(found(
        names::NODE_FIREWALL_DROP,
        rules.values().map(|turn| rule(node, turn)).collect(),
        format!("a packet filter on {node} {}: {}", does(turn), turn.text),
        evidence,
    ))
}

fn does(turn: &Turn) -> String {
    match turn.kind {
        Kind::Destination(Some(to), port) => {
            format!(
                "takes it elsewhere, to {}",
                port.map_or_else(|| to.to_string(), |port| std::net::SocketAddr::new(to, port).to_string())
            )
        }
        Kind::Destination(None, _) => "takes it elsewhere, away from kube-proxy's rules".to_owned(),
        Kind::HopLimit(hops) => format!("leaves it a hop limit of {hops}, with which it gets no further"),
        _ => "keeps it from being translated to a pod".to_owned(),
    }
}

fn join(addresses: &BTreeSet<IpAddr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Whether kube-proxy's rules are there at all.
fn translates(pair: &StatePair) -> bool {
    by_iptables(pair) || pair.after.section("nft").contains(" kube-proxy {")
}

fn by_iptables(pair: &StatePair) -> bool {
    ["iptables", "ip6tables", "iptables-legacy"].iter().any(|section| pair.after.section(section).contains(":KUBE-SERVICES"))
}

/// Whether a try of the second round came in on the node from that client and was answered: then not every packet is led astray.
fn answered(case: &Case, node: &str, client: IpAddr) -> bool {
    case.roads().iter().any(|road| {
        let attempt = &road.connection.attempt;
        road.repeated() && attempt.answered() && attempt.source == Some(client) && road.entry().is_some_and(|(name, _)| name == node)
    })
}

/// Who is awaited to answer these connections without being an endpoint, by the node's connection table.
fn astray(case: &Case, pair: &StatePair, roads: &[&Road]) -> BTreeSet<IpAddr> {
    let (Some(vip), Some(target)) = (case.address(), case.target) else { return BTreeSet::new() };
    let of_road = |src: IpAddr, port: Option<u16>| {
        roads.iter().map(|road| &road.connection.attempt).any(|attempt| attempt.source == Some(src) && port == Some(attempt.source_port))
    };
    tracked(&pair.after, &Wanted { address: Some(vip), port: Some(target.port.port), ..Wanted::default() })
        .into_iter()
        .filter(|entry| entry.dst == vip && of_road(entry.src, entry.sport) && entry.reply_src != vip)
        .map(|entry| entry.reply_src)
        .filter(|to| !target.endpoints.iter().any(|endpoint| endpoint.ip == *to))
        .collect()
}

/// Where rules of the node may lead these requests, kube-proxy's aside.
pub(super) fn led_to(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> BTreeSet<IpAddr> {
    let trails = trails(case, pair, node, roads, None);
    let turns = trails.values().flat_map(|trail| &trail.turns).filter(|turn| !turn.of_kube_proxy);
    turns.filter_map(|turn| if let Kind::Destination(to, _) = turn.kind { to } else { None }).collect()
}

/// Whether a rule may have led some of these requests astray: then that nothing explains their loss is not known.
pub(super) fn suspected(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> bool {
    let trails = trails(case, pair, node, roads, None);
    let on_the_road = short_lived(case, roads, node).is_some();
    let open = trails.values().any(|trail| !trail.open.is_empty());
    on_the_road || open || trails.values().flat_map(|trail| &trail.turns).any(|turn| turn.counted() && diverts(case, pair, turn))
}

/// Whether kube-proxy's own rules counted as many of these packets as were lost in the round around which they were read.
pub(super) fn refused(pair: &StatePair, fields: &[Fields], roads: &[&Road]) -> bool {
    let repeated = roads.iter().filter(|road| road.repeated()).count();
    let lost = if repeated == 0 { roads.len() } else { repeated };
    refused_by_kube_proxy(pair, fields)
        .iter()
        .any(|drop| drop.grown.is_some_and(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= lost)))
}

/// What kube-proxy's own rules counted, and why not every rule was asked, as the end of a sentence; empty when there is neither.
pub(super) fn refusals(pair: &StatePair, fields: &[Fields]) -> String {
    let counted: Vec<String> = refused_by_kube_proxy(pair, fields)
        .into_iter()
        .filter_map(|drop| Some(format!("kube-proxy's rule {} (`{}`) took {} packets", drop.path, drop.text, drop.grown?)))
        .collect();
    let counted = if counted.is_empty() { String::new() } else { format!("; while the probe was repeated, {}", counted.join(", and ")) };
    let open: Vec<String> = undecided(pair, fields).open.into_iter().collect();
    if open.is_empty() { counted } else { format!("{counted}; in its packet filter, {}", open.join(", and ")) }
}

/// A rule of the node that took the requests leaves them too few hops for the node behind it, or a rule of this one does.
pub(super) fn short_lived(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let entries: BTreeSet<String> = roads.iter().filter_map(|road| road.entry()).map(|(name, _)| name).collect();
    entries.iter().find_map(|entry| {
        let pair = case.node_state(entry)?;
        // A node forwards nothing that has one hop left; it looks before its chains for what it forwards are called, and takes one off.
        let needed = |turn: &Turn| if entry != node && turn.hook <= Hook::Prerouting { 2 } else { 1 };
        let trails = trails(case, pair, entry, roads, None);
        let here = |turn: &Turn| entry != node || turn.hook <= Hook::Prerouting;
        let short = |turn: &&Turn| {
            matches!(turn.kind, Kind::HopLimit(hops) if hops <= needed(turn)) && here(turn) && turn.certain && turn.counted()
        };
        let all: Option<Vec<&Turn>> =
            trails.values().map(|trail| trail.turns.iter().rfind(|turn| matches!(turn.kind, Kind::HopLimit(_))).filter(short)).collect();
        let turn = *all?.first()?;
        Some(found(
            names::NODE_FIREWALL_DROP,
            vec![rule(entry, turn)],
            format!("a packet filter on {entry} {}: {}", does(turn), turn.text),
            vec![
                format!("requests come in on {node} and go no further"),
                filters::took(entry, turn.tool, &turn.path, &turn.text, turn.grown),
            ],
        ))
    })
}

/// A rule keeps requests out of the table of connections of a pod's node, so that kube-proxy's rule takes the answers for invalid there.
pub(super) fn answers_of_untracked(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let packets = Packets::of(case, roads);
    if !refused(pair, &packets.fields(Leg::Reply, case.address(), None), roads) {
        return None;
    }
    let came = roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::In && hop.tunnel.is_none()))
        .find(|hop| hop.place == node && Some(hop.destination.0) != case.address())?;
    let request = Fields {
        source: Some(came.source.0),
        destination: Some(came.destination.0),
        destination_port: Some(came.destination.1),
        protocol: packets.protocol.to_owned(),
        input: Some(came.interface.clone()),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    };
    let turn = trail(pair, &request, None).turns.into_iter().find(|turn| turn.kind == Kind::Untracks && turn.certain && turn.counted())?;
    let refused = refusals(pair, &packets.fields(Leg::Reply, case.address(), None));
    Some(found(
        names::NODE_FIREWALL_DROP,
        vec![rule(node, &turn)],
        format!(
            "a packet filter on {node} keeps requests out of the connection table, and the answers are dropped as invalid: {}",
            turn.text
        ),
        vec![
            filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown),
            format!("answers come in on {node} and do not leave it{refused}"),
        ],
    ))
}

/// A rule keeps answers out of the node's table of connections, so that nothing translates them back.
pub(super) fn untracked_answers(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let packets = Packets::of(case, roads);
    let vip = case.address();
    let lost = repeated(roads);
    packets.fields(Leg::Reply, vip, None).into_iter().filter(|fields| fields.source != vip).find_map(|fields| {
        let answer = Fields { state: Some("ESTABLISHED".to_owned()), mark: Some(0), ..fields };
        let enough = |turn: &Turn| turn.grown.is_none_or(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= lost.max(1)));
        let turn = trail(pair, &answer, None)
            .turns
            .into_iter()
            .find(|turn| matches!(turn.kind, Kind::Untracks | Kind::HopLimit(0..=1)) && turn.certain && enough(turn))?;
        let what = if turn.kind == Kind::Untracks { "keeps the answers from being translated back".to_owned() } else { does(&turn) };
        Some(found(
            names::NODE_FIREWALL_DROP,
            vec![rule(node, &turn)],
            format!("a packet filter on {node} {what}: {}", turn.text),
            vec![filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown)],
        ))
    })
}

/// Pods on other nodes answer past the node that translated the request.
pub(super) const PAST: AllOf<OfTries> = AllOf { title: "answers past the node", proofs: &[&ANSWERED_PAST] };

const ANSWERED_PAST: Proof<OfTries> = Proof {
    rule: &rules::RETURN_ASYMMETRIC,
    title: "pods that answer past the node which translated the request",
    needs: "requests that reach another node's pods with an address that is no node's, answers that leave there, and none that comes back",
    apply: Each(|tries| answered_past(tries.case, tries.roads)),
};

/// A request that was sent to a pod of another node with a source to which the pod answers past the node that translated it.
struct Past<'a> {
    entry: String,
    far: String,
    endpoint: (IpAddr, u16),
    source: IpAddr,
    out: Option<&'a Hop>,
}

fn past<'a>(case: &Case, road: &Road<'a>) -> Option<Past<'a>> {
    let (entry, _) = road.entry()?;
    let endpoint = road.endpoint()?;
    let held = case.target?.endpoints.iter().find(|held| held.ip == endpoint.0)?;
    let far = held.node.clone().filter(|far| *far != entry)?;
    let vip = case.address();
    let seen = |hop: &Hop| hop.request && hop.what != Sighting::IcmpError && Some(hop.destination.0) != vip && hop.tunnel.is_none();
    let pod = held.pod.as_ref().map(|pod| format!("{}/{pod}", case.service.namespace));
    // As the pod's node and the pod see it: what the entry's own rules still do to it was done by then.
    let source = road.hops(seen).find(|hop| hop.place == far || Some(&hop.place) == pod.as_ref())?.source.0;
    let out = road
        .hops(|hop| !hop.request && hop.passage == Passage::Out && hop.tunnel.is_none())
        .find(|hop| hop.place == far && hop.destination.0 == source);
    let came_back = road.hops(|hop| !hop.request).any(|hop| hop.place == entry);
    (!came_back).then_some(Past { entry, far, endpoint, source, out })
}

/// Pods on other nodes answer the clients themselves, past the node that translated the request and would translate the answer back.
fn answered_past(case: &Case, roads: &[&Road]) -> Vec<Finding> {
    if case.service.external_policy == TrafficPolicy::Local || roads.iter().any(|road| road.connection.vantage.is_inside()) {
        return Vec::new();
    }
    let Some(all) = roads.iter().map(|road| past(case, road)).collect::<Option<Vec<Past>>>() else { return Vec::new() };
    let kept = |road: &Road, source: IpAddr| road.connection.attempt.source == Some(source);
    // Where answers that pass the node are taken elsewhere, passing it is no fault.
    let fine =
        case.roads().iter().any(|road| road.connection.attempt.answered() && past(case, road).is_some_and(|past| kept(road, past.source)));
    if fine || all.iter().any(|past| case.is_node_address(past.source)) {
        return Vec::new();
    }
    let entries: BTreeSet<&str> = all.iter().map(|past| past.entry.as_str()).collect();
    let found: Option<Vec<Finding>> = entries
        .into_iter()
        .map(|entry| {
            let of_entry: Vec<(&Road, &Past)> = roads.iter().copied().zip(&all).filter(|(_, past)| past.entry == entry).collect();
            of_node(case, &of_entry, entry)
        })
        .collect();
    found.unwrap_or_default()
}

fn of_node(case: &Case, roads: &[(&Road, &Past)], node: &str) -> Option<Finding> {
    let pair = case.node_state(node).filter(|pair| translates(pair))?;
    let (_, first) = roads.first()?;
    let all_kept = roads.iter().all(|(road, past)| road.connection.attempt.source == Some(past.source));
    let those: Vec<&Road> = roads.iter().map(|(road, _)| *road).collect();
    let trails: Vec<Trail> = trails(case, pair, node, &those, Some(first.endpoint)).into_values().collect();
    let why = sparing(pair, &trails, all_kept, repeated(&those));
    // Another source than the client's own was given by somebody, and an answer that was not seen to pass the node may be lost otherwise:
    // there only the node's rules can tell.
    if why.is_none() && !(all_kept && roads.iter().any(|(_, past)| past.out.is_some())) {
        return None;
    }
    let far: BTreeSet<&str> = roads.iter().map(|(_, past)| past.far.as_str()).collect();
    let far = far.into_iter().collect::<Vec<_>>().join(" and ");
    let sources: BTreeSet<IpAddr> = roads.iter().map(|(_, past)| past.source).collect();
    let mut evidence = vec![format!(
        "{} requests that {node} translated reach {far} from {}, {}",
        roads.len(),
        join(&sources),
        if all_kept { "as the clients sent them" } else { "which is no node's address" }
    )];
    evidence.push(match roads.iter().find_map(|(_, past)| past.out) {
        Some(out) => format!(
            "the answers to {} leave {}/{} and do not come to {node}, which alone can translate them back",
            out.destination.0, out.place, out.interface
        ),
        None => format!(
            "no answer comes back to {node}, which alone can translate it: {far} sends it another way, or takes the request for that"
        ),
    });
    let (culprit, cause) = match why {
        Some(Why::Rule(turn)) => {
            evidence.push(filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown));
            (rule(node, &turn), format!(": {}", turn.text))
        }
        Some(Why::Missing(what)) => {
            evidence.push(format!("on {node} {what}"));
            (Subject::kube_proxy(node), format!(": {what}"))
        }
        None => (Subject::node(node), String::new()),
    };
    let summary = if all_kept {
        format!(
            "{node} does not put an address of its own into what it sends to pods on {far}, so that they answer the clients past it{cause}"
        )
    } else {
        format!("{node} puts {} into what it sends to pods on {far}, so that they answer past it{cause}", first.source)
    };
    Some(found(names::ROUTE_RETURN_ASYMMETRIC, vec![culprit], summary, evidence))
}

/// Why a node does not masquerade.
enum Why {
    Rule(Turn),
    Missing(String),
}

/// The rule that ends a packet's way before kube-proxy's masquerade, or what of that masquerade is missing.
fn sparing(pair: &StatePair, trails: &[Trail], kept: bool, failed: usize) -> Option<Why> {
    let enough = |turn: &Turn| failed > 0 && turn.grown.is_some_and(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= failed));
    let counts = |turn: &Turn| if turn.certain { turn.counted() } else { enough(turn) };
    let rule = |wanted: &dyn Fn(&Turn) -> bool| {
        let of_each: Option<Vec<&Turn>> =
            trails.iter().map(|trail| trail.turns.iter().find(|turn| !turn.of_kube_proxy && counts(turn) && wanted(turn))).collect();
        of_each.and_then(|turns| turns.first().map(|turn| Why::Rule((*turn).clone())))
    };
    if !kept {
        return rule(&|turn| turn.hook == Hook::Postrouting && matches!(turn.kind, Kind::Source(_)));
    }
    if let Some(why) = rule(&|turn| turn.hook == Hook::Postrouting && ends(pair, turn)) {
        return Some(why);
    }
    // Where the rules say that it is masqueraded, or were not followed to their end, nothing of them is missing.
    if trails.iter().any(|trail| !trail.open.is_empty() || trail.ends.is_empty() || trail.ends.iter().any(|end| end.source.is_none())) {
        return None;
    }
    let marked = trails
        .iter()
        .all(|trail| trail.turns.iter().any(|turn| turn.of_kube_proxy && turn.kind == Kind::Marks && turn.hook == Hook::Prerouting));
    if marked && let Some(why) = unmarking(trails) {
        return Some(why);
    }
    missing(pair, marked).map(|what| Why::Missing(what.to_owned()))
}

/// A rule that changes the mark which kube-proxy put on a packet to masquerade it.
fn unmarking(trails: &[Trail]) -> Option<Why> {
    let of_each: Option<Vec<&Turn>> = trails
        .iter()
        .map(|trail| {
            let put = trail.turns.iter().position(|turn| turn.of_kube_proxy && turn.kind == Kind::Marks)?;
            trail.turns[put..].iter().rfind(|turn| !turn.of_kube_proxy && turn.kind == Kind::Marks && turn.certain && turn.counted())
        })
        .collect();
    of_each?.first().map(|turn| Why::Rule((*turn).clone()))
}

/// What kube-proxy's masquerade lacks.
fn missing(pair: &StatePair, marked: bool) -> Option<&'static str> {
    let dump = ["iptables", "ip6tables", "iptables-legacy"]
        .into_iter()
        .map(|name| pair.after.section(name))
        .find(|dump| dump.contains(":KUBE-SERVICES"));
    let Some(dump) = dump else {
        let nft = pair.after.section("nft");
        return if nft.contains("chain nat-postrouting") && nft.contains("hook postrouting") {
            Some("kube-proxy's table does not masquerade it")
        } else {
            Some("kube-proxy's table has no chain nat-postrouting any more")
        };
    };
    let rules = netfilter::rules(dump);
    let nat = |chain: &str, target: &str| rules.iter().any(|rule| rule.table == "nat" && rule.chain == chain && rule.target == target);
    if !nat("POSTROUTING", "KUBE-POSTROUTING") {
        Some("nat POSTROUTING does not lead to KUBE-POSTROUTING")
    } else if !nat("KUBE-POSTROUTING", "MASQUERADE") {
        Some("KUBE-POSTROUTING has no rule that masquerades")
    } else if !marked {
        Some("no rule of kube-proxy's marks the packet to be masqueraded")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
