//! The kinds of objects that a playbook may name in a word, and how any other is named.

use crate::evidence::cluster::Kind;
use crate::evidence::cluster::kinds::every_kind;
use crate::model::nearest::nearest;

/// The kind of that name: a known plural, VERSION/PLURAL of the core group, or GROUP/VERSION/PLURAL.
///
/// # Errors
/// When it is none, with the nearest.
pub fn named(name: &str) -> Result<Kind, String> {
    let parts: Vec<&str> = name.split('/').collect();
    if parts.iter().all(|part| plain(part)) {
        match parts[..] {
            [plural] => {
                if let Some(known) = every_kind().into_iter().find(|known| known.plural == plural) {
                    return Ok(known);
                }
            }
            [version, plural] if is_version(version) => return Ok(Kind::of("", version, plural)),
            [group, version, plural] if is_version(version) => return Ok(Kind::of(group, version, plural)),
            _ => {}
        }
    }
    let hint = nearest(name, every_kind().iter().map(|known| known.plural.as_str()))
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
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
        assert_eq!(named("deployments").unwrap(), Kind::of("apps", "v1", "deployments"));
        assert_eq!(named("v1/endpoints").unwrap(), Kind::core("endpoints"));
        assert_eq!(named("policy/v1/poddisruptionbudgets").unwrap(), Kind::of("policy", "v1", "poddisruptionbudgets"));
        assert!(named("deployment").unwrap_err().contains("did you mean `deployments`"));
        for wrong in
            ["", "Pods", "a/b/c/d", "v1/", "/v1/pods", "../v1/pods", "v1/pods?x", "apps/deployments", "pods/log", "metallb.io/x1/a"]
        {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }
}
