//! Takes of an object what `fields` lists for its kind, and nothing else.
//!
//! Everything that a run or a recording knows of the API's objects has passed here, live and replayed alike.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use super::super::error::{ErrorKind, EvidenceError};
use super::fields::{ALWAYS, CONFIG_MAPS, KINDS, PROBE, STATUS};
use super::{Kind, metallb};
use crate::model::scrub::{names_a_secret, scrub_in};

/// Kinds whose whole purpose is to hold what lbdiag must never see.
const SECRETS: &str = "secrets";
const CONFIGURATION: &str = "configmaps";

/// Values of annotations longer than this are somebody's data, not settings. Bytes.
const LONGEST_ANNOTATION: usize = 4096;

static TREES: LazyLock<HashMap<(&'static str, &'static str), Arc<Tree>>> = LazyLock::new(|| {
    KINDS.iter().map(|kind| ((kind.group, kind.plural), Arc::new(Tree::of(ALWAYS.iter().chain(kind.fields).copied())))).collect()
});
static UNKNOWN: LazyLock<Arc<Tree>> = LazyLock::new(|| Arc::new(Tree::of(ALWAYS.iter().copied())));
static PROBES: LazyLock<Tree> = LazyLock::new(|| Tree::of(PROBE.iter().copied()));
static STATUSES: LazyLock<Tree> = LazyLock::new(|| Tree::of(STATUS.iter().copied()));

/// What is taken of the objects of one question.
#[derive(Clone)]
pub struct Projection(Arc<Tree>);

impl Projection {
    /// For all objects of a kind.
    ///
    /// # Errors
    /// `Forbidden` for Secrets and `ConfigMaps`, in any group, and for a field whose name tells of a credential; before anything is asked.
    pub fn of_list(kind: &Kind) -> Result<Self, EvidenceError> {
        Self::new(kind, None)
    }

    /// For one object. Of `ConfigMaps` those can be asked for of which `fields` names keys.
    ///
    /// # Errors
    /// As `of_list`.
    pub fn of_object(kind: &Kind, namespace: Option<&str>, name: &str) -> Result<Self, EvidenceError> {
        Self::new(kind, namespace.map(|namespace| (namespace, name)))
    }

    fn new(kind: &Kind, object: Option<(&str, &str)>) -> Result<Self, EvidenceError> {
        let plural = kind.plural.to_ascii_lowercase();
        if plural == SECRETS || plural == CONFIGURATION {
            let keys = (plural == CONFIGURATION).then(|| keys_of(object)).flatten();
            let keys = keys.ok_or_else(|| refused(kind, "lbdiag never reads objects that hold secrets or free configuration"))?;
            let paths: Vec<String> = keys.iter().map(|key| format!("data{{{key}}}")).collect();
            return Ok(Self(Arc::new(Tree::of(ALWAYS.iter().copied().chain(paths.iter().map(String::as_str))))));
        }
        if let Some(field) = kind.reads.iter().find(|field| tells(field)) {
            return Err(refused(kind, &format!("the field {field} may hold a credential, and lbdiag reads none")));
        }
        let known = TREES.get(&(kind.group.as_str(), plural.as_str())).unwrap_or(&UNKNOWN);
        if kind.reads.is_empty() {
            return Ok(Self(Arc::clone(known)));
        }
        let mut tree = (**known).clone();
        kind.reads.iter().for_each(|field| tree.add(field));
        Ok(Self(Arc::new(tree)))
    }

    /// The object with what is taken of it. What is no object is nothing.
    #[must_use]
    pub fn take(&self, object: Value) -> Value {
        self.0.take(object).unwrap_or(Value::Null)
    }
}

fn keys_of(object: Option<(&str, &str)>) -> Option<&'static [&'static str]> {
    let (namespace, name) = object?;
    CONFIG_MAPS.iter().find(|(within, called, _)| *within == namespace && *called == name).map(|(_, _, keys)| *keys)
}

fn refused(kind: &Kind, why: &str) -> EvidenceError {
    EvidenceError::new(ErrorKind::Forbidden, format!("read {}", kind.plural), why).hint("look at it with kubectl, outside of the playbook")
}

/// Whether a part of a path that a caller named is one of a credential, or of whole objects kept as text.
fn tells(field: &str) -> bool {
    let (path, how) = field.split_once('|').unwrap_or((field, ""));
    let parts = path.split(['.', '[', ']', '{', '}']).filter(|part| !part.is_empty());
    how != "given" && (path.contains("last-applied") || parts.into_iter().any(names_a_secret))
}

/// How a field is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    Map,
    Addresses,
    There,
    Given,
    Flags,
    Variables,
    Path,
    Probe,
    Status,
}

/// The paths of a kind, as a tree.
#[derive(Clone, Debug, Default)]
struct Tree {
    members: BTreeMap<String, Tree>,
    /// What is taken of each entry of a list.
    each: Option<Box<Tree>>,
    /// Keys of a map of texts.
    keys: Vec<String>,
    way: Option<Way>,
}

impl Tree {
    fn of<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut tree = Self::default();
        paths.for_each(|path| tree.add(path));
        tree
    }

    /// Adds a path as `fields` writes it.
    fn add(&mut self, path: &str) {
        let (path, how) = path.split_once('|').unwrap_or((path, ""));
        let (path, how) = path.strip_suffix('?').map_or((path, how), |path| (path, "there"));
        let mut at = self;
        let mut rest = path;
        while !rest.is_empty() {
            let end = rest.find(['.', '[', '{']).unwrap_or(rest.len());
            at = at.members.entry(rest[..end].to_owned()).or_default();
            rest = &rest[end..];
            while let Some(behind) = rest.strip_prefix("[]") {
                at = at.each.get_or_insert_with(Box::default);
                rest = behind;
            }
            if let Some((key, behind)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                if key.is_empty() {
                    at.way = Some(if how == "addresses" { Way::Addresses } else { Way::Map });
                } else {
                    at.keys.push(key.to_owned());
                }
                if behind.is_empty() {
                    return;
                }
                rest = behind;
            }
            rest = match rest.strip_prefix('.') {
                Some(behind) => behind,
                // Whatever a caller wrote there is no path.
                None if !rest.is_empty() => return,
                None => rest,
            };
        }
        at.way = Some(match how {
            "there" => Way::There,
            "given" => Way::Given,
            "flags" => Way::Flags,
            "variables" => Way::Variables,
            "path" => Way::Path,
            "probe" => Way::Probe,
            "status" => Way::Status,
            _ => Way::Plain,
        });
    }

    fn take(&self, value: Value) -> Option<Value> {
        match (self.way, value) {
            (Some(Way::Probe), value) => PROBES.take(value),
            (Some(Way::Status), value) => STATUSES.take(value),
            (Some(Way::Map), Value::Object(map)) => Some(whole(map)),
            (Some(Way::Addresses), Value::Object(map)) => Some(addresses(map)),
            (Some(Way::There), value) => Some(emptied(&value)),
            (Some(Way::Path), value) => Some(without_query(plain(value))),
            (Some(Way::Plain), Value::Array(items)) => Some(Value::Array(items.into_iter().map(plain).collect())),
            (Some(Way::Plain), value) => Some(plain(value)),
            (_, Value::Object(map)) if !self.keys.is_empty() => Some(self.some(map)),
            (_, Value::Object(map)) if !self.members.is_empty() => Some(self.members_of(map)),
            (_, Value::Array(items)) => {
                let Some(each) = self.each.as_ref() else { return Some(Value::Array(Vec::new())) };
                Some(Value::Array(items.into_iter().filter_map(|item| each.take(item)).collect()))
            }
            // Another type than is read: that it is another is what tells that the object is none of its kind.
            (_, value) => Some(emptied(&value)),
        }
    }

    fn members_of(&self, map: Map<String, Value>) -> Value {
        let metallbs = metallb::runs_here(&map);
        let mut taken = Map::new();
        for (name, value) in map {
            let Some(member) = self.members.get(&name) else { continue };
            match member.way {
                Some(Way::Given) => {
                    if value.as_str().map_or(!value.is_null(), |text| !text.is_empty()) {
                        taken.insert(given(&name), Value::Bool(true));
                    }
                }
                Some(Way::Flags | Way::Variables) if !metallbs => {}
                Some(Way::Flags) => drop(taken.insert(name, metallb::flags(&value))),
                Some(Way::Variables) => drop(taken.insert(name, metallb::variables(&value))),
                _ => {
                    if let Some(value) = member.take(value) {
                        taken.insert(name, value);
                    }
                }
            }
        }
        Value::Object(taken)
    }

    /// The named keys of a map of texts.
    fn some(&self, map: Map<String, Value>) -> Value {
        let short = |value: &Value| value.as_str().is_some_and(|text| text.len() <= LONGEST_ANNOTATION);
        let named = map.into_iter().filter(|(key, value)| self.keys.contains(key) && short(value));
        Value::Object(named.map(|(key, value)| (key, plain(value))).collect())
    }
}

/// One text, number or truth.
fn plain(value: Value) -> Value {
    match value {
        Value::String(mut text) => {
            scrub_in(&mut text);
            Value::String(text)
        }
        Value::Object(_) | Value::Array(_) => emptied(&value),
        other => other,
    }
}

fn whole(map: Map<String, Value>) -> Value {
    Value::Object(map.into_iter().map(|(key, value)| (key, if value.is_string() { value } else { emptied(&value) })).collect())
}

/// Of every text only the addresses in it: what a network's annotations tell of a node's further addresses.
fn addresses(map: Map<String, Value>) -> Value {
    let found = |text: &str| {
        text.split(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':')
            .filter(|word| word.parse::<IpAddr>().is_ok())
            .collect::<Vec<&str>>()
            .join(" ")
    };
    let taken = map.into_iter().filter_map(|(key, value)| Some((key, found(value.as_str()?)))).filter(|(_, text)| !text.is_empty());
    Value::Object(taken.map(|(key, text)| (key, Value::String(text))).collect())
}

fn emptied(value: &Value) -> Value {
    match value {
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Map::new()),
        Value::Null => Value::Null,
        _ => Value::Bool(true),
    }
}

fn without_query(value: Value) -> Value {
    match value.as_str().and_then(|text| text.split_once('?')) {
        Some((before, _)) => Value::String(before.to_owned()),
        None => value,
    }
}

/// `password` becomes `hasPassword`.
fn given(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    "has".chars().chain(first).chain(letters).collect()
}

#[cfg(test)]
mod tests;
