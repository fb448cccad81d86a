//! Commands that mend what a finding blames, made of what was read of the place: the rule, route or setting as it stands there.
//!
//! A command is given only where the thing itself is in the state and is nobody's to write but a person's.

use super::judge::Case;
use super::state::netfilter::Rule;
use super::state::place_state::PlaceState;
use super::state::ruleset::Hook;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::place::Place;
use crate::model::remedy::Remedy;
use crate::model::subject::{Part, Subject};

/// Host and command, where there is one.
type Mends = fn(&Case, &Subject) -> Option<(String, String)>;

/// The findings that a command mends.
const REMEDIES: [(&str, Mends); 5] = [
    (names::NODE_FIREWALL_DROP, delete_rule),
    (names::NODE_FORWARDING_OFF, forward),
    (names::ROUTE_POD_NETWORK_WRONG, delete_route),
    (names::POD_DISCONNECTED, set_up),
    (names::WIRE_STALE_NEIGHBOUR, forget_neighbour),
];

/// The command of each finding that has one, in the findings' order.
#[must_use]
pub fn remedies(case: &Case, findings: &[Finding]) -> Vec<Remedy> {
    let of = |finding: &Finding| {
        let (_, mends) = REMEDIES.iter().find(|(name, _)| *name == finding.name)?;
        let (on, command) = finding.culprits.iter().find_map(|culprit| mends(case, culprit))?;
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
fn delete_rule(case: &Case, culprit: &Subject) -> Option<(String, String)> {
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

fn forward(_: &Case, culprit: &Subject) -> Option<(String, String)> {
    let Subject::NodePart(node, Part::Sysctl(name)) = culprit else { return None };
    Some((node.clone(), format!("sysctl -w {name}=1")))
}

/// The most specific route of the main table that holds the address.
fn delete_route(case: &Case, culprit: &Subject) -> Option<(String, String)> {
    let Subject::NodePart(node, Part::Route(destination)) = culprit else { return None };
    let address = destination.parse().ok()?;
    let route = state_of(case, node)?.routes()?.specific(address)?;
    let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
    let device = route.dev.as_ref().map(|device| format!(" dev {device}")).unwrap_or_default();
    Some((node.clone(), format!("ip route del {}{via}{device}", route.dst)))
}

/// An interface that is down; one that lies elsewhere than it should is not mended by that.
fn set_up(case: &Case, culprit: &Subject) -> Option<(String, String)> {
    let Subject::NodePart(node, Part::Interface(name)) = culprit else { return None };
    state_of(case, node)?.link(name).filter(|link| !link.up)?;
    Some((node.clone(), format!("ip link set {name} up")))
}

/// The client's own entry; of a router it is not known how it is told.
fn forget_neighbour(case: &Case, culprit: &Subject) -> Option<(String, String)> {
    let Subject::Client(client) = culprit else { return None };
    let address = case.address()?;
    let own = |pair: &&super::state::place_state::StatePair| {
        let named = matches!(&pair.after.place, Place::Host(host) if host.name == *client);
        named || client.parse().is_ok_and(|own| pair.after.has_address(own))
    };
    let place = case.closer?.states.iter().find(own)?;
    // `ip neigh flush` leaves permanent entries alone.
    let entry = place.after.neighbours()?.iter().find(|entry| entry.address == address && entry.mac.is_some())?;
    Some((place.after.place.to_string(), format!("ip neigh del {address} dev {}", entry.device)))
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
