//! Routes and policy rules, as `ip route show table all` and `ip rule` print them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// `default`, an address or a network, as the kernel tells it.
    pub dst: String,
    pub via: Option<IpAddr>,
    pub dev: Option<String>,
    pub src: Option<IpAddr>,
    pub metric: Option<u64>,
    /// `main`, `local`, a number or a name.
    pub table: String,
    /// `unicast`, `local`, `broadcast`, `blackhole`, `unreachable`, …
    pub kind: String,
    /// Who made it: `kernel`, `bird`, `dhcp`, …
    pub protocol: Option<String>,
    /// The ways of a route that has several; empty for most.
    pub nexthops: Vec<NextHop>,
    /// As it is printed.
    #[serde(skip)]
    pub text: String,
}

/// One way of a route with several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextHop {
    pub via: Option<IpAddr>,
    pub dev: Option<String>,
    pub weight: Option<u64>,
}

/// A rule that chooses a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyRule {
    pub family: &'static str,
    pub priority: u64,
    /// Whether it takes what it does not name.
    pub not: bool,
    /// `all`, an address or a network.
    pub from: String,
    pub to: Option<String>,
    pub mark: Option<String>,
    pub iif: Option<String>,
    pub oif: Option<String>,
    /// The transport protocol, `tcp` or a number.
    pub protocol: Option<String>,
    /// A port or a range of ports.
    pub source_port: Option<String>,
    pub destination_port: Option<String>,
    /// The table that is looked up; none for a rule that refuses.
    pub table: Option<String>,
    /// Routes of that table with a prefix of so many bits or fewer count as none.
    pub suppressed: Option<u32>,
    /// Whether it asks for something else besides, such as a user.
    #[serde(skip)]
    pub asks_for_more: bool,
    /// The whole rule, as `ip rule` prints it.
    pub text: String,
}

/// What follows a word of a rule that takes a value, and is understood.
const RULE_VALUES: [&str; 11] =
    ["from", "to", "fwmark", "iif", "oif", "ipproto", "sport", "dport", "lookup", "suppress_prefixlength", "proto"];

/// Words of a rule that stand alone, and are understood; the last says that the named interface is not there.
const RULE_WORDS: [&str; 5] = ["not", "blackhole", "unreachable", "prohibit", "[detached]"];

const KINDS: [&str; 9] = ["unicast", "local", "broadcast", "multicast", "anycast", "blackhole", "unreachable", "prohibit", "throw"];

/// The routes of a place, IPv4 first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// What the tool printed of both families.
    pub(super) fn read(four: &str, six: &str) -> Self {
        let mut all: Vec<Route> = Vec::new();
        for line in four.lines().chain(six.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first() == Some(&"nexthop") {
                if let Some(route) = all.last_mut() {
                    let weight = after(&words, "weight").and_then(|weight| weight.parse().ok());
                    route.nexthops.push(NextHop { via: gateway(&words), dev: after(&words, "dev").map(str::to_owned), weight });
                }
            } else {
                all.extend(route(&words, line.trim()));
            }
        }
        Self(all)
    }

    #[must_use]
    pub fn all(&self) -> &[Route] {
        &self.0
    }

    fn main(&self) -> impl Iterator<Item = &Route> {
        self.0.iter().filter(|route| route.table == "main")
    }

    /// The gateway of the default route of the main table, with its interface.
    #[must_use]
    pub fn default(&self) -> Option<(Option<IpAddr>, &str)> {
        let mut defaults = self.main().filter(|route| route.dst == "default" && route.kind == "unicast");
        defaults.find_map(|route| Some((route.via, route.dev.as_deref()?)))
    }

    /// The most specific route of the main table that holds the address, the default one where no other does.
    #[must_use]
    pub fn towards(&self, address: IpAddr) -> Option<&Route> {
        let six = address.is_ipv6();
        let of_family = |route: &&Route| {
            let hops = route.via.into_iter().chain(route.nexthops.iter().filter_map(|hop| hop.via));
            hops.into_iter().all(|via| via.is_ipv6() == six)
        };
        self.specific(address).or_else(|| self.main().filter(|route| route.dst == "default" && route.kind == "unicast").find(of_family))
    }

    /// The most specific route of the main table (not the default) that holds the address.
    #[must_use]
    pub fn specific(&self, address: IpAddr) -> Option<&Route> {
        let holding = self.main().filter_map(|route| Some((route.network().filter(|net| net.contains(&address))?.prefix_len(), route)));
        holding.max_by_key(|(length, _)| *length).map(|(_, route)| route)
    }
}

impl Route {
    /// Where it leads to; `None` for a default route.
    fn network(&self) -> Option<IpNet> {
        net(&self.dst)
    }

    /// Whether it is one of IPv6, where its gateway or source tells.
    pub(super) fn is_v6(&self) -> Option<bool> {
        self.via.or(self.src).or_else(|| self.nexthops.iter().find_map(|hop| hop.via)).map(|address| address.is_ipv6())
    }
}

impl PolicyRule {
    /// Whether the rule itself refuses what it takes.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.table.is_none()
            && ["blackhole", "unreachable", "prohibit"].iter().any(|kind| self.text.split_whitespace().any(|word| word == *kind))
    }

    /// Whether it may lead to what is not known here: over other rules, or into the table of a VRF.
    #[must_use]
    pub fn goes_on_elsewhere(&self) -> bool {
        self.table.as_deref().is_some_and(|table| table.starts_with('[')) || self.text.split_whitespace().any(|word| word == "goto")
    }

    /// Whether it chooses by more than that a table is looked up for everything, as the kernel's own three rules do.
    #[must_use]
    pub fn chooses(&self) -> bool {
        let usual = matches!(self.table.as_deref(), Some("local" | "main" | "default"));
        !(usual && self.text.trim_start_matches("from all ") == format!("lookup {}", self.table.as_deref().unwrap_or_default()))
    }
}

/// A network, or an address as the network of itself.
pub(super) fn net(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn route(words: &[&str], text: &str) -> Option<Route> {
    let kind = words.first().filter(|word| KINDS.contains(word));
    let rest = if kind.is_some() { &words[1..] } else { words };
    let dst = *rest.first()?;
    let network = dst == "default" || dst.split('/').next()?.parse::<IpAddr>().is_ok();
    network.then(|| Route {
        dst: dst.to_owned(),
        via: gateway(rest),
        dev: after(rest, "dev").map(str::to_owned),
        src: after(rest, "src").and_then(|src| src.parse().ok()),
        metric: after(rest, "metric").and_then(|metric| metric.parse().ok()),
        table: after(rest, "table").unwrap_or("main").to_owned(),
        kind: kind.copied().unwrap_or("unicast").to_owned(),
        protocol: after(rest, "proto").map(str::to_owned),
        nexthops: Vec::new(),
        text: text.to_owned(),
    })
}

/// The gateway; one of the other family is written with its family in front.
fn gateway(words: &[&str]) -> Option<IpAddr> {
    match after(words, "via")? {
        "inet" | "inet6" => words.iter().position(|word| *word == "via").and_then(|at| words.get(at + 2))?.parse().ok(),
        address => address.parse().ok(),
    }
}

fn after<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied()
}

/// All policy rules, IPv4 first, each family in the order in which the kernel asks them.
pub(super) fn rules(four: &str, six: &str) -> Vec<PolicyRule> {
    let of = |text: &str, family| text.lines().filter_map(|line| rule(line, family)).collect::<Vec<_>>();
    of(four, "ipv4").into_iter().chain(of(six, "ipv6")).collect()
}

fn rule(line: &str, family: &'static str) -> Option<PolicyRule> {
    let (priority, text) = line.trim().split_once(':')?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let owned = |key: &str| after(&words, key).map(str::to_owned);
    let mut rest = words.iter();
    let mut asks_for_more = false;
    while let Some(word) = rest.next() {
        if RULE_VALUES.contains(word) {
            rest.next();
        } else {
            asks_for_more |= !RULE_WORDS.contains(word);
        }
    }
    Some(PolicyRule {
        family,
        priority: priority.parse().ok()?,
        not: words.first() == Some(&"not"),
        from: owned("from").unwrap_or_else(|| "all".to_owned()),
        to: owned("to"),
        mark: owned("fwmark"),
        iif: owned("iif"),
        oif: owned("oif"),
        protocol: owned("ipproto"),
        source_port: owned("sport"),
        destination_port: owned("dport"),
        suppressed: after(&words, "suppress_prefixlength").and_then(|most| most.parse().ok()),
        asks_for_more,
        table: owned("lookup"),
        text: words.join(" "),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{Host, Place};

    #[test]
    fn routes_of_every_form() {
        let text = "=== routes\ndefault via 10.88.64.1 dev mlb \n10.88.131.0/24 via 10.88.131.255 dev vxlan.calico onlink \n\
            blackhole 10.88.129.0/26 proto 80 \n10.1.0.0/16 proto bird metric 20 \n\tnexthop via 10.0.0.1 dev eth0 weight 1 \n\tnexthop via 10.0.0.2 dev eth1 weight 2 \n\
            10.9.0.0/16 via inet6 fe80::1 dev eth0 table 100 \nlocal 10.88.0.12 dev eth0 table local proto kernel scope host src 10.88.0.12 \n=== end 0\n\
            === routes6\nfe80::/64 dev eth0 proto kernel metric 256 pref medium\nsomething else\n=== end 0\n";
        let state = place_state(Place::Host(Host::local()), text);
        let all = state.routes().unwrap().all();
        assert_eq!(all.len(), 7);
        assert_eq!((all[0].dst.as_str(), all[0].via, all[0].table.as_str()), ("default", "10.88.64.1".parse().ok(), "main"));
        assert_eq!((all[2].kind.as_str(), all[2].dev.as_deref()), ("blackhole", None));
        assert_eq!((all[3].metric, all[3].nexthops[1].via, all[3].nexthops[1].weight), (Some(20), "10.0.0.2".parse().ok(), Some(2)));
        assert_eq!((all[4].via, all[4].table.as_str()), ("fe80::1".parse().ok(), "100"));
        assert_eq!((all[5].kind.as_str(), all[5].table.as_str(), all[5].src), ("local", "local", "10.88.0.12".parse().ok()));
        assert_eq!((all[6].dst.as_str(), all[6].metric), ("fe80::/64", Some(256)));
    }

    #[test]
    fn a_specific_route_is_not_the_default() {
        let routes = super::Routes::read(
            "default via 10.88.64.1 dev mlb\n10.88.0.0/16 dev eth0\n10.88.131.0/24 via 10.88.131.255 dev vxlan.calico onlink\n\
             local 10.88.131.7 dev lo table local",
            "",
        );
        let specific = |address: &str| routes.specific(address.parse().unwrap()).map(|route| route.dst.as_str());
        assert_eq!(
            [specific("10.88.131.7"), specific("10.88.132.7"), specific("10.9.9.9")],
            [Some("10.88.131.0/24"), Some("10.88.0.0/16"), None]
        );
        assert_eq!(
            routes.specific("10.88.131.7".parse().unwrap()).unwrap().text,
            "10.88.131.0/24 via 10.88.131.255 dev vxlan.calico onlink"
        );
        assert_eq!(routes.default(), Some(("10.88.64.1".parse().ok(), "mlb")));
        assert_eq!(super::Routes::read("unreachable default dev lo metric 4\ndefault via 10.0.0.1 dev a table 7\n", "").default(), None);
    }

    #[test]
    fn policy_rules_in_their_order() {
        let text = "=== rules\n0:\tfrom all lookup local\n99:\tnot from 10.0.0.0/8 fwmark 0x1/0xff iif mlb lookup 100\n100:\tfrom 10.9.9.9 unreachable\n=== end 0\n\
            === rules6\n0:\tfrom all lookup local\n=== end 0\n";
        let all = place_state(Place::Host(Host::local()), text).policy_rules().unwrap();
        assert_eq!((all[1].priority, all[1].not, all[1].mark.as_deref(), all[1].iif.as_deref()), (99, true, Some("0x1/0xff"), Some("mlb")));
        assert_eq!((all[2].table.as_deref(), all[2].text.as_str()), (None, "from 10.9.9.9 unreachable"));
        assert_eq!((all.len(), all[3].family), (4, "ipv6"));
    }
}
