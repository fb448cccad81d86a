//! `reads_suffice(service, announcer, target, flow)`: whether what was read will do for the verdict.

use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use crate::analysis::judge::{Case, judge};
use crate::model::finding::{Finding, Severity};
use crate::model::service::Service;
use crate::words::case::{Facts, Given};
use crate::words::fact::Fact;
use crate::words::manual::flow::READS_SUFFICE as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    for name in [WORD.name].into_iter().chain(WORD.formerly.iter().copied()) {
        let run = Arc::clone(run);
        engine.register_fn(
            name,
            move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic| {
                run.enter(WORD.name);
                reads_suffice(&run, &context, &service, Given { announcer, target, flow, closer: Dynamic::UNIT })
            },
        );
    }
}

fn reads_suffice(run: &Run, context: &NativeCallContext, service: &Fact<Service>, given: Given) -> Answer<bool> {
    Ok(suffice(&Facts::gathered(run, context, service, given)?.case()))
}

/// Whether what was read is all that the verdict needs.
#[must_use]
pub fn suffice(case: &Case) -> bool {
    if case.announcement.is_none_or(|announcement| announcement.spared.is_empty()) {
        return true;
    }
    let judgement = judge(case);
    // What the program answers, and what is told for information, is not MetalLB's: nothing that was left unread tells more of it.
    let of_others = |finding: &Finding| finding.severity == Severity::Info || finding.name.starts_with("app/");
    case.all_answered() && judgement.findings.iter().all(of_others) && judgement.gaps.is_empty()
}
