//! One line of a speaker's log: what stands in front of it, and its fields.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Map, Value};

/// A line without what the kubelet, kubectl or a container runtime put in front of it.
pub(super) struct Line<'a> {
    /// The kubelet's RFC 3339 time.
    pub(super) at: Option<&'a str>,
    pub(super) text: &'a str,
}

impl<'a> Line<'a> {
    /// Cuts off `[pod/NAME/CONTAINER]`, the time, and `stdout F`, each when it is there.
    pub(super) fn cut(line: &'a str) -> Self {
        let mut text = line.trim_end();
        if text.starts_with('[')
            && let Some((_, rest)) = text.split_once("] ")
        {
            text = rest;
        }
        let (at, rest) = split_timestamp(text);
        let text = ["stdout F ", "stderr F ", "stdout P ", "stderr P "].iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest);
        Self { at, text }
    }

    /// Whether it is a JSON object or logfmt.
    pub(super) fn is_structured(&self) -> bool {
        self.text.starts_with('{') || is_logfmt(self.text)
    }

    /// Lines that are known to be neither, and to tell nothing: klog's, the Go struct that native BGP prints at every OPEN, and what
    /// kubectl and Go's own runtime say.
    pub(super) fn is_known_noise(&self) -> bool {
        let bytes = self.text.as_bytes();
        let klog = bytes.len() > 5 && matches!(bytes[0], b'I' | b'W' | b'E' | b'F') && bytes[1..5].iter().all(u8::is_ascii_digit);
        klog || ["struct {", "Defaulted container ", "Found ", "# ", "goroutine ", "failed to try resolving symlinks"]
            .iter()
            .any(|start| self.text.starts_with(start))
    }
}

/// The kubelet's RFC 3339 time in front of a line, and the rest. Of an empty line the time alone is left.
pub(in crate::analysis) fn split_timestamp(line: &str) -> (Option<&str>, &str) {
    let (stamp, rest) = line.split_once(' ').unwrap_or((line, ""));
    if is_timestamp(stamp.as_bytes()) { (Some(stamp), rest.trim_start()) } else { (None, line) }
}

/// Whether it is a time, of a time's length: it is kept with what it is the time of.
fn is_timestamp(stamp: &[u8]) -> bool {
    (20..=35).contains(&stamp.len())
        && stamp[4] == b'-'
        && stamp[10] == b'T'
        && stamp.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'+' | b'T' | b'Z'))
}

/// Whether a line is made of `key=value` words, at least one of which every logger writes.
fn is_logfmt(text: &str) -> bool {
    let first = text.split('=').next().unwrap_or_default();
    !first.is_empty()
        && first.len() < text.len()
        && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && ["caller=", "ts=", "level=", "msg="].iter().any(|key| text.contains(key))
}

/// What the fields of a line said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Something,
    /// It is known, and is about something else.
    Nothing,
    /// It has a known line's name and not its fields: no version writes that.
    Nonsense,
}

impl Said {
    pub(super) fn of(told: bool) -> Self {
        if told { Self::Something } else { Self::Nothing }
    }
}

/// The addresses that a field names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    These(Vec<IpAddr>),
    /// The field is missing, or empty in one of the ways in which Go writes that.
    None,
    /// There is something else in it.
    Nonsense,
}

/// The fields of a line.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads JSON, otherwise logfmt.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.starts_with('{') {
            return match serde_json::from_str(text) {
                Ok(Value::Object(map)) => Some(Self(map)),
                _ => None,
            };
        }
        Some(Self(logfmt(text).into_iter().map(|(key, value)| (key, Value::String(value))).collect()))
    }

    /// A field that is text; empty when it is missing or something else.
    pub(super) fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether there is such a field, whatever is in it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Whether one of these fields, which are text when they are there, is something else.
    pub(super) fn are_odd(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.0.get(*key).is_some_and(|value| !value.is_string() && !value.is_null()))
    }

    /// A field of any kind, for people.
    pub(super) fn shown(&self, key: &str) -> String {
        match self.0.get(key) {
            Some(Value::Array(all)) => all.iter().map(|one| one.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", "),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    /// The addresses of a field: a text, an array of texts, or in logfmt an array as Go writes it.
    pub(super) fn addresses(&self, key: &str) -> Named {
        let texts: Vec<&str> = match self.0.get(key) {
            None | Some(Value::Null) => return Named::None,
            Some(Value::Array(all)) => all.iter().map(|one| one.as_str().unwrap_or("not a text")).collect(),
            Some(Value::String(text)) => text.split([',', ' ']).collect(),
            Some(_) => return Named::Nonsense,
        };
        let words = texts.iter().map(|text| text.trim_matches(['[', ']', '"', ' '])).filter(|word| !matches!(*word, "" | "null" | "<nil>"));
        let (mut all, mut odd) = (Vec::new(), false);
        for word in words {
            match word.parse() {
                Ok(address) => all.push(address),
                Err(_) => odd = true,
            }
        }
        match (all.is_empty(), odd) {
            (false, _) => Named::These(all),
            (true, true) => Named::Nonsense,
            (true, false) => Named::None,
        }
    }
}

/// `key=value` and `key="a value"` words; escapes within quotes are those of Go.
fn logfmt(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = text.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim().to_owned();
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let end = after.find(' ').unwrap_or(after.len());
            (after[..end].to_owned(), &after[end..])
        };
        fields.insert(key, value);
        rest = after.trim_start();
    }
    fields
}

fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, other)) => value.push(other),
                None => break,
            },
            other => value.push(other),
        }
    }
    (value, "")
}

/// At most so many characters, on one line.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= most { line } else { line.chars().take(most - 1).chain(std::iter::once('…')).collect() }
}
