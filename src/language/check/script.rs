//! The parts of a script that Rhai read: its statements, its own functions, and the closures in it.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, ASTNode, Position, Stmt};

/// Everything of a script.
pub(super) struct Script {
    pub(super) statements: Vec<Stmt>,
    /// The script's own functions and its closures, by name and number of parameters.
    functions: BTreeMap<String, BTreeMap<usize, Function>>,
}

/// A function of the script, or a closure.
pub(super) struct Function {
    pub(super) name: String,
    /// For a closure what it captures comes first.
    pub(super) params: Vec<String>,
    pub(super) body: Vec<Stmt>,
    /// Where its body begins.
    pub(super) at: Position,
}

impl Function {
    /// Whether its author gave it a name.
    pub(super) fn is_named(&self) -> bool {
        !self.name.starts_with("anon$")
    }
}

impl Script {
    /// Takes the parts out of what Rhai read.
    pub(super) fn of(ast: &AST) -> Self {
        let mut functions: BTreeMap<String, BTreeMap<usize, Function>> = BTreeMap::new();
        for function in ast.iter_functions() {
            let params: Vec<String> = function.params.iter().map(|param| (*param).to_owned()).collect();
            let Some(known) = ast.shared_lib().get_script_fn(function.name, params.len()) else { continue };
            let at = known.body.start_position();
            // A body is not public in Rhai, but a walk comes by it: of an AST that holds this function alone it meets nothing else.
            let mut alone = ast.clone_functions_only();
            alone.retain_functions(|_, _, name, count| name == function.name && count == params.len());
            let one = Function { name: function.name.to_owned(), body: roots(&alone), params, at };
            functions.entry(one.name.clone()).or_default().insert(one.params.len(), one);
        }
        Self { statements: ast.statements().to_vec(), functions }
    }

    /// The functions of that name, by their number of parameters.
    pub(super) fn named(&self, name: &str) -> Option<&BTreeMap<usize, Function>> {
        self.functions.get(name)
    }

    /// The only function of that name: a closure.
    pub(super) fn only(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)?.values().next()
    }

    /// The functions that have a name, each once for each number of parameters.
    pub(super) fn own(&self) -> impl Iterator<Item = &Function> {
        self.functions.values().flat_map(BTreeMap::values).filter(|function| function.is_named())
    }

    /// Their names.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.own().map(|function| function.name.as_str()).collect()
    }
}

fn roots(ast: &AST) -> Vec<Stmt> {
    let mut roots = Vec::new();
    ast.walk(&mut |path| {
        if let [ASTNode::Stmt(root)] = path {
            roots.push((*root).clone());
        }
        true
    });
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_found_with_its_own_statements() {
        let text = "fn a(x) { let y = x; y + 1 }\nlet l = [1].map(|x| { let z = || x; z.call() });\nfn a() {}\na(1);";
        let engine = crate::language::sandbox::bare();
        let script = Script::of(&engine.compile(text).unwrap());
        assert_eq!((script.statements.len(), script.names().len()), (2, 1));
        let bodies: Vec<usize> = script.own().map(|function| function.body.len()).collect();
        assert_eq!(bodies, [0, 2]);
        assert_eq!(script.named("a").unwrap()[&1].at.line(), Some(1));
    }
}
