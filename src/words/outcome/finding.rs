//! `finding(name, severity, culprit, summary)`: a finding of the playbook's own.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::weight::weight;
use crate::model::diagnostic::codes;
use crate::model::finding::Finding;
use crate::model::subject::Subject;
use crate::words::fits::in_words;
use crate::words::mistake::Mistake;
use crate::words::room;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn(
        "finding",
        move |context: NativeCallContext,
              name: ImmutableString,
              severity: Dynamic,
              culprits: Dynamic,
              summary: ImmutableString|
              -> Answer<()> {
            let culprits = paths(&context, culprits)?;
            let severity = severity.into_immutable_string().ok();
            add(&run, &context, &name, severity.as_deref(), culprits, &summary)
        },
    );
}

/// An argument that the word does not take.
fn unfit(message: String) -> Mistake {
    let hint = Some("`lbdiag words finding` tells what it takes".to_owned());
    Mistake { code: codes::ARGUMENTS, message, hint }
}

/// Paths that one finding names.
const MOST_CULPRITS: usize = 1_000;

/// One path or several.
///
/// # Errors
/// When it is none.
pub fn paths(context: &NativeCallContext, value: Dynamic) -> Answer<Vec<Subject>> {
    let refused = |kind: &str| {
        unfit(format!("a finding's culprit is a path such as node/n2, or a list of them, and this is {}", in_words(kind))).raised(context)
    };
    let path = |value: Dynamic| value.into_immutable_string().map(|path| Subject::from(room::name(&path))).map_err(refused);
    if !value.is_array() {
        return Ok(vec![path(value)?]);
    }
    let named = value.into_array().map_err(refused)?;
    let more = named.len().saturating_sub(MOST_CULPRITS);
    let mut culprits = named.into_iter().take(MOST_CULPRITS).map(path).collect::<Answer<Vec<_>>>()?;
    if more > 0 {
        culprits.push(Subject::from(format!("… and {more} more")));
    }
    if culprits.is_empty() { Err(unfit("a finding has at least one culprit".to_owned()).raised(context)) } else { Ok(culprits) }
}

fn add(run: &Run, context: &NativeCallContext, name: &str, severity: Option<&str>, culprits: Vec<Subject>, summary: &str) -> Answer<()> {
    let weight = weight(run, context, name, severity)?;
    let mut state = run.state();
    state.checked = true;
    state.found(Finding {
        name: room::name(name),
        severity: weight.severity,
        culprits,
        summary: room::text(summary),
        because: None,
        scope: None,
        from: Vec::new(),
        evidence: Vec::new(),
        rests_on: Vec::new(),
        next: weight.next,
    });
    Ok(())
}
