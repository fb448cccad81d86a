//! Reads what a header says of a playbook's kind and of its own findings.

use super::header::PlaybookKind;
use super::read_header::Reader;
use crate::model::declared::Declared;
use crate::model::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::model::document::Entry;
use crate::model::finding::Severity;

const FINDING_KEYS: [&str; 3] = ["severity", "meaning", "next"];

impl Reader<'_> {
    pub(super) fn playbook_kind(&mut self, entry: &Entry) -> PlaybookKind {
        let word = self.text(entry);
        let known = PlaybookKind::ALL.map(PlaybookKind::word);
        let kind = PlaybookKind::ALL.into_iter().find(|kind| kind.word() == word);
        if kind.is_none() && !word.is_empty() {
            let hint = did_you_mean(&word, known).or_else(|| Some(format!("the kinds are {}", known.join(", "))));
            let spot = self.source.spot(entry.value.bytes.clone());
            self.told(Diagnostic::new(codes::HEADER_VALUE, Some(spot), format!("there is no kind of playbooks `{word}`")).maybe(hint));
        }
        kind.unwrap_or_default()
    }

    pub(super) fn findings(&mut self, entry: &Entry) -> Vec<Declared> {
        let Some(entries) = entry.value.entries() else {
            self.takes(entry, "a map of findings, such as `site/rack: { severity: fail, meaning: \"…\" }`");
            return Vec::new();
        };
        entries.iter().filter_map(|entry| self.finding(entry)).collect()
    }

    fn finding(&mut self, of: &Entry) -> Option<Declared> {
        let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/".contains(c));
        if !of.key.strip_prefix("site/").is_some_and(plain) {
            let message = format!(
                "`{}` is no name of a finding of one's own: it begins with `site/` and has small letters, digits and - alone",
                of.key
            );
            self.say(codes::HEADER_VALUE, of.key_bytes.clone(), message);
            return None;
        }
        let Some(entries) = of.value.entries() else {
            self.takes(of, "a map such as { severity: fail, meaning: \"…\", next: \"…\" }");
            return None;
        };
        let whose = format!("the finding `{}`", of.key);
        let mut severity = None;
        let mut found = Declared { name: of.key.clone(), severity: Severity::Fail, meaning: String::new(), next: String::new() };
        for entry in entries {
            match entry.key.as_str() {
                "severity" => {
                    let word = self.text(entry);
                    severity = Severity::named(&word);
                    if severity.is_none() {
                        self.say(
                            codes::HEADER_VALUE,
                            entry.value.bytes.clone(),
                            format!("there is no severity `{word}`: it is info, warn or fail"),
                        );
                    }
                }
                "meaning" => found.meaning = self.text(entry),
                "next" => found.next = self.text(entry),
                _ => self.unknown_key(entry, &whose, &FINDING_KEYS),
            }
        }
        for key in ["severity", "meaning"] {
            if !entries.iter().any(|entry| entry.key == key) {
                self.say(codes::HEADER_LACKS, of.key_bytes.clone(), format!("{whose} lacks `{key}`"));
            }
        }
        found.severity = severity?;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::read_header::read;
    use crate::model::diagnostic::Source;

    const GOOD: &str =
        "//! ---\n//! name: a\n//! version: 1.0.0\n//! about: b\n//! params:\n//!   tries: { type: int, default: 8 }\n//! ---\n";

    fn header_of(text: &str) -> Result<crate::language::header::Header, Vec<Diagnostic>> {
        read(&Source { file: "a.rhai", text })
    }

    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let wrong = header_of(text).unwrap_err();
        let seen: Vec<(&str, &str)> = wrong
            .iter()
            .map(|one| (one.code.as_str(), &text[one.spot.as_ref().unwrap().span.start.byte..one.spot.as_ref().unwrap().span.end.byte]))
            .collect();
        assert_eq!(seen, expected.iter().map(|(code, marked, _)| (*code, *marked)).collect::<Vec<_>>(), "{wrong:?}");
        for (one, (_, _, said)) in wrong.iter().zip(expected) {
            assert!(one.to_string().contains(said), "{one}");
        }
    }

    #[test]
    fn a_kind_and_findings_of_ones_own_are_read() {
        let with = |lines: &str| GOOD.replace("//! params:", &format!("{lines}//! params:"));
        let header = header_of(&with("//! kind: check\n//! findings:\n//!   site/rack: { severity: warn, meaning: \"It is in another rack.\", next: \"Move it.\" }\n")).unwrap();
        assert_eq!((header.kind, header.findings.len()), (PlaybookKind::Check, 1));
        assert_eq!((header.findings[0].severity, header.findings[0].next.as_str()), (Severity::Warn, "Move it."));
        assert_eq!(header_of(GOOD).unwrap().kind, PlaybookKind::Diagnosis);
        check(&with("//! kind: reprot\n"), &[("E0105", "reprot", "did you mean `report`")]);
        let finding = |text: &str| with(&format!("//! findings: {{ {text} }}\n"));
        check(&finding("site/rack: { severity: bad, meaning: x }"), &[("E0105", "bad", "info, warn or fail")]);
        check(&finding("node/rack: { severity: fail, meaning: x }"), &[("E0105", "node/rack", "begins with `site/`")]);
        check(
            &finding("site/rack: { severity: fail, mening: x }"),
            &[("E0103", "mening", "did you mean `meaning`"), ("E0104", "site/rack", "lacks `meaning`")],
        );
    }
}
