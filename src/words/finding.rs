//! `finding(name, severity, culprit, summary)`: a finding of the playbook's own.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, NativeCallContext};

use super::reference::Word;
use super::run::{Answer, Run};
use crate::analysis::similar::nearest;
use crate::model::catalogue::{self, ENTRIES};
use crate::model::culprit::Culprit;
use crate::model::finding::{Finding, Severity};

pub const WORD: Word = Word {
    name: "finding",
    capability: "",
    signature: "finding(name, severity, culprit, summary)",
    meaning: "Adds a finding of the playbook's own. The name is one of the catalogue's, or begins with `site/`; the severity is info, warn or fail.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn(
        "finding",
        move |context: NativeCallContext,
              name: ImmutableString,
              severity: ImmutableString,
              culprit: ImmutableString,
              summary: ImmutableString| { add(&run, &context, &name, &severity, &culprit, &summary) },
    );
}

fn add(run: &Run, context: &NativeCallContext, name: &str, severity: &str, culprit: &str, summary: &str) -> Answer<()> {
    let entry = catalogue::entry(name);
    if entry.is_none() && !name.starts_with("site/") {
        let hint =
            nearest(name, ENTRIES.iter().map(|entry| entry.name)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Run::refuse(context, format!("`{name}` is no finding of the catalogue, and a site's own begin with `site/`{hint}")));
    }
    let severity = match severity {
        "info" => Severity::Info,
        "warn" => Severity::Warn,
        "fail" => Severity::Fail,
        other => return Err(Run::refuse(context, format!("`{other}` is no severity: info, warn or fail"))),
    };
    let mut state = run.state();
    state.checked = true;
    state.findings.push(Finding {
        name: name.to_owned(),
        severity,
        culprits: vec![Culprit(culprit.to_owned())],
        summary: summary.to_owned(),
        because: None,
        scope: None,
        evidence: Vec::new(),
        next: entry.map(|entry| entry.next.to_owned()).unwrap_or_default(),
    });
    Ok(())
}
