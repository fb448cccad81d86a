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
    /// Replace the names and addresses in it by others, so that a replay gives the same outcome but for them. What it cannot prove to mean the same it refuses.
    #[command(
        after_help = "Replaced are nodes, clients, namespaces, Services and workloads, and addresses, whose networks and order stay. Times, ports, MACs, ids of objects and containers, names of software that many have, and what is inside certificates stay as they are."
    )]
    Redact {
        /// A file that `--record` wrote.
        recording: PathBuf,
        /// The file with other names.
        output: PathBuf,
        /// What was replaced by what, as JSON. Keep it to yourself.
        #[arg(long, value_name = "FILE")]
        map: Option<PathBuf>,
        /// The playbook of the recording, where it is found neither here nor among the shipped ones by its name.
        #[arg(long, value_name = "FILE")]
        playbook: Option<PathBuf>,
    },
}
