//! `lbdiag record`: a run of the playbook that asks whatever others may ask, recorded as a world to try playbooks in.

use std::path::Path;

use super::arguments::record::RecordArguments;
use super::arguments::{Given, RunOptions};
use super::exit::Exit;
use super::run::run_after;
use super::watch;
use crate::engine::world;

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
            everywhere: false,
            impersonate: None,
            request_timeout: None,
            replay: None,
            world: None,
            timeout: arguments.timeout,
            quiet: arguments.quiet,
        },
        record: Some(arguments.world),
        pcap: None,
        reports: arguments.reports,
        verbose: 0,
        baseline: None,
        warn_exit: 4,
        trace_steps: false,
    }
}
