//! The one style of playbooks: spaces, indents and blank lines; lines end where their author ended them, and what is aligned with the line
//! above or below stays so. Comments and texts are copied.
//!
//! It never changes what a playbook means: the pieces, and what Rhai reads of them, are the same before and after, or nothing is written.

mod layout;
mod pieces;

use std::sync::{Arc, Mutex, PoisonError};

use super::{diagnostics, sandbox};
use crate::model::diagnostic::{Diagnostic, Source, codes};

/// Rounds within which a text comes to rest: what is aligned may lose that when its neighbour moves.
const ROUNDS: usize = 16;

/// The text in the one style.
///
/// # Errors
/// The first place at which the script cannot be read. A mistake of lbdiag's own, when the text would mean something else.
pub fn format(source: &Source) -> Result<String, Box<Diagnostic>> {
    let read = tokens(source)?;
    let mut text = source.text.to_owned();
    for _ in 0..ROUNDS {
        let next = match pieces::pieces(&text) {
            Ok(pieces) => layout::laid_out(&pieces),
            Err(byte) => {
                let spot = source.spot(byte..byte + 1);
                let message = "the script cannot be read: what begins here has no end";
                return Err(Box::new(Diagnostic::new(codes::SYNTAX, Some(spot), message)));
            }
        };
        if next == text {
            return difference(source, &read, &text).map_or(Ok(text), |what| Err(Box::new(another_meaning(source, &what))));
        }
        text = next;
    }
    Err(Box::new(another_meaning(source, "it does not come to rest")))
}

fn another_meaning(source: &Source, what: &str) -> Diagnostic {
    let message = format!("{} cannot be formatted without changing it; this is a mistake of lbdiag, and nothing was written", source.file);
    Diagnostic::new(codes::BUG, None, message).note(what)
}

/// What is other in a text: a piece of it, comments among them, or what Rhai reads of it. `None` when it is the same.
fn difference(source: &Source, read: &[String], text: &str) -> Option<String> {
    let texts = |text: &str| pieces::pieces(text).map(|all| all.into_iter().map(|piece| piece.text.to_owned()).collect::<Vec<_>>());
    let (before, after) = (texts(source.text).unwrap_or_default(), texts(text).unwrap_or_default());
    first_other(&before, &after, "the piece").or_else(|| match tokens(&Source { file: source.file, text }) {
        Ok(now) => first_other(read, &now, "the token"),
        Err(mistake) => Some(mistake.to_string()),
    })
}

fn first_other(before: &[String], after: &[String], what: &str) -> Option<String> {
    let at = (0..before.len().max(after.len())).find(|at| before.get(*at) != after.get(*at))?;
    let shown = |all: &[String]| all.get(at).map_or("nothing", String::as_str).to_owned();
    Some(format!("{what} {at} is {} and would be {}", shown(before), shown(after)))
}

/// The byte at which a comment begins that has no end: Rhai takes everything behind it for a part of it, and says nothing.
pub(super) fn endless_comment(text: &str) -> Option<usize> {
    pieces::pieces(text).err().filter(|at| text[*at..].starts_with("/*"))
}

/// What Rhai reads, token by token.
#[expect(deprecated, reason = "it is marked so because it may change with another version of Rhai, whose version is pinned")]
fn tokens(source: &Source) -> Result<Vec<String>, Box<Diagnostic>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let mut engine = sandbox::bare();
    engine.on_parse_token(move |token, _, _| {
        sees.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{token:?}"));
        token
    });
    let read = engine.compile(source.text);
    read.map_err(|error| Box::new(diagnostics::unparsed(&engine, source, &error)))?;
    let tokens = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(tokens)
}

#[cfg(test)]
mod tests;
