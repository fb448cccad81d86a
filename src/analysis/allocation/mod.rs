//! What MetalLB's controller answers to a Service that needs an address, computed from the objects as it computes it.
//!
//! Source: `controller/service.go`, `internal/allocator` and `internal/config` of MetalLB 0.13.12, 0.14.9, 0.15.2 and 0.16.1.
//! What was not read makes the answer `Unknown`, never a guess.

pub mod class;
pub mod pools;
pub mod sharing;
pub mod wish;

use std::net::IpAddr;

use super::addresses::{Family, capacity, gives, holds};
use crate::model::metallb::{Metallb, Pool};
use crate::model::service::Service;
use pools::{NotServed, Room};
use sharing::Clash;
use wish::{Misworded, Wish};

/// The answer to one Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It would get an address from this pool.
    Granted(String),
    Refused(Refusal),
    /// What would have to be read to know.
    Unknown(&'static str),
}

/// Why no address is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no pool at all.
    NoPool,
    /// What the Service asks for makes no sense, whatever the pools are.
    Misworded(Misworded),
    /// `RequireDualStack`, and the Service itself has one ClusterIP only.
    OneClusterIp,
    /// The addresses asked for are not of the Service's own families.
    OtherFamily {
        asked: Vec<Family>,
        own: Vec<Family>,
    },
    OutsidePools(IpAddr),
    /// The pool holds it and avoids it: it ends in .0 or .255.
    Avoided {
        address: IpAddr,
        pool: String,
    },
    /// Each address has a pool, and no pool has all of them.
    NoCommonPool(Vec<(IpAddr, String)>),
    /// The pool of the address asked for, or the pool asked for, does not serve this Service.
    NotServed {
        pool: String,
        asked: Option<IpAddr>,
        why: NotServed,
    },
    Held {
        address: IpAddr,
        holder: String,
        clash: Clash,
    },
    /// Address and pool are both asked for, and do not belong together.
    OtherPool {
        address: IpAddr,
        pool: String,
        asked: String,
    },
    UnknownPool(String),
    /// No pool serves this Service's namespace and labels.
    NoneServes(Vec<(String, NotServed)>),
    /// Those that would fit give nothing by themselves.
    OnlyByRequest(Vec<String>),
    /// Those that serve it have no addresses of its family, or not of both.
    LacksFamily {
        pools: Vec<String>,
        needed: Vec<Family>,
        both: bool,
    },
    Full {
        pools: Vec<String>,
        family: Option<Family>,
    },
}

impl Refusal {
    /// Whether it comes from the Service's own wording or its neighbours, so that no pool could change it.
    #[must_use]
    pub const fn is_the_requests_own(&self) -> bool {
        matches!(self, Self::Misworded(_) | Self::OneClusterIp | Self::OtherFamily { .. } | Self::Held { .. })
    }
}

/// The rules that changed between versions. Where the version is not known, the newest are taken.
#[derive(Clone, Copy, Debug)]
pub struct Rules(Option<(u32, u32, u32)>);

impl Rules {
    #[must_use]
    pub fn of(metallb: &Metallb) -> Self {
        Self(metallb.version.as_deref().map(crate::model::version::version))
    }

    /// Those of the newest version, whichever runs.
    #[must_use]
    pub const fn newest() -> Self {
        Self(None)
    }

    fn since(self, version: (u32, u32, u32)) -> bool {
        self.0.is_none_or(|ours| ours >= version)
    }

    /// The annotations `metallb.io/…`; before, only `metallb.universe.tf/…` was known.
    #[must_use]
    pub fn knows_new_prefix(self) -> bool {
        self.since((0, 14, 9))
    }

    /// An empty `serviceAllocation` serves everybody; before, nobody by itself.
    fn empty_allocation_serves(self) -> bool {
        self.since((0, 15, 0))
    }

    /// `PreferDualStack` is content with one family.
    fn prefer_takes_one(self) -> bool {
        self.since((0, 14, 9))
    }
}

const NAMESPACES: &str = "which namespaces the pools' namespaceSelectors select";
const SERVICES: &str = "which addresses the other Services of the cluster hold";

/// Which families an address is needed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    One(Family),
    Both,
    Either,
}

/// What MetalLB would answer, were it asked now. The address that the Service has counts as its own.
#[must_use]
pub fn answer(service: &Service, metallb: &Metallb) -> Answer {
    let rules = Rules::of(metallb);
    let Some(pools) = metallb.pools.as_deref() else { return Answer::Unknown("which IPAddressPools there are") };
    if pools.is_empty() {
        return Answer::Refused(Refusal::NoPool);
    }
    let own = own_families(service);
    if service.ip_family_policy.as_deref() == Some("RequireDualStack") && own.len() == 1 {
        return Answer::Refused(Refusal::OneClusterIp);
    }
    let wish = match Wish::of(service, rules) {
        Ok(wish) => wish,
        Err(misworded) => return Answer::Refused(Refusal::Misworded(misworded)),
    };
    let asked = Asked { service, metallb, pools, rules };
    if !wish.addresses.is_empty() {
        return asked.addresses(&wish, &own);
    }
    let need = match own.as_slice() {
        [] => return Answer::Unknown("the Service's ClusterIPs, whose family its address must have"),
        [one] => Need::One(*one),
        _ if service.ip_family_policy.as_deref() == Some("PreferDualStack") && rules.prefer_takes_one() => Need::Either,
        _ => Need::Both,
    };
    match wish.pool {
        Some(name) => asked.pool(&name, need),
        None => asked.any_pool(need),
    }
}

/// The families of the Service's cluster addresses: MetalLB goes by these.
fn own_families(service: &Service) -> Vec<Family> {
    let mut families: Vec<Family> = service.cluster_ips.iter().map(|ip| Family::of(*ip)).collect();
    families.sort_unstable();
    families.dedup();
    families
}

struct Asked<'a> {
    service: &'a Service,
    metallb: &'a Metallb,
    pools: &'a [Pool],
    rules: Rules,
}

impl Asked<'_> {
    fn addresses(&self, wish: &Wish, own: &[Family]) -> Answer {
        let mut families: Vec<Family> = wish.addresses.iter().map(|address| Family::of(*address)).collect();
        families.sort_unstable();
        if !own.is_empty() && families != own {
            return Answer::Refused(Refusal::OtherFamily { asked: families, own: own.to_vec() });
        }
        let Some(pool) = self.pools.iter().find(|pool| wish.addresses.iter().all(|address| gives(pool, *address))) else {
            return Answer::Refused(self.without_pool(&wish.addresses));
        };
        let first = wish.addresses[0];
        match pools::serves(pool, self.service, self.metallb) {
            Some(Ok(())) => {}
            Some(Err(why)) => return Answer::Refused(Refusal::NotServed { pool: pool.name.clone(), asked: Some(first), why }),
            None => return Answer::Unknown(NAMESPACES),
        }
        if let Some(asked) = wish.pool.as_ref().filter(|asked| **asked != pool.name) {
            return Answer::Refused(Refusal::OtherPool { address: first, pool: pool.name.clone(), asked: asked.clone() });
        }
        let Some(holders) = self.metallb.holders.as_deref() else { return Answer::Unknown(SERVICES) };
        for address in &wish.addresses {
            if let Some((holder, clash)) = sharing::clash(self.service, holders, *address, self.rules) {
                return Answer::Refused(Refusal::Held { address: *address, holder: holder.path(), clash });
            }
        }
        Answer::Granted(pool.name.clone())
    }

    /// Why no pool gives all of these addresses.
    fn without_pool(&self, addresses: &[IpAddr]) -> Refusal {
        let mut found = Vec::new();
        for address in addresses {
            let holding: Vec<&Pool> = self.pools.iter().filter(|pool| holds(pool, *address)).collect();
            match (holding.iter().find(|pool| gives(pool, *address)), holding.first()) {
                (Some(pool), _) => found.push((*address, pool.name.clone())),
                (None, Some(pool)) => return Refusal::Avoided { address: *address, pool: pool.name.clone() },
                (None, None) => return Refusal::OutsidePools(*address),
            }
        }
        Refusal::NoCommonPool(found)
    }

    /// The pool that the Service names. `autoAssign` does not matter then.
    fn pool(&self, name: &str, need: Need) -> Answer {
        let Some(pool) = self.pools.iter().find(|pool| pool.name == name) else {
            return Answer::Refused(Refusal::UnknownPool(name.to_owned()));
        };
        match pools::serves(pool, self.service, self.metallb) {
            Some(Ok(())) => self.room(&[pool], need),
            Some(Err(why)) => Answer::Refused(Refusal::NotServed { pool: name.to_owned(), asked: None, why }),
            None => Answer::Unknown(NAMESPACES),
        }
    }

    fn any_pool(&self, need: Need) -> Answer {
        let mut serving = Vec::new();
        let mut others = Vec::new();
        let mut unknown = false;
        for pool in self.pools {
            match pools::serves_by_itself(pool, self.service, self.metallb, self.rules) {
                Some(Ok(())) => serving.push(pool),
                Some(Err(why)) => others.push((pool.name.clone(), why)),
                None => unknown = true,
            }
        }
        let answer = self.among(&serving, others, need);
        // A pool of which it is not known whether it serves can turn a refusal into an address, never the reverse.
        if unknown && !matches!(answer, Answer::Granted(_)) { Answer::Unknown(NAMESPACES) } else { answer }
    }

    fn among(&self, serving: &[&Pool], others: Vec<(String, NotServed)>, need: Need) -> Answer {
        if serving.is_empty() {
            return Answer::Refused(Refusal::NoneServes(others));
        }
        let automatic: Vec<&Pool> = serving.iter().filter(|pool| pool.auto_assign).copied().collect();
        let by_request: Vec<&Pool> = serving.iter().filter(|pool| !pool.auto_assign && capable(pool, need)).copied().collect();
        let capable = automatic.iter().any(|pool| capable(pool, need));
        if !capable && !by_request.is_empty() {
            return Answer::Refused(Refusal::OnlyByRequest(names(&by_request)));
        }
        self.room(if automatic.is_empty() { serving } else { &automatic }, need)
    }

    /// Whether any of these pools, all of which serve the Service, has an address left.
    fn room(&self, among: &[&Pool], need: Need) -> Answer {
        let capable: Vec<&Pool> = among.iter().filter(|pool| capable(pool, need)).copied().collect();
        if capable.is_empty() {
            let (needed, both) = match need {
                Need::One(family) => (vec![family], false),
                Need::Both => (vec![Family::V4, Family::V6], true),
                Need::Either => (vec![Family::V4, Family::V6], false),
            };
            return Answer::Refused(Refusal::LacksFamily { pools: names(among), needed, both });
        }
        let mut missing = false;
        let mut full_family = None;
        for pool in &capable {
            let room = |family| pools::room(pool, family, self.service, self.metallb, self.rules);
            let of_all: Vec<(Family, Room)> = match need {
                Need::One(family) => vec![(family, room(family))],
                Need::Both | Need::Either => vec![(Family::V4, room(Family::V4)), (Family::V6, room(Family::V6))],
            };
            let enough = |(_, room): &(Family, Room)| *room == Room::Free;
            let granted = if need == Need::Either { of_all.iter().any(enough) } else { of_all.iter().all(enough) };
            if granted {
                return Answer::Granted(pool.name.clone());
            }
            missing |= of_all.iter().any(|(_, room)| *room == Room::Unknown);
            full_family = full_family.or_else(|| of_all.iter().find(|(_, room)| *room == Room::Full).map(|(family, _)| *family));
        }
        if missing {
            return Answer::Unknown(SERVICES);
        }
        Answer::Refused(Refusal::Full { pools: names(&capable), family: full_family.filter(|_| need != Need::Either) })
    }
}

/// Whether the pool has addresses of the families that are needed at all.
fn capable(pool: &Pool, need: Need) -> bool {
    let has = |family| capacity(pool, family) > 0;
    match need {
        Need::One(family) => has(family),
        Need::Both => has(Family::V4) && has(Family::V6),
        Need::Either => has(Family::V4) || has(Family::V6),
    }
}

fn names(pools: &[&Pool]) -> Vec<String> {
    pools.iter().map(|pool| pool.name.clone()).collect()
}
