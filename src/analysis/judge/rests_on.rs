//! What a proven finding rests on: what its proof was seen to look at, the tries that it is about with the captures that show where they
//! ended, and the objects that its rule is read from.

use std::collections::BTreeSet;

use super::case::Case;
use super::objects::Objects;
use super::road::Road;
use crate::analysis::looked_at::in_order;
use crate::model::basis::{Basis, BasisKind};
use crate::model::finding::Finding;
use crate::model::place::Place;

/// All of it, in order, each once.
pub(super) fn of(case: &Case, roads: &[&Road], objects: &[Objects], looked: &[Basis], finding: &Finding) -> Vec<Basis> {
    // A proof that is about some tries rests on them and on where they were seen, whatever else it goes through on its way to them.
    let own = |basis: &&Basis| roads.is_empty() || !matches!(basis.kind, BasisKind::Capture | BasisKind::Probe);
    let mut all: Vec<Basis> = looked.iter().filter(own).cloned().collect();
    all.extend(roads.iter().flat_map(|road| of_road(road)));
    all.extend(objects.iter().flat_map(|objects| objects.asked(case, finding)));
    in_order(all)
}

/// The try itself, and the captures of its round: to where it vanished, or all those on its path.
fn of_road(road: &Road) -> Vec<Basis> {
    let client = road.client();
    let mut places = BTreeSet::from([client.clone()]);
    match road.vanished() {
        Some(gone) => places.extend([gone.last.place().to_owned(), gone.next.place().to_owned()]),
        None => places.extend(road.points().iter().map(|point| point.place().to_owned())),
    }
    let captured = |place: &&Place| places.contains(&place.to_string());
    let all = road.captures().iter().map(|capture| &capture.request.place).filter(captured);
    let tries = Basis::tries(&road.connection.vantage, all.clone().find(|place| place.to_string() == client));
    all.map(Basis::capture).chain(tries).collect()
}
