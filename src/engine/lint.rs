//! What can be said of a playbook before anything is touched: unknown words, and words outside its `uses`.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rhai::{AST, ASTNode, Expr, Position, Stmt};

use super::header::Header;
use super::sandbox;
use crate::words::reference;

/// A mistake and where it is.
pub struct Mistake {
    pub position: Position,
    pub message: String,
}

/// Functions that the language has without any word of ours.
fn rhais_own() -> &'static BTreeSet<String> {
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

/// The first mistake of a playbook, if any.
#[must_use]
pub fn first_mistake(ast: &AST, header: &Header) -> Option<Mistake> {
    let own: Vec<String> = ast.iter_functions().map(|function| function.name.to_owned()).collect();
    let mut found: Option<Mistake> = None;
    ast.walk(&mut |path| {
        let call = match path.last() {
            Some(ASTNode::Stmt(Stmt::FnCall(call, position)) | ASTNode::Expr(Expr::FnCall(call, position))) => Some((call, *position)),
            _ => None,
        };
        if let Some((call, position)) = call
            && !call.is_qualified()
            && !own.iter().any(|name| *name == call.name.as_str())
        {
            found = mistake(call.name.as_str(), position, header);
        }
        found.is_none()
    });
    found
}

fn mistake(name: &str, position: Position, header: &Header) -> Option<Mistake> {
    let Some(word) = reference::word(name) else {
        if rhais_own().contains(name) {
            return None;
        }
        let near = crate::analysis::similar::nearest(name, reference::WORDS.iter().map(|word| word.name));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Some(Mistake { position, message: format!("there is no word `{name}`{hint}") });
    };
    if word.capability.is_empty() || header.uses.iter().any(|capability| capability == word.capability) {
        return None;
    }
    Some(Mistake {
        position,
        message: format!("`{name}` needs the capability `{}`, which the header's `uses` does not list", word.capability),
    })
}
