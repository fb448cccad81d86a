//! `enough(service, announcer, target, flow)`: whether what was read will do for the verdict.

use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use super::fact::Fact;
use super::judge::optional;
use super::reference::Word;
use super::run::{Answer, Run};
use crate::analysis::judge::{Case, judge};
use crate::model::announcement::Announcement;
use crate::model::endpoint::Target;
use crate::model::flow::Flow;
use crate::model::service::Service;

pub const WORD: Word = Word {
    name: "enough",
    capability: "",
    signature: "enough(service, announcer, target, flow) -> bool",
    meaning: "Whether what was read is all that the verdict needs: `find_announcer` spared nothing, or every try was answered and the judgement has neither a finding nor a gap. Where it is false, ask `find_announcer` again without `sparing` before anything is judged.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn(
        "enough",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic| {
            run.enter(WORD.name);
            enough(&run, &context, &service.0, announcer, target, flow)
        },
    );
}

fn enough(run: &Run, context: &NativeCallContext, service: &Service, announcer: Dynamic, target: Dynamic, flow: Dynamic) -> Answer<bool> {
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
