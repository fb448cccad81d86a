//! Folds one speaker's log into what it last said: of addresses, of other speakers, of its BGP sessions, of its configuration.
//!
//! Formats: go-kit JSON (and logfmt) of MetalLB 0.6 to 0.16, with the kubelet's timestamp in front; where versions differ, the code says
//! so. The fold is per container start: a start forgets what was said. Memory does not grow with the log, and a line that cannot matter
//! is passed over without being parsed.

mod address;
mod announcements;
mod holders;
mod kind;
mod klog;
mod line;
mod members;
mod pass;
mod protocol;
mod sessions;
mod troubles;

use std::net::IpAddr;

use self::announcements::Announcements;
use self::kind::{Kind, kind};
pub(in crate::analysis) use self::line::split_timestamp;
use self::line::{Fields, Line, Said, shortened};
use crate::model::announcement::{Responder, SpeakerLog};

/// Lines that are shown of those that nothing explains.
const SAMPLES: usize = 3;

/// Characters of such a line that are shown.
const SAMPLE_LENGTH: usize = 160;

/// Responders that are remembered: one for each interface and family. A node with Calico has an interface for each of its pods.
const MOST_INTERFACES: usize = 2_048;

/// Characters of a name or a version that are kept; Kubernetes' own are shorter.
const NAME_LENGTH: usize = 253;

/// The longest `NAMESPACE/NAME` that Kubernetes allows.
const PATH_LENGTH: usize = 63 + 1 + NAME_LENGTH;

/// What stands in front of a line that nothing explains, where a recording keeps its beginning in its place.
const NOT_UNDERSTOOD: &str = "not understood:";

/// Words after which a line may hold what nobody shall see: a half of a dump of MetalLB's configuration holds passwords.
const SECRETS: [&str; 4] = ["password", "passwd", "secret", "token"];

/// What a line was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It told something.
    Something,
    Nothing,
    /// It tells what the next lines are about.
    Context,
    /// Nothing explains it. A recording keeps [`Fold::not_understood`] in its place, which is as good to a fold: whose words these are, and
    /// what else the line holds, nobody knows.
    Strange,
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
        if let Some(at) = line.at.filter(|_| matches!(worth, Worth::Something | Worth::Strange)) {
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
        if line.text.starts_with(NOT_UNDERSTOOD) {
            return self.unknown(line);
        }
        if !line.is_structured() {
            if let Some(refused) = klog::not_listed(line.text) {
                return if troubles::api(&mut self.log, &refused, line.at) { Worth::Something } else { Worth::Nothing };
            }
            return if line.is_known_noise() { Worth::Nothing } else { self.unknown(line) };
        }
        let context = |told| if told { Worth::Something } else { Worth::Context };
        let kind = kind(line.text);
        // Services are reconciled once everything that it works by was listed.
        let listed = matches!(kind, Kind::Begins(_) | Kind::BeginsAll) && troubles::listed(&mut self.log);
        match kind {
            Kind::Quiet => Worth::Nothing,
            Kind::Begins(service) => context(self.announcements.begins(service) | listed),
            Kind::BeginsAll => context(self.announcements.begins_all() | listed),
            Kind::Ends => context(self.announcements.ends()),
            Kind::Telling => match Fields::read(line.text).map_or(Said::Nonsense, |fields| self.fields(&fields, line.at)) {
                Said::Something => Worth::Something,
                Said::Nothing => Worth::Nothing,
                Said::Nonsense => self.unknown(line),
            },
            Kind::Strange => self.unknown(line),
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

    fn fields(&mut self, fields: &Fields, at: Option<&str>) -> Said {
        if fields.are_odd(&["msg", "event", "op"]) {
            return Said::Nonsense;
        }
        let msg = fields.text("msg");
        if msg.starts_with("MetalLB speaker starting") {
            self.restart(fields, at);
            return Said::Something;
        }
        match fields.text("event") {
            "serviceAnnounced" => return self.announcements.announced(fields, at),
            "serviceWithdrawn" => return self.announcements.withdrawn(fields, at),
            _ => {}
        }
        members::take(&mut self.log, fields, msg)
            .or_else(|| self.sessions.take(fields, msg, at))
            .unwrap_or_else(|| self.settings(fields, msg, at))
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
    fn settings(&mut self, fields: &Fields, msg: &str, at: Option<&str>) -> Said {
        match fields.text("event") {
            event @ ("createARPResponder" | "createNDPResponder") => {
                return self.answers_on(fields.text("interface"), event.contains("NDP"));
            }
            event @ ("deleteARPResponder" | "deleteNDPResponder") => {
                return self.closed_on(fields.text("interface"), event.contains("NDP"));
            }
            _ => {}
        }
        if msg.contains("interfaces used to announce LB IP don't exist") {
            return self.announcements.warned(fields);
        }
        // What failed may be a part of a reconciliation, and is a trouble besides.
        let mut trouble = || troubles::take(&mut self.log, fields, at) == Said::Something;
        Said::of(match fields.text("op") {
            "setBalancer" | "deleteBalancer" => self.announcements.failed() | trouble(),
            // FRR mode: every half minute the speaker says whether FRR took its configuration.
            "reload-validate" => {
                let error = fields.text("error");
                if error.is_empty() {
                    return Said::of(self.log.reload_error.take().is_some());
                }
                self.log.reload_error = Some(shortened(error, 300));
                true
            }
            _ if fields.text("message") == "failed to get endpoints" => self.announcements.failed() | trouble(),
            _ => trouble(),
        })
    }

    fn answers_on(&mut self, interface: &str, ndp: bool) -> Said {
        if interface.is_empty() {
            return Said::Nonsense;
        }
        let responder = Responder { interface: shortened(interface, NAME_LENGTH), ndp };
        troubles::answers(&mut self.log, &responder);
        self.log.closed.retain(|known| *known != responder);
        if self.log.responders.len() < MOST_INTERFACES && !self.log.responders.contains(&responder) {
            self.log.responders.push(responder);
        }
        Said::Something
    }

    fn closed_on(&mut self, interface: &str, ndp: bool) -> Said {
        if interface.is_empty() {
            return Said::Nonsense;
        }
        let responder = Responder { interface: shortened(interface, NAME_LENGTH), ndp };
        self.log.responders.retain(|known| *known != responder);
        self.log.closed.retain(|known| *known != responder);
        if self.log.closed.len() >= MOST_INTERFACES {
            self.log.closed.remove(0);
        }
        self.log.closed.push(responder);
        Said::Something
    }

    fn unknown(&mut self, line: &Line) -> Worth {
        self.log.unknown_lines += 1;
        if self.log.unknown_samples.len() < SAMPLES {
            self.log.unknown_samples.push(sample(line.text));
        }
        Worth::Strange
    }

    /// What a recording keeps of a line that nothing explains: its time and its beginning, marked so that a replay explains it no better.
    #[must_use]
    pub fn not_understood(text: &str) -> String {
        let line = Line::cut(text);
        let at = line.at.map(|at| format!("{at} ")).unwrap_or_default();
        format!("{at}{NOT_UNDERSTOOD} {}", sample(line.text))
    }
}

/// The beginning of a line that nothing explains, up to where it may hold a secret.
fn sample(text: &str) -> String {
    let text = text.strip_prefix(NOT_UNDERSTOOD).unwrap_or(text).trim();
    // Lower case by ASCII keeps every byte's place.
    let lower = text.to_ascii_lowercase();
    let secret = SECRETS.iter().filter_map(|word| lower.find(word).map(|at| at + word.len())).min();
    let shown = secret.map_or_else(|| text.to_owned(), |end| format!("{} (removed)", &text[..end]));
    // Last, so that a sample's sample is the same.
    shortened(&shown, SAMPLE_LENGTH).trim().to_owned()
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
