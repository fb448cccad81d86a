//! Reads `NAME.tests.yaml`, and tells every mistake of it at its place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::expected::Expected;
use crate::evidence::site::Site;
use crate::evidence::text_file;
use crate::model::diagnostic::{Diagnostic, Source, codes, did_you_mean};
use crate::model::document::{self, Content, Entry, Node};
use crate::model::outcome::Verdict;

/// How the name of a file of tests ends.
const ENDING: &str = ".tests.yaml";
const KEYS: [&str; 6] = ["name", "recording", "world", "params", "site", "expect"];
const EXPECTED: [&str; 8] = ["verdict", "finding", "culprit", "findings", "facts", "rows", "gaps", "exit"];

/// The tests of one playbook.
#[derive(Clone, Debug)]
pub struct TestFile {
    pub path: PathBuf,
    /// The playbook beside it.
    pub playbook: PathBuf,
    pub text: String,
    pub tests: Vec<Test>,
}

/// One test.
#[derive(Clone, Debug, Default)]
pub struct Test {
    pub name: String,
    pub line: usize,
    /// The recording or the world that is run on; without one, every question stays without an answer.
    pub recording: Option<PathBuf>,
    /// Whether that is a world, whose own parameters are nobody's.
    pub of_a_world: bool,
    pub params: BTreeMap<String, Value>,
    /// Where the files that it names are looked for: beside its own.
    pub folder: PathBuf,
    /// In place of the recording's own site.
    pub site: Option<Site>,
    pub expect: Expected,
    /// The bytes of the key `expect`.
    pub(super) expect_at: Range<usize>,
}

/// The files of tests that a path stands for: those of a folder and of the folders below, the file itself, or the one beside a playbook.
///
/// # Errors
/// When a folder cannot be read, or there is none.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_dir() {
        let found = super::super::folder::files(path, ENDING).map_err(|error| error.to_string())?;
        let none = || format!("there are no tests in {}: no file of it ends in {ENDING}", path.display());
        return if found.is_empty() { Err(none()) } else { Ok(found) };
    }
    let shown = path.display().to_string();
    if shown.ends_with(ENDING) {
        return Ok(vec![path.to_owned()]);
    }
    let beside = PathBuf::from(format!("{}{ENDING}", shown.strip_suffix(".rhai").unwrap_or(&shown)));
    if beside.is_file() {
        return Ok(vec![beside]);
    }
    let why =
        if path.exists() { format!("{shown} has no tests: there is no {}", beside.display()) } else { format!("there is no {shown}") };
    Err(format!("{why}; `lbdiag new test NAME` makes a file of tests"))
}

impl TestFile {
    /// Reads a file of tests.
    ///
    /// # Errors
    /// Every mistake of it.
    pub fn read(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let shown = path.display().to_string();
        let text = text_file::read(path)
            .map_err(|error| vec![Diagnostic::new(codes::UNREADABLE, None, format!("read the tests {shown}: {error}"))])?;
        Self::parse(path, text)
    }

    /// Reads the tests of a text.
    ///
    /// # Errors
    /// As `read`.
    pub fn parse(path: &Path, text: String) -> Result<Self, Vec<Diagnostic>> {
        let shown = path.display().to_string();
        let playbook = PathBuf::from(format!("{}.rhai", shown.strip_suffix(ENDING).unwrap_or(&shown)));
        let source = Source { file: &shown, text: &text };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut reader = Reader { source, folder, wrong: Vec::new() };
        let tests = match document::read(&text) {
            Ok(node) => reader.file(&node),
            Err(why) => {
                reader.say(codes::FILE_NOT_YAML, why.bytes, format!("the file is not YAML: {}", why.reason));
                Vec::new()
            }
        };
        if reader.wrong.is_empty() { Ok(Self { path: path.to_owned(), playbook, text, tests }) } else { Err(reader.wrong) }
    }
}

struct Reader<'a> {
    source: Source<'a>,
    folder: &'a Path,
    wrong: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn say(&mut self, code: &str, bytes: Range<usize>, message: impl Into<String>) {
        self.wrong.push(Diagnostic::new(code, Some(self.source.spot(bytes)), message));
    }

    fn takes(&mut self, key: &str, value: &Node, takes: &str) {
        self.say(codes::FILE_VALUE, value.bytes.clone(), format!("`{key}` takes {takes}, and this is {}", value.kind()));
    }

    /// The entries of a map; whatever else it is, is a mistake.
    fn map<'n>(&mut self, key: &str, value: &'n Node, takes: &str) -> &'n [Entry] {
        if value.entries().is_none() {
            self.takes(key, value, takes);
        }
        value.entries().unwrap_or_default()
    }

    fn list<'n>(&mut self, key: &str, value: &'n Node, takes: &str) -> &'n [Node] {
        let Content::List(parts) = &value.content else {
            self.takes(key, value, takes);
            return &[];
        };
        parts
    }

    fn unknown(&mut self, entry: &Entry, whose: &str, known: &[&str]) {
        let hint = did_you_mean(&entry.key, known.iter().copied()).unwrap_or_else(|| format!("the keys are {}", known.join(", ")));
        let spot = Some(self.source.spot(entry.key_bytes.clone()));
        self.wrong.push(Diagnostic::new(codes::FILE_KEY, spot, format!("{whose} has no key `{}`", entry.key)).hint(hint));
    }

    fn file(&mut self, node: &Node) -> Vec<Test> {
        let mut tests = Vec::new();
        let entries = self.map("a file of tests", node, "a map with the key `tests`");
        for entry in entries {
            match entry.key.as_str() {
                "tests" => {
                    for part in self.list("tests", &entry.value, "a list of tests") {
                        tests.push(self.test(part, tests.len() + 1));
                    }
                }
                _ => self.unknown(entry, "a file of tests", &["tests"]),
            }
        }
        if tests.is_empty() && self.wrong.is_empty() {
            self.say(codes::FILE_VALUE, node.bytes.clone(), "the file has no tests: `tests:` takes a list of at least one");
        }
        tests
    }

    fn test(&mut self, node: &Node, number: usize) -> Test {
        let line = self.source.spot(node.bytes.clone()).span.start.line;
        let mut test = Test { line, folder: self.folder.to_owned(), ..Test::default() };
        let mut named = None;
        let mut on: Option<&Entry> = None;
        let entries = self.map("tests", node, "maps with the key `expect`, and perhaps `name`, `recording`, `params`");
        for entry in entries {
            let key = entry.key.as_str();
            match key {
                "name" => named = self.text(key, &entry.value),
                "recording" | "world" => {
                    if let Some(other) = on {
                        let message = format!("a test runs on one thing: `{}` stands there already", other.key);
                        self.say(codes::FILE_VALUE, entry.key_bytes.clone(), message);
                    }
                    on = Some(entry);
                    test.of_a_world = key == "world";
                    test.recording = self.text(key, &entry.value).map(|name| self.folder.join(name));
                    self.is_there(entry, test.recording.as_deref());
                }
                "params" => {
                    let entries = self.map(key, &entry.value, "a map of parameters and their values");
                    test.params = entries.iter().map(|entry| (entry.key.clone(), entry.value.value())).collect();
                }
                "site" => test.site = self.site(entry),
                "expect" => {
                    test.expect_at = entry.key_bytes.clone();
                    test.expect = self.expect(entry);
                }
                _ => self.unknown(entry, "a test", &KEYS),
            }
        }
        if node.entries().is_some() && !entries.iter().any(|entry| entry.key == "expect") {
            self.say(
                codes::FILE_VALUE,
                node.bytes.clone(),
                "the test expects nothing: give it `expect`, such as `expect: { verdict: pass }`",
            );
        }
        let of_the_recording = test.recording.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        test.name = named.or(of_the_recording).unwrap_or_else(|| format!("test {number}"));
        test
    }

    fn is_there(&mut self, entry: &Entry, file: Option<&Path>) {
        if let Some(file) = file.filter(|file| !file.is_file()) {
            let message = format!("there is no {} {}: it is looked for beside the file of tests", entry.key, file.display());
            self.say(codes::FILE_VALUE, entry.value.bytes.clone(), message);
        }
    }

    /// A text; numbers and truths are taken as they are written.
    fn text(&mut self, key: &str, value: &Node) -> Option<String> {
        match &value.content {
            Content::Scalar(Value::String(text)) => Some(text.clone()),
            Content::Scalar(Value::Number(_) | Value::Bool(_)) => self.source.text.get(value.bytes.clone()).map(str::to_owned),
            _ => {
                self.takes(key, value, "a text");
                None
            }
        }
    }

    fn texts(&mut self, entry: &Entry, takes: &str) -> Vec<String> {
        let parts = self.list(&entry.key, &entry.value, takes);
        parts.iter().filter_map(|part| self.text(&entry.key, part)).collect()
    }

    fn site(&mut self, entry: &Entry) -> Option<Site> {
        if let Content::Map(_) = &entry.value.content {
            let read = serde_json::from_value(entry.value.value());
            return read.map_err(|error| self.say(codes::FILE_VALUE, entry.value.bytes.clone(), format!("the site: {error}"))).ok();
        }
        let file = self.folder.join(self.text("site", &entry.value)?);
        match Site::read(&file) {
            Ok(site) => Some(site),
            Err(mistakes) => {
                self.wrong.extend(mistakes.0);
                None
            }
        }
    }

    fn expect(&mut self, expect: &Entry) -> Expected {
        let mut expected = Expected::default();
        let entries = self.map("expect", &expect.value, "a map such as { verdict: pass }");
        for entry in entries {
            let (key, value) = (entry.key.as_str(), &entry.value);
            match key {
                "verdict" => expected.verdict = self.verdict(value),
                "finding" => expected.finding = self.text(key, value),
                "culprit" => expected.culprit = self.text(key, value),
                "findings" => expected.findings = Some(self.texts(entry, "the names of all findings, in their order; [] for none")),
                "facts" => expected.facts = self.texts(entry, "a list of texts"),
                "gaps" => expected.gaps = self.texts(entry, "the names of gaps"),
                "rows" => expected.rows = self.rows(entry),
                "exit" => match value.value().as_u64().and_then(|code| u8::try_from(code).ok()) {
                    Some(code) => expected.exit = Some(code),
                    None => self.takes(key, value, "an exit code, such as 0 or 3"),
                },
                _ => self.unknown(entry, "`expect`", &EXPECTED),
            }
        }
        if expect.value.entries().is_some_and(<[Entry]>::is_empty) {
            self.say(codes::FILE_VALUE, expect.key_bytes.clone(), "the test expects nothing: give it at least a `verdict`");
        }
        expected
    }

    fn verdict(&mut self, value: &Node) -> Option<String> {
        let known = [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Inconclusive].map(Verdict::word);
        let word = self.text("verdict", value)?;
        if known.contains(&word.as_str()) {
            return Some(word);
        }
        let hint = did_you_mean(&word, known).unwrap_or_else(|| format!("the verdicts are {}", known.join(", ")));
        let spot = Some(self.source.spot(value.bytes.clone()));
        self.wrong.push(Diagnostic::new(codes::FILE_VALUE, spot, format!("there is no verdict `{word}`")).hint(hint));
        None
    }

    fn rows(&mut self, entry: &Entry) -> Vec<BTreeMap<String, String>> {
        let mut rows = Vec::new();
        for part in self.list("rows", &entry.value, "a list of maps from columns to cells") {
            let cells = self.map("rows", part, "maps from columns to cells");
            rows.push(cells.iter().filter_map(|cell| Some((cell.key.clone(), self.text(&cell.key, &cell.value)?))).collect());
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let wrong = TestFile::parse(Path::new("a.tests.yaml"), text.to_owned()).unwrap_err();
        wrong.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_is_read_with_everything_in_it() {
        let text = "tests:\n- name: one\n  params: { tries: 3 }\n  site: { uses: [probe] }\n  expect:\n    verdict: fail\n    findings: []\n    exit: 3\n    rows: [{ of: 16, a: b }]\n- expect: { gaps: [evidence/tool-missing] }\n";
        let file = TestFile::parse(Path::new("x/a.tests.yaml"), text.to_owned()).unwrap();
        assert_eq!(file.playbook, Path::new("x/a.rhai"));
        let [one, two] = file.tests.as_slice() else { panic!("{:?}", file.tests) };
        assert_eq!((one.name.as_str(), one.line, two.name.as_str(), two.line), ("one", 2, "test 2", 10));
        assert_eq!((one.params["tries"].clone(), one.expect.exit), (3.into(), Some(3)));
        assert_eq!(one.expect.findings, Some(Vec::new()));
        assert_eq!(one.expect.rows[0]["of"], "16");
        assert_eq!(one.site.as_ref().and_then(|site| site.uses.clone()), Some(vec!["probe".to_owned()]));
        assert_eq!(&text[one.expect_at.clone()], "expect");
    }

    #[test]
    fn every_mistake_is_told_at_its_place_with_what_was_meant() {
        let told = mistakes("tests:\n- nmae: x\n  expect: { verdict: pas, findngs: [] }\n- recording: none.lbdiag\n");
        let all = told.join("\n");
        for wanted in
            ["a.tests.yaml:2:3: a test has no key `nmae`", "did you mean `name`?", "there is no verdict `pas`", "did you mean `pass`?"]
        {
            assert!(all.contains(wanted), "{wanted}: {all}");
        }
        for wanted in
            ["`expect` has no key `findngs`", "did you mean `findings`?", "there is no recording none.lbdiag", "the test expects nothing"]
        {
            assert!(all.contains(wanted), "{wanted}: {all}");
        }
        assert!(mistakes("tests: []\n")[0].contains("at least one"));
        assert!(mistakes("- a\n")[0].contains("a map with the key `tests`"));
        assert!(mistakes("tests: [\n")[0].contains("not YAML"));
        assert!(mistakes("tests:\n- expect: {}\n")[0].contains("expects nothing"));
        assert!(mistakes("tests:\n- site: { usr: x }\n  expect: { exit: 900 }\n").iter().any(|one| one.contains("usr")));
        assert!(
            mistakes("tests:\n- recording: a\n  world: b\n  expect: { exit: 0 }\n").iter().any(|one| one.contains("runs on one thing"))
        );
    }
}
