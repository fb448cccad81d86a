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

/// What words are about, in the order of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Cluster,
    Node,
    Capture,
    Probe,
    FlowOfWork,
    Outcome,
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Self; 6] = [Self::Cluster, Self::Node, Self::Capture, Self::Probe, Self::FlowOfWork, Self::Outcome];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Node => "node",
            Self::Capture => "capture",
            Self::Probe => "probe",
            Self::FlowOfWork => "flow of work",
            Self::Outcome => "outcome",
        }
    }

    /// What its words do, in one sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Cluster => "What the API server's objects and logs say.",
            Self::Node => "What the machines themselves say.",
            Self::Capture => "What packets pass, and where.",
            Self::Probe => "Questions that are asked as a client asks them.",
            Self::FlowOfWork => "How a playbook goes on.",
            Self::Outcome => "What a run says in the end.",
        }
    }
}

impl Word {
    /// What the word is about: by its name where that tells, otherwise by the capability that it needs.
    #[must_use]
    pub fn group(&self) -> Group {
        match self.name {
            "during" | "road" | "flows" | "trace" => Group::Capture,
            name if name.ends_with("_capture") => Group::Capture,
            "finding" | "note" | "table" | "judge" | "skip" | "attach" => Group::Outcome,
            "host_checks" => Group::Node,
            "probe_request" | "await_client" => Group::Probe,
            _ => match self.capability.split('.').next().unwrap_or_default() {
                "cluster" => Group::Cluster,
                "node" | "pod" => Group::Node,
                "probe" => Group::Probe,
                _ => Group::FlowOfWork,
            },
        }
    }
}

/// Every word.
pub const WORDS: &[Word] = &[
    super::service::WORD,
    super::service::AT,
    super::services::WORD,
    super::get_ready::WORD,
    super::find_announcer::WORD,
    super::find_announcer::ALL,
    super::resolve_target_port::WORD,
    super::node_capture::WORD,
    super::pod_netns_capture::WORD,
    super::vantage_capture::WORD,
    super::local_capture::WORD,
    super::road::WORD,
    super::during::WORD,
    super::probe_request::WORD,
    super::trace::WORD,
    super::probe::WORD,
    super::arping::WORD,
    super::enough::WORD,
    super::await_client::WORD,
    super::look_closer::WORD,
    super::state::interfaces::WORD,
    super::state::routes::WORD,
    super::state::route_to::WORD,
    super::state::rules::WORD,
    super::state::neighbours::WORD,
    super::state::sysctl::WORD,
    super::state::conntrack::WORD,
    super::state::proxy_rules::WORD,
    super::state::firewall::WORD,
    super::state::sockets::WORD,
    super::state::counters::WORD,
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
