//! What kind of line it is, told without parsing it: most lines of a log tell nothing, and a million of them must cost little.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;

use super::PATH_LENGTH;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Known, and it tells nothing that is asked.
    Quiet,
    /// The reconciliation of one Service begins, from 0.13.0.
    Begins(&'a str),
    /// That of all Services begins, which names none of them.
    BeginsAll,
    Ends,
    /// It may tell something: its fields are worth reading.
    Telling,
    /// An event that no version has.
    Strange,
}

/// What is searched for. The first three are told apart by their place here.
const NEEDLES: [&str; 17] = [
    "\"event\":",
    "\"controller\":\"ServiceReconciler\"",
    "\"controller\":\"ServiceReconciler - reprocessAll\"",
    // logfmt alone: in JSON it is a part of somebody's text.
    "event=",
    "speaker starting",
    "fast dead node detection",
    // Until 0.13.9 it was misspelt.
    "memberlist join succes",
    "node event",
    "memberlist: Marking ",
    "failed to connect to peer",
    "interfaces used to announce",
    "reload-validate",
    // Failures within a reconciliation.
    "\"setBalancer\"",
    "\"deleteBalancer\"",
    "failed to get endpoints",
    // Whatever else failed.
    ERROR,
    "level=error ",
];

/// The level of a line that says what failed.
const ERROR: &str = "\"level\":\"error\"";

/// Events of 0.6 to 0.16 that tell something.
const TELLING: [&str; 11] = [
    "serviceAnnounced",
    "serviceWithdrawn",
    "createARPResponder",
    "createNDPResponder",
    "deleteARPResponder",
    "deleteNDPResponder",
    "sessionUp",
    "sessionDown",
    "peerNotification",
    "peerAdded",
    "peerRemoved",
];

/// How the other events of 0.6 to 0.16 begin.
const QUIET: [&str; 21] = [
    "ConfigurationState",
    "announced interface to exclude",
    "applied new configuration",
    "config reloaded",
    "configLoaded",
    "configStale",
    "configuration did not change",
    "conflictingAdvertisements",
    "endUpdate",
    "failed to ",
    "force service reload",
    "noConfig",
    "nodeLabelsChanged",
    "not reconciling because of no change",
    "reload failed",
    "sent new config to the controller",
    "shouldannounce",
    "skipping should announce",
    "startUpdate",
    "sharedIPWithServiceSelector",
    "updatedAdvertisements",
];

/// Keys of which every logger of MetalLB writes at least one into every line.
const LOGGERS: [&str; 3] = ["\"level\":\"", "\"ts\":\"", "\"caller\":\""];

/// What tells that a line is a dump of objects, which only the level of debug writes. They may be longer than the longest line that is read.
const DUMPS: [&str; 2] = ["\"level\":\"debug\"", "\"enqueueing\":\""];

/// The kind of a line that is JSON or logfmt. Where the search cannot be built, every line may tell something.
pub(super) fn kind(text: &str) -> Kind<'_> {
    static SEARCH: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let json = text.starts_with('{');
    // Half a line says something else than the whole one: a name that was cut is another name.
    if json && !text.ends_with('}') {
        return if DUMPS.iter().any(|mark| text.contains(mark)) { Kind::Quiet } else { Kind::Strange };
    }
    let search = SEARCH.get_or_init(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(NEEDLES).ok());
    let Some(search) = search else { return Kind::Telling };
    let Some(found) = search.find_iter(text).find(|found| !(json && found.pattern().as_usize() == 3)) else {
        return if json && !is_logged(text) { Kind::Strange } else { Kind::Quiet };
    };
    let rest = &text[found.end()..];
    match found.pattern().as_usize() {
        0 => match rest.trim_start().strip_prefix('"') {
            Some(name) => event(name.split('"').next().unwrap_or_default()),
            None => Kind::Strange,
        },
        1 => bracket(text),
        2 => reload(text),
        3 => event(rest.trim_start_matches('"').split(['"', ' ']).next().unwrap_or_default()),
        _ => Kind::Telling,
    }
}

/// Whether a logger wrote it, and not somebody else who writes JSON. Most lines are asked this.
fn is_logged(text: &str) -> bool {
    static KEYS: OnceLock<[Finder<'static>; 3]> = OnceLock::new();
    KEYS.get_or_init(|| LOGGERS.map(Finder::new)).iter().any(|key| key.find(text.as_bytes()).is_some())
}

fn event(name: &str) -> Kind<'_> {
    if TELLING.contains(&name) {
        Kind::Telling
    } else if QUIET.iter().any(|start| name.starts_with(start)) {
        Kind::Quiet
    } else {
        Kind::Strange
    }
}

/// At the level of debug the reconciler also says what it queues, in kilobytes.
fn bracket(text: &str) -> Kind<'_> {
    match text.split_once("\"start reconcile\":\"") {
        Some((_, rest)) => match rest.split('"').next() {
            Some(name) if name.len() <= PATH_LENGTH => Kind::Begins(name),
            _ => Kind::Strange,
        },
        None if text.contains("\"end reconcile\":\"") => Kind::Ends,
        None if text.contains(ERROR) => Kind::Telling,
        None => Kind::Quiet,
    }
}

fn reload(text: &str) -> Kind<'_> {
    if text.contains("\"start reconcile\":\"") {
        Kind::BeginsAll
    } else if text.contains("\"end reconcile\":\"") {
        Kind::Ends
    } else if text.contains("\"failed to get endpoints\"") || text.contains(ERROR) {
        Kind::Telling
    } else {
        Kind::Quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_of_services_are_told_from_those_of_others() {
        let of = |controller: &str, word: &str, name: &str| {
            format!(r#"{{"caller":"x.go:64","controller":"{controller}","level":"info","{word} reconcile":"{name}","ts":"x"}}"#)
        };
        assert_eq!(kind(&of("ServiceReconciler", "start", "web/s1")), Kind::Begins("web/s1"));
        assert_eq!(kind(&of("ServiceReconciler", "end", "web/s1")), Kind::Ends);
        assert_eq!(kind(&of("ServiceReconciler - reprocessAll", "start", "metallbreload/reload")), Kind::BeginsAll);
        assert_eq!(kind(&of("ServiceReconciler - reprocessAll", "end", "metallbreload/reload")), Kind::Ends);
        for other in ["NodeReconciler", "ConfigReconciler", "Layer2StatusReconciler", "ServiceBGPStatus"] {
            assert_eq!(kind(&of(other, "start", "web/s1")), Kind::Quiet, "{other}");
        }
    }

    #[test]
    fn events_are_telling_quiet_or_strange() {
        assert_eq!(kind(r#"{"caller":"main.go:443","event":"serviceAnnounced","ips":["10.88.64.100"]}"#), Kind::Telling);
        assert_eq!(kind("caller=main.go:229 event=serviceAnnounced ips=[\"10.88.64.100\"]"), Kind::Telling);
        assert_eq!(kind(r#"{"caller":"main.go:420","event":"skipping should announce l2","reason":"x"}"#), Kind::Quiet);
        assert_eq!(kind(r#"{"caller":"main.go:420","event":"addressAnnounced","ips":["10.88.64.100"]}"#), Kind::Strange);
        assert_eq!(kind(r#"{"caller":"main.go:420","event":["serviceAnnounced"]}"#), Kind::Strange);
        let within = r#"{"caller":"x","error":"no event=configLoaded yet","event":"serviceWithdrawn","level":"error"}"#;
        assert_eq!(kind(within), Kind::Telling, "what an error quotes is none of MetalLB's events");
        // In a dump of an object it is text, and none of MetalLB's events.
        assert_eq!(kind(r#"{"controller":"ServiceReconciler","enqueueing":"web/s1","epslice":"{\"event\":\"other\"}"}"#), Kind::Quiet);
    }

    #[test]
    fn what_is_cut_off_or_written_by_nobody_known_is_strange() {
        assert_eq!(kind(r#"{"controller":"ServiceReconciler","level":"info","start reconcile":"web/s"#), Kind::Strange);
        assert_eq!(kind(r#"{"controller":"ServiceReconciler","enqueueing":"web/s1","epslice":"{\"kind\":"#), Kind::Quiet);
        assert_eq!(kind(r#"{"controller":"ConfigReconciler","level":"debug","rendered config":"(config.Config) {\n Peers"#), Kind::Quiet);
        assert_eq!(kind(r#"{"time":"2026-11-22T10:00:00Z","message":"a proxy's word"}"#), Kind::Strange);
        assert_eq!(kind(r#"{"level":"info","ts":"x","msg":"Starting EventSource"}"#), Kind::Quiet);
        let endless = format!(r#"{{"controller":"ServiceReconciler","level":"info","start reconcile":"web/{}"}}"#, "s".repeat(400));
        assert_eq!(kind(&endless), Kind::Strange);
    }
}
