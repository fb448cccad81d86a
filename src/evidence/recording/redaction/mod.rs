//! Recordings whose names and addresses are others: each is replaced wherever it stands by one of its own, so that what was seen of them
//! still fits together.
//!
//! Names keep their order and addresses their networks and order, since what a run finds may depend on either. What is neither stays as it
//! is: times, ports, MACs, ids of objects and containers, and what is inside certificates.

mod addresses;
mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use regex::{Captures, Regex};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::file;
use super::kept::Kept;
use super::manifest::Manifest;
use super::question::Asked;
use super::recorded::Recording;
use super::tape::Entry;
use crate::evidence::Evidence;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::scrub::scrub_value;
use addresses::Addresses;

/// A recording with everything in it as JSON.
pub struct Original {
    shown: String,
    /// Of its bytes: what is chosen follows from it, and nobody who has not the file can tell how.
    key: [u8; 32],
    manifest: Manifest,
    /// The manifest's parts that hold names: parameters and site.
    head: Value,
    entries: Vec<(Entry, Value, Value)>,
}

/// The same with other names and addresses.
pub struct Redacted {
    manifest: Manifest,
    entries: Vec<Entry>,
}

impl Original {
    /// Reads a recording.
    ///
    /// # Errors
    /// When it cannot be read, is cut off, or holds answers that make no sense.
    pub fn read(path: &Path) -> Result<Self, EvidenceError> {
        let shown = path.display().to_string();
        let (manifest, entries) = file::read(path)?;
        let wrong = |reason: String| EvidenceError::new(ErrorKind::Garbled, format!("redact recording {shown}"), reason);
        if manifest.cut_after.is_some() {
            return Err(wrong("it is cut off, so that nobody can tell whether what is left means the same".to_owned()));
        }
        let mut key = Sha256::new();
        let mut all = Vec::new();
        for entry in entries {
            let (question, mut answer): (Value, Value) = serde_json::from_str(&entry.asked.text)
                .and_then(|question| Ok((question, entry.answer.parsed()?)))
                .map_err(|error| wrong(format!("an answer makes no sense: {error}")))?;
            // An older lbdiag kept texts as they were.
            scrub_value(&mut answer);
            key.update(entry.asked.text.as_bytes());
            key.update(answer.to_string().as_bytes());
            all.push((entry, question, answer));
        }
        let head = serde_json::to_value((&manifest.params, &manifest.site)).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { shown, key: key.finalize().into(), manifest, head, entries: all })
    }

    /// The world as it was recorded.
    #[must_use]
    pub fn world(&self) -> (Evidence, Manifest) {
        let entries = self.entries.iter().map(|(entry, _, _)| entry.clone()).collect();
        (Recording::of(self.manifest.clone(), entries).world(), self.manifest.clone())
    }

    /// The name of the playbook that asked.
    #[must_use]
    pub fn playbook(&self) -> &str {
        &self.manifest.playbook.name
    }

    /// One of many ways to replace everything.
    ///
    /// # Errors
    /// When there is nothing to look for names with.
    pub fn redaction(&self, number: u32) -> Result<Redaction, EvidenceError> {
        let key: [u8; 32] = Sha256::new().chain_update(self.key).chain_update(number.to_be_bytes()).finalize().into();
        let texts = || std::iter::once(&self.head).chain(self.entries.iter().flat_map(|(_, question, answer)| [question, answer]));
        let names = names::words(&names::of(&self.manifest, &self.entries), &key);
        let all: Vec<&str> = names.keys().map(String::as_str).collect();
        let tokens = Tokens::of(&all).map_err(|error| self.failed(&error.to_string()))?;
        let mut addresses = Addresses::new(key);
        for value in texts() {
            each_text(value, &mut |text| tokens.addresses(text, &mut addresses));
        }
        Ok(Redaction { names, addresses: addresses.closed(), tokens })
    }

    /// The recording with everything replaced.
    ///
    /// # Errors
    /// When what comes of it cannot be kept.
    pub fn redacted(&self, by: &Redaction) -> Result<Redacted, EvidenceError> {
        let mut head = self.head.clone();
        by.value(&mut head);
        let (params, site) = serde_json::from_value(head).map_err(|error| self.failed(&error.to_string()))?;
        let entry = |(entry, question, answer): &(Entry, Value, Value)| {
            let (mut question, mut answer) = (question.clone(), answer.clone());
            by.value(&mut question);
            by.value(&mut answer);
            let answer = Kept::of(&answer).map_err(|error| self.failed(&error.to_string()))?;
            Ok(Entry { asked: Asked::new(entry.asked.channel, &question), result: by.text(&entry.result), answer, ..entry.clone() })
        };
        let entries = self.entries.iter().map(entry).collect::<Result<_, EvidenceError>>()?;
        Ok(Redacted { manifest: Manifest { params, site, ..self.manifest.clone() }, entries })
    }

    fn failed(&self, reason: &str) -> EvidenceError {
        EvidenceError::new(ErrorKind::Garbled, format!("redact recording {}", self.shown), reason)
    }
}

impl Redacted {
    /// The world as the redacted recording has it.
    #[must_use]
    pub fn world(&self) -> (Evidence, Manifest) {
        (Recording::of(self.manifest.clone(), self.entries.clone()).world(), self.manifest.clone())
    }

    /// Writes it as a recording.
    ///
    /// # Errors
    /// As `file::write`.
    pub fn write(&self, path: &Path) -> Result<(), EvidenceError> {
        file::write_entries(path, &self.manifest, &self.entries)
    }
}

/// What stands for each name and address.
pub struct Redaction {
    names: BTreeMap<String, String>,
    addresses: Addresses,
    tokens: Tokens,
}

impl Redaction {
    /// Every replacement, names first.
    #[must_use]
    pub fn map(&self) -> BTreeMap<String, String> {
        self.names.clone().into_iter().chain(self.addresses.map()).collect()
    }

    /// A text with everything replaced.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.tokens.replaced(text, &self.names, &self.addresses)
    }

    /// Replaces everything in a value, keys included.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(all) => all.iter_mut().for_each(|one| self.value(one)),
            Value::Object(map) => {
                for (key, mut inner) in std::mem::take(map) {
                    self.value(&mut inner);
                    map.insert(self.text(&key), inner);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn each_text(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(all) => all.iter().for_each(|one| each_text(one, see)),
        Value::Object(map) => {
            for (key, inner) in map {
                see(key);
                each_text(inner, see);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Finds in a text what may be replaced. The order decides: a MAC holds what looks like a name.
struct Tokens {
    all: Regex,
    /// Names alone, where there are any.
    names: Option<Regex>,
}

/// Of each kind of token, the group that holds it.
const MAC: &str = r"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b";
const V4: &str = r"\b(?P<v4>\d{1,3}(?:\.\d{1,3}){3})(?:/(?P<len4>\d{1,2}))?\b";
const HEX: &str = r"\b0x(?P<hex>[0-9a-f]{5,8})\b";
const V6: &str = r"(?P<v6>[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?:/(?P<len6>\d{1,3})\b)?";

impl Tokens {
    fn of(names: &[&str]) -> Result<Self, regex::Error> {
        let mut names: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let name = if names.is_empty() { String::new() } else { format!(r"|\b(?P<name>{})\b", names.join("|")) };
        let alone = name.strip_prefix('|').map(Regex::new).transpose()?;
        Ok(Self { all: Regex::new(&format!("{MAC}|{V4}|{HEX}|{V6}{name}"))?, names: alone })
    }

    fn addresses(&self, text: &str, addresses: &mut Addresses) {
        for found in self.all.captures_iter(text) {
            let length = |name: &str| found.name(name).and_then(|length| length.as_str().parse().ok());
            if let Some(address) = found.name("v4").and_then(|token| token.as_str().parse().ok()) {
                addresses.seen(address, length("len4"));
            } else if let Some(address) = found.name("v6").and_then(|token| token.as_str().parse().ok()) {
                addresses.seen(address, length("len6"));
            }
        }
    }

    fn replaced(&self, text: &str, names: &BTreeMap<String, String>, addresses: &Addresses) -> String {
        let other = |found: &Captures<'_>| {
            let whole = &found[0];
            let network = |token: &str, length: &str| {
                let address = found.name(token)?.as_str().parse().ok()?;
                let bits: Option<u8> = found.name(length).and_then(|length| length.as_str().parse().ok());
                let other = addresses.of(address, bits);
                Some(bits.map_or_else(|| other.to_string(), |bits| format!("{other}/{bits}")))
            };
            let word = || found.name("hex").and_then(|hex| addresses.word(u32::from_str_radix(hex.as_str(), 16).ok()?));
            let name = || found.name("name").and_then(|name| names.get(name.as_str()).cloned());
            // `ssh:c1: …` looks like an address for a while.
            let within = || {
                let word = |one: &Captures<'_>| names.get(&one[0]).cloned().unwrap_or_default();
                Some(self.names.as_ref()?.replace_all(found.name("v6")?.as_str(), word).into_owned())
                    .filter(|_| found.name("len6").is_none())
            };
            network("v4", "len4")
                .or_else(|| network("v6", "len6"))
                .or_else(|| word().map(|word| format!("0x{word:x}")))
                .or_else(name)
                .or_else(within)
                .unwrap_or_else(|| whole.to_owned())
        };
        self.all.replace_all(text, other).into_owned()
    }
}
