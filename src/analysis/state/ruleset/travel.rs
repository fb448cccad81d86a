//! Takes a packet through the hooks of a host, in the order in which the kernel calls them.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::met::{MOST_STEPS, Met};
use super::walk::Walk;
use super::{Chain, Hook, Ruleset, Taken, Walked, met_by, unread};
use crate::analysis::state::netfilter::{Fields, Match};
use crate::analysis::state::place_state::PlaceState;

/// Where the ways of a packet ended, and what they met.
pub(super) struct Travelled<'a> {
    /// As they came out of the last hook.
    pub(super) ends: Vec<Fields>,
    /// As they came out of the hooks before the host's routing.
    pub(super) routed: Vec<Fields>,
    pub(super) met: Met<'a>,
    hooks: Vec<Hook>,
}

/// What becomes of a packet, by the dumps that the `state` script reads for `firewall`. With a hook only that one is
/// walked; otherwise the packet goes where its interfaces and the host's own addresses lead it.
#[must_use]
pub fn walk(state: &PlaceState, packet: &Fields, only: Option<Hook>) -> Walked {
    let mut left = MOST_STEPS;
    follow(state, &met_by(state, packet), packet, only, &mut left)
}

/// As `walk`, by a ruleset that was read before. `left` are the steps that may be taken, and are still left then.
pub(super) fn follow(state: &PlaceState, ruleset: &Ruleset, packet: &Fields, only: Option<Hook>, left: &mut usize) -> Walked {
    let Travelled { ends, routed, met, hooks } = travel(state, ruleset, packet, only, None, *left);
    *left = met.left;
    let mut unread = unread(state);
    let taken = match (ends.is_empty(), met.takers.is_empty()) {
        _ if !met.open.is_empty() => Taken::Maybe,
        (true, _) => Taken::Yes,
        (false, true) if unread.is_empty() => Taken::No,
        (false, _) => Taken::Maybe,
    };
    let rule = met.takers.iter().find(|taker| taken == Taken::Yes && taker.sure).or(met.takers.first()).cloned();
    unread.extend(met.open.iter().cloned());
    let open = met.open.into_iter().collect();
    Walked { taken, rule, rules: met.takers, translated: translated(routed.iter().chain(&ends)), hooks, unread, open }
}

/// Takes a packet through the hooks, in no more than `steps`. With `towards` only the ways that are translated to that endpoint are
/// followed on.
pub(super) fn travel<'a>(
    state: &PlaceState,
    ruleset: &'a Ruleset,
    packet: &Fields,
    only: Option<Hook>,
    towards: Option<(IpAddr, u16)>,
    steps: usize,
) -> Travelled<'a> {
    let own: BTreeSet<IpAddr> = state.addresses().unwrap_or_default().iter().map(|(_, net)| net.addr()).collect();

    let (mut met, mut hooks) = (Met::new(steps), Vec::new());
    let mut pass = |hook: Hook, ways: Vec<Fields>| {
        if ways.is_empty() || matches!(hook, Hook::Ingress | Hook::Egress) && !ruleset.has(hook) {
            return ways;
        }
        hooks.push(hook);
        ruleset.pass(hook, ways, &mut met)
    };
    let start = vec![packet.clone()];
    let mut ends: Vec<Fields>;
    let mut all = Vec::new();
    let sent_here = packet.input.is_none() && (packet.output.is_some() || packet.source.is_some_and(|from| own.contains(&from)));
    if let Some(hook) = only {
        ends = pass(hook, start);
    } else if packet.bridge.is_some() {
        ends = pass(Hook::Ingress, start);
        for hook in across(packet) {
            ends = pass(*hook, ends);
        }
        ends = pass(Hook::Egress, ends);
    } else if sent_here {
        ends = pass(Hook::Output, start);
        all.extend(ends.iter().cloned());
        ends = pass(Hook::Postrouting, ends);
        ends = pass(Hook::Egress, ends);
    } else {
        let came = pass(Hook::Ingress, start);
        let mut routed = pass(Hook::Prerouting, came);
        if let Some((address, port)) = towards {
            routed.retain(|way| (way.destination, way.destination_port) == (Some(address), Some(port)));
        }
        all.extend(routed.iter().cloned());
        let here = |way: &Fields| packet.output.is_none() && way.destination.is_some_and(|to| own.contains(&to));
        let (taken_in, onward): (Vec<Fields>, Vec<Fields>) = routed.into_iter().partition(here);
        ends = pass(Hook::Input, taken_in);
        let onward = pass(Hook::Forward, onward);
        let onward = pass(Hook::Postrouting, onward);
        ends.extend(pass(Hook::Egress, onward));
    }
    Travelled { ends, routed: all, met, hooks }
}

/// The hooks of bridges that a frame passes: from a port to the bridge itself, from the bridge itself to a port, or from port to port.
fn across(frame: &Fields) -> &'static [Hook] {
    match (&frame.input, &frame.output) {
        (Some(_), Some(_)) => &[Hook::Prerouting, Hook::Forward, Hook::Postrouting],
        (Some(_), None) => &[Hook::Prerouting, Hook::Input],
        (None, _) => &[Hook::Output, Hook::Postrouting],
    }
}

impl Chain {
    /// Whether a packet that passes the hook comes by the chain.
    fn sees(&self, hook: Hook, way: &Fields) -> Match {
        let by = match hook {
            Hook::Ingress => way.input.as_deref(),
            _ => way.output.as_deref(),
        };
        match (&self.device, by) {
            _ if self.translates && way.state.as_deref().is_some_and(|state| state != "NEW") => Match::No,
            (Some(device), Some(by)) if device != by => Match::No,
            // A frame that comes from the bridge itself, or goes to it, has no interface on that side.
            (Some(_), None) if way.bridge.is_some() => Match::No,
            (Some(_), None) => Match::Maybe,
            _ if self.doubtful => Match::Maybe,
            _ => Match::Yes,
        }
    }
}

impl Ruleset {
    fn has(&self, hook: Hook) -> bool {
        self.chains.values().any(|chain| chain.hook.is_some_and(|(at, _)| at == hook))
    }

    /// Takes the ways through all chains of a hook, in the order of their priorities; gives those that come out.
    fn pass<'a>(&'a self, hook: Hook, ways: Vec<Fields>, met: &mut Met<'a>) -> Vec<Fields> {
        let mut called: Vec<(i32, &'a String, &'a Chain)> = self
            .chains
            .iter()
            .filter_map(|(name, chain)| chain.hook.filter(|(at, _)| *at == hook).map(|(_, when)| (when, name, chain)))
            .collect();
        called.sort_by_key(|(when, name, _)| (*when, *name));
        let mut ways = ways;
        for (_, name, chain) in called {
            let (mut through, mut beside) = (Vec::new(), Vec::new());
            for way in ways {
                let seen = chain.sees(hook, &way);
                if seen != Match::Yes {
                    beside.push(way.clone());
                }
                if seen != Match::No {
                    through.push(way);
                }
            }
            ways = Walk::new(self, hook, met).pass(name, chain, through, beside);
        }
        ways
    }
}

/// Where the ways lead to that were translated.
fn translated<'a>(ways: impl Iterator<Item = &'a Fields>) -> Vec<String> {
    let all: BTreeSet<String> = ways
        .filter(|way| way.translated)
        .map(|way| match (way.destination, way.destination_port) {
            (Some(address), Some(port)) => SocketAddr::new(address, port).to_string(),
            (Some(address), None) => address.to_string(),
            (None, _) => "unknown".to_owned(),
        })
        .collect();
    all.into_iter().collect()
}
