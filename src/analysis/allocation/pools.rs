//! Whether a pool serves a Service, and whether it has an address left for it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::Rules;
use super::sharing;
use crate::analysis::addresses::{Family, Ranges, capacity};
use crate::model::metallb::{LabelSelector, Metallb, Pool};
use crate::model::service::Service;

/// Why a pool does not serve a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotServed {
    /// It serves certain namespaces, and this is none of them.
    Namespace { names: Vec<String>, by_labels: bool },
    /// None of its serviceSelectors selects the Service.
    Labels,
    /// Its serviceAllocation names nobody, so that it gives addresses only on request.
    Nobody,
}

impl fmt::Display for NotServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace { names, by_labels: false } => write!(f, "it serves only the namespaces {}", names.join(", ")),
            Self::Namespace { names, by_labels: true } if names.is_empty() => {
                f.write_str("its namespaceSelectors do not select the Service's namespace")
            }
            Self::Namespace { names, by_labels: true } => write!(
                f,
                "it serves only the namespaces {} and those that its namespaceSelectors select, which this one is not",
                names.join(", ")
            ),
            Self::Labels => f.write_str("its serviceSelectors do not select the Service's labels"),
            Self::Nobody => f.write_str("its serviceAllocation selects nobody"),
        }
    }
}

/// What is left of one family in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Free,
    Full,
    Unknown,
}

/// Whether the pool serves the Service when it is asked for; `None` when labels decide that were not read.
#[must_use]
pub fn serves(pool: &Pool, service: &Service, metallb: &Metallb) -> Option<Result<(), NotServed>> {
    match place(pool, service, metallb) {
        Place::Inside => {}
        Place::Outside => return Some(Err(elsewhere(pool))),
        // MetalLB counts the namespaces that the selectors found: when they find none at all, the pool is open to requests
        // from everywhere. One namespace's labels do not tell that; MetalLB's own refusal does.
        Place::NotSelected => return refused_as_incompatible(pool, metallb).then(|| Err(elsewhere(pool))),
        Place::Unknown => return None,
    }
    Some(by_labels(pool, service))
}

/// The same for a Service that asks for nothing: a restricted pool must have selected it by namespace or labels.
#[must_use]
pub fn serves_by_itself(pool: &Pool, service: &Service, metallb: &Metallb, rules: Rules) -> Option<Result<(), NotServed>> {
    let empty = pool.namespaces.is_empty() && pool.namespace_selectors.is_empty() && pool.service_selectors.is_empty();
    if pool.restricted && empty && !rules.empty_allocation_serves() {
        return Some(Err(NotServed::Nobody));
    }
    if place(pool, service, metallb) == Place::NotSelected && (pool.service_selectors.is_empty() || by_labels(pool, service).is_err()) {
        return Some(Err(elsewhere(pool)));
    }
    serves(pool, service, metallb)
}

/// Where the Service's namespace stands to those of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Inside,
    Outside,
    /// The pool names no namespace, and its selectors do not select this one.
    NotSelected,
    Unknown,
}

fn place(pool: &Pool, service: &Service, metallb: &Metallb) -> Place {
    let anywhere = pool.namespaces.is_empty() && pool.namespace_selectors.is_empty();
    if anywhere || pool.namespaces.contains(&service.namespace) {
        return Place::Inside;
    }
    if pool.namespace_selectors.is_empty() {
        return Place::Outside;
    }
    match metallb.namespace_labels.as_ref() {
        None => Place::Unknown,
        Some(labels) if any_selects(&pool.namespace_selectors, labels) => Place::Inside,
        Some(_) if pool.namespaces.is_empty() => Place::NotSelected,
        Some(_) => Place::Outside,
    }
}

fn elsewhere(pool: &Pool) -> NotServed {
    NotServed::Namespace { names: pool.namespaces.clone(), by_labels: !pool.namespace_selectors.is_empty() }
}

fn by_labels(pool: &Pool, service: &Service) -> Result<(), NotServed> {
    if pool.service_selectors.is_empty() || any_selects(&pool.service_selectors, &service.labels) {
        return Ok(());
    }
    Err(NotServed::Labels)
}

/// Whether MetalLB itself said that the pool does not serve the Service (the same words from 0.13 to 0.16).
fn refused_as_incompatible(pool: &Pool, metallb: &Metallb) -> bool {
    let said = format!("pool {} not compatible for ip assignment", pool.name);
    let newest = metallb.events.iter().flatten().filter(|event| event.reason == "AllocationFailed").max_by(|a, b| a.at.cmp(&b.at));
    let logged = metallb.controller_log.as_ref().and_then(|log| log.about_service.as_ref());
    newest.is_some_and(|event| event.message.contains(&said)) || logged.is_some_and(|(_, text)| text.contains(&said))
}

fn any_selects(selectors: &[LabelSelector], labels: &BTreeMap<String, String>) -> bool {
    selectors.iter().any(|selector| selector.selects(labels))
}

/// Whether the pool has an address of the family that the Service may take: a free one, or one that it may share.
#[must_use]
pub fn room(pool: &Pool, family: Family, service: &Service, metallb: &Metallb, rules: Rules) -> Room {
    let size = capacity(pool, family);
    if size == 0 {
        return Room::Full;
    }
    let Some(holders) = metallb.holders.as_deref() else {
        // The pool's own count is a little older than the Services, and knows nothing of sharing.
        let left = if family == Family::V4 { pool.available_v4 } else { pool.available_v6 };
        return match left {
            Some(0) => Room::Full,
            Some(_) => Room::Free,
            None => Room::Unknown,
        };
    };
    let closed =
        held(pool, family, holders).into_values().filter(|who| who.iter().any(|holder| sharing::with(holder, service, rules).is_some()));
    if u128::try_from(closed.count()).is_ok_and(|closed| closed >= size) { Room::Full } else { Room::Free }
}

/// The addresses of the pool that are held, each with its holders.
#[must_use]
pub fn held<'a>(pool: &Pool, family: Family, holders: &'a [Service]) -> BTreeMap<IpAddr, Vec<&'a Service>> {
    let mut held: BTreeMap<IpAddr, Vec<&Service>> = BTreeMap::new();
    let gives = Ranges::of(pool);
    for holder in holders {
        for address in holder.addresses.iter().filter(|address| Family::of(**address) == family && gives.give(**address)) {
            held.entry(*address).or_default().push(holder);
        }
    }
    held
}
