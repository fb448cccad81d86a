//! The command line: arguments, standard streams and exit codes. The only layer that prints; it holds no diagnosis.

mod arguments;
mod check;
mod declared;
mod definitions;
mod diff;
mod exit;
mod explain;
mod files;
mod fmt;
mod kept;
mod manual;
mod markdown;
mod new;
mod parameters;
mod passphrase;
mod plan;
mod progress;
mod record;
mod recording;
mod refusal;
mod report;
mod reports;
mod run;
mod schema;
mod show;
mod streams;
mod test;
mod trace;
mod vantages;
mod watch;
mod why;
mod words;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::path::Path;
use std::process::ExitCode;

use crate::evidence::panicked;
use arguments::Command;
use arguments::explain::ExplainArguments;
use exit::Exit;

use crate::model::text::{hanging, harmless};

/// Reads the arguments, does what they say, and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(exit) => return exit.into(),
    };
    streams::restrict(arguments.ascii);
    std::panic::set_hook(Box::new(tell_panic));
    // A panic is a bug; it has been told, and no exit code of a verdict may come of it.
    std::panic::catch_unwind(|| obey(arguments.command)).unwrap_or(Exit::CouldNotWork).into()
}

fn obey(command: Command) -> Exit {
    match command {
        Command::Run(run) => watch::over(Some(run.options.given.timeout), move |watch| run::run(&run.playbook, &run.options, watch)),
        Command::Doctor(options) => watch::over(Some(options.given.timeout), move |watch| run::run(Path::new("doctor"), &options, watch)),
        Command::Plan(plan) => watch::over(Some(plan.given.timeout), move |watch| plan::plan(&plan, watch)),
        Command::Check(arguments) => check::check(&arguments),
        Command::Test(arguments) => test::test(&arguments),
        Command::Record(arguments) => record::record(*arguments),
        Command::Fmt(arguments) => fmt::fmt(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::Trace(trace) => watch::over(None, move |watch| trace::trace(&trace, watch)),
        Command::Explain(asked) if asked.markdown => explain::document(),
        Command::Explain(ExplainArguments { finding: Some(finding), why: Some(report), .. }) => why::why(&finding, &report),
        Command::Explain(asked) => explain::explain(asked.finding.as_deref(), asked.site.as_deref()),
        Command::Words { markdown: true, .. } => words::document(),
        Command::Words { definitions: true, .. } => print(&definitions::definitions()),
        Command::Words { word, .. } => words::words(word.as_deref()),
        Command::Recording { command } => recording::recording(&command),
        Command::Show { playbook, source, site } => show::show(&playbook, source, site.as_deref()),
        Command::Report(arguments) => report::report(&arguments),
        Command::View(arguments) => report::view(&arguments),
        Command::Diff { before, after, report, changed_exit } => diff::diff(&before, &after, report, changed_exit),
        Command::Schema(arguments) => schema::schema(&arguments.name),
        Command::Version => print(concat!("lbdiag ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { directory } => manual::pages(&directory),
    }
}

/// Where a panic came from, in one line; what became of it is told by whoever did the work. `RUST_BACKTRACE` shows how it came there.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    if panicked::is_quiet() {
        return;
    }
    let message = panicked::message(panic.payload());
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let trace = if backtrace.status() == BacktraceStatus::Captured { format!("\n{backtrace}") } else { String::new() };
    streams::say(&format!("lbdiag: {}{place}{trace}", hanging(&message)));
}

/// Prints the result, which is undressed text, and gives the exit of having done so.
fn print(text: &str) -> Exit {
    match streams::show(&harmless(text)) {
        Ok(()) => Exit::Good,
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

/// A refusal of what was asked for, on standard error.
fn refuse(exit: Exit, message: &str) -> Exit {
    streams::say(&format!("lbdiag: {}", hanging(message)));
    exit
}
