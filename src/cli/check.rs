//! `lbdiag check`: the mistakes of playbooks and site files that can be seen before anybody runs them, all at once. Touches nothing but the files.

use std::path::{Path, PathBuf};

use super::arguments::CheckArguments;
use super::exit::Exit;
use super::{refuse, reports};
use crate::engine::{self, Header, Playbook, Refusal};
use crate::evidence::output::apart::{Named, apart};
use crate::evidence::text_file;
use crate::model::diagnostic::{Diagnostic, Level, Source};

/// Checks all that was named, and tells of all of it in one report.
pub(super) fn check(arguments: &CheckArguments) -> Exit {
    let files = match arguments.paths.iter().map(|path| named(path)).collect::<Result<Vec<_>, _>>() {
        Ok(files) => files.concat(),
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let option = |file: &Path| if is_site(file) { "the site file" } else { "the playbook" };
    let inputs: Vec<Named> = files.iter().map(|file| Named { option: option(file).to_owned(), path: file.clone() }).collect();
    let writable = apart(&inputs, &reports::outputs(&arguments.reports), None).and_then(|()| reports::check(&arguments.reports, None));
    if let Err(error) = writable {
        return refuse(Exit::Usage, &error);
    }
    let mut found = Found::default();
    let (sites, playbooks): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(|file| is_site(file));
    let mut headers: Vec<Header> = engine::shipped().collect();
    let mut whole = Vec::new();
    for file in &playbooks {
        match read(file) {
            Ok((mistakes, playbook)) => {
                found.add(mistakes);
                headers.extend(playbook.as_ref().map(|playbook| playbook.header.clone()));
                whole.extend(playbook);
            }
            Err(error) => return refuse(Exit::Usage, &error),
        }
    }
    for file in &sites {
        match site(file, &headers, &whole) {
            Ok(mistakes) => found.add_site(mistakes),
            Err(error) => return refuse(Exit::Usage, &error),
        }
    }
    match reports::write_checked(&arguments.reports, &found.diagnostics, &found.summary()) {
        Ok(()) if found.broken > 0 => Exit::Usage,
        Ok(()) => Exit::Good,
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

/// Whether a path is that of a site file: YAML, where a playbook is Rhai.
fn is_site(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// What is wrong with a site file.
fn site(path: &Path, headers: &[Header], playbooks: &[Playbook]) -> Result<Vec<Diagnostic>, String> {
    let file = path.display().to_string();
    let text = text_file::read(path).map_err(|error| format!("read the site file {file}: {error}"))?;
    let mut wrong = engine::site_mistakes(&Source { file: &file, text: &text }, headers);
    if wrong.iter().all(|one| one.severity == Level::Warning) {
        wrong.extend(engine::hook_mistakes(path, playbooks));
    }
    Ok(wrong)
}

/// The playbooks that a path stands for: those of a folder, or itself.
fn named(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return engine::something_else(path).map_or_else(|| Ok(vec![path.to_owned()]), Err);
    }
    match engine::playbooks(path) {
        Ok(files) if files.is_empty() => Err(format!("there is no playbook in {}: no file of it ends in .rhai", path.display())),
        Ok(files) => Ok(files),
        Err(error) => Err(error.to_string()),
    }
}

/// What is wrong with one playbook, and the playbook when it may run.
fn read(path: &Path) -> Result<(Vec<Diagnostic>, Option<Playbook>), String> {
    let read = if path == Path::new("-") {
        let text =
            text_file::read_from(std::io::stdin().lock()).map_err(|error| format!("read a playbook from standard input: {error}"))?;
        engine::playbook::read("standard input", text).map_err(Refusal::Broken)
    } else {
        engine::open(path)
    };
    match read {
        Ok(playbook) => Ok((playbook.warnings.clone(), Some(playbook))),
        Err(Refusal::Broken(broken)) => Ok((broken.diagnostics, None)),
        Err(Refusal::Unknown(message)) => Err(message),
    }
}

/// What came of all of them.
#[derive(Default)]
struct Found {
    playbooks: usize,
    sites: usize,
    broken: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Found {
    fn add(&mut self, mistakes: Vec<Diagnostic>) {
        self.playbooks += 1;
        self.count(mistakes);
    }

    fn add_site(&mut self, mistakes: Vec<Diagnostic>) {
        self.sites += 1;
        self.count(mistakes);
    }

    fn count(&mut self, mistakes: Vec<Diagnostic>) {
        self.broken += usize::from(mistakes.iter().any(|one| one.severity == Level::Error));
        self.diagnostics.extend(mistakes);
    }

    /// One line.
    fn summary(&self) -> String {
        let mistakes = self.diagnostics.iter().filter(|one| one.severity == Level::Error).count();
        let notices = self.diagnostics.len() - mistakes;
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let mut parts = Vec::new();
        if mistakes > 0 {
            parts.push(format!("{} in {} of them", counted(mistakes, "mistake"), self.broken));
        }
        if notices > 0 {
            parts.push(counted(notices, "notice"));
        }
        if parts.is_empty() {
            parts.push("no mistake".to_owned());
        }
        let mut checked = Vec::new();
        if self.playbooks > 0 {
            checked.push(counted(self.playbooks, "playbook"));
        }
        if self.sites > 0 {
            checked.push(counted(self.sites, "site file"));
        }
        format!("{} checked: {}", checked.join(" and "), parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnostic::codes;

    #[test]
    fn the_summary_counts_what_was_found() {
        let mut found = Found::default();
        found.add(Vec::new());
        assert_eq!(found.summary(), "1 playbook checked: no mistake");
        found.add(vec![Diagnostic::new(codes::UNKNOWN_WORD, None, "x"), Diagnostic::new(codes::OPTION, None, "y")]);
        let mut notice = Diagnostic::new(codes::OLD_NAME, None, "z");
        notice.severity = Level::Warning;
        found.add(vec![notice]);
        assert_eq!(found.summary(), "3 playbooks checked: 2 mistakes in 1 of them, 1 notice");
        let mut found = Found::default();
        found.add_site(Vec::new());
        assert_eq!(found.summary(), "1 site file checked: no mistake");
    }
}
