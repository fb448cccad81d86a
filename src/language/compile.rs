//! A script as Rhai understands it, or the first place where it does not.

use rhai::{AST, Engine, Scope};

use super::{diagnostics, format};
use crate::model::diagnostic::{Diagnostic, Source, codes};

/// What Rhai reads of a script.
///
/// # Errors
/// The first place where it does not go on. A comment without an end is one: Rhai would pass over everything behind it in silence.
pub(super) fn compiled(engine: &Engine, scope: &Scope, source: &Source) -> Result<AST, Box<Diagnostic>> {
    if let Some(at) = format::endless_comment(source.text) {
        let message = "the script cannot be read: this comment has no end, and everything behind it would be a part of it";
        let mistake = Diagnostic::new(codes::SYNTAX, Some(source.spot(at..at + 2)), message);
        return Err(Box::new(mistake.hint("end it with `*/`")));
    }
    engine.compile_with_scope(scope, source.text).map_err(|error| Box::new(diagnostics::unparsed(engine, source, &error)))
}
