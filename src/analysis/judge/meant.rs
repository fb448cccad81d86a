//! What the rules about an announcement look at.

use super::case::Case;
use super::rule::View;
use crate::model::announcement::Announcement;

/// An address as it is meant to be announced.
pub(super) struct Meant<'a> {
    pub case: &'a Case<'a>,
    pub announcement: &'a Announcement,
}

/// Who announces, and who should.
pub(super) struct Announcing;

impl View for Announcing {
    type Of<'a> = Meant<'a>;

    fn case<'s>(scene: &'s Meant<'_>) -> &'s Case<'s> {
        scene.case
    }
}
