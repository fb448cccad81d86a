//! `lbdiag plan`: what a run would do, without doing it on any host.

use std::sync::Arc;

use super::arguments::PlanArguments;
use super::exit::Exit;
use super::files::Written;
use super::progress::Shown;
use super::run::{nothing_asked, prepare, unopened, world};
use super::watch::{Watch, Work};
use super::{refuse, reports, streams};
use crate::engine::{self, EndKind, RunEnd, RunOptions};
use crate::evidence::live;
use crate::report;

/// Plans a run and prints the plan.
pub(super) fn plan(arguments: &PlanArguments, watch: &Watch) -> Exit {
    let given = &arguments.given;
    let mut prepared = match prepare(&arguments.playbook, given, &arguments.reports, Written::default(), watch) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    watch.doing(Work::Opening, "logging in to the cluster");
    let opened = live::open_planned(&world(given, &prepared.site), prepared.replayed.take(), watch.interrupt.clone());
    let (evidence, planned) = match opened {
        Ok(opened) => opened,
        Err(error) => return unopened(&error, watch),
    };
    watch.doing(Work::Running, "ending the plan's run");
    let shown = Shown::new(given.quiet);
    let progress = Arc::clone(&shown);
    let options = RunOptions { time_limit: given.timeout, progress: Arc::new(move |event| progress.tell(&event)) };
    let end = engine::rehearse(&prepared, &evidence, &planned, &options);
    shown.finish();
    if let Some(exit) = unplanned(&end, arguments) {
        return exit;
    }
    let plan = engine::plan(&prepared, &planned, &end, given.timeout);
    match reports::write_plan(&arguments.reports, &plan, arguments.scripts, watch) {
        Ok(()) => Exit::Good,
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

/// The exit of a playbook that did not come to its end, so that its plan would not be whole.
fn unplanned(end: &RunEnd, arguments: &PlanArguments) -> Option<Exit> {
    if let Some(exit) = nothing_asked(&end.kind) {
        return Some(exit);
    }
    match &end.kind {
        EndKind::BrokenPlaybook(mistake) => {
            streams::say(&report::diagnostic(mistake, streams::error_style()));
            Some(Exit::Usage)
        }
        EndKind::CouldNotWork(message) | EndKind::Unread(message) => Some(refuse(Exit::CouldNotWork, message)),
        EndKind::Interrupted => Some(refuse(Exit::Interrupted, "interrupted")),
        EndKind::TimedOut => {
            Some(refuse(Exit::CouldNotWork, &format!("the time limit of {:?} ran out while planning (--timeout)", arguments.given.timeout)))
        }
        EndKind::Usage(_) | EndKind::Listed(_) | EndKind::Judged | EndKind::Unjudged => None,
    }
}
