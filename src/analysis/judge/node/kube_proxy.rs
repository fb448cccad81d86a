//! kube-proxy's programme on a node: whether it is there, and where it leads.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::Road;
use crate::analysis::state::netfilter;
use crate::analysis::state::network;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::service::Protocol;
use crate::model::service::TrafficPolicy;
use crate::model::state::StatePair;
use crate::model::subject::Subject;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;

/// Where kube-proxy's programme for an address's family stands: each has one of its own.
struct Programme {
    /// The section with the dump of its rules.
    section: &'static str,
    /// What names its table of nftables.
    table: &'static str,
    /// The length of the prefix that is one address.
    length: u8,
}

fn programme(address: IpAddr) -> Programme {
    if address.is_ipv4() {
        Programme { section: "iptables", table: "table ip kube-proxy", length: 32 }
    } else {
        Programme { section: "ip6tables", table: "table ip6 kube-proxy", length: 128 }
    }
}

/// What kube-proxy's programme on the node lacks: the address in it, or the way to it.
pub(in crate::analysis::judge) fn untranslated(case: &Case, pair: &StatePair, node: &str) -> Option<&'static str> {
    let address = case.address()?;
    let vip = address.to_string();
    let Programme { section, table, length } = programme(address);
    let (iptables, nft) = (pair.after.section(section), pair.after.section("nft"));
    let by_iptables = iptables.contains("-N KUBE-SERVICES") || iptables.contains(":KUBE-SERVICES");
    let by_nft = nft.contains(table);
    let (complete, why) = if by_iptables {
        let rules = netfilter::rules(iptables);
        let reached = rules.iter().any(|rule| rule.table == "nat" && rule.chain == "PREROUTING" && rule.target == "KUBE-SERVICES");
        let named =
            rules.iter().any(|rule| rule.table == "nat" && rule.chain == "KUBE-SERVICES" && rule.text.contains(&format!("{vip}/{length}")));
        (
            reached && named,
            if named { "nat PREROUTING does not lead to KUBE-SERVICES" } else { "KUBE-SERVICES has no rule for the address" },
        )
    } else if by_nft {
        let jumps =
            nft.contains("chain nat-prerouting") && nft.lines().any(|line| line.contains("hook prerouting") && line.contains("nat"));
        let named = nft.contains(&vip);
        (
            jumps && named,
            if named { "the hook of the nat-prerouting chain is gone" } else { "the table kube-proxy does not know the address" },
        )
    } else if pair.after.sections.contains_key(section)
        && case.closer.is_some_and(|closer| {
            closer
                .states
                .iter()
                .any(|other| other.after.section(section).contains(":KUBE-SERVICES") || other.after.section("nft").contains(table))
        })
    {
        (false, "it has none of kube-proxy's chains, which other nodes have")
    } else {
        return None;
    };
    // What the node translated a moment before shows that its rules come and go.
    let translated =
        |road: &Road| road.repeated() && road.connection.attempt.answered() && road.entry().is_some_and(|(entry, _)| entry == node);
    (!complete && !case.roads().iter().any(translated)).then_some(why)
}

/// kube-proxy does not work on a node that does not translate the address.
pub(in crate::analysis::judge) fn down(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let why = untranslated(case, pair, node)?;
    let states = network::processes(&pair.after, "kube-proxy")?;
    (states.is_empty() || states.contains(&'T')).then(|| {
        found(
            names::NODE_PROXY_DOWN,
            vec![Subject::kube_proxy(node)],
            format!("kube-proxy does not work on {node}, and {node} does not translate the address"),
            lacking(node, why, Some(&states)),
        )
    })
}

/// The node does not translate the address.
pub(in crate::analysis::judge) fn not_programmed(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let why = untranslated(case, pair, node)?;
    Some(found(
        names::NODE_NOT_PROGRAMMED,
        vec![Subject::kube_proxy(node)],
        format!("{node} does not translate the address: {why}"),
        lacking(node, why, network::processes(&pair.after, "kube-proxy").as_ref()),
    ))
}

fn lacking(node: &str, why: &str, states: Option<&Vec<char>>) -> Vec<String> {
    let process = states.map(|states| {
        if states.is_empty() {
            format!("no process kube-proxy runs on {node}")
        } else {
            format!("the kernel shows kube-proxy on {node} in state {}", states.iter().collect::<String>())
        }
    });
    std::iter::once(format!("on {node} {why}")).chain(process).collect()
}

/// kube-proxy's rules for the address lead to an endpoint that is gone.
pub(in crate::analysis::judge) fn proxy_stale(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let target = case.target.filter(|target| target.slices_read)?;
    let programmed = programmed(case, pair);
    let gone: Vec<String> = programmed
        .iter()
        .filter(|(ip, port)| !target.endpoints.iter().any(|endpoint| endpoint.ip == *ip && endpoint.port == Some(*port)))
        .map(|(ip, port)| format!("{ip}:{port}"))
        .collect();
    (!gone.is_empty()).then(|| {
        found(
            names::NODE_PROXY_STALE,
            vec![Subject::kube_proxy(node)],
            format!("kube-proxy's rules on {node} lead to {}, which is no endpoint of the Service", gone.join(" and ")),
            vec![
                format!(
                    "the rules on {node} lead to {}",
                    programmed.iter().map(|(ip, port)| format!("{ip}:{port}")).collect::<Vec<_>>().join(", ")
                ),
                format!(
                    "the EndpointSlices hold {}",
                    target
                        .endpoints
                        .iter()
                        .map(|endpoint| {
                            endpoint.port.map_or_else(|| endpoint.ip.to_string(), |port| SocketAddr::new(endpoint.ip, port).to_string())
                        })
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ],
        )
    })
}

/// The endpoints that kube-proxy's rules on a node hold for the address and port.
pub(in crate::analysis::judge) fn programmed(case: &Case, pair: &StatePair) -> BTreeSet<(IpAddr, u16)> {
    let (Some(vip), Some(target)) = (case.address(), case.target) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    let Programme { section, length, .. } = programme(vip);
    let rules = netfilter::rules(pair.after.section(section));
    let mut open: Vec<&str> = rules
        .iter()
        .filter(|rule| {
            rule.chain == "KUBE-SERVICES"
                && rule.text.contains(&format!("{vip}/{length}"))
                && rule.text.contains(&format!("--dport {} ", target.port.port))
        })
        .map(|rule| rule.target.as_str())
        .collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(chain) = open.pop() {
        if !seen.insert(chain) {
            continue;
        }
        for rule in rules.iter().filter(|rule| rule.table == "nat" && rule.chain == chain) {
            if let Some((_, to)) = rule.text.split_once("--to-destination ") {
                found.extend(to.split_whitespace().next().and_then(|to| to.parse::<SocketAddr>().ok()).map(|to| (to.ip(), to.port())));
            }
            if rule.target.starts_with("KUBE-") && !rule.target.starts_with("KUBE-MARK") {
                open.push(&rule.target);
            }
        }
    }
    // nftables: kube-proxy names an endpoint's chain after the Service's port and the endpoint.
    let name = format!(
        "-{}/{}/{}/{}__",
        case.service.namespace,
        case.service.name,
        if target.port.protocol == Protocol::Udp { "udp" } else { "tcp" },
        target.port.name
    );
    for line in pair.after.section("nft").lines().filter_map(|line| line.trim().strip_prefix("chain endpoint-")) {
        if let Some((_, endpoint)) = line.split_once(&name)
            && let Some((ip, port)) = endpoint.trim_end_matches('{').trim().rsplit_once('/')
            && let (Ok(ip), Ok(port)) = (ip.parse(), port.parse())
        {
            found.insert((ip, port));
        }
    }
    found
}

pub(in crate::analysis::judge) fn no_local_endpoint(case: &Case, node: &str) -> Option<Finding> {
    let target = case.target?;
    let local = target.serving().iter().any(|endpoint| endpoint.node.as_deref() == Some(node));
    (case.service.external_policy == TrafficPolicy::Local && !local).then(|| {
        found(
            names::ANNOUNCE_NO_LOCAL_ENDPOINT,
            vec![Subject::from(case.service)],
            format!("the external traffic policy is Local, {node} takes the requests and holds no ready pod"),
            vec![format!("no ready endpoint on {node}")],
        )
    })
}
