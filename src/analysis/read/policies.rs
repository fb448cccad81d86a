//! NetworkPolicies read into the model.

use serde_json::Value;

use super::metallb::label_selector;
use super::{array, number, optional_text, text, texts};
use crate::model::metallb::LabelSelector;
use crate::model::policy::{Held, IngressRule, NetworkPolicy, Peer, PolicyPort};

/// A `NetworkPolicy` of `networking.k8s.io/v1`.
#[must_use]
pub fn network_policy(value: &Value) -> NetworkPolicy {
    let types = texts(value, "/spec/policyTypes");
    NetworkPolicy {
        namespace: text(value, "/metadata/namespace"),
        name: text(value, "/metadata/name"),
        pods: value.pointer("/spec/podSelector").map_or_else(LabelSelector::default, label_selector),
        // Without types a policy decides what comes in, always.
        ingress: types.is_empty() || types.iter().any(|kind| kind == "Ingress"),
        rules: array(value, "/spec/ingress").iter().map(rule).collect(),
    }
}

/// A policy of Calico's own, `crd.projectcalico.org/v1`: there the tier stands before the name, of the default one too.
#[must_use]
pub fn calicos(value: &Value) -> Held {
    let name = text(value, "/metadata/name");
    Held { namespace: optional_text(value, "/metadata/namespace"), name: name.strip_prefix("default.").unwrap_or(&name).to_owned() }
}

fn rule(value: &Value) -> IngressRule {
    let (from, ports) = (array(value, "/from"), array(value, "/ports"));
    IngressRule {
        from: (!from.is_empty()).then(|| from.iter().filter_map(peer).collect()),
        ports: (!ports.is_empty()).then(|| ports.iter().map(port).collect()),
    }
}

fn peer(value: &Value) -> Option<Peer> {
    let Some(block) = value.pointer("/ipBlock") else { return Some(Peer::Pods) };
    let except = texts(block, "/except").iter().filter_map(|net| net.parse().ok()).collect();
    Some(Peer::Block { cidr: text(block, "/cidr").parse().ok()?, except })
}

fn port(value: &Value) -> PolicyPort {
    PolicyPort {
        protocol: optional_text(value, "/protocol").unwrap_or_else(|| "TCP".to_owned()),
        port: optional_text(value, "/port").or_else(|| number::<u16>(value, "/port").map(|port| port.to_string())),
        last: number(value, "/endPort"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_with_everything() {
        let policy = network_policy(&json!({"metadata": {"namespace": "a", "name": "only"}, "spec": {
            "podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16"]}}, {"podSelector": {}}],
                         "ports": [{"port": "https"}, {"protocol": "UDP", "port": 53, "endPort": 60}]}, {}]}}));
        assert!(policy.ingress && policy.pods.labels.get("app").is_some_and(|app| app == "web"));
        let from = policy.rules[0].from.clone().unwrap();
        assert_eq!(from.len(), 2);
        assert_eq!(from[1], Peer::Pods);
        let ports = policy.rules[0].ports.clone().unwrap();
        assert_eq!(ports[0], PolicyPort { protocol: "TCP".into(), port: Some("https".into()), last: None });
        assert_eq!(ports[1], PolicyPort { protocol: "UDP".into(), port: Some("53".into()), last: Some(60) });
        assert_eq!(policy.rules[1], IngressRule { from: None, ports: None });
    }

    #[test]
    fn egress_alone_decides_nothing_that_comes_in() {
        assert!(!network_policy(&json!({"spec": {"podSelector": {}, "policyTypes": ["Egress"]}})).ingress);
        assert!(network_policy(&json!({"spec": {"podSelector": {}}})).ingress);
    }
}
