//! How far a site lets a playbook reach: which capabilities, hosts, namespaces and captures. Plain data; `evidence::reach` keeps it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

/// What playbooks may do at a site, over what their headers say. Whatever is left out is not narrowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// The playbooks that it is for: names as their headers have them, with `*` and `?`, or `sha256:` and the digest of a text.
    pub playbooks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<Vec<String>>,
    /// Nodes and clients by name, with `*` and `?`; `local` is this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// Namespaces of objects, with `*` and `?`. Objects that have none, such as nodes, are not narrowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    #[serde(default)]
    pub capture: CaptureReach,
}

/// The bounds of every capture; a playbook that asks for more gets this much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptureReach {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes of each packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snaplen: Option<u32>,
}

impl Reach {
    /// Whether it is for a playbook, by its name or by the SHA-256 of its text in hexadecimal.
    #[must_use]
    pub fn is_for(&self, name: &str, sha256: &str) -> bool {
        self.playbooks.iter().any(|known| match known.strip_prefix("sha256:") {
            Some(digest) => digest.eq_ignore_ascii_case(sha256),
            None => WildMatch::new(known).matches(name),
        })
    }

    #[must_use]
    pub fn allows_host(&self, name: &str) -> bool {
        fits(self.hosts.as_deref(), name)
    }

    #[must_use]
    pub fn allows_namespace(&self, name: &str) -> bool {
        fits(self.namespaces.as_deref(), name)
    }
}

fn fits(allowed: Option<&[String]>, name: &str) -> bool {
    allowed.is_none_or(|allowed| allowed.iter().any(|one| WildMatch::new(one).matches(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_is_known_by_name_or_by_digest() {
        let reach = Reach { playbooks: vec!["team-*".to_owned(), "sha256:AB12".to_owned()], ..Reach::default() };
        assert!(reach.is_for("team-certificates", "00") && reach.is_for("anything", "ab12"));
        assert!(!reach.is_for("my-team-certificates", "00") && !reach.is_for("sha256:AB12", "00"));
    }

    #[test]
    fn what_is_left_out_is_not_narrowed_and_an_empty_list_allows_nothing() {
        let open = Reach::default();
        assert!(open.allows_host("n1") && open.allows_namespace("web"));
        let closed = Reach { hosts: Some(vec!["n?".to_owned()]), namespaces: Some(Vec::new()), ..Reach::default() };
        assert!(closed.allows_host("n1") && !closed.allows_host("n10") && !closed.allows_host("c1") && !closed.allows_namespace("web"));
    }
}
