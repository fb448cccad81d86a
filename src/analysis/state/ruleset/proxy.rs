//! What the node's own proxy is programmed to do with an address and port: kube-proxy by iptables, nftables or IPVS.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::super::netfilter::{Fields, Match};
use super::{Action, Hook, Ruleset, ruleset, walk};
use crate::model::state::PlaceState;

/// The programme for one address and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Programme {
    /// `iptables`, `nftables`, `ipvs`, or none where no programme of kube-proxy's was found.
    pub mode: Option<&'static str>,
    /// Where it leads to, each as `ADDRESS:PORT`, in order.
    pub endpoints: Vec<String>,
    /// The rules that make it, in the order in which they are met.
    pub rules: Vec<ProxyRule>,
    /// Whether a packet from outside to the address and port comes to these rules and is translated.
    pub reached: bool,
}

/// A rule of the programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProxyRule {
    /// `nat/KUBE-SERVICES/4`, or for nftables `ip-kube-proxy/services/1`; `ipvs` for IPVS.
    pub path: String,
    pub text: String,
    pub packets: Option<u64>,
}

/// What is programmed for an address and port, by the dumps that the `state` script reads for `proxy_rules`.
#[must_use]
pub fn programme(state: &PlaceState, address: IpAddr, port: u16, protocol: &str) -> Programme {
    let packet = Fields {
        destination: Some(address),
        destination_port: Some(port),
        protocol: protocol.to_owned(),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    };
    let family = if address.is_ipv6() { "ip6" } else { "ip" };
    let ruleset = ruleset(state, address.is_ipv6());
    let starts = [
        ("iptables nat KUBE-SERVICES".to_owned(), "iptables"),
        ("legacy nat KUBE-SERVICES".to_owned(), "iptables"),
        (format!("nft {family} kube-proxy services"), "nftables"),
    ];
    let mut mode = None;
    for (start, name) in starts {
        if !ruleset.chains.contains_key(&start) {
            continue;
        }
        mode = Some(name);
        let mut visit = Visit { ruleset: &ruleset, rules: Vec::new(), endpoints: BTreeSet::new(), seen: BTreeSet::new() };
        visit.chain(&start, &packet, true);
        if !visit.rules.is_empty() {
            let reached = !walk(state, &packet, Some(Hook::Prerouting)).translated.is_empty();
            let endpoints = visit.endpoints.into_iter().map(|endpoint| endpoint.to_string()).collect();
            return Programme { mode, endpoints, rules: visit.rules, reached };
        }
    }
    ipvs(state.section("ipvs"), address, port, protocol).unwrap_or(Programme {
        mode,
        endpoints: Vec::new(),
        rules: Vec::new(),
        reached: false,
    })
}

struct Visit<'a> {
    ruleset: &'a Ruleset,
    rules: Vec<ProxyRule>,
    endpoints: BTreeSet<SocketAddr>,
    seen: BTreeSet<String>,
}

impl Visit<'_> {
    /// At the top only what surely takes the packet belongs to its programme; beneath it everything that may.
    fn chain(&mut self, name: &str, packet: &Fields, top: bool) {
        if !self.seen.insert(name.to_owned()) {
            return;
        }
        let ruleset = self.ruleset;
        let Some(chain) = ruleset.chains.get(name) else { return };
        for line in &chain.rules {
            let (matched, actions) = line.decide(packet, name, ruleset);
            let leads = actions.iter().any(|action| !matches!(action, Action::Next(_) | Action::Return));
            if matched == Match::No || top && (matched != Match::Yes || !leads) {
                continue;
            }
            self.rules.push(ProxyRule { path: line.path(), text: line.text(), packets: line.packets() });
            for action in actions {
                match action {
                    Action::Jump(to) | Action::Goto(to) => self.chain(&to, packet, false),
                    Action::Accept(Fields { translated: true, destination: Some(address), destination_port: Some(port), .. }) => {
                        self.endpoints.insert(SocketAddr::new(address, port));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// `ipvsadm -Sn`: a line for each virtual server and each real one.
fn ipvs(dump: &str, address: IpAddr, port: u16, protocol: &str) -> Option<Programme> {
    let server = SocketAddr::new(address, port).to_string();
    let kind = if protocol == "udp" { "-u" } else { "-t" };
    let mine = |words: &[&str]| words.get(1) == Some(&kind) && words.get(2) == Some(&server.as_str());
    let mut programme = Programme { mode: Some("ipvs"), endpoints: Vec::new(), rules: Vec::new(), reached: true };
    for line in dump.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if matches!(words.first(), Some(&("-A" | "-a"))) && mine(&words) {
            programme.rules.push(ProxyRule { path: "ipvs".to_owned(), text: line.to_owned(), packets: None });
            let real = words.iter().position(|word| *word == "-r").and_then(|at| words.get(at + 1));
            programme.endpoints.extend(real.filter(|_| words[0] == "-a").map(|real| (*real).to_owned()));
        }
    }
    programme.endpoints.sort();
    (!programme.rules.is_empty()).then_some(programme)
}
