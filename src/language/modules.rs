//! The modules that a script imports: found by whoever reads it, checked here, and bounded by the script's own header.

use std::sync::Arc;

use rhai::{AST, ASTNode, Engine, Expr, Position, Scope, Stmt};

use super::compile::compiled;
use super::diagnostics::spot;
use super::header::Header;
use super::{check, read_header};
use crate::model::diagnostic::{Diagnostic, Level, Source, codes};

/// Modules that import each other, one after the other.
const DEEPEST: usize = 8;

/// A module's text, as it was found.
pub struct Found {
    /// Its file, or its name where it is inside lbdiag.
    pub path: String,
    pub text: String,
    /// Whether it is inside lbdiag.
    pub shipped: bool,
}

/// Where modules are looked for.
pub trait Library {
    /// The module of that name, such as `lib/announce`; `None` when there is none.
    ///
    /// # Errors
    /// When the name leads out of where modules are, or the file cannot be read.
    fn find(&self, name: &str) -> Result<Option<Found>, String>;
}

/// Nowhere.
pub struct NoLibrary;

impl Library for NoLibrary {
    fn find(&self, _name: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

/// A module that may run.
pub struct Module {
    /// As it is imported.
    pub name: String,
    pub header: Header,
    pub found: Found,
    pub(crate) ast: Arc<AST>,
}

/// What became of a script's imports.
#[derive(Default)]
pub struct Imports {
    pub modules: Vec<Module>,
    /// Mistakes of the imports and of the modules.
    pub wrong: Vec<Diagnostic>,
    /// Imports that were found nowhere: another library may have them.
    pub lacking: Vec<Diagnostic>,
}

impl Imports {
    /// Finds, reads and checks everything that a script imports, and what those import.
    pub fn follow(&mut self, engine: &Engine, source: &Source, ast: &AST, header: &Header, library: &dyn Library) {
        self.of(engine, source, ast, header, library, &mut Vec::new());
    }

    /// `within` are the modules that led here: one of them would import itself.
    fn of(&mut self, engine: &Engine, source: &Source, ast: &AST, header: &Header, library: &dyn Library, within: &mut Vec<String>) {
        for (name, at) in imported(ast) {
            let say = |code: &str, message: String| Diagnostic::new(code, spot(engine, source, at), message);
            let Some(name) = name else {
                let message = "an import names its module as a text that is written out, such as \"lib/announce\"".to_owned();
                self.wrong.push(say(codes::SYNTAX, message));
                continue;
            };
            if within.contains(&name) || within.len() >= DEEPEST {
                let message = format!("\"{name}\" is imported in a circle, or more than {DEEPEST} levels deep");
                self.wrong.push(say(codes::LIMIT, message));
                continue;
            }
            // A module that is imported again is the same.
            if !self.modules.iter().any(|known| known.name == name) {
                match library.find(&name) {
                    Err(why) => self.wrong.push(say(codes::UNREADABLE, format!("import \"{name}\": {why}"))),
                    Ok(None) => self.lacking.push(
                        say(codes::UNREADABLE, format!("there is no module \"{name}\""))
                            .hint("modules are looked for in the playbook's folder, in the site's `library` and among the shipped ones"),
                    ),
                    Ok(Some(found)) => self.take(engine, name.clone(), found, library, within),
                }
            }
            let uses = self.modules.iter().find(|known| known.name == name).map(|module| module.header.uses.clone()).unwrap_or_default();
            for capability in uses.iter().filter(|capability| !header.uses.contains(capability)) {
                let message = format!("the module \"{name}\" uses `{capability}`, which the header's `uses` does not list");
                self.wrong.push(say(codes::CAPABILITY, message).hint(format!("add `{capability}` to `uses` in the header")));
            }
        }
    }

    /// Reads a module, and what it imports itself.
    fn take(&mut self, engine: &Engine, name: String, found: Found, library: &dyn Library, within: &mut Vec<String>) {
        let Some(module) = self.read(engine, name.clone(), found) else { return };
        let (ast, header) = (Arc::clone(&module.ast), module.header.clone());
        let (path, text) = (module.found.path.clone(), module.found.text.clone());
        let at = self.modules.len();
        within.push(name);
        self.of(engine, &Source { file: &path, text: &text }, &ast, &header, library, within);
        within.pop();
        self.modules.insert(at, module);
    }

    fn read(&mut self, engine: &Engine, name: String, found: Found) -> Option<Module> {
        let source = Source { file: &found.path, text: &found.text };
        let header = match read_header::read(&source) {
            Ok(header) => header,
            Err(wrong) => {
                self.wrong.extend(wrong);
                return None;
            }
        };
        match compiled(engine, &Scope::new(), &source) {
            Err(mistake) => {
                self.wrong.push(*mistake);
                None
            }
            Ok(ast) => {
                let wrong = check::mistakes(engine, &source, &ast, &header, &[]);
                self.wrong.extend(wrong.into_iter().filter(|one| one.severity != Level::Warning));
                Some(Module { name, header, found, ast: Arc::new(ast) })
            }
        }
    }
}

/// What a script imports, each with its place; `None` for a name that is made only when it runs.
pub(super) fn imported(ast: &AST) -> Vec<(Option<String>, Position)> {
    let mut all = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Import(import, at))) = path.last() {
            all.push(match &import.0 {
                Expr::StringConstant(name, at) => (Some(name.to_string()), *at),
                _ => (None, *at),
            });
        }
        true
    });
    all
}
