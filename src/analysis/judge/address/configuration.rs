//! MetalLB refused its configuration and goes on with an older one, or with none.

use super::controller;
use crate::analysis::configuration::{named_in, refused};
use crate::analysis::judge::case::found;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::kubernetes::Pod;
use crate::model::metallb::{ConfigurationWord, Metallb, Reader};
use crate::model::subject::Subject;

/// The configuration is refused: by the parts' own words, or because the objects hold what MetalLB always refuses.
pub(super) fn invalid(metallb: &Metallb) -> Option<Finding> {
    let words = refusing(metallb);
    let computed = refused(metallb);
    if words.is_empty() && computed.is_empty() {
        return None;
    }
    let mut culprits: Vec<Subject> = computed.iter().flat_map(|refused| refused.culprits.clone()).collect();
    for word in &words {
        let text = word.refused.as_deref().unwrap_or_default();
        culprits.extend(
            named_in(text, metallb).into_iter().filter(|culprit| !computed.iter().any(|refused| refused.culprits.contains(culprit))),
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    culprits.retain(|culprit| seen.insert(culprit.clone()));
    if culprits.is_empty() {
        // Its words name no object: then it is at least known who refuses.
        culprits = words.iter().map(|word| place(metallb, &word.reader)).collect();
        culprits.dedup();
    }
    let reason = computed.first().map(|refused| refused.reason.clone()).or_else(|| words.first().and_then(|word| word.refused.clone()));
    let mut evidence: Vec<String> = computed.iter().map(|refused| refused.reason.clone()).collect();
    evidence.extend(words.iter().take(6).map(|word| {
        let at = word.at.as_deref().map(|at| format!(" since {at}")).unwrap_or_default();
        format!("{} ({}{at}): {}", who(&word.reader), word.source, word.refused.as_deref().unwrap_or_default())
    }));
    if words.len() > 6 {
        evidence.push(format!("and {} more speakers say so", words.len() - 6));
    }
    let by = if words.is_empty() {
        "MetalLB refuses such a configuration".to_owned()
    } else {
        let readers: Vec<String> = words.iter().map(|word| who(&word.reader)).collect();
        format!("{} refused the configuration", if readers.len() > 3 { "MetalLB".to_owned() } else { readers.join(" and ") })
    };
    let reason = reason.unwrap_or_default();
    let summary = format!("{by} and what is changed has no effect: {}", reason.trim_start_matches("configuration error: "));
    Some(found(names::ADDRESS_CONFIG_INVALID, culprits, summary, evidence))
}

/// Whether the controller, which gives the addresses, refuses it.
pub(super) fn controller_refuses(metallb: &Metallb) -> bool {
    refused(metallb).iter().any(|refused| refused.by_controller) || refusing(metallb).iter().any(|word| word.reader == Reader::Controller)
}

/// Whether speakers, which announce, refuse it.
pub(super) fn speakers_refuse(metallb: &Metallb) -> bool {
    !refused(metallb).is_empty() || refusing(metallb).iter().any(|word| word.reader != Reader::Controller)
}

/// Whether anything was read that says whether the controller takes the configuration.
pub(super) fn controller_spoke(metallb: &Metallb) -> bool {
    metallb.configuration.iter().any(|word| word.reader == Reader::Controller)
}

/// Those who refuse it, the controller first, each once.
fn refusing(metallb: &Metallb) -> Vec<&ConfigurationWord> {
    let mut words: Vec<&ConfigurationWord> = metallb.configuration.iter().filter(|word| counts(metallb, word)).collect();
    // The state is written for this question; a log is read from it, and may be cut.
    words.sort_by_key(|word| (word.reader.clone(), is_log(word)));
    words.dedup_by(|later, first| later.reader == first.reader);
    words.retain(|word| word.refused.is_some());
    words
}

fn is_log(word: &ConfigurationWord) -> bool {
    word.source.starts_with("log of ")
}

/// The state of a speaker that is gone says nothing, nor does a log that leaves out when all went well again.
fn counts(metallb: &Metallb, word: &ConfigurationWord) -> bool {
    let pods: Vec<&Pod> = match &word.reader {
        Reader::Controller => metallb.controllers.iter().collect(),
        Reader::Speaker(node) => metallb.speakers.iter().filter(|pod| pod.node.as_ref() == Some(node)).collect(),
    };
    let lives = pods.iter().any(|pod| pod.phase == "Running" && !pod.terminating);
    (lives || word.reader == Reader::Controller) && !(is_log(word) && controller::terse(&pods))
}

fn who(reader: &Reader) -> String {
    match reader {
        Reader::Controller => "the controller".to_owned(),
        Reader::Speaker(node) => format!("the speaker on {node}"),
    }
}

fn place(metallb: &Metallb, reader: &Reader) -> Subject {
    match reader {
        Reader::Controller => {
            let name = metallb.controllers.first().map_or_else(|| "controller".to_owned(), Pod::workload);
            Subject::workload(&metallb.namespace, &name)
        }
        Reader::Speaker(node) => Subject::speaker(node),
    }
}
