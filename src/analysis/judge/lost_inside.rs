//! A node that swallows packets: all of them are lost inside it, everything that may take packets there was read, and nothing does. Where one
//! of these things was not read, or may take them, that is said in its place.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::judge::node::{hairpin, kube_proxy};
use std::collections::BTreeSet;

use super::road::{Leg, Point, Road};
use super::translation;
use crate::analysis::state::conntrack::Wanted;
use crate::analysis::state::data_path;
use crate::analysis::state::mechanisms::{self, Host, Look};
use crate::analysis::state::netfilter::{Fields, Rule};
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::model::catalogue::names;
use crate::model::connection::{Hop, Sighting};
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// Tries that have to be lost: one alone may be anything.
const ENOUGH: usize = 2;

/// What the kernel counts when it drops a packet, or refuses it with ICMP, for a reason that a rule or a setting gives it: group and name in
/// its tables. One that grew by as much as was lost says that there is a reason, found or not.
const REASONS: [(&str, &str); 12] = [
    ("Ip", "InHdrErrors"),
    ("Ip", "InAddrErrors"),
    ("Ip", "InDiscards"),
    ("Ip", "OutDiscards"),
    ("Ip", "OutNoRoutes"),
    ("Ip", "FragFails"),
    ("IpExt", "InNoRoutes"),
    ("IpExt", "InTruncatedPkts"),
    ("IpExt", "InCsumErrors"),
    ("TcpExt", "IPReversePathFilter"),
    ("Icmp", "OutDestUnreachs"),
    ("Icmp", "OutTimeExcds"),
];

/// The failing tries, all of which were lost inside one node.
struct Lost<'a> {
    case: &'a Case<'a>,
    roads: &'a [&'a Road<'a>],
    node: &'a str,
    /// Whether it is the pod's own node, behind the one that announces.
    far: bool,
    pair: &'a StatePair,
    packets: Packets,
    fields: Vec<Fields>,
}

/// Something that may take them, and what is known of it.
type Asked = (&'static str, fn(&Lost) -> Look);

/// What may take them that the node's own dumps do not tell alone, each with what is known of it.
const OF_THE_CLUSTER: &[Asked] = &[
    ("the cluster's objects", objects),
    ("kube-proxy's rules for the endpoints", programmed),
    ("a network plugin's own programmes", |lost| match data_path::plugin(&lost.pair.after) {
        Some(plugin) => Look::MayTake(format!("{} leads packets there by itself: {} tells what it drops", plugin.name, plugin.drops)),
        None => Look::NotThere,
    }),
    ("what kube-proxy refuses", |lost| {
        may(translation::refused(lost.pair, &lost.fields, lost.roads), "its rules counted as many as were lost")
    }),
    ("rules that lead packets elsewhere", |lost| {
        may(translation::suspected(lost.case, lost.pair, lost.node, lost.roads), "one may have led them past kube-proxy's")
    }),
    ("other translations of an endpoint's address", |lost| {
        may(translated_again(lost.pair, &lost.packets), "the connection table leads on what is for an endpoint")
    }),
    ("ports of bridges that send nothing back", |lost| {
        hairpin::may_take(lost.case, lost.pair, lost.node, lost.roads).map_or(Look::Read, Look::MayTake)
    }),
    ("rules that come and go", |lost| may_by(come_and_go(lost.pair), |rule| format!("`{rule}` was there in one of two readings alone"))),
    ("ports for translation", |lost| {
        may_by(few_ports(lost.pair), |rule| format!("`{rule}` leaves few, and what finds none free is dropped"))
    }),
    ("reasons that the kernel counts", |lost| {
        // The counters were read around the second round alone.
        let repeated = lost.roads.iter().filter(|road| road.repeated()).count();
        may(given_a_reason(lost.pair, repeated), "one of its counters of drops grew by as many as were lost")
    }),
];

fn may(takes: bool, what: &str) -> Look {
    if takes { Look::MayTake(what.to_owned()) } else { Look::Read }
}

fn may_by(rule: Option<String>, what: impl Fn(&str) -> String) -> Look {
    rule.map_or(Look::Read, |rule| Look::MayTake(what(&rule)))
}

/// The rules of a reading.
fn rules(state: &PlaceState) -> impl Iterator<Item = &Rule> {
    [state.iptables(), state.ip6tables(), state.iptables_legacy()].into_iter().flatten().flatten()
}

/// A rule that drops and that one reading of the node has and the other has not. Between the two the tries were made.
fn come_and_go(pair: &StatePair) -> Option<String> {
    let of = |state| -> BTreeSet<(String, String, String)> {
        let taking = rules(state).filter(|rule| ["DROP", "REJECT"].contains(&rule.target.as_str()));
        taking.map(|rule| (rule.table.clone(), rule.chain.clone(), rule.text.clone())).collect()
    };
    let (before, after) = (of(&pair.before), of(&pair.after));
    let (table, _, text) = before.symmetric_difference(&after).next()?;
    Some(format!("{text} (table {table})"))
}

/// A rule that translates sources to a range of ports: when all of them are taken, what needs another one is dropped and nothing is counted
/// at the rule.
fn few_ports(pair: &StatePair) -> Option<String> {
    let ranged = |rule: &&Rule| {
        let to = |key: &str| rule.text.split_whitespace().skip_while(move |word| *word != key).nth(1);
        let given = to("--to-ports").or_else(|| to("--to-source").filter(|to| to.contains(':') && to.contains('.')));
        ["MASQUERADE", "SNAT"].contains(&rule.target.as_str()) && given.is_some_and(|given| given.chars().any(|c| c.is_ascii_digit()))
    };
    rules(&pair.after).find(ranged).map(|rule| rule.text.clone())
}

/// Every failing connection was lost inside one node, and nothing that may take packets there explains it.
pub(super) fn finding(case: &Case) -> Option<Finding> {
    with_lost(case, |lost| {
        if !open(lost).is_empty() {
            return None;
        }
        let (node, opaque) = (lost.node, mechanisms::opaque(&host(lost)));
        Some(found(
            names::NODE_LOST_INSIDE,
            vec![Subject::node(node)],
            match opaque.join(", ") {
                none if none.is_empty() => {
                    format!("requests come in on {node} and leave it towards no endpoint, and nothing that was read there explains it")
                }
                left => format!(
                    "requests come in on {node} and leave it towards no endpoint; of all that may take them only {left} cannot be read"
                ),
            },
            vec![
                format!("{} requests came in on {node}, none left it towards an endpoint", lost.roads.len()),
                format!(
                    "read on {node} around the repeated probe, and none of it takes them: {}",
                    OF_THE_CLUSTER
                        .iter()
                        .map(|(title, _)| *title)
                        .chain(mechanisms::titles().into_iter().filter(|title| !opaque.iter().any(|left| left.starts_with(*title))))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ],
        ))
    })
}

/// The same, where something that may take packets there was not read, or may have taken these.
pub(super) fn unread(case: &Case) -> Option<Gap> {
    with_lost(case, |lost| {
        let open = open(lost);
        let reason = format!(
            "requests come in on {} and leave it towards no endpoint; not known to take none of them: {}",
            lost.node,
            open.join(", ")
        );
        (!open.is_empty()).then(|| {
            Gap::new(
                names::EVIDENCE_UNDECIDED,
                Subject::node(lost.node),
                reason,
                "which of these takes them, or whether the node swallows them for no reason",
            )
            .decisive()
        })
    })
}

fn with_lost<T>(case: &Case, look: impl Fn(&Lost) -> Option<T>) -> Option<T> {
    let roads = case.roads();
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    let places: BTreeSet<(String, bool)> = failing.iter().map(|road| swallowed(road)).collect::<Option<_>>()?;
    let [(node, far)] = places.iter().collect::<Vec<_>>()[..] else { return None };
    let pair = case.node_state(node)?;
    // What the node answers itself by a reset or an ICMP error is not lost.
    let refused = |road: &&Road| {
        let own = |hop: &Hop| {
            hop.place == *node && !hop.request && hop.passage == Passage::Out && matches!(hop.what, Sighting::Reset | Sighting::IcmpError)
        };
        road.connection.hops.iter().any(own)
    };
    let watched =
        failing.len() >= ENOUGH && failing.iter().all(|road| road.watched(node)) && !failing.iter().copied().any(|road| refused(&road));
    let packets = Packets::of(case, &failing);
    let fields = packets.fields(Leg::Request, case.address(), None);
    watched.then(|| look(&Lost { case, roads: &failing, node, far: *far, pair, packets, fields }))?
}

/// Everything of which it is not known that it takes none of them.
fn open(lost: &Lost) -> Vec<String> {
    let told = |(title, look): &Asked| match look(lost) {
        Look::Read | Look::NotThere | Look::Opaque(_) => None,
        Look::NotRead(why) => Some(format!("{title} ({why})")),
        Look::MayTake(what) => Some(format!("{title} ({what})")),
    };
    OF_THE_CLUSTER.iter().filter_map(told).chain(mechanisms::open(&host(lost))).collect()
}

fn host<'a>(lost: &'a Lost<'_>) -> Host<'a> {
    Host {
        pair: lost.pair,
        packets: &lost.fields,
        next_hops: lost.packets.endpoints.iter().map(|(ip, _)| lost.pair.after.next_hops(*ip)).try_fold(
            BTreeSet::new(),
            |mut all, hops| {
                all.extend(hops?);
                Some(all)
            },
        ),
        six: lost.case.address().is_some_and(|address| address.is_ipv6()),
        lost: u64::try_from(lost.roads.iter().filter(|road| road.repeated()).count()).unwrap_or(u64::MAX),
    }
}

/// Which networks are whose, which pods there are and what policies they have the API alone tells.
fn objects(lost: &Lost) -> Look {
    let seen = lost.case.announcement.is_some_and(|announcement| announcement.nodes_seen.iter().any(|node| node.name == lost.node));
    if !seen {
        return Look::NotRead("the node objects were not read".to_owned());
    }
    if lost.case.target.is_none_or(|target| !target.pods_read || !target.slices_read) {
        return Look::NotRead("the pods or the EndpointSlices were not read".to_owned());
    }
    let about = |gap: &&Gap| match &*gap.subject {
        Subject::Api(_) | Subject::Pod { .. } => true,
        Subject::Node(node) | Subject::NodePart(node, _) => node == lost.node,
        _ => false,
    };
    lost.case.gaps.iter().find(about).map_or(Look::Read, |gap| Look::NotRead(gap.undecided.clone()))
}

/// Behind the node that announces the packet is translated already, and kube-proxy's rules are passed.
fn programmed(lost: &Lost) -> Look {
    let Lost { case, pair, .. } = lost;
    if lost.far {
        return Look::NotThere;
    }
    if data_path::plugin(&pair.after).is_some() && data_path::kube_proxy_runs(&pair.after) != Some(true) {
        // What translates there is named beside.
        return Look::NotThere;
    }
    let programmed = kube_proxy::programmed(case, pair);
    let serving = case.target.map(crate::model::endpoint::Target::serving).unwrap_or_default();
    let all =
        !serving.is_empty() && serving.iter().all(|endpoint| endpoint.port.is_some_and(|port| programmed.contains(&(endpoint.ip, port))));
    if all { Look::Read } else { Look::NotRead("they are not known to lead to every endpoint".to_owned()) }
}

/// The node in which a request was lost, and whether it is the pod's own, behind the one that announces.
fn swallowed(road: &Road) -> Option<(String, bool)> {
    let gone = road.vanished()?;
    let node = gone.last.place().to_owned();
    match (gone.leg, &gone.last, &gone.next) {
        (Leg::Request, Point::NodeClientSide(_), Point::NodePodSide(_))
        | (Leg::Reply, Point::NodeClientSide(_), Point::NodeClientSide(_)) => Some((node, false)),
        (Leg::Request, Point::FarNetworkSide(_), Point::FarPodSide(_)) => Some((node, true)),
        _ => None,
    }
}

/// Whether the node's connection table has what is for an endpoint led on to somebody else, by whatever rule: kube-proxy does so itself where
/// another Service claims the endpoint's address.
fn translated_again(pair: &StatePair, packets: &Packets) -> bool {
    packets.endpoints.iter().any(|(ip, port)| {
        let wanted = Wanted { address: Some(*ip), port: Some(*port), ..Wanted::default() };
        pair.after.tracked(&wanted).unwrap_or_default().iter().any(|entry| (entry.dst, entry.dport) == (*ip, Some(*port)) && entry.dnat)
    })
}

/// Whether the kernel counted as many drops for one reason as tries were lost while it was watched.
fn given_a_reason(pair: &StatePair, lost: usize) -> bool {
    let enough = u64::try_from(lost).unwrap_or(u64::MAX).max(2);
    let by_ipsec = pair.ipsec_dropped().is_some_and(|dropped| dropped.iter().any(|(_, grown)| *grown >= enough));
    by_ipsec || REASONS.iter().any(|(group, name)| pair.grown(group, name).is_some_and(|grown| grown >= enough))
}
