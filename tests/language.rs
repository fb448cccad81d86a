//! The samples of `docs/language.md` are what the check says of them: right, or wrong with the mistake that stands beneath.

#![expect(clippy::expect_used, reason = "a document that cannot be read has failed its test")]

use std::path::Path;

use lbdiag::engine::playbook;
use lbdiag::language::header::ParamKind;
use lbdiag::model::capability::CAPABILITIES;
use lbdiag::model::diagnostic::{Diagnostic, Level};

/// What stands above a sample that is no whole playbook.
const HEADER: &str = "//! ---\n//! name: sample\n//! version: 1.0.0\n//! about: A sample.\n//! uses: [cluster.read]\n//! params:\n//!   namespace: { type: string }\n//!   service: { type: string }\n//! ---\n";

fn document() -> String {
    read("docs/language.md")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the document")
}

/// The indented pieces of the document, blank lines within them included.
fn pieces(document: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in document.lines() {
        match (line.strip_prefix("    "), line.is_empty()) {
            (Some(code), _) => pieces.last_mut().expect("a piece").extend([code, "\n"]),
            (None, true) => pieces.last_mut().expect("a piece").push('\n'),
            (None, false) => pieces.push(String::new()),
        }
    }
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

fn told(text: &str) -> Vec<Diagnostic> {
    match playbook::read("sample.rhai", text.to_owned()) {
        Ok(playbook) => playbook.warnings,
        Err(broken) => broken.diagnostics,
    }
}

#[test]
fn every_sample_is_what_the_document_says_of_it() {
    let document = document();
    let (mut right, mut wrong) = (0, 0);
    for piece in pieces(&document) {
        let (script, mistake) = piece.split_once("error[").map_or((piece.as_str(), None), |(script, mistake)| (script, Some(mistake)));
        let whole = script.trim_start().starts_with("//! ---");
        let found = told(&if whole { script.trim_start().to_owned() } else { format!("{HEADER}{script}") });
        let errors: Vec<String> =
            found.iter().filter(|one| one.severity == Level::Error).map(|one| format!("{}]: {}", one.code, one.message)).collect();
        if let Some(mistake) = mistake {
            assert_eq!(errors, [mistake.trim()], "{script}");
            wrong += 1;
        } else {
            assert!(errors.is_empty() && (!whole || found.is_empty()), "{script}\n{found:?}");
            right += 1;
        }
    }
    assert!(right >= 4 && wrong >= 3, "{right} right samples and {wrong} wrong ones");
}

#[test]
fn the_playbooks_on_the_first_page_are_right() {
    let whole: Vec<String> = pieces(&read("README.md")).into_iter().filter(|piece| piece.trim_start().starts_with("//! ---")).collect();
    assert_eq!(whole.len(), 1);
    for playbook in whole {
        assert_eq!(told(playbook.trim_start()), []);
    }
}

#[test]
fn every_type_and_capability_is_in_the_document() {
    let document = document();
    for name in ParamKind::ALL.map(ParamKind::word).into_iter().chain(CAPABILITIES) {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
}
