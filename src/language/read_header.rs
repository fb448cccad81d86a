//! Reads a playbook's header, which is YAML in Rhai's own module documentation, and tells every mistake of it at its place.

use serde_json::Value;

use super::header::{Header, Param, ParamKind};
use super::params;
use crate::model::capability::CAPABILITIES;
use crate::model::diagnostic::{Diagnostic, Source, codes, did_you_mean};
use crate::model::document::{self, Content, Entry, Node};
use crate::model::version::version;

const KEYS: [&str; 8] = ["name", "version", "about", "kind", "requires", "uses", "params", "findings"];
const PARAM_KEYS: [&str; 8] = ["type", "help", "required", "default", "positional", "values", "least", "most"];

/// The header of a playbook.
///
/// # Errors
/// Every mistake of it, each at the key or value that has it.
pub fn read(source: &Source) -> Result<Header, Vec<Diagnostic>> {
    let Some(yaml) = lines(source.text) else {
        let place = source.spot(0..source.text.lines().next().map_or(0, str::len));
        return Err(vec![
            Diagnostic::new(codes::NO_HEADER, Some(place), "the playbook has no header")
                .hint("begin it with lines `//! ---`, `//! name: …`, `//! version: …`, `//! about: …`, `//! ---`"),
        ]);
    };
    let mut reader = Reader { source, wrong: Vec::new() };
    let header = match document::read(&yaml) {
        Ok(node) => reader.header(&node),
        Err(why) => {
            reader.say(codes::HEADER_NOT_YAML, why.bytes, format!("the header is not YAML: {}", why.reason));
            Header::default()
        }
    };
    if reader.wrong.is_empty() { Ok(header) } else { Err(reader.wrong) }
}

/// The header's YAML, at the very bytes at which it stands in the source: whatever is not of it is blank.
pub(super) fn lines(source: &str) -> Option<String> {
    let mut yaml = String::new();
    let mut begun = false;
    for line in source.split_inclusive('\n') {
        let Some(text) = line.strip_prefix("//!") else {
            if !begun && line.trim().is_empty() {
                yaml.push_str(line);
                continue;
            }
            return None;
        };
        if text.trim() == "---" {
            if begun {
                return Some(yaml);
            }
            begun = true;
            yaml.push_str(&blank(line));
        } else if begun {
            yaml.push_str("   ");
            yaml.push_str(text);
        } else {
            yaml.push_str(&blank(line));
        }
    }
    None
}

/// As many bytes, of which nothing can be read.
fn blank(line: &str) -> String {
    line.bytes().map(|byte| if byte == b'\n' || byte == b'\r' { char::from(byte) } else { ' ' }).collect()
}

/// What reads a header, with every mistake that it found.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source<'a>,
    wrong: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn say(&mut self, code: &str, bytes: std::ops::Range<usize>, message: impl Into<String>) {
        self.told(Diagnostic::new(code, Some(self.source.spot(bytes)), message));
    }

    pub(super) fn told(&mut self, diagnostic: Diagnostic) {
        self.wrong.push(diagnostic);
    }

    fn header(&mut self, node: &Node) -> Header {
        let Some(entries) = node.entries() else {
            self.say(
                codes::HEADER_VALUE,
                node.bytes.clone(),
                format!("the header is {}, it has to be a map of keys and values", node.kind()),
            );
            return Header::default();
        };
        let mut header = Header::default();
        for entry in entries {
            match entry.key.as_str() {
                "name" => header.name = self.text(entry),
                "version" => header.version = self.text(entry),
                "about" => header.about = self.text(entry),
                "requires" => header.requires = Some(self.requires(entry)),
                "uses" => header.uses = self.uses(entry),
                "params" => header.params = self.params(entry),
                "kind" => header.kind = self.playbook_kind(entry),
                "findings" => header.findings = self.findings(entry),
                _ => self.unknown_key(entry, "the header", &KEYS),
            }
        }
        for (key, shown) in [("name", "its name"), ("version", "its version"), ("about", "a sentence of what it is about")] {
            if !entries.iter().any(|entry| entry.key == key) {
                let message = format!("the header lacks `{key}`: {shown}");
                self.say(codes::HEADER_LACKS, entries.first().map_or(node.bytes.clone(), |entry| entry.key_bytes.clone()), message);
            }
        }
        header
    }

    pub(super) fn unknown_key(&mut self, entry: &Entry, whose: &str, known: &[&str]) {
        let spot = self.source.spot(entry.key_bytes.clone());
        let message = format!("{whose} has no key `{}`", entry.key);
        let hint = did_you_mean(&entry.key, known.iter().copied()).or_else(|| Some(format!("the keys are {}", known.join(", "))));
        self.told(Diagnostic::new(codes::HEADER_KEY, Some(spot), message).maybe(hint));
    }

    pub(super) fn takes(&mut self, entry: &Entry, takes: &str) {
        let message = format!("`{}` takes {takes}, and this is {}", entry.key, entry.value.kind());
        self.say(codes::HEADER_VALUE, entry.value.bytes.clone(), message);
    }

    /// A text; numbers are taken as they are written, since versions look like them.
    pub(super) fn text(&mut self, entry: &Entry) -> String {
        match &entry.value.content {
            Content::Scalar(Value::String(text)) => text.clone(),
            Content::Scalar(Value::Number(_)) => self.source.text.get(entry.value.bytes.clone()).unwrap_or_default().to_owned(),
            _ => {
                self.takes(entry, "a text");
                String::new()
            }
        }
    }

    fn truth(&mut self, entry: &Entry) -> Option<bool> {
        let truth = entry.value.value().as_bool();
        if truth.is_none() {
            self.takes(entry, "true or false");
        }
        truth
    }

    fn number(&mut self, entry: &Entry) -> Option<i64> {
        let number = entry.value.value().as_i64();
        if number.is_none() {
            self.takes(entry, "a whole number");
        }
        number
    }

    /// The texts of a list with their places.
    fn texts<'a>(&mut self, entry: &'a Entry) -> Vec<(String, &'a Node)> {
        let Content::List(parts) = &entry.value.content else {
            self.takes(entry, "a list such as [a, b]");
            return Vec::new();
        };
        let text = |part: &Node| match &part.content {
            Content::Scalar(Value::String(text)) => text.clone(),
            other => match other {
                Content::Scalar(value) => value.to_string(),
                Content::List(_) | Content::Map(_) => String::new(),
            },
        };
        parts.iter().map(|part| (text(part), part)).collect()
    }

    fn uses(&mut self, entry: &Entry) -> Vec<String> {
        let texts = self.texts(entry);
        for (text, node) in &texts {
            if !CAPABILITIES.contains(&text.as_str()) {
                let spot = self.source.spot(node.bytes.clone());
                let hint = did_you_mean(text, CAPABILITIES).or_else(|| Some(format!("the capabilities are {}", CAPABILITIES.join(", "))));
                self.told(Diagnostic::new(codes::HEADER_CAPABILITY, Some(spot), format!("there is no capability `{text}`")).maybe(hint));
            }
        }
        texts.into_iter().map(|(text, _)| text).collect()
    }

    fn requires(&mut self, entry: &Entry) -> String {
        let requires = self.text(entry);
        let wanted = requires.trim().strip_prefix("lbdiag").map(str::trim).and_then(|rest| rest.strip_prefix(">=")).map(str::trim);
        let spot = || Some(self.source.spot(entry.value.bytes.clone()));
        let own = env!("CARGO_PKG_VERSION");
        let wrong = match wanted {
            None if requires.is_empty() => None,
            None => Some(
                Diagnostic::new(codes::HEADER_REQUIRES, spot(), format!("`requires: {requires}` is not understood"))
                    .hint("write `lbdiag >=0.1`"),
            ),
            Some(wanted) if version(wanted) > version(own) => Some(
                Diagnostic::new(codes::TOO_OLD, spot(), format!("the playbook requires lbdiag {wanted} or newer, and this is {own}"))
                    .hint("install a newer lbdiag"),
            ),
            Some(_) => None,
        };
        self.wrong.extend(wrong);
        requires
    }

    fn params(&mut self, entry: &Entry) -> Vec<Param> {
        let Some(entries) = entry.value.entries() else {
            self.takes(entry, "a map of parameters, such as `tries: { type: int }`");
            return Vec::new();
        };
        let mut params: Vec<Param> = entries.iter().filter_map(|entry| self.param(entry)).collect();
        params.sort_by(|a, b| a.name.cmp(&b.name));
        // There is one place.
        let mut placed = entries.iter().filter(|entry| params.iter().any(|param| param.name == entry.key && param.positional)).skip(1);
        if let Some(second) = placed.next() {
            self.say(codes::PARAMETER_CONTRADICTS, second.key_bytes.clone(), "two parameters are `positional`, and one may be".to_owned());
        }
        params
    }

    fn param(&mut self, of: &Entry) -> Option<Param> {
        let Some(entries) = of.value.entries() else {
            self.takes(of, "a map such as { type: int, help: \"…\" }");
            return None;
        };
        let whose = format!("the parameter `{}`", of.key);
        let mut param = Param::named(&of.key);
        let mut kind = None;
        let mut required = None;
        for entry in entries {
            match entry.key.as_str() {
                "type" => kind = self.kind(entry),
                "help" => param.help = self.text(entry),
                "required" => required = self.truth(entry),
                "default" => param.default = Some(entry.value.value()).filter(|value| !value.is_null()),
                "positional" => param.positional = self.truth(entry).unwrap_or_default(),
                "values" => param.values = self.texts(entry).into_iter().map(|(text, _)| text).collect(),
                "least" => param.least = self.number(entry),
                "most" => param.most = self.number(entry),
                _ => self.unknown_key(entry, &whose, &PARAM_KEYS),
            }
        }
        if !entries.iter().any(|entry| entry.key == "type") {
            self.say(codes::HEADER_LACKS, of.key_bytes.clone(), format!("{whose} lacks `type`"));
        }
        param.required = required.unwrap_or(true) && param.default.is_none();
        param.kind = kind?;
        self.contradictions(&param, of, entries);
        Some(param)
    }

    fn kind(&mut self, entry: &Entry) -> Option<ParamKind> {
        let word = self.text(entry);
        let kind = ParamKind::named(&word);
        if kind.is_none() && !word.is_empty() {
            let known = ParamKind::ALL.map(ParamKind::word);
            let hint = did_you_mean(&word, known).or_else(|| Some(format!("the types are {}", known.join(", "))));
            let spot = self.source.spot(entry.value.bytes.clone());
            self.told(Diagnostic::new(codes::PARAMETER_TYPE, Some(spot), format!("there is no type `{word}`")).maybe(hint));
        }
        kind
    }

    fn contradictions(&mut self, param: &Param, of: &Entry, entries: &[Entry]) {
        let at = |key: &str| entries.iter().find(|entry| entry.key == key);
        let mut wrong = Vec::new();
        if let (Some(least), Some(most)) = (param.least, param.most)
            && least > most
        {
            wrong.push((at("least"), format!("`least` {least} is above `most` {most}")));
        }
        if param.kind == ParamKind::Enum && param.values.is_empty() {
            wrong.push((at("values").or_else(|| at("type")), "an enum needs `values`: the texts that it takes".to_owned()));
        }
        let kind = param.kind.word();
        if param.kind != ParamKind::Enum && !param.values.is_empty() {
            wrong.push((at("values"), format!("`values` are for an enum, and this is of the type {kind}")));
        }
        for key in ["least", "most"] {
            if !param.kind.is_bounded() && at(key).is_some() {
                wrong.push((at(key), format!("`{key}` is for an int, and this is of the type {kind}")));
            }
        }
        if wrong.is_empty()
            && let Some(default) = &param.default
            && let Err(why) = params::checked(param, default)
        {
            wrong.push((at("default"), format!("the default does not fit: {why}")));
        }
        for (entry, message) in wrong {
            let bytes = entry.map_or(of.key_bytes.clone(), |entry| entry.value.bytes.clone());
            self.say(codes::PARAMETER_CONTRADICTS, bytes, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "//! ---\n//! name: a\n//! version: 1.0.0\n//! about: b\n//! requires: lbdiag >=0.1\n//! uses: [cluster.read]\n//! params:\n//!   service: { type: string, help: The Service. }\n//!   tries: { type: int, default: 8 }\n//! ---\nlet x = 1;\n";

    fn of(text: &str) -> Result<Header, Vec<Diagnostic>> {
        read(&Source { file: "a.rhai", text })
    }

    /// Code, what is marked, and whether the message or hint holds the text.
    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let wrong = of(text).unwrap_err();
        let seen: Vec<(&str, &str)> = wrong
            .iter()
            .map(|one| {
                let span = one.spot.as_ref().unwrap().span;
                (one.code.as_str(), &text[span.start.byte..span.end.byte])
            })
            .collect();
        let wanted: Vec<(&str, &str)> = expected.iter().map(|(code, marked, _)| (*code, *marked)).collect();
        assert_eq!(seen, wanted, "{wrong:?}");
        for (one, (_, _, said)) in wrong.iter().zip(expected) {
            assert!(one.to_string().contains(said), "{one}");
        }
    }

    #[test]
    fn a_header_is_read() {
        let header = of(GOOD).unwrap();
        assert_eq!((header.params.len(), header.version.as_str()), (2, "1.0.0"));
        assert!(header.params[0].required && header.params[0].kind == ParamKind::String);
        assert!(!header.params[1].required);
        assert_eq!(of(&GOOD.replace("1.0.0", "1.10")).unwrap().version, "1.10");
        assert_eq!(of(&GOOD.replace('\n', "\r\n")).unwrap().name, "a");
        assert_eq!(of(&format!("\n{GOOD}")).unwrap().name, "a");
    }

    #[test]
    fn every_mistake_is_told_at_the_very_key_or_value() {
        check("let x = 1;", &[("E0101", "let x = 1;", "has no header")]);
        check(
            &GOOD.replace("cluster.read", "cluster.reed, proob"),
            &[("E0106", "cluster.reed", "did you mean `cluster.read`"), ("E0106", "proob", "did you mean `probe`")],
        );
        check(&GOOD.replace(">=0.1", ">=9.1"), &[("E0108", "lbdiag >=9.1", "requires lbdiag 9.1")]);
        check(&GOOD.replace("about", "abuot"), &[("E0103", "abuot", "did you mean `about`"), ("E0104", "name", "lacks `about`")]);
        check(
            &GOOD.replace("default: 8", "defautl: 8, least: x"),
            &[("E0103", "defautl", "did you mean `default`"), ("E0105", "x", "takes a whole number")],
        );
    }

    #[test]
    fn a_parameter_that_contradicts_itself_is_refused() {
        let tries = |with: &str| GOOD.replace("type: int, default: 8", with);
        check(&tries("type: int, default: many"), &[("E0110", "many", "takes a whole number")]);
        check(&tries("type: int, least: 9, most: 1"), &[("E0110", "9", "above `most` 1")]);
        check(&tries("type: int, least: 9, default: 8"), &[("E0110", "8", "from 9 on")]);
        check(&tries("type: enum"), &[("E0110", "enum", "needs `values`")]);
        check(&tries("type: enum, values: [a], default: b"), &[("E0110", "b", "one of a")]);
        check(&tries("type: string, most: 3"), &[("E0110", "3", "is for an int")]);
        let two = GOOD.replace("type: string,", "type: string, positional: true,").replace("default: 8", "default: 8, positional: true");
        check(&two, &[("E0110", "tries", "one may be")]);
        check(&tries("type: strin"), &[("E0109", "strin", "did you mean `string`")]);
        check(&tries("help: x"), &[("E0104", "tries", "lacks `type`")]);
    }

    #[test]
    fn what_is_no_yaml_is_told_where_it_breaks() {
        let wrong = of("//! ---\n//! name: a\n//! about: \"b\n//! ---\n").unwrap_err();
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].code == "E0102" && wrong[0].spot.as_ref().unwrap().span.start.line >= 3, "{wrong:?}");
    }
}
