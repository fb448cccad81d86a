//! What `lbdiag report`, `lbdiag view` and `lbdiag schema` are given.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use crate::cli::reports::{self, Wanted};
use crate::cli::schema;

/// A run that somebody kept.
#[derive(Args, Debug)]
pub(in crate::cli) struct KeptArguments {
    /// A recording (--record FILE), of which the run is made again, or an outcome (--report json=FILE).
    pub(in crate::cli) run: PathBuf,
    /// The playbook of a recording, where it is found neither here nor among the shipped ones by its name.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) playbook: Option<PathBuf>,
}

/// A shape.
#[derive(Args, Debug)]
pub(in crate::cli) struct SchemaArguments {
    #[arg(value_parser = schema::names())]
    pub(in crate::cli) name: String,
}

/// What is written of it.
#[derive(Args, Debug)]
pub(in crate::cli) struct ReportArguments {
    #[command(flatten)]
    pub(in crate::cli) kept: KeptArguments,
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = Wanted::parse, help = reports::help("A report", |format| format.outcome.is_some()))]
    pub(in crate::cli) reports: Vec<Wanted>,
    /// Tell more: the whole proof and every step, and with -vv every question.
    #[arg(short, long, action = ArgAction::Count)]
    pub(in crate::cli) verbose: u8,
}
