//! The two ends of a tunnel, which must have one number and one port: a kernel throws away what comes with another.

use std::collections::BTreeSet;

use super::{Arrived, Handed};
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::pod_network::{far_node, network_of};
use crate::analysis::state::network::{Link, TunnelMarks};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// Ports of the tunnels that are known.
const TUNNEL_PORTS: [u16; 3] = [4789, 8472, 6081];

/// The ports that the datagrams may have: those of the first node's tunnels that were read, otherwise every usual one.
pub(super) fn ports<'a>(case: &Case, nodes: impl IntoIterator<Item = &'a str>) -> Vec<u16> {
    let of = |node: &str| -> BTreeSet<u16> {
        let links = case.node_state(node).and_then(|pair| pair.after.links()).unwrap_or_default();
        links.iter().filter_map(|link| link.marks.map(|marks| marks.port)).collect()
    };
    let known = nodes.into_iter().map(of).find(|ports| !ports.is_empty());
    known.map_or_else(|| TUNNEL_PORTS.to_vec(), |ports| ports.into_iter().collect())
}

/// One node's end: its name, and the interface.
type End<'a> = (&'a str, &'a Link);

/// A node hands packets to a tunnel that sends to another port, or as another network, than the pod's node listens on.
pub(super) fn where_it_leaves(handed: &Handed) -> Option<Finding> {
    let Handed { case, node, pod, interface, .. } = handed;
    let far = far_node(case, *pod)?;
    let (mine, theirs) = (handed.tunnel()?, facing(case, &far, interface)?);
    differ(case, (*node, mine), (far.as_str(), theirs), format!("packets for {pod} are handed to {node}/{interface}"))
}

/// What comes in on a node is for another network, or for another port, than its tunnel's.
pub(super) fn where_it_arrives(arrived: &Arrived) -> Option<Finding> {
    let Arrived { case, node, came, .. } = arrived;
    let sender = case.node(&network_of(case, arrived.fields.first()?.source?)?)?.name.as_str();
    let links = case.node_state(sender)?.after.links()?;
    let mine = links.iter().find(|link| link.marks.is_some())?;
    differ(case, (sender, mine), (*node, facing(case, node, &mine.name)?), came.clone())
}

/// A node's own end of the tunnel of that name: the interface of the same name, or the only one that there is.
fn facing<'a>(case: &'a Case, node: &str, name: &str) -> Option<&'a Link> {
    let mut all = case.node_state(node)?.after.links()?.iter().filter(|link| link.marks.is_some());
    let first = all.clone().find(|link| link.name == name);
    first.or_else(|| all.next().filter(|_| all.next().is_none()))
}

fn differ(case: &Case, one: End, other: End, seen: String) -> Option<Finding> {
    let (here, there) = (one.1.marks?, other.1.marks?);
    if one.0 == other.0 || here == there {
        return None;
    }
    // Two that differ do not tell which of them is wrong: the other nodes do.
    let with = |marks: TunnelMarks| -> Vec<&str> {
        let nodes = case.announcement.map(|announcement| announcement.nodes_seen.as_slice()).unwrap_or_default();
        let third = nodes.iter().filter(|node| node.name != one.0 && node.name != other.0);
        third
            .filter(|node| facing(case, &node.name, &one.1.name).is_some_and(|link| link.marks == Some(marks)))
            .map(|node| node.name.as_str())
            .collect()
    };
    let odd = match (with(here), with(there)) {
        (mine, theirs) if mine.len() < theirs.len() => Some((one, here, there, theirs)),
        (mine, theirs) if mine.len() > theirs.len() => Some((other, there, here, mine)),
        _ => None,
    };
    let mut evidence = vec![seen];
    evidence.extend(
        [(one, here), (other, there)]
            .map(|((node, link), marks)| format!("`ip -d link` on {node}: {} has id {} and dstport {}", link.name, marks.id, marks.port)),
    );
    Some(if let Some(((node, link), own, usual, others)) = odd {
        evidence.push(format!(
            "{} {} as id {} and dstport {} as well",
            others.join(" and "),
            if others.len() == 1 { "has it" } else { "have it" },
            usual.id,
            usual.port
        ));
        found(
            names::OVERLAY_ENDS_DIFFER,
            vec![Subject::interface(node, &link.name)],
            format!(
                "{node}'s tunnel {} has {}: no other node takes what it sends, and it takes nothing of theirs",
                link.name,
                apart(own, usual)
            ),
            evidence,
        )
    } else {
        found(
            names::OVERLAY_ENDS_DIFFER,
            vec![Subject::interface(one.0, &one.1.name), Subject::interface(other.0, &other.1.name)],
            format!("the tunnels of {} and {} do not understand one another: {} has {}", one.0, other.0, one.0, apart(here, there)),
            evidence,
        )
    })
}

/// In what one end is not as it should be.
fn apart(own: TunnelMarks, usual: TunnelMarks) -> String {
    let port = (own.port != usual.port).then(|| format!("port {} in place of {}", own.port, usual.port));
    let id = (own.id != usual.id).then(|| format!("id {} in place of {}", own.id, usual.id));
    port.into_iter().chain(id).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::announcement::{Gathered, announcement};
    use crate::analysis::read::objects;
    use crate::analysis::state::closer::Closer;
    use crate::analysis::state::netfilter::Fields;
    use crate::analysis::state::place_state::StatePair;
    use crate::analysis::state::sections::place_state;
    use crate::model::announcement::{History, Spared};
    use crate::model::metallb::Metallb;
    use crate::model::place::{HostKind, Place};
    use serde_json::json;

    fn node(name: &str, tunnel: &str) -> StatePair {
        let link = format!("9: vx0: <UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN\\    link/ether 02:00:00:00:00:0a \\    {tunnel}");
        StatePair::unchanged(place_state(Place::sample(name, HostKind::Node), &format!("=== links\n{link}\n=== end 0\n")))
    }

    /// The culprits that are told of what comes from n1 to n2, whose tunnels are these, with n3 as the third.
    fn told(tunnels: [&str; 3]) -> Option<Vec<String>> {
        let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"}}));
        let of = |name: &str, ip: &str| {
            objects::node(&json!({"metadata": {"name": name}, "status": {"addresses": [{"type": "InternalIP", "address": ip}]}}))
        };
        let announced = announcement(Gathered {
            service: &service,
            target: None,
            nodes: vec![of("n1", "10.88.0.11"), of("n2", "10.88.0.12"), of("n3", "10.88.0.13")].into(),
            metallb: Metallb::default(),
            logs: [].into(),
            unread: Vec::new(),
            metrics: [].into(),
            wire: None,
            router: None,
            history: History::default(),
            spared: Spared::default(),
            now: "2026-11-24T11:00:00Z".to_owned(),
        });
        let states: Vec<StatePair> = ["n1", "n2", "n3"].iter().zip(tunnels).map(|(name, tunnel)| node(name, tunnel)).collect();
        let closer = Closer { states, ..Closer::default() };
        let case = Case { service: &service, announcement: Some(&announced), target: None, flow: None, closer: Some(&closer), gaps: &[] };
        let fields = vec![Fields { source: "10.88.0.11".parse().ok(), ..Fields::default() }];
        let pair = case.node_state("n2").unwrap();
        let arrived = Arrived { case: &case, roads: &[], inner: None, node: "n2", pair, fields, came: "they come in".to_owned() };
        where_it_arrives(&arrived).map(|finding| finding.culprits.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_end_that_differs_from_all_others_is_named_and_both_where_nobody_tells() {
        let (usual, port, id) = ("vxlan id 1 dstport 8472", "vxlan id 1 dstport 4789", "vxlan id 9 dstport 8472");
        let of = |nodes: &[&str]| Some(nodes.iter().map(|node| format!("node/{node}/interface/vx0")).collect::<Vec<_>>());
        assert_eq!(told([usual, port, usual]), of(&["n2"]));
        assert_eq!(told([id, usual, usual]), of(&["n1"]));
        assert_eq!(told([usual, port, "dummy"]), of(&["n1", "n2"]));
        assert_eq!(told([usual, port, id]), of(&["n1", "n2"]));
        assert_eq!((told([usual, usual, port]), told([usual, "vxlan external id 0", usual])), (None, None));
    }
}
