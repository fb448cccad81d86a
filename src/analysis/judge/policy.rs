//! NetworkPolicies: a packet that came to the pod's node and that a policy does not let into the pod.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters::Taking;
use crate::analysis::judge::node::packets::Packets;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::state::data_path;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::plugin_rules::{self, Enforced};
use crate::analysis::state::ruleset::Hook;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::policy::{Incoming, NetworkPolicy};
use crate::model::subject::Subject;

/// How the chains begin in which a network plugin enforces policies: Calico's, kube-router's, Weave's, Antrea's.
const CHAINS: [&str; 6] = ["cali-", "KUBE-NWPLCY-", "KUBE-POD-FW-", "KUBE-ROUTER-", "WEAVE-NPC", "ANTREA-"];

/// The agents that write such chains, by how these begin: the process, and how a sentence names it.
const AGENTS: [(&str, &str, &str); 4] = [
    ("cali-", "calico-node", "Calico's agent"),
    ("KUBE-NWPLCY-", "kube-router", "kube-router"),
    ("KUBE-POD-FW-", "kube-router", "kube-router"),
    ("KUBE-ROUTER-", "kube-router", "kube-router"),
];

/// What a rule of a plugin enforces.
struct Behind<'a> {
    chain: String,
    /// What the plugin itself names.
    named: Vec<Policy>,
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
        Some(Self { chain: chain.to_owned(), named, denying: denying(case, node, packets) })
    }

    /// The policy that has the rule itself.
    fn own(pair: &StatePair, filter: &Taking) -> Option<Enforced> {
        let of_chain = || plugin_rules::of_chain(&pair.after, &filter.table, filter.rule.chain()?);
        plugin_rules::enforced_by(&filter.text).or_else(of_chain)
    }

    fn agent(&self) -> Option<(&'static str, &'static str)> {
        AGENTS.iter().find(|(start, ..)| self.chain.starts_with(start)).map(|(_, process, named)| (*process, *named))
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
    let own = Behind::own(pair, &filter).is_some();
    let mut policies: Vec<Policy> = if own { Vec::new() } else { behind.denying.iter().map(of_kubernetes).collect() };
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

/// The rule that drops the request enforces a policy that the API does not hold: whoever wrote it does not follow.
pub(super) fn stale(case: &Case, pair: &StatePair, node: &str, packets: &Packets, filter: Taking) -> Option<Finding> {
    let closer = case.closer.filter(|closer| closer.policies_read)?;
    let behind = Behind::of(case, pair, node, packets, &filter)?;
    let namespace = &case.service.namespace;
    let known = |name: &str| closer.policies.iter().any(|policy| policy.namespace == *namespace && policy.name == name);
    let gone = |policy: &&Policy| policy.of_kubernetes.as_ref().is_some_and(|(within, name)| within == namespace && !known(name));
    let all: Vec<&Policy> = behind.named.iter().filter(gone).collect();
    // What one that is there forbids is forbidden whatever became of the others.
    if all.is_empty() || all.len() < behind.named.len() || !behind.denying.is_empty() {
        return None;
    }
    let (process, agent) = behind.agent().unwrap_or(("network-plugin", "the network plugin's agent"));
    let names = all.iter().map(|policy| policy.named.as_str()).collect::<Vec<_>>().join(" and ");
    let standing = behind.standing(pair, node);
    let mut evidence = filter.evidence;
    evidence.push(format!("the rule is of the {names} in {namespace}"));
    evidence.push(match closer.policies.len() {
        0 => format!("the API holds no NetworkPolicy in {namespace}"),
        some => format!("the API holds {some} NetworkPolicies in {namespace}, and none of that name"),
    });
    evidence.extend(standing);
    let mut finding = found(
        names::POLICY_STALE,
        vec![Subject::from(format!("node/{node}/{process}"))],
        format!("{node} still enforces the {names}, which the cluster does not have any more"),
        evidence,
    );
    finding.next = format!("{} It is {agent} on {node}: kubectl get pods -A -o wide --field-selector spec.nodeName={node}", finding.next);
    Some(finding)
}

/// A policy that does not let requests in.
struct Policy {
    subject: Subject,
    /// As a sentence names it.
    named: String,
    /// What it does with these requests.
    does: &'static str,
    /// How it is shown.
    command: String,
    /// Namespace and name of one of Kubernetes' own.
    of_kubernetes: Option<(String, String)>,
}

impl Policy {
    fn of(policy: &NetworkPolicy, does: &'static str) -> Self {
        Self::kubernetes(&policy.namespace, &policy.name, does)
    }

    fn kubernetes(namespace: &str, name: &str, does: &'static str) -> Self {
        let of_kubernetes = Some((namespace.to_owned(), name.to_owned()));
        Self { of_kubernetes, ..Self::in_namespace("NetworkPolicy", namespace, name, "networkpolicies.networking.k8s.io", does) }
    }

    /// By what the plugin wrote into its rule; `pods` is the pod's own namespace.
    fn named(enforced: &Enforced, pods: &str, does: &'static str) -> Self {
        let of_cluster = |kind: &str, path: &str, resource: &str, name: &str| Self {
            subject: Subject::from(format!("{path}/{name}")),
            named: format!("{kind} {name}"),
            does,
            command: format!("kubectl get {resource} {name} -o yaml"),
            of_kubernetes: None,
        };
        match enforced {
            Enforced::Kubernetes { namespace, name } => Self::kubernetes(namespace.as_deref().unwrap_or(pods), name, does),
            Enforced::Calico { namespace, name } => {
                Self::in_namespace("Calico NetworkPolicy", namespace, name, "networkpolicies.crd.projectcalico.org", does)
            }
            Enforced::Global(name) => {
                of_cluster("GlobalNetworkPolicy", "globalnetworkpolicy", "globalnetworkpolicies.crd.projectcalico.org", name)
            }
            Enforced::Admin(name) => {
                of_cluster("AdminNetworkPolicy", "adminnetworkpolicy", "adminnetworkpolicies.policy.networking.k8s.io", name)
            }
        }
    }

    fn in_namespace(kind: &str, namespace: &str, name: &str, resource: &str, does: &'static str) -> Self {
        Self {
            subject: Subject::network_policy(namespace, name),
            named: format!("{kind} {name}"),
            does,
            command: format!("kubectl get {resource} -n {namespace} {name} -o yaml"),
            of_kubernetes: None,
        }
    }
}

/// No packet filter tells what takes the request on the pod's node: where a plugin enforces policies in another way, and a policy does
/// not let the request in, it is that policy.
pub(super) fn unseen(case: &Case, pair: &StatePair, node: &str, packets: &Packets) -> Option<Finding> {
    let plugin = data_path::plugin(&pair.after)?;
    let denying = denying(case, node, packets);
    let proof = format!(
        "the request comes to {node} and is not passed on to the pod; {} runs there, and enforces policies by programmes of its own",
        plugin.name
    );
    let policies: Vec<Policy> =
        denying.iter().map(|policy| Policy::of(policy, "selects the pod and lets none of these requests in")).collect();
    (!policies.is_empty()).then(|| denied(&policies, vec![proof], &Guarded::Pod))
}

/// The policies of which each selects a pod of the node, when none of those that select it lets the request in.
fn denying<'a>(case: &'a Case, node: &str, packets: &Packets) -> Vec<&'a NetworkPolicy> {
    let (Some(target), Some(closer)) = (case.target, case.closer) else { return Vec::new() };
    let namespace = &case.service.namespace;
    // Another node's pods see the address that the first node gave the request, its own pods the client's.
    let far = packets.seen_sources.iter().any(|source| !packets.clients.contains(source));
    let sources: &BTreeSet<IpAddr> = if far { &packets.seen_sources } else { &packets.clients };
    let mut all: Vec<&NetworkPolicy> = Vec::new();
    for endpoint in target.endpoints.iter().filter(|endpoint| endpoint.node.as_deref() == Some(node)) {
        let here = packets.endpoints.iter().any(|(ip, _)| *ip == endpoint.ip);
        let Some(pod) = endpoint.pod.as_deref().filter(|_| here).and_then(|name| target.pod(name)) else { continue };
        let names = pod.containers.iter().flat_map(|container| &container.ports).map(|port| (port.name.clone(), port.number)).collect();
        let selecting: Vec<&NetworkPolicy> = closer.policies.iter().filter(|policy| policy.selects(namespace, &pod.labels)).collect();
        let let_in = sources.iter().any(|source| {
            let packet = Incoming {
                source: *source,
                from_pod: may_be_pod(case, *source),
                protocol: target.port.protocol,
                port: endpoint.port.unwrap_or(target.port.port),
                names: &names,
            };
            selecting.iter().any(|policy| policy.may_let_in(&packet))
        });
        if !let_in && !sources.is_empty() {
            all.extend(selecting);
        }
    }
    all.sort_by_key(|policy| &policy.name);
    all.dedup();
    all
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
