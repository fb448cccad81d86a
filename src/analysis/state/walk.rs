//! The walk of one packet through the chains of a packet filter: which of the rules that take packets away does it come to?
//!
//! A rule says `Yes`, `No` or `Maybe` to the packet, and so does the walk: a rule is surely reached when nothing before it may have
//! decided already, and every jump that leads to it is surely taken.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::netfilter::{Fields, Match};
use super::network;
use crate::model::state::StatePair;

/// What a rule does with a packet that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on to the next rule.
    Pass,
    Accept,
    /// Dropped, or refused.
    Drop,
    Return,
    Jump(String),
    Goto(String),
    /// The rule's text does not tell.
    Unknown,
}

/// A rule of a chain.
pub(super) trait Step {
    fn takes(&self, packet: &Fields) -> Match;
    fn verdict(&self) -> Verdict;
}

/// The rules of each chain, in order, without policies.
pub(super) type Chains<'r, S> = BTreeMap<&'r str, Vec<&'r S>>;

/// Jumps within jumps that are followed; the kernel itself allows 16.
const DEEPEST: usize = 16;

/// Walks from a base chain, and tells each rule that takes packets away, with how surely the packet comes to it and is taken. Gives how
/// surely it comes to the chain's policy.
pub(super) fn walk<'r, S: Step>(chains: &Chains<'r, S>, base: &str, packet: &Fields, taken: &mut dyn FnMut(&'r S, Match)) -> Match {
    chain(chains, base, packet, Match::Yes, 0, taken)
}

/// How surely a packet that comes into the chain comes out of its end; `sure` is how surely it comes in.
fn chain<'r, S: Step>(
    chains: &Chains<'r, S>,
    name: &str,
    packet: &Fields,
    sure: Match,
    depth: usize,
    taken: &mut dyn FnMut(&'r S, Match),
) -> Match {
    if depth > DEEPEST {
        return Match::Maybe;
    }
    let (mut here, mut back) = (Match::Yes, Match::No);
    for step in chains.get(name).into_iter().flatten() {
        if here == Match::No {
            break;
        }
        let takes = step.takes(packet);
        if takes == Match::No {
            continue;
        }
        let left = if takes == Match::Yes { Match::No } else { here.min(Match::Maybe) };
        match step.verdict() {
            Verdict::Pass => {}
            Verdict::Unknown => here = here.min(Match::Maybe),
            Verdict::Accept => here = left,
            Verdict::Drop => {
                taken(step, sure.min(here).min(takes));
                here = left;
            }
            Verdict::Return => {
                back = back.max(here.min(takes));
                here = left;
            }
            Verdict::Jump(to) => {
                let comes_back = chain(chains, &to, packet, sure.min(here).min(takes), depth + 1, taken);
                here = match (takes, comes_back) {
                    (_, Match::Yes) => here,
                    (Match::Yes, _) => here.min(comes_back),
                    _ => here.min(Match::Maybe),
                };
            }
            Verdict::Goto(to) => {
                let comes_back = chain(chains, &to, packet, sure.min(here).min(takes), depth + 1, taken);
                back = back.max(here.min(takes).min(comes_back));
                here = left;
            }
        }
    }
    back.max(here)
}

/// The hooks that a packet with these addresses passes at a place, in the order in which it passes them.
pub(super) fn hooks(pair: &StatePair, packet: &Fields) -> &'static [&'static str] {
    const ALL: [&str; 7] = ["ingress", "prerouting", "input", "forward", "output", "postrouting", "egress"];
    let own: Vec<IpAddr> = network::addresses(&pair.after).into_iter().map(|(_, net)| net.addr()).collect();
    let (Some(source), Some(destination)) = (packet.source, packet.destination) else { return &ALL };
    if own.is_empty() {
        return &ALL;
    }
    match (own.contains(&source), own.contains(&destination)) {
        (true, true) => &ALL,
        (true, false) => &["output", "postrouting", "egress"],
        (false, true) => &["ingress", "prerouting", "input"],
        (false, false) => &["ingress", "prerouting", "forward", "postrouting", "egress"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rule(&'static str, Match, Verdict);

    impl Step for Rule {
        fn takes(&self, _packet: &Fields) -> Match {
            self.1
        }

        fn verdict(&self) -> Verdict {
            self.2.clone()
        }
    }

    /// `rules` are (chain, name, whether it takes the packet, verdict); what is expected are the drops that are met, and the end.
    fn check(rules: Vec<(&'static str, &'static str, Match, Verdict)>, expected: &[(&str, Match)], end: Match) {
        let rules: Vec<(&str, Rule)> = rules.into_iter().map(|(chain, name, takes, verdict)| (chain, Rule(name, takes, verdict))).collect();
        let mut chains: Chains<Rule> = BTreeMap::new();
        for (chain, rule) in &rules {
            chains.entry(chain).or_default().push(rule);
        }
        let mut met = Vec::new();
        let last = walk(&chains, "base", &Fields::default(), &mut |rule: &Rule, sure| met.push((rule.0, sure)));
        assert_eq!((met.as_slice(), last), (expected, end));
    }

    use Match::{Maybe, No, Yes};
    use Verdict::{Accept, Drop, Goto, Jump, Pass, Return};

    #[test]
    fn what_was_accepted_is_not_dropped_later() {
        check(vec![("base", "a", Yes, Accept), ("base", "d", Yes, Drop)], &[], No);
        check(vec![("base", "a", Maybe, Accept), ("base", "d", Yes, Drop)], &[("d", Maybe)], No);
        check(vec![("base", "a", No, Accept), ("base", "d", Yes, Drop)], &[("d", Yes)], No);
        check(vec![("base", "p", Yes, Pass), ("base", "d", Maybe, Drop)], &[("d", Maybe)], Maybe);
    }

    #[test]
    fn a_bare_drop_in_a_chain_is_as_sure_as_the_jump_to_it() {
        let jump = || Jump("blocked".to_owned());
        check(vec![("base", "j", No, jump()), ("blocked", "d", Yes, Drop)], &[], Yes);
        check(vec![("base", "j", Maybe, jump()), ("blocked", "d", Yes, Drop)], &[("d", Maybe)], Maybe);
        check(vec![("base", "j", Yes, jump()), ("blocked", "d", Yes, Drop)], &[("d", Yes)], No);
        check(vec![("base", "j", Maybe, jump()), ("base", "d", Yes, Drop), ("blocked", "p", Yes, Pass)], &[("d", Yes)], No);
    }

    #[test]
    fn a_return_leads_back_and_a_goto_past_the_rest() {
        let (jump, goto) = (|| Jump("c".to_owned()), || Goto("c".to_owned()));
        check(
            vec![("base", "j", Yes, jump()), ("base", "d", Yes, Drop), ("c", "r", Yes, Return), ("c", "x", Yes, Drop)],
            &[("d", Yes)],
            No,
        );
        check(vec![("base", "g", Yes, goto()), ("base", "d", Yes, Drop), ("c", "r", Yes, Return)], &[], Yes);
    }

    #[test]
    fn a_circle_ends() {
        check(vec![("base", "j", Yes, Jump("base".to_owned())), ("base", "d", Yes, Drop)], &[("d", Maybe)], No);
    }
}
