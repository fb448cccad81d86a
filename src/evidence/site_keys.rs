//! What a site file may hold: every key with what it takes, and a look at a file by it.

use serde_json::Value;

use crate::model::capability::CAPABILITIES;
use crate::model::diagnostic::{Diagnostic, Source, codes, did_you_mean};
use crate::model::document::{Content, Entry, Node};

/// What the value of a key is.
#[derive(Clone, Copy)]
enum Takes {
    Text,
    Texts,
    /// The number of a TCP port.
    Port,
    /// Names that the site gives, each with a text.
    NamedTexts,
    Capabilities,
    OneOf(&'static [&'static str]),
    /// A whole number from 1 on.
    Whole,
    /// A map with the keys that stand under its own way.
    Section,
    /// A list of such maps.
    Sections,
    /// Whatever playbooks take: they tell themselves.
    Anything,
}

/// The keys of a map of the file, with what each takes, and those that have to be there.
struct Section {
    /// The way to it.
    way: &'static str,
    keys: &'static [(&'static str, Takes)],
    needs: &'static [&'static str],
}

/// Every map of the file.
const SECTIONS: [Section; 8] = [
    Section {
        way: "",
        keys: &[
            ("ssh", Takes::Section),
            ("nodes", Takes::Section),
            ("via", Takes::Section),
            ("metallb", Takes::Section),
            ("defaults", Takes::Anything),
            ("uses", Takes::Capabilities),
            ("allow", Takes::Sections),
            ("hooks", Takes::Anything),
            ("data", Takes::Anything),
            ("severities", Takes::Anything),
            ("accepted", Takes::Anything),
            ("library", Takes::Texts),
            ("signers", Takes::Texts),
        ],
        needs: &[],
    },
    Section {
        way: "allow",
        keys: &[
            ("playbooks", Takes::Texts),
            ("uses", Takes::Capabilities),
            ("hosts", Takes::Texts),
            ("namespaces", Takes::Texts),
            ("capture", Takes::Section),
        ],
        needs: &["playbooks"],
    },
    Section {
        way: "allow.capture",
        keys: &[("seconds", Takes::Whole), ("packets", Takes::Whole), ("bytes", Takes::Whole), ("snaplen", Takes::Whole)],
        needs: &[],
    },
    Section {
        way: "ssh",
        keys: &[
            ("config", Takes::Text),
            ("user", Takes::Text),
            ("port", Takes::Port),
            ("keys", Takes::Texts),
            ("known_hosts", Takes::Texts),
        ],
        needs: &[],
    },
    Section { way: "nodes", keys: &[("addresses", Takes::NamedTexts), ("address_pattern", Takes::Text)], needs: &[] },
    Section { way: "via", keys: &[("pod", Takes::Section)], needs: &[] },
    Section {
        way: "via.pod",
        keys: &[("namespace", Takes::Text), ("labels", Takes::Text), ("container", Takes::Text), ("tools", Takes::OneOf(&["host", "pod"]))],
        needs: &["namespace", "labels"],
    },
    Section { way: "metallb", keys: &[("namespace", Takes::Text), ("speaker_labels", Takes::Text)], needs: &[] },
];

/// Every key and value of a file that is none.
pub(super) fn wrong(source: &Source, node: &Node) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    Look { source, wrong: &mut wrong }.section(node, "");
    wrong
}

/// A look at a file's keys and values.
struct Look<'a> {
    source: &'a Source<'a>,
    wrong: &'a mut Vec<Diagnostic>,
}

impl Look<'_> {
    fn say(&mut self, code: &str, bytes: std::ops::Range<usize>, message: String, hint: Option<String>) {
        self.wrong.push(Diagnostic::new(code, Some(self.source.spot(bytes)), message).maybe(hint));
    }

    /// A map of the file, and everything in it.
    fn section(&mut self, node: &Node, way: &str) {
        let Some(section) = SECTIONS.iter().find(|section| section.way == way) else { return };
        let whose = if way.is_empty() { "a site file".to_owned() } else { format!("`{way}` of a site file") };
        let Some(entries) = node.entries() else {
            if !node.value().is_null() {
                self.say(
                    codes::FILE_VALUE,
                    node.bytes.clone(),
                    format!("{whose} is a map of keys and values, and this is {}", node.kind()),
                    None,
                );
            }
            return;
        };
        let names = || section.keys.iter().map(|(name, _)| *name);
        for entry in entries {
            let inner = if way.is_empty() { entry.key.clone() } else { format!("{way}.{}", entry.key) };
            match section.keys.iter().find(|(name, _)| *name == entry.key) {
                Some((_, Takes::Section)) => self.section(&entry.value, &inner),
                Some((_, Takes::Sections)) => self.sections(entry, &inner),
                Some((_, takes)) => self.value(entry, *takes),
                None => {
                    let hint = did_you_mean(&entry.key, names())
                        .or_else(|| Some(format!("the keys are {}", names().collect::<Vec<_>>().join(", "))));
                    self.say(codes::FILE_KEY, entry.key_bytes.clone(), format!("{whose} has no key `{}`", entry.key), hint);
                }
            }
        }
        // One that is mistyped is told already.
        let known = entries.iter().all(|entry| names().any(|name| name == entry.key));
        for lacking in section.needs.iter().filter(|name| known && !entries.iter().any(|entry| entry.key == **name)) {
            let at = self.source.text[..node.bytes.start].rfind(way.rsplit('.').next().unwrap_or(way)).unwrap_or(node.bytes.start);
            let name = way.rsplit('.').next().unwrap_or(way);
            self.say(codes::FILE_VALUE, at..at + name.len(), format!("{whose} needs `{lacking}`"), None);
        }
    }

    fn sections(&mut self, entry: &Entry, way: &str) {
        let Content::List(parts) = &entry.value.content else {
            let message = format!("`{}` takes a list of maps, and this is {}", entry.key, entry.value.kind());
            return self.say(codes::FILE_VALUE, entry.value.bytes.clone(), message, None);
        };
        for part in parts {
            self.section(part, way);
        }
    }

    fn value(&mut self, entry: &Entry, takes: Takes) {
        let value = entry.value.value();
        // A key without a value stands for nothing.
        if value.is_null() {
            return;
        }
        let texts = |value: &Value| value.as_array().is_some_and(|parts| parts.iter().all(Value::is_string));
        let (fits, what) = match takes {
            Takes::Text => (value.is_string(), "a text"),
            Takes::Texts => (texts(&value), "a list of texts"),
            Takes::Port => (value.as_u64().is_some_and(|port| (1..=65_535).contains(&port)), "a port from 1 to 65535"),
            Takes::NamedTexts => (value.as_object().is_some_and(|all| all.values().all(Value::is_string)), "a map of texts"),
            Takes::Capabilities => (texts(&value), "a list of capabilities"),
            Takes::OneOf(all) => (value.as_str().is_some_and(|text| all.contains(&text)), "another value"),
            Takes::Whole => (value.as_u64().is_some_and(|number| number > 0), "a whole number from 1 on"),
            Takes::Section | Takes::Sections | Takes::Anything => (true, ""),
        };
        match (takes, &entry.value.content) {
            (Takes::Capabilities, Content::List(parts)) if fits => parts.iter().for_each(|part| self.capability(part)),
            (Takes::OneOf(all), _) if !fits => {
                let hint = did_you_mean(value.as_str().unwrap_or_default(), all.iter().copied());
                self.say(codes::FILE_VALUE, entry.value.bytes.clone(), format!("`{}` takes one of {}", entry.key, all.join(", ")), hint);
            }
            _ if !fits => {
                let message = format!("`{}` takes {what}, and this is {}", entry.key, entry.value.kind());
                self.say(codes::FILE_VALUE, entry.value.bytes.clone(), message, None);
            }
            _ => {}
        }
    }

    fn capability(&mut self, part: &Node) {
        let Some(name) = part.value().as_str().map(str::to_owned).filter(|name| !CAPABILITIES.contains(&name.as_str())) else { return };
        let hint = did_you_mean(&name, CAPABILITIES).or_else(|| Some(format!("the capabilities are {}", CAPABILITIES.join(", "))));
        self.say(codes::FILE_VALUE, part.bytes.clone(), format!("there is no capability `{name}`"), hint);
    }
}
