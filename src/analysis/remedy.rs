//! Commands that mend what a finding blames, made of what was read of the place: the rule, route or setting as it stands there.
//!
//! A command is given only where the thing itself is in the state and is nobody's to write but a person's.

use std::net::IpAddr;

use super::judge::Case;
use super::state::netfilter::Rule;
use super::state::network::Neighbour;
use super::state::place_state::{PlaceState, StatePair};
use super::state::routes::Route;
use super::state::ruleset::Hook;
use crate::model::catalogue::{self, names};
use crate::model::finding::Finding;
use crate::model::place::Place;
use crate::model::remedy::Remedy;
use crate::model::subject::{Part, Subject};

/// Host and command, where there is one: by what is to be changed, and by all that the finding names.
type Mends = fn(&Case, &Subject, &[Subject]) -> Option<(String, String)>;

/// The findings that a command mends.
const REMEDIES: [(&str, Mends); 6] = [
    (names::NODE_FIREWALL_DROP, delete_rule),
    (names::NODE_FORWARDING_OFF, forward),
    (names::ROUTE_POD_NETWORK_WRONG, correct_route),
    (names::POD_DISCONNECTED, set_up),
    (names::WIRE_STALE_NEIGHBOUR, forget_neighbour),
    (names::WIRE_DUPLICATE_ADDRESS, give_up_address),
];

/// The command of each finding that has one, in the findings' order.
#[must_use]
pub fn remedies(case: &Case, findings: &[Finding]) -> Vec<Remedy> {
    let of = |finding: &Finding| {
        // A rule that gives advice of its own blames something else than most of its name do, such as a policy rule for a route.
        catalogue::entry(&finding.name).filter(|entry| entry.next == finding.next)?;
        let (_, mends) = REMEDIES.iter().find(|(name, _)| *name == finding.name)?;
        let (on, command) = finding.culprits.iter().find_map(|culprit| mends(case, culprit, &finding.culprits))?;
        is_plain(&command).then(|| Remedy { finding: finding.name.clone(), on, command })
    };
    findings.iter().filter_map(of).collect()
}

/// Whether a shell takes the command for nothing but what it says. What was read of a host may hold what somebody put there to be pasted.
fn is_plain(command: &str) -> bool {
    command.chars().all(|c| c.is_ascii_alphanumeric() || " -_./:,!@%+=\"[]".contains(c)) && command.matches('"').count().is_multiple_of(2)
}

fn state_of<'a>(case: &Case<'a>, node: &str) -> Option<&'a PlaceState> {
    Some(&case.node_state(node)?.after)
}

/// A rule of a chain that the kernel calls itself; others are some program's own.
fn delete_rule(case: &Case, culprit: &Subject, _: &[Subject]) -> Option<(String, String)> {
    let Subject::NodePart(node, Part::Rule { chain, .. }) = culprit else { return None };
    Hook::named(chain)?;
    let state = state_of(case, node)?;
    let tools: [(&str, Option<&[Rule]>); 3] =
        [("iptables", state.iptables()), ("ip6tables", state.ip6tables()), ("iptables-legacy", state.iptables_legacy())];
    tools.into_iter().find_map(|(tool, rules)| {
        let is = |rule: &&Rule| rule.number > 0 && Subject::rule(node, &rule.path(), &rule.text) == *culprit;
        let rule = rules?.iter().find(is)?;
        let rest = rule.text.strip_prefix("-A ")?;
        Some((node.clone(), format!("{tool} -t {} -D {rest}", rule.table)))
    })
}

fn forward(_: &Case, culprit: &Subject, _: &[Subject]) -> Option<(String, String)> {
    let Subject::NodePart(node, Part::Sysctl(name)) = culprit else { return None };
    Some((node.clone(), format!("sysctl -w {name}=1")))
}

/// The most specific route of the main table that holds the address. It is taken away only where another one is left that is better, and
/// otherwise led to where the pods are: a node without any route to them sends them out by its default one, which is worse.
fn correct_route(case: &Case, culprit: &Subject, _: &[Subject]) -> Option<(String, String)> {
    let Subject::NodePart(node, Part::Route(destination)) = culprit else { return None };
    let address = pod_of(case, destination)?;
    let state = state_of(case, node)?;
    let route = state.routes()?.specific(address).filter(|route| route.nexthops.is_empty())?;
    let home = case.target?.endpoints.iter().find(|endpoint| endpoint.ip == address)?.node.as_deref()?;
    let command = if is_left(state, route, address, home == node) { deleted(route) } else { led_home(case, state, route, home)? };
    Some((node.clone(), command))
}

/// The address of a pod that a route leads to: the destination itself, or an endpoint in its network.
fn pod_of(case: &Case, destination: &str) -> Option<IpAddr> {
    destination.parse().ok().or_else(|| {
        let network: ipnet::IpNet = destination.parse().ok()?;
        case.target?.endpoints.iter().map(|endpoint| endpoint.ip).find(|ip| network.contains(ip))
    })
}

/// Whether a wider route remains that leads where it should: into the bridge of the node's own pods, or for others into a tunnel.
fn is_left(state: &PlaceState, wrong: &Route, address: IpAddr, own: bool) -> bool {
    let holds = |route: &&Route| {
        let network = route.dst.parse::<ipnet::IpNet>().ok().filter(|network| network.contains(&address));
        route.table == wrong.table && route.kind == "unicast" && route.text != wrong.text && network.is_some()
    };
    let length = |route: &&Route| route.dst.parse::<ipnet::IpNet>().map(|network| network.prefix_len()).unwrap_or_default();
    let next = state.routes().and_then(|routes| routes.all().iter().filter(holds).max_by_key(length));
    let link = next.and_then(|route| state.link(route.dev.as_deref()?));
    link.is_some_and(|link| {
        Some(&link.name) != wrong.dev.as_ref() && if own { link.kind.as_deref() == Some("bridge") } else { link.is_tunnel() }
    })
}

fn deleted(route: &Route) -> String {
    let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
    let device = route.dev.as_ref().map(|device| format!(" dev {device}")).unwrap_or_default();
    format!("ip route del {}{via}{device}", route.dst)
}

/// The same route by the address that the pods' node has on the same tunnel, where the node itself knows its MAC, as every VXLAN's does.
fn led_home(case: &Case, state: &PlaceState, wrong: &Route, home: &str) -> Option<String> {
    let (via, device) = (wrong.via?, wrong.dev.as_deref()?);
    state.link(device).filter(|link| link.is_tunnel())?;
    let there = state_of(case, home)?.addresses()?.iter().filter(|(name, net)| name == device && net.addr().is_ipv4() == via.is_ipv4());
    let [right] = there.map(|(_, net)| net.addr()).filter(|own| !own.to_string().starts_with("fe80:")).collect::<Vec<_>>()[..] else {
        return None;
    };
    let known = state.neighbours()?.iter().any(|entry| entry.address == right && entry.device == device && entry.mac.is_some());
    let onlink = if wrong.text.split_whitespace().any(|word| word == "onlink") { " onlink" } else { "" };
    (known && right != via).then(|| format!("ip route replace {} via {right} dev {device}{onlink}", wrong.dst))
}

/// An interface that is down; one that lies elsewhere than it should is not mended by that.
fn set_up(case: &Case, culprit: &Subject, _: &[Subject]) -> Option<(String, String)> {
    let Subject::NodePart(node, Part::Interface(name)) = culprit else { return None };
    state_of(case, node)?.link(name).filter(|link| !link.up)?;
    Some((node.clone(), format!("ip link set {name} up")))
}

/// The entry of the client's for the Service's address, or a node's for the address that the finding names besides; of a router it is
/// not known how it is told. `ip neigh flush` leaves permanent entries alone, `ip neigh del` does not.
fn forget_neighbour(case: &Case, culprit: &Subject, all: &[Subject]) -> Option<(String, String)> {
    let (state, address, device) = match culprit {
        Subject::Client(client) => (&client_state(case, client)?.after, case.address()?, None),
        Subject::NodePart(node, Part::Interface(device)) => {
            let named = all.iter().find_map(|one| if let Subject::Address(address) = one { address.parse().ok() } else { None })?;
            (state_of(case, node)?, named, Some(device))
        }
        _ => return None,
    };
    let is = |entry: &&Neighbour| entry.address == address && entry.mac.is_some() && device.is_none_or(|device| entry.device == *device);
    let entry = state.neighbours()?.iter().find(is)?;
    Some((state.place.to_string(), format!("ip neigh del {address} dev {}", entry.device)))
}

fn client_state<'a>(case: &Case<'a>, client: &str) -> Option<&'a StatePair> {
    let own = |pair: &&StatePair| {
        let named = matches!(&pair.after.place, Place::Host(host) if host.name == client);
        named || client.parse().is_ok_and(|own| pair.after.has_address(own))
    };
    case.closer?.states.iter().find(own)
}

/// The Service's address on an interface of a host that was looked at and should not have it.
fn give_up_address(case: &Case, culprit: &Subject, _: &[Subject]) -> Option<(String, String)> {
    let (state, on) = match culprit {
        Subject::NodePart(node, Part::Interface(name)) => (state_of(case, node)?, Some(name)),
        Subject::Client(client) => (&client_state(case, client)?.after, None),
        _ => return None,
    };
    let vip = case.address()?;
    let (name, net) = state.addresses()?.iter().find(|(name, net)| net.addr() == vip && on.is_none_or(|on| on == name))?;
    Some((state.place.to_string(), format!("ip addr del {net} dev {name}")))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn nothing_is_given_to_paste_that_does_more_than_it_says() {
        assert!(is_plain(r#"iptables -t raw -D PREROUTING ! -s 10.0.0.0/8 -i mlb -m comment --comment "by hand" -j DROP"#));
        for bad in ["a; b", "a `b`", "a $(b)", "a && b", "a \"b", "a > b", "a\nb", "a\\b", "a 'b'", "a é"] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
