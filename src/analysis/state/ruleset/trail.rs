//! What rules do with a packet on its way, other than taking it: where they translate it to, keep it from being translated or tracked,
//! mark it, or limit how far it lives.

use std::net::IpAddr;

use super::drops::{counters, is_kube_proxys_chain};
use super::{Action, Hook, Line, Travelled, Walk, ruleset, tool, travel};
use crate::analysis::state::netfilter::{Fields, Match};
use crate::model::state::StatePair;

/// What a rule does with a packet that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Gives it another destination, as far as it is known which.
    Destination(Option<IpAddr>, Option<u16>),
    /// Gives it another source, as far as it is known which.
    Source(Option<IpAddr>),
    /// Ends its way through a chain that translates, so that no later rule there meets it.
    Spares,
    /// Keeps it out of the table of connections, so that nothing translates it.
    Untracks,
    /// Changes the kernel's mark on it.
    Marks,
    /// Leaves it that many hops to go, this host's own forwarding among them.
    HopLimit(u8),
}

/// A rule that does something with a packet, as the packet comes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// `nat/PREROUTING/1`, or for nftables `inet-guard/in/1`.
    pub path: String,
    pub tool: &'static str,
    pub text: String,
    pub hook: Hook,
    pub kind: Kind,
    /// Whether every way of the packet leads over it.
    pub certain: bool,
    /// Whether it is one of kube-proxy's own.
    pub of_kube_proxy: bool,
    /// What its counter says; none where it has no counter.
    packets: Option<u64>,
    /// By how much its counter grew between the two reads; none where it has no counter.
    pub grown: Option<u64>,
}

impl Turn {
    /// Whether the rule's counter says nothing against it.
    #[must_use]
    pub fn counted(&self) -> bool {
        self.grown != Some(0)
    }
}

/// A packet's way through a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// In the order in which they are met.
    pub turns: Vec<Turn>,
    /// What comes out at the end.
    pub ends: Vec<Fields>,
}

/// What becomes of the packet between two reads of a place's packet filters. With `towards` only its ways to that endpoint are followed.
#[must_use]
pub fn trail(pair: &StatePair, packet: &Fields, towards: Option<(IpAddr, u16)>) -> Trail {
    let six = packet.is_v6().unwrap_or(false);
    let (after, before) = (ruleset(&pair.after, six), counters(&pair.before, six));
    let Travelled { ends, met, .. } = travel(&pair.after, &after, packet, None, towards);
    let mut turns = met.turns;
    for turn in &mut turns {
        let old = before.get(&(turn.tool, turn.path.clone())).copied().unwrap_or_default();
        turn.grown = turn.packets.and_then(|now| now.checked_sub(old));
    }
    Trail { turns, ends }
}

impl Walk<'_> {
    /// Notes what a rule does with the ways that come to it. `alone` when there are no others.
    pub(super) fn turn(&mut self, line: &Line, ways: &[(Fields, Match, Vec<Action>)], depth: usize, alone: bool, chain: &str) {
        let limit = line.hop_limit();
        let kinds: Vec<Option<Kind>> = ways
            .iter()
            .map(|(way, matched, actions)| {
                let action = actions.first().filter(|_| *matched != Match::No)?;
                limit.map(Kind::HopLimit).or_else(|| self.kind(way, action, depth, chain))
            })
            .collect();
        let Some(kind) = kinds.iter().flatten().next().copied() else { return };
        let certain = alone && kinds.iter().all(Option::is_some) && ways.iter().all(|(_, matched, _)| *matched == Match::Yes);
        let (path, text) = (line.path(), line.text());
        let of_kube_proxy = is_kube_proxys_chain(tool(chain), &path, &text) && !strange(kind, &path, &text);
        let (tool, packets) = (tool(chain), line.packets());
        match self.turns.iter_mut().find(|known| (&known.path, known.tool, known.hook) == (&path, tool, self.hook)) {
            // Where the ways of a packet come to it one after another, it is not one that all of them take together.
            Some(known) => known.certain = false,
            None => self.turns.push(Turn { path, tool, text, hook: self.hook, kind, certain, of_kube_proxy, packets, grown: None }),
        }
    }

    fn kind(&self, way: &Fields, action: &Action, depth: usize, chain: &str) -> Option<Kind> {
        let of_kube_proxy = chain.contains(" KUBE-") || chain.contains(" kube-proxy ");
        match action {
            Action::Accept(out) if out.translated && !way.translated => Some(Kind::Destination(out.destination, out.destination_port)),
            Action::Accept(out) if (out.source, out.source_port) != (way.source, way.source_port) => Some(Kind::Source(out.source)),
            Action::Accept(_) => self.translates.then_some(Kind::Spares),
            // Out of a chain that another one called, the packet goes on there.
            Action::Return => (self.translates && (depth == 0 || of_kube_proxy)).then_some(Kind::Spares),
            Action::Next(out) if out.state.as_deref() == Some("UNTRACKED") && out.state != way.state => Some(Kind::Untracks),
            Action::Next(out) if out.mark != way.mark => Some(Kind::Marks),
            _ => None,
        }
    }
}

/// A rule in one of kube-proxy's chains that kube-proxy does not write: it translates in the chains of endpoints alone, and lets a packet
/// go only by its mark or with a comment that says what for.
fn strange(kind: Kind, path: &str, text: &str) -> bool {
    match kind {
        Kind::Destination(..) => !(path.contains("/KUBE-SEP-") || path.contains("/endpoint-")),
        Kind::Spares => !(text.contains("mark ") || text.contains("comment ")),
        Kind::Untracks | Kind::HopLimit(_) => true,
        Kind::Source(_) | Kind::Marks => false,
    }
}

#[cfg(test)]
mod tests;
