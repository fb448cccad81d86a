//! A YAML text (JSON is YAML too) with the place of every key and value, so that whoever checks it can point at the very one.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_yaml::{Location, Spanned};

/// A value and the bytes that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub content: Content,
    pub bytes: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A null, a truth, a number or a text.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_bytes: Range<usize>,
    pub value: Node,
}

/// A text that is no YAML: why, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// As a fragment, without a place.
    pub reason: String,
    pub bytes: Range<usize>,
}

/// Reads a text. An empty one is a null.
///
/// # Errors
/// When it is no YAML.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    match serde_yaml::from_str::<Placed>(text) {
        Ok(placed) => Ok(placed.node(text)),
        Err(error) => Err(unreadable(text, &error)),
    }
}

/// What the YAML reader says of a text that it refused, with the place.
#[must_use]
pub fn unreadable(text: &str, error: &serde_yaml::Error) -> Unreadable {
    let bytes = error.location().map_or(text.len()..text.len(), |location| place(text, &location));
    let whole = error.without_snippet().to_string();
    let reason = whole.lines().next().unwrap_or_default().split(" at line ").next().unwrap_or_default();
    Unreadable { reason: reason.trim_start_matches("error: ").to_owned(), bytes }
}

impl Node {
    /// What it is, in a word for people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Scalar(Value::Null) => "nothing",
            Content::Scalar(Value::Bool(_)) => "true or false",
            Content::Scalar(Value::Number(_)) => "a number",
            Content::Scalar(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// Its entries; `None` when it is no map.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Map(entries) => Some(entries),
            Content::Scalar(_) | Content::List(_) => None,
        }
    }

    /// The same without places.
    #[must_use]
    pub fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(parts) => parts.iter().map(Self::value).collect(),
            Content::Map(entries) => Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.value())).collect()),
        }
    }
}

/// A value with its location, as serde gives it.
struct Placed(Spanned<Raw>);

enum Raw {
    Scalar(Value),
    List(Vec<Placed>),
    Map(Vec<(Spanned<String>, Placed)>),
}

impl Placed {
    fn node(self, text: &str) -> Node {
        let bytes = place(text, &self.0.referenced);
        let content = match self.0.value {
            Raw::Scalar(value) => Content::Scalar(value),
            Raw::List(parts) => Content::List(parts.into_iter().map(|part| part.node(text)).collect()),
            Raw::Map(entries) => Content::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry { key_bytes: place(text, &key.referenced), key: key.value, value: value.node(text) })
                    .collect(),
            ),
        };
        Node { content, bytes }
    }
}

/// The bytes of a location. One of a whole map or list is its first line.
fn place(text: &str, location: &Location) -> Range<usize> {
    let (line, column) = (usize::try_from(location.line()).unwrap_or(1), usize::try_from(location.column()).unwrap_or(1));
    let start = super::diagnostic::Source { file: "", text }.byte(line, column);
    let length = location.span().byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let rest = &text[start..];
    let line_end = rest.find('\n').unwrap_or(rest.len());
    let end = start + if length == 0 { rest[..line_end].trim_end().len() } else { length.min(rest.len()) };
    let end = (start..=end).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(start);
    start..start + text[start..end].trim_end().len()
}

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Raw, A::Error> {
        let mut all = Vec::new();
        while let Some(part) = parts.next_element()? {
            all.push(part);
        }
        Ok(Raw::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(Raw::Map(all))
    }
}

/// The entries of a map by name, where a check needs them so.
#[must_use]
pub fn by_name(entries: &[Entry]) -> BTreeMap<&str, &Entry> {
    entries.iter().map(|entry| (entry.key.as_str(), entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# ä\nname: web\nuses: [cluster.read, probe]\nparams:\n  tries: { type: int, default: 8 }\n  \"from\":\n    - local\n";

    fn shown(bytes: &Range<usize>) -> &str {
        &TEXT[bytes.clone()]
    }

    #[test]
    fn every_key_and_value_has_its_place() {
        let node = read(TEXT).unwrap();
        let top = by_name(node.entries().unwrap());
        assert_eq!((shown(&top["name"].key_bytes), shown(&top["name"].value.bytes)), ("name", "web"));
        let Content::List(uses) = &top["uses"].value.content else { panic!("{:?}", top["uses"]) };
        assert_eq!(uses.iter().map(|one| shown(&one.bytes)).collect::<Vec<_>>(), ["cluster.read", "probe"]);
        let params = by_name(top["params"].value.entries().unwrap());
        let tries = by_name(params["tries"].value.entries().unwrap());
        assert_eq!((shown(&tries["default"].key_bytes), shown(&tries["default"].value.bytes)), ("default", "8"));
        assert_eq!(tries["default"].value.value(), 8);
        assert_eq!(shown(&params["from"].key_bytes).trim_matches('"'), "from");
        assert_eq!(node.value()["params"]["from"][0], "local");
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let wrong = read("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(wrong.bytes.start >= 5 && !wrong.reason.contains('\n'), "{wrong:?}");
        let twice = read("a: 1\na: 2\n").unwrap_err();
        assert!(twice.reason.contains("duplicate") && twice.bytes.start == 5, "{twice:?}");
        assert_eq!(read("").unwrap().value(), Value::Null);
    }
}
