//! `reads_suffice(service, announcer, target, flow)`: whether what was read will do for the verdict.

use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use crate::analysis::judge::{Case, judge};
use crate::model::announcement::Announcement;
use crate::model::endpoint::Target;
use crate::model::flow::Flow;
use crate::model::service::Service;
use crate::words::fact::Fact;
use crate::words::manual::flow::READS_SUFFICE as WORD;
use crate::words::outcome::judge::optional;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    for name in [WORD.name].into_iter().chain(WORD.formerly.iter().copied()) {
        let run = Arc::clone(run);
        engine.register_fn(
            name,
            move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic| {
                run.enter(WORD.name);
                reads_suffice(&run, &context, &service.0, announcer, target, flow)
            },
        );
    }
}

fn reads_suffice(
    run: &Run,
    context: &NativeCallContext,
    service: &Service,
    announcer: Dynamic,
    target: Dynamic,
    flow: Dynamic,
) -> Answer<bool> {
    let announcer = optional::<Announcement>(context, "announcer", announcer)?;
    let target = optional::<Target>(context, "target", target)?;
    let flow = optional::<Flow>(context, "flow", flow)?;
    if announcer.as_ref().is_none_or(|found| found.0.spared.is_empty()) {
        return Ok(true);
    }
    let gaps = run.state().gaps.clone();
    let case = Case {
        service,
        announcement: announcer.as_ref().map(|fact| &*fact.0),
        target: target.as_ref().map(|fact| &*fact.0),
        flow: flow.as_ref().map(|fact| &*fact.0),
        closer: None,
        gaps: &gaps,
    };
    let judgement = judge(&case);
    Ok(case.all_answered() && judgement.findings.is_empty() && judgement.gaps.is_empty())
}
