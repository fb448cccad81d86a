//! What the lab's objects look like while all is well. It reads them, and asks nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The Service that every lab has, announced at layer 2.
const LAYER2: Wanted = Wanted { namespace: "stacklight", name: "iam-proxy-alertmanager", app: "iam-proxy-alertmanager" };
/// The Service that a lab with BGP has besides, and the one that it has in IPv6, which MetalLB's native mode cannot route.
const BGP: Wanted = Wanted { namespace: "web", name: "bgp", app: "web" };
const BGP6: Wanted = Wanted { namespace: "web", name: "bgp6", app: "web" };
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// A load-balanced Service of a healthy lab, and the label of its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    namespace: &'static str,
    name: &'static str,
    app: &'static str,
}

/// The Services over BGP that a lab with these settings has.
pub fn over_bgp(settings: &BTreeMap<String, String>) -> Vec<Wanted> {
    let set = |name: &str| settings.get(name).map_or("", String::as_str);
    match (set("LAB_BGP"), set("LAB_STACK")) {
        ("frr", "dual") => vec![BGP, BGP6],
        ("native" | "frr", _) => vec![BGP],
        _ => vec![],
    }
}

/// A Service's address, and its pods with their nodes.
#[derive(Debug)]
pub struct Serving {
    pub address: String,
    pub pods: BTreeMap<String, String>,
}

/// The Services of a healthy lab.
#[derive(Debug)]
pub struct Healthy {
    pub layer2: Serving,
    pub bgp: Vec<Serving>,
    /// How many nodes may announce.
    pub candidates: usize,
}

/// Reads the list of all nodes, Services, pods, Deployments and DaemonSets; `bgp` are the Services that it must have besides the usual one.
///
/// # Errors
/// The first departure from the healthy state.
pub fn objects_healthy(list: &Value, bgp: &[Wanted]) -> Result<Healthy, String> {
    let none = Vec::new();
    let items = list["items"].as_array().unwrap_or(&none);
    let of = |kind: &'static str| items.iter().filter(move |item| item["kind"] == kind);
    for node in of("Node") {
        if !condition(node, "Ready") || node["spec"]["unschedulable"] == true {
            return Err(format!("node {} is not ready", name(node)));
        }
    }
    for item in of("Deployment") {
        let want = item["spec"]["replicas"].as_u64().unwrap_or(1);
        if want == 0 || item["status"]["readyReplicas"].as_u64() != Some(want) || item["status"]["updatedReplicas"].as_u64() != Some(want) {
            return Err(format!("deployment {} is not ready", name(item)));
        }
    }
    let nodes = of("Node").count() as u64;
    for item in of("DaemonSet") {
        if item["status"]["numberReady"].as_u64() != Some(nodes) || item["status"]["updatedNumberScheduled"].as_u64() != Some(nodes) {
            return Err(format!("daemonset {} is not ready on every node", name(item)));
        }
    }
    if let Some(pod) = of("Pod").find(|pod| !pod["metadata"]["deletionTimestamp"].is_null() || !condition(pod, "Ready")) {
        return Err(format!("pod {} is not ready or not gone", name(pod)));
    }
    let balancers = of("Service").filter(|service| service["spec"]["type"] == "LoadBalancer").count();
    let wanted = 1 + bgp.len();
    if balancers != wanted {
        return Err(format!("{balancers} Services of type LoadBalancer instead of {wanted}"));
    }
    Ok(Healthy {
        layer2: serving(items, &LAYER2)?,
        bgp: bgp.iter().map(|wanted| serving(items, wanted)).collect::<Result<_, _>>()?,
        candidates: of("Node").filter(|node| node["metadata"]["labels"][EXCLUDED].is_null()).count(),
    })
}

fn serving(items: &[Value], wanted: &Wanted) -> Result<Serving, String> {
    let of =
        |kind: &'static str| items.iter().filter(move |item| item["kind"] == kind && item["metadata"]["namespace"] == wanted.namespace);
    let said = format!("{}/{}", wanted.namespace, wanted.name);
    let Some(service) = of("Service").find(|service| name(service) == wanted.name) else {
        return Err(format!("there is no Service {said}"));
    };
    let Some(address) = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str() else {
        return Err(format!("the Service {said} has no address"));
    };
    let pods: BTreeMap<String, String> = of("Pod")
        .filter(|pod| pod["metadata"]["labels"]["app"] == wanted.app)
        .map(|pod| (name(pod), pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned()))
        .collect();
    if pods.len() != 2 || pods.values().collect::<BTreeSet<_>>().len() != 2 {
        return Err(format!("the pods of {said} are not two on two nodes: {pods:?}"));
    }
    Ok(Serving { address: address.to_owned(), pods })
}

fn name(item: &Value) -> String {
    item["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

fn condition(item: &Value, kind: &str) -> bool {
    item["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == kind && one["status"] == "True"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(wanted: &Wanted, name: &str, node: &str) -> Value {
        let ready = json!([{ "type": "Ready", "status": "True" }]);
        json!({ "kind": "Pod", "metadata": { "name": name, "namespace": wanted.namespace, "labels": { "app": wanted.app } },
                "spec": { "nodeName": node }, "status": { "conditions": ready } })
    }

    fn service(wanted: &Wanted, address: &str) -> Value {
        json!({ "kind": "Service", "metadata": { "name": wanted.name, "namespace": wanted.namespace }, "spec": { "type": "LoadBalancer" },
                "status": { "loadBalancer": { "ingress": [{ "ip": address }] } } })
    }

    fn healthy_list() -> Value {
        let ready = json!([{ "type": "Ready", "status": "True" }]);
        json!({ "items": [
            { "kind": "Node", "metadata": { "name": "n2", "labels": {} }, "spec": {}, "status": { "conditions": ready } },
            service(&LAYER2, "10.88.64.100"),
            { "kind": "Deployment", "metadata": { "name": "controller" }, "spec": { "replicas": 1 }, "status": { "readyReplicas": 1, "updatedReplicas": 1 } },
            { "kind": "DaemonSet", "metadata": { "name": "speaker" }, "spec": {}, "status": { "numberReady": 1, "updatedNumberScheduled": 1 } },
            pod(&LAYER2, "a", "n2"), pod(&LAYER2, "b", "n3"),
        ] })
    }

    #[test]
    fn the_healthy_state_is_recognised() {
        let healthy = objects_healthy(&healthy_list(), &[]).unwrap();
        assert_eq!(healthy.layer2.address, "10.88.64.100");
        assert_eq!(healthy.layer2.pods.len(), 2);
        assert!(healthy.bgp.is_empty());
    }

    #[test]
    fn a_lab_that_speaks_bgp_has_a_second_service() {
        let mut list = healthy_list();
        assert!(objects_healthy(&list, &[BGP]).unwrap_err().contains("1 Services of type LoadBalancer instead of 2"));
        let items = list["items"].as_array_mut().unwrap();
        items.extend([service(&BGP, "10.88.100.10"), pod(&BGP, "c", "n1"), pod(&BGP, "d", "n2")]);
        items.push(
            json!({ "kind": "Node", "metadata": { "name": "n0", "labels": { EXCLUDED: "" } }, "spec": {}, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } }),
        );
        items[3]["status"] = json!({ "numberReady": 2, "updatedNumberScheduled": 2 });
        let healthy = objects_healthy(&list, &[BGP]).unwrap();
        assert_eq!(healthy.bgp.iter().map(|serving| &serving.address).collect::<Vec<_>>(), ["10.88.100.10"]);
        assert_eq!(healthy.candidates, 1, "n0 is excluded by its label");
        assert!(objects_healthy(&list, &[]).unwrap_err().contains("instead of 1"));
    }

    #[test]
    fn the_settings_say_which_services_there_are() {
        let lab = |bgp: &str, stack: &str| {
            over_bgp(&[("LAB_BGP", bgp), ("LAB_STACK", stack)].map(|(name, value)| (name.to_owned(), value.to_owned())).into())
        };
        assert_eq!(lab("none", "dual"), []);
        assert_eq!(lab("native", "dual"), [BGP]);
        assert_eq!(lab("frr", "v4"), [BGP]);
        assert_eq!(lab("frr", "dual"), [BGP, BGP6]);
    }

    #[test]
    fn every_departure_from_the_healthy_state_is_seen() {
        let changes: [(&str, Value, &str); 8] = [
            ("/items/0/status/conditions/0/status", json!("Unknown"), "node n2"),
            ("/items/0/spec", json!({ "unschedulable": true }), "node n2"),
            ("/items/1/status", json!({}), "no address"),
            ("/items/1/metadata/name", json!("other"), "no Service stacklight/iam-proxy-alertmanager"),
            ("/items/2/spec/replicas", json!(0), "controller"),
            ("/items/3/status/numberReady", json!(0), "speaker"),
            ("/items/4/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"), "pod a"),
            ("/items/5/spec/nodeName", json!("n2"), "two nodes"),
        ];
        for (path, value, named) in changes {
            let mut list = healthy_list();
            match list.pointer_mut(path) {
                Some(place) => *place = value,
                None => list["items"][4]["metadata"]["deletionTimestamp"] = value,
            }
            assert!(objects_healthy(&list, &[]).unwrap_err().contains(named), "{path}");
        }
    }
}
