//! Advice that names what the case knows: which host, which object, which agent. Where it knows no more than its finding's name tells, the
//! catalogue's sentence stays.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::judge::Case;
use super::state::place_state::PlaceState;
use super::state::routes::Route;
use super::state::ways::RouteQuestion;
use crate::model::catalogue::{self, names};
use crate::model::finding::Finding;
use crate::model::place::{HostKind, Place};
use crate::model::subject::{Part, Subject};

/// The advice, where the case tells enough.
type Advises = fn(&Case, &Finding) -> Option<String>;

/// The findings whose advice the case makes more exact.
const ADVICE: [(&str, Advises); 14] = [
    (names::ADDRESS_POOL_EXHAUSTED, widen_pool),
    (names::ANNOUNCE_SPLIT_BRAIN, begin_where_lost),
    (names::NODE_FIREWALL_DROP, find_handle),
    (names::NODE_UNREACHABLE, look_at_console),
    (names::NODE_CONTROL_PLANE_CUT_OFF, look_at_kubelets),
    (names::ROUTE_POD_NETWORK_MISSING, find_route),
    (names::ROUTE_POD_NETWORK_WRONG, lead_route_home),
    (names::ROUTE_RETURN_MISSING, let_answers_leave),
    (names::OVERLAY_LOST_BETWEEN, open_port),
    (names::OVERLAY_WRONG_ENDPOINT, correct_entry),
    (names::POD_DISCONNECTED, raise_bridge),
    (names::POD_FIREWALL_DROP, look_into_pod),
    (names::WIRE_REQUEST_LOST, look_between),
    (names::WIRE_STALE_NEIGHBOUR, forget),
];

/// Makes the advice of findings more exact. What a rule said by itself stays as it is.
pub fn advise(case: &Case, findings: &mut [Finding]) {
    for finding in findings {
        let usual = catalogue::entry(&finding.name).is_some_and(|entry| entry.next == finding.next);
        let advises = ADVICE.iter().find(|(name, _)| usual && *name == finding.name);
        if let Some(next) = advises.and_then(|(_, advises)| advises(case, finding)) {
            finding.next = next;
        }
    }
}

/// A CNI's agent: the interfaces by which it is known on a node, its pods' name, and the label that finds them.
const AGENTS: [(&[&str], &str, &str); 3] = [
    (&["vxlan.calico", "vxlan-v6.calico", "tunl0", "wireguard.cali"], "calico-node", "k8s-app=calico-node"),
    (&["flannel.1", "flannel-v6.1", "flannel-wg"], "kube-flannel", "app=flannel"),
    (&["cilium_vxlan", "cilium_geneve", "cilium_host"], "cilium", "k8s-app=cilium"),
];

/// The agent that keeps a node's routes to pods, with how its pod there is found.
fn agent(case: &Case, node: &str) -> String {
    let links = case.node_state(node).and_then(|pair| pair.after.links()).unwrap_or_default();
    let known = AGENTS.iter().find(|(interfaces, _, _)| links.iter().any(|link| interfaces.contains(&link.name.as_str())));
    match known {
        Some((_, name, label)) => {
            format!("the {name} pod of {node} (kubectl get pods -A -l {label} --field-selector spec.nodeName={node})")
        }
        None => format!("the CNI's agent on {node}"),
    }
}

fn widen_pool(case: &Case, finding: &Finding) -> Option<String> {
    let metallb = &case.announcement?.metallb;
    let pools: Vec<&str> =
        finding.culprits.iter().filter_map(|one| if let Subject::Pool(name) = one { Some(name.as_str()) } else { None }).collect();
    let edits: Vec<String> = pools.iter().map(|pool| format!("kubectl edit ipaddresspool -n {} {pool}", metallb.namespace)).collect();
    (!edits.is_empty() && !metallb.namespace.is_empty()).then(|| {
        format!(
            "Add an address to the pool that is nobody's yet: {}. A Service that holds one is given up only where it is known that nobody uses it.",
            edits.join(" or ")
        )
    })
}

/// A node that several others have lost, none of which has lost another, is cut off by what is on it or before it.
fn begin_where_lost(case: &Case, finding: &Finding) -> Option<String> {
    let logs = &case.announcement?.logs;
    let lost: BTreeSet<&String> = logs.iter().flat_map(|log| &log.failed_members).collect();
    let (node, others) = lost.into_iter().find_map(|node| {
        let others: Vec<_> = logs.iter().filter(|log| log.node != *node).collect();
        (others.len() > 1 && others.iter().all(|log| log.failed_members == [node.clone()])).then_some((node, others.len()))
    })?;
    Some(format!("Begin on {node}, which all {others} other speakers have lost, while they see each other. {}", finding.next))
}

/// Which datagrams, from whom to whom: whoever keeps switches and security groups has to be told.
fn open_port(case: &Case, finding: &Finding) -> Option<String> {
    let Subject::Network { from, to } = finding.culprits.first()? else { return None };
    let address = |node: &str| case.node(node).and_then(|node| node.internal_ips.first().copied());
    let links = case.node_state(from)?.after.links()?;
    let ports: BTreeSet<u16> = links.iter().filter_map(|link| link.marks.map(|marks| marks.port)).collect();
    let [port] = ports.into_iter().collect::<Vec<_>>()[..] else { return None };
    Some(format!(
        "Let UDP from {} ({from}) to port {port} of {} ({to}) pass, and back, on whatever lies between: security groups, switches, a firewall between racks.",
        address(from)?,
        address(to)?
    ))
}

/// Tables of nftables that a program writes anew: its own configuration is what has to change.
const KEPT_TABLES: [&str; 6] = ["firewalld", "kube-proxy", "calico", "ufw", "docker", "libvirt_network"];

/// nftables takes a rule away by its handle, which only `nft -a` shows.
fn find_handle(_: &Case, finding: &Finding) -> Option<String> {
    let Subject::NodePart(node, Part::Rule { table, chain, rule }) = finding.culprits.first()? else { return None };
    let (family, name) = table.split_once('-')?;
    let known = ["ip", "ip6", "inet", "arp", "bridge", "netdev"].contains(&family);
    // What was read of a host may hold what somebody put there to be pasted.
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-/".contains(c));
    if !known || rule == "policy" || KEPT_TABLES.contains(&name) || !plain(name) || !plain(chain) {
        return None;
    }
    Some(format!(
        "On {node}: nft -a list chain {family} {name} {chain} shows the rule's handle, and nft delete rule {family} {name} {chain} handle HANDLE takes it away until whatever wrote it writes it again; change it there, too."
    ))
}

fn look_at_console(_: &Case, finding: &Finding) -> Option<String> {
    let node = finding.culprits.first()?.on_node()?;
    Some(format!(
        "Look at the console of {node} first. Only cut off: repair its network; its pods still run, and must not be started twice. Off: start it; where it stays off, kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute has its pods started elsewhere."
    ))
}

fn look_at_kubelets(_: &Case, finding: &Finding) -> Option<String> {
    let nodes: Vec<&str> = finding.culprits.iter().filter_map(Subject::on_node).collect();
    (!nodes.is_empty()).then(|| {
        format!(
            "On {}: systemctl status kubelet, and start it where it is stopped. Where it runs: journalctl -u kubelet, and curl -k https://API:6443/healthz with the server of /etc/kubernetes/kubelet.conf; repair what keeps it from there: address, load balancer, certificates, filters.",
            nodes.join(" and ")
        )
    })
}

/// A route that is not there is the agent's to write; one that refuses, or a policy rule, is somebody's own.
fn find_route(case: &Case, finding: &Finding) -> Option<String> {
    let Subject::NodePart(node, Part::Route(destination)) = finding.culprits.first()? else { return None };
    let state = &case.node_state(node)?.after;
    let pod: Option<IpAddr> = destination.parse().ok();
    let asked = pod.filter(|pod| state.way(&RouteQuestion::to(*pod)).is_some());
    let refused = asked.and_then(|pod| state.refusal(&RouteQuestion::to(pod)));
    let leads = asked.filter(|_| refused.is_none()).and_then(|pod| state.way(&RouteQuestion::to(pod))?.device.clone());
    let by_default =
        leads.as_deref().is_some_and(|device| state.routes().and_then(|routes| routes.default()).is_some_and(|(_, usual)| usual == device));
    if let Some(pod) = asked.or(pod)
        && let Some(block) =
            state.routes().and_then(|routes| routes.specific(pod)).filter(|route| route.kind == "blackhole" && plugins(route))
    {
        return Some(format!(
            "{} is the network plugin's own and belongs there: it takes what has no route of its own. The route to the pod itself is gone: restart {}, which writes it.",
            block.text,
            agent(case, node)
        ));
    }
    if let Some(others) = lacking_too(case, node, asked.or(pod)) {
        return Some(format!(
            "{others} has no route to it, either, so that it is not {node}'s agent alone: see who should give that network to a node (Calico: kubectl get ippools,ipamblocks; others: spec.podCIDR of the pod's node), then restart {} where it lags behind.",
            agent(case, node)
        ));
    }
    let missing = asked.is_none() || by_default || refused.is_some_and(|refused| refused.contains("Network is unreachable"));
    Some(if missing {
        format!("See why the route is not there (ip route show table all on {node}), and restart {}, which writes it.", agent(case, node))
    } else {
        format!(
            "Find on {node} the route or the policy rule that refuses (ip rule; ip route show table all match {destination}), take it away, and see what wrote it."
        )
    })
}

/// A way back that a route of the node's refuses is there for the taking away; one that is not there has to be added.
fn let_answers_leave(case: &Case, finding: &Finding) -> Option<String> {
    let Subject::NodePart(node, Part::Route(destination)) = finding.culprits.first()? else { return None };
    let state = &case.node_state(node)?.after;
    let client: IpAddr = destination.parse().ok()?;
    let refuses = |route: &&Route| matches!(route.kind.as_str(), "unreachable" | "prohibit" | "blackhole" | "throw");
    if let Some(route) = state.routes().and_then(|routes| routes.towards(client)).filter(refuses) {
        return Some(format!(
            "Take it away on {node}: ip route del {} {}; and see what wrote it. Where the clients are to be kept out, it does what it is for.",
            route.kind, route.dst
        ));
    }
    let refused = state.refusal(&RouteQuestion::to(client))?;
    (!refused.contains("Network is unreachable")).then(|| {
        format!(
            "Find on {node} the route or the policy rule that refuses (ip rule; ip route show table all match {destination}), take it away, and see what wrote it."
        )
    })
}

/// Whether a route is one that a network plugin writes: Calico marks its own by a protocol of theirs.
fn plugins(route: &Route) -> bool {
    route.protocol.as_deref().is_some_and(|protocol| matches!(protocol, "80" | "bird"))
}

/// Another node that was read and has no route to a pod of a third one.
fn lacking_too(case: &Case, node: &str, pod: Option<IpAddr>) -> Option<String> {
    let pod = pod?;
    let home = case.target?.endpoints.iter().find(|endpoint| endpoint.ip == pod)?.node.as_deref()?;
    let mut others = case.states().filter_map(|pair| match &pair.after.place {
        Place::Host(host) if host.kind == HostKind::Node && host.name != node && host.name != home => {
            Some((host.name.clone(), &pair.after))
        }
        _ => None,
    });
    let lacks = |state: &PlaceState| state.routes().is_some_and(|routes| !routes.all().is_empty() && routes.specific(pod).is_none());
    others.find(|(_, state)| lacks(state)).map(|(name, _)| name)
}

/// The host on which a command mends it, where one does.
fn mended(case: &Case, finding: &Finding) -> Option<String> {
    super::remedy::remedies(case, std::slice::from_ref(finding)).into_iter().next().map(|remedy| remedy.on)
}

/// Deleting alone leaves a node that sends its pods' packets out by the default route.
fn lead_route_home(case: &Case, finding: &Finding) -> Option<String> {
    let node = finding.culprits.first()?.on_node()?;
    let agent = agent(case, node);
    Some(if mended(case, finding).is_some() {
        format!("See what wrote the wrong route; if it comes back, restart {agent}.")
    } else {
        format!(
            "Delete the wrong route on {node} and restart {agent} together with that: without it nothing writes the right one, and packets for these pods leave by the default route."
        )
    })
}

fn correct_entry(case: &Case, finding: &Finding) -> Option<String> {
    let culprit = finding.culprits.first()?;
    let node = culprit.on_node()?;
    if *culprit == Subject::node(node) {
        return Some(format!(
            "Correct where {node}'s network agent takes its own address from (Calico: IP_AUTODETECTION_METHOD; flannel: --iface, --public-ip), and \
             restart it on {node}. The address is shown by: kubectl get node {node} -o jsonpath='{{.metadata.annotations}}'. Entries on other nodes follow."
        ));
    }
    Some(format!(
        "Delete the wrong entry on {node} (ip neigh, bridge fdb) and restart {} together with that, which writes the right one.",
        agent(case, node)
    ))
}

fn raise_bridge(_: &Case, finding: &Finding) -> Option<String> {
    let Subject::NodePart(node, Part::Interface(name)) = finding.culprits.first()? else { return None };
    Some(format!("{name} carries the pods of {node}: no pod has to be made anew. See what took it down (journalctl -k on {node})."))
}

fn look_into_pod(case: &Case, finding: &Finding) -> Option<String> {
    let (namespace, name) =
        finding.culprits.iter().find_map(|one| if let Subject::Pod { namespace, name } = one { Some((namespace, name)) } else { None })?;
    let node = case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(name))?.node.as_deref()?;
    Some(format!(
        "Its rules, on {node}: nsenter -t $(crictl inspect -o go-template --template '{{{{.info.pid}}}}' $(crictl ps -q --label io.kubernetes.pod.name={name} | head -1)) -n iptables-save (or nft list ruleset). Tonight: delete the pod (-n {namespace}); it is made anew without the rule, unless a sidecar or an init container writes it."
    ))
}

/// What lies between two places has no login: it is named by them, and by what tells the lost packets from the others.
fn look_between(_: &Case, finding: &Finding) -> Option<String> {
    let Subject::Network { from, to } = finding.culprits.first()? else { return None };
    let apart = if finding.scope.as_ref().is_some_and(|scope| scope.contains("lost")) {
        " A rule there may go by what tells the lost ones from the answered ones (-v: Scope)."
    } else {
        ""
    };
    Some(format!(
        "Look at switches, routers and filters between {from} and {to}: port security, VLANs, access lists, a route for the address.{apart}"
    ))
}

/// Whose entry it is, where it is no host that we know how to ask.
fn forget(case: &Case, finding: &Finding) -> Option<String> {
    let vip = case.address()?;
    if let Some(host) = mended(case, finding) {
        return Some(format!(
            "See what wrote the entry: a permanent one is somebody's; if another comes back, see why {host} ignores gratuitous ARP."
        ));
    }
    match finding.culprits.first()? {
        Subject::Router(name) | Subject::Client(name) | Subject::Mac(name) => Some(format!(
            "On {name}: look at its entry for {vip} (Linux: ip neigh show {vip}; a router: show arp) and delete it there (ip neigh del {vip} dev INTERFACE; clear arp). See why it ignores gratuitous ARP if it comes back."
        )),
        _ => None,
    }
}
