//! The election against the wire: who answered ARP in real clusters of five versions of MetalLB, in ten situations each.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::analysis::target::target;

const WATCHED: &str = include_str!("watched.txt");
const NODES: [&str; 4] = ["n0", "n1", "n2", "n3"];

/// One line of the file.
struct Watched {
    version: String,
    situation: String,
    pods: Vec<String>,
    candidates: Vec<String>,
    /// Address and node.
    answered: Vec<(IpAddr, Option<String>)>,
}

impl Watched {
    fn read(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap().to_owned();
        let (version, situation, pods, candidates) = (word(), word(), list(&word()), list(&word()));
        let answered = words
            .map(|word| {
                let (number, node) = word.split_once('=').unwrap();
                (format!("10.88.64.{number}").parse().unwrap(), list(node).pop())
            })
            .collect();
        Self { version, situation, pods, candidates, answered }
    }

    fn is(&self, situation: &str) -> bool {
        self.situation.starts_with(situation)
    }

    fn service(&self, address: IpAddr) -> Service {
        let policy = if self.is("etp-local") { "Local" } else { "Cluster" };
        objects::service(&json!({"metadata": {"namespace": "web", "name": "s"},
            "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "selector": {"app": "web"}, "ports": [{"port": 443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": address}]}}}))
    }

    fn nodes(&self) -> Vec<Node> {
        let node = |name: &str| {
            let excluded = name == "n0" || (name == "n1" && self.is("n1-excluded"));
            let mut labels = json!({"kubernetes.io/hostname": name});
            if excluded {
                labels[EXCLUDE_LABEL] = json!("");
            }
            let unavailable = if name == "n2" && self.is("n2-network-unavailable") { "True" } else { "False" };
            objects::node(
                &json!({"metadata": {"name": name, "labels": labels}, "spec": {"unschedulable": name == "n2" && self.is("n2-cordoned")},
                "status": {"conditions": [{"type": "NetworkUnavailable", "status": unavailable}]}}),
            )
        };
        NODES.map(node).to_vec()
    }

    fn advertisement(&self) -> Advertisement {
        let selectors = if self.is("ad-selects-n1-n2") {
            json!([{"matchLabels": {"kubernetes.io/hostname": "n1"}}, {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]}])
        } else {
            json!([])
        };
        read_metallb::advertisement(&json!({"metadata": {"name": "a"}, "spec": {"nodeSelectors": selectors}}))
    }

    /// A node that lost its power is not ready sooner or later, but its speaker's pod goes on as if it ran; the others' memberlist tells.
    fn lost(&self) -> BTreeSet<String> {
        if self.is("n3-down") { BTreeSet::from(["n3".to_owned()]) } else { BTreeSet::new() }
    }

    fn target(&self, service: &Service) -> Target {
        let endpoint = |(index, node): (usize, &String)| json!({"addresses": [format!("10.88.128.{}", index + 2)], "nodeName": node, "conditions": {"ready": true}});
        let endpoints: Vec<_> = self.pods.iter().enumerate().map(endpoint).collect();
        let slice = json!({"metadata": {"name": "s-a"}, "ports": [{"name": "", "port": 443}], "endpoints": endpoints});
        target(service, &service.ports[0], Some(&[slice]), Some(&[]))
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|word| *word != "-").map(str::to_owned).collect()
}

fn metallb(version: &str) -> Metallb {
    let speaker = |node: &str| {
        objects::pod(
            &json!({"metadata": {"name": format!("speaker-{node}")}, "spec": {"nodeName": node, "containers": [{"name": "speaker"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "speaker", "state": {"running": {}}}]}}),
        )
    };
    Metallb { version: Some(version.to_owned()), speakers: NODES.map(speaker).to_vec().into(), speakers_read: true, ..Metallb::default() }
}

fn watched() -> Vec<Watched> {
    WATCHED.lines().filter(|line| !line.starts_with('#')).map(Watched::read).collect()
}

#[test]
fn who_answered_on_the_wire_is_who_was_elected() {
    let all = watched();
    assert_eq!(all.iter().map(|one| one.answered.len()).sum::<usize>(), 280);
    for one in all {
        let (nodes, metallb, advertisement, lost) = (one.nodes(), metallb(&one.version), one.advertisement(), one.lost());
        for (address, node) in &one.answered {
            let service = one.service(*address);
            let target = one.target(&service);
            let electorate =
                Electorate { service: &service, target: Some(&target), nodes: &nodes, metallb: &metallb, lost: &lost, memberlist: None };
            let what = format!("{} {} {address}", one.version, one.situation);
            assert_eq!(layer2(&electorate, &[&advertisement]).nodes, one.candidates, "{what}");
            assert_eq!(expected(&electorate, &[&advertisement], *address), *node, "{what}");
            assert_eq!(winner(&one.candidates, &address.to_string()), *node, "{what}");
        }
    }
}
