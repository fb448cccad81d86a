//! The command line that asks the same again: the playbook, and every parameter that is not its default.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::language::header::Param;
use crate::language::playbook::Playbook;
use crate::model::scrub::scrub_params;

/// The parameter that kubectl's `-n` gives.
const NAMESPACE: &str = "namespace";

/// `lbdiag run metallb-flow -n web --service shop --from ssh:c1,ssh:c2`
pub(super) fn again(playbook: &Playbook, params: &BTreeMap<String, Value>) -> String {
    // What no report shows is in no command either.
    let mut params = params.clone();
    scrub_params(&mut params);
    let mut line = format!("lbdiag run {}", quoted(&named(playbook)));
    let first = |param: &&Param| (param.name != NAMESPACE, !param.positional);
    let mut all: Vec<&Param> = playbook.header.params.iter().collect();
    all.sort_by_key(first);
    for param in all {
        let Some(value) = params.get(&param.name).filter(|value| !value.is_null()) else { continue };
        let text = text(value);
        if param.default.as_ref().is_some_and(|default| self::text(default) == text) {
            continue;
        }
        let option = match param.name.as_str() {
            NAMESPACE => "-n ".to_owned(),
            // What begins like an option would be taken for one.
            _ if param.positional && !text.starts_with('-') => String::new(),
            name => format!("--{name} "),
        };
        line = format!("{line} {option}{}", quoted(&text));
    }
    line
}

/// A playbook by its name, where that finds it, and otherwise by its file.
fn named(playbook: &Playbook) -> String {
    let name = &playbook.header.name;
    let found = [format!("{name}.rhai"), format!("playbooks/{name}.rhai")].contains(&playbook.path);
    if found { name.clone() } else { playbook.path.clone() }
}

/// A value as it is written on a command line.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join(","),
        // An earlier outcome by its file, and texts by name as they are written.
        Value::Object(all) => match all.get("file").filter(|_| all.contains_key("outcome")) {
            Some(file) => text(file),
            None => all.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(","),
        },
        other => other.to_string(),
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::{quoted, text};
    use serde_json::json;

    #[test]
    fn values_are_written_as_they_were_given() {
        for (value, shown) in [
            (json!(["a", 1]), "a,1"),
            (json!({"n1": "A", "n2": "B"}), "n1=A,n2=B"),
            (json!({"file": "before.json", "outcome": {}}), "before.json"),
        ] {
            assert_eq!(text(&value), shown);
        }
    }

    #[test]
    fn a_value_is_one_word_of_a_shell() {
        for (word, shown) in [("ssh:c1,node:n2", "ssh:c1,node:n2"), ("", "''"), ("a b", "'a b'"), ("it's $(x)", "'it'\\''s $(x)'")] {
            assert_eq!(quoted(word), shown);
        }
    }
}
