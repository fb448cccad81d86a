//! A client's own neighbour entry of its router: where it has a MAC that the router has not, every frame goes to nobody, and looks as if the
//! network had lost it. Only a permanent entry stays so by itself; the kernel asks anew for the others.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::culprits;
use super::way::{Client, client_of};
use crate::analysis::judge::answering;
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::Road;
use crate::analysis::judge::unread;
use crate::analysis::looked_at;
use crate::analysis::state::network::Neighbour;
use crate::model::basis::Basis;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// The entry of a client's next hop, from whose MAC nothing came in.
struct Entry<'a> {
    client: Client<'a>,
    router: IpAddr,
    device: String,
    mac: String,
    state: &'a str,
}

impl<'a> Entry<'a> {
    /// Of clients that are never answered, and whose requests leave them and come to no node.
    fn of(case: &'a Case<'a>, roads: &[&Road]) -> Option<Self> {
        let client = client_of(case, roads)?;
        let (router, device) = (client.way.via?, client.way.device.clone()?);
        let sent = |road: &Road| road.sent().any(|hop| hop.interface == device);
        let whole = |road: &&&Road| road.watched(&client.name) && sent(road) && answering::unwatched_nodes(case, &[**road]).is_empty();
        let all = case.roads();
        let answered = all.iter().any(|road| road.client() == client.name && road.connection.attempt.answered());
        if answered || !roads.iter().any(|road| whole(&road)) {
            return None;
        }
        let own: Vec<&Neighbour> =
            client.neighbours.iter().filter(|entry| entry.address == router && entry.device == device).copied().collect();
        let (last, mac) = own.iter().rev().find_map(|entry| Some((*entry, entry.mac.clone()?)))?;
        let same = own.iter().all(|entry| entry.mac.as_ref().is_none_or(|other| *other == mac));
        let state = last.state.as_str();
        (same && !heard(case, &client.name, &mac)).then_some(Self { client, router, device, mac, state })
    }

    fn told(&self) -> String {
        format!("`ip neigh` on {}: {} is at {} ({})", self.client.name, self.router, self.mac, self.state)
    }

    fn command(&self) -> String {
        format!("On {}: ip neigh del {} dev {}", self.client.name, self.router, self.device)
    }
}

/// Whether anything came in at a place from that MAC.
fn heard(case: &Case, place: &str, mac: &str) -> bool {
    let here = case.captures().filter(|capture| capture.request.place.to_string() == place).flat_map(|capture| &capture.packets);
    let mut came = here.filter(|packet| packet.passage != Passage::Out);
    came.any(|packet| packet.source_mac.is_some_and(|from| from.to_string().eq_ignore_ascii_case(mac)))
}

/// The MACs that answer for the router, as the client was told when it asked by ARP; none where it did not ask.
fn answers<'a>(case: &Case<'a>, entry: &Entry) -> BTreeSet<&'a str> {
    let asks = case.closer.into_iter().flat_map(|closer| &closer.next_hops);
    let own = asks.filter(|(router, ask)| *router == entry.router && ask.host.name == entry.client.name);
    let noted = own.inspect(|(_, ask)| looked_at::note(|| Basis::arp(&ask.host.name)));
    let replies = noted.flat_map(|(_, ask)| &ask.replies).filter(|(device, _)| *device == entry.device);
    replies.map(|(_, mac)| mac.as_str()).collect()
}

/// The router has another MAC than the client's entry says.
pub(super) fn wrong(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let entry = Entry::of(case, roads)?;
    let right = answers(case, &entry);
    if right.is_empty() || right.iter().any(|mac| mac.eq_ignore_ascii_case(&entry.mac)) {
        return None;
    }
    let Entry { client: Client { name, vip, .. }, router, mac, .. } = &entry;
    let right = right.into_iter().collect::<Vec<_>>().join(" and ");
    let whose = answering::macs(case).get(mac).map_or_else(String::new, |(node, interface)| format!(", which is {node}/{interface}"));
    let evidence = vec![
        entry.told(),
        format!("asked by ARP from {name}, {right} answers for {router}, and not {mac}{whose}"),
        format!("requests for {vip} leave {name}/{} by {router} and come in on no node that may announce it", entry.device),
        format!("nothing came in on {name} from {mac}"),
    ];
    let summary = format!(
        "{name} sends what is for its router {router} to {mac}{whose}, and the router is at {right}: its own neighbour entry is wrong"
    );
    let mut culprits: Vec<Subject> = culprits(roads).into_iter().take(1).collect();
    culprits.push(Subject::router(*router));
    let mut finding = found(names::WIRE_STALE_NEIGHBOUR, culprits, summary, evidence);
    let by_hand = if entry.state == "PERMANENT" {
        "; and see what wrote it: a permanent entry is somebody's"
    } else {
        "; and see what it learned it from"
    };
    finding.next = format!("{}{by_hand}.", entry.command());
    Some(finding)
}

/// As `unproven`, of a client whose way to the address was not read: any permanent entry may be that of its router.
fn by_unknown_way(case: &Case, roads: &[&Road]) -> Option<Gap> {
    roads.iter().find_map(|road| {
        let name = road.client();
        let lacks = unread::unread(case, &name, &["route-to-address"])?;
        let state = &case.node_state(&name)?.after;
        let by = |entry: &&Neighbour| road.sent().any(|hop| hop.interface == entry.device);
        let permanent = |entry: &&Neighbour| entry.state == "PERMANENT" && entry.mac.as_ref().is_some_and(|mac| !heard(case, &name, mac));
        let entry = state.neighbours()?.iter().filter(by).find(permanent)?;
        let reason = format!(
            "the request leaves {name} and reaches no node; but its neighbour entry of {} is permanent, nothing came in from its MAC, and {lacks}",
            entry.address
        );
        let what = "whether it is sent there, or the requests are lost on the way";
        Some(Gap::new(names::EVIDENCE_UNDECIDED, Subject::client(&name), reason, what).decisive())
    })
}

/// A permanent entry of which nothing tells whether it is right: the loss may begin with it.
pub(in crate::analysis::judge) fn unproven(case: &Case, roads: &[&Road]) -> Option<Gap> {
    let mut clients: BTreeSet<String> = roads.iter().map(|road| road.client()).collect();
    let entry = std::iter::from_fn(|| clients.pop_first()).find_map(|name| {
        let own: Vec<&Road> = roads.iter().copied().filter(|road| road.client() == name).collect();
        Entry::of(case, &own).filter(|entry| entry.state == "PERMANENT" && answers(case, entry).is_empty())
    });
    let Some(entry) = entry else { return by_unknown_way(case, roads) };
    let name = &entry.client.name;
    let reason = format!(
        "the request leaves {name} and reaches no node; but {name}'s own neighbour entry of its router is permanent, and nothing came in from its MAC: {}",
        entry.told()
    );
    let what = "whether that entry is wrong, or the requests are lost behind the router";
    let next = format!("{}; the kernel then asks by ARP who has it. Ask again.", entry.command());
    Some(Gap::new(names::EVIDENCE_UNDECIDED, Subject::client(name), reason, what).with_next(next).decisive())
}
