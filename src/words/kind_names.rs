//! The kinds of objects that a playbook may name in a word, and how any other is named.

use crate::model::kinds::KINDS;
use crate::model::nearest::nearest;

/// Objects that hold secrets or free configuration; lbdiag never reads them.
const NEVER_READ: [&str; 4] = ["secrets", "secret", "configmaps", "configmap"];

/// A kind as it is named: group, version and plural.
pub type Named<'a> = (&'a str, &'a str, &'a str);

/// The kind of that name: a known plural, VERSION/PLURAL of the core group, or GROUP/VERSION/PLURAL.
///
/// # Errors
/// When it is none, with the nearest, and when it is one that is never read.
pub fn named(name: &str) -> Result<Named<'_>, String> {
    let parts: Vec<&str> = name.split('/').collect();
    if parts.last().is_some_and(|plural| NEVER_READ.contains(&plural.to_ascii_lowercase().as_str())) {
        return Err(format!(
            "lbdiag never reads `{name}`: Secrets and ConfigMaps hold credentials and free configuration; look at them with kubectl"
        ));
    }
    if parts.iter().all(|part| plain(part)) {
        match parts[..] {
            [plural] => {
                if let Some(known) = KINDS.iter().find(|known| known.plural == plural) {
                    return Ok((known.group, known.version, known.plural));
                }
            }
            [version, plural] if is_version(version) => return Ok(("", version, plural)),
            [group, version, plural] if is_version(version) => return Ok((group, version, plural)),
            _ => {}
        }
    }
    let hint = nearest(name, KINDS.iter().map(|known| known.plural)).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Err(format!(
        "`{name}` is no kind of objects: {hint}write a plural such as deployments, or GROUP/VERSION/PLURAL such as policy/v1/poddisruptionbudgets"
    ))
}

/// What may stand in the path of a request to the API.
fn plain(part: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends(part.chars().next())
        && ends(part.chars().last())
        && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_by_plural_or_in_full() {
        assert_eq!(named("deployments").unwrap(), ("apps", "v1", "deployments"));
        assert_eq!(named("v1/endpoints").unwrap(), ("", "v1", "endpoints"));
        assert_eq!(named("policy/v1/poddisruptionbudgets").unwrap(), ("policy", "v1", "poddisruptionbudgets"));
        assert!(named("deployment").unwrap_err().contains("did you mean `deployments`"));
        for wrong in
            ["", "Pods", "a/b/c/d", "v1/", "/v1/pods", "../v1/pods", "v1/pods?x", "apps/deployments", "pods/log", "metallb.io/x1/a"]
        {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        for never in ["secrets", "v1/secrets", "Secret", "configmaps", "v1/configmaps"] {
            assert!(named(never).unwrap_err().contains("never reads"), "{never}");
        }
    }
}
