//! What can be said of a playbook before anything is touched: unknown words, and words outside its `uses`.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rhai::{AST, ASTNode, Engine, Expr, Position, Stmt};

use super::diagnostics::spot;
use super::header::Header;
use super::sandbox;
use crate::model::diagnostic::{Diagnostic, Source, codes, did_you_mean};
use crate::words::reference;

/// Functions that the language has without any word of ours.
#[must_use]
pub fn rhais_own() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let signatures = sandbox::bare().gen_fn_signatures(true);
        let named = signatures
            .iter()
            .filter_map(|signature| signature.split('(').next())
            .map(|head| head.rsplit(' ').next().unwrap_or(head).to_owned());
        // These are part of the language itself and have no signature.
        let keywords = ["print", "debug", "type_of", "call", "curry", "is_shared", "is_def_var", "is_def_fn", "Fn"].map(str::to_owned);
        named.chain(keywords).collect()
    })
}

/// Every mistake of a script, in the order of the text.
#[must_use]
pub fn mistakes(engine: &Engine, source: &Source, ast: &AST, header: &Header) -> Vec<Diagnostic> {
    let own: BTreeSet<&str> = ast.iter_functions().map(|function| function.name).collect();
    let mut found: Vec<Diagnostic> = Vec::new();
    ast.walk(&mut |path| {
        let call = match path.last() {
            Some(ASTNode::Stmt(Stmt::FnCall(call, position)) | ASTNode::Expr(Expr::FnCall(call, position))) => Some((call, *position)),
            _ => None,
        };
        if let Some((call, position)) = call
            && !call.is_qualified()
            && !own.contains(call.name.as_str())
        {
            found.extend(mistake(call.name.as_str(), header, |code, message| said(engine, source, position, code, message)));
        }
        true
    });
    found.sort_by_key(Diagnostic::start);
    found.dedup();
    found
}

fn said(engine: &Engine, source: &Source, position: Position, code: &str, message: String) -> Diagnostic {
    Diagnostic::new(code, spot(engine, source, position), message)
}

/// What is wrong with calling that name.
fn mistake(name: &str, header: &Header, say: impl Fn(&str, String) -> Diagnostic) -> Option<Diagnostic> {
    let Some(word) = reference::word(name) else {
        if rhais_own().contains(name) {
            return None;
        }
        let hint = did_you_mean(name, reference::WORDS.iter().map(|word| word.name));
        return Some(say(codes::UNKNOWN_WORD, format!("there is no word `{name}`")).maybe(hint));
    };
    if word.capability.is_empty() || header.uses.iter().any(|capability| capability == word.capability) {
        return None;
    }
    let message = format!("`{name}` needs the capability `{}`, which the header's `uses` does not list", word.capability);
    Some(say(codes::CAPABILITY, message).hint(format!("add `{}` to `uses` in the header", word.capability)))
}
