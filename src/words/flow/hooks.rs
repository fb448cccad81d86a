//! What a site runs at the steps of a playbook that it did not write.

use std::sync::Arc;

use rhai::{Dynamic, FnPtr, NativeCallContext};

use super::around::{End, surrounded};
use super::fragment::run_one;
use super::question::Ended;
use super::step_alone::alone;
use crate::evidence::site_additions::When;
use crate::words::session::{Answer, Run};

/// Does a step, with what the site runs before, around and after it.
///
/// # Errors
/// As the step.
pub fn hooked(run: &Arc<Run>, context: &NativeCallContext, title: &str, body: &FnPtr) -> Answer<Dynamic> {
    let hooks = &run.hooks.all;
    let mine: Vec<usize> = (0..hooks.len()).filter(|index| hooks[*index].step == title).collect();
    if mine.is_empty() || run.state().in_hook {
        return alone(run, context, title, body).map(Ended::value);
    }
    let of = |when: When| mine.iter().copied().filter(move |index| hooks[*index].when == when);
    for index in of(When::Before) {
        run_one(run, context, &hooks[index], ("given", Dynamic::UNIT))?;
    }
    let End { end, ran } = surrounded(run, context, title, body, &of(When::Around).collect::<Vec<_>>())?;
    let given = end.value();
    if ran {
        for index in of(When::After) {
            run_one(run, context, &hooks[index], ("given", given.clone()))?;
        }
    }
    Ok(given)
}
