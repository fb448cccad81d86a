//! `compare(earlier, later)`: what changed since an earlier run that means anything.

use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, NativeCallContext};
use serde_json::json;

use crate::model::outcome::{Outcome, Verdict};
use crate::outcomes::{self, Change, RunSeen};
use crate::words::fact::{dynamic, shaped};
use crate::words::manual::outcome::COMPARE as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("compare", move |context: NativeCallContext, earlier: Map| -> Answer<Dynamic> {
        let before = kept(&context, &earlier)?;
        let changes = with_this_run(&run, &context, &before)?;
        given(&context, &changes)
    });
    engine.register_fn("compare", |context: NativeCallContext, earlier: Map, later: Map| -> Answer<Dynamic> {
        let (before, after) = (kept(&context, &earlier)?, kept(&context, &later)?);
        given(&context, &outcomes::compare(&before, &after).changes)
    });
}

/// The changes from an outcome to what this run has come to so far.
fn with_this_run(run: &Run, context: &NativeCallContext, before: &Outcome) -> Answer<Vec<Change>> {
    let started = run.evidence.clock.started();
    let state = run.state();
    if state.judged.is_none() {
        drop(state);
        return Err(Run::refuse(context, "compare: nothing was judged yet in this run; call `judge` before"));
    }
    let now = RunSeen {
        started: &started,
        verdict: Verdict::of(&state.findings, &state.gaps, state.checked),
        findings: &state.findings,
        gaps: &state.gaps,
        observed: &state.observed,
    };
    Ok(outcomes::compare_runs(before.into(), now).changes)
}

/// The outcome that a parameter holds.
fn kept(context: &NativeCallContext, earlier: &Map) -> Answer<Outcome> {
    let none = |why: String| {
        Run::refuse(context, format!("compare: this is no outcome of a run, as a parameter of the type outcome holds it: {why}"))
    };
    let outcome = earlier.get("outcome").ok_or_else(|| none("it has no `outcome`".to_owned()))?;
    let value = serde_json::to_value(outcome).map_err(|error| none(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| none(error.to_string()))
}

fn given(context: &NativeCallContext, changes: &[Change]) -> Answer<Dynamic> {
    let told = |change: &Change| {
        // `is` is a word of Rhai's own, which no field can be called by.
        json!({"about": change.about, "of": change.of, "was": change.was, "now": change.is, "weight": change.weight})
    };
    dynamic(context, shaped(changes.iter().map(told).collect(), WORD.returns.kind))
}
