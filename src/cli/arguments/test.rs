//! What can be written behind `lbdiag test`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration;
use crate::model::tested::Tested;
use crate::report::{self, Style};

pub(in crate::cli) const EXIT_CODES: &str = "Exit codes of test:
  0  all tests passed
  1  lbdiag could not do its work
  2  a file of tests or a playbook is broken; nothing was run
  3  a test failed, or the tests cover less than --coverage-least";

#[derive(Args, Debug)]
pub(in crate::cli) struct TestArguments {
    /// Files of tests, playbooks that have such a file beside them, or folders with all that is below them.
    #[arg(required = true)]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Write the expectations of tests that fail anew, as the run was; only what did not hold changes.
    #[arg(long)]
    pub(in crate::cli) update: bool,
    /// Tell which steps, branches and lines of the playbooks the tests ran.
    #[arg(long)]
    pub(in crate::cli) coverage: bool,
    /// Fail when the tests run less than so many percent of a playbook's steps and branches.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(in crate::cli) coverage_least: Option<u8>,
    /// What one test may take, such as 30s.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    /// The results, as text, json or junit, to standard output or into a file; may be repeated. [default: text]
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = wanted)]
    pub(in crate::cli) reports: Vec<Wanted>,
}

/// A report of tests that was asked for.
#[derive(Clone)]
pub(in crate::cli) struct Wanted {
    pub(in crate::cli) name: &'static str,
    pub(in crate::cli) write: fn(&Tested, Style) -> Result<String, String>,
    /// `None`: standard output.
    pub(in crate::cli) file: Option<PathBuf>,
}

/// A format's name, and how it writes the results.
type Format = (&'static str, fn(&Tested, Style) -> Result<String, String>);

const FORMATS: [Format; 3] = [
    ("text", |tested, style| Ok(report::tested::text(tested, style))),
    ("json", |tested, _| Ok(report::tested::json(tested))),
    ("junit", |tested, _| report::tested::junit(tested)),
];

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}", self.name, self.file)
    }
}

/// Reads `FORMAT[=FILE]`.
pub(in crate::cli) fn wanted(text: &str) -> Result<Wanted, String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("the file's name is missing after `=`".to_owned()),
        Some((name, "-")) => (name, None),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let format = FORMATS.into_iter().find(|(known, _)| *known == name);
    let (name, write) = format.ok_or_else(|| format!("`{name}` is no format of test results; the formats are text, json and junit"))?;
    Ok(Wanted { name, write, file })
}
