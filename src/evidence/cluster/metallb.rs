//! What is taken of a container's arguments and variables: those of MetalLB's own programs that are known by name.

use serde_json::{Map, Value, json};

use crate::model::scrub::scrub;

/// Flags that take a value.
const FLAGS: &[&str] = &[
    "port",
    "host",
    "metrics-port",
    "metrics-bind-address",
    "monitoring-port",
    "log-level",
    "lb-class",
    "namespace",
    "node-name",
    "pod-name",
    "ml-bindaddr",
    "ml-bindport",
    "ml-labels",
    "ml-namespace",
    "ml-wan-config",
    "webhook-mode",
    "disable-cert-rotation",
    "enable-pprof",
    "ignore-exclude-lb",
    "node-selector",
];

/// Variables, with whether their value is taken.
const VARIABLES: &[(&str, bool)] = &[
    ("METALLB_NODE_NAME", false),
    ("METALLB_POD_NAME", false),
    ("METALLB_NAMESPACE", false),
    ("METALLB_HOST", false),
    ("METALLB_DEPLOYMENT", false),
    ("METALLB_BGP_TYPE", true),
    ("METALLB_ML_BIND_ADDR", false),
    ("METALLB_ML_BIND_PORT", true),
    ("METALLB_ML_LABELS", true),
    ("METALLB_ML_NAMESPACE", true),
    ("METALLB_ML_SECRET_KEY", false),
    ("METALLB_ML_SECRET_KEY_PATH", true),
];

/// Whether a container runs a program of MetalLB's: by its image, or by the variable that every flavour of a speaker has.
pub(super) fn runs_here(container: &Map<String, Value>) -> bool {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let speaker = list(container.get("env")).iter().any(|variable| variable.get("name").is_some_and(|name| name == "METALLB_NODE_NAME"));
    speaker || image.contains("metallb") || container.get("name").is_some_and(|name| name == "frr-metrics")
}

/// The known flags among arguments, in their order. Go takes one dash or two, and the value behind `=` or as the next word.
pub(super) fn flags(arguments: &Value) -> Value {
    let words: Vec<&str> = list(Some(arguments)).iter().filter_map(Value::as_str).collect();
    let mut taken = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else { continue };
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        if !FLAGS.contains(&name) {
            continue;
        }
        if let Some(value) = value {
            taken.extend(plain(value).then(|| json!(word)));
            continue;
        }
        taken.push(json!(word));
        let next = words.get(at).filter(|next| !next.starts_with('-') && plain(next));
        taken.extend(next.map(|next| json!(next)));
    }
    Value::Array(taken)
}

/// Whether it is a value as those flags have them: a name, a number, an address, a selector.
fn plain(value: &str) -> bool {
    value.len() <= 253 && value.chars().all(|c| c.is_ascii_alphanumeric() || "-._/:,=[]\"".contains(c)) && scrub(value) == value
}

/// The known variables, by name and, where the table says so, with their value.
pub(super) fn variables(environment: &Value) -> Value {
    Value::Array(list(Some(environment)).iter().filter_map(variable).collect())
}

fn variable(variable: &Value) -> Option<Value> {
    let name = variable.get("name")?.as_str()?;
    let (_, with_value) = VARIABLES.iter().find(|(known, _)| *known == name)?;
    match variable.get("value").and_then(Value::as_str).filter(|value| *with_value && plain(value)) {
        Some(value) => Some(json!({"name": name, "value": value})),
        None => Some(json!({"name": name})),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
