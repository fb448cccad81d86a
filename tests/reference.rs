//! The documents below `docs/` are what the commands print, and every gap that the sources name has its entry.

#![expect(clippy::expect_used, reason = "without the sources or the binary there is nothing to compare")]

use std::path::{Path, PathBuf};
use std::process::Command;

use lbdiag::model::catalogue::{ENTRIES, entry};

/// Names that were given out and that nothing says today: how often a log was rotated away, and a login without root, are told as other gaps.
const UNSAID: [&str; 2] = ["evidence/log-rotated", "evidence/no-root"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn check(file: &str, command: &str) {
    let printed = Command::new(env!("CARGO_BIN_EXE_lbdiag")).args([command, "--markdown"]).output().expect("lbdiag runs");
    assert!(printed.status.success(), "lbdiag {command} --markdown: {}", String::from_utf8_lossy(&printed.stderr));
    let written = std::fs::read(root().join(file)).unwrap_or_default();
    assert!(written == printed.stdout, "{file} is not what `lbdiag {command} --markdown` prints: `make docs` renews it");
}

#[test]
fn the_findings_document_is_fresh() {
    check("docs/findings.md", "explain");
}

#[test]
fn the_words_document_is_fresh() {
    check("docs/words.md", "words");
}

#[test]
fn every_gap_that_the_sources_name_has_its_entry() {
    let mut open = vec![root().join("src")];
    let mut names = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let listed = std::fs::read_dir(&path).expect("a readable folder");
            open.extend(listed.map(|found| found.expect("an entry of a folder").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names += gaps_named_in(&path);
        }
    }
    assert!(names > 30, "only {names} were found");
}

fn gaps_named_in(path: &PathBuf) -> usize {
    let text = std::fs::read_to_string(path).expect("a readable source file");
    let quoted = text.split("\"evidence/").skip(1).filter_map(|rest| rest.split('"').next());
    let names: Vec<String> = quoted.filter(|name| !name.is_empty()).map(|name| format!("evidence/{name}")).collect();
    for name in names.iter().filter(|name| !name.contains([' ', '\n'])) {
        assert!(entry(name).is_some(), "{} names {name}, which has no entry", path.display());
    }
    names.len()
}

/// Every name stands once, as a constant in `model/catalogue`, and something in `src` says it: a misspelt one does not compile, and one
/// that nothing says is told here.
#[test]
fn every_name_is_said_by_its_constant() {
    let mut code = String::new();
    let mut literal = Vec::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("a readable source file");
        let said = text.split("mod tests {").next().unwrap_or_default();
        for entry in ENTRIES.iter().filter(|entry| said.contains(&format!("\"{}\"", entry.name))) {
            literal.push(format!("{} in {}", entry.name, path.display()));
        }
        code.push_str(said);
    }
    assert!(literal.is_empty(), "written out in place of their constants: {literal:?}");
    let constant = |name: &str| format!("names::{}", name.to_uppercase().replace(['/', '-'], "_"));
    let says = |name: &str| {
        code.match_indices(&constant(name))
            .any(|(at, found)| !code[at + found.len()..].starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric()))
    };
    let unsaid: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).filter(|name| !says(name)).collect();
    assert_eq!(unsaid, UNSAID, "these names are said by no rule");
}

/// What may say a name: all of `src` but the catalogue itself and tests.
fn sources() -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            match name {
                "catalogue" | "tests" | "tests.rs" => {}
                _ if path.is_dir() => open.push(path),
                _ => found.push(path),
            }
        }
    }
    found
}
