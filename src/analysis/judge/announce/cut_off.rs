//! Speakers that reach nobody: they cannot list what they work by, or have nothing to answer with.

use std::collections::BTreeSet;

use super::silent;
use crate::analysis::judge::case::{Case, found};
use crate::model::announcement::{Agreement, Announcement, SpeakerLog, TroubleMeaning};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// What stands in front of the account in the API server's refusal: `User "system:serviceaccount:NAMESPACE:NAME"`.
const ACCOUNT: &str = "User \"";

/// Why a node's speaker cannot list what it works by. Only of a log that is whole: what it says of no Service counts, too.
pub(super) fn refused<'a>(announcement: &'a Announcement, node: &str) -> Option<&'a str> {
    announcement.logs.iter().find(|log| log.node == node).and_then(|log| why(log, announcement))
}

fn why<'a>(log: &'a SpeakerLog, announcement: &Announcement) -> Option<&'a str> {
    let trouble = log.troubles.iter().find(|trouble| trouble.meaning == TroubleMeaning::Api)?;
    (log.complete && log.of(&announcement.addresses).next().is_none_or(|words| words.moves.is_empty())).then_some(trouble.text.as_str())
}

/// The elected node's speaker cannot, and nobody announces or answers.
pub(super) fn finding(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let expected = silent(case, announcement)?;
    let reason = refused(announcement, expected)?;
    let mut all: Vec<&SpeakerLog> = announcement.logs.iter().filter(|log| why(log, announcement).is_some()).collect();
    all.sort_by_key(|log| (log.node != expected, &log.node));
    let nodes: BTreeSet<&str> = all.iter().map(|log| log.node.as_str()).collect();
    let others: Vec<&str> = nodes.iter().copied().filter(|node| *node != expected).collect();
    let besides = if others.is_empty() { String::new() } else { format!(", nor can those on {}", others.join(", ")) };
    let account = account(reason);
    let mut finding = found(
        names::ANNOUNCE_SPEAKER_UNHEALTHY,
        std::iter::once(expected).chain(others.iter().copied()).map(Subject::speaker).collect(),
        match account {
            Some(account) => {
                format!("the speaker on {expected} may not list what it works by{besides}: the API server refuses it to {account}")
            }
            None => format!("the speaker on {expected} cannot list what it works by{besides}"),
        },
        all.iter()
            .filter_map(|log| why(log, announcement).map(|why| format!("speaker {} on {}: {why}", log.pod, log.node)))
            .chain(["since its start it says nothing of any Service, and nobody answers by ARP".to_owned()])
            .collect(),
    );
    finding.next = match account {
        Some(account) => format!(
            "Bind that account to MetalLB's role again: its manifests hold a ClusterRole and a ClusterRoleBinding for it. What it may do now: kubectl auth can-i --list --as={account}"
        ),
        None => format!(
            "Let that speaker reach the API server: the reason stands in its log. On {expected}: is kube-proxy up, and does the API server's Service answer there?"
        ),
    };
    Some(finding)
}

/// The account that was refused.
fn account(reason: &str) -> Option<&str> {
    let rest = &reason[reason.find(ACCOUNT)? + ACCOUNT.len()..];
    rest.split('"').next().filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || ":-._".contains(c)))
}

/// Why a node's speaker has nothing to answer with, in its own words; nothing where somebody answers all the same.
pub(super) fn nothing_to_answer_with(case: &Case, announcement: &Announcement, node: &str) -> Option<(String, String)> {
    let answered = case.flow.is_some_and(|flow| !flow.answering_macs().is_empty());
    if announcement.agreement != Agreement::None || answered {
        return None;
    }
    let log = announcement.logs.iter().find(|log| log.node == node)?;
    Some((log.pod.clone(), log.refuses_to_answer(announcement.address?, &announcement.interfaces)?))
}

/// The elected node's speaker means to announce, says itself that it has nothing to answer with, and nobody answers.
pub(super) fn mute(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let (expected, address) = (announcement.expected.as_deref()?, announcement.address?);
    let (pod, why) = nothing_to_answer_with(case, announcement, expected)?;
    let by = if address.is_ipv6() { "NDP" } else { "ARP" };
    let mut finding = found(
        names::ANNOUNCE_SPEAKER_UNHEALTHY,
        vec![Subject::speaker(expected)],
        format!("the speaker on {expected} announces {address} and has nothing to answer {by} with"),
        vec![format!("speaker {pod} on {expected}: {why}")],
    );
    finding.next = format!(
        "Take away what its log names, and restart that speaker: a right that it lacks (NET_RAW), a limit of open files, an interface without {}.",
        if address.is_ipv6() { "a link-local address" } else { "an address, or with ARP off" }
    );
    Some(finding)
}
