//! The walk against a plain one that remembers nothing, on small rulesets by chance: both say the same.

use std::fmt::Write;

use proptest::prelude::*;

use super::super::met::{MOST_STEPS, Met};
use super::super::walk::Walk;
use super::super::{Action, Hook, Line, Ruleset, Turn, ruleset, tool};
use super::{from, host};
use crate::analysis::state::netfilter::{Fields, Match};

/// What a walk met: the rules that take, each with whether it does surely, the turns with whether they are certain, and what comes out.
type Told = (Vec<(String, bool)>, Vec<(String, bool)>, Vec<Fields>);

/// Follows every way by itself, as often as it comes.
struct Plain<'a> {
    ruleset: &'a Ruleset,
    takers: Vec<(String, bool)>,
    turns: Vec<(String, bool)>,
    accepted: Vec<Fields>,
}

fn add(ways: &mut Vec<Fields>, way: Fields) {
    if !ways.contains(&way) {
        ways.push(way);
    }
}

impl Plain<'_> {
    fn chain(&mut self, name: &str, ways: Vec<Fields>, top: bool, alone: bool) -> Vec<Fields> {
        let chain = &self.ruleset.chains[name];
        let (mut here, mut back) = (ways, Vec::new());
        for line in &chain.rules {
            if here.is_empty() {
                break;
            }
            let mut next = Vec::new();
            let alone = alone && back.is_empty() && self.accepted.is_empty();
            let decided: Vec<(Fields, (Match, Vec<Action>))> = here
                .into_iter()
                .map(|way| {
                    let decided = line.decide(&way, name, self.ruleset);
                    (way, decided)
                })
                .collect();
            self.turn(line, &decided, top, alone, name);
            let only = alone && decided.len() == 1;
            for (way, (matched, actions)) in decided {
                if matched != Match::Yes {
                    add(&mut next, way.clone());
                }
                let sure = matched == Match::Yes && actions.len() == 1;
                for action in actions.into_iter().filter(|_| matched != Match::No) {
                    match action {
                        Action::Next(way) => add(&mut next, way),
                        Action::Accept(way) => add(&mut self.accepted, way),
                        Action::Take => self.take(line, sure),
                        Action::Return => add(&mut back, way.clone()),
                        Action::Jump(to) => {
                            self.chain(&to, vec![way.clone()], false, only && sure).into_iter().for_each(|way| add(&mut next, way));
                        }
                        Action::Goto(to) => {
                            self.chain(&to, vec![way.clone()], false, only && sure).into_iter().for_each(|way| add(&mut back, way));
                        }
                        Action::Unclear => {
                            self.take(line, false);
                            add(&mut self.accepted, way.clone());
                            add(&mut next, way.clone());
                        }
                    }
                }
            }
            here = next;
        }
        for way in back {
            add(&mut here, way);
        }
        here
    }

    fn take(&mut self, line: &Line, sure: bool) {
        match self.takers.iter_mut().find(|(path, _)| *path == line.path()) {
            Some(known) => known.1 |= sure,
            None => self.takers.push((line.path(), sure)),
        }
    }

    fn turn(&mut self, line: &Line, decided: &[(Fields, (Match, Vec<Action>))], top: bool, alone: bool, chain: &str) {
        let ways = decided.iter().map(|(way, (matched, actions))| (way, *matched, actions.as_slice()));
        let Some(turn) = Turn::of(line, &ways, (Hook::Prerouting, true), top, alone, chain) else { return };
        assert_eq!(tool(chain), turn.tool);
        match self.turns.iter_mut().find(|(path, _)| *path == turn.path) {
            Some(known) => known.1 = false,
            None => self.turns.push((turn.path, turn.certain)),
        }
    }
}

fn plainly(ruleset: &Ruleset, packet: &Fields, start: &str) -> Told {
    let mut plain = Plain { ruleset, takers: Vec::new(), turns: Vec::new(), accepted: Vec::new() };
    let ends = plain.chain(start, vec![packet.clone()], true, true);
    for way in ends {
        add(&mut plain.accepted, way);
    }
    (plain.takers, plain.turns, plain.accepted)
}

fn remembering(ruleset: &Ruleset, packet: &Fields, start: &str) -> Told {
    let mut met = Met::new(MOST_STEPS);
    let (name, chain) = ruleset.chains.get_key_value(start).unwrap();
    let ends = Walk::new(ruleset, Hook::Prerouting, &mut met).pass(name, chain, vec![packet.clone()], Vec::new());
    assert!(met.open.is_empty(), "{:?}", met.open);
    let takers = met.takers.into_iter().map(|taker| (taker.path, taker.sure)).collect();
    (takers, met.turns.into_iter().map(|turn| (turn.path, turn.certain)).collect(), ends)
}

const MATCHES: [&str; 5] = ["", "-s 10.88.192.0/24", "-m set --match-set x src", "-m mark --mark 0x1/0x1", "-m conntrack --ctstate NEW"];
const TARGETS: [&str; 9] = [
    "-j DROP",
    "-j ACCEPT",
    "-j RETURN",
    "-j MARK --set-xmark 0x1/0x1",
    "-j MARK --xor-mark 0x2",
    "-j CT --notrack",
    "-j DNAT --to-destination 10.1.1.1:80",
    "-j LOG",
    "-j NOBODY-KNOWS",
];

/// Five chains of up to four rules, which lead only to chains behind them.
fn dump(rules: &[(usize, usize, usize)]) -> String {
    let mut text = "*nat\n:PREROUTING ACCEPT [0:0]\n".to_owned();
    (0..5).for_each(|chain| writeln!(text, ":C{chain} - [0:0]").unwrap());
    text.push_str("-A PREROUTING -j C0\n-A PREROUTING -m set --match-set y src -j C1\n");
    for (at, (matching, target, to)) in rules.iter().enumerate() {
        let chain = at % 5;
        let target = match TARGETS.get(*target) {
            Some(target) => (*target).to_owned(),
            None if chain == 4 => "-j RETURN".to_owned(),
            None => format!("-{} C{}", if target % 3 == 0 { "g" } else { "j" }, chain + 1 + to % (4 - chain)),
        };
        writeln!(text, "-A C{chain} {} {target}", MATCHES[*matching]).unwrap();
    }
    text + "COMMIT\n"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn what_is_remembered_is_what_a_plain_walk_finds(rules in prop::collection::vec((0..5_usize, 0..18_usize, 0..4_usize), 0..20)) {
        let text = dump(&rules);
        let ruleset = ruleset(&host(&[("iptables", &text), ("nft", "")]), false);
        for client in ["10.88.64.50", "10.88.192.50"] {
            let start = "iptables nat PREROUTING";
            prop_assert_eq!(remembering(&ruleset, &from(client), start), plainly(&ruleset, &from(client), start), "{}", text);
        }
    }
}
