//! The fragments that a site runs at a playbook's steps, read and checked before anything is touched.

use std::sync::Arc;

use crate::evidence::site::Site;
use crate::language::playbook::{Broken, Playbook, fragment};
use crate::language::steps::titles;
use crate::model::diagnostic::{Diagnostic, codes, did_you_mean};
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
        let ast = Arc::new(fragment(&one.path, &one.text, &playbook.header)?);
        hooks.push(StepHook { when: one.when, step: one.step.clone(), path: one.path.clone(), ast });
    }
    Ok(hooks)
}
