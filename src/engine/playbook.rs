//! A playbook read from its file and checked, before anything is touched.

use std::path::Path;

use rhai::AST;

use super::diagnostics::{render, render_error};
use super::header::{self, Header};
use super::{lint, sandbox};
use crate::evidence::text_file;
use crate::model::text::one_line;

/// A playbook that may run.
pub struct Playbook {
    pub header: Header,
    pub path: String,
    pub source: String,
    pub(super) ast: AST,
}

/// A playbook that may not run, with the reason as a person reads it.
#[derive(Clone, Debug)]
pub struct Broken {
    pub rendered: String,
}

/// Reads a playbook's file.
///
/// # Errors
/// When the file cannot be read, its header or syntax is wrong, or it uses words that it may not.
pub fn load(path: &Path) -> Result<Playbook, Broken> {
    let shown = path.display().to_string();
    let source =
        text_file::read(path).map_err(|error| Broken { rendered: format!("error: read playbook {}: {error}", one_line(&shown)) })?;
    read(&shown, source)
}

/// Reads a playbook from its text; `shown` names it in errors.
///
/// # Errors
/// As `load`.
pub fn read(shown: &str, source: String) -> Result<Playbook, Broken> {
    let header = header::read(&source).map_err(|(line, message)| Broken { rendered: render(shown, &source, line, 1, &message) })?;
    let mut scope = rhai::Scope::new();
    scope.push_constant("params", rhai::Map::new());
    let ast = sandbox::bare()
        .compile_with_scope(&scope, &source)
        .map_err(|error| Broken { rendered: render_error(shown, &source, error.position(), &error.err_type().to_string()) })?;
    if let Some(mistake) = lint::first_mistake(&ast, &header) {
        return Err(Broken { rendered: render_error(shown, &source, mistake.position, &mistake.message) });
    }
    Ok(Playbook { header, path: shown.to_owned(), source, ast })
}

#[cfg(test)]
mod tests {
    use super::read;

    const HEADER: &str = "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [cluster.read]\n//! ---\n";

    fn check(body: &str, expected: &str) {
        let broken = read("a.rhai", format!("{HEADER}{body}")).err().map(|broken| broken.rendered).unwrap_or_default();
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

    #[test]
    fn the_languages_own_functions_are_known() {
        let body = "let a = [1]; a.push(2); let n = a.len(); print(n.to_string()); if a.contains(1) && parse_int(\"3\") + 1 > 2 { let f = |x| x * 2; f.call(3); }\nfn own(x) { x }\nown(1);";
        assert!(read("a.rhai", format!("{HEADER}{body}")).is_ok());
        for file in std::fs::read_dir("playbooks").unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "rhai") {
                assert!(super::load(&path).map_err(|broken| broken.rendered).is_ok(), "{}", path.display());
            }
        }
    }
}
