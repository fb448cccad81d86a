//! Answers that a bridge takes from one pod to another of its node, past the rules that would translate them back.

use super::scene::Scene;
use crate::analysis::judge::case::found;
use crate::analysis::judge::road::Road;
use crate::analysis::state::network::Link;
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// The answer of a road as it comes out of the node by the link of who asked, although it still has the endpoint's address.
fn untouched<'r>(road: &'r Road, node: &str) -> Option<&'r Hop> {
    let (ip, port) = road.endpoint()?;
    let asked = road.connection.attempt.source?;
    road.hops(|hop| !hop.request && hop.passage == Passage::Out && hop.tunnel.is_none())
        .find(|hop| hop.place == node && hop.source == (ip, port) && hop.destination.0 == asked)
}

/// Who asks is a pod beside the one that answers, and the bridge between them asks no packet filter.
pub(super) fn untranslated(scene: &Scene) -> Option<Finding> {
    let Scene { case, pair, node, roads, .. } = *scene;
    let state = &pair.after;
    let setting = if case.address()?.is_ipv4() { "net/bridge/bridge-nf-call-iptables" } else { "net/bridge/bridge-nf-call-ip6tables" };
    let path = setting.replace('/', ".");
    let (shown, next) = match state.settings()?.text(setting)? {
        "0" => {
            (format!("{path} is 0 on {node}"), format!("On {node}: sysctl -w {path}=1, and the same in /etc/sysctl.d for its next start."))
        }
        "absent" => (
            format!("{path} is not there on {node}: br_netfilter is not loaded"),
            format!(
                "On {node}: modprobe br_netfilter and sysctl -w {path}=1, and both in /etc/modules-load.d and /etc/sysctl.d for its next start."
            ),
        ),
        _ => return None,
    };
    let port_of = |name: &str| state.link(name).filter(|link| link.master.is_some());
    let of_bridge = |hop: &Hop| -> Option<&Link> { port_of(&hop.interface) };
    let hops: Vec<&Hop> = roads.iter().map(|road| untouched(road, node)).collect::<Option<_>>()?;
    let links: Vec<&Link> = hops.iter().map(|hop| of_bridge(hop)).collect::<Option<_>>()?;
    let (hop, link) = (hops.first()?, links.first()?);
    let bridge = link.master.as_deref()?;
    // By the bridge's own interface what it takes goes through the node's routing, and its packet filters with it.
    let routed = |road: &&Road| road.hops(|hop| !hop.request && hop.place == node && hop.interface == bridge).next().is_some();
    let answered = case.roads();
    let fine = answered.iter().any(|road| road.connection.attempt.answered() && untouched(road, node).is_some());
    if fine || roads.iter().any(routed) || links.iter().any(|other| other.master.as_deref() != Some(bridge)) {
        return None;
    }
    let evidence = vec![
        format!(
            "the answers of {}:{} leave {node}/{} for {} as they left the pod: nothing gave them the Service's address again",
            hop.source.0, hop.source.1, link.name, hop.destination.0
        ),
        format!("`ip link` on {node}: {} is a port of {bridge}, and what goes from one of its ports to another is not routed", link.name),
        shown.clone(),
    ];
    let who =
        roads.iter().map(|road| road.client()).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" and ");
    Some(Finding {
        next,
        ..found(
            names::ROUTE_RETURN_ASYMMETRIC,
            vec![Subject::node(node)],
            format!("the answers to {who} go over the bridge {bridge} of {node}, past the rules that would translate them back: {shown}"),
            evidence,
        )
    })
}
