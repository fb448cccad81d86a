//! How much a finding of a playbook weighs, and what its reader is to do: by its declaration in the header, by the catalogue, or as the
//! playbook says.

use rhai::NativeCallContext;

use crate::model::catalogue::{self, ENTRIES};
use crate::model::diagnostic::{codes, did_you_mean};
use crate::model::finding::Severity;
use crate::words::mistake::Mistake;
use crate::words::session::{Answer, Run};

/// Severity and next step of a finding.
pub struct Weight {
    pub severity: Severity,
    pub next: String,
}

/// The weight of the finding of that name; `given` is what the playbook says, where it says anything. What the header declares and what
/// the catalogue fixes is not the script's to change: a reader knows what a name means.
///
/// # Errors
/// When the name is neither the catalogue's nor a site's own, or the severity is none.
pub fn weight(run: &Run, context: &NativeCallContext, name: &str, given: Option<&str>) -> Answer<Weight> {
    let entry = catalogue::entry(name);
    let declared = run.declared.iter().find(|declared| declared.name == name);
    // Where the header declares any, a name that is none of them is mistyped.
    let own = name.starts_with("site/") && run.declared.is_empty();
    if entry.is_none() && declared.is_none() && !own {
        let known = ENTRIES.iter().map(|entry| entry.name).chain(run.declared.iter().map(|declared| declared.name.as_str()));
        let hint = did_you_mean(name, known);
        let message = if name.starts_with("site/") {
            format!("the header's `findings` does not declare `{name}`")
        } else {
            format!("`{name}` is no finding of the catalogue, and a site's own begin with `site/`")
        };
        return Err(Mistake { code: codes::FINDING, message, hint }.raised(context));
    }
    let given = match given {
        None => None,
        Some(word) => match Severity::named(word) {
            None => {
                let hint = Some("`lbdiag words finding` tells what it takes".to_owned());
                return Err(Mistake { code: codes::ARGUMENTS, message: format!("`{word}` is no severity: info, warn or fail"), hint }
                    .raised(context));
            }
            known => known,
        },
    };
    // The name of a gap says what could not be had; how bad that is, only the playbook knows.
    let fixed = declared.map(|declared| declared.severity).or_else(|| entry.filter(|entry| !entry.is_gap()).map(|entry| entry.severity));
    let next = declared.map(|declared| declared.next.clone()).or_else(|| entry.map(|entry| entry.next.to_owned())).unwrap_or_default();
    Ok(Weight { severity: fixed.or(given).unwrap_or(Severity::Fail), next })
}
