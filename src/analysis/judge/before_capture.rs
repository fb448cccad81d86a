//! What takes packets before a capture sees them: a programme at an interface (XDP). Where one stands on the side by which packets come in,
//! "seen on no node" is not "came to no node", and no loss before it is proven.

use std::collections::BTreeSet;

use super::case::Case;
use crate::analysis::state::network::Link;
use crate::analysis::state::place_state::PlaceState;
use crate::model::announcement::Announcement;
use crate::model::catalogue::{Property, has, names};
use crate::model::finding::{Finding, Gap};
use crate::model::place::{HostKind, Place};
use crate::model::subject::Subject;

/// What is said of packets that did not come to these places. That they are lost before one of them is open where a programme stands there.
pub(super) fn weighed(case: &Case, places: &[String], (causes, gaps): (Vec<Finding>, Vec<Gap>)) -> (Vec<Finding>, Vec<Gap>) {
    let lost = |finding: &Finding| has(&finding.name, Property::WhereAlone) && !finding.culprits.iter().any(is_a_router);
    if !causes.iter().any(lost) {
        return (causes, gaps);
    }
    let Some((place, interface, programme)) = places.iter().find_map(|place| standing(case, place)) else {
        let Some(place) = places.iter().find(|place| links_unread(case, place)) else { return (causes, gaps) };
        let reason =
            format!("the links of {place} were not read, and a programme at one of them would take packets before a capture sees them");
        let what = format!("whether anything takes the packets at {place}, or they are lost before it");
        let open = Gap::new(names::EVIDENCE_UNDECIDED, Subject::node(place), reason, what).decisive();
        let causes = causes.into_iter().filter(|finding| !lost(finding)).collect();
        return (causes, gaps.into_iter().chain([open]).collect());
    };
    let open = |finding: &Finding| {
        let reason =
            format!("{}; but at {place}/{interface} stands {programme}, which takes packets before a capture sees them", finding.summary);
        let what = format!("whether that programme takes the packets, or they are lost before {place}");
        Gap::new(names::EVIDENCE_UNDECIDED, Subject::interface(&place, &interface), reason, what).decisive()
    };
    let (weak, causes): (Vec<Finding>, Vec<Finding>) = causes.into_iter().partition(lost);
    (causes, gaps.into_iter().chain(weak.iter().map(open)).collect())
}

/// The nodes that may take a request.
pub(super) fn entrances(case: &Case) -> Vec<String> {
    case.announcement.map(Announcement::entrances).unwrap_or_default()
}

/// What a router says or does itself rests on no silence of a capture.
fn is_a_router(culprit: &Subject) -> bool {
    matches!(culprit, Subject::Router(_))
}

/// Whether a place's state was read, and its links were not.
fn links_unread(case: &Case, place: &str) -> bool {
    case.states()
        .any(|pair| pair.after.place.to_string() == *place && [&pair.before, &pair.after].iter().all(|state| state.links().is_none()))
}

/// A programme at an interface by which packets come in: the place, the interface, and what it is.
fn standing(case: &Case, place: &str) -> Option<(String, String, String)> {
    let pair = case.states().find(|pair| pair.after.place.to_string() == place)?;
    // One that was taken away or put in meanwhile was there for a part of the tries.
    [&pair.before, &pair.after].into_iter().find_map(|state| {
        let links = state.links()?;
        let node = matches!(&state.place, Place::Host(host) if host.kind == HostKind::Node);
        let near = node.then(|| near(case, place, state.on_link(case.address()?)?, links)).flatten();
        let by =
            |link: &&Link| link.xdp && near.as_ref().is_none_or(|near| near.contains(link.name.as_str()) || !leads_to_pods(link, state));
        let link = links.iter().find(by)?;
        let programme = link.programme.as_ref().map_or_else(|| "an XDP programme".to_owned(), |name| format!("the XDP programme {name}"));
        Some((place.to_owned(), link.name.clone(), programme))
    })
}

/// A node's interfaces on the side of the address, and those that these are made of.
fn near<'a>(case: &'a Case, place: &str, on_link: Vec<&'a str>, links: &'a [Link]) -> Option<BTreeSet<&'a str>> {
    let announcement = case.announcement?;
    let named = announcement.interfaces.iter().filter(|_| announcement.nodes.iter().any(|node| node == place)).map(String::as_str);
    let mut near: BTreeSet<&str> = on_link.into_iter().chain(named).collect();
    let ports = links.iter().filter(|link| link.master.as_deref().is_some_and(|master| near.contains(master)));
    let ports: Vec<&str> = ports.map(|link| link.name.as_str()).collect();
    near.extend(ports);
    Some(near)
}

/// Whether it is one end of a pod's link, by which nothing comes in from outside.
fn leads_to_pods(link: &Link, state: &PlaceState) -> bool {
    let inner = |bridge: &String| state.is_inner_bridge(bridge);
    link.kind.as_deref() == Some("veth") && (link.name.starts_with("cali") || link.master.as_ref().is_some_and(inner))
}
