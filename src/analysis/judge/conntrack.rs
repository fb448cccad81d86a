//! The connection table of a node: full, or with an old entry that leads a flow astray.

pub(super) mod forgotten;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::kube_proxy;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::road::Road;
use super::translation;
use crate::analysis::state::conntrack::{Tracked, Wanted};
use crate::analysis::state::place_state::StatePair;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// No entry can be added. Where the table was read a little emptier than full, the kernel's own count of what it dropped tells.
pub(super) fn full(pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let number = |path: &str| pair.after.settings()?.number(path);
    let (count, most) = (number("net/netfilter/nf_conntrack_count")?, number("net/netfilter/nf_conntrack_max")?);
    let lost = u64::try_from(roads.iter().filter(|road| road.repeated()).count()).unwrap_or(u64::MAX);
    let dropped = pair.grown("Conntrack", "drop").filter(|dropped| lost > 0 && *dropped >= lost);
    let told = dropped.map(|dropped| format!("conntrack -S on {node}: drop grew by {dropped} while the probe was repeated"));
    let is_full = count.saturating_mul(100) >= most.saturating_mul(if told.is_some() { 90 } else { 99 });
    (most > 0 && is_full).then(|| {
        found(
            names::NODE_CONNTRACK_FULL,
            vec![Subject::node(node)],
            format!("the connection table of {node} is full"),
            std::iter::once(format!("nf_conntrack_count {count} of nf_conntrack_max {most}")).chain(told).collect(),
        )
    })
}

/// Connections are dropped because what they are translated to is in the table already: no source port is left for them.
pub(super) fn clash(pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let lost = roads.iter().filter(|road| road.repeated()).count();
    let failed = pair.grown("Conntrack", "insert_failed")?;
    if lost == 0 || usize::try_from(failed).is_ok_and(|failed| failed < lost) {
        return None;
    }
    let few = pair.after.iptables().unwrap_or_default().iter().find(|rule| {
        let to_ports = rule.text.contains("--to-ports ") && rule.text.contains(" MASQUERADE");
        rule.table == "nat" && (to_ports || rule.text.contains("--to-source ") && rule.text.contains(':'))
    });
    let mut evidence = vec![format!(
        "conntrack -S on {node}: insert_failed grew by {failed} while the probe was repeated, in which {lost} connections were lost there"
    )];
    let mut culprits = vec![Subject::node(node)];
    if let Some(rule) = few {
        evidence.push(format!("iptables nat on {node}: `{}` leaves few ports to translate to", rule.text));
        culprits.insert(0, Subject::rule(node, &format!("nat/{}", rule.chain), &rule.text));
    }
    let summary = format!("{node} drops new connections: what they would be translated to is taken in its connection table");
    Some(found(names::NODE_CONNTRACK_CLASH, culprits, summary, evidence))
}

/// An entry of the table leads these very connections to an endpoint that is gone, while kube-proxy's rules do not. It was there before
/// they were asked: what is new in the table was made by the rules that the packet met.
pub(super) fn stale(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let (vip, target) = (case.address()?, case.target.filter(|target| target.slices_read)?);
    let programmed = kube_proxy::programmed(case, pair);
    if programmed.is_empty() {
        return None;
    }
    // Before the first round nothing was read: only of the repeated one it is known what was there before.
    let repeated: Vec<&&Road> = roads.iter().filter(|road| road.repeated()).collect();
    let ours = |entry: &Tracked| {
        (entry.dst, entry.dport) == (vip, Some(target.port.port))
            && repeated.iter().any(|road| {
                let attempt = &road.connection.attempt;
                attempt.source == Some(entry.src) && entry.sport == Some(attempt.source_port)
            })
    };
    let led: BTreeSet<IpAddr> = translation::led_to(case, pair, node, roads);
    let tuples = |entry: &Tracked| (entry.src, entry.sport, entry.reply_src, entry.reply_sport);
    let old = pair.before.tracked(&Wanted::default()).unwrap_or_default();
    let astray = |entry: &Tracked| {
        let to = entry.reply_src;
        let known = entry.reply_sport.is_some_and(|port| programmed.contains(&(to, port)))
            || target.endpoints.iter().any(|endpoint| endpoint.ip == to);
        // Without translation it is older than the rules that would translate it.
        (to == vip || !known && !led.contains(&to)) && old.iter().any(|before| tuples(before) == tuples(entry))
    };
    let found_here: Vec<&Tracked> =
        pair.after.tracked(&Wanted::default())?.into_iter().filter(|entry| ours(entry) && astray(entry)).collect();
    let first = found_here.first()?;
    let to: BTreeSet<IpAddr> = found_here.iter().map(|entry| entry.reply_src).collect();
    let to = to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let summary = if first.reply_src == vip {
        format!("an old entry in the connection table of {node} keeps the flow from being translated")
    } else {
        format!("the connection table of {node} leads the flow to {to}, which is no endpoint")
    };
    Some(found(
        names::NODE_CONNTRACK_STALE,
        vec![Subject::node(node)],
        summary,
        vec![
            format!(
                "conntrack on {node}: {} from {} port {} to {vip} port {} is answered by {} port {}",
                first.protocol,
                first.src,
                first.sport.unwrap_or_default(),
                target.port.port,
                first.reply_src,
                first.reply_sport.unwrap_or_default()
            ),
            format!(
                "kube-proxy's rules on {node} lead to {}",
                programmed.iter().map(|(ip, port)| format!("{ip}:{port}")).collect::<Vec<_>>().join(", ")
            ),
        ],
    ))
}

#[cfg(test)]
mod tests;
