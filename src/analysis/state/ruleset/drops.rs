//! Which rules took packets away between two reads of a place's packet filters.

use std::collections::{BTreeMap, BTreeSet};

use super::met::MOST_STEPS;
use super::travel::follow;
use super::{Hook, Line, Ruleset, Taken, Taker, met_by};
use crate::analysis::state::netfilter::{Fields, Match, is_kube_proxys};
use crate::analysis::state::place_state::{PlaceState, StatePair};

/// What rules have counted, by tool and path.
type Counts = BTreeMap<(&'static str, String), u64>;

/// Steps that all packets of one question may take together, so that a question about many packets ends soon too.
const MOST_STEPS_OF_ALL: usize = 4 * MOST_STEPS;

/// A rule (not kube-proxy's) that takes packets away, and that some packets may come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    pub tool: &'static str,
    /// `raw/PREROUTING/1`, or for nftables `inet-guard/in/1`.
    pub path: String,
    pub text: String,
    /// Where in the kernel it stands.
    pub hook: Hook,
    /// By how much its counter grew between the two reads; `None` when it has none.
    pub grown: Option<u64>,
    /// `Yes` where one of the packets is surely taken, and by no other rule.
    pub matched: Match,
}

/// The rules that could have taken one of these packets: by a counter that grew, or, without a counter, where nothing else can have. The
/// surest and most grown first.
#[must_use]
pub fn drops(pair: &StatePair, packets: &[Fields]) -> Vec<Drop> {
    let counts = |drop: &Drop| drop.grown.is_some() || drop.matched == Match::Yes;
    let mut found: Vec<Drop> = taking(pair, packets, false).rules.into_iter().filter(counts).collect();
    found.sort_by_key(|drop| (std::cmp::Reverse(drop.matched), std::cmp::Reverse(drop.grown)));
    found
}

/// What is not known of these packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// The rules without a counter that take one of them, or may. Whoever named none of those that surely take one had a reason that is not
    /// known here: that none takes them cannot be said.
    pub rules: Vec<Drop>,
    /// Why not every rule was asked; empty where all were.
    pub open: BTreeSet<String>,
}

impl Undecided {
    /// Whether no rule may have taken any of the packets.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.rules.is_empty() && self.open.is_empty()
    }
}

/// What the rules leave open of these packets.
#[must_use]
pub fn undecided(pair: &StatePair, packets: &[Fields]) -> Undecided {
    let Taking { rules, open } = taking(pair, packets, false);
    Undecided { rules: rules.into_iter().filter(|drop| drop.grown.is_none()).collect(), open }
}

/// kube-proxy's own rules that could have taken one of these packets, by a counter that grew; the most grown first.
#[must_use]
pub fn refused_by_kube_proxy(pair: &StatePair, packets: &[Fields]) -> Vec<Drop> {
    let mut found: Vec<Drop> = taking(pair, packets, true).rules.into_iter().filter(|drop| drop.grown.is_some()).collect();
    found.sort_by_key(|drop| std::cmp::Reverse(drop.grown));
    found
}

/// Rules that take packets.
struct Taking {
    rules: Vec<Drop>,
    /// Why there may be more; empty where every rule was asked.
    open: BTreeSet<String>,
}

/// Every rule that one of the packets may come to, without those whose counter stood still: kube-proxy's own, or the others.
fn taking(pair: &StatePair, packets: &[Fields], of_kube_proxy: bool) -> Taking {
    let mut families: BTreeMap<(bool, bool), (Ruleset, Counts)> = BTreeMap::new();
    let mut found: BTreeMap<(&'static str, String), Drop> = BTreeMap::new();
    let mut open = BTreeSet::new();
    let mut left_of_all = MOST_STEPS_OF_ALL;
    for packet in packets {
        let kind = (packet.is_v6().unwrap_or(false), packet.bridge.is_some());
        let read = || (met_by(&pair.after, packet), counters(&pair.before, packet));
        let (after, before) = families.entry(kind).or_insert_with(read);
        // Of a first packet it may be wrong that the kernel takes it for one: what else it may take it for is less sure.
        let less_sure = Fields { state: None, mark: None, ..packet.clone() };
        let variants = if packet.state.is_some() { vec![packet.clone(), less_sure] } else { vec![less_sure] };
        for variant in &variants {
            let steps = left_of_all.min(MOST_STEPS);
            let mut left = steps;
            let walked = follow(&pair.after, after, variant, None, &mut left);
            left_of_all -= steps - left;
            open.extend(walked.open);
            let grown = |taker: &Taker| {
                let old = before.get(&(taker.tool, taker.path.clone())).copied().unwrap_or_default();
                // One that is smaller than before is another rule's, or began anew: it tells nothing of what came meanwhile.
                taker.packets.and_then(|now| now.checked_sub(old))
            };
            let left: Vec<&Taker> = walked.rules.iter().filter(|taker| grown(taker) != Some(0)).collect();
            let sure = walked.taken == Taken::Yes && left.len() == 1;
            for taker in left.into_iter().filter(|taker| is_kube_proxys_chain(taker.tool, &taker.path, &taker.text) == of_kube_proxy) {
                let matched = if sure { Match::Yes } else { Match::Maybe };
                let drop = Drop {
                    tool: taker.tool,
                    path: taker.path.clone(),
                    text: taker.text.clone(),
                    hook: taker.hook,
                    grown: grown(taker),
                    matched,
                };
                let entry = found.entry((taker.tool, taker.path.clone())).or_insert(drop);
                entry.matched = entry.matched.max(matched);
            }
        }
    }
    Taking { rules: found.into_values().collect(), open }
}

/// Whether the rule stands in one of kube-proxy's chains.
pub(super) fn is_kube_proxys_chain(tool: &str, path: &str, text: &str) -> bool {
    let chain = path.split('/').nth(1).unwrap_or_default();
    // What iptables-nft writes stands in tables of iptables' own names, without its comments.
    let by_iptables = || ["ip-", "ip6-"].iter().any(|family| path.strip_prefix(family).is_some_and(of_iptables));
    if tool == "nft" {
        path.contains("-kube-proxy/") || (by_iptables() && is_kube_proxys(chain, text))
    } else {
        is_kube_proxys(chain, text)
    }
}

/// Whether a table has one of iptables' own names.
fn of_iptables(path: &str) -> bool {
    ["filter", "nat", "mangle", "raw"].contains(&path.split('/').next().unwrap_or_default())
}

/// What the rules and policies of a dump had counted, by tool and path.
pub(super) fn counters(state: &PlaceState, packet: &Fields) -> Counts {
    let mut all = BTreeMap::new();
    for (name, chain) in met_by(state, packet).chains {
        let tool = super::tool(&name);
        if let Some((path, _, Some(packets))) = chain.refuses {
            all.insert((tool, path), packets);
        }
        all.extend(chain.rules.iter().filter_map(|line: &Line| Some(((tool, line.path()), line.packets()?))));
    }
    all
}

#[cfg(test)]
mod tests;
