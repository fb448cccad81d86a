//! What the node's own proxy is programmed to do with an address and port: kube-proxy by iptables, nftables or IPVS.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::super::netfilter::{Fields, Match};
use super::met::MOST_STEPS;
use super::travel::follow;
use super::{Action, Hook, Line, Ruleset, ruleset};
use crate::analysis::state::place_state::PlaceState;

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
    /// Whether there are more rules than were asked, so that more may belong to it.
    pub open: bool,
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
    let (mut mode, mut left, mut open) = (None, MOST_STEPS, false);
    for (start, name) in starts {
        if !ruleset.chains.contains_key(&start) {
            continue;
        }
        mode = Some(name);
        let mut visit = Visit {
            ruleset: &ruleset,
            rules: Vec::new(),
            endpoints: BTreeSet::new(),
            seen: BTreeSet::new(),
            left: MOST_STEPS,
            open: false,
        };
        visit.chain(&start, &packet);
        open |= visit.open;
        if !visit.rules.is_empty() {
            let reached = !follow(state, &ruleset, &packet, Some(Hook::Prerouting), &mut left).translated.is_empty();
            let endpoints = visit.endpoints.into_iter().map(|endpoint| endpoint.to_string()).collect();
            return Programme { mode, endpoints, rules: visit.rules, reached, open: visit.open };
        }
    }
    ipvs(state.section("ipvs"), address, port, protocol).unwrap_or(Programme {
        mode,
        endpoints: Vec::new(),
        rules: Vec::new(),
        reached: false,
        open,
    })
}

/// What is found on the way from a chain to all that it leads to, each chain once.
struct Visit<'a> {
    ruleset: &'a Ruleset,
    rules: Vec<ProxyRule>,
    endpoints: BTreeSet<SocketAddr>,
    seen: BTreeSet<String>,
    /// Steps that may still be taken, and whether they did not suffice.
    left: usize,
    open: bool,
}

impl Visit<'_> {
    /// At the top only what surely takes the packet belongs to its programme; beneath it everything that may. Chains that lead to each
    /// other, however deep, wait in a row of their own.
    fn chain(&mut self, start: &str, packet: &Fields) {
        let mut waiting: Vec<(String, usize, VecDeque<String>)> = Vec::new();
        self.seen.insert(start.to_owned());
        waiting.push((start.to_owned(), 0, VecDeque::new()));
        while let Some((name, mut line, mut leads)) = waiting.pop() {
            let top = waiting.is_empty();
            let rules = self.ruleset.chains.get(&name).map(|chain| chain.rules.as_slice()).unwrap_or_default();
            let to = loop {
                if let Some(to) = leads.pop_front() {
                    break Some(to);
                }
                let Some(rule) = rules.get(line) else { break None };
                leads = self.rule(rule, &name, packet, top);
                line += 1;
            };
            let Some(to) = to else { continue };
            waiting.push((name, line, leads));
            if self.seen.insert(to.clone()) {
                waiting.push((to, 0, VecDeque::new()));
            }
        }
    }

    /// Notes a rule when it belongs to the programme; gives the chains that it leads to.
    fn rule(&mut self, rule: &Line, chain: &str, packet: &Fields, top: bool) -> VecDeque<String> {
        let weight = rule.weight(chain, self.ruleset);
        if self.left < weight {
            (self.left, self.open) = (0, true);
            return VecDeque::new();
        }
        self.left -= weight;
        let (matched, actions) = rule.decide(packet, chain, self.ruleset);
        let leads = actions.iter().any(|action| !matches!(action, Action::Next(_) | Action::Return));
        if matched == Match::No || top && (matched != Match::Yes || !leads) {
            return VecDeque::new();
        }
        self.rules.push(ProxyRule { path: rule.path(), text: rule.text(), packets: rule.packets() });
        let mut chains = VecDeque::new();
        for action in actions {
            match action {
                Action::Jump(to) | Action::Goto(to) => chains.push_back(to),
                Action::Accept(Fields { translated: true, destination: Some(address), destination_port: Some(port), .. }) => {
                    self.endpoints.insert(SocketAddr::new(address, port));
                }
                _ => {}
            }
        }
        chains
    }
}

/// `ipvsadm -Sn`: a line for each virtual server and each real one.
fn ipvs(dump: &str, address: IpAddr, port: u16, protocol: &str) -> Option<Programme> {
    let server = SocketAddr::new(address, port).to_string();
    let kind = if protocol == "udp" { "-u" } else { "-t" };
    let mine = |words: &[&str]| words.get(1) == Some(&kind) && words.get(2) == Some(&server.as_str());
    let mut programme = Programme { mode: Some("ipvs"), endpoints: Vec::new(), rules: Vec::new(), reached: true, open: false };
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
