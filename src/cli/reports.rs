//! Which reports were asked for, and where they go.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::streams;
use super::watch::{Watch, Work, guarded};
use crate::evidence::output::apart::Named;
use crate::evidence::output::{self, Output};
use crate::model::diagnostic::Diagnostic;
use crate::model::outcome::Outcome;
use crate::model::plan::Plan;
use crate::model::scrub::scrub;
use crate::report::{self, Detail, FORMATS, Format, Style, TraceFormat};

/// The names of standard output.
const STANDARD: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// A report that was asked for.
#[derive(Clone)]
pub(super) struct Wanted {
    format: &'static Format,
    /// `None`: standard output.
    file: Option<PathBuf>,
}

impl Wanted {
    /// Reads `FORMAT[=FILE]`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Self::that_can(text, |format| format.outcome.is_some())
    }

    /// As `parse`, for what is wrong with playbooks.
    pub(super) fn checked(text: &str) -> Result<Self, String> {
        Self::that_can(text, tells_mistakes)
    }

    /// As `parse`, for a plan.
    pub(super) fn plan(text: &str) -> Result<Self, String> {
        Self::that_can(text, |format| format.plan.is_some())
    }

    /// As `parse`, for followed connections.
    pub(super) fn trace(text: &str) -> Result<Self, String> {
        Self::that_can(text, |format| format.trace.is_some())
    }

    fn that_can(text: &str, can: fn(&Format) -> bool) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("the file's name is missing after `=`".to_owned()),
            Some((name, file)) if STANDARD.contains(&file) => (name, None),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        match FORMATS.iter().find(|format| format.name == name) {
            Some(format) if can(format) => Ok(Self { format, file }),
            Some(_) => Err(format!("`{name}` is no format for this; the formats are {}", report::names(can))),
            None => Err(format!("`{name}` is no format; the formats are {}", report::names(can))),
        }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}", self.format.name, self.file)
    }
}

/// Whether a report shows answers word for word.
pub(super) fn show_answers(wanted: &[Wanted]) -> bool {
    wanted.iter().any(|report| report.format.shows_answers)
}

/// Whether a format tells what is wrong with playbooks: to programs, or as it is told to people.
pub(super) fn tells_mistakes(format: &Format) -> bool {
    format.mistakes.is_some() || format.name == FORMATS[0].name
}

/// What the help says of the option.
pub(super) fn help(what: &str, can: fn(&Format) -> bool) -> String {
    let formats = report::names(can).replace(" and ", " or ");
    format!(
        "{what}, as {formats}, to standard output or into a file, which silences no other; may be repeated. [default: {}]",
        FORMATS[0].name
    )
}

/// A report that is written while it grows.
pub(super) struct Growing {
    pub(super) sink: Sink,
    pub(super) style: Style,
    pub(super) format: TraceFormat,
}

/// Where a growing report goes.
pub(super) enum Sink {
    Standard,
    File(PathBuf, Output),
}

impl Sink {
    /// Writes the next part.
    pub(super) fn write(&mut self, text: &str) -> Result<(), String> {
        let text = scrub(text);
        match self {
            Self::Standard => streams::show(&text),
            Self::File(path, file) => file.write_all(text.as_bytes()).map_err(|error| unwritten(path, &error)),
        }
    }

    /// Nothing more comes.
    pub(super) fn close(self) -> Result<(), String> {
        match self {
            Self::Standard => Ok(()),
            Self::File(path, file) => file.finish().map_err(|error| unwritten(&path, &error)),
        }
    }

    /// A new file.
    pub(super) fn file(path: &Path) -> Result<Self, String> {
        let output = Output::create(path).map_err(|error| unwritten(path, &error))?;
        Ok(Self::File(path.to_owned(), output))
    }
}

/// Writes a text into a file.
pub(super) fn write_text(path: &Path, text: &str) -> Result<(), String> {
    let mut sink = Sink::file(path)?;
    sink.write(text)?;
    sink.close()
}

fn unwritten(path: &Path, error: &std::io::Error) -> String {
    format!("write {}: {error}", path.display())
}

/// What was asked for, and text on standard output where nothing else goes there: a report into a file silences nobody.
fn with_usual(wanted: &[Wanted]) -> Vec<Wanted> {
    let mut all = wanted.to_vec();
    if all.iter().all(|report| report.file.is_some()) {
        all.push(Wanted { format: &FORMATS[0], file: None });
    }
    all
}

/// Opens the reports that were asked for, and text on standard output where no other goes there.
pub(super) fn growing(wanted: &[Wanted]) -> Result<Vec<Growing>, String> {
    let open = |report: &Wanted| {
        let (sink, style) = match &report.file {
            Some(file) => (Sink::file(file)?, streams::plain()),
            None => (Sink::Standard, streams::style()),
        };
        let format = report.format.trace.ok_or_else(|| format!("`{}` is no format for this", report.format.name))?;
        Ok(Growing { sink, style, format })
    };
    with_usual(wanted).iter().map(open).collect()
}

/// Checks before a run that what it finds can be written afterwards: at most one report on standard output, and files where files can be
/// written. `record` can be nothing but a file.
pub(super) fn check(wanted: &[Wanted], record: Option<&Path>) -> Result<(), String> {
    if wanted.iter().filter(|report| report.file.is_none()).count() > 1 {
        return Err("only one report can go to standard output; write the others as --report FORMAT=FILE".to_owned());
    }
    let told = |path: &Path, error: &std::io::Error| format!("{} cannot be written: {error}", path.display());
    for file in wanted.iter().filter_map(|report| report.file.as_deref()) {
        output::check(file).map_err(|error| told(file, &error))?;
    }
    record.map_or(Ok(()), |file| output::check_file(file).map_err(|error| told(file, &error)))
}

/// The reports as outputs, standard output among them.
pub(super) fn outputs(wanted: &[Wanted]) -> Vec<Named> {
    let named = |report: &Wanted| {
        let option = format!("--report {}=", report.format.name);
        match &report.file {
            Some(file) => Named { option: format!("{option}{}", file.display()), path: file.clone() },
            None => Named { option: format!("{option}-"), path: PathBuf::from("/dev/stdout") },
        }
    };
    with_usual(wanted).iter().map(named).collect()
}

/// Writes every report, text to standard output where no other goes there. All are tried before an error is given.
pub(super) fn write(wanted: &[Wanted], outcome: &Outcome, detail: Detail, watch: &Watch) -> Result<(), String> {
    write_by(&with_usual(wanted), Some(watch), &|format, style| format.outcome.map(|write| write(outcome, Style { detail, ..style })))
}

/// As `write`, of a run that is over for long.
pub(super) fn write_kept(wanted: &[Wanted], outcome: &Outcome, detail: Detail) -> Result<(), String> {
    write_by(&with_usual(wanted), None, &|format, style| format.outcome.map(|write| write(outcome, Style { detail, ..style })))
}

/// As `write`, for a plan.
pub(super) fn write_plan(wanted: &[Wanted], plan: &Plan, scripts: bool, watch: &Watch) -> Result<(), String> {
    write_by(&with_usual(wanted), Some(watch), &|format, style| format.plan.map(|write| write(plan, style, scripts)))
}

/// What is wrong with a playbook, wherever a format was asked for that tells it.
pub(super) fn write_mistakes(wanted: &[Wanted], diagnostics: &[Diagnostic]) -> Result<(), String> {
    let asked: Vec<Wanted> = wanted.iter().filter(|report| report.format.mistakes.is_some()).cloned().collect();
    if asked.is_empty() {
        return Ok(());
    }
    write_by(&asked, None, &|format, _| format.mistakes.map(|write| write(diagnostics)))
}

/// What is wrong with playbooks, in every format that was asked for; people get a line that sums it up.
pub(super) fn write_checked(wanted: &[Wanted], diagnostics: &[Diagnostic], summary: &str) -> Result<(), String> {
    let for_people = |style| {
        let told = report::diagnostics(diagnostics, style);
        let between = if told.is_empty() { "" } else { "\n" };
        format!("{told}{between}{summary}\n")
    };
    write_by(&with_usual(wanted), None, &|format, style| {
        Some(format.mistakes.map_or_else(|| for_people(style), |write| write(diagnostics)))
    })
}

/// Writes in one format; `None` where the format has no such report.
type Writer<'a> = &'a dyn Fn(&Format, Style) -> Option<String>;

/// Files first: whoever reads a pipe or standard output may keep it waiting.
fn write_by(wanted: &[Wanted], watch: Option<&Watch>, rendered: Writer<'_>) -> Result<(), String> {
    let mut all: Vec<&Wanted> = wanted.iter().collect();
    all.sort_by_key(|report| report.file.as_deref().map_or(2, |file| u8::from(output::waits(file))));
    let errors: Vec<String> = all.into_iter().filter_map(|report| report.write(watch, rendered).err()).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

impl Wanted {
    /// Renders and writes one report. A panic on the way is its error: the other reports still come.
    fn write(&self, watch: Option<&Watch>, rendered: Writer<'_>) -> Result<(), String> {
        let name = format!("the {} report", self.format.name);
        let rendered = |style| rendered(self.format, style).ok_or_else(|| format!("{name}: the format has none of this"));
        let doing = |work: Work, what: String| {
            if let Some(watch) = watch {
                watch.doing(work, what);
            }
        };
        doing(Work::Reporting, format!("writing {name}"));
        guarded(&format!("write {name}"), || {
            if let Some(file) = &self.file {
                let text = rendered(streams::plain())?;
                let whole = Output::create(file).and_then(|mut output| output.write_all(text.as_bytes()).and_then(|()| output.finish()));
                return whole.map_err(|error| format!("write report {}: {error}", file.display()));
            }
            let text = rendered(streams::style())?;
            doing(Work::Printing, format!("printing {name}"));
            streams::show(&text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_format_and_perhaps_a_file() {
        let parsed = |text| Wanted::parse(text).map(|wanted| (wanted.format.name, wanted.file));
        assert_eq!(parsed("text"), Ok(("text", None)));
        assert_eq!(parsed("json=-"), Ok(("json", None)));
        assert_eq!(parsed("json=a=b.json"), Ok(("json", Some("a=b.json".into()))));
        for parse in [Wanted::parse, Wanted::plan, Wanted::trace] {
            assert!(parse("pdf=x").unwrap_err().contains("the formats are text"));
        }
        assert!(Wanted::parse("json=").unwrap_err().contains("missing"));
    }

    #[test]
    fn what_could_not_be_written_is_refused_before_the_run() {
        let parse = |text: &str| Wanted::parse(text).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("report.json");
        assert_eq!(check(&[parse("text"), parse(&format!("json={}", inside.display()))], Some(Path::new("run.lbdiag"))), Ok(()));
        assert!(check(&[parse("text"), parse("json")], None).unwrap_err().contains("only one"));
        assert!(check(&[parse("json=/no/such/directory/x")], None).unwrap_err().contains("/no/such/directory"));
        assert!(check(&[], Some(directory.path())).unwrap_err().contains("is a directory"));
    }
}
