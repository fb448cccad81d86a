//! Which policy rule and which route a place's kernel takes for one packet, by all that rules ask for: addresses, interface, mark,
//! protocol and ports. `ip route get` is asked without marks and ports, and says nothing of rules that go by them.
//!
//! The rules are asked as the kernel asks them: by their numbers, and one whose table holds no route for the packet is passed over
//! (ip-rule(8)).

use std::net::IpAddr;

use super::netfilter::Match;
use super::place_state::PlaceState;
use super::routes::{PolicyRule, Route};

/// A packet, as the routing of a place meets it. `None` is "not known".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    pub from: Option<IpAddr>,
    pub to: IpAddr,
    /// The interface by which it came in; `lo` for what the place sends itself.
    pub input: Option<String>,
    pub mark: Option<u32>,
    /// `tcp`, `udp`, …
    pub protocol: &'static str,
    pub source_port: Option<u16>,
    pub destination_port: Option<u16>,
}

/// What the routing does with the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes by a route.
    Goes(Route),
    /// The route refuses: `blackhole`, `unreachable` or `prohibit`.
    RefusedByRoute(Route),
    /// The rule itself refuses.
    Refused,
}

/// A rule that decides about the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub rule: PolicyRule,
    pub fate: Fate,
}

impl Decision {
    /// Where the packet leaves, where it leaves.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        match &self.fate {
            Fate::Goes(route) => route.dev.as_deref(),
            Fate::RefusedByRoute(_) | Fate::Refused => None,
        }
    }

    /// Whether the packet ends here.
    #[must_use]
    pub fn refuses(&self) -> bool {
        !matches!(self.fate, Fate::Goes(_))
    }
}

/// What decides about the packet: `Err` with the rules of which it is not known whether they take it, where one of them may come first.
/// `Ok(None)` where no rule leads anywhere, or rules and routes were not read.
///
/// # Errors
///
/// The rules that ask for something that is not known of the packet.
pub fn lookup(state: &PlaceState, packet: &Routed, without: Option<&PolicyRule>) -> Result<Option<Decision>, Vec<PolicyRule>> {
    let (Some(rules), Some(routes)) = (state.policy_rules(), state.routes()) else { return Ok(None) };
    let family = if packet.to.is_ipv4() { "ipv4" } else { "ipv6" };
    let mut open: Vec<PolicyRule> = Vec::new();
    let mut decided = None;
    for rule in rules.into_iter().filter(|rule| rule.family == family && without != Some(rule)) {
        let takes = takes(&rule, packet);
        if takes == Match::No {
            continue;
        }
        let Some(fate) = fate(&rule, routes.all(), packet.to) else {
            // It matters only where it leads: a jump over other rules may lead anywhere.
            if rule.goes_on_elsewhere() {
                open.push(rule);
            }
            continue;
        };
        if takes == Match::Yes {
            decided = Some(Decision { rule, fate });
            break;
        }
        open.push(rule);
    }
    // Another rule that may come first and leads to the same place changes nothing.
    let same = |rule: &PolicyRule| match (&decided, fate(rule, routes.all(), packet.to)) {
        (Some(Decision { fate: Fate::Goes(one), .. }), Some(Fate::Goes(other))) => (&one.dev, one.via) == (&other.dev, other.via),
        _ => false,
    };
    open.retain(|rule| !same(rule));
    if open.is_empty() { Ok(decided) } else { Err(open) }
}

/// Whether a rule takes the packet.
fn takes(rule: &PolicyRule, packet: &Routed) -> Match {
    let of = |known: Option<bool>| known.map_or(Match::Maybe, |yes| if yes { Match::Yes } else { Match::No });
    let holds = |net: &str, address: Option<IpAddr>| match net {
        "all" | "any" => Match::Yes,
        net => of(address.and_then(|address| Some(super::routes::net(net)?.contains(&address)))),
    };
    let in_range = |range: &str, port: Option<u16>| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        of(port.and_then(|port| Some((from.parse::<u16>().ok()?..=to.parse::<u16>().ok()?).contains(&port))))
    };
    let mut all = vec![holds(&rule.from, packet.from)];
    all.extend(rule.to.as_deref().map(|to| holds(to, Some(packet.to))));
    all.extend(rule.iif.as_deref().map(|iif| of(packet.input.as_deref().map(|input| input == iif))));
    // A rule by the interface of leaving takes what a program has bound to it, which nobody forwards.
    all.extend(rule.oif.as_ref().map(|_| match packet.input.as_deref() {
        Some(input) if input != "lo" => Match::No,
        _ => Match::Maybe,
    }));
    all.extend(
        rule.mark.as_deref().map(|mark| {
            of(super::netfilter::mark_and_mask(mark).zip(packet.mark).map(|((value, mask), mark)| mark & mask == value & mask))
        }),
    );
    all.extend(rule.protocol.as_deref().map(|protocol| if protocol == packet.protocol { Match::Yes } else { Match::No }));
    all.extend(rule.source_port.as_deref().map(|range| in_range(range, packet.source_port)));
    all.extend(rule.destination_port.as_deref().map(|range| in_range(range, packet.destination_port)));
    all.extend(rule.asks_for_more.then_some(Match::Maybe));
    let takes = all.into_iter().min().unwrap_or(Match::Yes);
    if rule.not { takes.inverted() } else { takes }
}

/// What becomes of a packet that the rule takes; none where its table says nothing, so that the next rule is asked.
fn fate(rule: &PolicyRule, routes: &[Route], to: IpAddr) -> Option<Fate> {
    let Some(table) = rule.table.as_deref() else { return rule.refuses().then_some(Fate::Refused) };
    let (length, route) = route_in(routes, table, to)?;
    if rule.suppressed.is_some_and(|most| u32::from(length) <= most) {
        return None;
    }
    match route.kind.as_str() {
        "throw" => None,
        "blackhole" | "unreachable" | "prohibit" => Some(Fate::RefusedByRoute(route.clone())),
        _ => Some(Fate::Goes(route.clone())),
    }
}

/// The most specific usable route of a table that holds the address, with the length of its prefix.
#[must_use]
pub fn route_in<'a>(routes: &'a [Route], table: &str, address: IpAddr) -> Option<(u8, &'a Route)> {
    let length = |route: &Route| match route.dst.as_str() {
        "default" => (route.is_v6().is_none_or(|six| six == address.is_ipv6())).then_some(0),
        dst => super::routes::net(dst).filter(|net| net.contains(&address)).map(|net| net.prefix_len()),
    };
    let usable = |route: &&Route| route.table == table && !route.text.split_whitespace().any(|word| word == "dead");
    // Of several to one destination the kernel takes the one with the least metric, and of these the first that it lists.
    let here = routes.iter().rev().filter(usable).filter_map(|route| Some((length(route)?, route)));
    here.max_by_key(|(length, route)| (*length, std::cmp::Reverse(route.metric.unwrap_or_default())))
}

#[cfg(test)]
mod tests;
