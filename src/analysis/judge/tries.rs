//! What a rule looks at that goes by connections alone: some that failed alike, and the node that they are followed to.

use super::case::Case;
use super::road::Road;
use super::rule::View;

/// Connections that failed alike.
pub(super) struct Tries<'a> {
    pub case: &'a Case<'a>,
    pub roads: &'a [&'a Road<'a>],
    /// The node that took them; empty where none did.
    pub node: &'a str,
}

/// Connections that failed alike.
pub(super) struct OfTries;

impl View for OfTries {
    type Of<'a> = Tries<'a>;

    fn case<'s>(scene: &'s Tries<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Tries<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}
