//! `lbdiag record`: a run of the playbook that asks whatever others may ask, recorded as a world to try playbooks in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::arguments::{Given, RunOptions, Way, duration};
use super::exit::Exit;
use super::reports::{self, Wanted};
use super::run::run_after;
use super::watch;
use crate::engine::world;

#[derive(Args, Debug)]
pub(super) struct RecordArguments {
    /// The file that the world is written to.
    #[arg(long, value_name = "FILE", required = true)]
    world: PathBuf,
    /// Follow the Services of this namespace alone; of all others the objects are kept.
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Where to ask from, by comma: local, ssh:HOST, node:NAME.
    #[arg(long, value_name = "PLACES")]
    from: Option<String>,
    /// Another parameter of the playbook `record-world`; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = super::arguments::setting)]
    set: Vec<(String, String)>,
    /// What differs from place to place: SSH, addresses of nodes.
    #[arg(long, value_name = "FILE", env = "LBDIAG_SITE")]
    site: Option<PathBuf>,
    /// How nodes are reached: over SSH, or by the pods that the site file names (`via.pod`).
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Way::Ssh)]
    via: Way,
    /// The API alone is read: no host is logged in to, nothing is asked of the Services, nothing is captured.
    #[arg(long = "static")]
    static_only: bool,
    /// The kubeconfig's context.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig; otherwise KUBECONFIG or ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// What all of it may take, such as 10m.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    timeout: Duration,
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = Wanted::parse, help = reports::help("A report", |format| format.outcome.is_some()))]
    reports: Vec<Wanted>,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
}

/// Records a world.
pub(super) fn record(arguments: RecordArguments) -> Exit {
    let options = options(arguments);
    watch::over(Some(options.given.timeout), move |watch| run_after(Path::new(world::PLAYBOOK), &options, watch, world::ask_for_objects))
}

/// The same as options of a run.
fn options(arguments: RecordArguments) -> RunOptions {
    let mut set = arguments.set;
    set.extend(arguments.namespace.map(|namespace| ("namespace".to_owned(), namespace)));
    set.extend(arguments.from.map(|from| ("from".to_owned(), from)));
    RunOptions {
        given: Given {
            set,
            params: None,
            site: arguments.site,
            via: arguments.via,
            static_only: arguments.static_only,
            context: arguments.context,
            kubeconfig: arguments.kubeconfig,
            replay: None,
            world: None,
            timeout: arguments.timeout,
            quiet: arguments.quiet,
        },
        record: Some(arguments.world),
        pcap: None,
        reports: arguments.reports,
        verbose: 0,
        warn_exit: 4,
    }
}
