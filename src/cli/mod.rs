//! The command line: arguments, standard streams and exit codes. The only layer that prints; it holds no diagnosis.

mod arguments;
mod exit;
mod explain;
mod files;
mod given;
mod markdown;
mod passphrase;
mod plan;
mod playbook;
mod progress;
mod reports;
mod run;
mod show;
mod streams;
mod trace;
mod why;
mod words;

use std::path::Path;
use std::process::ExitCode;

use arguments::Command;
use exit::Exit;

use crate::model::text::{hanging, harmless};

/// Reads the arguments, does what they say, and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(exit) => return exit.into(),
    };
    // A panic is a bug; its message has been printed, and no exit code of a verdict may come of it.
    std::panic::catch_unwind(|| obey(&arguments.command)).unwrap_or(Exit::CouldNotWork).into()
}

fn obey(command: &Command) -> Exit {
    match command {
        Command::Run(run) => run::run(&run.playbook, &run.options),
        Command::Doctor(options) => run::run(Path::new("doctor"), options),
        Command::Plan(plan) => plan::plan(plan),
        Command::Trace(trace) => trace::trace(trace),
        Command::Explain { markdown: true, .. } => explain::document(),
        Command::Explain { finding: Some(finding), why: Some(report), .. } => why::why(finding, report),
        Command::Explain { finding, .. } => explain::explain(finding.as_deref()),
        Command::Words { markdown: true, .. } => words::document(),
        Command::Words { word, .. } => words::words(word.as_deref()),
        Command::Show { playbook } => show::show(playbook),
    }
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
