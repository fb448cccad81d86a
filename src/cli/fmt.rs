//! `lbdiag fmt`: brings playbooks into the one style, or tells which are not in it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::{print, refuse, streams};
use crate::engine;
use crate::evidence::output::rewritten::rewrite;
use crate::evidence::text_file;
use crate::language::format::format;
use crate::model::diagnostic::{Diagnostic, Source};
use crate::report;

pub(super) const EXIT_CODES: &str = "Exit codes of fmt:
  0  all are in the style, or were brought into it
  1  lbdiag could not do its work
  2  bad usage, or a playbook that cannot be read
  3  with --check: a playbook is not in the style";

#[derive(Args, Debug)]
pub(super) struct FmtArguments {
    /// Playbooks: files, folders with all that is below them, or `-` for standard input, which goes to standard output.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Change nothing: tell which playbooks are not in the style.
    #[arg(long)]
    check: bool,
}

/// Formats all that was named. A playbook that cannot be read keeps no other from being formatted.
pub(super) fn fmt(arguments: &FmtArguments) -> Exit {
    if arguments.paths == [PathBuf::from("-")] {
        return standard_input(arguments.check);
    }
    let mut files = Vec::new();
    for path in &arguments.paths {
        match named(path) {
            Ok(found) => files.extend(found),
            Err(error) => return refuse(Exit::Usage, &error),
        }
    }
    let (mut changed, mut broken): (Vec<&Path>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    for file in &files {
        let shown = file.display().to_string();
        let text = match text_file::read(file) {
            Ok(text) => text,
            Err(error) => return refuse(Exit::Usage, &format!("read the playbook {shown}: {error}")),
        };
        match format(&Source { file: &shown, text: &text }) {
            Err(mistake) => broken.push(*mistake),
            Ok(formatted) if formatted == text => {}
            Ok(formatted) => {
                changed.push(file);
                if !arguments.check
                    && let Err(error) = rewrite(file, &formatted)
                {
                    return refuse(Exit::CouldNotWork, &format!("write the playbook {shown}: {error}"));
                }
            }
        }
    }
    tell(arguments, files.len(), &changed, &broken)
}

fn tell(arguments: &FmtArguments, all: usize, changed: &[&Path], broken: &[Diagnostic]) -> Exit {
    let what = if arguments.check { "not in the style" } else { "formatted" };
    let mut lines: Vec<String> = changed.iter().map(|file| format!("{what}: {}", file.display())).collect();
    let counted = if all == 1 { "1 playbook".to_owned() } else { format!("{all} playbooks") };
    lines.push(format!("{counted}: {} {what}, {} in the style already\n", changed.len(), all - changed.len() - broken.len()));
    let printed = print(&lines.join("\n"));
    if !broken.is_empty() {
        streams::say(&report::diagnostics(broken, streams::error_style()));
        return Exit::Usage;
    }
    match printed {
        Exit::Good if arguments.check && !changed.is_empty() => Exit::Fail,
        other => other,
    }
}

fn named(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path == Path::new("-") {
        return Err("`-` stands for standard input, and stands alone".to_owned());
    }
    if !path.is_dir() {
        return if path.is_file() { Ok(vec![path.to_owned()]) } else { Err(format!("there is no file {}", path.display())) };
    }
    match engine::playbooks(path) {
        Ok(files) if files.is_empty() => Err(format!("there is no playbook in {}: no file of it ends in .rhai", path.display())),
        Ok(files) => Ok(files),
        Err(error) => Err(error.to_string()),
    }
}

fn standard_input(check: bool) -> Exit {
    let text = match text_file::read_from(std::io::stdin().lock()) {
        Ok(text) => text,
        Err(error) => return refuse(Exit::Usage, &format!("read a playbook from standard input: {error}")),
    };
    match format(&Source { file: "standard input", text: &text }) {
        Ok(formatted) if check => {
            if formatted == text {
                Exit::Good
            } else {
                refuse(Exit::Fail, "standard input is not in the style")
            }
        }
        // As it is: an editor puts it in the place of what it gave.
        Ok(formatted) => match streams::show(&formatted) {
            Ok(()) => Exit::Good,
            Err(error) => refuse(Exit::CouldNotWork, &error),
        },
        Err(mistake) => {
            streams::say(&report::diagnostic(&mistake, streams::error_style()));
            Exit::Usage
        }
    }
}
