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
pub fn format(source: &Source) -> Result<String, Diagnostic> {
    let read = tokens(source)?;
    let mut text = source.text.to_owned();
    for _ in 0..ROUNDS {
        let next = match pieces::pieces(&text) {
            Ok(pieces) => layout::laid_out(&pieces),
            Err(byte) => {
                let spot = source.spot(byte..byte + 1);
                return Err(Diagnostic::new(codes::SYNTAX, Some(spot), "the script cannot be read: what begins here has no end"));
            }
        };
        if next == text {
            return if is_the_same(source, &read, &text) { Ok(text) } else { Err(another_meaning(source)) };
        }
        text = next;
    }
    Err(another_meaning(source))
}

fn another_meaning(source: &Source) -> Diagnostic {
    let message = format!("{} cannot be formatted without changing it; this is a mistake of lbdiag, and nothing was written", source.file);
    Diagnostic::new(codes::BUG, None, message)
}

/// Whether a text has the same pieces, comments among them, and Rhai reads the same of it.
fn is_the_same(source: &Source, read: &[String], text: &str) -> bool {
    let texts = |text: &str| pieces::pieces(text).map(|all| all.into_iter().map(|piece| piece.text.to_owned()).collect::<Vec<_>>());
    texts(source.text) == texts(text) && tokens(&Source { file: source.file, text }).is_ok_and(|now| now == *read)
}

/// What Rhai reads, token by token.
#[expect(deprecated, reason = "it is marked so because it may change with another version of Rhai, whose version is pinned")]
fn tokens(source: &Source) -> Result<Vec<String>, Diagnostic> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let mut engine = sandbox::bare();
    engine.on_parse_token(move |token, _, _| {
        sees.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{token:?}"));
        token
    });
    let read = engine.compile(source.text);
    read.map_err(|error| diagnostics::unparsed(&engine, source, &error))?;
    let tokens = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(tokens)
}

#[cfg(test)]
mod tests;
