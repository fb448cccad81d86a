//! Asks on the wire who has an address, and maps every MAC that answers to the node and interface that has it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::arping;
use super::run::Run;
use crate::analysis::state::network;
use crate::analysis::state::sections::place_state;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::announcement::{Wire, WireAnswer};
use crate::model::finding::Gap;
use crate::model::flow::ArpAsk;
use crate::model::place::{Host, Place};

/// Nodes whose interfaces are read, at most: beyond it a MAC may stay without a node, which is said.
const MOST_NODES: usize = 32;

/// Asks for every address from every host, and reads the interfaces of the named nodes meanwhile.
pub fn ask(run: &Run, hosts: &[Host], addresses: &[IpAddr], nodes: &[String]) -> Wire {
    let (asks, macs) = std::thread::scope(|scope| {
        let interfaces = scope.spawn(|| macs(run, nodes));
        let asks: Vec<(IpAddr, Vec<ArpAsk>)> = addresses.iter().map(|address| (*address, arping::ask(run, hosts, *address))).collect();
        (asks, interfaces.join().unwrap_or_default())
    });
    let mut wire = Wire { nodes_read: macs.nodes, ..Wire::default() };
    for (address, asks) in asks {
        for ask in asks {
            if let Some(error) = &ask.error {
                run.gap(Gap::new(
                    "evidence/tool-missing",
                    format!("client/{}", ask.host.name),
                    error.clone(),
                    format!("who answers for {address} on the wire, asked from there"),
                ));
            }
            if !ask.asked.is_empty() && !wire.asked_from.contains(&ask.host.name) {
                wire.asked_from.push(ask.host.name.clone());
            }
            for (_, mac) in ask.replies {
                let holder = macs.of.get(&mac.to_lowercase());
                wire.answers.push(WireAnswer {
                    address,
                    node: holder.map(|(node, _)| node.clone()),
                    interface: holder.map(|(_, interface)| interface.clone()),
                    mac,
                });
            }
        }
    }
    wire.answers.sort();
    wire.answers.dedup();
    if wire.asked_from.is_empty() {
        run.fact("nobody could be asked on the wire: none of the hosts is on the address's network");
    }
    wire
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
                for link in network::links(&state).into_iter().filter(|link| !link.mac.is_empty()) {
                    macs.of.entry(link.mac.to_lowercase()).or_insert((node.clone(), link.name));
                }
            }
            Err(error) => {
                run.gap(Gap::new(error.gap_name(), format!("node {node}"), error.to_string(), format!("which MAC addresses {node} has")));
            }
        }
    }
    macs
}
