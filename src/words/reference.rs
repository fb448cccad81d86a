//! The table of words: what each is called, needs and does. It registers the words and is what a lint reads.

use std::sync::Arc;

use rhai::Engine;

use super::run::Run;

/// A word of the language.
pub struct Word {
    pub name: &'static str,
    /// The capability that a playbook's `uses` has to list; empty for words that touch nothing.
    pub capability: &'static str,
    /// How it is written, with what it returns.
    pub signature: &'static str,
    /// What it means.
    pub meaning: &'static str,
    pub register: fn(&mut Engine, &Arc<Run>),
}

/// Every word.
pub const WORDS: &[Word] = &[
    super::service::WORD,
    super::service::AT,
    super::services::WORD,
    super::find_announcer::WORD,
    super::find_announcer::ALL,
    super::resolve_target_port::WORD,
    super::node_capture::WORD,
    super::pod_netns_capture::WORD,
    super::vantage_capture::WORD,
    super::local_capture::WORD,
    super::road::WORD,
    super::during::WORD,
    super::probe::WORD,
    super::arping::WORD,
    super::look_closer::WORD,
    super::client_side::WORD,
    super::allowed::WORD,
    super::step::WORD,
    super::finding::WORD,
    super::note::WORD,
    super::table::WORD,
    super::judge::WORD,
    super::api_access::WORD,
    super::host_checks::WORD,
];

/// The word of that name.
#[must_use]
pub fn word(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}
