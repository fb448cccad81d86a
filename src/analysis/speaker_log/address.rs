//! What a log says of one address: the last word of each protocol, and its moves.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::holders::Announces;
use super::line::shortened;
use super::pass::{Blind, Of, Pass};
use super::protocol::{Protocol, REASON_LENGTH};
use crate::model::announcement::{AddressLog, LogState, Move};

/// Moves of one address that are kept.
const MOST_MOVES: usize = 64;

/// Protocols of one address that are told apart: MetalLB has two.
const MOST_PROTOCOLS: usize = 4;

/// One address that was asked for.
pub(super) struct Address {
    pub(super) ip: IpAddr,
    /// Services that hold the address by what else is known.
    known: Vec<String>,
    protocols: Vec<Protocol>,
    moves: VecDeque<Move>,
    moves_dropped: u64,
    /// The log tells of every Service that may announce: it begins at the start, or all were looked at since.
    whole: bool,
    interface_warning: Option<String>,
    /// Whether it announced it on interfaces of the node's since its start, and goes on until it withdraws it or starts anew; `None` where the
    /// log does not begin at a start.
    on_interfaces: Option<bool>,
    /// The warning came in the reconciliation that is under way, before its announcement.
    warned: bool,
}

impl Address {
    pub(super) fn new(ip: IpAddr) -> Self {
        Self {
            ip,
            known: Vec::new(),
            protocols: Vec::new(),
            moves: VecDeque::new(),
            moves_dropped: 0,
            whole: false,
            interface_warning: None,
            on_interfaces: None,
            warned: false,
        }
    }

    /// Another source says that the Service has it.
    pub(super) fn held_by(&mut self, service: &str) {
        self.known.push(service.to_owned());
    }

    /// A start: nothing was said since.
    pub(super) fn restart(&mut self) {
        self.protocols.clear();
        self.interface_warning = None;
        self.on_interfaces = Some(false);
        self.warned = false;
        self.whole = true;
    }

    pub(super) fn pass_begins(&mut self) {
        self.protocols.iter_mut().for_each(Protocol::pass_begins);
    }

    /// The interfaces of its advertisement do not exist here; the node's are these.
    pub(super) fn warned(&mut self, interfaces: &str) {
        self.warned = true;
        self.interface_warning = Some(shortened(interfaces, REASON_LENGTH));
    }

    pub(super) fn finish(self) -> AddressLog {
        AddressLog {
            address: self.ip,
            protocols: fitting(self.protocols.into_iter().map(|protocol| protocol.word)),
            moves: fitting(self.moves),
            moves_dropped: self.moves_dropped,
            announces_nowhere: self.interface_warning.is_some() && self.on_interfaces == Some(false),
            interface_warning: self.interface_warning,
        }
    }

    pub(super) fn may_be_of(&self, service: &str) -> bool {
        self.protocols.iter().any(|protocol| protocol.holders.may_hold(service))
    }

    pub(super) fn announced(&mut self, protocol: &str, service: &str, of: Of, at: Option<&str>) {
        if protocol == "layer2" && !std::mem::take(&mut self.warned) {
            self.interface_warning = None;
            self.on_interfaces = self.on_interfaces.map(|_| true);
        }
        let Some(index) = self.protocol(protocol) else { return };
        let known = &mut self.protocols[index];
        known.announced += 1;
        if !service.is_empty() {
            known.holders.announced(service, &self.known);
        } else if of == Of::Nothing {
            known.holders.somebody();
        }
        let began = known.announces(at);
        if began {
            self.moved(at, true, index, "");
        }
    }

    pub(super) fn withdrawn(&mut self, protocol: &str, service: &str, reason: &str, at: Option<&str>, counting: bool) {
        if self.protocols.is_empty() {
            // A log that lost its beginning may begin with a withdrawal. It is of all protocols; one stands for them.
            self.protocol(if protocol.is_empty() { "layer2" } else { protocol });
        }
        let others = self.known.iter().any(|name| name != service);
        for index in 0..self.protocols.len() {
            let known = &mut self.protocols[index];
            known.holders.withdrew(service);
            if service.is_empty() {
                known.withdrawn += 1;
            }
            let announces = match known.holders.announces() {
                // In the reconciliation of all Services, those that were announced in it are counted at its end.
                Announces::No if counting && known.announced > 0 => Announces::Yes,
                // Another Service has the address too, and may have announced it before the log begins.
                Announces::No if others && !self.whole => Announces::Unsure,
                announces => announces,
            };
            self.lost(index, announces, reason, at);
        }
    }

    /// A Service withdrew an address that the log does not name.
    pub(super) fn may_be_withdrawn(&mut self, service: &str, reason: &str, at: Option<&str>) {
        for index in 0..self.protocols.len() {
            let known = &mut self.protocols[index];
            if known.holders.may_hold(service) {
                known.holders.may_have_withdrawn(service, &self.known);
                let announces = known.holders.announces();
                self.lost(index, announces, reason, at);
            }
        }
    }

    /// What a reconciliation did not say, when it ended and nothing failed. True when that told something.
    pub(super) fn pass_ended(&mut self, pass: &Pass) -> bool {
        let again: Vec<&Protocol> = self.protocols.iter().filter(|protocol| protocol.announced > 0).collect();
        let said_at = again.iter().filter_map(|protocol| protocol.word.at.clone()).max();
        let again = !again.is_empty();
        let mut told = false;
        for index in 0..self.protocols.len() {
            let known = &mut self.protocols[index];
            if known.announced > 0 {
                told |= pass.of == Of::All && known.were_counted(pass.failed);
                continue;
            }
            if pass.failed || known.word.state != LogState::Announced {
                continue;
            }
            let at = match pass.of {
                // The Service is announced over the other protocol alone.
                Of::One if again && known.holders.may_hold(&pass.service) => {
                    known.holders.may_have_withdrawn(&pass.service, &self.known);
                    said_at.clone()
                }
                Of::All if again => {
                    known.holders.clear();
                    said_at.clone()
                }
                Of::All => {
                    let Some(Blind(at)) = &pass.blind else { continue };
                    known.holders.clear();
                    at.clone()
                }
                _ => continue,
            };
            let announces = known.holders.announces();
            self.lost(index, announces, "it was not announced again", at.as_deref());
            told = true;
        }
        self.whole |= pass.of == Of::All && !pass.failed && again;
        told
    }

    /// Somebody withdrew: the last one, one of several, or perhaps the last.
    fn lost(&mut self, index: usize, announces: Announces, reason: &str, at: Option<&str>) {
        if announces == Announces::Yes {
            return;
        }
        let gone = announces == Announces::No;
        let known = &mut self.protocols[index];
        let held = matches!(known.word.state, LogState::Announced | LogState::Unsure);
        known.word.state = if gone { LogState::Withdrawn } else { LogState::Unsure };
        known.word.at = at.map(str::to_owned);
        known.word.reason = shortened(reason, REASON_LENGTH);
        if !gone {
            return;
        }
        known.word.since = None;
        known.holders.clear();
        if known.word.protocol == "layer2" {
            self.interface_warning = None;
            self.on_interfaces = self.on_interfaces.map(|_| false);
        }
        if held {
            self.moved(at, false, index, reason);
        }
    }

    /// The place of a protocol; `None` when there are too many.
    fn protocol(&mut self, name: &str) -> Option<usize> {
        if let Some(index) = self.protocols.iter().position(|known| known.word.protocol == name) {
            return Some(index);
        }
        if self.protocols.len() == MOST_PROTOCOLS {
            return None;
        }
        self.protocols.push(Protocol::new(name));
        Some(self.protocols.len() - 1)
    }

    fn moved(&mut self, at: Option<&str>, gained: bool, index: usize, reason: &str) {
        if self.moves.len() == MOST_MOVES {
            self.moves.pop_front();
            self.moves_dropped += 1;
        }
        let protocol = self.protocols[index].word.protocol.clone();
        self.moves.push_back(Move { at: at.map(str::to_owned), gained, protocol, reason: shortened(reason, REASON_LENGTH) });
    }
}

/// A list without room for more: there is one for each address and speaker.
pub(super) fn fitting<T>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    items.into_iter().collect::<Box<[T]>>().into_vec()
}
