//! What was read of the speakers' logs, kept for the whole run.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::announcement::SpeakerLog;
use crate::model::kubernetes::Pod;
use crate::model::metallb::ConfigurationWord;

/// The logs of all speakers, folded for some addresses, and the nodes whose log could not be read.
#[derive(Clone, Default)]
pub struct Logs {
    /// Each address with the Service that holds it.
    pub held: Vec<(IpAddr, String)>,
    pub folded: Arc<[SpeakerLog]>,
    pub unread: Vec<String>,
    /// What came of logs that were cut. Their newest lines are missing, so that they tell of the past alone; their nodes are unread.
    pub cut: Vec<SpeakerLog>,
    /// What each of them says of its configuration.
    pub configuration: Vec<ConfigurationWord>,
}

impl Logs {
    /// Whether the speaker's log was read, or could not be.
    #[must_use]
    pub fn has(&self, pod: &Pod) -> bool {
        self.folded.iter().any(|log| log.pod == pod.name) || pod.node.as_ref().is_some_and(|node| self.unread.contains(node))
    }
}
