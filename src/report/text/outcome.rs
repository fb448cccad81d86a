//! The text report: what a person reads at night. The answer first, on one screen; what it rests on when that is asked for.

mod answer;
mod cause;
mod details;
mod gaps;
mod path;
mod places;
mod proof;
mod questions;
mod wording;

pub(in crate::report) use answer::{counted, left_behind, times};
pub(in crate::report) use cause::headline;
pub(in crate::report) use details::{ran, ran_whole};
pub(in crate::report) use gaps::grouped;
pub(in crate::report) use path::{end, offset};
pub(in crate::report) use proof::ruled_out;
pub(in crate::report) use wording::{announced, captures, short, tenths};

use super::page::{Detail, Page, Style};
use crate::model::outcome::Outcome;

/// The whole report, with a line end.
#[must_use]
pub fn text(outcome: &Outcome, style: Style) -> String {
    let mut page = Page::new(style);
    answer::write(&mut page, outcome);
    if style.detail >= Detail::Facts {
        details::write(&mut page, outcome);
    }
    if style.detail >= Detail::Questions {
        questions::write(&mut page, outcome);
    }
    page.text
}

const RED: &str = "1;31";
const GREEN: &str = "1;32";
const YELLOW: &str = "1;33";
const CYAN: &str = "1;36";
const DIM: &str = "2";

#[cfg(test)]
pub(in crate::report) mod tests;
