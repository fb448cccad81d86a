//! The fragments that a site runs at a playbook's steps, read and checked before anything is touched.

use std::sync::Arc;

use crate::evidence::site::Site;
use crate::evidence::site_additions::When;
use crate::language::at_a_step::AtAStep;
use crate::language::playbook::{Broken, Playbook, fragment};
use crate::language::steps::titles;
use crate::model::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::words::flow::around::{DEEPEST, PROCEED};
use crate::words::flow::step_hook::StepHook;

/// Those of the site that are for this playbook.
///
/// # Errors
/// When one names a step that the playbook does not have, or is broken itself.
pub(super) fn of(playbook: &Playbook, site: &Site) -> Result<Vec<StepHook>, Broken> {
    let known = titles(&playbook.ast);
    let mut hooks = Vec::new();
    for one in site.fragments.iter().filter(|one| one.playbook == playbook.header.name) {
        if !known.contains(&one.step) {
            let all = || Some(format!("its steps are {}", known.iter().map(|title| format!("\"{title}\"")).collect::<Vec<_>>().join(", ")));
            let hint = did_you_mean(&one.step, known.iter().map(String::as_str)).or_else(all);
            let message = format!("hooks: {} has no step \"{}\" ({} {})", playbook.header.name, one.step, one.when.word(), one.path);
            return Err(Broken { diagnostics: vec![Diagnostic::new(codes::FILE_VALUE, None, message).maybe(hint)] });
        }
        let ast = Arc::new(fragment(&one.path, &one.text, playbook, finds(one.when))?);
        hooks.push(StepHook { when: one.when, step: one.step.clone(), path: one.path.clone(), ast });
    }
    let around = |hook: &&StepHook| hook.when == When::Around;
    for step in &known {
        let count = hooks.iter().filter(around).filter(|hook| hook.step == *step).count();
        if count > DEEPEST {
            let message = format!("hooks: {count} fragments stand around the step \"{step}\" of {}", playbook.header.name);
            let hint = format!("at most {DEEPEST} stand around each other");
            return Err(Broken { diagnostics: vec![Diagnostic::new(codes::FILE_VALUE, None, message).hint(hint)] });
        }
    }
    Ok(hooks)
}

/// The titles of a playbook's steps, as they are written out: what hooks can name.
#[must_use]
pub fn steps(playbook: &Playbook) -> Vec<String> {
    titles(&playbook.ast)
}

/// What its author finds in a fragment.
fn finds(when: When) -> AtAStep {
    match when {
        When::Before | When::After => AtAStep { values: &["given", "when"], step: None },
        When::Around => AtAStep { values: &["when"], step: Some(PROCEED) },
    }
}
