//! The JSON report: the outcome as it is, with keys in a fixed order.

use serde::Serialize;

use crate::model::text::escaped_json;

/// An outcome or a plan as indented JSON with a line end. The keys come in the order of its fields, those of maps sorted.
///
/// Every character that steers or is not seen is escaped, so that the text may meet a terminal and loses nothing.
#[must_use]
pub fn json(report: &impl Serialize) -> String {
    // Both are made of strings, numbers and maps with string keys: serialising it has no way to fail.
    let plain = serde_json::to_string_pretty(report).unwrap_or_else(|error| format!("{{\"error\": \"write the report: {error}\"}}"));
    let mut safe = escaped_json(&plain);
    safe.push('\n');
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Outcome;
    use crate::report::text::tests::broken;

    #[test]
    fn keys_come_in_the_order_of_the_outcome() {
        let json = json(&broken());
        let places: Vec<usize> = ["\"format\"", "\"verdict\"", "\"findings\"", "\"gaps\"", "\"steps\"", "\"touched\"", "\"cleanup\""]
            .iter()
            .map(|key| json.find(key).expect("the key"))
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!(json, super::json(&broken()));
    }

    #[test]
    fn it_reads_back_as_the_same_outcome() {
        let outcome = broken();
        let back: Outcome = serde_json::from_str(&json(&outcome)).expect("valid JSON");
        assert_eq!(back, outcome);
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut outcome = broken();
        outcome.summary = "a\u{1b}[2Jb\u{9b}31mc\u{7f}".to_owned();
        let json = json(&outcome);
        assert!(json.contains("a\\u001b[2Jb\\u009b31mc\\u007f"));
        assert!(!json.chars().any(|c| c.is_control() && c != '\n'));
        let back: Outcome = serde_json::from_str(&json).expect("valid JSON");
        assert_eq!(back.summary, outcome.summary);
    }
}
