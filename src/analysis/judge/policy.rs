//! NetworkPolicies: a packet that came to the pod's node and that a policy does not let into the pod.

mod named;
mod stale;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters::Taking;
use crate::analysis::judge::node::packets::Packets;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::analysis::state::data_path;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::plugin_rules::{self, Enforced};
use crate::analysis::state::ruleset::Hook;
use crate::model::catalogue::names;
use crate::model::endpoint::Endpoint;
use crate::model::finding::Finding;
use crate::model::kubernetes::Pod;
use crate::model::policy::{Incoming, NetworkPolicy};
use crate::model::subject::Subject;
use named::Policy;

pub(in crate::analysis::judge) use stale::{left_behind, stale};

/// How the chains begin in which a network plugin enforces policies: Calico's, kube-router's, Weave's, Antrea's.
const CHAINS: [&str; 6] = ["cali-", "KUBE-NWPLCY-", "KUBE-POD-FW-", "KUBE-ROUTER-", "WEAVE-NPC", "ANTREA-"];

/// The agents that write such chains, by how these begin: the process, and how a sentence names it.
const AGENTS: [(&str, &str, &str); 4] = [
    ("cali-", "calico-node", "Calico's agent"),
    ("KUBE-NWPLCY-", "kube-router", "kube-router"),
    ("KUBE-POD-FW-", "kube-router", "kube-router"),
    ("KUBE-ROUTER-", "kube-router", "kube-router"),
];

/// The agent that writes a chain: its process, and how a sentence names it.
fn agent_of(chain: &str) -> Option<(&'static str, &'static str)> {
    AGENTS.iter().find(|(start, ..)| chain.starts_with(start)).map(|(_, process, named)| (*process, *named))
}

/// What a rule of a plugin enforces.
struct Behind<'a> {
    chain: String,
    /// What the plugin itself names.
    named: Vec<Policy>,
    /// Whether one of them has the rule itself.
    own: bool,
    /// What the objects say.
    denying: Vec<&'a NetworkPolicy>,
}

impl<'a> Behind<'a> {
    fn of(case: &'a Case, pair: &StatePair, node: &str, packets: &Packets, filter: &Taking) -> Option<Self> {
        let chain = filter.rule.chain().filter(|chain| CHAINS.iter().any(|start| chain.starts_with(start)))?;
        let pods = &case.service.namespace;
        // The plugin's own word for the rule's policy goes before what the objects say: one that drops by a rule of its own needs no other.
        let own = Self::own(pair, filter);
        let mut named: Vec<Policy> =
            own.iter().map(|enforced| Policy::named(enforced, pods, "has the rule that takes these requests")).collect();
        for enforced in plugin_rules::asked_before(&pair.after, &filter.table, chain, &filter.text) {
            let policy = Policy::named(&enforced, pods, "is asked about these requests and does not let them in");
            if !named.iter().any(|known| known.subject == policy.subject) {
                named.push(policy);
            }
        }
        let denying = Seen::of(case, node, packets).map(|seen| seen.denying()).unwrap_or_default();
        Some(Self { chain: chain.to_owned(), named, own: own.is_some(), denying })
    }

    /// The policy that has the rule itself.
    fn own(pair: &StatePair, filter: &Taking) -> Option<Enforced> {
        let of_chain = || plugin_rules::of_chain(&pair.after, &filter.table, filter.rule.chain()?);
        plugin_rules::enforced_by(&filter.text).or_else(of_chain)
    }

    fn agent(&self) -> Option<(&'static str, &'static str)> {
        agent_of(&self.chain)
    }

    /// What the kernel says of the agent that wrote the rule, where it does not run.
    fn standing(&self, pair: &StatePair, node: &str) -> Option<String> {
        let (process, named) = self.agent()?;
        let states = pair.after.processes(process)?;
        let word = if states.is_empty() {
            "no process of it runs there"
        } else if states.contains(&'T') {
            "the kernel shows it stopped (state T)"
        } else {
            return None;
        };
        Some(format!("{named} ({process}) on {node} does not work: {word}; what it enforces may be old"))
    }
}

/// A packet filter was found to drop the request: when it enforces policies, the policy is the cause and the rule its proof.
pub(super) fn behind(case: &Case, pair: &StatePair, node: &str, packets: &Packets, filter: Taking) -> Option<Finding> {
    let behind = Behind::of(case, pair, node, packets, &filter)?;
    let (standing, behind_agent) = (behind.standing(pair, node), behind.agent());
    let of_kubernetes = |policy: &&NetworkPolicy| Policy::of(policy, "selects the pod and lets none of these requests in");
    let mut policies: Vec<Policy> = if behind.own { Vec::new() } else { behind.denying.iter().map(of_kubernetes).collect() };
    for policy in behind.named {
        if !policies.iter().any(|known| known.subject == policy.subject) {
            policies.push(policy);
        }
    }
    // A policy of one namespace is nearer to the pod than one of the whole cluster.
    policies.sort_by_key(|policy| !matches!(policy.subject, Subject::NetworkPolicy { .. }));
    let mut evidence = filter.evidence;
    // It stands first: what the agent enforces may not be what the cluster holds.
    evidence.splice(0..0, standing.clone());
    let at_node = matches!(filter.hook, Hook::Ingress | Hook::Prerouting | Hook::Input);
    if !at_node {
        evidence.push(sources(packets, node, case.announcer().as_deref()));
    }
    // Egress of a request that comes in, and the chains of host endpoints, guard the node's own interfaces.
    let of_host = ["cali-po-", "cali-fhfw-", "cali-thfw-", "cali-fh-", "cali-th-"].iter().any(|start| behind.chain.starts_with(start));
    let guarded = match (at_node, of_host) {
        (true, _) => Guarded::Node(node),
        (false, true) => Guarded::Passing(node),
        (false, false) => Guarded::Pod,
    };
    let agent = behind_agent.filter(|_| standing.is_some());
    let mut finding = (!policies.is_empty()).then(|| denied(&policies, evidence, &guarded))?;
    if let Some((process, agent)) = agent {
        finding.summary = format!("{}, as {agent} on {node} last knew it: it does not work", finding.summary);
        let wake = pair.after.wake(process).unwrap_or_else(|| format!("Start {agent} on {node}."));
        finding.next = format!("{wake} What it enforces may be old: see then whether it still holds. {}", finding.next);
        finding.culprits.push(Subject::from(format!("node/{node}/{process}")));
    }
    Some(finding)
}

/// A finding about a rule that a network plugin wrote, whatever for: whoever removes it finds it there again.
pub(super) fn of_plugin(mut finding: Finding, node: &str) -> Finding {
    let chain = finding.culprits.first().and_then(Subject::chain).map(str::to_owned).unwrap_or_default();
    if let Some((process, agent)) = agent_of(&chain) {
        finding.next = format!(
            "{agent} writes this rule, and writes it again: see what makes it ({}), and {process}'s log on {node}.",
            if process == "calico-node" {
                "kubectl get felixconfigurations.crd.projectcalico.org,hostendpoints.crd.projectcalico.org,globalnetworkpolicies.crd.projectcalico.org -o yaml"
            } else {
                "kubectl get networkpolicies -A"
            }
        );
    }
    finding
}

/// Whom and which port the policy sees: another node's pods see the address that the first node gave the request, and the port is the pods'.
fn sources(packets: &Packets, node: &str, announcer: Option<&str>) -> String {
    let listed = |all: &BTreeSet<IpAddr>| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let given: BTreeSet<IpAddr> = packets.seen_sources.iter().filter(|source| !packets.clients.contains(source)).copied().collect();
    let ports: BTreeSet<u16> = packets.endpoints.iter().map(|(_, port)| *port).collect();
    let ports = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let clients = listed(&packets.clients);
    if given.is_empty() || announcer == Some(node) {
        return format!("there {node} sees these requests from {clients}, to port {ports} of the pods");
    }
    let by = announcer.unwrap_or("the announcing node");
    format!(
        "there {node} sees these requests from {}, which {by} gave them, and not from {clients}; to port {ports} of the pods",
        listed(&given)
    )
}

/// What a policy keeps requests from.
enum Guarded<'a> {
    Pod,
    /// A node's own interface, before it translates: Calico's host endpoints.
    Node(&'a str),
    /// What a node forwards, by one of its own interfaces: Calico's host endpoints with applyOnForward.
    Passing(&'a str),
}

/// What Calico's agent writes beside the rule that takes whatever comes by a link, or is for one, that it does not know.
const UNKNOWN_LINK: &str = "\"Unknown interface\"";

/// The rule that drops the request is the agent's own for links that it does not know: it lags behind, whatever policies say.
pub(super) fn unknown_link(case: &Case, pair: &StatePair, node: &str, packets: &Packets, filter: Taking) -> Option<Finding> {
    let behind = Behind::of(case, pair, node, packets, &filter)?;
    let target = case.target?;
    let here = |ip: &IpAddr| target.endpoints.iter().any(|endpoint| endpoint.ip == *ip && endpoint.node.as_deref() == Some(node));
    let pods: BTreeSet<&str> = packets.endpoints.iter().filter(|(ip, _)| here(ip)).filter_map(|(ip, _)| case.pod_at(*ip)).collect();
    if !behind.chain.starts_with("cali-") || !filter.text.contains(UNKNOWN_LINK) || pods.is_empty() {
        return None;
    }
    let (process, agent) = behind.agent()?;
    let mut evidence = filter.evidence;
    evidence.push(format!("the rule is {agent}'s own, for links that it does not know; {} runs on {node}", listed(&pods)));
    evidence.extend(behind.standing(pair, node));
    let mut finding = found(
        names::POLICY_AGENT_BEHIND,
        vec![Subject::from(format!("node/{node}/{process}"))],
        format!("{agent} on {node} does not know the link of {}, and drops what is for it", listed(&pods)),
        evidence,
    );
    finding.next = pair
        .after
        .wake(process)
        .unwrap_or_else(|| format!("{} kubectl get pods -A -l k8s-app={process} --field-selector spec.nodeName={node}", finding.next));
    Some(finding)
}

fn listed(all: &BTreeSet<&str>) -> String {
    all.iter().copied().collect::<Vec<_>>().join(" and ")
}

/// No packet filter tells what takes the request on the pod's node: where a plugin enforces policies in another way, and a policy does
/// not let the request in, it is that policy.
pub(super) fn unseen(case: &Case, pair: &StatePair, node: &str, packets: &Packets) -> Option<Finding> {
    let plugin = data_path::plugin(&pair.after)?;
    let denying = Seen::of(case, node, packets)?.denying();
    let proof = format!(
        "the request comes to {node} and is not passed on to the pod; {} runs there, and enforces policies by programmes of its own",
        plugin.name
    );
    let policies: Vec<Policy> =
        denying.iter().map(|policy| Policy::of(policy, "selects the pod and lets none of these requests in")).collect();
    (!policies.is_empty()).then(|| denied(&policies, vec![proof], &Guarded::Pod))
}

/// The lost requests as the policies of the pods on a node see them.
struct Seen<'a> {
    case: &'a Case<'a>,
    sources: BTreeSet<IpAddr>,
    /// The pods that they are for, by labels, names of ports and the port.
    pods: Vec<(&'a Pod, BTreeMap<String, u16>, u16)>,
}

impl<'a> Seen<'a> {
    fn of(case: &'a Case, node: &str, packets: &Packets) -> Option<Self> {
        let target = case.target?;
        // Another node's pods see the address that the first node gave the request, its own pods the client's.
        let far = packets.seen_sources.iter().any(|source| !packets.clients.contains(source));
        let sources = if far { &packets.seen_sources } else { &packets.clients };
        let here =
            |endpoint: &&Endpoint| endpoint.node.as_deref() == Some(node) && packets.endpoints.iter().any(|(ip, _)| *ip == endpoint.ip);
        let pods = target.endpoints.iter().filter(here).filter_map(|endpoint| {
            let pod = endpoint.pod.as_deref().and_then(|name| target.pod(name))?;
            let ports = pod.containers.iter().flat_map(|container| &container.ports);
            Some((pod, ports.map(|port| (port.name.clone(), port.number)).collect(), endpoint.port.unwrap_or(target.port.port)))
        });
        Some(Self { case, sources: sources.clone(), pods: pods.collect() })
    }

    /// The namespace's policies that select a pod.
    fn selecting(&self, pod: &Pod) -> Vec<&'a NetworkPolicy> {
        let policies = self.case.closer.map(|closer| closer.policies.as_slice()).unwrap_or_default();
        policies.iter().filter(|policy| policy.selects(&self.case.service.namespace, &pod.labels)).collect()
    }

    fn packet<'b>(&self, source: IpAddr, from_pod: bool, names: &'b BTreeMap<String, u16>, port: u16) -> Option<Incoming<'b>> {
        Some(Incoming { source, from_pod, protocol: self.case.target?.port.protocol, port, names })
    }

    /// The policies of which each selects a pod, when none of those that select it lets one of the requests in.
    fn denying(&self) -> Vec<&'a NetworkPolicy> {
        let mut all: Vec<&NetworkPolicy> = Vec::new();
        for (pod, names, port) in &self.pods {
            let selecting = self.selecting(pod);
            let let_in = self.sources.iter().any(|source| {
                let packet = self.packet(*source, may_be_pod(self.case, *source), names, *port);
                packet.is_some_and(|packet| selecting.iter().any(|policy| policy.may_let_in(&packet)))
            });
            if !let_in && !self.sources.is_empty() {
                all.extend(selecting);
            }
        }
        all.sort_by_key(|policy| &policy.name);
        all.dedup();
        all
    }

    /// The policies by which every one of the requests is surely let in to each of the pods; `None` where one may not be.
    fn letting_in(&self) -> Option<Vec<&'a NetworkPolicy>> {
        let mut all: Vec<&NetworkPolicy> = Vec::new();
        for (pod, names, port) in &self.pods {
            for source in &self.sources {
                // A rule by labels may let a pod in; that one does is not sure.
                let packet = self.packet(*source, false, names, *port)?;
                all.push(self.selecting(pod).into_iter().find(|policy| policy.may_let_in(&packet))?);
            }
        }
        all.sort_by_key(|policy| &policy.name);
        all.dedup();
        (!all.is_empty()).then_some(all)
    }
}

/// An address of the pod network that is no node's own.
fn may_be_pod(case: &Case, address: IpAddr) -> bool {
    let nodes = case.announcement.map(|announcement| announcement.nodes_seen.as_slice()).unwrap_or_default();
    let of_pods =
        nodes.iter().flat_map(|node| &node.pod_cidrs).any(|cidr| cidr.parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&address)));
    of_pods && !case.is_node_address(address)
}

fn denied(policies: &[Policy], proof: Vec<String>, guarded: &Guarded) -> Finding {
    let names = policies.iter().map(|policy| policy.named.as_str()).collect::<Vec<_>>().join(" and ");
    let mut evidence = proof;
    evidence.extend(policies.iter().map(|policy| format!("{} {}", policy.named, policy.does)));
    let mut finding = found(
        names::POLICY_DENIED,
        policies.iter().map(|policy| policy.subject.clone()).collect(),
        format!(
            "the {names} {} not let the request {}",
            if policies.len() > 1 { "do" } else { "does" },
            match guarded {
                Guarded::Pod => "into the pod".to_owned(),
                Guarded::Node(node) => format!("into {node}"),
                Guarded::Passing(node) => format!("pass {node}"),
            }
        ),
        evidence,
    );
    if let Guarded::Passing(node) = guarded {
        finding.next = format!(
            "Allow in the policy what {node} forwards: it guards the interfaces of {node} (a host endpoint, applyOnForward), and sees the pods' addresses and ports."
        );
    }
    if let Guarded::Node(node) = guarded {
        finding.next = format!(
            "Allow the client's own address in the policy: it guards the interfaces of {node} (a host endpoint), before the request is translated."
        );
    }
    if let Some(first) = policies.first() {
        finding.next = format!("{} It is shown by: {}", finding.next, first.command);
    }
    finding
}
