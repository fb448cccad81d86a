//! Why a node does not masquerade what it sends to pods of other nodes.

use super::{ends, enough};
use crate::analysis::state::kube_proxy::masquerade_lacks;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{Hook, Kind, Trail, Turn};

/// Why a node does not masquerade.
pub(super) enum Why {
    Rule(Turn),
    Missing(String),
}

/// The rule that ends a packet's way before kube-proxy's masquerade, or what of that masquerade is missing.
pub(super) fn sparing(pair: &StatePair, trails: &[Trail], kept: bool, failed: usize) -> Option<Why> {
    let counts = |turn: &Turn| if turn.certain { turn.counted() } else { enough(turn, failed) };
    let rule = |wanted: &dyn Fn(&Turn) -> bool| {
        let of_each: Option<Vec<&Turn>> =
            trails.iter().map(|trail| trail.turns.iter().find(|turn| !turn.of_kube_proxy && counts(turn) && wanted(turn))).collect();
        of_each.and_then(|turns| turns.first().map(|turn| Why::Rule((*turn).clone())))
    };
    if !kept {
        return rule(&|turn| turn.hook == Hook::Postrouting && matches!(turn.kind, Kind::Source(_)));
    }
    if let Some(why) = rule(&|turn| turn.hook == Hook::Postrouting && ends(pair, turn)) {
        return Some(why);
    }
    // Where the rules say that it is masqueraded, or were not followed to their end, nothing of them is missing.
    if trails.iter().any(|trail| !trail.open.is_empty() || trail.ends.is_empty() || trail.ends.iter().any(|end| end.source.is_none())) {
        return None;
    }
    let marked = trails
        .iter()
        .all(|trail| trail.turns.iter().any(|turn| turn.of_kube_proxy && turn.kind == Kind::Marks && turn.hook == Hook::Prerouting));
    if marked && let Some(why) = unmarking(trails) {
        return Some(why);
    }
    masquerade_lacks(&pair.after, marked).map(|what| Why::Missing(what.to_owned()))
}

/// A rule that changes the mark which kube-proxy put on a packet to masquerade it.
fn unmarking(trails: &[Trail]) -> Option<Why> {
    let of_each: Option<Vec<&Turn>> = trails
        .iter()
        .map(|trail| {
            let put = trail.turns.iter().position(|turn| turn.of_kube_proxy && turn.kind == Kind::Marks)?;
            trail.turns[put..].iter().rfind(|turn| !turn.of_kube_proxy && turn.kind == Kind::Marks && turn.certain && turn.counted())
        })
        .collect();
    of_each?.first().map(|turn| Why::Rule((*turn).clone()))
}
