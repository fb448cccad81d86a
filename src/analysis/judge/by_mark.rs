//! A policy rule that goes by the mark of packets: the kernel takes these elsewhere than it says when it is asked for the way to a pod.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::case::{Case, found};
use super::pod_network::pod_network;
use super::road::Road;
use crate::analysis::state::lookup::route_in;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::routes::PolicyRule;
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// What is for a pod leaves the node by another interface than that of its way, and one rule by mark has a table that leads there.
pub(super) fn led_away(case: &Case, roads: &[&Road], node: &str, pair: &StatePair) -> Option<Finding> {
    let vip = case.address();
    let place = node.to_owned();
    let leaves = move |hop: &crate::model::connection::Hop| {
        hop.request && hop.passage == Passage::Out && hop.place == place && hop.tunnel.is_none() && Some(hop.destination.0) != vip
    };
    let pods: BTreeSet<IpAddr> = roads.iter().flat_map(|road| road.hops(leaves.clone())).map(|hop| hop.destination.0).collect();
    pods.into_iter().find_map(|pod| {
        let hops = roads.iter().flat_map(|road| road.hops(leaves.clone())).filter(|hop| hop.destination.0 == pod);
        let out: BTreeSet<&str> = hops.map(|hop| hop.interface.as_str()).collect();
        let usual = pair.after.way(&RouteQuestion::to(pod))?.device.clone()?;
        if out.contains(usual.as_str()) {
            return None;
        }
        let rules = pair.after.policy_rules()?;
        let leading = |rule: &PolicyRule| {
            let table = rule.table.as_deref().filter(|_| rule.mark.is_some() && pod.is_ipv4() == (rule.family == "ipv4"))?;
            let (_, route) = route_in(pair.after.routes()?.all(), table, pod)?;
            route.dev.as_deref().is_some_and(|device| out.contains(device)).then(|| (rule.text.clone(), route.text.clone()))
        };
        let mut all = rules.iter().filter_map(leading);
        let (rule, route) = all.next()?;
        if all.next().is_some() {
            return None;
        }
        let by = out.into_iter().collect::<Vec<_>>().join(" and ");
        Some(Finding {
            next: format!("On {node}: ip rule del {rule}, or give the rule a mark that nobody else sets; see what wrote it."),
            ..found(
                names::ROUTE_POD_NETWORK_WRONG,
                vec![Subject::route(node, pod_network(case, pod))],
                format!("a policy rule of {node} leads what is for the pod {pod} by {by}, by the packets' mark: {rule}"),
                vec![
                    format!("what is for {pod} leaves {node}/{by}; `ip route get {pod}` there, without a mark: by {usual}"),
                    format!("`ip rule` on {node}: {rule}"),
                    format!("that table on {node}: {route}"),
                ],
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::state::lookup::route_in;
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{HostKind, Place};

    #[test]
    fn the_route_of_that_table_alone_is_asked() {
        let text = "=== routes\ndefault via 10.88.64.1 dev mlb table 77\n10.88.131.0/24 dev vxlan.calico table 77\n10.88.0.0/16 dev eth0\n=== end 0\n";
        let state = place_state(Place::sample("n2", HostKind::Node), text);
        let device = |table: &str, address: &str| {
            route_in(state.routes().unwrap().all(), table, address.parse().unwrap()).and_then(|(_, route)| route.dev.clone())
        };
        assert_eq!(device("77", "10.88.130.2").as_deref(), Some("mlb"));
        assert_eq!(device("77", "10.88.131.2").as_deref(), Some("vxlan.calico"));
        assert_eq!((device("main", "10.88.130.2").as_deref(), device("78", "10.88.130.2")), (Some("eth0"), None));
    }
}
