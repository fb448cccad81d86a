//! What findings weigh at a site, and those that it lives with.

use crate::evidence::site::Site;
use crate::model::finding::{Finding, Severity};
use crate::model::set_aside::SetAside;

/// Weighs findings as the site does, and gives those that it lives with. `started` is when the run began, RFC 3339.
pub(super) fn weigh(site: &Site, findings: &mut [Finding], started: &str) -> Vec<SetAside> {
    let today = started.get(..10).unwrap_or_default();
    let mut aside = Vec::new();
    for finding in findings {
        if let Some(severity) = site.severities.get(&finding.name).filter(|severity| **severity != finding.severity) {
            finding.evidence.push(format!("the site weighs it as {}, and not as {}", severity.word(), finding.severity.word()));
            finding.severity = *severity;
        }
        // Of several culprits each has to be accepted: what is new among them is not.
        let accepted = |culprit: &String| site.accepted.iter().find(|one| one.accepts(&finding.name, culprit, today));
        let culprits: Vec<String> = finding.culprits.iter().map(ToString::to_string).collect();
        let by: Vec<_> = culprits.iter().map(accepted).collect();
        if let Some(Some(first)) = by.first().filter(|_| finding.severity > Severity::Info && by.iter().all(Option::is_some)) {
            let until = first.until.as_ref().map(|until| format!(" (until {until})")).unwrap_or_default();
            let by = format!("accepted at this site: {}{until}", first.reason);
            aside.push(SetAside {
                finding: finding.name.clone(),
                culprits: finding.culprits.clone(),
                was: finding.severity,
                by: by.clone(),
            });
            finding.evidence.push(by);
            finding.severity = Severity::Info;
        }
    }
    aside
}
