//! What can be said of a playbook before anything is touched: names that are none, words outside of its `uses`, arguments, options and
//! fields that do not exist, types that do not fit, and what is declared for nothing.
//!
//! Where a value's type is not surely known nothing is said of it: a mistake that is told is one.

mod calls;
mod chains;
mod changed;
mod closures;
mod expressions;
mod literals;
mod natives;
mod operators;
mod reader;
mod script;
mod statements;
mod types;
mod unused;
mod words;

use rhai::{AST, Engine};

use self::reader::Reader;
use self::script::Script;
use super::header::Header;
use crate::model::diagnostic::{Diagnostic, Source};

/// The mistakes of a script, and what will be one, in the order of the text.
#[must_use]
pub fn mistakes(engine: &Engine, source: &Source, ast: &AST, header: &Header) -> Vec<Diagnostic> {
    let script = Script::of(ast);
    let mut reader = Reader::new(engine, source, header, &script);
    reader.readings(Reader::script);
    reader.shadowing();
    reader.unused();
    reader.told()
}

/// Those of a fragment that a site runs at a step of a playbook: it finds more there, and uses what it needs of the playbook's header.
#[must_use]
pub fn mistakes_of_fragment(engine: &Engine, source: &Source, ast: &AST, header: &Header) -> Vec<Diagnostic> {
    let script = Script::of(ast);
    let mut reader = Reader::new(engine, source, header, &script);
    reader.constants.extend(["given", "when"]);
    reader.readings(Reader::script);
    reader.shadowing();
    reader.told()
}
