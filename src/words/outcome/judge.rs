//! `judge(service, announcer, target, flow, closer)`: the verdict, from evidence.

use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};
use serde_json::{Value, json};

use crate::analysis::clock_skew;
use crate::analysis::judge::{Case, judge};
use crate::model::announcement::Announcement;
use crate::model::endpoint::Target;
use crate::model::finding::{Finding, Severity};
use crate::model::flow::{Closer, Flow};
use crate::model::service::Service;
use crate::words::fact::{Fact, Fields, whole};
use crate::words::manual::outcome::JUDGE as WORD;
use crate::words::manual::records;
use crate::words::session::{Answer, Run};
use crate::words::word::Record;

impl Fields for Closer {
    const RECORD: &'static Record = &records::flow::CLOSER;

    fn field(&self, name: &str) -> Option<Value> {
        (name == "again").then(|| whole(&self.again))
    }

    fn shown(&self) -> Result<Value, serde_json::Error> {
        let Self { states, again, policies } = self;
        Ok(json!({"states": states, "again": again.shown()?, "policies": policies}))
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Closer>(engine);
    let four = Arc::clone(run);
    engine.register_fn(
        "judge",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic| {
            weigh(&four, &context, &service, announcer, target, flow, Dynamic::UNIT)
        },
    );
    let run = Arc::clone(run);
    engine.register_fn(
        "judge",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic, closer: Dynamic| {
            weigh(&run, &context, &service, announcer, target, flow, closer)
        },
    );
}

fn weigh(
    run: &Run,
    context: &NativeCallContext,
    service: &Fact<Service>,
    announcer: Dynamic,
    target: Dynamic,
    flow: Dynamic,
    closer: Dynamic,
) -> Answer<()> {
    run.enter(WORD.name);
    let announcer = optional::<Announcement>(context, "announcer", announcer)?;
    let target = optional::<Target>(context, "target", target)?;
    let flow = optional::<Flow>(context, "flow", flow)?;
    let closer = optional::<Closer>(context, "closer", closer)?;
    let gaps = run.state().gaps.clone();
    let case = Case {
        service: &service.0,
        announcement: announcer.as_ref().map(|fact| &*fact.0),
        target: target.as_ref().map(|fact| &*fact.0),
        flow: flow.as_ref().map(|fact| &*fact.0),
        closer: closer.as_ref().map(|fact| &*fact.0),
        gaps: &gaps,
    };
    let judgement = judge(&case);
    let clocks = run.state().clocks.clone();
    let skewed =
        case.announcement.zip(case.address()).map(|(announcement, address)| clock_skew::gaps(address, &announcement.logs, &clocks));
    let mut state = run.state();
    // What an earlier word proved is the answer, where the judgement itself proves nothing.
    let failing = |findings: &[Finding]| findings.iter().find(|finding| finding.severity == Severity::Fail).cloned();
    let earlier = failing(&state.findings).filter(|_| failing(&judgement.findings).is_none());
    let summary = earlier.map_or(judgement.summary, |finding| format!("{}: {}", service.0.path(), finding.summary));
    for finding in judgement.findings {
        state.found(finding);
    }
    state.considered = judgement.considered;
    state.gaps = judgement.gaps;
    for gap in skewed.unwrap_or_default() {
        state.gap(gap);
    }
    state.judged = Some(summary);
    Ok(())
}

/// A fact, or nothing when its step gave `()`.
///
/// # Errors
/// When it is something else.
pub fn optional<T: Send + Sync + 'static>(context: &NativeCallContext, name: &str, value: Dynamic) -> Answer<Option<Fact<T>>> {
    if value.is_unit() {
        return Ok(None);
    }
    let kind = value.type_name();
    value
        .try_cast::<Fact<T>>()
        .map(Some)
        .ok_or_else(|| Run::refuse(context, format!("`{name}` is a {kind}, which is not what the word takes")))
}
