//! A fragment of a site's, run as a step of its own.

use rhai::{Dynamic, EvalAltResult, NativeCallContext, Scope};

use super::question::{Ended, ended};
use super::step_hook::StepHook;
use crate::model::diagnostic::codes;
use crate::words::mistake::Mistake;
use crate::words::session::{Answer, Run};

/// Runs a fragment as a step of its own; `more` is what it finds there beside what every script finds.
///
/// # Errors
/// As a step.
pub(super) fn run_one(run: &Run, context: &NativeCallContext, hook: &StepHook, more: (&'static str, Dynamic)) -> Answer<Ended> {
    let outside = std::mem::replace(&mut run.state().in_hook, true);
    let answer = ended(run, &format!("{} \"{}\" ({})", hook.when.word(), hook.step, hook.path), || {
        let mut scope = Scope::new();
        for (name, value) in &run.constants {
            scope.push_constant(name.as_str(), value.clone());
        }
        scope.push_constant(more.0, more.1);
        scope.push_constant("when", hook.when.word());
        context.engine().eval_ast_with_scope::<Dynamic>(&mut scope, &hook.ast).map_err(|error| told(context, hook, error))
    });
    run.state().in_hook = outside;
    answer
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
/// What could not be looked at stays that; a mistake is one of the fragment's file, which is not the playbook's.
fn told(context: &NativeCallContext, hook: &StepHook, error: Box<EvalAltResult>) -> Box<EvalAltResult> {
    let at = |line: Option<usize>| line.map(|line| format!(":{line}")).unwrap_or_default();
    let mistake = match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, place) if value.is::<Mistake>() => value
            .clone()
            .try_cast::<Mistake>()
            .map(|mistake| Mistake { message: format!("{}{}: {}", hook.path, at(place.line()), mistake.message), ..mistake }),
        EvalAltResult::ErrorRuntime(..) | EvalAltResult::ErrorTerminated(..) => None,
        EvalAltResult::ErrorTooManyOperations(_)
        | EvalAltResult::ErrorStackOverflow(_)
        | EvalAltResult::ErrorTooManyVariables(_)
        | EvalAltResult::ErrorTooManyModules(_)
        | EvalAltResult::ErrorDataTooLarge(..) => {
            Some(Mistake { code: codes::LIMIT, message: format!("{}: the fragment reached a limit: {error}", hook.path), hint: None })
        }
        _ => Some(Mistake { code: codes::OPERATION, message: format!("{}: {error}", hook.path), hint: None }),
    };
    mistake.map_or(error, |mistake| mistake.raised(context))
}
