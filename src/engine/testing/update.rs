//! Writes the expectations of failed tests anew (`--update`). Only `expect` blocks change, of those only the keys that did not hold, and
//! comments above keys stay.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::expected::{Expected, Gave, has_row};
use super::file::TestFile;

impl Expected {
    /// The same expectations as a run fulfils them. A fact or row that is not there any more is replaced by what is most like it.
    pub(super) fn renewed(&self, gave: &Gave) -> Self {
        let fact = |wanted: &String| {
            if gave.facts().any(|fact| fact.contains(wanted.as_str())) {
                Some(wanted.clone())
            } else {
                gave.nearest_fact(wanted).map(str::to_owned)
            }
        };
        let row = |wanted: &BTreeMap<String, String>| {
            if has_row(gave.outcome, wanted) { Some(wanted.clone()) } else { gave.nearest_row(wanted) }
        };
        let culprit = gave.culprit();
        let holds = |wanted: &&String| culprit.as_ref().is_some_and(|found| found.starts_with(wanted.as_str()));
        let renewed = Self {
            verdict: self.verdict.as_ref().map(|_| gave.outcome.verdict.word().to_owned()),
            finding: self.finding.as_ref().and(gave.finding().map(str::to_owned)),
            culprit: self.culprit.as_ref().and(self.culprit.as_ref().filter(holds).cloned().or_else(|| culprit.clone())),
            findings: self.findings.as_ref().map(|_| gave.findings()),
            facts: self.facts.iter().filter_map(fact).collect(),
            rows: self.rows.iter().filter_map(row).collect(),
            gaps: self.gaps.iter().filter(|name| gave.has_gap(name)).cloned().collect(),
            exit: self.exit.map(|_| gave.exit),
        };
        // A test that expects nothing is none.
        if renewed.is_empty() { Self { verdict: Some(gave.outcome.verdict.word().to_owned()), ..renewed } } else { renewed }
    }

    /// The keys with their values as they are written on one line.
    fn entries(&self) -> Vec<(&'static str, Written)> {
        let mut all = Vec::new();
        let mut one = |key, value: Option<String>| all.extend(value.map(|value| (key, Written::One(value))));
        one("verdict", self.verdict.as_deref().map(scalar));
        one("finding", self.finding.as_deref().map(scalar));
        one("culprit", self.culprit.as_deref().map(scalar));
        one("exit", self.exit.map(|code| code.to_string()));
        let mut many = |key, values: Vec<String>, there: bool| {
            if there {
                all.push((key, Written::Many(values)));
            }
        };
        let scalars = |texts: &[String]| texts.iter().map(|text| scalar(text)).collect::<Vec<_>>();
        many("findings", self.findings.as_deref().map(scalars).unwrap_or_default(), self.findings.is_some());
        many("facts", scalars(&self.facts), !self.facts.is_empty());
        many("rows", self.rows.iter().map(row).collect(), !self.rows.is_empty());
        many("gaps", scalars(&self.gaps), !self.gaps.is_empty());
        all
    }
}

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
enum Written {
    One(String),
    Many(Vec<String>),
}

impl Written {
    fn flow(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Many(texts) => format!("[{}]", texts.join(", ")),
        }
    }

    /// The lines of the key with its value, in a map that is written line by line.
    fn block(&self, key: &str, indent: &str) -> String {
        match self {
            Self::One(text) => format!("{indent}{key}: {text}\n"),
            Self::Many(texts) if texts.is_empty() => format!("{indent}{key}: []\n"),
            Self::Many(texts) => texts.iter().fold(format!("{indent}{key}:\n"), |mut lines, text| {
                // Writing to a string has no way to fail.
                let _ = writeln!(lines, "{indent}- {text}");
                lines
            }),
        }
    }
}

fn row(cells: &BTreeMap<String, String>) -> String {
    let cells: Vec<String> = cells.iter().map(|(column, cell)| format!("{}: {}", scalar(column), scalar(cell))).collect();
    format!("{{ {} }}", cells.join(", "))
}

/// A text as YAML, with quotes where it would be read as something else.
fn scalar(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_./-µ→".contains(letter);
    let begins = text.chars().next().is_some_and(char::is_alphabetic);
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if begins && text.chars().all(plain) && !words.contains(&text.to_lowercase().as_str()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

/// The text of a file of tests with other expectations, by the number of their test.
///
/// # Errors
/// When the file is written in a way that cannot be changed in place.
pub(super) fn updated(file: &TestFile, renewed: &[(usize, Expected)]) -> Result<String, String> {
    let mut text = file.text.clone();
    // From the end, so that the places before stay where they are.
    for (number, expected) in renewed.iter().rev() {
        let test = &file.tests[*number];
        let place = Place::of(&text, test.expect_at.start, test.expect_at.end).ok_or_else(|| unchanged(test.line))?;
        let written = if place.flow { flow(expected) } else { block(&text[place.from..place.to], &test.expect, expected) };
        text.replace_range(place.from..place.to, &written);
    }
    // What was written is read again: a file that says anything else than it should is not written.
    let read = TestFile::parse(&file.path, text.clone()).map_err(|_| unchanged(file.tests[renewed[0].0].line))?;
    for (number, expected) in renewed {
        if read.tests.get(*number).map(|test| &test.expect) != Some(expected) {
            return Err(unchanged(file.tests[*number].line));
        }
    }
    Ok(text)
}

fn unchanged(line: usize) -> String {
    format!("the expectation of the test at line {line} cannot be changed in place; write it by hand")
}

/// Where the value of an `expect` stands: from the brace to its end, or all lines below the key.
struct Place {
    from: usize,
    to: usize,
    flow: bool,
}

impl Place {
    fn of(text: &str, key: usize, key_end: usize) -> Option<Self> {
        let colon = key_end + text[key_end..].find(':')? + 1;
        let line_end = colon + text[colon..].find('\n').map_or(text.len() - colon, |at| at + 1);
        let behind = text[colon..line_end].trim_start();
        if behind.starts_with('{') {
            let from = colon + text[colon..].find('{')?;
            return Some(Self { from, to: from + braces(&text[from..])?, flow: true });
        }
        if !behind.trim().is_empty() && !behind.starts_with('#') {
            return None;
        }
        let line_start = text[..key].rfind('\n').map_or(0, |at| at + 1);
        let column = text[line_start..key].chars().count();
        let mut to = line_end;
        let mut at = line_end;
        for line in text[line_end..].split_inclusive('\n') {
            let indent = line.len() - line.trim_start().len();
            let says = !line.trim().is_empty() && !line.trim_start().starts_with('#');
            if says && indent <= column {
                break;
            }
            at += line.len();
            // Comments and blank lines at the end belong to what follows.
            if says {
                to = at;
            }
        }
        Some(Self { from: line_end, to, flow: false })
    }
}

/// The bytes up to the brace that closes the first one.
fn braces(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    let mut before = ' ';
    let mut comment = false;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (_, '\n') if comment => comment = false,
            _ if comment => {}
            (Some('"'), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') if before.is_whitespace() || "{[,:".contains(before) => quote = Some(letter),
            (None, '#') if before.is_whitespace() => comment = true,
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        before = letter;
    }
    None
}

fn flow(expected: &Expected) -> String {
    let entries: Vec<String> = expected.entries().iter().map(|(key, value)| format!("{key}: {}", value.flow())).collect();
    format!("{{ {} }}", entries.join(", "))
}

/// The lines of a block: those of keys that still hold as they are, the others anew beneath their comments.
fn block(lines: &str, old: &Expected, new: &Expected) -> String {
    let says = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let indent = lines.lines().find(says).map_or("    ", |line| &line[..line.len() - line.trim_start().len()]);
    let (before, mut after) = (old.entries(), new.entries());
    let mut text = String::new();
    let mut keeps = true;
    for line in lines.split_inclusive('\n') {
        let body = line.strip_prefix(indent).filter(|body| says(body) && !body.starts_with([' ', '-']));
        let Some(key) = body.and_then(|body| body.split(':').next()).map(str::trim) else {
            // A comment at the keys' own depth stands above the next one.
            let above = !says(&line) && line.starts_with(indent) && !line[indent.len()..].starts_with(' ');
            if keeps || above {
                text.push_str(line);
            }
            continue;
        };
        let was = before.iter().find(|(name, _)| *name == key);
        let is = after.iter().position(|(name, _)| *name == key).map(|at| after.remove(at));
        keeps = is.is_some() && is.as_ref() == was;
        if keeps {
            text.push_str(line);
        } else if let Some((name, value)) = is {
            text.push_str(&value.block(name, indent));
        }
    }
    for (name, value) in after {
        text.push_str(&value.block(name, indent));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn only_what_did_not_hold_is_written_anew() {
        let text = "# Of the lab.\ntests:\n- recording: Cargo.toml\n  expect:\n    # Why it fails.\n    verdict: fail # at once\n    # The facts.\n    facts:\n    - one\n    - \"two: 2\"\n    # The rows.\n    rows:\n    - { a: b }\n\n# The second.\n- expect: { verdict: pass, finding: a/b } # kept\n- expect: { exit: 0 }\n";
        let file = TestFile::parse(Path::new("./a.tests.yaml"), text.to_owned()).unwrap();
        let mut first = file.tests[0].expect.clone();
        first.verdict = Some("pass".to_owned());
        first.facts[1] = "three: 3".to_owned();
        let second = Expected { verdict: Some("fail".to_owned()), findings: Some(Vec::new()), ..Expected::default() };
        let written = updated(&file, &[(0, first), (1, second)]).unwrap();
        let expected = text
            .replace("verdict: fail # at once", "verdict: pass")
            .replace("two: 2", "three: 3")
            .replace("{ verdict: pass, finding: a/b } # kept", "{ verdict: fail, findings: [] } # kept");
        assert_eq!(written, expected);
    }

    #[test]
    fn texts_are_quoted_where_they_would_be_read_as_something_else() {
        for (text, expected) in
            [("node/n2", "node/n2"), ("true", "\"true\""), ("16", "\"16\""), ("a: b", "\"a: b\""), ("", "\"\""), ("n", "\"n\"")]
        {
            assert_eq!(scalar(text), expected);
            let read = crate::model::document::read(&format!("[{}]", scalar(text))).unwrap().value();
            assert_eq!(read[0], *text);
        }
    }

    #[test]
    fn braces_in_texts_and_comments_close_nothing() {
        for (text, closed) in [("{ a: '}', b: \"\\\"}\" } x", 20), ("{ a: { b: c } # }\n} y", 19), ("{ it's: 1 }", 11)] {
            assert_eq!(braces(text), Some(closed), "{text}");
        }
        assert_eq!(braces("{ a: 1"), None);
    }
}
