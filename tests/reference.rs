//! The documents below `docs/` are what the commands print, and every gap that the sources name has its entry.

#![expect(clippy::expect_used, reason = "without the sources or the binary there is nothing to compare")]

use std::path::{Path, PathBuf};
use std::process::Command;

use lbdiag::model::catalogue::entry;

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
