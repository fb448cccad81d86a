//! What can be written behind `lbdiag recording`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RecordingCommand {
    /// What made it, and every question that it has an answer to, in the order in which they were asked.
    Show {
        /// A file that `--record` wrote.
        recording: PathBuf,
    },
    /// Whether it is whole, and whether every answer in it can be read.
    #[command(
        after_help = "Exit codes: 0 it is whole; 4 it was cut off, and opens up to its last complete answer; 1 it is no recording, or was changed."
    )]
    Verify {
        /// A file that `--record` wrote.
        recording: PathBuf,
    },
}
