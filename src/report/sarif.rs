//! SARIF 2.1.0, which code hosts and editors read: the mistakes of playbooks, each with its place and its rule.
//!
//! The form: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::format::Format;
use crate::model::diagnostic::codes::code;
use crate::model::diagnostic::{Diagnostic, Level, Spot};

/// The format.
pub(super) const FORMAT: Format =
    Format { name: "sarif", outcome: None, shows_answers: false, plan: None, trace: None, mistakes: Some(mistakes) };

/// What stays as it is in the path of an address (RFC 3986).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

fn mistakes(diagnostics: &[Diagnostic]) -> String {
    let used: BTreeSet<&str> = diagnostics.iter().map(|one| one.code.as_str()).collect();
    let rules: Vec<Value> = used
        .into_iter()
        .filter_map(code)
        .map(|known| json!({"id": known.code, "shortDescription": {"text": known.title}, "fullDescription": {"text": known.meaning}}))
        .collect();
    let results: Vec<Value> = diagnostics.iter().map(result).collect();
    let driver = json!({"name": "lbdiag", "version": env!("CARGO_PKG_VERSION"), "rules": rules});
    super::json(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }))
}

fn result(one: &Diagnostic) -> Value {
    let level = match one.severity {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let text: Vec<&str> = std::iter::once(&one.message).chain(&one.notes).chain(&one.hint).map(String::as_str).collect();
    let mut result = json!({"ruleId": one.code, "level": level, "message": {"text": text.join("\n")}});
    if let Some(spot) = &one.spot {
        result["locations"] = json!([{"physicalLocation": place(spot)}]);
    }
    let further: Vec<Value> =
        one.further.iter().map(|further| json!({"physicalLocation": place(&further.spot), "message": {"text": further.message}})).collect();
    if !further.is_empty() {
        result["relatedLocations"] = Value::Array(further);
    }
    result
}

fn place(spot: &Spot) -> Value {
    let (start, end) = (spot.span.start, spot.span.end);
    json!({
        "artifactLocation": {"uri": utf8_percent_encode(&spot.file, PATH).to_string()},
        "region": {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
            "snippet": {"text": spot.excerpt}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnostic::{Source, codes};

    #[test]
    fn every_mistake_is_a_result_of_a_rule_with_its_place() {
        let source = Source { file: "play books/a.rhai", text: "let x = 1;\nfind_anouncer(x);\n" };
        let one = Diagnostic::new(codes::UNKNOWN_WORD, Some(source.spot(11..24)), "there is no word `find_anouncer`");
        let nowhere = Diagnostic::new(codes::UNREADABLE, None, "read playbook x: gone");
        let text = mistakes(&[one.clone(), one, nowhere]);
        let read: Value = serde_json::from_str(&text).unwrap();
        let run = &read["runs"][0];
        let results = run["results"].as_array().unwrap();
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!((results.len(), rules.len(), &read["version"]), (3, 2, &json!("2.1.0")));
        assert!(results.iter().all(|result| rules.iter().any(|rule| rule["id"] == result["ruleId"])));
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "play%20books/a.rhai");
        assert_eq!((&place["region"]["startLine"], &place["region"]["endColumn"]), (&json!(2), &json!(14)));
        assert!(results[2].get("locations").is_none());
    }
}
