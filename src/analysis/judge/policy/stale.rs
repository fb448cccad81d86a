//! What a node enforces and the cluster does not hold: a policy that is gone, or an older form of one.

use super::named::Policy;
use super::{Behind, Seen, agent_of};
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters::{self, Taking};
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::plugin_rules::Enforced;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::policy::Held;
use crate::model::subject::Subject;

/// The rule that drops the request enforces what the API does not hold: whoever wrote it does not follow.
pub(in crate::analysis::judge) fn stale(case: &Case, pair: &StatePair, node: &str, packets: &Packets, filter: Taking) -> Option<Finding> {
    let closer = case.closer?;
    let behind = Behind::of(case, pair, node, packets, &filter)?;
    // What one that is there forbids is forbidden whatever became of the others.
    if behind.named.is_empty() || !behind.denying.is_empty() {
        return None;
    }
    let (summary, proof) = gone(case, closer, node, &behind).or_else(|| changed(case, closer, node, packets, &behind))?;
    let (process, agent) = behind.agent().unwrap_or(("network-plugin", "the network plugin's agent"));
    let standing = behind.standing(pair, node);
    let mut evidence = filter.evidence;
    // It stands first: why the agent does not follow is what there is to do.
    evidence.splice(0..0, standing.clone());
    evidence.extend(proof);
    let summary = if standing.is_some() { format!("{summary}: {agent} does not work there") } else { summary };
    let mut finding = found(names::POLICY_STALE, vec![Subject::from(format!("node/{node}/{process}"))], summary, evidence);
    let wake = standing.and_then(|_| pair.after.wake(process)).map_or_else(String::new, |wake| format!("{wake} "));
    finding.next =
        format!("{wake}{} It is {agent} on {node}: kubectl get pods -A -o wide --field-selector spec.nodeName={node}", finding.next);
    Some(finding)
}

/// The rule is in the tables of iptables-legacy, while the agent that writes such chains has its own in the other ones: it is left over, and no
/// agent looks after it.
pub(in crate::analysis::judge) fn left_behind(
    case: &Case,
    pair: &StatePair,
    node: &str,
    packets: &Packets,
    filter: Taking,
) -> Option<Finding> {
    let behind = Behind::of(case, pair, node, packets, &filter)?;
    let own @ (_, agent) = behind.agent()?;
    let of_agent = |chain: &str| agent_of(chain) == Some(own);
    let elsewhere = pair.after.iptables().into_iter().flatten().filter(|rule| of_agent(&rule.chain)).count();
    if filter.tool != LEGACY || elsewhere == 0 {
        return None;
    }
    let mut evidence = filter.evidence;
    evidence.push(format!(
        "{agent} has {elsewhere} rules of its own in the tables of nftables on {node}: it does not look after the legacy ones any more"
    ));
    let named = if behind.named.is_empty() { String::new() } else { format!(" of the {}", named(&behind.named)) };
    let summary = format!(
        "a rule{named} that {agent} left in the legacy tables of {node} still {} requests: {}",
        filters::verb(&filter.text),
        filter.text
    );
    let mut finding = found(names::NODE_FIREWALL_DROP, vec![filter.rule], summary, evidence);
    finding.next = format!(
        "Take what {agent} left out of the legacy tables on {node}, once it is sure that nothing uses them: iptables-legacy-save shows them; the agent's own clean-up, or a restart of the node, takes them away whole."
    );
    Some(finding)
}

/// How the tool is called whose tables nothing but itself shows.
const LEGACY: &str = "iptables-legacy";

/// What is said of a node, with what proves it.
type Told = (String, Vec<String>);

/// None of the policies that the rule enforces is there any more.
fn gone(case: &Case, closer: &Closer, node: &str, behind: &Behind) -> Option<Told> {
    let pods = &case.service.namespace;
    if !behind.named.iter().all(|policy| held(closer, pods, policy) == Some(false)) {
        return None;
    }
    let names = named(&behind.named);
    let calicos = behind.named.iter().any(|policy| matches!(policy.enforced, Enforced::Calico { .. } | Enforced::Global(_)));
    let evidence = vec![
        format!("the rule is of the {names}"),
        match (calicos, closer.policies.len()) {
            (true, _) => {
                format!("of Calico's own policies the API holds {}, and none of that name", closer.calicos.as_ref().map_or(0, Vec::len))
            }
            (false, 0) => format!("the API holds no NetworkPolicy in {pods}"),
            (false, some) => format!("the API holds {some} NetworkPolicies in {pods}, and none of that name"),
        },
    ];
    Some((format!("{node} still enforces the {names}, which the cluster does not have any more"), evidence))
}

/// Kubernetes' own policies alone are asked by the rule, and as the cluster holds them they let every one of these requests in.
fn changed(case: &Case, closer: &Closer, node: &str, packets: &Packets, behind: &Behind) -> Option<Told> {
    let pods = &case.service.namespace;
    let of_pods = |policy: &Policy| matches!(&policy.enforced, Enforced::Kubernetes { namespace, .. } if namespace.as_ref().is_none_or(|name| name == pods));
    if behind.own || !closer.policies_read || !behind.named.iter().all(of_pods) {
        return None;
    }
    let seen = Seen::of(case, node, packets)?;
    let letting = seen.letting_in()?;
    let names = letting.iter().map(|policy| format!("NetworkPolicy {}", policy.name)).collect::<Vec<_>>().join(" and ");
    let evidence = vec![
        format!("the rule takes what the {} on {node} did not let in", named(&behind.named)),
        format!("as the API holds it, the {names} in {pods} selects the pod and lets these requests in"),
    ];
    Some((
        format!("{node} enforces an older form of the NetworkPolicies in {pods}: as the cluster holds them, they let these requests in"),
        evidence,
    ))
}

fn named(all: &[Policy]) -> String {
    all.iter().map(|policy| policy.named.as_str()).collect::<Vec<_>>().join(" and ")
}

/// Whether the API holds the policy; `None` where policies of its kind were not all read.
fn held(closer: &Closer, pods: &str, policy: &Policy) -> Option<bool> {
    let calicos = |namespace: Option<&str>, name: &str| {
        let is = |held: &Held| held.namespace.as_deref() == namespace && held.name == name;
        closer.calicos.as_ref().map(|all| all.iter().any(is))
    };
    match &policy.enforced {
        Enforced::Kubernetes { namespace, name } => {
            let here = closer.policies_read && namespace.as_ref().is_none_or(|namespace| namespace == pods);
            here.then(|| closer.policies.iter().any(|policy| policy.namespace == *pods && policy.name == *name))
        }
        Enforced::Calico { namespace, name } => calicos(Some(namespace), name),
        Enforced::Global(name) => calicos(None, name),
        Enforced::Admin(_) => None,
    }
}
