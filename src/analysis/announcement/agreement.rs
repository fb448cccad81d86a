//! Whether the sources agree, and who announces by them. No source is believed alone: the wire decides where somebody asked it, then what
//! each speaker says of itself, then the status objects.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Gathered;
use super::instead::held;
use super::sources::state;
use crate::analysis::{election, speaker};
use crate::model::announcement::{Agreement, LogState, Source, SpeakerLog, Wire};
use crate::model::bgp::Bgp;
use crate::model::metallb::Instead;

/// What the sources say together.
pub(super) struct Judged {
    pub(super) agreement: Agreement,
    pub(super) nodes: Vec<String>,
    pub(super) because: String,
}

impl Judged {
    fn new(agreement: Agreement, nodes: &BTreeSet<String>, because: impl Into<String>) -> Self {
        Self { agreement, nodes: nodes.iter().cloned().collect(), because: because.into() }
    }
}

/// The agreement over layer 2, or over BGP where the address is announced by that alone.
///
/// `interfaces` are those to which the advertisements limit the announcement; none means all.
pub(super) fn agree(gathered: &Gathered, sources: &[Source], layer2: bool, bgp: Option<&Bgp>, interfaces: &[String]) -> Judged {
    let Some(address) = gathered.service.addresses.first().copied() else {
        return Judged::new(Agreement::None, &BTreeSet::new(), "the Service has no address");
    };
    if let Some(instead) = &gathered.metallb.instead {
        return without_metallb(gathered, instead);
    }
    let by_bgp_alone = bgp.filter(|_| !layer2);
    let mut words = Words::of(gathered, address, if by_bgp_alone.is_some() { "bgp" } else { "layer2" });
    if let Some(bgp) = by_bgp_alone {
        words.doubt_refused_configurations(&gathered.logs);
        by_bgp(bgp, &words)
    } else {
        words.hear_who_cannot_answer(&gathered.logs, address, interfaces);
        let judged = by_layer2(gathered, sources, &words);
        match others_unanswered(gathered, &gathered.service.addresses, interfaces) {
            Some(why) if judged.agreement == Agreement::Agree => {
                Judged { agreement: Agreement::Conflict, because: format!("{} for {address}; {why}", judged.because), ..judged }
            }
            _ => judged,
        }
    }
}

/// Of the further addresses of a Service the first that speakers announce, and that none of them can answer for: a family of its own may be
/// refused where the other one works.
fn others_unanswered(gathered: &Gathered, addresses: &[IpAddr], interfaces: &[String]) -> Option<String> {
    addresses.iter().skip(1).find_map(|address| {
        let mut words = Words::of(gathered, *address, "layer2");
        words.hear_who_cannot_answer(&gathered.logs, *address, interfaces);
        (words.claims.is_empty() && !words.mute.is_empty()).then(|| format!("for {address} {}", words.nobody_text()))
    })
}

/// Who announces where there is no MetalLB: by those who hold a Lease for it, and by those who answer.
fn without_metallb(gathered: &Gathered, instead: &Instead) -> Judged {
    let known = |node: &str| gathered.nodes.iter().any(|one| one.name == node);
    let holding = instead.leases.iter().flatten().filter(|lease| held(lease, &gathered.now) && known(&lease.holder));
    let holders: BTreeSet<String> = holding.map(|lease| lease.holder.clone()).collect();
    let answers = gathered.wire.iter().flat_map(|wire| &wire.answers);
    let answering: BTreeSet<String> = answers.filter_map(|answer| answer.node.clone()).collect();
    let told = |agreement, nodes: &BTreeSet<String>, because: String| {
        Judged::new(agreement, nodes, format!("the cluster has no MetalLB; {because}"))
    };
    match (holders.len(), answering.len()) {
        (_, 2..) => told(Agreement::Several, &answering, format!("{} all answer on the wire", shown(&answering))),
        (0, 1) => told(Agreement::Agree, &answering, format!("{} answers on the wire", shown(&answering))),
        (0, 0) => told(Agreement::Unknown, &holders, "no Lease that was read tells which node announces the address".to_owned()),
        (1, 1) if holders != answering => {
            let both: BTreeSet<String> = holders.union(&answering).cloned().collect();
            told(Agreement::Conflict, &both, format!("{} holds the Lease, and {} answers on the wire", shown(&holders), shown(&answering)))
        }
        (1, _) => told(Agreement::Agree, &holders, format!("{} holds the Lease", shown(&holders))),
        _ => told(Agreement::Several, &holders, format!("{} hold Leases for it", shown(&holders))),
    }
}

/// What the speakers say of themselves.
struct Words {
    /// Nodes whose speaker says that it announces.
    claims: BTreeSet<String>,
    /// Nodes whose speaker cannot be asked, or whose silence says nothing.
    unsure: BTreeSet<String>,
    /// Those of them whose log was read, and lost its beginning.
    late: BTreeSet<String>,
    /// Which speakers there are could not all be read, so that others may say more.
    others: bool,
    /// Nodes whose speaker says that it announces, and also that nobody can get an answer from it: why, in its own words.
    mute: BTreeMap<String, String>,
    /// Nodes that send what they last sent, since FRR refuses what they mean to send now: why.
    refused: BTreeMap<String, String>,
}

impl Words {
    fn of(gathered: &Gathered, address: IpAddr, protocol: &str) -> Self {
        let others = !gathered.metallb.speakers_read;
        let mut words = Self {
            claims: BTreeSet::new(),
            unsure: BTreeSet::new(),
            late: BTreeSet::new(),
            others,
            mute: BTreeMap::new(),
            refused: BTreeMap::new(),
        };
        // Only 0.12 left its series behind after a withdrawal.
        let metrics_last = election::known(&gathered.metallb).is_none_or(|version| (version.0, version.1) != (0, 12));
        let live = gathered.metallb.speakers.iter().filter(|pod| !pod.terminating && pod.phase == "Running");
        for (pod, node) in live.filter_map(|pod| Some((pod, pod.node.as_ref()?))) {
            let metric = gathered.metrics.iter().find(|metrics| metrics.node == *node).filter(|_| metrics_last);
            let log = gathered.logs.iter().find(|log| log.node == *node);
            let said = match (metric, log) {
                (Some(metric), _) => Some(metric.announces(protocol, address)),
                // Whatever a speaker said before it ended: its answers to ARP ended with it. Its sessions may go on in FRR's container.
                _ if !speaker::runs(pod) && protocol == "layer2" => Some(false),
                _ if !speaker::runs(pod) => None,
                (None, Some(log)) => own_word(gathered, log, address, protocol),
                // It was not asked, because nothing makes it likely that it says anything.
                (None, None) if gathered.spared.logs.contains(node) => Some(false),
                (None, None) => None,
            };
            match said {
                Some(true) => words.claims.insert(node.clone()),
                Some(false) => false,
                None => words.unsure.insert(node.clone()),
            };
            if said.is_none() && log.is_some_and(|log| !log.complete) {
                words.late.insert(node.clone());
            }
        }
        words
    }

    /// Whether somebody may announce of whom nothing was heard.
    fn open(&self) -> bool {
        self.others || !self.unsure.is_empty()
    }

    /// A speaker that says itself that it cannot answer announces to nobody, whatever else it says.
    fn hear_who_cannot_answer(&mut self, logs: &[SpeakerLog], address: IpAddr, interfaces: &[String]) {
        for log in logs.iter().filter(|log| self.claims.contains(&log.node)) {
            let nowhere = log.address(address).filter(|words| words.announces_nowhere).and_then(|words| words.interface_warning.as_ref());
            let nowhere = nowhere.map(|there| {
                let named = if interfaces.is_empty() { String::new() } else { format!(" ({})", interfaces.join(", ")) };
                format!("the advertisement's interfaces{named} are none of that node's, which are {there}")
            });
            if let Some(why) = nowhere.or_else(|| log.refuses_to_answer(address, interfaces)) {
                self.mute.insert(log.node.clone(), why);
            }
        }
        self.claims.retain(|node| !self.mute.contains_key(node));
    }

    /// A speaker whose FRR took no new configuration may announce what it says, or what it said before.
    fn doubt_refused_configurations(&mut self, logs: &[SpeakerLog]) {
        let refused = logs.iter().filter_map(|log| Some((log.node.clone(), log.reload_error.clone()?)));
        self.refused = refused.filter(|(node, _)| self.claims.contains(node)).collect();
        self.unsure.extend(self.refused.keys().cloned());
    }

    fn unsure_text(&self) -> String {
        if self.unsure.is_empty() {
            return "which speakers run could not be read".to_owned();
        }
        let other = |node: &&String| !self.refused.contains_key(*node) && !self.late.contains(*node);
        let unread: BTreeSet<String> = self.unsure.iter().filter(other).cloned().collect();
        let late = (!self.late.is_empty()).then(|| {
            format!("the log of the speaker on {} begins after its start, and does not say what it announced before", shown(&self.late))
        });
        let unread = (!unread.is_empty()).then(|| format!("what the speaker on {} does could not be read", shown(&unread)));
        let refused = self
            .refused
            .iter()
            .map(|(node, why)| format!("the speaker on {node} says that it announces, and that FRR did not take its configuration: {why}"));
        unread.into_iter().chain(late).chain(refused).collect::<Vec<_>>().join("; ")
    }

    /// That no speaker announces, with those that would and cannot.
    fn nobody_text(&self) -> String {
        if self.mute.is_empty() {
            return "no speaker says that it announces".to_owned();
        }
        let mute =
            self.mute.iter().map(|(node, why)| format!("the speaker on {node} says that it announces, and that it cannot answer: {why}"));
        mute.collect::<Vec<_>>().join("; ")
    }
}

/// Whether a speaker's log says that it announces; `None` when its silence says nothing.
fn own_word(gathered: &Gathered, log: &SpeakerLog, address: IpAddr, protocol: &str) -> Option<bool> {
    match state(log, address, protocol) {
        Some(LogState::Announced) => Some(true),
        Some(LogState::Withdrawn) => Some(false),
        Some(LogState::Unsure) => None,
        // A level above info hides both events, and a log that lost its beginning may have lost the announcement with it.
        _ if hides_announcements(gathered) || !log.complete => None,
        _ => Some(false),
    }
}

/// Whether the speakers run with a log level that does not show announcements.
fn hides_announcements(gathered: &Gathered) -> bool {
    election::argument(&gathered.metallb, "log-level").is_some_and(|level| matches!(level.as_str(), "warn" | "error" | "none"))
}

fn by_layer2(gathered: &Gathered, sources: &[Source], words: &Words) -> Judged {
    match gathered.wire.as_ref().filter(|wire| !wire.asked_from.is_empty()) {
        Some(wire) => by_wire(gathered, wire, words),
        None => by_words(sources, words),
    }
}

fn by_wire(gathered: &Gathered, wire: &Wire, words: &Words) -> Judged {
    let answering: BTreeSet<String> = wire.answers.iter().filter_map(|answer| answer.node.clone()).collect();
    let strangers: BTreeSet<String> = wire.answers.iter().filter(|answer| answer.node.is_none()).map(|answer| answer.mac.clone()).collect();
    let claims = &words.claims;
    let both: BTreeSet<String> = answering.union(claims).cloned().collect();
    match answering.iter().next() {
        _ if !strangers.is_empty() && gathered.nodes.iter().any(|node| !wire.nodes_read.contains(&node.name)) => {
            let because = format!("{} answers on the wire, and not every node's interfaces could be read", shown(&strangers));
            Judged::new(Agreement::Unknown, &both, because)
        }
        _ if !strangers.is_empty() => {
            let because = format!("{} answers on the wire, and no node that was read has that MAC", shown(&strangers));
            Judged::new(Agreement::Conflict, &both, because)
        }
        Some(_) if answering.len() > 1 => {
            Judged::new(Agreement::Several, &answering, format!("{} all answer on the wire", shown(&answering)))
        }
        Some(node) if claims.iter().any(|other| other != node) => {
            Judged::new(Agreement::Conflict, &both, format!("{node} answers on the wire, and {} says that it announces", shown(claims)))
        }
        Some(node) if claims.is_empty() && !words.unsure.contains(node) && !words.others && !words.mute.contains_key(node) => Judged::new(
            Agreement::Conflict,
            &answering,
            format!("{node} answers on the wire, and its speaker does not say that it announces"),
        ),
        Some(node) => Judged::new(Agreement::Agree, &answering, format!("{node} answers on the wire, and no speaker says otherwise")),
        None if !claims.is_empty() => {
            Judged::new(Agreement::Conflict, claims, format!("{} says that it announces, and nobody answers on the wire", shown(claims)))
        }
        None if words.open() => Judged::new(Agreement::Unknown, claims, words.unsure_text()),
        None => Judged::new(Agreement::None, claims, format!("nobody answers on the wire, and {}", words.nobody_text())),
    }
}

fn by_words(sources: &[Source], words: &Words) -> Judged {
    let statuses = || sources.iter().filter(|source| source.kind == "l2status");
    let claims = &words.claims;
    match claims.iter().next() {
        Some(_) if claims.len() > 1 => {
            Judged::new(Agreement::Several, claims, format!("the speakers on {} all say that they announce", shown(claims)))
        }
        Some(node) => {
            if let Some(other) = statuses().find(|status| status.node.as_ref().is_some_and(|named| named != node)) {
                return Judged::new(
                    Agreement::Conflict,
                    claims,
                    format!("the speaker on {node} says that it announces, and {}", other.detail),
                );
            }
            if !words.open() {
                return Judged::new(
                    Agreement::Agree,
                    claims,
                    format!("the speaker on {node} says that it announces, and no other source differs"),
                );
            }
            Judged::new(Agreement::Unknown, claims, words.unsure_text())
        }
        None => {
            let trusted: BTreeSet<String> = statuses().filter(|status| status.trusted).filter_map(|status| status.node.clone()).collect();
            if words.open() {
                return Judged::new(Agreement::Unknown, &trusted, words.unsure_text());
            }
            // A status object tells what its speaker means to do, which the speaker's own words take back.
            match statuses().find(|status| status.node.as_ref().is_none_or(|node| !words.mute.contains_key(node))) {
                Some(status) => Judged::new(Agreement::Conflict, &trusted, format!("{}, and {}", words.nobody_text(), status.detail)),
                None => Judged::new(Agreement::None, claims, words.nobody_text()),
            }
        }
    }
}

fn by_bgp(bgp: &Bgp, words: &Words) -> Judged {
    let effective: BTreeSet<String> = bgp.sending().into_iter().map(str::to_owned).collect();
    let claims = &words.claims;
    let dead: BTreeSet<String> = claims.difference(&effective).cloned().collect();
    if effective.is_empty() && !claims.is_empty() {
        let because = match claims.len() {
            1 => format!("{} says that it announces over BGP, and has no session with a peer that stays up", shown(claims)),
            _ => format!("{} say that they announce over BGP, and none of them has a session with a peer that stays up", shown(claims)),
        };
        return Judged::new(Agreement::Conflict, claims, because);
    }
    if words.open() {
        return Judged::new(Agreement::Unknown, &effective, words.unsure_text());
    }
    if effective.is_empty() {
        return Judged::new(Agreement::None, claims, "no speaker says that it announces over BGP");
    }
    let rest = if dead.is_empty() { String::new() } else { format!("; {} too, without a session", shown(&dead)) };
    let because = match effective.len() {
        1 => format!("the speaker on {} announces over BGP, as it is meant to be{rest}", shown(&effective)),
        _ => format!("the speakers on {} announce over BGP, as it is meant to be{rest}", shown(&effective)),
    };
    Judged::new(if effective.len() > 1 { Agreement::Several } else { Agreement::Agree }, &effective, because)
}

fn shown(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(" and ")
}
