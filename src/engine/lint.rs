//! What can be said of a playbook before anything is touched: unknown words, and words outside its `uses`.

use rhai::{AST, ASTNode, Expr, Position, Stmt};

use super::header::Header;
use crate::words::reference;

/// A mistake and where it is.
pub struct Mistake {
    pub position: Position,
    pub message: String,
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
        // Rhai's own functions are not words of ours; only a near miss of a word is surely meant as one.
        let near = crate::analysis::similar::nearest(name, reference::WORDS.iter().map(|word| word.name));
        return near
            .filter(|near| strsim::damerau_levenshtein(near, name) <= 2 && name.len() > 4)
            .map(|near| Mistake { position, message: format!("there is no word `{name}`; did you mean `{near}`?") });
    };
    if word.capability.is_empty() || header.uses.iter().any(|capability| capability == word.capability) {
        return None;
    }
    Some(Mistake {
        position,
        message: format!("`{name}` needs the capability `{}`, which the header's `uses` does not list", word.capability),
    })
}
