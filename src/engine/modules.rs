//! Gives a running script the modules that were read with it, and no others.

use std::sync::Arc;

use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use crate::language::modules;

/// The modules of one playbook.
pub(super) struct Read(pub(super) Arc<Vec<modules::Module>>);

impl ModuleResolver for Read {
    fn resolve(&self, engine: &Engine, _source: Option<&str>, path: &str, at: Position) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let module = self.0.iter().find(|module| module.name == path);
        let module = module.ok_or_else(|| Box::new(EvalAltResult::ErrorModuleNotFound(path.to_owned(), at)))?;
        Module::eval_ast_as_new(Scope::new(), &module.ast, engine).map(Shared::new)
    }
}
