//! `docs/writing-playbooks.md` is walked through from its begin to its end: its files are written, its commands run, and what stands beneath
//! each has to come of it.

#![expect(clippy::expect_used, reason = "a document that cannot be read has failed its test")]

use std::path::Path;
use std::process::Command;

/// What a piece of the document has one do.
enum Act {
    /// Write a file.
    File(String, String),
    /// Run a command; the pieces of its output, where `…` stands for what is left out.
    Command(String, Vec<Vec<String>>),
}

fn acts(document: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut named: Option<String> = None;
    for paragraph in document.split("\n\n") {
        let code = paragraph.trim_end().lines().all(|line| line.starts_with("    ") || line.is_empty()) && !paragraph.trim().is_empty();
        let lines: Vec<&str> = paragraph.trim_end().lines().map(|line| line.get(4..).unwrap_or_default()).collect();
        if let Some(command) = lines.first().and_then(|line| line.strip_prefix("$ ")).filter(|_| code) {
            named = None;
            let pieces = lines[1..].split(|line| line.trim() == "…").map(|piece| piece.iter().map(|line| (*line).to_owned()).collect());
            acts.push(Act::Command(command.to_owned(), pieces.collect()));
        } else if code && named.is_some() {
            let text = lines.join("\n") + "\n";
            match acts.last_mut() {
                // A file with blank lines is several paragraphs.
                Some(Act::File(name, held)) if Some(&*name) == named.as_ref() => {
                    held.push('\n');
                    held.push_str(&text);
                }
                _ => acts.push(Act::File(named.clone().unwrap_or_default(), text)),
            }
        } else {
            let begins = paragraph.trim().strip_prefix('`').filter(|rest| rest.ends_with(':')).and_then(|rest| rest.split('`').next());
            named = begins.map(str::to_owned);
            if let Some(name) = &named {
                acts.push(Act::File(name.clone(), String::new()));
            }
        }
    }
    acts
}

#[test]
fn the_page_does_what_it_says() {
    let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/writing-playbooks.md")).expect("the page");
    let place = tempfile::tempdir().expect("a folder");
    let mut commands = 0;
    for act in acts(&document) {
        match act {
            Act::File(name, text) => std::fs::write(place.path().join(name), text.trim_start_matches('\n')).expect("a written file"),
            Act::Command(command, pieces) => {
                commands += 1;
                run(place.path(), &command, &pieces);
            }
        }
    }
    assert!(commands >= 11, "only {commands} commands were found");
}

fn run(place: &Path, command: &str, pieces: &[Vec<String>]) {
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words.first(), Some(&"lbdiag"), "{command}");
    let ran = Command::new(env!("CARGO_BIN_EXE_lbdiag")).args(&words[1..]).current_dir(place).env("NO_COLOR", "1").output();
    let ran = ran.expect("lbdiag runs");
    let output = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    let lines: Vec<&str> = output.lines().map(str::trim_end).collect();
    let mut from = 0;
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let found = (from..lines.len())
            .find(|at| lines.len() - at >= piece.len() && lines[*at..].iter().zip(piece).all(|(line, shown)| line == shown));
        let at = found.unwrap_or_else(|| panic!("{command}\ndoes not say:\n{}\nbut:\n{output}", piece.join("\n")));
        from = at + piece.len();
    }
    // Where nothing is left out, nothing else is said.
    assert!(pieces.len() > 1 || lines.len() == pieces.iter().map(Vec::len).sum::<usize>(), "{command} says more:\n{output}");
}
