//! What can be written behind `lbdiag record`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Way, duration, setting};
use crate::cli::reports::{self, Wanted};

#[derive(Args, Debug)]
pub(in crate::cli) struct RecordArguments {
    /// The file that the world is written to.
    #[arg(long, value_name = "FILE", required = true)]
    pub(in crate::cli) world: PathBuf,
    /// Follow the Services of this namespace alone; of all others the objects are kept.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(in crate::cli) namespace: Option<String>,
    /// Where to ask from, by comma: local, ssh:HOST, node:NAME.
    #[arg(long, value_name = "PLACES")]
    pub(in crate::cli) from: Option<String>,
    /// Another parameter of the playbook `record-world`; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub(in crate::cli) set: Vec<(String, String)>,
    /// What differs from place to place: SSH, addresses of nodes.
    #[arg(long, value_name = "FILE", env = "LBDIAG_SITE")]
    pub(in crate::cli) site: Option<PathBuf>,
    /// How nodes are reached: over SSH, or by the pods that the site file names (`via.pod`).
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Way::Ssh)]
    pub(in crate::cli) via: Way,
    /// The API alone is read: no host is logged in to, nothing is asked of the Services, nothing is captured.
    #[arg(long = "static")]
    pub(in crate::cli) static_only: bool,
    /// The kubeconfig's context.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) context: Option<String>,
    /// The kubeconfig; otherwise KUBECONFIG or ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) kubeconfig: Option<PathBuf>,
    /// What all of it may take, such as 10m.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = Wanted::parse, help = reports::help("A report", |format| format.outcome.is_some()))]
    pub(in crate::cli) reports: Vec<Wanted>,
    /// No progress on standard error.
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}
