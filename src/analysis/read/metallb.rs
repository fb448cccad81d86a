//! MetalLB's objects.

use serde_json::Value;

use super::{array, map, number, optional_text, text, texts};
use crate::model::bgp::{BgpStatus, Peer, SessionState};
use crate::model::metallb::{Advertisement, ConfigurationWord, L2Status, LabelSelector, Pool, Reader, SelectorExpression};

/// A label selector as `metav1.LabelSelector` writes it.
#[must_use]
pub fn label_selector(value: &Value) -> LabelSelector {
    LabelSelector {
        labels: map(value, "/matchLabels"),
        expressions: array(value, "/matchExpressions")
            .iter()
            .map(|expression| SelectorExpression {
                key: text(expression, "/key"),
                operator: text(expression, "/operator"),
                values: texts(expression, "/values"),
            })
            .collect(),
    }
}

fn selectors(value: &Value, pointer: &str) -> Vec<LabelSelector> {
    array(value, pointer).iter().map(label_selector).collect()
}

/// An `IPAddressPool`.
#[must_use]
pub fn pool(value: &Value) -> Pool {
    Pool {
        name: text(value, "/metadata/name"),
        labels: map(value, "/metadata/labels"),
        addresses: texts(value, "/spec/addresses"),
        auto_assign: value.pointer("/spec/autoAssign").and_then(Value::as_bool).unwrap_or(true),
        avoid_buggy_ips: super::flag(value, "/spec/avoidBuggyIPs"),
        restricted: value.pointer("/spec/serviceAllocation").is_some_and(Value::is_object),
        namespaces: texts(value, "/spec/serviceAllocation/namespaces"),
        namespace_selectors: selectors(value, "/spec/serviceAllocation/namespaceSelectors"),
        service_selectors: selectors(value, "/spec/serviceAllocation/serviceSelectors"),
        available_v4: number(value, "/status/availableIPv4"),
        available_v6: number(value, "/status/availableIPv6"),
        created: text(value, "/metadata/creationTimestamp"),
    }
}

/// An `L2Advertisement` or `BGPAdvertisement`.
#[must_use]
pub fn advertisement(value: &Value) -> Advertisement {
    Advertisement {
        name: text(value, "/metadata/name"),
        pools: texts(value, "/spec/ipAddressPools"),
        pool_selectors: selectors(value, "/spec/ipAddressPoolSelectors"),
        node_selectors: selectors(value, "/spec/nodeSelectors"),
        service_selectors: selectors(value, "/spec/serviceSelectors"),
        interfaces: texts(value, "/spec/interfaces"),
        peers: texts(value, "/spec/peers"),
        aggregation: (number(value, "/spec/aggregationLength").unwrap_or(32), number(value, "/spec/aggregationLengthV6").unwrap_or(128)),
        prefers_nodes: value.pointer("/spec/preferredNodeSelectors").is_some(),
    }
}

/// A `BGPPeer`, of either version of its API.
#[must_use]
pub fn peer(value: &Value) -> Peer {
    Peer {
        name: text(value, "/metadata/name"),
        address: text(value, "/spec/peerAddress"),
        interface: optional_text(value, "/spec/interface"),
        port: number(value, "/spec/peerPort").unwrap_or(179),
        my_asn: number(value, "/spec/myASN"),
        // 0 is what the API writes for an AS that is left dynamic.
        peer_asn: number(value, "/spec/peerASN").filter(|asn| *asn != 0),
        node_selectors: selectors(value, "/spec/nodeSelectors"),
        password: value.pointer("/spec/passwordSecret/name").is_some_and(|name| name != "") || super::flag(value, "/spec/hasPassword"),
        vrf: text(value, "/spec/vrf"),
        hold_time: optional_text(value, "/spec/holdTime"),
        source_address: optional_text(value, "/spec/sourceAddress"),
        multi_hop: super::flag(value, "/spec/ebgpMultiHop"),
    }
}

/// A `ServiceBGPStatus`.
#[must_use]
pub fn bgp_status(value: &Value) -> BgpStatus {
    BgpStatus {
        name: text(value, "/metadata/name"),
        status_node: text(value, "/status/node"),
        label_node: map(value, "/metadata/labels").get("metallb.io/node").cloned().unwrap_or_default(),
        owner_pod: owner(value),
        peers: texts(value, "/status/peers"),
    }
}

/// A `BGPSessionState` of FRR-K8s.
#[must_use]
pub fn session_state(value: &Value) -> SessionState {
    SessionState {
        node: text(value, "/status/node"),
        peer: text(value, "/status/peer"),
        vrf: text(value, "/status/vrf"),
        bgp: text(value, "/status/bgpStatus"),
        bfd: text(value, "/status/bfdStatus"),
    }
}

fn owner(value: &Value) -> String {
    array(value, "/metadata/ownerReferences").iter().find_map(|owner| optional_text(owner, "/name")).unwrap_or_default()
}

/// A `ServiceL2Status`.
#[must_use]
pub fn l2_status(value: &Value) -> L2Status {
    L2Status {
        name: text(value, "/metadata/name"),
        status_node: text(value, "/status/node"),
        label_node: map(value, "/metadata/labels").get("metallb.io/node").cloned().unwrap_or_default(),
        owner_pod: owner(value),
        interfaces: array(value, "/status/interfaces").iter().filter_map(|interface| optional_text(interface, "/name")).collect(),
    }
}

/// A `ConfigurationState` (from 0.15.3). `None` while its part has not said anything yet.
#[must_use]
pub fn configuration_state(value: &Value) -> Option<ConfigurationWord> {
    let name = text(value, "/metadata/name");
    let labels = map(value, "/metadata/labels");
    let reader = match labels.get("metallb.io/component-type").map(String::as_str) {
        Some("controller") => Reader::Controller,
        Some("speaker") => Reader::Speaker(labels.get("metallb.io/node-name").cloned().unwrap_or_default()),
        _ => return None,
    };
    let refused = match text(value, "/status/result").as_str() {
        "Valid" => None,
        "Invalid" => Some(text(value, "/status/errorSummary")),
        _ => return None,
    };
    let at = array(value, "/status/conditions").iter().filter_map(|condition| optional_text(condition, "/lastTransitionTime")).max();
    Some(ConfigurationWord { reader, refused, at, source: format!("ConfigurationState {name}") })
}

#[cfg(test)]
mod tests {
    use super::{configuration_state, pool};
    use crate::model::metallb::Reader;
    use serde_json::json;

    /// From MetalLB 0.16.1 while two pools overlapped.
    #[test]
    fn an_invalid_state_gives_its_summary() {
        let word = configuration_state(&json!({
            "metadata": {"labels": {"metallb.io/component-type": "speaker", "metallb.io/node-name": "n3"}, "name": "speaker-n3"},
            "status": {
                "conditions": [{"lastTransitionTime": "2026-11-23T06:01:41Z", "reason": "ConfigurationError", "status": "False", "type": "configReconcilerValid"}],
                "errorSummary": "configuration error: CIDR \"10.88.64.104/29\" in pool \"services\" overlaps with already defined CIDR \"10.88.64.110/31\"",
                "result": "Invalid"
            }
        }))
        .unwrap();
        assert_eq!(word.reader, Reader::Speaker("n3".to_owned()));
        assert!(word.refused.unwrap().contains("overlaps"));
        assert_eq!(word.at.as_deref(), Some("2026-11-23T06:01:41Z"));
    }

    #[test]
    fn a_state_that_says_nothing_yet_is_no_word() {
        let labels = json!({"metallb.io/component-type": "controller"});
        assert_eq!(configuration_state(&json!({"metadata": {"labels": labels, "name": "controller"}})), None);
        assert_eq!(configuration_state(&json!({"metadata": {"labels": labels}, "status": {"result": "Unknown"}})), None);
        assert_eq!(configuration_state(&json!({"metadata": {"labels": labels}, "status": {"result": "Valid"}})).unwrap().refused, None);
    }

    /// An empty serviceAllocation is not the same as none: before 0.15 it serves nobody by itself.
    #[test]
    fn an_empty_service_allocation_counts() {
        assert!(pool(&json!({"spec": {"serviceAllocation": {}}})).restricted);
        assert!(!pool(&json!({"spec": {}})).restricted);
    }
}
