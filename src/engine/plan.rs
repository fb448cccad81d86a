//! What a run would do: a run whose hosts are not touched, and the plan that comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::prepare::Prepared;
use super::ran::ran;
use super::run::{RunEnd, RunOptions};
use crate::evidence::Evidence;
use crate::evidence::planned::Planned;
use crate::model::catalogue::{Property, has};
use crate::model::plan::{Plan, PlannedParam};
use crate::words::session::Progress;

/// Runs a playbook on what `evidence::live::open_planned` gives, so that `planned` knows what each step would do.
#[must_use]
pub fn rehearse(prepared: &Prepared, evidence: &Evidence, planned: &Planned, options: &RunOptions) -> RunEnd {
    let (progress, steps) = (Arc::clone(&options.progress), planned.clone());
    let told = move |event: Progress| match event {
        Progress::Step(title) => {
            steps.step(&title);
            progress(Progress::Step(title));
        }
        Progress::Await { client, text, seconds } => steps.wait(&client, &text, seconds),
        Progress::Note(_) | Progress::Traced(_) | Progress::Left { .. } => {}
    };
    prepared.rehearsed(evidence, &RunOptions { progress: Arc::new(told), ..*options })
}

/// The plan, from the end of its rehearsal.
#[must_use]
pub fn plan(prepared: &Prepared, planned: &Planned, end: &RunEnd, limit: Duration) -> Plan {
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
        ran: ran(&prepared.playbook, &prepared.site),
        params,
        uses: header.uses.iter().filter(allowed).cloned().collect(),
        seconds: limit.as_secs(),
        api,
        hosts: planned.ways(),
        intents: planned.intents(),
        scripts: Planned::scripts(),
        open: open.map(|gap| format!("{}: {}", gap.subject, gap.reason)).collect(),
    };
    plan.scrub();
    plan
}
