//! Folds one speaker's log into what it last said: of addresses, of other speakers, of its BGP sessions, of its configuration.
//!
//! Formats: go-kit JSON (and logfmt) of MetalLB 0.6 to 0.16, with the kubelet's timestamp in front; where versions differ, the code says
//! so. The fold is per container start: a start forgets what was said. Memory does not grow with the log, and a line that cannot matter
//! is passed over without being parsed.

mod announcements;
mod holders;
mod kind;
mod line;
mod members;
mod sessions;

use std::net::IpAddr;

use self::announcements::Announcements;
use self::kind::{Kind, kind};
pub(in crate::analysis) use self::line::split_timestamp;
use self::line::{Fields, Line, shortened};
use crate::model::announcement::SpeakerLog;

/// Lines that are shown of those that nothing explains.
const SAMPLES: usize = 3;

/// Characters of such a line that are shown.
const SAMPLE_LENGTH: usize = 160;

/// Interfaces that are remembered. A node with Calico has one for each of its pods.
const MOST_INTERFACES: usize = 1_024;

/// Characters of a name or a version that are kept; Kubernetes' own are shorter.
const NAME_LENGTH: usize = 253;

/// What a line was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It told something.
    Something,
    Nothing,
    /// It tells what the next lines are about.
    Context,
}

impl Worth {
    fn of(told: bool) -> Self {
        if told { Self::Something } else { Self::Nothing }
    }
}

/// The fold of one container's log.
pub struct Fold {
    log: SpeakerLog,
    announcements: Announcements,
    sessions: sessions::Sessions,
    /// The time of the newest line that mattered, in a buffer of its own so that no line costs an allocation.
    last_at: String,
}

impl Fold {
    /// Begins with nothing said.
    #[must_use]
    pub fn new(pod: &str, node: &str, addresses: &[IpAddr]) -> Self {
        Self {
            log: SpeakerLog { pod: pod.to_owned(), node: node.to_owned(), ..SpeakerLog::default() },
            announcements: Announcements::new(addresses),
            sessions: sessions::Sessions::default(),
            last_at: String::new(),
        }
    }

    /// Takes one line, with or without the kubelet's timestamp, and says what it was worth: a recording that leaves out the lines that
    /// are worth nothing tells the same.
    pub fn line(&mut self, text: &str) -> Worth {
        let line = Line::cut(text);
        if line.text.is_empty() {
            return Worth::Nothing;
        }
        self.log.lines += 1;
        let worth = self.take(&line);
        if let Some(at) = line.at.filter(|_| worth == Worth::Something) {
            self.last_at.clear();
            self.last_at.push_str(at);
        }
        worth
    }

    /// Tells the fold that a Service holds one of the addresses. Where Services share one, the log alone does not always tell them apart.
    #[must_use]
    pub fn held_by(mut self, address: IpAddr, service: &str) -> Self {
        self.announcements.held_by(address, service);
        self
    }

    fn take(&mut self, line: &Line) -> Worth {
        if !line.is_structured() {
            return Worth::of(!line.is_known_noise() && self.unknown(line));
        }
        let context = |told| if told { Worth::Something } else { Worth::Context };
        match kind(line.text) {
            Kind::Quiet => Worth::Nothing,
            Kind::Begins(service) => context(self.announcements.begins(service)),
            Kind::BeginsAll => context(self.announcements.begins_all()),
            Kind::Ends => context(self.announcements.ends()),
            Kind::Telling => Worth::of(match Fields::read(line.text) {
                Some(fields) => self.fields(&fields, line.at),
                None => self.unknown(line),
            }),
            Kind::Strange => Worth::of(self.unknown(line)),
        }
    }

    /// What the log says, once all lines were taken.
    #[must_use]
    pub fn finish(mut self) -> SpeakerLog {
        self.log.last_at = Some(self.last_at).filter(|at| !at.is_empty());
        self.log.sessions = self.sessions.finish();
        self.log.addresses = self.announcements.finish();
        self.log
    }

    fn fields(&mut self, fields: &Fields, at: Option<&str>) -> bool {
        let msg = fields.text("msg");
        if msg.starts_with("MetalLB speaker starting") {
            self.restart(fields, at);
            return true;
        }
        match fields.text("event") {
            "serviceAnnounced" => return self.announcements.announced(fields, at),
            "serviceWithdrawn" => return self.announcements.withdrawn(fields, at),
            _ => {}
        }
        members::take(&mut self.log, fields, msg) || self.sessions.take(fields, msg, at) || self.settings(fields, msg)
    }

    fn restart(&mut self, fields: &Fields, at: Option<&str>) {
        let told = fields.text("version");
        // Until 0.9 the version stood in the message alone.
        let in_message = || fields.text("msg").split_whitespace().nth(4).unwrap_or_default();
        let version = if told.is_empty() { in_message() } else { told }.trim_start_matches('v');
        self.log = SpeakerLog {
            pod: std::mem::take(&mut self.log.pod),
            node: std::mem::take(&mut self.log.node),
            version: version.starts_with(|c: char| c.is_ascii_digit()).then(|| shortened(version, NAME_LENGTH)),
            started_at: at.map(str::to_owned),
            complete: true,
            lines: self.log.lines,
            unknown_lines: self.log.unknown_lines,
            unknown_samples: std::mem::take(&mut self.log.unknown_samples),
            ..SpeakerLog::default()
        };
        self.announcements.restart();
        self.sessions = sessions::Sessions::default();
    }

    /// Interfaces, what failed in a reconciliation, and what FRR made of its configuration.
    fn settings(&mut self, fields: &Fields, msg: &str) -> bool {
        match fields.text("event") {
            "createARPResponder" | "createNDPResponder" => return self.answers_on(fields.text("interface")),
            "deleteARPResponder" | "deleteNDPResponder" => {
                let interface = fields.text("interface");
                self.log.responders.retain(|known| known != interface);
                return true;
            }
            _ => {}
        }
        if msg.contains("interfaces used to announce LB IP don't exist") {
            return self.announcements.warned(fields);
        }
        match fields.text("op") {
            "setBalancer" | "deleteBalancer" => self.announcements.failed(),
            // FRR mode: every half minute the speaker says whether FRR took its configuration.
            "reload-validate" => {
                let error = fields.text("error");
                if error.is_empty() {
                    return self.log.reload_error.take().is_some();
                }
                self.log.reload_error = Some(shortened(error, 300));
                true
            }
            _ if fields.text("message") == "failed to get endpoints" => self.announcements.failed(),
            _ => false,
        }
    }

    fn answers_on(&mut self, interface: &str) -> bool {
        let interface = shortened(interface, NAME_LENGTH);
        if self.log.responders.len() < MOST_INTERFACES && !self.log.responders.contains(&interface) {
            self.log.responders.push(interface);
        }
        true
    }

    fn unknown(&mut self, line: &Line) -> bool {
        self.log.unknown_lines += 1;
        if self.log.unknown_samples.len() < SAMPLES {
            self.log.unknown_samples.push(shortened(line.text, SAMPLE_LENGTH));
        }
        true
    }
}

#[cfg(test)]
mod tests;
