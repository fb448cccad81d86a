//! What a log says of addresses: announced, withdrawn, and for which Services.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use super::line::Fields;
use crate::analysis::election;
use crate::model::announcement::{AddressLog, LogState, Move, ProtocolLog};

/// Moves of one address that are kept.
const MOST_MOVES: usize = 64;

/// Services that are remembered for one address: they are told apart only to know whether one of several withdrew.
const MOST_SERVICES: usize = 64;

/// The fold over all addresses that were asked for.
pub(super) struct Announcements {
    addresses: Vec<Address>,
    /// The Service whose reconciliation is under way; empty between two.
    bracket: String,
    /// Whether withdrawals may come without an address.
    needs_brackets: bool,
}

struct Address {
    ip: IpAddr,
    protocols: Vec<Protocol>,
    moves: VecDeque<Move>,
    moves_dropped: u64,
}

struct Protocol {
    word: ProtocolLog,
    /// Services that announce the address, as far as the log tells; one that it does not tell is empty.
    services: BTreeSet<String>,
}

impl Announcements {
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        let of = |address: &IpAddr| Address { ip: *address, protocols: Vec::new(), moves: VecDeque::new(), moves_dropped: 0 };
        // Until the log says otherwise it may be of a version that needs them.
        Self { addresses: addresses.iter().map(of).collect(), bracket: String::new(), needs_brackets: true }
    }

    /// A start: nothing was said since.
    pub(super) fn restart(&mut self, version: Option<&str>) {
        for address in &mut self.addresses {
            address.protocols.clear();
        }
        self.bracket.clear();
        // From 0.13.10 on a withdrawal names its address; before 0.13.0 it names its Service.
        let without = |version| ((0, 13, 0)..(0, 13, 10)).contains(&election::version(version));
        self.needs_brackets = version.is_none_or(without);
    }

    /// A reconciliation begins with its Service's name, or ends.
    pub(super) fn bracket(&mut self, service: &str) {
        service.clone_into(&mut self.bracket);
    }

    pub(super) fn needs_brackets(&self) -> bool {
        self.needs_brackets
    }

    /// `serviceAnnounced`. Up to 0.11 the key is `ip`, from 0.12 `ips`.
    pub(super) fn announced(&mut self, fields: &Fields, at: Option<&str>) -> bool {
        let Some(named) = fields.addresses("ips").or_else(|| fields.addresses("ip")) else { return false };
        let service = self.service(fields);
        let mut ours = false;
        for address in self.addresses.iter_mut().filter(|address| named.contains(&address.ip)) {
            ours = true;
            address.announced(fields.text("protocol"), &service, at);
        }
        ours
    }

    /// `serviceWithdrawn`: logged once the last protocol is gone, so that it ends all of them.
    pub(super) fn withdrawn(&mut self, fields: &Fields, at: Option<&str>) -> bool {
        let service = self.service(fields);
        let reason = fields.text("reason");
        // With loadBalancerIPChanged `ip` is the withdrawn address and `ips` the new one; before 0.13.10 `ip` may be empty or null.
        let named = fields.addresses("ip").or_else(|| fields.addresses("ips"));
        let mut ours = false;
        for address in &mut self.addresses {
            let meant = match &named {
                Some(named) => named.contains(&address.ip),
                // Without an address it is the Service's, whichever that was.
                None => !service.is_empty() && address.protocols.iter().any(|protocol| protocol.services.contains(&service)),
            };
            if meant {
                ours = true;
                address.withdrawn(&service, reason, at);
            }
        }
        ours
    }

    pub(super) fn finish(self) -> Vec<AddressLog> {
        self.addresses
            .into_iter()
            .map(|address| AddressLog {
                address: address.ip,
                protocols: address.protocols.into_iter().map(|protocol| protocol.word).collect(),
                moves: address.moves.into(),
                moves_dropped: address.moves_dropped,
            })
            .collect()
    }

    /// The Service that a line is about: its own field (up to 0.12), otherwise the one that is being reconciled.
    fn service(&self, fields: &Fields) -> String {
        let own = fields.text("service");
        if own.is_empty() { self.bracket.clone() } else { own.to_owned() }
    }
}

impl Address {
    fn announced(&mut self, protocol: &str, service: &str, at: Option<&str>) {
        let at = at.map(str::to_owned);
        let index = self.protocols.iter().position(|known| known.word.protocol == protocol).unwrap_or_else(|| {
            self.protocols.push(Protocol {
                word: ProtocolLog { protocol: protocol.to_owned(), state: LogState::Silent, at: None, since: None, reason: String::new() },
                services: BTreeSet::new(),
            });
            self.protocols.len() - 1
        });
        let known = &mut self.protocols[index];
        if known.services.len() < MOST_SERVICES {
            known.services.insert(service.to_owned());
        }
        if known.word.state != LogState::Announced {
            known.word.since.clone_from(&at);
            self.moves.push_back(Move { at: at.clone(), gained: true, protocol: protocol.to_owned(), reason: String::new() });
        }
        known.word.state = LogState::Announced;
        known.word.at = at;
        known.word.reason.clear();
        self.bound_moves();
    }

    fn withdrawn(&mut self, service: &str, reason: &str, at: Option<&str>) {
        let at = at.map(str::to_owned);
        if self.protocols.is_empty() {
            // A log that lost its beginning may begin with a withdrawal. Nothing is known of its protocol but that it is the usual one.
            self.protocols.push(Protocol {
                word: ProtocolLog { protocol: "layer2".to_owned(), state: LogState::Silent, at: None, since: None, reason: String::new() },
                services: BTreeSet::new(),
            });
        }
        for known in &mut self.protocols {
            if !known.left(service) {
                continue;
            }
            if known.word.state == LogState::Announced {
                self.moves.push_back(Move {
                    at: at.clone(),
                    gained: false,
                    protocol: known.word.protocol.clone(),
                    reason: reason.to_owned(),
                });
            }
            known.word.state = LogState::Withdrawn;
            known.word.since = None;
            known.word.at.clone_from(&at);
            reason.clone_into(&mut known.word.reason);
        }
        self.bound_moves();
    }

    fn bound_moves(&mut self) {
        while self.moves.len() > MOST_MOVES {
            self.moves.pop_front();
            self.moves_dropped += 1;
        }
    }
}

impl Protocol {
    /// A Service withdrew: whether nobody announces the address any more. Services may share one (metallb's `allow-shared-ip`); it is
    /// gone only when the last of them went, and where the log does not tell which one went, several are enough to leave it announced.
    fn left(&mut self, service: &str) -> bool {
        if self.services.len() < 2 {
            let another = !service.is_empty() && self.services.iter().any(|known| !known.is_empty() && known != service);
            if another {
                return false;
            }
            self.services.clear();
            return true;
        }
        if !self.services.remove(service) && !service.is_empty() {
            // It was announced while nobody said for whom.
            self.services.remove("");
        }
        self.services.is_empty()
    }
}
