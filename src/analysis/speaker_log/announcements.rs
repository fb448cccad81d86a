//! What a log says of addresses: announced, withdrawn, and for which Services.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::PATH_LENGTH;
use super::holders::{Announces, Holders};
use super::line::{Fields, Named, Said, shortened};
use crate::model::announcement::{AddressLog, LogState, Move, ProtocolLog};

/// Moves of one address that are kept.
const MOST_MOVES: usize = 64;

/// Protocols of one address that are told apart: MetalLB has two.
const MOST_PROTOCOLS: usize = 4;

/// Characters of a reason that are kept: MetalLB's are one word, and 0.14.9 has an error's text.
const REASON_LENGTH: usize = 200;

/// The fold over all addresses that were asked for.
pub(super) struct Announcements {
    addresses: Vec<Address>,
    pass: Pass,
}

/// The reconciliation that is under way.
#[derive(Default)]
struct Pass {
    of: Of,
    /// The Service's name; kept in one buffer, so that no line costs an allocation.
    service: String,
    /// Something failed in it: what it does not say tells nothing.
    failed: bool,
    /// A withdrawal in it named neither a Service nor an address.
    blind: Option<Blind>,
}

/// A withdrawal of nobody knows what, with its time.
struct Blind(Option<String>);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Of {
    #[default]
    Nothing,
    One,
    All,
}

struct Address {
    ip: IpAddr,
    /// Services that hold the address by what else is known.
    known: Vec<String>,
    protocols: Vec<Protocol>,
    moves: VecDeque<Move>,
    moves_dropped: u64,
    /// The log tells of every Service that may announce: it begins at the start, or all were looked at since.
    whole: bool,
    interface_warning: Option<String>,
    /// The warning came in the reconciliation that is under way, before its announcement.
    warned: bool,
}

struct Protocol {
    word: ProtocolLog,
    holders: Holders,
    /// Announcements in the reconciliation that is under way, and withdrawals of which it does not tell the Service.
    announced: usize,
    withdrawn: usize,
}

impl Announcements {
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        Self { addresses: addresses.iter().map(|ip| Address::new(*ip)).collect(), pass: Pass::default() }
    }

    pub(super) fn held_by(&mut self, ip: IpAddr, service: &str) {
        for address in self.addresses.iter_mut().filter(|address| address.ip == ip) {
            address.known.push(service.to_owned());
        }
    }

    /// A start: nothing was said since.
    pub(super) fn restart(&mut self) {
        for address in &mut self.addresses {
            address.protocols.clear();
            address.interface_warning = None;
            address.warned = false;
            address.whole = true;
        }
        self.begin(Of::Nothing, "");
    }

    /// The reconciliation of one Service begins. True when the end of the one before it told something.
    pub(super) fn begins(&mut self, service: &str) -> bool {
        let told = self.ends();
        self.begin(Of::One, service);
        told
    }

    /// The reconciliation of all Services begins.
    pub(super) fn begins_all(&mut self) -> bool {
        let told = self.ends();
        self.begin(Of::All, "");
        told
    }

    /// A reconciliation ends. MetalLB says nothing when one of two protocols is withdrawn, and before 0.13.10 not always whose address
    /// was: then it is told by what the reconciliation did not announce again.
    pub(super) fn ends(&mut self) -> bool {
        let pass = std::mem::take(&mut self.pass);
        let mut told = false;
        if pass.of != Of::Nothing {
            for address in &mut self.addresses {
                told |= address.pass_ended(&pass);
            }
        }
        self.pass = pass;
        self.begin(Of::Nothing, "");
        told
    }

    /// Something failed in the reconciliation that is under way.
    pub(super) fn failed(&mut self) -> bool {
        self.pass.of != Of::Nothing && !std::mem::replace(&mut self.pass.failed, true)
    }

    /// `serviceAnnounced`. Up to 0.11 the key is `ip`, from 0.12 `ips`.
    pub(super) fn announced(&mut self, fields: &Fields, at: Option<&str>) -> Said {
        if is_odd(fields) {
            return Said::Nonsense;
        }
        let ((Named::These(named), _) | (Named::None, Named::These(named))) = (fields.addresses("ips"), fields.addresses("ip")) else {
            return Said::Nonsense;
        };
        let pass = &self.pass;
        let service = pass.service(fields);
        let mut ours = false;
        for address in self.addresses.iter_mut().filter(|address| named.contains(&address.ip)) {
            ours = true;
            address.announced(fields.text("protocol"), service, pass.of, at);
        }
        Said::of(ours)
    }

    /// `serviceWithdrawn`: logged once the last protocol is gone, so that it ends all of them.
    pub(super) fn withdrawn(&mut self, fields: &Fields, at: Option<&str>) -> Said {
        if is_odd(fields) {
            return Said::Nonsense;
        }
        let service = self.pass.service(fields);
        let reason = fields.text("reason");
        // With loadBalancerIPChanged `ips` is the new address. Otherwise it is the same as `ip`, which before 0.13.10 is empty or null.
        let moved = reason == "loadBalancerIPChanged";
        let named = match (fields.addresses("ip"), fields.addresses("ips")) {
            (Named::None, _) if moved => None,
            (Named::These(named), _) | (Named::None, Named::These(named)) => Some(named),
            (Named::None, Named::None) => None,
            _ => return Said::Nonsense,
        };
        if named.is_none() && service.is_empty() {
            self.pass.blind = Some(Blind(at.map(str::to_owned)));
            return Said::of(self.pass.of == Of::All);
        }
        let mut ours = false;
        for address in &mut self.addresses {
            match &named {
                Some(named) if named.contains(&address.ip) => {
                    address.withdrawn(fields.text("protocol"), service, reason, at, self.pass.of == Of::All);
                }
                // Without an address it is the Service's, whichever that was.
                None if address.may_be_of(service) => address.may_be_withdrawn(service, reason, at),
                _ => continue,
            }
            ours = true;
        }
        Said::of(ours)
    }

    /// The interfaces of an advertisement do not exist here: the address may be "announced", and nobody answers.
    pub(super) fn warned(&mut self, fields: &Fields) -> Said {
        let named = match fields.addresses("ips") {
            Named::These(named) => named,
            Named::None => return Said::Nothing,
            Named::Nonsense => return Said::Nonsense,
        };
        let mut ours = false;
        for address in self.addresses.iter_mut().filter(|address| named.contains(&address.ip)) {
            ours = true;
            address.warned = true;
            address.interface_warning = Some(shortened(&fields.shown("localIfs"), REASON_LENGTH));
        }
        Said::of(ours)
    }

    /// By address, as whoever looks one up expects them.
    pub(super) fn finish(mut self) -> Vec<AddressLog> {
        self.addresses.sort_by_key(|address| address.ip);
        fitting(self.addresses.into_iter().map(|address| AddressLog {
            address: address.ip,
            protocols: fitting(address.protocols.into_iter().map(|protocol| protocol.word)),
            moves: fitting(address.moves),
            moves_dropped: address.moves_dropped,
            interface_warning: address.interface_warning,
        }))
    }

    fn begin(&mut self, of: Of, service: &str) {
        self.pass.of = of;
        service.clone_into(&mut self.pass.service);
        self.pass.failed = false;
        self.pass.blind = None;
        for protocol in self.addresses.iter_mut().flat_map(|address| &mut address.protocols) {
            protocol.announced = 0;
            protocol.withdrawn = 0;
        }
    }
}

/// Whether a line of an announcement holds something else than texts, or a name that no Service can have.
fn is_odd(fields: &Fields) -> bool {
    fields.are_odd(&["protocol", "service", "reason"]) || fields.text("service").len() > PATH_LENGTH
}

impl Pass {
    /// The Service that a line is about: its own field (up to 0.12), otherwise the one that is being reconciled.
    fn service<'a>(&'a self, fields: &'a Fields) -> &'a str {
        let own = fields.text("service");
        if own.is_empty() { &self.service } else { own }
    }
}

/// A list without room for more: there is one for each address and speaker.
fn fitting<T>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    items.into_iter().collect::<Box<[T]>>().into_vec()
}

impl Address {
    fn new(ip: IpAddr) -> Self {
        Self {
            ip,
            known: Vec::new(),
            protocols: Vec::new(),
            moves: VecDeque::new(),
            moves_dropped: 0,
            whole: false,
            interface_warning: None,
            warned: false,
        }
    }

    fn may_be_of(&self, service: &str) -> bool {
        self.protocols.iter().any(|protocol| protocol.holders.may_hold(service))
    }

    fn announced(&mut self, protocol: &str, service: &str, of: Of, at: Option<&str>) {
        if protocol == "layer2" && !std::mem::take(&mut self.warned) {
            self.interface_warning = None;
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

    fn withdrawn(&mut self, protocol: &str, service: &str, reason: &str, at: Option<&str>, counting: bool) {
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
    fn may_be_withdrawn(&mut self, service: &str, reason: &str, at: Option<&str>) {
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
    fn pass_ended(&mut self, pass: &Pass) -> bool {
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

impl Protocol {
    fn new(name: &str) -> Self {
        let word =
            ProtocolLog { protocol: shortened(name, REASON_LENGTH), state: LogState::Silent, at: None, since: None, reason: String::new() };
        Self { word, holders: Holders::default(), announced: 0, withdrawn: 0 }
    }

    /// All Services were looked at, those of this protocol among them. True when that changed who announces.
    fn were_counted(&mut self, failed: bool) -> bool {
        let was = self.holders.announces();
        if failed {
            self.holders.somebody();
        } else {
            self.holders.counted(self.announced, self.withdrawn);
        }
        was != self.holders.announces()
    }

    /// Takes an announcement. True when it did not announce before.
    fn announces(&mut self, at: Option<&str>) -> bool {
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
