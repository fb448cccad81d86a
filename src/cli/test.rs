//! `lbdiag test`: runs the tests of playbooks on recordings and worlds, and tells where they are not as expected.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::arguments::test::{TestArguments, Wanted, wanted};
use super::exit::Exit;
use super::{refuse, streams};
use crate::engine::testing::{self, TestFile, Testing};
use crate::evidence::output::Output;
use crate::evidence::output::apart::{Named, apart};
use crate::model::scrub::scrub;
use crate::model::tested::Tested;
use crate::report::{self, Style};

/// Runs the tests and tells what they came to.
pub(super) fn test(arguments: &TestArguments) -> Exit {
    let files = match named(&arguments.paths) {
        Ok(files) => files,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let reports = match reports(arguments, &files) {
        Ok(reports) => reports,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let coverage = arguments.coverage || arguments.coverage_least.is_some();
    let tested = match testing::test(&files, &Testing { limit: arguments.timeout, coverage, update: arguments.update }) {
        Ok(tested) => tested,
        Err(untestable) => {
            streams::say(&report::diagnostics(&untestable.0, streams::error_style()));
            return Exit::Usage;
        }
    };
    let errors: Vec<String> = reports.iter().filter_map(|wanted| wanted.tell(&tested).err()).collect();
    if !errors.is_empty() {
        return refuse(Exit::CouldNotWork, &errors.join("; "));
    }
    let short = arguments.coverage_least.filter(|least| tested.least_covered() < f64::from(*least));
    if let Some(least) = short {
        streams::say(&format!(
            "lbdiag: the tests run {:.1} % of a playbook's steps and branches, and at least {least} % are wanted",
            tested.least_covered()
        ));
    }
    // What was written anew holds now.
    let failed = tested.all().any(|test| !test.passed() && !test.updated);
    if failed || short.is_some() { Exit::Fail } else { Exit::Good }
}

/// The files of tests that the paths stand for, each once.
fn named(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for path in paths {
        for file in testing::files(path)? {
            if seen.insert(file.clone()) {
                all.push(file);
            }
        }
    }
    Ok(all)
}

/// The reports that were asked for, of which none may be written over what is read.
fn reports(arguments: &TestArguments, files: &[PathBuf]) -> Result<Vec<Wanted>, String> {
    let mut reports = arguments.reports.clone();
    if reports.is_empty() {
        reports.push(wanted("text")?);
    }
    if reports.iter().filter(|report| report.file.is_none()).count() > 1 {
        return Err("only one report can go to standard output; write the others as --report FORMAT=FILE".to_owned());
    }
    let mut inputs = Vec::new();
    for file in files {
        inputs.push(Named::new("the tests", file));
        for test in TestFile::read(file).map(|file| file.tests).unwrap_or_default() {
            inputs.extend(test.recording.iter().map(|recording| Named::new("the test on", recording)));
        }
        inputs.push(Named::new("the playbook", Path::new(&file.display().to_string().replace(".tests.yaml", ".rhai"))));
    }
    let outputs: Vec<Named> = reports.iter().filter_map(|report| Some(Named::new("--report", report.file.as_deref()?))).collect();
    apart(&inputs, &outputs, None)?;
    // Files first: whoever reads standard output may keep it waiting.
    reports.sort_by_key(|report| report.file.is_none());
    Ok(reports)
}

impl Wanted {
    fn tell(&self, tested: &Tested) -> Result<(), String> {
        let Some(file) = &self.file else { return streams::show(&scrub(&(self.write)(tested, streams::style())?)) };
        let text = (self.write)(tested, Style::PLAIN)?;
        let whole = Output::create(file).and_then(|mut output| output.write_all(scrub(&text).as_bytes()).and_then(|()| output.finish()));
        whole.map_err(|error| format!("write report {}: {error}", file.display()))
    }
}
