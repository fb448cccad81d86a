//! What rules do with a packet on its way, other than taking it: where they translate it to, keep it from being translated or tracked,
//! mark it, or limit how far it lives.

use std::net::IpAddr;

use super::drops::{counters, is_kube_proxys_chain};
use super::met::MOST_STEPS;
use super::travel::{Travelled, travel};
use super::{Action, Hook, Line, met_by, tool};
use crate::analysis::state::netfilter::{Fields, Match};
use crate::analysis::state::place_state::StatePair;

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
    /// Puts it into a zone of the connection table.
    Zones(u32),
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
    /// As the packet comes to the host's routing: out of the hooks before it.
    pub routed: Vec<Fields>,
    /// What comes out at the end.
    pub ends: Vec<Fields>,
    /// Why not every way was followed to its end; empty where all were.
    pub open: Vec<String>,
}

impl Trail {
    /// The mark that every way of the packet has when the host routes it; none where they differ, or where it is not known.
    #[must_use]
    pub fn mark_when_routed(&self) -> Option<u32> {
        self.open.is_empty().then(|| only_mark(&self.routed)).flatten()
    }

    /// The mark that every way of the packet has when it leaves the host; none where they differ, or where it is not known.
    #[must_use]
    pub fn mark_at_the_end(&self) -> Option<u32> {
        self.open.is_empty().then(|| only_mark(&self.ends)).flatten()
    }
}

fn only_mark(ways: &[Fields]) -> Option<u32> {
    let first = ways.first()?.mark;
    first.filter(|_| ways.iter().all(|way| way.mark == first))
}

/// What becomes of the packet between two reads of a place's packet filters. With `towards` only its ways to that endpoint are followed.
#[must_use]
pub fn trail(pair: &StatePair, packet: &Fields, towards: Option<(IpAddr, u16)>) -> Trail {
    let (after, before) = (met_by(&pair.after, packet), counters(&pair.before, packet));
    let Travelled { ends, routed, met, .. } = travel(&pair.after, &after, packet, None, towards, MOST_STEPS);
    let mut turns = met.turns;
    for turn in &mut turns {
        let old = before.get(&(turn.tool, turn.path.clone())).copied().unwrap_or_default();
        turn.grown = turn.packets.and_then(|now| now.checked_sub(old));
    }
    Trail { turns, routed, ends, open: met.open.into_iter().collect() }
}

impl Turn {
    /// What a rule does with the ways that come to it in a chain of a hook that translates, or does not. `top`: the hook itself calls the
    /// chain. `alone`: there are no other ways than these.
    pub(super) fn of<'w>(
        line: &Line,
        ways: &(impl Iterator<Item = (&'w Fields, Match, &'w [Action])> + Clone),
        (hook, translates): (Hook, bool),
        top: bool,
        alone: bool,
        chain: &str,
    ) -> Option<Self> {
        let limit = line.hop_limit();
        let kind = |(way, matched, actions): (&Fields, Match, &[Action])| {
            let action = actions.first().filter(|_| matched != Match::No)?;
            limit.map(Kind::HopLimit).or_else(|| kind(way, action, (translates, top), chain))
        };
        let first = ways.clone().find_map(kind)?;
        let certain = alone && ways.clone().all(|way| way.1 == Match::Yes && kind(way).is_some());
        let (path, text, tool) = (line.path(), line.text(), tool(chain));
        let of_kube_proxy = is_kube_proxys_chain(tool, &path, &text) && !strange(first, &path, &text);
        Some(Self { path, tool, text, hook, kind: first, certain, of_kube_proxy, packets: line.packets(), grown: None })
    }
}

fn kind(way: &Fields, action: &Action, (translates, top): (bool, bool), chain: &str) -> Option<Kind> {
    let of_kube_proxy = chain.contains(" KUBE-") || chain.contains(" kube-proxy ");
    match action {
        Action::Accept(out) if out.translated && !way.translated => Some(Kind::Destination(out.destination, out.destination_port)),
        Action::Accept(out) if (out.source, out.source_port) != (way.source, way.source_port) => Some(Kind::Source(out.source)),
        Action::Accept(_) => translates.then_some(Kind::Spares),
        // Out of a chain that another one called, the packet goes on there.
        Action::Return => (translates && (top || of_kube_proxy)).then_some(Kind::Spares),
        Action::Next(out) if out.state.as_deref() == Some("UNTRACKED") && out.state != way.state => Some(Kind::Untracks),
        Action::Next(out) if out.zone != way.zone => out.zone.map(Kind::Zones),
        Action::Next(out) if out.mark != way.mark => Some(Kind::Marks),
        _ => None,
    }
}

/// A rule in one of kube-proxy's chains that kube-proxy does not write: it translates in the chains of endpoints alone, and lets a packet
/// go only by its mark or with a comment that says what for.
fn strange(kind: Kind, path: &str, text: &str) -> bool {
    match kind {
        Kind::Destination(..) => !(path.contains("/KUBE-SEP-") || path.contains("/endpoint-")),
        Kind::Spares => !(text.contains("mark ") || text.contains("comment ")),
        Kind::Untracks | Kind::Zones(_) | Kind::HopLimit(_) => true,
        Kind::Source(_) | Kind::Marks => false,
    }
}

#[cfg(test)]
mod tests;
