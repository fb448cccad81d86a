//! A playbook read from its file and checked, before anything is touched.

use std::fmt::{self, Write};
use std::sync::Arc;

use rhai::AST;
use sha2::{Digest, Sha256};

use super::at_a_step::AtAStep;
use super::compile::compiled;
use super::header::Header;
use super::modules::{Imports, Library, Module, NoLibrary, imported};
use super::{check, diagnostics, read_header, sandbox, steps};
use crate::model::capability::CAPABILITIES;
use crate::model::diagnostic::{Diagnostic, Level, Source, codes};

/// A playbook that may run.
#[derive(Clone)]
pub struct Playbook {
    pub header: Header,
    pub path: String,
    pub source: String,
    /// What runs, and is likely not meant, or will not for ever.
    pub warnings: Vec<Diagnostic>,
    /// What it imports.
    pub modules: Arc<Vec<Module>>,
    /// Imports that were found nowhere; it may not run with one.
    pub lacking: Vec<Diagnostic>,
    /// Where its text came from.
    pub origin: Origin,
    /// Shared with the thread that runs it.
    pub(crate) ast: Arc<AST>,
}

impl Playbook {
    /// The SHA-256 of its text, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256(&self.source)
    }

    /// What whoever runs it should know: what will not run for ever. The rest is for its author, whom the check tells.
    pub fn notices(&self) -> impl Iterator<Item = &Diagnostic> {
        self.warnings.iter().filter(|one| one.code == codes::OLD_NAME)
    }
}

/// The SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string has no way to fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Where a playbook's text came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    #[default]
    File,
    /// A file, which has the name of a shipped one.
    InPlaceOfShipped,
    /// It is inside lbdiag.
    Shipped,
}

/// A playbook that may not run, with everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Broken {
    /// In the order of the text; at least one.
    pub diagnostics: Vec<Diagnostic>,
}

/// A line for each.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.diagnostics.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Reads a playbook from its text; `shown` names it in errors.
///
/// # Errors
/// Every mistake of the header together with those of the script. Of a script that Rhai cannot read, the first place
/// where it does not go on.
pub fn read(shown: &str, source: String) -> Result<Playbook, Broken> {
    read_with(shown, source, &NoLibrary)
}

/// As `read`, with what it imports from a library.
///
/// # Errors
/// As `read`; those of the modules too.
pub fn read_with(shown: &str, source: String, library: &dyn Library) -> Result<Playbook, Broken> {
    read_checked(shown, source, library, check::mistakes)
}

/// Reads a playbook, of whose script nothing is checked but that Rhai understands it: for whoever measures what a check finds.
///
/// # Errors
/// As `read`.
pub fn read_unchecked(shown: &str, source: String) -> Result<Playbook, Broken> {
    read_checked(shown, source, &NoLibrary, |_, _, _, _, _| Vec::new())
}

/// What is wrong with a script.
type Checks = fn(&rhai::Engine, &Source, &AST, &Header, &[&str]) -> Vec<Diagnostic>;

fn read_checked(shown: &str, source: String, library: &dyn Library, checks: Checks) -> Result<Playbook, Broken> {
    let text = Source { file: shown, text: &source };
    let mut wrong = Vec::new();
    let header = read_header::read(&text).unwrap_or_else(|mistakes| {
        wrong.extend(mistakes);
        // What cannot be known of it is held against nobody.
        Header { uses: CAPABILITIES.map(str::to_owned).to_vec(), ..Header::default() }
    });
    let engine = sandbox::bare();
    let scope = constants();
    match compiled(&engine, &scope, &text) {
        Err(mistake) => wrong.push(*mistake),
        Ok(ast) => {
            let mut imports = Imports::default();
            imports.follow(&engine, &text, &ast, &header, library);
            let by_modules: Vec<&str> = imports.modules.iter().flat_map(|module| &module.header.uses).map(String::as_str).collect();
            wrong.extend(checks(&engine, &text, &ast, &header, &by_modules));
            wrong.append(&mut imports.wrong);
            if wrong.iter().all(|one| one.severity == Level::Warning) {
                return Ok(Playbook {
                    header,
                    path: shown.to_owned(),
                    source,
                    warnings: wrong,
                    modules: Arc::new(imports.modules),
                    lacking: imports.lacking,
                    origin: Origin::File,
                    ast: Arc::new(ast),
                });
            }
        }
    }
    Err(Broken { diagnostics: wrong })
}

/// Reads a fragment that a site runs at a step of a playbook; it may use what the playbook may, and finds these names there beside what
/// every script finds. One that stands around the step has to name it.
///
/// # Errors
/// Every mistake of it.
pub fn fragment(shown: &str, text: &str, playbook: &Playbook, finds: AtAStep) -> Result<AST, Broken> {
    let source = Source { file: shown, text };
    let engine = sandbox::bare();
    let mut scope = constants();
    for name in finds.names() {
        scope.push_constant(name, rhai::Dynamic::UNIT);
    }
    match compiled(&engine, &scope, &source) {
        Err(mistake) => Err(Broken { diagnostics: vec![*mistake] }),
        Ok(ast) => {
            let mut wrong = check::mistakes_of_fragment(&engine, &source, &ast, &playbook.header, finds);
            let known = |name: &Option<String>| playbook.modules.iter().any(|module| Some(&module.name) == name.as_ref());
            wrong.extend(imported(&ast).into_iter().filter(|(name, _)| !known(name)).map(|(_, at)| {
                let message = "a fragment imports only what its playbook imports as well".to_owned();
                let hint = "write the function into the fragment";
                Diagnostic::new(codes::UNREADABLE, diagnostics::spot(&engine, &source, at), message).hint(hint)
            }));
            wrong.extend(finds.step.filter(|name| !steps::names(&ast, name)).map(|name| {
                let message = format!("{shown}: the fragment stands around a step and never calls it");
                let hint = format!("`let value = {name}.call();` does the step; where it is not called the step is left out");
                Diagnostic::new(codes::FILE_VALUE, None, message).hint(hint)
            }));
            if wrong.iter().all(|one| one.severity == Level::Warning) { Ok(ast) } else { Err(Broken { diagnostics: wrong }) }
        }
    }
}

/// What every script finds there.
fn constants() -> rhai::Scope<'static> {
    let mut scope = rhai::Scope::new();
    scope.push_constant("params", rhai::Map::new());
    scope.push_constant("site", rhai::Map::new());
    scope
}

#[cfg(test)]
mod tests {
    use super::{Level, read};

    #[test]
    fn a_playbook_is_known_by_the_hash_of_its_text() {
        assert_eq!(super::sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    const HEADER: &str = "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [cluster.read]\n//! ---\n";

    fn check(body: &str, expected: &str) {
        let broken = read("a.rhai", format!("{HEADER}{body}")).err().map(|broken| broken.to_string()).unwrap_or_default();
        assert!(broken.contains(expected), "{broken}");
    }

    #[test]
    fn mistakes_are_found_before_anything_runs() {
        check("let svc = service(\"a\", ;", "a.rhai:7:");
        check("let a = find_anouncer(1);", "did you mean `find_announcer`");
        check("let a = node_capture(\"n1\", #{});", "needs the capability `node.capture`");
        check("step(\"x\", || { probe(1, #{}) });", "needs the capability `probe`");
        check("eval(\"1\");", "eval");
        check("frobnicate(1);", "there is no word `frobnicate`");
    }

    /// A text with a mistake in each line was read once more for each of them, and all of them were told.
    #[test]
    fn very_many_mistakes_are_found_soon_and_told_in_part() {
        let began = std::time::Instant::now();
        for line in ["unknown_word(1);\n", "node_capture(\"n1\", #{});\n", "let a = find_anouncer(`a\nb`);\n"] {
            let broken = read("a.rhai", format!("{HEADER}{}", line.repeat(20_000))).err().unwrap();
            let errors = broken.diagnostics.iter().filter(|one| one.severity == Level::Error).count();
            assert!(errors == 101 && broken.diagnostics.len() <= 202, "{errors} of {}", broken.diagnostics.len());
            assert!(broken.to_string().contains("there may be more mistakes"));
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?}", began.elapsed());
    }

    #[test]
    fn the_languages_own_functions_are_known() {
        let body = "let a = [1]; a.push(2); let n = a.len(); print(n.to_string()); if a.contains(1) && parse_int(\"3\") + 1 > 2 { let f = |x| x * 2; f.call(3); }\nfn own(x) { x }\nown(1);";
        assert!(read("a.rhai", format!("{HEADER}{body}")).is_ok());
        for file in std::fs::read_dir("playbooks").unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "rhai") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(read("a.rhai", text).map_err(|broken| broken.to_string()).is_ok(), "{}", path.display());
            }
        }
    }
}
