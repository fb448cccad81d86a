//! `lbdiag diff`: what changed between two runs that means anything.

use std::path::Path;

use clap::ValueEnum;

use super::exit::Exit;
use super::{kept, print, refuse};
use crate::outcomes::{self, Result as Compared};

/// How a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Text,
    Json,
    Markdown,
}

/// Compares two outcomes, and says by the exit code how they differ.
pub(super) fn diff(before: &Path, after: &Path, form: Form, warn_exit: u8) -> Exit {
    let (before, after) = match kept::outcome(before).and_then(|before| Ok((before, kept::outcome(after)?))) {
        Ok(both) => both,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let comparison = outcomes::compare(&before, &after);
    let text = match form {
        Form::Text => outcomes::text(&comparison),
        Form::Json => outcomes::json(&comparison),
        Form::Markdown => outcomes::markdown(&comparison),
    };
    match print(&text) {
        Exit::Good => match comparison.result {
            Compared::Same => Exit::Good,
            Compared::Worse => Exit::Fail,
            Compared::Changed => Exit::Warn(warn_exit),
        },
        failed => failed,
    }
}
