//! Whether what an API gave can be an object of the kind that was asked for: whatever cannot is a gap and never a fact.
//!
//! Only what words read is looked at. A field that is not there is as absent as ever; one that is there and of another type makes
//! the whole object unreadable, because the reader's default would be taken for the object's own word.

mod types;

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::list::List;
use super::{Kind, ListQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::text::harmless;
use types::Is::{self, Address, Flag, Name, Network, Number, Object, OwnPort, Port, PortOrName, Text, Texts};
use types::{ALL, fields};

/// Objects that are named of those that cannot be read.
const NAMED: usize = 3;

/// The longest name of an object, by the API's own rule.
const LONGEST_NAME: usize = 253;

/// Kinds of which every object is in a namespace. Of kinds that are not here it is not known.
const NAMESPACED: [&str; 14] = [
    "pods",
    "services",
    "endpointslices",
    "events",
    "deployments",
    "daemonsets",
    "statefulsets",
    "networkpolicies",
    "ipaddresspools",
    "l2advertisements",
    "bgpadvertisements",
    "bgppeers",
    "servicel2statuses",
    "servicebgpstatuses",
];

/// Leaves out of a list what cannot be an object of its kind: it then lacks that.
#[must_use]
pub(in crate::evidence) fn sift(query: &ListQuery, operation: &str, mut list: List) -> List {
    let all = list.objects.len();
    let mut refused: Vec<String> = Vec::new();
    list.objects.retain(|object| match flaw(&query.kind, query.namespace.as_deref(), object) {
        None => true,
        Some(flaw) => {
            refused.push(format!("{} {flaw}", called(object)));
            false
        }
    });
    if !refused.is_empty() {
        let named = refused.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if refused.len() > NAMED { ", …" } else { "" };
        let reason = format!("{} of {all} cannot be {}: {named}{more}", refused.len(), query.kind.plural);
        list.lack(EvidenceError::new(ErrorKind::Garbled, operation, reason).hint(HINT));
    }
    list
}

const HINT: &str = "something other than this cluster's API may answer there; compare with `kubectl get -o yaml`";

/// The object, when it can be the one that was asked for.
///
/// # Errors
/// `Garbled` when it cannot.
pub(in crate::evidence) fn checked(query: &ObjectQuery, operation: &str, object: Value) -> Result<Value, EvidenceError> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let other = name.filter(|name| *name != query.name).map(|name| format!("is {}", harmless(name)));
    match flaw(&query.kind, query.namespace.as_deref(), &object).or(other) {
        None => Ok(object),
        Some(flaw) => {
            let reason = format!("what came cannot be that object: it {flaw}");
            Err(EvidenceError::new(ErrorKind::Garbled, operation, reason).hint(HINT))
        }
    }
}

/// Whether a `kind`, where it is told at all, is that of the plural, with `List` behind it for a list.
#[must_use]
pub(in crate::evidence) fn is_kind(told: &str, plural: &str) -> bool {
    let singular = told.to_ascii_lowercase();
    let stem = singular.strip_suffix('y').map(|stem| format!("{stem}ies"));
    singular == plural || format!("{singular}s") == plural || format!("{singular}es") == plural || stem.is_some_and(|stem| stem == plural)
}

/// What the object is called, as far as it says.
fn called(object: &Value) -> String {
    let part = |pointer| object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = part("/metadata/name").map_or_else(|| "one without a name".to_owned(), |name| name.chars().take(LONGEST_NAME).collect());
    part("/metadata/namespace").map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"))
}

/// Why it cannot be an object of the kind.
fn flaw(kind: &Kind, namespace: Option<&str>, object: &Value) -> Option<String> {
    if !object.is_object() {
        return Some(format!("is {}", type_of(object)));
    }
    if let Some(told) = object.get("kind").filter(|told| !told.is_null()) {
        let told = told.as_str().unwrap_or("no text");
        if !is_kind(told, &kind.plural) {
            return Some(format!("is of the kind {}", harmless(told)));
        }
    }
    let Some(metadata) = object.get("metadata").filter(|metadata| metadata.is_object()) else {
        return Some("has no metadata".to_owned());
    };
    match metadata.get("name") {
        Some(Value::String(name)) if is_name(name) => {}
        Some(Value::String(_)) => return Some("has a name that no object can have".to_owned()),
        None | Some(Value::Null) => return Some("has no name".to_owned()),
        Some(other) => return Some(format!("has {} for a name", type_of(other))),
    }
    let told = metadata.get("namespace").filter(|told| !told.is_null());
    match (namespace, told) {
        (_, Some(told)) if !told.is_string() => return Some(format!("has {} for a namespace", type_of(told))),
        (Some(asked), told) if told.and_then(Value::as_str) != Some(asked) => return Some(format!("is not in the namespace {asked}")),
        (None, None) if NAMESPACED.contains(&kind.plural.as_str()) => return Some("is in no namespace".to_owned()),
        _ => {}
    }
    let all = ALL.iter().chain(fields(&kind.plural));
    all.filter(|(path, _)| !open(object, path)).find_map(|(path, is)| amiss(object, path, *is).map(|what| format!("has {what} at {path}")))
}

/// Addresses of an EndpointSlice may be names of DNS.
fn open(object: &Value, path: &str) -> bool {
    path == "endpoints[].addresses[]" && object.get("addressType").and_then(Value::as_str) == Some("FQDN")
}

/// Whether anything in Kubernetes may be called so.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/')
}

/// What stands at a path in place of what has to be there.
fn amiss(value: &Value, path: &str, is: Is) -> Option<String> {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let Some(array) = head.strip_suffix("[]") else {
        return match (value.get(head), rest) {
            // What an array may hold need not be there at all.
            (None | Some(Value::Null), rest) if matches!(is, Name) && rest.is_none_or(|rest| !rest.contains("[]")) => {
                Some("nothing".to_owned())
            }
            (None | Some(Value::Null), _) => None,
            (Some(found), None) => wrong(found, is),
            (Some(found), Some(rest)) => amiss(found, rest, is),
        };
    };
    match value.get(array) {
        None | Some(Value::Null) => None,
        Some(Value::Array(all)) => all.iter().find_map(|one| rest.map_or_else(|| wrong(one, is), |rest| amiss(one, rest, is))),
        Some(other) => Some(type_of(other).to_owned()),
    }
}

/// What a value is when it is not what it has to be.
fn wrong(value: &Value, is: Is) -> Option<String> {
    let text = value.as_str();
    let parses = |empty: bool, right: fn(&str) -> bool| text.is_some_and(|text| empty && text.is_empty() || right(text));
    let port = || value.as_u64().is_some_and(|number| u16::try_from(number).is_ok());
    let right = match is {
        Object => value.is_object(),
        Text => text.is_some(),
        Name => text.is_some_and(|text| !text.is_empty()),
        Texts => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
        Flag => value.is_boolean(),
        Number => value.is_u64(),
        Port => port(),
        OwnPort => port() && value.as_u64() != Some(0),
        PortOrName => text.is_some() || port(),
        Address => parses(true, |text| text.parse::<IpAddr>().is_ok()),
        Network => parses(false, |text| text.trim().parse::<IpNet>().is_ok()),
    };
    (!right).then(|| match (is, text) {
        (Address | Network, Some(text)) => format!("`{}`", harmless(&text.chars().take(40).collect::<String>())),
        (Texts, _) if value.is_object() => "something other than texts".to_owned(),
        (Port | OwnPort | PortOrName | Number, _) if value.is_number() => format!("the number {value}"),
        _ => type_of(value).to_owned(),
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "an empty text",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
