//! Selectors as the API takes them, evaluated here. One that is not understood selects nothing and everything: it is told as such.

use serde_json::Value;

use super::text_at;
use crate::evidence::cluster::Kind;
use crate::model::label_selector::{LabelSelector, SelectorExpression};

/// A label selector such as `app=web,tier in (a, b),!old`; `None` when it is not understood.
pub(super) fn labels(text: &str) -> Option<LabelSelector> {
    let mut expressions = Vec::new();
    for part in parts(text) {
        expressions.push(expression(part.trim())?);
    }
    Some(LabelSelector { expressions, ..LabelSelector::default() })
}

/// The requirements, which commas part that stand in no brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let split = text.split(|letter: char| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    });
    split.collect()
}

fn expression(text: &str) -> Option<SelectorExpression> {
    let made = |key: &str, operator: &str, values: Vec<String>| {
        let key = key.trim();
        let named = !key.is_empty() && !key.contains(|letter: char| letter.is_whitespace() || "()!=,".contains(letter));
        named.then(|| SelectorExpression { key: key.to_owned(), operator: operator.to_owned(), values })
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(key) = text.strip_prefix('!') {
        return made(key, "DoesNotExist", Vec::new());
    }
    if let Some((key, value)) = text.split_once("!=") {
        return made(key, "NotIn", one(value));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return made(key, "In", one(value));
    }
    if let Some(listed) = text.strip_suffix(')') {
        let (head, values) = listed.split_once('(')?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => made(key, "In", values),
            "notin" => made(key, "NotIn", values),
            _ => None,
        };
    }
    made(text, "Exists", Vec::new())
}

/// The fields by which objects may be selected here: those that are always taken of the kind.
const SELECTABLE: [(&str, &[&str]); 3] = [
    ("", &["metadata.name", "metadata.namespace"]),
    ("pods", &["spec.nodeName", "status.podIP", "status.phase"]),
    ("events", &["involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "type", "reason"]),
];

/// A field selector such as `involvedObject.kind=Service,type!=Normal`.
pub(super) struct Fields(Vec<(String, String, bool)>);

impl Fields {
    /// `None` when it is not understood, or selects by a field that a recording does not hold.
    pub(super) fn read(kind: &Kind, text: &str) -> Option<Self> {
        let mut all = Vec::new();
        for part in text.split(',') {
            let (path, value, equal) = match part.split_once("!=") {
                Some((path, value)) => (path, value, false),
                None => part.split_once("==").or_else(|| part.split_once('=')).map(|(path, value)| (path, value, true))?,
            };
            let of_it = |(plural, _): &&(&str, &[&str])| plural.is_empty() || *plural == kind.plural;
            if !SELECTABLE.iter().filter(of_it).any(|(_, paths)| paths.contains(&path.trim())) {
                return None;
            }
            all.push((path.trim().to_owned(), value.trim().to_owned(), equal));
        }
        Some(Self(all))
    }

    /// Whether an object is selected. A field that it does not have is empty.
    pub(super) fn select(&self, object: &Value) -> bool {
        self.0.iter().all(|(path, value, equal)| (text_at(object, path).unwrap_or_default() == value) == *equal)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors_mean_what_the_api_means_by_them() {
        let has: BTreeMap<String, String> = [("app", "web"), ("tier", "a")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (text, selects) in [
            ("app=web", true),
            ("app == web", true),
            ("app=web,tier in (a, b)", true),
            ("tier notin (a,b),app", false),
            ("!old,app", true),
            ("app!=web", false),
            ("other!=x", true),
            ("other", false),
            ("app=", false),
        ] {
            assert_eq!(labels(text).map(|selector| selector.selects(&has)), Some(selects), "{text}");
        }
        for text in ["app in web", "a b", "app within (a)", "=x", "", "a>1 b"] {
            assert!(labels(text).is_none(), "{text}");
        }
    }

    #[test]
    fn fields_that_are_not_held_select_nothing() {
        let pod = json!({ "metadata": { "name": "a" }, "status": { "podIP": "10.0.0.1" } });
        let select = |kind: &str, text: &str| Fields::read(&Kind::core(kind), text).map(|fields| fields.select(&pod));
        assert_eq!(select("pods", "status.podIP=10.0.0.1,metadata.name=a"), Some(true));
        assert_eq!(select("pods", "status.podIP!=10.0.0.1"), Some(false));
        assert_eq!(select("pods", "spec.nodeName="), Some(true));
        assert_eq!(select("services", "status.podIP=10.0.0.1"), None);
        assert_eq!(select("pods", "spec.restartPolicy=Always"), None);
    }
}
