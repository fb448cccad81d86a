//! Drops in nftables' own rules, as `nft list ruleset` prints them.
//!
//! Only what can be decided from a rule's text is decided: a rule with an expression that is not understood is a
//! `Maybe`. Tables that iptables-nft manages are left to `netfilter`, kube-proxy's own to the API.

use std::net::IpAddr;

use ipnet::IpNet;

use super::netfilter::{Fields, Match};
use crate::model::state::StatePair;

/// A rule with a `drop` or `reject` verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftRule {
    /// `FAMILY TABLE`
    pub table: String,
    pub chain: String,
    pub number: usize,
    pub text: String,
    /// `None` when the rule has no counter.
    pub packets: Option<u64>,
    /// The chain's hook, empty for a chain that others jump to.
    pub hook: String,
}

impl NftRule {
    /// `inet-filter/input/3`, as culprits name it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}/{}", self.table.replace(' ', "-"), self.chain, self.number)
    }

    /// Whether the rule takes a packet with these fields.
    #[must_use]
    pub fn matches(&self, fields: &Fields) -> Match {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        let mut result = Match::Yes;
        let mut at = 0;
        while at < words.len() {
            let (answer, took) = expression(&words[at..], fields);
            result = result.min(answer);
            at += took;
        }
        result
    }
}

/// One expression at the head of the words: its answer and how many words it took.
pub(super) fn expression(words: &[&str], fields: &Fields) -> (Match, usize) {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let (negated, value_at) = if word(2) == "!=" { (true, 3) } else { (false, 2) };
    let (value, value_words) = value(&words[value_at.min(words.len())..]);
    let both = |answer: Match| if negated { answer.inverted() } else { answer };
    match (word(0), word(1)) {
        ("ip" | "ip6", "saddr") => (both(net(fields.source, &value)), value_at + value_words),
        ("ip" | "ip6", "daddr") => (both(net(fields.destination, &value)), value_at + value_words),
        ("tcp" | "udp" | "th", "dport") => {
            let same = word(0) == "th" || word(0) == fields.protocol;
            (if same { both(ports(fields.destination_port, &value)) } else { Match::No }, value_at + value_words)
        }
        ("tcp" | "udp" | "th", "sport") => {
            let same = word(0) == "th" || word(0) == fields.protocol;
            (if same { both(ports(fields.source_port, &value)) } else { Match::No }, value_at + value_words)
        }
        ("iifname" | "iif", _) => single(words, fields.input.as_deref()),
        ("oifname" | "oif", _) => single(words, fields.output.as_deref()),
        ("meta", "l4proto") | ("ip", "protocol") => {
            (both(if value.iter().any(|one| *one == fields.protocol) { Match::Yes } else { Match::No }), value_at + value_words)
        }
        ("counter", "packets") => (Match::Yes, 5),
        ("drop" | "counter" | "log", _) => (Match::Yes, 1),
        ("reject" | "comment", _) => (Match::Yes, words.len()),
        _ => (Match::Maybe, 1),
    }
}

fn single(words: &[&str], name: Option<&str>) -> (Match, usize) {
    let negated = words.get(1) == Some(&"!=");
    let start = if negated { 2 } else { 1 };
    let (wanted, took) = value(&words[start.min(words.len())..]);
    let answer = match name {
        None => Match::Maybe,
        Some(name) => {
            let same = wanted.iter().any(|one| {
                let one = one.trim_matches('"');
                one.strip_suffix('*').map_or(one == name, |head| name.starts_with(head))
            });
            if same { Match::Yes } else { Match::No }
        }
    };
    (if negated { answer.inverted() } else { answer }, start + took)
}

/// A value or a set in braces, and how many words it took.
pub(super) fn value<'a>(words: &[&'a str]) -> (Vec<&'a str>, usize) {
    if words.first() == Some(&"{") {
        let end = words.iter().position(|word| *word == "}").unwrap_or(words.len());
        (words[1..end].iter().map(|word| word.trim_end_matches(',')).collect(), (end + 1).min(words.len()))
    } else {
        (words.first().copied().into_iter().collect(), 1)
    }
}

fn net(address: Option<IpAddr>, values: &[&str]) -> Match {
    let Some(address) = address else { return Match::Maybe };
    let mut known = Match::No;
    for value in values {
        let range = || {
            let (first, last) = value.split_once('-')?;
            Some((first.parse::<IpAddr>().ok()?..=last.parse().ok()?).contains(&address))
        };
        let one = value.parse::<IpNet>().map(|net| net.contains(&address)).or_else(|_| value.parse::<IpAddr>().map(|one| one == address));
        match one.ok().or_else(range) {
            Some(true) => return Match::Yes,
            Some(false) => {}
            None => known = Match::Maybe,
        }
    }
    known
}

fn ports(port: Option<u16>, values: &[&str]) -> Match {
    let Some(port) = port else { return Match::Maybe };
    let mut known = Match::No;
    for value in values {
        let holds = match value.split_once('-') {
            Some((first, last)) => first.parse().and_then(|first: u16| last.parse().map(|last: u16| (first..=last).contains(&port))),
            None => value.parse().map(|one: u16| one == port),
        };
        match holds {
            Ok(true) => return Match::Yes,
            Ok(false) => {}
            // A service name such as `https`: nft prints numbers unless asked otherwise.
            Err(_) => known = Match::Maybe,
        }
    }
    known
}

/// Every rule of a ruleset that ends in `drop` or `reject`, except kube-proxy's and those of iptables-nft.
#[must_use]
pub fn drop_rules(ruleset: &str) -> Vec<NftRule> {
    let (mut table, mut chain, mut hook, mut number, mut foreign) = (String::new(), String::new(), String::new(), 0, false);
    let mut managed_next = false;
    let mut all = Vec::new();
    for line in ruleset.lines() {
        let line = line.trim();
        if line.contains("is managed by iptables-nft") {
            managed_next = true;
        } else if let Some(name) = line.strip_prefix("table ") {
            name.trim_end_matches('{').trim().clone_into(&mut table);
            foreign = managed_next
                || table.contains("kube-proxy")
                || ["raw", "mangle", "nat", "filter"].iter().any(|own| table == format!("ip {own}") || table == format!("ip6 {own}"))
                    && line_has_xt(ruleset);
            managed_next = false;
        } else if let Some(name) = line.strip_prefix("chain ") {
            name.trim_end_matches('{').trim().clone_into(&mut chain);
            hook.clear();
            number = 0;
        } else if line.starts_with("type ") {
            line.split_whitespace().skip_while(|word| *word != "hook").nth(1).unwrap_or_default().clone_into(&mut hook);
        } else if !line.is_empty() && line != "}" && !foreign && !chain.is_empty() {
            number += 1;
            let verdict = line.split_whitespace().any(|word| word == "drop" || word == "reject");
            if verdict {
                all.push(NftRule {
                    table: table.clone(),
                    chain: chain.clone(),
                    number,
                    text: line.to_owned(),
                    packets: packets(line),
                    hook: hook.clone(),
                });
            }
        }
    }
    all
}

/// Whether the dump holds marks of iptables-nft's compatibility layer.
pub(super) fn line_has_xt(ruleset: &str) -> bool {
    ruleset.contains("xt match") || ruleset.contains("# xt_")
}

fn packets(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("counter packets ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The rules that could have taken one of these packets: by a counter that grew, or, without a counter, by a text that
/// surely matches. The surest first, with by how much the counter grew.
#[must_use]
pub fn drops(pair: &StatePair, wanted: &[Fields]) -> Vec<(NftRule, Option<u64>, Match)> {
    let before = drop_rules(pair.before.section("nft"));
    let mut found = Vec::new();
    for rule in drop_rules(pair.after.section("nft")) {
        let matched = wanted.iter().map(|fields| rule.matches(fields)).max().unwrap_or(Match::No);
        let old = before.iter().find(|old| old.path() == rule.path()).and_then(|old| old.packets);
        let grown = rule.packets.map(|now| now.saturating_sub(old.unwrap_or_default()));
        let counts = match grown {
            Some(grown) => grown > 0 && matched != Match::No,
            None => matched == Match::Yes,
        };
        if counts {
            found.push((rule, grown, matched));
        }
    }
    found.sort_by_key(|(_, grown, matched)| (std::cmp::Reverse(*matched), std::cmp::Reverse(*grown)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULESET: &str = "table inet guard {\n\tchain in {\n\t\ttype filter hook prerouting priority -300; policy accept;\n\t\tip saddr 10.88.192.0/24 tcp dport 443 counter packets 24 bytes 1440 drop\n\t\tiifname \"eth0\" udp dport { 4789, 8472 } drop\n\t\tip saddr @blocked drop\n\t}\n}\n# Warning: table ip raw is managed by iptables-nft, do not touch!\ntable ip raw {\n\tchain PREROUTING {\n\t\tip saddr 1.2.3.4 drop\n\t}\n}\n";

    #[test]
    fn rules_are_read_with_their_counters() {
        let rules = drop_rules(RULESET);
        assert_eq!(rules.len(), 3);
        assert_eq!((rules[0].packets, rules[0].hook.as_str(), rules[0].path().as_str()), (Some(24), "prerouting", "inet-guard/in/1"));
    }

    #[test]
    fn rules_take_what_they_name() {
        let rules = drop_rules(RULESET);
        let fields = Fields {
            source: Some("10.88.192.50".parse().unwrap()),
            protocol: "tcp".into(),
            destination_port: Some(443),
            ..Fields::default()
        };
        assert_eq!(rules[0].matches(&fields), Match::Yes);
        assert_eq!(rules[1].matches(&fields), Match::No);
        assert_eq!(rules[2].matches(&fields), Match::Maybe);
        let vxlan = Fields { protocol: "udp".into(), destination_port: Some(4789), input: Some("eth0".into()), ..Fields::default() };
        assert_eq!(rules[1].matches(&vxlan), Match::Yes);
        assert_eq!(rules[0].matches(&vxlan), Match::No);
    }
}
