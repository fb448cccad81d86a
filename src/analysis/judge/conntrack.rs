//! The connection table of a node: full, or with an old entry that leads a flow astray.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::road::Road;
use super::{Case, found, node};
use crate::analysis::state::connections::{self, Entry};
use crate::analysis::state::network;
use crate::model::culprit::Culprit;
use crate::model::finding::Finding;
use crate::model::state::StatePair;

/// No entry can be added.
pub(super) fn full(pair: &StatePair, node: &str) -> Option<Finding> {
    let (count, most) = (
        network::setting(&pair.after, "net/netfilter/nf_conntrack_count")?,
        network::setting(&pair.after, "net/netfilter/nf_conntrack_max")?,
    );
    (most > 0 && count * 100 >= most * 99).then(|| {
        found(
            "node/conntrack-full",
            vec![Culprit::node(node)],
            format!("the connection table of {node} is full"),
            vec![format!("nf_conntrack_count {count} of nf_conntrack_max {most}")],
        )
    })
}

/// An entry of the table leads these very connections to an endpoint that is gone, while kube-proxy's rules do not.
pub(super) fn stale(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let (vip, target) = (case.address()?, case.target.filter(|target| target.slices_read)?);
    let programmed = node::programmed(case, pair);
    if programmed.is_empty() {
        return None;
    }
    let ours = |entry: &Entry| {
        entry.original.destination == vip
            && entry.original.destination_port == target.port.port
            && roads.iter().any(|road| {
                let attempt = &road.connection.attempt;
                attempt.source == Some(entry.original.source) && attempt.source_port == entry.original.source_port
            })
    };
    let old = connections::entries(&pair.before);
    let astray = |entry: &Entry| {
        let to = (entry.reply.source, entry.reply.source_port);
        let known = programmed.contains(&to) || target.endpoints.iter().any(|endpoint| endpoint.ip == to.0);
        // An entry without translation is older than the rules that would translate it, and was there before it was asked.
        if to.0 == vip { old.iter().any(|before| before.original == entry.original && before.reply == entry.reply) } else { !known }
    };
    let found_here: Vec<Entry> = connections::entries(&pair.after).into_iter().filter(|entry| ours(entry) && astray(entry)).collect();
    let first = found_here.first()?;
    let to: BTreeSet<IpAddr> = found_here.iter().map(|entry| entry.reply.source).collect();
    let to = to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let summary = if first.reply.source == vip {
        format!("an old entry in the connection table of {node} keeps the flow from being translated")
    } else {
        format!("the connection table of {node} leads the flow to {to}, which is no endpoint")
    };
    Some(found(
        "node/conntrack-stale",
        vec![Culprit::node(node)],
        summary,
        vec![
            format!(
                "conntrack on {node}: {} {}:{} to {}:{} is answered by {}:{}",
                first.protocol,
                first.original.source,
                first.original.source_port,
                first.original.destination,
                first.original.destination_port,
                first.reply.source,
                first.reply.source_port
            ),
            format!(
                "kube-proxy's rules on {node} lead to {}",
                programmed.iter().map(|(ip, port)| format!("{ip}:{port}")).collect::<Vec<_>>().join(", ")
            ),
        ],
    ))
}
