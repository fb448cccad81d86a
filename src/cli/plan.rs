//! `lbdiag plan`: what a run would do, without doing it on any host.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arguments::PlanArguments;
use super::exit::Exit;
use super::files::Written;
use super::progress::Shown;
use super::run::{Prepared, nothing_asked, prepare, unopened, world};
use super::watch::{Watch, Work};
use super::{refuse, reports, streams};
use crate::engine::{self, EndKind, Progress, RunEnd, RunOptions};
use crate::evidence::live;
use crate::evidence::planned::Planned;
use crate::model::catalogue::{Property, has};
use crate::model::plan::{Plan, PlannedParam};
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
    let (progress, steps) = (Arc::clone(&shown), planned.clone());
    let options = RunOptions {
        time_limit: given.timeout,
        progress: Arc::new(move |event| match &event {
            Progress::Step(title) => {
                steps.step(title);
                progress.tell(&event);
            }
            Progress::Await { client, text, seconds } => steps.wait(client, text, *seconds),
            Progress::Note(_) | Progress::Left { .. } => {}
        }),
    };
    let end = engine::run(&prepared.playbook, prepared.params.clone(), &evidence, &prepared.site, &options);
    shown.finish();
    if let Some(exit) = unplanned(&end, arguments) {
        return exit;
    }
    let plan = composed(arguments, &prepared, &planned, &end);
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

fn composed(arguments: &PlanArguments, prepared: &Prepared, planned: &Planned, end: &RunEnd) -> Plan {
    let header = &prepared.playbook.header;
    let params: BTreeMap<String, PlannedParam> = prepared
        .params
        .iter()
        .map(|(name, value)| {
            let from = prepared.sources.get(name).cloned().unwrap_or_default();
            (name.clone(), PlannedParam { value: value.clone(), from })
        })
        .collect();
    let allowed = |capability: &&String| prepared.site.uses.as_ref().is_none_or(|uses| uses.contains(*capability));
    let mut api: Vec<String> = end.outcome.touched.iter().filter(|touch| touch.kind == "api").map(|touch| touch.what.clone()).collect();
    api.sort();
    // All other gaps come of answers that were only assumed.
    let open = end.outcome.gaps.iter().filter(|gap| has(&gap.name, Property::OfTheApi));
    let mut plan = Plan {
        format: "lbdiag-plan/1".to_owned(),
        lbdiag: env!("CARGO_PKG_VERSION").to_owned(),
        playbook: header.name.clone(),
        playbook_version: header.version.clone(),
        params,
        uses: header.uses.iter().filter(allowed).cloned().collect(),
        seconds: arguments.given.timeout.as_secs(),
        api,
        hosts: planned.ways(),
        intents: planned.intents(),
        scripts: Planned::scripts(),
        open: open.map(|gap| format!("{}: {}", gap.subject, gap.reason)).collect(),
    };
    plan.scrub();
    plan
}
