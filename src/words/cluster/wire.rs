//! Asks on the wire who has an address, and maps every MAC that answers to the node and interface that has it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::state::sections::place_state;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::panicked::joined;
use crate::evidence::side_by_side::side_by_side;
use crate::model::announcement::{Announcement, Wire, WireAnswer};
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::flow::ArpAsk;
use crate::model::place::{Host, Place};
use crate::model::subject::Subject;
use crate::words::probe::arping;
use crate::words::session::Run;

/// Nodes whose interfaces are read, at most: beyond it a MAC may stay without a node, which is said.
const MOST_NODES: usize = 32;

/// Asks on the wire for all that is announced at layer 2, or should be, at once: hosts are asked side by side, and each node is read once.
pub fn ask_about(run: &Run, hosts: &[Host], all: &mut [(Gathered<'_>, Announcement)]) {
    let asked = |found: &Announcement| !found.addresses.is_empty() && found.protocol != "bgp";
    let mut addresses: Vec<IpAddr> = Vec::new();
    // Those that are said to announce first: of a large cluster not every node is read.
    let mut places: [Vec<&str>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for (_, found) in all.iter().filter(|(_, found)| asked(found)) {
        addresses.extend(&found.addresses);
        places[0].extend(found.nodes.iter().chain(&found.expected).map(String::as_str));
        places[1].extend(found.may_announce());
        places[2].extend(found.excluded.iter().map(|out| out.node.as_str()));
    }
    if hosts.is_empty() || addresses.is_empty() {
        return;
    }
    let mut ordered: Vec<String> = Vec::new();
    for place in places.into_iter().flatten() {
        if !ordered.iter().any(|known| known == place) {
            ordered.push(place.to_owned());
        }
    }
    addresses.sort();
    addresses.dedup();
    let answers = ask(run, hosts, &addresses, &ordered);
    for (gathered, found) in all.iter_mut().filter(|(_, found)| asked(found)) {
        gathered.wire = Some(answers.of(&found.addresses));
        *found = announcement(gathered.clone());
    }
}

/// What came of asking for each address.
struct Answers(BTreeMap<IpAddr, Wire>);

impl Answers {
    /// What was answered for some of the addresses.
    fn of(&self, addresses: &[IpAddr]) -> Wire {
        let mut wire = Wire::default();
        for one in addresses.iter().filter_map(|address| self.0.get(address)) {
            wire.nodes_read.clone_from(&one.nodes_read);
            wire.answers.extend(one.answers.iter().cloned());
            for host in one.asked_from.iter().filter(|host| !wire.asked_from.contains(host)).cloned().collect::<Vec<_>>() {
                wire.asked_from.push(host);
            }
        }
        wire.answers.sort();
        wire
    }
}

/// Addresses that one command asks for: the list is an argument of it, and every claimant's answers come at once.
const MOST_ADDRESSES: usize = 128;

/// Asks for every address from every host, side by side, and reads the interfaces of the named nodes meanwhile.
fn ask(run: &Run, hosts: &[Host], addresses: &[IpAddr], nodes: &[String]) -> Answers {
    let questions: Vec<(&Host, &[IpAddr])> =
        hosts.iter().flat_map(|host| addresses.chunks(MOST_ADDRESSES).map(move |some| (host, some))).collect();
    let (asks, macs) = std::thread::scope(|scope| {
        let interfaces = scope.spawn(|| macs(run, nodes));
        let asks = side_by_side(&questions, |(host, some)| arping::ask_from(run, host, some));
        (asks, joined(interfaces))
    });
    let mut wires: BTreeMap<IpAddr, Wire> = BTreeMap::new();
    let undecided = "who answers on the wire, asked from there";
    for ((host, some), asks) in questions.into_iter().zip(asks) {
        let subject = Subject::from(host);
        match asks {
            Ok(asks) => {
                for (address, ask) in some.iter().zip(asks) {
                    if let Some(error) = &ask.error {
                        run.gap(Gap::new(names::EVIDENCE_TOOL_MISSING, &subject, error, undecided));
                    }
                    let wire = wires.entry(*address).or_insert_with(|| Wire { nodes_read: macs.nodes.clone(), ..Wire::default() });
                    told(wire, *address, ask, &macs);
                }
            }
            Err(error) => run.gap(error.gap(&subject, undecided)),
        }
    }
    if !wires.is_empty() && wires.values().all(|wire| wire.asked_from.is_empty()) {
        run.fact("nobody could be asked on the wire: none of the hosts is on the address's network");
    }
    Answers(wires)
}

fn told(wire: &mut Wire, address: IpAddr, ask: ArpAsk, macs: &Macs) {
    if !ask.asked.is_empty() {
        wire.asked_from.push(ask.host.name);
    }
    for (_, mac) in ask.replies {
        let (node, interface) = macs.of.get(&mac.to_lowercase()).cloned().unzip();
        let answer = WireAnswer { address, mac, node, interface };
        if !wire.answers.contains(&answer) {
            wire.answers.push(answer);
        }
    }
}

/// MAC addresses of nodes.
#[derive(Default)]
struct Macs {
    of: BTreeMap<String, (String, String)>,
    nodes: Vec<String>,
}

fn macs(run: &Run, nodes: &[String]) -> Macs {
    let asked: Vec<&String> = nodes.iter().take(MOST_NODES).collect();
    let answers = side_by_side(&asked, |node| {
        let host = run.node_host(node);
        let command = Command { script: Script::Links, args: Vec::new(), limit: Duration::from_secs(10), most_bytes: 1 << 20 };
        run.evidence.hosts.run(&host, &command).map(|output| place_state(Place::Host(host), &output.stdout))
    });
    let mut macs = Macs::default();
    for (node, answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(state) => {
                macs.nodes.push(node.clone());
                for link in state.links().unwrap_or_default().iter().filter(|link| !link.mac.is_empty()) {
                    macs.of.entry(link.mac.to_lowercase()).or_insert((node.clone(), link.name.clone()));
                }
            }
            Err(error) => {
                run.gap(error.gap(Subject::node(node), format!("which MAC addresses {node} has")));
            }
        }
    }
    macs
}
