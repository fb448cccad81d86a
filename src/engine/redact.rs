//! A recording with other names and addresses that means the same: proven by replaying both.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::find::{Refusal, open};
use super::prepare::Prepared;
use crate::evidence::Evidence;
use crate::evidence::recording::manifest::Manifest;
use crate::evidence::recording::redaction::{Original, Redacted, Redaction};
use crate::language::playbook::Playbook;
use crate::model::outcome::Outcome;

/// Ways that are tried. `MetalLB` elects by a hash of names and addresses: of three nodes, one way in six elects the same in their order.
const MOST_WAYS: u32 = 60;

/// Longest replay: it waits for nothing.
const LIMIT: Duration = Duration::from_secs(120);

/// A rule is named by a hash of its text, in which addresses stand.
static RULE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(/rule/\S*/)[0-9a-f]{8}\b").ok());

/// A recording in other words, and which these are.
pub struct Reworded {
    pub recording: Redacted,
    pub by: Redaction,
}

/// Replaces names and addresses so that a replay gives the same outcome but for them.
///
/// # Errors
/// When the recording or its playbook cannot be read, or no way was found; then what differed is told.
pub fn redact(recording: &Path, playbook: Option<&Path>) -> Result<Reworded, String> {
    let original = Original::read(recording).map_err(|error| error.to_string())?;
    let replay = |world: (Evidence, Manifest)| -> Result<Value, String> {
        let playbook = opened(playbook.unwrap_or(Path::new(original.playbook())))?;
        let prepared = Prepared::replay(playbook, world, &[])?;
        let outcome = prepared.replayed(LIMIT).map(|end| end.outcome).ok_or("it holds no run")?;
        serde_json::to_value(&outcome as &Outcome).map_err(|error| error.to_string())
    };
    let meant = replay(original.world())?;
    let mut apart = String::new();
    for number in 0..MOST_WAYS {
        let by = original.redaction(number).map_err(|error| error.to_string())?;
        let redacted = original.redacted(&by).map_err(|error| error.to_string())?;
        let mut expected = meant.clone();
        by.value(&mut expected);
        match replay(redacted.world()).and_then(|found| difference("", &expected, &found).map_or(Ok(()), Err)) {
            Ok(()) => return Ok(Reworded { recording: redacted, by }),
            // The last one: the first often elects another node, which says nothing of what else is apart.
            Err(why) => apart = why,
        }
    }
    Err(format!(
        "no other names and addresses were found with which it means the same, of {MOST_WAYS} that were tried; with the last, {apart}"
    ))
}

fn opened(name: &Path) -> Result<Playbook, String> {
    open(name).map_err(|refusal| match refusal {
        Refusal::Unknown(message) => format!("{message}; --playbook FILE names it"),
        Refusal::Broken(broken) => broken.to_string(),
    })
}

/// The first place in which two values say something else.
fn difference(place: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            one.iter().zip(other.values()).find_map(|((key, one), other)| difference(&format!("{place}/{key}"), one, other))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).enumerate().find_map(|(at, (one, other))| difference(&format!("{place}/{at}"), one, other))
        }
        (Value::String(one), Value::String(other)) if says_the_same(one, other) => None,
        _ if expected == found => None,
        _ => Some(format!("{place} would be {found} and not {expected}")),
    }
}

fn says_the_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| RULE.as_ref().map_or_else(|| text.to_owned(), |rule| rule.replace_all(text, "$1…").into_owned());
    let (one, other) = (plain(one), plain(other));
    // What is cut short ends elsewhere when it has other words in it.
    match (one.split_once('…'), other.split_once('…')) {
        (Some((one, _)), Some((other, _))) => one.bytes().zip(other.bytes()).all(|(one, other)| one == other),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_hash_or_an_end_makes_of_a_name_is_no_difference() {
        let of = |one: Value, other: Value| difference("", &one, &other);
        assert_eq!(of(json!({"a": ["node/x/rule/raw/P/00112233"]}), json!({"a": ["node/x/rule/raw/P/99aabbcc"]})), None);
        assert_eq!(of(json!("capture 1.2.3.4 and…"), json!("capture 1.2.3.4 a…")), None);
        assert_eq!(of(json!({"a": [1, "b"]}), json!({"a": [1, "c"]})), Some("/a/1 would be \"c\" and not \"b\"".to_owned()));
        assert!(of(json!([1]), json!([1, 2])).is_some() && of(json!({"a": 1}), json!({"b": 1})).is_some());
    }
}
