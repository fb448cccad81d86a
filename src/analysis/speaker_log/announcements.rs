//! What a log says of addresses: announced, withdrawn, and for which Services.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use super::line::Fields;
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
}

struct Address {
    ip: IpAddr,
    protocols: Vec<Protocol>,
    moves: VecDeque<Move>,
    moves_dropped: u64,
}

struct Protocol {
    word: ProtocolLog,
    /// Services that announce the address, as far as the log names them.
    services: BTreeSet<String>,
    /// Withdrawals since the newest announcement of which the log does not tell the Service.
    unnamed_withdrawals: usize,
}

impl Protocol {
    fn new(protocol: &str) -> Self {
        Self {
            word: ProtocolLog { protocol: protocol.to_owned(), state: LogState::Silent, at: None, since: None, reason: String::new() },
            services: BTreeSet::new(),
            unnamed_withdrawals: 0,
        }
    }
}

impl Announcements {
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        let of = |address: &IpAddr| Address { ip: *address, protocols: Vec::new(), moves: VecDeque::new(), moves_dropped: 0 };
        Self { addresses: addresses.iter().map(of).collect(), bracket: String::new() }
    }

    /// A start: nothing was said since.
    pub(super) fn restart(&mut self) {
        for address in &mut self.addresses {
            address.protocols.clear();
        }
        self.bracket.clear();
    }

    /// A reconciliation begins with its Service's name, or ends.
    pub(super) fn bracket(&mut self, service: &str) {
        service.clone_into(&mut self.bracket);
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
            self.protocols.push(Protocol::new(protocol));
            self.protocols.len() - 1
        });
        let known = &mut self.protocols[index];
        if !service.is_empty() && known.services.len() < MOST_SERVICES {
            known.services.insert(service.to_owned());
        }
        known.unnamed_withdrawals = 0;
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
            self.protocols.push(Protocol::new("layer2"));
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
    /// A Service withdrew: whether nobody announces the address any more. Services may share one (metallb's `allow-shared-ip`), and it is
    /// gone only when the last of them went. A withdrawal is logged by none but a Service that announces, so that as many as there are
    /// Services end it, named or not.
    fn left(&mut self, service: &str) -> bool {
        let known = self.services.len();
        if service.is_empty() {
            self.unnamed_withdrawals += 1;
        } else if !self.services.remove(service) && known > 0 {
            // Another Service of the same address, which the log never named when it announced.
            return false;
        }
        let gone = self.services.len() <= self.unnamed_withdrawals;
        if gone {
            self.services.clear();
            self.unnamed_withdrawals = 0;
        }
        gone
    }
}
