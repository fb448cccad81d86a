//! The failing connections, grouped by where they vanished, and the cause of each group.

use crate::analysis::judge::case::{Case, latent};
use crate::analysis::judge::node::{gone, inside};
use std::collections::{BTreeMap, BTreeSet};

use super::road::{Leg, Point, Road, Vanished};
use super::rule::{Apply::One, FirstOf, Log, Proof, Step::Look, Step::Open};
use super::seen_source;
use super::tries::{OfTries, Tries};
use super::{
    app, awaited, before_capture, client, each_client, endpoints, leaving, lost_inside, next_hop, overlay, own_requests, pod, rules, scope,
    translation, wire,
};
use crate::model::catalogue::{Property, has, names};
use crate::model::connection::Sighting;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::probe::Ending;
use crate::model::subject::Subject;

/// What a connection's end and its captures say together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    NoRoute,
    /// Nothing of the client of that name gets out of it: it has the Service's address itself, or its route leads nowhere.
    AtClient(String),
    /// Somebody translates the client of that name to an address that another one has.
    Translated(String),
    OutsideRanges,
    /// It was sent to an endpoint that is none: an address of nobody, or a number that the pod has no more.
    NoEndpoint,
    /// Nothing was seen to leave the client of that name, which was watched: what others send tells nothing of it.
    NothingLeft(String),
    /// No node took the request.
    BeforeNode,
    /// It passed one point and not the next.
    Vanished(Vanished),
    /// The answer left for a client that cannot be looked at, and that did not take it.
    NotTaken,
    /// The answer came back to the client, and the client's program never saw it.
    BackAtClient,
    PodRefused,
    /// A node refused it, or somebody between.
    RefusedElsewhere,
    /// The connection was made; what happened on it is the program's.
    Program,
    NotFollowed,
}

/// The causes of everything that failed, and what could not be decided.
pub(super) fn findings(case: &Case, log: &Log, announces: Vec<Finding>, findings: &mut Vec<Finding>, gaps: &mut Vec<Gap>) {
    let roads = case.roads();
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    let mut groups: BTreeMap<Group, Vec<&Road>> = BTreeMap::new();
    let clients = at_the_client(case, log, &failing, &client::rules::AT_CLIENT);
    let translated = at_the_client(case, log, &failing, &client::rules::TRANSLATED);
    for road in failing {
        let client = road.client();
        if translated.contains_key(&client) && seen_source::to(road).is_some() {
            groups.entry(Group::Translated(client)).or_default().push(road);
            continue;
        }
        let at_the_client = clients.contains_key(&client) && road.entry().is_none() && road.endpoint().is_none();
        groups.entry(if at_the_client { Group::AtClient(client) } else { group(case, road) }).or_default().push(road);
    }
    // One packet that was lost elsewhere than the others is no pattern.
    if groups.len() > 1 {
        groups.retain(|_, roads| roads.len() > 1 || !roads.iter().all(|road| road.late()));
    }
    let mut explained: Vec<Finding> = Vec::new();
    let mut open = Vec::new();
    let mut of_pods: BTreeMap<String, Vec<&Road>> = BTreeMap::new();
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (group, roads) in &groups {
        let parts = each_client::parts(roads, |roads| match group {
            Group::AtClient(name) => (clients.get(name).cloned().into_iter().collect(), Vec::new()),
            Group::Translated(name) => (translated.get(name).cloned().into_iter().collect(), Vec::new()),
            _ => cause(case, log, group, roads, &announces),
        });
        for each_client::Part { roads, causes, open: unknown, apart } in parts {
            for cause in causes.iter().filter(|cause| pod::is_of_pods(cause)) {
                of_pods.entry(cause.name.clone()).or_default().extend(&roads);
            }
            if !causes.is_empty() {
                told.extend(roads.iter().map(|road| road.client()));
            }
            let alone = groups.len() > 1 && matches!(group, Group::NothingLeft(_));
            let of = if apart || alone { format!("the tries from {}: ", scope::clients(&roads)) } else { String::new() };
            let scope = format!("{of}{}", scope::scope(case, &roads));
            explained.extend(causes.into_iter().map(|finding| scope::told(case, finding, &scope, &roads)));
            open.extend(unknown.into_iter().map(|gap| (roads.iter().map(|road| road.client()).collect::<BTreeSet<_>>(), gap)));
        }
    }
    let order: Vec<String> = explained.iter().map(|finding| finding.name.clone()).collect();
    for (name, roads) in order.iter().filter_map(|name| of_pods.remove_entry(name)) {
        pod::join(case, &name, &scope::scope(case, &roads), &mut explained);
    }
    // What keeps connections from a program comes before what it makes of the few that it gets.
    explained.sort_by_key(|finding| finding.name == names::APP_NO_ANSWER);
    let all = Tries { case, roads: &[], node: "" };
    explained.extend(log.all(&client::rules::BARRED, "", &all));
    if explained.is_empty() {
        // Of a node whose inside explains nothing it may still be proven that it is the one that fails.
        match log.first(&LAST_OF_ALL, "", &all) {
            Some(Ok(finding)) => explained.push(finding),
            Some(Err(gap)) => open.insert(0, (BTreeSet::new(), gap)),
            None => {}
        }
    }
    // Where a cause is proven, a part of the same failure that could not be followed does not take the verdict back. Of a client that no
    // cause explains it is told what stays open.
    if explained.is_empty() {
        gaps.extend(open.into_iter().map(|(_, gap)| gap));
        let not_followed = groups.get(&Group::NotFollowed).map(Vec::as_slice).unwrap_or_default();
        gaps.extend(own_requests::not_followed(case, not_followed));
    } else {
        let unexplained = |clients: &BTreeSet<String>| clients.iter().all(|client| !told.contains(client));
        gaps.extend(open.into_iter().filter(|(clients, _)| unexplained(clients)).map(|(_, gap)| Gap { decisive: false, ..gap }));
    }
    let causes: Vec<String> = explained.iter().map(|finding| finding.name.clone()).collect();
    findings.extend(explained);
    for finding in announces {
        if causes.contains(&finding.name) {
            continue;
        }
        // The requests came through to a node: what is odd about the announcement is not why they failed.
        findings.push(latent(case, finding));
    }
    findings
        .extend(wire::latent(case, log).into_iter().filter(|finding| !causes.contains(&finding.name)).map(|finding| latent(case, finding)));
}

/// What is proven of the whole, when nothing of its parts is.
pub(super) const LAST_OF_ALL: FirstOf<OfTries> = FirstOf {
    title: "all tries",
    steps: &[Look(&HANGS), Look(&NEXT_HOP_FAILS), Look(&LOST_INSIDE), Open(|tries| lost_inside::unread(tries.case))],
};

const HANGS: Proof<OfTries> = Proof {
    rule: &rules::NODE_HANGS,
    title: "a node that takes connections and says nothing",
    needs: "tries that hang on connections whose requests are acknowledged, all of them led to pods of one node and no answered one; and no word of that node's sshd and kubelet",
    apply: One(|tries| gone::hangs(tries.case)),
};

const NEXT_HOP_FAILS: Proof<OfTries> = Proof {
    rule: &rules::NEXT_HOP_FAILS,
    title: "a next hop that fails while the others work",
    needs: "connections that come in on one node and vanish inside it, and others that are answered by other nodes",
    apply: One(|tries| next_hop::fails(tries.case)),
};

const LOST_INSIDE: Proof<OfTries> = Proof {
    rule: &rules::LOST_INSIDE,
    title: "a node that swallows requests and has no reason to",
    needs: "every failing request lost inside one node, and everything that may take packets there read: hooks, filters, tables, queues and programmes, none of which takes these",
    apply: One(|tries| lost_inside::finding(tries.case)),
};

/// The clients of which a stage tells why their requests fail, such as their own routes, and the cause of each.
fn at_the_client(case: &Case, log: &Log, failing: &[&Road], stage: &FirstOf<OfTries>) -> BTreeMap<String, Finding> {
    let mut by_client: BTreeMap<String, Vec<&Road>> = BTreeMap::new();
    for road in failing {
        by_client.entry(road.client()).or_default().push(road);
    }
    let cause = |(name, roads): (String, Vec<&Road>)| {
        let finding = log.first(stage, &name, &Tries { case, roads: &roads, node: "" })?.ok()?;
        Some((name, finding))
    };
    by_client.into_iter().filter_map(cause).collect()
}

fn group(case: &Case, road: &Road) -> Group {
    let attempt = &road.connection.attempt;
    // A router may say "network unreachable" too: it is the client's own word only when nothing left it.
    if attempt.ending == Ending::NoRoute && road.sent().next().is_none() {
        let own_word = road.watched(&road.client()) || client::has_no_way(case, road);
        return if own_word { Group::NoRoute } else { Group::NotFollowed };
    }
    if seen_source::seen_as(road).is_some_and(|source| client::source_range(case, source)) && road.endpoint().is_none() {
        return Group::OutsideRanges;
    }
    if endpoints::explains(case, road) {
        return Group::NoEndpoint;
    }
    if road.refused_by_pod() && matches!(attempt.ending, Ending::Refused | Ending::ConnectTimeout) {
        return Group::PodRefused;
    }
    if road.entry().is_none() && road.endpoint().is_none() {
        // What a node's own kube-proxy takes is announced to nobody and crosses no network before that.
        if road.connection.vantage.is_inside() {
            return Group::NotFollowed;
        }
        if attempt.ending == Ending::Refused {
            return Group::RefusedElsewhere;
        }
        if !road.watched(&road.client()) {
            return Group::NotFollowed;
        }
        return if road.sent().next().is_none() { Group::NothingLeft(road.client()) } else { Group::BeforeNode };
    }
    match road.vanished() {
        Some(gone) => Group::Vanished(gone),
        None if awaited::not_taken(road) => Group::NotTaken,
        None if matches!(attempt.ending, Ending::Refused | Ending::HostUnreachable | Ending::NoRoute) => Group::RefusedElsewhere,
        None if attempt.ending == Ending::ConnectTimeout && road.passed(Leg::Reply, &Point::Client(road.client())) => Group::BackAtClient,
        None if attempt.ending == Ending::ConnectTimeout => stopped_at(road),
        None => Group::Program,
    }
}

/// A connection that was never made although nothing was seen to vanish: the last point is where it ended.
fn stopped_at(road: &Road) -> Group {
    match road.points().last() {
        Some(point @ (Point::NodeClientSide(_) | Point::NodePodSide(_))) if road.endpoint().is_none() => {
            Group::Vanished(Vanished { leg: Leg::Request, last: point.clone(), next: Point::NodePodSide(point.place().to_owned()) })
        }
        _ => Group::NotFollowed,
    }
}

fn cause(case: &Case, log: &Log, group: &Group, roads: &[&Road], announces: &[Finding]) -> (Vec<Finding>, Vec<Gap>) {
    if matches!(group, Group::Vanished(_) | Group::PodRefused)
        && let Some(finding) = inside::astray(case, log, roads)
    {
        return (vec![finding], Vec::new());
    }
    let clients = scope::clients(roads);
    let tries = Tries { case, roads, node: "" };
    match group {
        Group::NoRoute => decided(log.first(&client::rules::AT_ONCE, &clients, &tries)),
        Group::OutsideRanges => decided(log.first(&client::rules::RANGES, &clients, &tries)),
        Group::NoEndpoint => (log.all(&endpoints::rules::PROVEN, "", &tries), Vec::new()),
        Group::NothingLeft(_) => one(wire::before_node(case, log, roads, announces)),
        Group::BeforeNode => {
            before_capture::weighed(case, &before_capture::entrances(case), one(wire::before_node(case, log, roads, announces)))
        }
        Group::Vanished(gone) if gone.last.place() == gone.next.place() => vanished(case, log, gone, roads),
        Group::Vanished(gone) => before_capture::weighed(case, &[gone.next.place().to_owned()], vanished(case, log, gone, roads)),
        Group::BackAtClient => decided(log.first(&client::rules::BACK_AT_CLIENT, &clients, &tries)),
        Group::NotTaken => {
            let node = awaited::taker(roads);
            decided(log.first(&leaving::NOT_TAKEN, &node, &Tries { node: &node, ..tries }))
        }
        Group::PodRefused => pod::refused(case, log, roads),
        Group::RefusedElsewhere => one(refused_elsewhere(case, log, roads, announces)),
        Group::Program => app::findings(case, log, roads),
        // What is found at a client is found before the groups are made.
        Group::AtClient(_) | Group::Translated(_) | Group::NotFollowed => (Vec::new(), Vec::new()),
    }
}

fn decided(result: Option<Result<Finding, Gap>>) -> (Vec<Finding>, Vec<Gap>) {
    result.map_or_else(Default::default, one)
}

fn one(result: Result<Finding, Gap>) -> (Vec<Finding>, Vec<Gap>) {
    match result {
        Ok(finding) => (vec![finding], Vec::new()),
        Err(gap) => (Vec::new(), vec![gap]),
    }
}

fn vanished(case: &Case, log: &Log, gone: &Vanished, roads: &[&Road]) -> (Vec<Finding>, Vec<Gap>) {
    if let Some(place) = roads.iter().flat_map(|road| road.unwatched_between(gone)).next() {
        let reason =
            format!("a packet passed {} and was not seen at {}, and {place} between them could not be watched", gone.last, gone.next);
        return (Vec::new(), vec![super::node::gone::unseen(&place, &reason)]);
    }
    let data = matches!(gone.leg, Leg::RequestData | Leg::ReplyData);
    if data && let Some(finding) = overlay::size(case, log, roads, gone) {
        return (vec![finding], Vec::new());
    }
    let (causes, gaps) = passed_on(case, log, gone, roads);
    // That packets are lost on the way is no cause where the small ones pass: their size may be it, or what they hold.
    let where_alone = |finding: &Finding| has(&finding.name, Property::WhereAlone);
    // Who resets has read what it is about: a size it would not take for one.
    let reset = roads.iter().all(|road| wire::request_lost::reset_between(road));
    match overlay::size_or_content(roads, gone).filter(|_| !reset) {
        Some(gap) if data && causes.iter().all(where_alone) && !causes.is_empty() => (Vec::new(), vec![gap]),
        _ => (causes, gaps),
    }
}

/// What takes packets between two points of the road.
fn passed_on(case: &Case, log: &Log, gone: &Vanished, roads: &[&Road]) -> (Vec<Finding>, Vec<Gap>) {
    // What comes in on the pod's node from a client itself may be taken there for that, by its reverse path filter first of all.
    if gone.leg == Leg::Reply || (gone.leg == Leg::Request && matches!(gone.last, Point::FarNetworkSide(_))) {
        let past = log.all(&translation::PAST, "", &Tries { case, roads, node: "" });
        if !past.is_empty() {
            return (past, Vec::new());
        }
    }
    let request = matches!(gone.leg, Leg::Request | Leg::RequestData);
    let node = gone.last.place();
    let tries = Tries { case, roads, node };
    match (&gone.last, &gone.next) {
        (Point::Pod(_), Point::Pod(_)) => pod::no_reply(case, log, roads),
        (Point::NodeClientSide(_), Point::NodeClientSide(_)) if !request => one(inside::request_inside(case, log, roads, node)),
        (last, next) if last == next => one(inside::beyond(case, log, roads, node)),
        (Point::Client(_), Point::NodeClientSide(_)) if request => one(wire::before_node(case, log, roads, &[])),
        (Point::NodeClientSide(_), _) if request => one(inside::request_inside(case, log, roads, node)),
        (Point::FarPodSide(_) | Point::NodePodSide(_), Point::Pod(_)) => one(inside::on_the_link(case, log, roads, node)),
        (Point::FarNetworkSide(_), Point::FarPodSide(_) | Point::FarUnderlay(_)) | (Point::FarPodSide(_), Point::FarNetworkSide(_)) => {
            one(inside::far_inside(case, log, roads, node, gone.leg))
        }
        (Point::Pod(_), Point::FarPodSide(_) | Point::NodePodSide(_)) => {
            one(inside::far_inside(case, log, roads, gone.next.place(), gone.leg))
        }
        (Point::NodePodSide(_), Point::NodeClientSide(_)) => {
            let another = log.first(&leaving::ANOTHER_WAY, node, &tries);
            one(another.unwrap_or_else(|| inside::reply_inside(case, log, roads, node)))
        }
        (Point::NodeClientSide(_), Point::Client(_)) => decided(log.first(&leaving::LEFT, node, &tries)),
        _ => one(overlay::lost(case, log, roads, gone)),
    }
}

/// A refusal that no pod gave: who sent it?
fn refused_elsewhere(case: &Case, log: &Log, roads: &[&Road], announces: &[Finding]) -> Result<Finding, Gap> {
    // The refusal of somebody who holds the address without being a node never passes a node.
    let reached = roads.iter().any(|road| road.entry().is_some());
    // What refuses before anything leaves the client is the client's own.
    let left = roads.iter().any(|road| !road.watched(&road.client()) || road.sent().any(|hop| hop.interface != "lo"));
    let by_client = || log.first(&client::rules::REFUSED_BY_CLIENT, &scope::clients(roads), &Tries { case, roads, node: "" });
    if !left && let Some(decided) = by_client() {
        return decided;
    }
    if !reached {
        return wire::before_node(case, log, roads, announces).and_then(|finding| {
            // A refusal is an answer: that the request was merely lost cannot be the cause. Who resets without being any place is one.
            let reset = roads.iter().all(|road| wire::request_lost::reset_between(road));
            let said = finding.culprits.iter().any(|culprit| matches!(culprit, Subject::Router(_)));
            if has(&finding.name, Property::WhereAlone) && !reset && !said {
                Err(Gap::new(
                    names::EVIDENCE_UNDECIDED,
                    case.service,
                    "the connection is refused, and no node was seen to take it",
                    "who refuses it",
                )
                .decisive())
            } else {
                Ok(finding)
            }
        });
    }
    let node = roads.iter().find_map(|road| road.entry()).map(|(node, _)| node).unwrap_or_default();
    let by_node = roads.iter().any(|road| {
        road.hops(|hop| hop.passage == Passage::Out && !hop.request && matches!(hop.what, Sighting::Reset | Sighting::IcmpError))
            .any(|hop| hop.place == node)
    });
    let result = inside::request_inside(case, log, roads, &node);
    match result {
        Ok(finding) => Ok(finding),
        Err(gap) if by_node => Err(gap),
        Err(_) => Err(Gap::new(
            names::EVIDENCE_UNDECIDED,
            case.service,
            "the connection is refused between the client and the pod",
            "who refuses it",
        )
        .decisive()),
    }
}
