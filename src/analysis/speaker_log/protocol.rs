//! What a log says of one address over one protocol, and which Services hold it there.

use super::holders::Holders;
use super::line::shortened;
use crate::model::announcement::{LogState, ProtocolLog};

/// Characters of a reason that are kept: MetalLB's are one word, and 0.14.9 has an error's text.
pub(super) const REASON_LENGTH: usize = 200;

/// One protocol of an address.
pub(super) struct Protocol {
    pub(super) word: ProtocolLog,
    pub(super) holders: Holders,
    /// Announcements in the reconciliation that is under way, and withdrawals of which it does not tell the Service.
    pub(super) announced: usize,
    pub(super) withdrawn: usize,
}

impl Protocol {
    pub(super) fn new(name: &str) -> Self {
        let word =
            ProtocolLog { protocol: shortened(name, REASON_LENGTH), state: LogState::Silent, at: None, since: None, reason: String::new() };
        Self { word, holders: Holders::default(), announced: 0, withdrawn: 0 }
    }

    /// A reconciliation begins.
    pub(super) fn pass_begins(&mut self) {
        self.announced = 0;
        self.withdrawn = 0;
    }

    /// All Services were looked at, those of this protocol among them. True when that changed who announces.
    pub(super) fn were_counted(&mut self, failed: bool) -> bool {
        let was = self.holders.announces();
        if failed {
            self.holders.somebody();
        } else {
            self.holders.counted(self.announced, self.withdrawn);
        }
        was != self.holders.announces()
    }

    /// Takes an announcement. True when it did not announce before.
    pub(super) fn announces(&mut self, at: Option<&str>) -> bool {
        let began = !matches!(self.word.state, LogState::Announced | LogState::Unsure);
        self.word.state = LogState::Announced;
        self.word.at = at.map(str::to_owned);
        if began {
            self.word.since.clone_from(&self.word.at);
        }
        self.word.reason.clear();
        began
    }
}
