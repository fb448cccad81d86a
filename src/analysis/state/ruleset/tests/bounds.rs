//! Rulesets that would keep a walk for ever, or take it deeper than a stack reaches. Steps are counted, not time.

use std::fmt::Write;

use super::super::met::MOST_STEPS;
use super::super::proxy::programme;
use super::super::travel::follow;
use super::super::{Hook, Taken, Walked, ruleset, walk};
use super::{from, host};
use crate::analysis::state::place_state::PlaceState;

const MANY: usize = 100_000;
const FEW_STEPS: usize = MOST_STEPS / 50;

fn iptables(table: &str, hook: &str, chains: usize, rules: impl FnOnce(&mut String)) -> PlaceState {
    let mut text = format!("*{table}\n:{hook} ACCEPT [0:0]\n");
    (0..chains).for_each(|chain| writeln!(text, ":C{chain} - [0:0]").unwrap());
    rules(&mut text);
    text.push_str("COMMIT\n");
    host(&[("iptables", &text), ("nft", "")])
}

fn nft(text: &str) -> PlaceState {
    host(&[("nft", text)])
}

/// What becomes of a packet that comes in, with a bound on the steps that it takes to find out.
fn check(state: &PlaceState, taken: Taken, most_steps: usize) -> Walked {
    let mut left = MOST_STEPS;
    let walked = follow(state, &ruleset(state, false), &from("10.88.64.50"), None, &mut left);
    let steps = MOST_STEPS - left;
    assert_eq!((walked.taken, &walked.open), (taken, &Vec::new()));
    assert!(steps <= most_steps, "{steps} steps");
    walked
}

/// That it ends where so few steps may be taken, and says why it is not known what becomes of the packet.
fn check_open(state: &PlaceState, why: &str) {
    let mut left = FEW_STEPS;
    let walked = follow(state, &ruleset(state, false), &from("10.88.64.50"), None, &mut left);
    assert_eq!(walked.taken, Taken::Maybe);
    assert!(walked.unread.iter().any(|one| one.contains(why)), "{:?}", walked.unread);
}

/// Chains that each jump to the next one three times: 3^60 ways to the last.
fn bomb(last: &str) -> PlaceState {
    iptables("filter", "FORWARD", 60, |text| {
        text.push_str("-A FORWARD -j C0\n");
        (0..59).for_each(|chain| text.push_str(&format!("-A C{chain} -j C{}\n", chain + 1).repeat(3)));
        text.push_str(last);
    })
}

#[test]
fn chains_that_jump_to_the_next_one_several_times_are_each_followed_once() {
    check(&bomb(""), Taken::No, 1_000);
    let taken = check(&bomb("-A C59 -s 10.88.64.0/24 -j DROP\n"), Taken::Yes, 1_000);
    assert_eq!((taken.rule.unwrap().path.as_str(), taken.rules.len()), ("filter/C59/1", 1));
    check(&bomb("-A C59 -m set --match-set blocked src -j DROP\n"), Taken::Maybe, 2_000);
    let mut text = "table inet t {\n".to_owned();
    for chain in 0..60 {
        let to = (chain + 1).min(59);
        let rule = if chain == to { "ip saddr 10.88.64.50 drop".to_owned() } else { format!("ct state vmap {{ new : jump c{to} }}") };
        writeln!(text, "\tchain c{chain} {{\n{}\t}}\n", format!("\t\t{rule}\n").repeat(3)).unwrap();
    }
    text.push_str("\tchain start {\n\t\ttype filter hook prerouting priority 0; policy accept;\n\t\tjump c0\n\t}\n}\n");
    assert_eq!(check(&nft(&text), Taken::Yes, 1_000).rule.unwrap().path, "inet-t/c59/1");
}

#[test]
fn chains_that_make_another_packet_each_time_end_with_a_maybe() {
    let state = iptables("mangle", "PREROUTING", 24, |text| {
        text.push_str("-A PREROUTING -j C0\n");
        for chain in 0..24 {
            writeln!(text, "-A C{chain} -m statistic --mode random --probability 0.5 -j MARK --or-mark {:#x}", 1 << chain).unwrap();
            (0..2).filter(|_| chain < 23).for_each(|_| writeln!(text, "-A C{chain} -j C{}", chain + 1).unwrap());
        }
    });
    check_open(&state, "not every way was followed");
    // Few ways at a time, and ever others.
    let state = iptables("mangle", "PREROUTING", 2_000, |text| {
        text.push_str("-A PREROUTING -j C0\n");
        for chain in 0..1_999 {
            writeln!(text, "-A C{chain} -m statistic --mode random --probability 0.5 -j MARK --set-mark {}", chain + 1).unwrap();
            writeln!(text, "-A C{chain} -j C{}", chain + 1).unwrap();
        }
    });
    check_open(&state, "not every");
}

#[test]
fn a_hundred_thousand_chains_one_behind_the_other_are_followed_to_the_last() {
    let state = iptables("nat", "PREROUTING", MANY, |text| {
        text.push_str(
            ":KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n-A KUBE-SERVICES -d 10.88.64.100/32 -p tcp -m tcp --dport 443 -j C0\n",
        );
        (0..MANY - 1).for_each(|chain| writeln!(text, "-A C{chain} -j C{}", chain + 1).unwrap());
        writeln!(text, "-A C{} -p tcp -j DNAT --to-destination 10.88.130.19:4180", MANY - 1).unwrap();
    });
    let walked = check(&state, Taken::No, 10 * MANY);
    assert_eq!(walked.translated, ["10.88.130.19:4180"]);
    let programme = programme(&state, "10.88.64.100".parse().unwrap(), 443, "tcp");
    assert_eq!((programme.endpoints, programme.rules.len(), programme.reached), (walked.translated, MANY + 1, true));
}

#[test]
fn twenty_thousand_chains_beside_each_other_that_jump_to_one_are_followed_in_as_many_steps() {
    const WIDE: usize = 20_000;
    let state = iptables("raw", "PREROUTING", WIDE, |text| {
        text.push_str(":LAST - [0:0]\n");
        for chain in 0..WIDE {
            writeln!(text, "-A PREROUTING -j C{chain}\n-A C{chain} -j LAST").unwrap();
        }
        text.push_str(&"-A LAST -m set --match-set other src -j RETURN\n".repeat(100));
    });
    check(&state, Taken::No, 8 * WIDE);
}

#[test]
fn rules_that_may_all_take_the_packet_are_told_in_as_many_steps() {
    let state = iptables("raw", "PREROUTING", 0, |text| {
        text.push_str(&"-A PREROUTING -m set --match-set some src -j DROP\n".repeat(MANY / 2));
    });
    assert_eq!(check(&state, Taken::Maybe, MANY).rules.len(), MANY / 2);
}

#[test]
fn a_chain_that_leads_back_to_itself_is_told() {
    let circle = iptables("raw", "PREROUTING", 2, |text| text.push_str("-A PREROUTING -j C0\n-A C0 -j C1\n-A C1 -j C0\n"));
    check_open(&circle, "chain iptables raw C0 leads a packet back to itself");
    let own = nft(
        "table ip t {\n\tchain c {\n\t\ttype filter hook prerouting priority 0; policy accept;\n\t\tgoto d\n\t}\n\tchain d {\n\t\tip saddr vmap { 10.88.64.50 : jump d }\n\t}\n}\n",
    );
    check_open(&own, "chain nft ip t d leads a packet back to itself");
    // A rule that takes the packet before is as sure as ever.
    let before =
        iptables("raw", "PREROUTING", 1, |text| text.push_str("-A PREROUTING -s 10.0.0.0/8 -j DROP\n-A PREROUTING -j C0\n-A C0 -j C0\n"));
    check(&before, Taken::Yes, 10);
}

#[test]
fn many_rules_that_look_into_large_sets_end_with_a_maybe() {
    let elements: Vec<String> = (0..5_000_u32).map(|number| format!("{}/32", std::net::Ipv4Addr::from(0x0b00_0000 + number))).collect();
    let text = |rules: usize| {
        format!(
            "table ip t {{\n\tset s {{\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = {{ {} }}\n\t}}\n\tchain c {{\n\t\ttype filter hook \
             prerouting priority 0; policy accept;\n{}\t}}\n}}\n",
            elements.join(",\n\t\t\t"),
            "\t\tip saddr @s drop\n".repeat(rules)
        )
    };
    check(&nft(&text(3)), Taken::No, 5_000);
    check_open(&nft(&text(200)), "not every rule was asked");
}

#[test]
fn what_is_no_ruleset_is_read_in_one_go() {
    // Braces that close nothing, in a set; ever the same word; sets within sets.
    let braces = format!("table ip t {{\n\tset s {{\n{{\n{}", "}\n{\n".repeat(MANY));
    check(&nft(&braces), Taken::No, 10);
    for words in ["jhash ", "fib ", "{ ", "ct state { ", "ip saddr . "] {
        let rule = words.repeat(MANY / 4);
        let text =
            format!("table ip t {{\n\tchain c {{\n\t\ttype filter hook prerouting priority 0; policy accept;\n\t\t{rule}drop\n\t}}\n}}\n");
        assert_ne!(walk(&nft(&text), &from("10.88.64.50"), None).taken, Taken::Yes, "{words}");
    }
}

#[test]
fn many_chains_of_one_hook_are_each_called_once() {
    let mut text = "table inet t {\n".to_owned();
    for chain in 0..5_000 {
        writeln!(text, "\tchain c{chain} {{\n\t\ttype filter hook prerouting priority {chain}; policy accept;\n\t\tjump last\n\t}}")
            .unwrap();
    }
    text.push_str("\tchain last {\n\t\tip saddr 192.0.2.1 drop\n\t}\n}\n");
    check(&nft(&text), Taken::No, 40 * 5_000);
    assert_eq!(walk(&nft(&text), &from("10.88.64.50"), Some(Hook::Forward)).taken, Taken::No);
}
