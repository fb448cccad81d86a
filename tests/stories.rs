//! The stories in `docs/stories.md` show what lbdiag really says: each command is run, and what stands beneath it has to come of it.

#![expect(clippy::expect_used, reason = "a document that cannot be read has failed its test")]

use std::path::Path;
use std::process::Command;

/// The lines of one command's output, cut where the document leaves lines out.
struct Shown {
    command: Vec<String>,
    pieces: Vec<Vec<String>>,
}

/// Every command of the document. Lines of code beneath it belong to its output until the next command, however much prose stands between.
fn shown(document: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for line in document.lines().filter_map(|line| line.strip_prefix("    ")) {
        if let Some(command) = line.strip_prefix("$ ") {
            let command = command.split_whitespace().map(str::to_owned).collect();
            all.push(Shown { command, pieces: vec![Vec::new()] });
        } else if let Some(last) = all.last_mut() {
            match line.trim() {
                "…" => last.pieces.push(Vec::new()),
                _ => last.pieces.last_mut().expect("a piece").push(line.trim_end().to_owned()),
            }
        }
    }
    all
}

#[test]
fn the_stories_show_what_is_really_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/stories.md")).expect("the stories");
    let stories = shown(&document);
    assert!(stories.len() >= 3, "only {} commands were found", stories.len());
    for story in stories {
        let [program, arguments @ ..] = story.command.as_slice() else { panic!("an empty command") };
        assert_eq!(program, "lbdiag");
        let ran = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
            .args(arguments)
            .arg("--quiet")
            .current_dir(root)
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .output();
        let output = String::from_utf8(ran.expect("lbdiag runs").stdout).expect("text");
        // Between the lines of a document an empty one says nothing.
        let lines: Vec<&str> = output.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let mut from = 0;
        for piece in story.pieces.iter().filter(|piece| !piece.is_empty()) {
            let found = (from..lines.len())
                .find(|at| lines[*at..].iter().zip(piece).filter(|(line, shown)| *line == *shown).count() == piece.len());
            let at = found.unwrap_or_else(|| {
                panic!("{}\ndoes not say, after line {from}:\n{}\nbut:\n{output}", story.command.join(" "), piece.join("\n"))
            });
            from = at + piece.len();
        }
    }
}
