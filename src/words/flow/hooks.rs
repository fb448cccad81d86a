//! What a site runs at the steps of a playbook that it did not write.

use rhai::{Dynamic, EvalAltResult, NativeCallContext, Scope};

use super::question::step;
use super::step_hook::StepHook;
use crate::evidence::site_additions::When;
use crate::model::diagnostic::codes;
use crate::words::mistake::Mistake;
use crate::words::session::{Answer, Run};

/// Does a step, with what the site runs before and after it.
///
/// # Errors
/// As the step.
pub fn hooked(run: &Run, context: &NativeCallContext, title: &str, work: impl FnOnce() -> Answer<Dynamic>) -> Answer<Dynamic> {
    let mine: Vec<&StepHook> = run.hooks.all.iter().filter(|hook| hook.step == title).collect();
    if mine.is_empty() || run.state().in_hook {
        return work();
    }
    for hook in mine.iter().filter(|hook| hook.when != When::After) {
        let answer = run_one(run, context, hook, "before", Dynamic::UNIT)?;
        if hook.when == When::Around && answer.as_bool() == Ok(false) {
            run.note(format!("the site leaves the step \"{title}\" out ({})", hook.path));
            return Ok(Dynamic::UNIT);
        }
    }
    let given = work()?;
    for hook in mine.iter().filter(|hook| hook.when != When::Before) {
        let _ = run_one(run, context, hook, "after", given.clone())?;
    }
    Ok(given)
}

/// Runs a fragment as a step of its own.
fn run_one(run: &Run, context: &NativeCallContext, hook: &StepHook, when: &'static str, given: Dynamic) -> Answer<Dynamic> {
    run.state().in_hook = true;
    let answer = step(run, &format!("{when} \"{}\" ({})", hook.step, hook.path), || {
        let mut scope = Scope::new();
        for (name, value) in &run.constants {
            scope.push_constant(name.as_str(), value.clone());
        }
        scope.push_constant("given", given);
        scope.push_constant("when", when);
        context.engine().eval_ast_with_scope::<Dynamic>(&mut scope, &hook.ast).map_err(|error| told(context, hook, error))
    });
    run.state().in_hook = false;
    answer
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
/// What could not be looked at stays that; a mistake is one of the fragment's file, which is not the playbook's.
fn told(context: &NativeCallContext, hook: &StepHook, error: Box<EvalAltResult>) -> Box<EvalAltResult> {
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) if !value.is::<Mistake>() => error,
        EvalAltResult::ErrorTerminated(..) => error,
        _ => Mistake { code: codes::OPERATION, message: format!("{}: {error}", hook.path), hint: None }.raised(context),
    }
}
