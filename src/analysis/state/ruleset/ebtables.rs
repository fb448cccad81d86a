//! Rules as the older `ebtables -L --Lc` prints them, for the walk: each is asked in nft's words.

use super::nft::NftLine;
use super::{Chain, Hook, Line, Ruleset};
use crate::analysis::state::netfilter;

/// Options that have a word of nft's of the same meaning.
const SAME: [(&str, &str); 14] = [
    ("-i", "iifname"),
    ("-o", "oifname"),
    ("--logical-in", "meta ibrname"),
    ("--logical-out", "meta obrname"),
    ("-s", "ether saddr"),
    ("-d", "ether daddr"),
    ("--ip-src", "ip saddr"),
    ("--ip-dst", "ip daddr"),
    ("--ip-proto", "meta l4proto"),
    ("--ip-sport", "th sport"),
    ("--ip-dport", "th dport"),
    ("--ip6-src", "ip6 saddr"),
    ("--ip6-dst", "ip6 daddr"),
    ("--ip6-proto", "meta l4proto"),
];

/// Adds the chains of a dump. The table `broute` is left out: what it drops goes on as a packet.
pub(super) fn read(ruleset: &mut Ruleset, dump: &str) {
    let (mut table, mut at) = ("", String::new());
    for line in dump.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("Bridge table: ") {
            table = name;
        } else if let Some((name, rest)) = line.strip_prefix("Bridge chain: ").and_then(|rest| rest.split_once(',')) {
            at = format!("ebtables {table} {name}");
            let hook = Hook::named(name).filter(|_| table != "broute" && name.chars().all(char::is_uppercase));
            let refuses =
                rest.ends_with("policy: DROP").then(|| (format!("ebtables-{table}/{name}/policy"), "policy DROP".to_owned(), None));
            let chain =
                Chain { hook: hook.map(|hook| (hook, -200)), translates: false, device: None, doubtful: false, refuses, rules: Vec::new() };
            ruleset.chains.insert(at.clone(), chain);
        } else if line.starts_with('-')
            && let Some(chain) = ruleset.chains.get_mut(&at)
        {
            let (text, packets) = (without_counts(line), counted(line));
            let name = at.rsplit(' ').next().unwrap_or_default();
            let path = format!("ebtables-{table}/{name}/{}", chain.rules.len() + 1);
            chain.rules.push(Line::Nft(NftLine { path, text: text.to_owned(), packets, words: in_words_of_nft(text) }));
        }
    }
}

/// A rule without what its counters say.
pub(super) fn without_counts(line: &str) -> &str {
    line.split_once(", pcnt = ").map_or(line, |(rule, _)| rule.trim_end())
}

fn counted(line: &str) -> Option<u64> {
    line.split_once(", pcnt = ")?.1.split_whitespace().next()?.parse().ok()
}

fn in_words_of_nft(text: &str) -> Vec<String> {
    let words = netfilter::words(text);
    let mut all = Vec::new();
    let (mut at, mut negated) = (0, false);
    while let Some(word) = words.get(at) {
        let value = words.get(at + 1).map_or("", String::as_str);
        let (inverted, value, took) =
            if value == "!" { (true, words.get(at + 2).map_or("", String::as_str), 3) } else { (negated, value, 2) };
        let mut add = |selector: &str, value: &str| {
            all.extend(selector.split(' ').map(str::to_owned));
            all.extend(inverted.then(|| "!=".to_owned()));
            all.push(value.to_owned());
        };
        let same = SAME.iter().find(|(option, _)| *option == word).map(|(_, selector)| *selector);
        negated = false;
        at += match (word.as_str(), same) {
            ("!", _) => {
                negated = true;
                1
            }
            ("-p", _) => {
                add("ether type", &value.to_lowercase().replace("ipv4", "ip").replace("ipv6", "ip6"));
                took
            }
            (_, Some(selector)) => {
                add(selector, &value.replace(':', if selector.starts_with("th ") { "-" } else { ":" }).replace('+', "*"));
                took
            }
            ("-j", _) => {
                match value {
                    "DROP" | "ACCEPT" | "RETURN" | "CONTINUE" => all.push(value.to_lowercase()),
                    chain => all.extend(["jump".to_owned(), chain.to_owned()]),
                }
                return all;
            }
            // What it asks for is not known here.
            _ => {
                all.push("unknown".to_owned());
                let values = words[at + 1..].iter().take_while(|next| !next.starts_with('-') && *next != "!").count();
                1 + values
            }
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use crate::analysis::state::netfilter::{Fields, Match};
    use crate::analysis::state::place_state::{PlaceState, StatePair};
    use crate::analysis::state::ruleset::{drops, without};
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{HostKind, Place};

    /// A request that n3 sends from its bridge to its pod's port.
    fn request() -> Fields {
        Fields {
            source: "10.88.130.255".parse().ok(),
            source_port: Some(59_399),
            destination: "10.88.131.2".parse().ok(),
            destination_port: Some(4_180),
            protocol: "tcp".into(),
            output: Some("veth1".into()),
            bridge: Some("cni0".into()),
            source_mac: Some("02:00:00:00:00:01".into()),
            destination_mac: Some("02:00:00:00:00:02".into()),
            state: Some("NEW".into()),
            ..Fields::default()
        }
    }

    /// The answer that comes from the port to the bridge.
    fn answer() -> Fields {
        let asked = request();
        Fields {
            source: asked.destination,
            source_port: asked.destination_port,
            destination: asked.source,
            destination_port: asked.source_port,
            input: asked.output,
            output: None,
            source_mac: asked.destination_mac,
            destination_mac: asked.source_mac,
            state: None,
            ..asked
        }
    }

    fn state(section: &str, text: &str) -> PlaceState {
        place_state(Place::sample("n3", HostKind::Node), &format!("=== {section}\n{text}\n=== end 0\n"))
    }

    /// The rule that surely takes a frame, where `COUNT` of the text grew from 0 to 16.
    fn taken(section: &str, text: &str, frame: &Fields) -> Option<String> {
        let pair = StatePair { before: state(section, &text.replace("COUNT", "0")), after: state(section, &text.replace("COUNT", "16")) };
        let rule = drops(&pair, std::slice::from_ref(frame)).into_iter().find(|drop| drop.matched == Match::Yes)?;
        assert!(drops(&without(&pair, &rule.text), std::slice::from_ref(frame)).is_empty());
        Some(format!("{} {} {}", rule.tool, rule.path, rule.text))
    }

    fn ebtables(chain: &str, rule: &str) -> String {
        let empty = |name: &str| format!("Bridge chain: {name}, entries: 0, policy: ACCEPT\n\n");
        let full = |name: &str| format!("Bridge chain: {name}, entries: 1, policy: ACCEPT\n{rule} , pcnt = COUNT -- bcnt = 960\n\n");
        let chains = ["INPUT", "FORWARD", "OUTPUT"].map(|name| if name == chain { full(name) } else { empty(name) });
        format!("Bridge table: filter\n\n{}", chains.concat())
    }

    fn nft(hook: &str, rule: &str) -> String {
        format!("table bridge acl {{\n\tchain ot {{\n\t\ttype filter hook {hook} priority filter; policy accept;\n\t\t{rule}\n\t}}\n}}\n")
    }

    #[test]
    fn a_rule_of_the_older_ebtables_takes_frames_at_its_hook() {
        for rule in [
            "-p IPv4 --ip-proto tcp --ip-dport 4180 -j DROP",
            "-p IPv4 -o veth1 --logical-out cni0 --ip-dst 10.88.131.0/24 -j DROP",
            "-p IPv4 -s ! 02:00:00:00:00:09 -d 02:00:00:00:00:02 --ip-proto tcp --ip-dport 4000:4200 -j DROP",
        ] {
            let expected = format!("ebtables ebtables-filter/OUTPUT/1 {rule}");
            assert_eq!(taken("ebtables", &ebtables("OUTPUT", rule), &request()), Some(expected), "{rule}");
            assert_eq!(taken("ebtables", &ebtables("FORWARD", rule), &request()), None);
            assert_eq!(taken("ebtables", &ebtables("OUTPUT", rule), &answer()), None);
        }
        let back = "-p IPv4 -i veth1 --ip-sport 4180 -j DROP";
        assert!(taken("ebtables", &ebtables("INPUT", back), &answer()).is_some());
    }

    #[test]
    fn a_rule_of_nftables_bridge_family_takes_frames_at_its_hook() {
        let rule = "ether type ip tcp dport 4180 counter packets COUNT bytes 960 drop";
        for hook in ["output", "postrouting"] {
            let told = taken("nft", &nft(hook, rule), &request());
            assert_eq!(told, Some("nft bridge-acl/ot/1 ether type ip tcp dport 4180 counter drop".to_owned()), "{hook}");
        }
        for hook in ["prerouting", "input", "forward"] {
            assert_eq!(taken("nft", &nft(hook, rule), &request()), None, "{hook}");
        }
        let back = "meta ibrname \"cni0\" ether saddr 02:00:00:00:00:02 tcp sport 4180 drop";
        assert!(["prerouting", "input"].iter().all(|hook| taken("nft", &nft(hook, back), &answer()).is_some()));
        assert!(taken("nft", &nft("output", back), &answer()).is_none());
    }

    #[test]
    fn a_rule_that_does_not_surely_take_them_or_stood_still_is_not_told() {
        for rule in [
            "ether type arp counter packets COUNT bytes 960 drop",
            "tcp dport 443 counter packets COUNT bytes 960 drop",
            "ether saddr 02:00:00:00:00:77 counter packets COUNT bytes 960 drop",
            "ether type ip tcp dport 4180 counter packets 7 bytes 960 drop",
            "vlan id 5 counter packets COUNT bytes 960 drop",
        ] {
            assert_eq!(taken("nft", &nft("output", rule), &request()), None, "{rule}");
        }
        for rule in
            ["-p ARP -j DROP", "-p IPv4 --ip-dport 443 -j DROP", "-s 02:00:00:00:00:00/ff:ff:ff:00:00:00 -j DROP", "--limit 5/sec -j DROP"]
        {
            assert_eq!(taken("ebtables", &ebtables("OUTPUT", rule), &request()), None, "{rule}");
        }
        // Rules of IP are not asked about frames.
        assert_eq!(taken("nft", &nft("output", "tcp dport 4180 drop").replace("table bridge", "table inet"), &request()), None);
    }
}
