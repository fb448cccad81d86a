//! Who should announce the address and why nobody does, from the API's objects, the speakers' words and the nodes' interfaces.

mod cut_off;
mod interfaces;
mod notable;
pub(super) mod rules;

use crate::analysis::announcement::sources_of;
use crate::analysis::judge::case::{Case, found};
use std::collections::{BTreeMap, BTreeSet};

use super::holders;
use super::meant::Meant;
use super::rule::Log;
use crate::model::announcement::{Agreement, Announcement, Excluded, Exclusion, SpeakerLog};
use crate::model::catalogue::{Property, has, names};
use crate::model::finding::{Finding, Severity};
use crate::model::flow::ArpAsk;
use crate::model::service::TrafficPolicy;
use crate::model::subject::Subject;

/// Findings about the announcement, the nearest cause first. They are causes when nobody gets through, latent otherwise.
pub(super) fn findings(case: &Case, log: &Log) -> Vec<Finding> {
    let Some(announcement) = case.announcement else { return Vec::new() };
    // Without MetalLB nothing is known of who should announce.
    if announcement.address.is_none() || announcement.metallb.instead.is_some() {
        return Vec::new();
    }
    let meant = Meant { case, announcement };
    let mut findings = log.all(&rules::OBJECTS, "", &meant);
    if findings.is_empty() {
        findings.extend(log.all(&rules::CANDIDATES, "", &meant));
    }
    if findings.is_empty() {
        findings.extend(super::bgp::findings(case, log, announcement));
    }
    if findings.is_empty() && announcement.protocol != "bgp" {
        findings.extend(log.all(&rules::ON_NODES, "", &meant));
    }
    findings.extend(log.all(&rules::NOTABLE, "", &meant));
    findings
}

fn no_pool(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let pools = announcement.metallb.pools.as_ref()?;
    let address = announcement.address?;
    if announcement.pool.is_some() || announcement.agreement == Agreement::Agree {
        return None;
    }
    Some(found(
        names::ADDRESS_POOL_MISSING,
        vec![Subject::from(case.service)],
        format!("{address} lies in no pool of MetalLB's any more"),
        vec![if pools.is_empty() {
            "there is no IPAddressPool".to_owned()
        } else {
            format!("pools: {}", pools.iter().map(|pool| pool.addresses.join(", ")).collect::<Vec<_>>().join("; "))
        }],
    ))
}

fn no_advertisement(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let pool = announcement.pool.as_ref()?;
    let metallb = &announcement.metallb;
    let (l2, bgp) = (metallb.l2_advertisements.as_ref()?, metallb.bgp_advertisements.as_ref()?);
    let object = metallb.pools.iter().flatten().find(|object| object.name == *pool)?;
    if !announcement.advertisements.is_empty() || bgp.iter().any(|ad| ad.selects_pool(object)) {
        return None;
    }
    let mut evidence = vec![format!("{} holds the address", Subject::pool(pool))];
    let of_pool: Vec<&str> = l2.iter().filter(|ad| ad.selects_pool(object)).map(|ad| ad.name.as_str()).collect();
    if !of_pool.is_empty() {
        let labels: Vec<String> = case.service.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = if labels.is_empty() { "no labels".to_owned() } else { format!("the labels {}", labels.join(", ")) };
        evidence.push(format!("{} of the pool: none of its serviceSelectors selects the Service, which has {labels}", of_pool.join(", ")));
        evidence.extend(withdrawn(announcement));
        let mut finding = found(
            names::ANNOUNCE_NO_ADVERTISEMENT,
            of_pool.iter().map(|name| Subject::l2_advertisement(name)).collect(),
            format!("the serviceSelectors of {} do not select the Service, so that nobody announces its address", of_pool.join(", ")),
            evidence,
        );
        finding.next = format!(
            "Give the Service a label that one of them asks for (kubectl get l2advertisements -n {} {} -o yaml), or an advertisement of its own.",
            metallb.namespace,
            of_pool.join(" ")
        );
        return Some(finding);
    }
    evidence.push(if l2.is_empty() && bgp.is_empty() {
        "there is neither an L2Advertisement nor a BGPAdvertisement".to_owned()
    } else {
        format!("none of the advertisements {} selects it", l2.iter().chain(bgp).map(|ad| ad.name.as_str()).collect::<Vec<_>>().join(", "))
    });
    evidence.extend(withdrawn(announcement));
    Some(found(
        names::ANNOUNCE_NO_ADVERTISEMENT,
        vec![Subject::pool(pool)],
        format!("no advertisement selects pool {pool}, so that nobody announces its addresses"),
        evidence,
    ))
}

fn no_speaker(announcement: &Announcement) -> Option<Finding> {
    let metallb = &announcement.metallb;
    if !metallb.speakers_read || metallb.speakers.iter().any(|pod| !pod.terminating) {
        return None;
    }
    let set = metallb.workloads.iter().flatten().find(|workload| workload.kind == "DaemonSet" && workload.name.contains("speaker"));
    let culprit = speakers_set(announcement);
    let evidence = match set {
        Some(set) => format!("DaemonSet {}/{}: {} desired, {} ready", set.namespace, set.name, set.desired, set.ready),
        None => format!("the namespace {} has no DaemonSet of speakers", metallb.namespace),
    };
    Some(found(names::ANNOUNCE_SPEAKER_MISSING, vec![culprit], "no MetalLB speaker runs on any node", vec![evidence]))
}

/// Who may announce, over the protocol by which the address is meant to be announced.
struct View<'a> {
    candidates: &'a [String],
    excluded: &'a [Excluded],
    advertisements: Vec<Subject>,
}

impl<'a> View<'a> {
    /// `None` when no advertisement selects the address's pool.
    fn of(announcement: &'a Announcement) -> Option<Self> {
        if !announcement.advertisements.is_empty() {
            return Some(Self {
                candidates: &announcement.candidates,
                excluded: &announcement.excluded,
                advertisements: announcement.advertisements.iter().map(|name| Subject::l2_advertisement(name)).collect(),
            });
        }
        let bgp = announcement.bgp.as_ref()?;
        Some(Self {
            candidates: &bgp.candidates,
            excluded: &bgp.excluded,
            advertisements: bgp.advertisements.iter().map(|name| Subject::bgp_advertisement(name)).collect(),
        })
    }
}

/// The DaemonSet of the speakers: the pods' own owner, or the one of that name.
fn speakers_set(announcement: &Announcement) -> Subject {
    let metallb = &announcement.metallb;
    let owner = metallb.speakers.iter().find_map(|pod| pod.owner.as_ref()).filter(|(kind, _)| kind == "DaemonSet").map(|(_, name)| name);
    let named = || metallb.workloads.iter().flatten().find(|workload| workload.kind == "DaemonSet" && workload.name.contains("speaker"));
    let name = owner.cloned().or_else(|| named().map(|set| set.name.clone())).unwrap_or_else(|| "speaker".to_owned());
    Subject::workload(&metallb.namespace, &name)
}

fn no_candidate(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let known =
        announcement.metallb.l2_advertisements.is_some() && announcement.metallb.speakers_read && !announcement.nodes_seen.is_empty();
    let view = View::of(announcement)?;
    if !known || !view.candidates.is_empty() {
        return None;
    }
    let mut by_reason: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
    for excluded in view.excluded {
        let kind = match excluded.why {
            Exclusion::Advertisement => "advertisement",
            Exclusion::NoEndpoint => "endpoint",
            Exclusion::NoSpeaker | Exclusion::SpeakerNotReady | Exclusion::Lost => "speaker",
            Exclusion::Label | Exclusion::NetworkUnavailable | Exclusion::Unschedulable => "node",
            Exclusion::Memberlist => "memberlist",
            Exclusion::Class => "class",
            Exclusion::NoPeer => "peer",
        };
        by_reason.entry(kind).or_default().push(&excluded.node);
    }
    let evidence: Vec<String> =
        view.excluded.iter().map(|excluded| format!("{}: {}", excluded.node, excluded.reason)).chain(withdrawn(announcement)).collect();
    // The reason of most nodes is the cause; a few nodes left out on purpose are not.
    // Policy Local leaves only the nodes with pods: that these are few is what the Service itself asks for. With policy Cluster a Service
    // without endpoints is announced by nobody, which its endpoints explain.
    let local = by_reason.remove("endpoint").map(|nodes| ("endpoint", nodes));
    if local.is_some() && case.service.external_policy == TrafficPolicy::Cluster {
        return None;
    }
    let (kind, nodes) = local.or_else(|| by_reason.into_iter().max_by_key(|(_, nodes)| nodes.len()))?;
    // A control plane's nodes carry the label on purpose: they stand last.
    let mut nodes = nodes;
    nodes.sort_by_key(|name| {
        case.node(name).is_some_and(|node| node.labels.keys().any(|key| key.starts_with("node-role.kubernetes.io/control-plane")))
    });
    let nodes: Vec<Subject> = nodes.into_iter().map(Subject::node).collect();
    Some(match kind {
        "advertisement" => found(
            names::ANNOUNCE_NO_CANDIDATE,
            view.advertisements,
            "the advertisement's node selectors leave no node that may announce",
            evidence,
        ),
        "endpoint" => found(
            names::ANNOUNCE_NO_LOCAL_ENDPOINT,
            vec![Subject::from(case.service)],
            "the external traffic policy is Local, and no node that may announce holds a ready pod",
            evidence,
        ),
        // What is wrong with peers is told where peers are judged.
        "peer" => return None,
        "speaker" => found(names::ANNOUNCE_SPEAKER_MISSING, nodes, "the nodes that may announce run no working speaker", evidence),
        "class" => found(
            names::ADDRESS_CLASS_UNSERVED,
            vec![Subject::from(case.service)],
            "MetalLB does not look at the Service: it serves another load balancer class",
            evidence,
        ),
        "memberlist" => found(
            names::ANNOUNCE_NO_CANDIDATE,
            vec![speakers_set(announcement)],
            "memberlist is off, and this version of MetalLB then lets no node announce",
            evidence,
        ),
        _ => found(names::ANNOUNCE_NO_CANDIDATE, nodes, "every node is kept out of load balancing by its label or condition", evidence),
    })
}

/// Several nodes announce one layer 2 address: only the wire proves it, logs may be stale. One that answers without announcing has the
/// address for another reason.
fn several(case: &Case, announcement: &Announcement) -> Option<Finding> {
    if announcement.protocol == "bgp" {
        return None;
    }
    let mut answering = super::answering::answering_nodes(case);
    answering.retain(|(node, _)| !holders::is_stray(case, node));
    let nodes: Vec<String> = answering.iter().map(|(node, _)| node.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    if nodes.len() > 1 {
        let mut evidence: Vec<String> = answering.iter().map(|(node, what)| format!("{what} of {node} answers by ARP")).collect();
        evidence.extend(
            announcement
                .logs
                .iter()
                .filter(|log| !log.failed_members.is_empty())
                .map(|log| format!("speaker {} has lost {}", log.pod, log.failed_members.join(", "))),
        );
        evidence.extend(
            sources_of(announcement).into_iter().filter(|source| source.kind == "log" && source.node.is_some()).map(|source| source.detail),
        );
        // Where only one speaker announces, another node's kernel answers because kube-proxy keeps the address there.
        let announce = nodes.iter().filter(|node| announcement.claimed_by(node)).count();
        let summary = if announce == 1 {
            let others: Vec<&str> = nodes.iter().filter(|node| !announcement.claimed_by(node)).map(String::as_str).collect();
            format!("{} answers by ARP for the address, too, and its speaker does not announce it", others.join(" and "))
        } else {
            format!("{} announce the same address: their speakers do not see each other", nodes.join(" and "))
        };
        return Some(found(names::ANNOUNCE_SPLIT_BRAIN, vec![Subject::network(&nodes[0], &nodes[1])], summary, evidence));
    }
    for node in announcement.nodes_seen.iter().map(|node| &node.name).filter(|node| announcement.claimed_by(node)) {
        if let Some(next) = case.node_state(node).and_then(|pair| pair.after.wake("speaker")) {
            let finding = found(
                names::ANNOUNCE_SPEAKER_UNHEALTHY,
                vec![Subject::speaker(node)],
                format!("the speaker on {node} is stopped: it runs and does nothing"),
                vec![format!("the kernel shows the process speaker on {node} in state T")],
            );
            return Some(Finding { next, ..finding });
        }
    }
    None
}

/// The node that should announce, where nobody does and nobody answers for the address.
fn silent<'a>(case: &Case, announcement: &'a Announcement) -> Option<&'a str> {
    let expected = announcement.expected.as_deref()?;
    // Without an advertisement or an endpoint a speaker is right to announce nothing: both have to be known.
    let meant = announcement.metallb.l2_advertisements.is_some() && case.target.is_none_or(|target| target.slices_read);
    let silent = announcement.agreement == Agreement::None && announcement.unread.is_empty() && meant;
    let asks: Vec<&ArpAsk> = case.first_asks().collect();
    let asked = asks.iter().any(|ask| !ask.asked.is_empty());
    let answered = asks.iter().any(|ask| !ask.replies.is_empty());
    // Even where every try is answered: clients send to the MAC that they remember, until they forget it.
    (silent && asked && !answered).then_some(expected)
}

fn nobody(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let expected = silent(case, announcement)?;
    let nowhere = |log: &SpeakerLog| log.node == expected && log.of(&announcement.addresses).any(|words| words.announces_nowhere);
    if announcement.logs.iter().any(nowhere) {
        return None;
    }
    if cut_off::refused(announcement, expected).is_some() || cut_off::nothing_to_answer_with(case, announcement, expected).is_some() {
        return None;
    }
    Some(found(
        names::ANNOUNCE_NOBODY,
        vec![Subject::speaker(expected)],
        format!("{expected} should announce the address and does not"),
        ["nobody answers by ARP".to_owned()]
            .into_iter()
            .chain(sources_of(announcement).into_iter().filter(|source| source.trusted).map(|source| source.detail))
            .collect(),
    ))
}

fn withdrawn(announcement: &Announcement) -> Vec<String> {
    sources_of(announcement)
        .into_iter()
        .filter(|source| source.kind == "log" && source.node.is_none())
        .map(|source| source.detail)
        .collect()
}

/// Whether a finding explains that nobody answers for the address at all.
pub(super) fn silences(finding: &Finding) -> bool {
    finding.severity == Severity::Fail && !has(&finding.name, Property::OthersAnswer)
}
