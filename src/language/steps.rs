//! Which variables a script fills by its steps: what an error about one of them goes back to.

use std::collections::BTreeMap;

use rhai::{AST, ASTNode, EvalAltResult, Expr, FnCallExpr, Stmt};

use crate::model::diagnostic::{Diagnostic, Source};

/// The title of the step that gives each variable its value.
#[must_use]
pub fn given_by(ast: &AST) -> BTreeMap<String, String> {
    let mut given = BTreeMap::new();
    ast.walk(&mut |path| {
        let filled = match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(variable, ..))) => title(&variable.1).map(|title| (variable.0.name.to_string(), title)),
            Some(ASTNode::Stmt(Stmt::Assignment(assigned))) => match &assigned.1.lhs {
                Expr::Variable(variable, ..) => title(&assigned.1.rhs).map(|title| (variable.1.to_string(), title)),
                _ => None,
            },
            _ => None,
        };
        given.extend(filled);
        true
    });
    given
}

/// The titles of all steps that are written out.
#[must_use]
pub fn titles(ast: &AST) -> Vec<String> {
    let mut titles = Vec::new();
    ast.walk(&mut |path| {
        let call = match path.last() {
            Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) => Some(call),
            _ => None,
        };
        if let Some(Expr::StringConstant(title, ..)) = call.filter(|call| call.name == "step").and_then(|call| call.args.first()) {
            titles.push(title.to_string());
        }
        true
    });
    titles
}

/// Whether a script names that variable anywhere.
#[must_use]
pub fn names(ast: &AST, name: &str) -> bool {
    let mut named = false;
    ast.walk(&mut |path| {
        named |= matches!(path.last(), Some(ASTNode::Expr(Expr::Variable(variable, ..))) if variable.1 == name);
        !named
    });
    named
}

/// The title of a step whose value is the expression.
fn title(expression: &Expr) -> Option<String> {
    let Expr::FnCall(call, ..) = expression else { return None };
    let FnCallExpr { name, args, .. } = &**call;
    match args.first() {
        Some(Expr::StringConstant(title, ..)) if name == "step" => Some(title.to_string()),
        _ => None,
    }
}

/// The same mistake, told by the step that it comes of: it stands in a line that reads what a step should have given, and that step failed.
/// `why` tells why the step of that title failed, when it did.
#[must_use]
pub fn traced(mistake: Diagnostic, error: &EvalAltResult, ast: &AST, source: &Source, why: &dyn Fn(&str) -> Option<String>) -> Diagnostic {
    let about_nothing = match error.unwrap_inner() {
        EvalAltResult::ErrorFor(..) => true,
        other => other.to_string().contains("()"),
    };
    let Some(spot) = mistake.spot.as_ref().filter(|_| about_nothing) else { return mistake };
    let line = source.text.lines().nth(spot.span.start.line.saturating_sub(1)).unwrap_or_default();
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut given = given_by(ast).into_iter().filter(|(name, _)| words.contains(&name.as_str()));
    let Some((name, title, why)) = given.find_map(|(name, title)| why(&title).map(|why| (name, title, why))) else {
        return mistake;
    };
    Diagnostic {
        message: format!("`{name}` is (), because the step \"{title}\" failed: {why}"),
        hint: Some(format!("go on without it: `if {name} != () {{ … }}`")),
        ..mistake
    }
}
