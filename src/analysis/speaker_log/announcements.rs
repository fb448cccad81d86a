//! What a log says of addresses: announced, withdrawn, and for which Services.

use std::net::IpAddr;

use super::PATH_LENGTH;
use super::address::{Address, fitting};
use super::line::{Fields, Named, Said};
use super::pass::{Blind, Of, Pass};
use crate::model::announcement::AddressLog;

/// The fold over all addresses that were asked for.
pub(super) struct Announcements {
    addresses: Vec<Address>,
    pass: Pass,
}

impl Announcements {
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        Self { addresses: addresses.iter().map(|ip| Address::new(*ip)).collect(), pass: Pass::default() }
    }

    pub(super) fn held_by(&mut self, ip: IpAddr, service: &str) {
        for address in self.addresses.iter_mut().filter(|address| address.ip == ip) {
            address.held_by(service);
        }
    }

    /// A start: nothing was said since.
    pub(super) fn restart(&mut self) {
        for address in &mut self.addresses {
            address.restart();
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
            address.warned(&fields.shown("localIfs"));
        }
        Said::of(ours)
    }

    /// By address, as whoever looks one up expects them.
    pub(super) fn finish(mut self) -> Vec<AddressLog> {
        self.addresses.sort_by_key(|address| address.ip);
        fitting(self.addresses.into_iter().map(Address::finish))
    }

    fn begin(&mut self, of: Of, service: &str) {
        self.pass.begin(of, service);
        self.addresses.iter_mut().for_each(Address::pass_begins);
    }
}

/// Whether a line of an announcement holds something else than texts, or a name that no Service can have.
fn is_odd(fields: &Fields) -> bool {
    fields.are_odd(&["protocol", "service", "reason"]) || fields.text("service").len() > PATH_LENGTH
}
