//! Packet filter rules as `iptables-save -c` prints them: which of them could take a packet, and which counters moved.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

pub use crate::model::number::number;

use super::counting::count;

/// The fields of a packet that rules ask for. `None` is "not known here", which is neither a match nor a mismatch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fields {
    pub source: Option<IpAddr>,
    pub destination: Option<IpAddr>,
    /// `tcp`, `udp`, `icmp`, …
    pub protocol: String,
    pub source_port: Option<u16>,
    pub destination_port: Option<u16>,
    pub input: Option<String>,
    pub output: Option<String>,
    /// The bridge that it passes as a frame, by one of its ports: it meets the rules of bridges there, and no others.
    pub bridge: Option<String>,
    /// The MACs of the frame, where it passes a bridge.
    pub source_mac: Option<String>,
    pub destination_mac: Option<String>,
    /// Bytes of the IP packet: the smallest and the largest that are meant.
    pub length: Option<(u32, u32)>,
    /// The connection's state, such as `NEW`, where one packet is followed through the rules.
    pub state: Option<String>,
    /// Whether its destination was translated.
    pub translated: bool,
    /// Whether it is known to be a first packet that nothing has translated where it comes in, such as a tunnel's own datagram.
    pub untranslated: bool,
    /// The kernel's mark on the packet.
    pub mark: Option<u32>,
    /// The zone of the connection table that a rule put it into, in both directions; none is zone 0.
    pub zone: Option<u32>,
}

impl Fields {
    /// Whether the packet is of IPv6; `None` where no address is known.
    #[must_use]
    pub fn is_v6(&self) -> Option<bool> {
        self.destination.or(self.source).map(|address| address.is_ipv6())
    }
}

/// Whether a rule takes a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    No,
    /// It asks for something that is not known here.
    Maybe,
    Yes,
}

impl Match {
    /// The answer to the opposite question.
    #[must_use]
    pub fn inverted(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

/// A rule, or a chain's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub table: String,
    pub chain: String,
    /// Counted from 1 in its chain, as `iptables -L --line-numbers` does; 0 for a policy.
    pub number: usize,
    /// As written, without counters.
    pub text: String,
    pub packets: u64,
    /// Whether its counter was printed: without it nothing says that it stood still.
    pub counted: bool,
    pub target: String,
    pub(super) words: Vec<String>,
}

impl Rule {
    /// `raw/PREROUTING/1`, as culprits name it.
    #[must_use]
    pub fn path(&self) -> String {
        if self.number == 0 {
            format!("{}/{}/policy", self.table, self.chain)
        } else {
            format!("{}/{}/{}", self.table, self.chain, self.number)
        }
    }

    pub(super) fn takes_away(&self) -> bool {
        matches!(self.target.as_str(), "DROP" | "REJECT" | "TARPIT" | "STEAL")
    }

    /// Whether the rule takes a packet with these fields.
    #[must_use]
    pub fn matches(&self, fields: &Fields) -> Match {
        let mut result = Match::Yes;
        let mut at = 0;
        let mut negated = false;
        while let Some(word) = self.words.get(at) {
            let value = self.words.get(at + 1).map_or("", String::as_str);
            let (answer, took) = match word.as_str() {
                "!" => {
                    negated = true;
                    at += 1;
                    continue;
                }
                "-j" | "-g" => break,
                "-s" | "--source" => (in_net(fields.source, value), 2),
                "-d" | "--destination" => (in_net(fields.destination, value), 2),
                "-i" => (named(fields.input.as_deref(), value), 2),
                "-o" => (named(fields.output.as_deref(), value), 2),
                "-p" => (if value == fields.protocol || value == "all" { Match::Yes } else { Match::No }, 2),
                "--dport" | "--dports" | "--destination-ports" => (port(fields.destination_port, value), 2),
                "--sport" | "--sports" | "--source-ports" => (port(fields.source_port, value), 2),
                "--ports" => (port(fields.destination_port, value).max(port(fields.source_port, value)), 2),
                "--length" => (length(fields.length, value), 2),
                "--comment" | "-m" | "--reject-with" => (Match::Yes, 2),
                "--ctstate" | "--state" => (connection_state(fields, value), 2),
                "--ctstatus" => (connection_status(fields, value), 2),
                "--mark" if !self.words[..at].iter().any(|word| word == "connmark") => (marked(fields.mark, value), 2),
                "--tcp-flags" if fields.state.is_some() => {
                    (first_flags(fields, value, self.words.get(at + 2).map_or("", String::as_str)), 3)
                }
                _ if word.starts_with('-') => {
                    let values = self.words[at + 1..].iter().take_while(|next| !next.starts_with('-') && *next != "!").count();
                    (Match::Maybe, 1 + values)
                }
                _ => (Match::Yes, 1),
            };
            let answer = if negated && took >= 2 && word != "-m" { answer.inverted() } else { answer };
            negated = false;
            result = result.min(answer);
            at += took;
        }
        result
    }
}

/// Without a known state, a match of states alone proves nothing about this packet.
pub(super) fn connection_state(fields: &Fields, list: &str) -> Match {
    let upper = list.to_ascii_uppercase();
    let Some(state) = &fields.state else { return if upper.contains("NEW") { Match::Yes } else { Match::Maybe } };
    let holds = upper.split(',').any(|one| one == state || one == "DNAT" && fields.translated);
    // That the source will be translated is decided later.
    if holds {
        Match::Yes
    } else if upper.split(',').any(|one| one == "SNAT") {
        Match::Maybe
    } else {
        Match::No
    }
}

/// What has become of the connection: of a first packet that nothing translates it is known.
pub(super) fn connection_status(fields: &Fields, list: &str) -> Match {
    const LATER: [&str; 6] = ["SEEN-REPLY", "SEEN_REPLY", "ASSURED", "CONFIRMED", "EXPECTED", "SNAT"];
    let upper = list.to_ascii_uppercase();
    let asked = |word: &str| upper.split([',', '|', ' ']).any(|one| one.trim_matches(['{', '}']) == word);
    let first = fields.state.as_deref() == Some("NEW") && fields.untranslated && !fields.translated;
    if asked("DNAT") && fields.translated {
        Match::Yes
    } else if first && (asked("DNAT") || LATER.iter().any(|word| asked(word))) {
        Match::No
    } else {
        Match::Maybe
    }
}

/// `VALUE` or `VALUE/MASK`, hexadecimal or not.
pub(super) fn mark_and_mask(text: &str) -> Option<(u32, u32)> {
    let (value, mask) = text.split_once('/').map_or((text, None), |(value, mask)| (value, Some(mask)));
    Some((number(value)?, mask.map_or(Some(u32::MAX), number)?))
}

fn marked(mark: Option<u32>, text: &str) -> Match {
    match (mark, mark_and_mask(text)) {
        (Some(mark), Some((value, mask))) => {
            if mark & mask == value {
                Match::Yes
            } else {
                Match::No
            }
        }
        _ => Match::Maybe,
    }
}

/// A connection that is new to TCP begins with SYN alone; of any other packet the flags are not known.
fn first_flags(fields: &Fields, mask: &str, set: &str) -> Match {
    if fields.state.as_deref() != Some("NEW") || fields.protocol != "tcp" {
        return Match::Maybe;
    }
    let looked_at = |flag: &str| mask == "ALL" || mask.split(',').any(|one| one == flag);
    let syn_wanted = set == "ALL" || set.split(',').any(|one| one == "SYN");
    let others_wanted = set.split(',').any(|one| one != "SYN" && one != "NONE");
    if !others_wanted && looked_at("SYN") == syn_wanted { Match::Yes } else { Match::No }
}

fn in_net(address: Option<IpAddr>, text: &str) -> Match {
    let Some(address) = address else { return Match::Maybe };
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    net.map_or(Match::Maybe, |net| if net.contains(&address) { Match::Yes } else { Match::No })
}

fn named(name: Option<&str>, pattern: &str) -> Match {
    let Some(name) = name else { return Match::Maybe };
    let same = pattern.strip_suffix('+').map_or(name == pattern, |start| name.starts_with(start));
    if same { Match::Yes } else { Match::No }
}

fn port(number: Option<u16>, list: &str) -> Match {
    let Some(number) = number else { return Match::Maybe };
    let holds = |part: &str| match part.split_once(':') {
        Some((first, last)) => {
            let first = first.parse().unwrap_or(0);
            let last = last.parse().unwrap_or(u16::MAX);
            (first..=last).contains(&number)
        }
        None => part.parse() == Ok(number),
    };
    if list.split(',').any(holds) { Match::Yes } else { Match::No }
}

fn length(packet: Option<(u32, u32)>, range: &str) -> Match {
    let Some((smallest, largest)) = packet else { return Match::Maybe };
    let (first, last) = range.split_once(':').unwrap_or((range, range));
    let (first, last) = (first.parse().unwrap_or(0), last.parse().unwrap_or(u32::MAX));
    if last < smallest || largest < first {
        Match::No
    } else if first <= smallest && largest <= last {
        Match::Yes
    } else {
        Match::Maybe
    }
}

/// All rules and policies of a dump, in order.
#[must_use]
pub fn rules(dump: &str) -> Vec<Rule> {
    let mut table = String::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for line in dump.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('*') {
            name.clone_into(&mut table);
            numbers.clear();
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split_whitespace();
            let (Some(name), Some(policy)) = (words.next(), words.next()) else { continue };
            if policy != "-" {
                all.push(Rule {
                    table: table.clone(),
                    chain: name.to_owned(),
                    number: 0,
                    text: format!("policy {policy}"),
                    packets: packets(words.next().unwrap_or_default()),
                    counted: true,
                    target: policy.to_owned(),
                    words: Vec::new(),
                });
            }
        } else if line.starts_with('[') || line.starts_with("-A ") {
            all.extend(rule(&table, line, &mut numbers));
        }
    }
    all
}

fn packets(counter: &str) -> u64 {
    counter.trim_matches(['[', ']']).split(':').next().and_then(count).unwrap_or_default()
}

fn rule(table: &str, line: &str, numbers: &mut BTreeMap<String, usize>) -> Option<Rule> {
    let (counter, text) = if line.starts_with('[') { line.split_once(' ')? } else { ("", line) };
    let words = words(text.strip_prefix("-A ")?);
    let chain = words.first()?.clone();
    let number = numbers.entry(chain.clone()).or_default();
    *number += 1;
    let target = words.iter().position(|word| word == "-j" || word == "-g").and_then(|at| words.get(at + 1)).cloned().unwrap_or_default();
    Some(Rule {
        table: table.to_owned(),
        chain,
        number: *number,
        text: text.to_owned(),
        packets: packets(counter),
        counted: !counter.is_empty(),
        target,
        words: words[1..].to_vec(),
    })
}

/// Words as the dumps quote them: double quotes with backslashes.
pub(in crate::analysis) fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut escaped, mut any) = (false, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(c),
        }
    }
    if any || !word.is_empty() {
        all.push(word);
    }
    all
}

/// kube-proxy's own refusals have reasons that the API tells better. kube-router's chains, which enforce policies, begin alike.
pub(super) fn is_kube_proxys(chain: &str, text: &str) -> bool {
    let routers = ["KUBE-NWPLCY-", "KUBE-POD-FW-", "KUBE-ROUTER-"].iter().any(|start| chain.starts_with(start));
    !routers && (chain.starts_with("KUBE-") || text.contains("kubernetes "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields {
            source: Some("10.88.192.50".parse().unwrap()),
            destination: Some("10.88.64.100".parse().unwrap()),
            protocol: "tcp".into(),
            source_port: Some(20001),
            destination_port: Some(443),
            input: Some("mlb".into()),
            output: None,
            length: Some((40, 600)),
            ..Fields::default()
        }
    }

    fn check(rule_text: &str, expected: Match) {
        let dump = format!("*raw\n:PREROUTING ACCEPT [1:2]\n[3:180] -A PREROUTING {rule_text}\nCOMMIT\n");
        let all = rules(&dump);
        assert_eq!(all[1].matches(&fields()), expected, "{rule_text}");
    }

    #[test]
    fn rules_take_what_they_name() {
        check("-s 10.88.192.0/24 -i mlb -j DROP", Match::Yes);
        check("-s 10.88.191.0/24 -j DROP", Match::No);
        check("! -s 10.88.64.0/24 -p tcp -m tcp --dport 443 -j DROP", Match::Yes);
        check("! -i mlb -j DROP", Match::No);
        check("-p udp -m udp --dport 443 -j DROP", Match::No);
        check("-p tcp -m multiport --dports 80,443 -j REJECT --reject-with tcp-reset", Match::Yes);
        check("-p tcp -m tcp --dport 400:500 -j DROP", Match::Yes);
        check("-m length --length 1400:65535 -j DROP", Match::No);
        check("-m statistic --mode random --probability 0.5 -j DROP", Match::Maybe);
        check("-m set --match-set blocked src -j DROP", Match::Maybe);
        check("-m conntrack --ctstate INVALID -j DROP", Match::Maybe);
        check("-m comment --comment \"keep \\\"out\\\" -d 1.2.3.4\" -j DROP", Match::Yes);
    }

    #[test]
    fn numbers_and_policies_make_paths() {
        let all = rules("*filter\n:FORWARD DROP [7:9]\n-A FORWARD -j ACCEPT\n[2:3] -A FORWARD -j DROP\n");
        assert_eq!(all[0].path(), "filter/FORWARD/policy");
        assert_eq!((all[2].path().as_str(), all[2].packets), ("filter/FORWARD/2", 2));
    }
}
