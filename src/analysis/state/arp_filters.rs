//! Rules of nftables' arp family, for one ARP packet: which rule surely drops it. What a rule asks for that is not known here is never taken
//! for a match, and what comes after a rule that may end the packet's way is not sure any more.

use std::net::IpAddr;

use super::netfilter::{self, Match};
use super::nftables::{net, value};

/// An ARP packet as the rules see it.
#[derive(Clone, Debug)]
pub struct ArpPacket<'a> {
    /// Whether it comes in; otherwise the host sends it.
    pub incoming: bool,
    pub reply: bool,
    pub sender: IpAddr,
    pub target: IpAddr,
    pub interface: &'a str,
}

/// A rule, or a chain's policy, that drops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArpDrop {
    /// `arp-guard/in/1`, or `arp-guard/in/policy`.
    pub path: String,
    /// As nft prints it, without what its counter says.
    pub text: String,
}

/// What a rule does with the packet.
enum Verdict {
    Drop,
    /// Out of this chain.
    Out,
    Next,
    /// It is not known; nothing behind it is sure.
    Unknown,
}

/// The first rule that surely drops the packet, in a dump of `nft list ruleset`.
pub(super) fn dropping(dump: &str, packet: &ArpPacket) -> Option<ArpDrop> {
    let (mut table, mut chain) = (None::<String>, None::<Chain>);
    for line in dump.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("table ") {
            table = name.trim_end_matches('{').trim().strip_prefix("arp ").map(|name| format!("arp-{}", name.trim()));
        } else if let Some((table, name)) = table.as_ref().zip(line.strip_prefix("chain ")) {
            chain = Some(Chain::new(format!("{table}/{}", name.trim_end_matches('{').trim())));
        } else if line == "}" {
            if let Some(drop) = chain.take().and_then(Chain::end) {
                return Some(drop);
            }
        } else if let Some(chain) = &mut chain {
            chain.ask(line, packet);
        }
    }
    None
}

/// A chain of the family, while it is read.
struct Chain {
    path: String,
    number: usize,
    /// Whether the packet comes by it, and is still in it.
    here: bool,
    refuses: bool,
    drop: Option<ArpDrop>,
}

impl Chain {
    fn new(path: String) -> Self {
        Self { path, number: 0, here: false, refuses: false, drop: None }
    }

    fn ask(&mut self, line: &str, packet: &ArpPacket) {
        if line.starts_with("type ") && line.contains(" hook ") {
            let words: Vec<&str> = line.split([' ', ';']).filter(|word| !word.is_empty()).collect();
            let after = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
            self.here = after("hook") == Some(if packet.incoming { "input" } else { "output" });
            self.refuses = after("policy") == Some("drop");
            return;
        }
        self.number += 1;
        if !self.here {
            return;
        }
        match verdict(line, packet) {
            Verdict::Next => {}
            Verdict::Out | Verdict::Unknown => self.here = false,
            Verdict::Drop => {
                self.here = false;
                let text = line.split_once(" counter packets ").map_or_else(
                    || line.to_owned(),
                    |(before, after)| format!("{before} counter {}", after.split_whitespace().skip(3).collect::<Vec<_>>().join(" ")),
                );
                self.drop = Some(ArpDrop { path: format!("{}/{}", self.path, self.number), text });
            }
        }
    }

    fn end(self) -> Option<ArpDrop> {
        let by_policy = self.here && self.refuses;
        self.drop.or_else(|| by_policy.then(|| ArpDrop { path: format!("{}/policy", self.path), text: "policy drop".to_owned() }))
    }
}

fn verdict(line: &str, packet: &ArpPacket) -> Verdict {
    let owned = netfilter::words(line);
    let words: Vec<&str> = owned.iter().map(String::as_str).collect();
    let (mut at, mut matched) = (0, Match::Yes);
    while at < words.len() {
        let rest = &words[at..];
        match rest[0] {
            "drop" | "reject" if matched == Match::Yes => return Verdict::Drop,
            "accept" | "return" if matched == Match::Yes => return Verdict::Out,
            "continue" => return Verdict::Next,
            _ => {}
        }
        let Some((answer, took)) = expression(rest, packet) else { return Verdict::Unknown };
        if answer == Match::No {
            return Verdict::Next;
        }
        matched = matched.min(answer);
        at += took;
    }
    if matched == Match::Yes { Verdict::Next } else { Verdict::Unknown }
}

/// One expression of a rule and how many words it has; `None` for one that is not known.
fn expression(words: &[&str], packet: &ArpPacket) -> Option<(Match, usize)> {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    // A selector, then perhaps `!=`, then a value or a set of values.
    let compare = |selector: usize, holds: &dyn Fn(&[&str]) -> Match| {
        let negated = word(selector) == "!=";
        let from = selector + usize::from(negated);
        // What is masked or compared otherwise, or looked up in a set with a name, is not known.
        if ["&", "and", "<", ">", "<=", ">=", ""].contains(&word(from)) || word(from).starts_with('@') {
            return None;
        }
        let (values, took) = value(&words[from..]);
        let answer = holds(&values);
        Some((if negated { answer.inverted() } else { answer }, from + took))
    };
    let one_of = |own: &'static [&'static str]| {
        move |values: &[&str]| if values.iter().any(|value| own.contains(value)) { Match::Yes } else { Match::No }
    };
    match (word(0), word(1), word(2)) {
        ("arp", "saddr", "ip") => compare(3, &|values| net(Some(packet.sender), values)),
        ("arp", "daddr", "ip") => compare(3, &|values| net(Some(packet.target), values)),
        ("arp", "operation", _) => {
            let own: &[&str] = if packet.reply { &["reply", "2"] } else { &["request", "1"] };
            compare(2, &one_of(own))
        }
        ("arp", "htype", _) => compare(2, &one_of(&["1", "ether"])),
        ("arp", "ptype", _) => compare(2, &one_of(&["ip", "0x0800"])),
        ("arp", "hlen", _) => compare(2, &one_of(&["6"])),
        ("arp", "plen", _) => compare(2, &one_of(&["4"])),
        ("meta", "iifname" | "iif" | "oifname" | "oif", _) => expression(&words[1..], packet).map(|(answer, took)| (answer, took + 1)),
        (direction @ ("iifname" | "iif" | "oifname" | "oif"), _, _) => {
            let meant = direction.starts_with(if packet.incoming { 'i' } else { 'o' });
            let named = |value: &&str| {
                let value = value.trim_matches('"');
                value.strip_suffix('*').map_or(value == packet.interface, |begin| packet.interface.starts_with(begin))
            };
            compare(1, &|values| if meant && values.iter().any(named) { Match::Yes } else { Match::No })
        }
        ("counter", "packets", _) => Some((Match::Yes, 5)),
        ("counter", _, _) => Some((Match::Yes, 1)),
        ("comment", _, _) => Some((Match::Yes, 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "table ip guard {\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n\
        table arp guard {\n\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tRULES\n\t}\n}\n";

    fn packet(sender: &str) -> ArpPacket<'static> {
        ArpPacket {
            incoming: true,
            reply: true,
            sender: sender.parse().unwrap(),
            target: "10.88.64.50".parse().unwrap(),
            interface: "eth0",
        }
    }

    fn dropped(rules: &str) -> Option<String> {
        dropping(&DUMP.replace("RULES", rules), &packet("10.88.64.100")).map(|drop| format!("{} {}", drop.path, drop.text))
    }

    #[test]
    fn a_rule_that_surely_drops_the_packet_is_told() {
        for rule in [
            "arp saddr ip 10.88.64.100 drop",
            "arp operation reply arp saddr ip 10.88.64.0/24 drop",
            "iifname \"eth*\" arp saddr ip { 10.88.64.1, 10.88.64.100 } drop",
            "arp saddr ip != 10.88.64.1 drop",
            "arp htype 1 arp ptype ip arp operation { request, reply } drop",
        ] {
            assert_eq!(dropped(rule), Some(format!("arp-guard/in/1 {rule}")));
        }
        let counted = "arp saddr ip 10.88.64.100 counter packets 7 bytes 196 drop";
        assert_eq!(dropped(counted), Some("arp-guard/in/1 arp saddr ip 10.88.64.100 counter drop".to_owned()));
        assert_eq!(dropped("arp saddr ip 10.9.9.9 accept\n\t\tdrop"), Some("arp-guard/in/2 drop".to_owned()));
    }

    #[test]
    fn what_does_not_surely_drop_it_is_not_told() {
        for rule in [
            "arp saddr ip 10.88.64.1 drop",
            "arp operation request drop",
            "oifname \"eth0\" drop",
            "iifname \"mlb\" drop",
            "arp saddr ip @guarded drop",
            "arp saddr ip & 255.255.255.0 == 10.88.64.0 drop",
            "limit rate 1/second drop",
            "arp saddr ip 10.88.64.100 accept\n\t\tdrop",
            "jump others\n\t\tdrop",
        ] {
            assert_eq!(dropped(rule), None, "{rule}");
        }
        // Neither in another hook, nor by another family's table.
        let out = ArpPacket { incoming: false, ..packet("10.88.64.100") };
        assert_eq!(dropping(&DUMP.replace("RULES", "drop"), &out), None);
    }

    #[test]
    fn a_policy_drops_what_no_rule_lets_pass() {
        let dump = |rules: &str| DUMP.replace("policy accept", "policy drop").replace("RULES", rules);
        let told = |rules: &str| dropping(&dump(rules), &packet("10.88.64.100")).map(|drop| drop.path);
        assert_eq!(told("arp saddr ip 10.88.64.1 accept"), Some("arp-guard/in/policy".to_owned()));
        assert_eq!(told("arp saddr ip 10.88.64.100 accept"), None);
        assert_eq!(told("limit rate 1/second accept"), None);
    }
}
