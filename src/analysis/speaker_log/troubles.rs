//! What a speaker says that it could not do. Each line that MetalLB 0.13 to 0.16 writes at the level of error has a meaning here, taken
//! from its sources (`tests/speaker-errors`); one that has none is kept as it is, so that a person sees it.

use super::NAME_LENGTH;
use super::line::{Fields, Said, shortened};
use crate::model::announcement::{Responder, SpeakerLog, Trouble, TroubleMeaning as Meaning};

/// Troubles of one log that are kept.
const MOST_TROUBLES: usize = 16;

/// Characters of a trouble's text that are kept.
const TEXT_LENGTH: usize = 300;

/// A key, how its value begins, and what an error that has it means. The first that fits counts.
const MEANINGS: [(&str, &str, Meaning); 40] = [
    ("op", "createARPResponder", Meaning::CannotAnswer),
    ("op", "createNDPResponder", Meaning::CannotAnswerNdp),
    ("op", "watchMulticastGroup", Meaning::CannotSend),
    ("op", "unwatchMulticastGroup", Meaning::CannotSend),
    ("op", "arpReply", Meaning::CannotSend),
    ("op", "ndpReply", Meaning::CannotSend),
    ("op", "gratuitousAnnounce", Meaning::CannotSend),
    ("op", "getInterfaces", Meaning::Interfaces),
    ("op", "getAddresses", Meaning::Interfaces),
    ("op", "memberDiscovery", Meaning::Members),
    ("msg", "failed to create memberlist", Meaning::Members),
    ("msg", "failed to load memberlist config", Meaning::Members),
    ("msg", "failed to read memberlist secret key file", Meaning::Members),
    ("error", "unable to parse ml-bindport", Meaning::Members),
    ("unable to get speaker pod itself", "", Meaning::Members),
    ("op", "startup", Meaning::Startup),
    ("unable to create controller", "", Meaning::Startup),
    ("unable to create", "", Meaning::Startup),
    ("op", "connect", Meaning::Session),
    ("event", "peerNotification", Meaning::Session),
    ("op", "syncPeers", Meaning::Session),
    ("op", "updateAds", Meaning::Session),
    ("op", "sendUpdate", Meaning::Session),
    ("op", "sendWithdraw", Meaning::Session),
    ("op", "sendKeepalive", Meaning::Session),
    ("msg", "invalid BGP debounce timeout value", Meaning::Configuration),
    ("op", "reload", Meaning::Reload),
    ("component", "frrk8s", Meaning::Reload),
    ("controller", "FRRConfiguration", Meaning::Reload),
    ("event", "conflictingAdvertisements", Meaning::Configuration),
    ("op", "setConfig", Meaning::Configuration),
    ("op", "setNode", Meaning::Configuration),
    ("controller", "ConfigReconciler", Meaning::Configuration),
    ("controller", "NodeReconciler", Meaning::Configuration),
    ("op", "setBalancer", Meaning::Service),
    ("op", "deleteBalancer", Meaning::Service),
    ("controller", "ServiceReconciler", Meaning::Service),
    ("controller", "", Meaning::Bookkeeping),
    ("op", "listenAndServe", Meaning::Bookkeeping),
    ("bug", "true", Meaning::Service),
];

/// Where the text of an error stands: the first that is there begins it, `error` ends it.
const TEXTS: [&str; 4] = ["msg", "message", "event", "cause"];

/// What an error means; `None` when no version that is known writes it.
fn meaning(fields: &Fields) -> Option<Meaning> {
    // `controller` with nothing fits whatever has the key at all.
    let fits = |key: &str, value: &str| fields.has(key) && fields.text(key).starts_with(value);
    MEANINGS.iter().find(|(key, value, _)| fits(key, value)).map(|(_, _, meaning)| *meaning)
}

/// Takes a line at the level of error, once what else it may tell was taken. The same trouble on the same interface is told once.
pub(super) fn take(log: &mut SpeakerLog, fields: &Fields, at: Option<&str>) -> Said {
    if fields.text("level") != "error" {
        return Said::Nothing;
    }
    let meaning = meaning(fields).unwrap_or(Meaning::Unknown);
    let interface = shortened(fields.text("interface"), NAME_LENGTH);
    let about = |trouble: &Trouble| trouble.interface == interface && trouble.meaning == meaning;
    // Of the errors of one meaning the first stands for all: the next ones are its repetition, or follow from it.
    if log.troubles.len() >= MOST_TROUBLES || log.troubles.iter().any(about) {
        return Said::Nothing;
    }
    log.troubles.push(Trouble { meaning, interface, text: text(fields), at: at.map(str::to_owned) });
    Said::Something
}

/// An interface has its responder now, whatever was said of it before.
pub(super) fn answers(log: &mut SpeakerLog, responder: &Responder) {
    let meaning = if responder.ndp { Meaning::CannotAnswerNdp } else { Meaning::CannotAnswer };
    log.troubles.retain(|trouble| trouble.meaning != meaning || trouble.interface != responder.interface);
}

/// Objects that it works by were not listed. Whether that told anything: the first time stands for all.
pub(super) fn api(log: &mut SpeakerLog, why: &str, at: Option<&str>) -> bool {
    let known = log.troubles.iter().any(|trouble| trouble.meaning == Meaning::Api);
    if known || log.troubles.len() >= MOST_TROUBLES {
        return false;
    }
    let text = shortened(why, TEXT_LENGTH);
    log.troubles.push(Trouble { meaning: Meaning::Api, interface: String::new(), text, at: at.map(str::to_owned) });
    true
}

/// Everything that it works by is listed now. Whether that was not so before.
pub(super) fn listed(log: &mut SpeakerLog) -> bool {
    let before = log.troubles.len();
    log.troubles.retain(|trouble| trouble.meaning != Meaning::Api);
    log.troubles.len() < before
}

/// The error in the speaker's own words.
fn text(fields: &Fields) -> String {
    let what = TEXTS.iter().map(|key| fields.text(key)).find(|text| !text.is_empty()).unwrap_or_default();
    let why = [fields.text("error"), fields.text("err")].into_iter().find(|text| !text.is_empty() && *text != what).unwrap_or_default();
    let parts: Vec<&str> = [what, why].into_iter().filter(|part| !part.is_empty()).collect();
    let whole = if parts.is_empty() { "an error without a text".to_owned() } else { parts.join(": ") };
    shortened(&whole, TEXT_LENGTH)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::super::{Fold, Worth};
    use super::*;

    /// Every line of level error that the sources hold, as fields. `?` stands for what only a run tells.
    fn known() -> Vec<(String, Map<String, Value>)> {
        include_str!("../../../tests/speaker-errors/lines.tsv")
            .lines()
            .map(|row| {
                let mut cells = row.split('\t').skip(1);
                let level = cells.next().unwrap().to_owned();
                let fields = cells.map(|cell| cell.split_once('=').unwrap()).map(|(key, value)| (key.to_owned(), Value::from(value)));
                (level, fields.collect())
            })
            .collect()
    }

    fn line(level: &str, fields: &Map<String, Value>) -> String {
        let mut fields = fields.clone();
        fields.insert("level".to_owned(), Value::from(level));
        fields.insert("caller".to_owned(), Value::from("x.go:1"));
        format!("2026-11-30T08:00:00.000000000Z {}", Value::Object(fields))
    }

    #[test]
    fn every_error_that_a_speaker_can_write_has_a_meaning() {
        let known = known();
        assert!(known.len() > 100, "only {} lines", known.len());
        for (_, fields) in known.iter().filter(|(level, _)| level == "error") {
            let read = Fields::read(&Value::Object(fields.clone()).to_string()).unwrap();
            let elsewhere = ["reload-validate"].contains(&read.text("op"));
            assert!(elsewhere || meaning(&read).is_some(), "{fields:?} has no meaning");
        }
    }

    #[test]
    fn none_of_them_is_passed_over_by_the_fold() {
        for (level, fields) in known().iter().filter(|(level, _)| level == "error") {
            let mut fold = Fold::new("speaker-a", "n1", &[]);
            let line = line(level, fields);
            // Those of the configuration are folded by `ConfigurationFold`, and those of sessions by peer. A dump that failed tells nothing of
            // announcements.
            let elsewhere =
                ["failed to dump", "ConfigReconciler", "ServiceReconciler - reprocessAll"].iter().any(|word| line.contains(word))
                    || line.contains("peer")
                    || line.contains("reload-validate")
                    || line.contains("conflictingAdvertisements");
            let worth = fold.line(&line);
            assert!(elsewhere || worth == Worth::Something || fold.finish().troubles.len() == 1, "{line}: {worth:?}");
        }
    }

    #[test]
    fn a_responder_that_comes_after_all_ends_the_trouble() {
        let refused = |interface: &str| {
            format!(
                r#"{{"caller":"announcer.go:122","error":"creating ARP responder for \"{interface}\": operation not permitted","interface":"{interface}","level":"error","msg":"failed to create ARP responder","op":"createARPResponder"}}"#
            )
        };
        let mut fold = Fold::new("speaker-a", "n1", &[]);
        assert_eq!(fold.line(&refused("eth0")), Worth::Something);
        assert_eq!(fold.line(&refused("eth0")), Worth::Nothing, "it says so every ten seconds");
        assert_eq!(fold.line(&refused("eth1")), Worth::Something);
        fold.line(r#"{"caller":"announcer.go:126","event":"createARPResponder","interface":"eth1","level":"info","msg":"created ARP responder for interface"}"#);
        let log = fold.finish();
        assert_eq!(log.troubles.len(), 1);
        assert_eq!(log.troubles[0].text, "failed to create ARP responder: creating ARP responder for \"eth0\": operation not permitted");
        assert_eq!(log.refuses_to_answer("192.0.2.1".parse().unwrap(), &[]).as_deref(), None, "eth1 answers");
    }

    #[test]
    fn an_error_of_nobody_known_is_kept_as_it_is() {
        let mut fold = Fold::new("speaker-a", "n1", &[]);
        let said = r#"{"caller":"new.go:1","error":"of a later version","level":"error","msg":"something failed","op":"newThing"}"#;
        assert_eq!(fold.line(said), Worth::Something);
        let log = fold.finish();
        assert_eq!((log.troubles[0].meaning, log.troubles[0].text.as_str()), (Meaning::Unknown, "something failed: of a later version"));
    }
}
