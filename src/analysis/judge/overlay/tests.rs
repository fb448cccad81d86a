//! What a node hands to a tunnel, and the tables that lead it.

use serde_json::json;

use super::{Handed, wrong_endpoint};
use crate::analysis::judge::case::Case;
use crate::analysis::read::objects;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::place::{HostKind, Place};

/// Whether a tunnel of that kind is said to lack a neighbour entry, when no entry is there.
fn lacks_one(flags: &str, kind: &str) -> bool {
    let text = format!(
        "=== links\n7: pods: <{flags},UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN\\    link/ether 02:00:00:00:00:0a \\    {kind} id 1\n=== end 0\n\
         === neighbours\n=== end 0\n=== route-get\n10.88.131.5,, => 10.88.131.5 via 10.88.131.0 dev pods src 10.88.130.0 \n=== end 0\n"
    );
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"}}));
    let case = Case { service: &service, announcement: None, target: None, flow: None, closer: None, gaps: &[] };
    let pair = StatePair::unchanged(place_state(Place::sample("n2", HostKind::Node), &text));
    let (pod, interface) = ("10.88.131.5".parse().unwrap(), "pods".to_owned());
    let handed = Handed { case: &case, roads: &[], node: "n2", pair: &pair, pod, link: pair.after.link(&interface), interface };
    wrong_endpoint(&handed).is_some_and(|finding| finding.summary.contains("no neighbour entry"))
}

#[test]
fn a_tunnel_without_neighbours_by_its_kind_lacks_none() {
    assert!(lacks_one("BROADCAST,MULTICAST", "vxlan"));
    assert!(lacks_one("BROADCAST,MULTICAST", "geneve"));
    assert!(!lacks_one("NOARP", "ipip"));
    assert!(!lacks_one("POINTOPOINT,NOARP", "wireguard"));
}
