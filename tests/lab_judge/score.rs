//! The score: what was judged so far, as JSON for machines and a table for people.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::Expect;
use super::rule::Judgement;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    /// Counted from 1.
    pub repeat: u32,
    pub verdict: String,
    pub finding: String,
    pub culprit: String,
    pub findings: Vec<String>,
    /// Wall time of the run of lbdiag alone.
    pub seconds: f64,
    pub result: Judgement,
    pub expected: Expect,
    /// What else there is to say: why it was not injected, why the run cannot be taken at its word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A fault that this lab's settings do not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub name: String,
    pub why: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub right: usize,
    pub inconclusive: usize,
    pub wrong: usize,
    pub not_injected: usize,
    /// Runs of healthy situations that were right.
    pub healthy_pass: usize,
    pub healthy: usize,
}

/// `target/lab/score.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Score {
    pub faults: Vec<Entry>,
    #[serde(default)]
    pub skipped: Vec<Skipped>,
    #[serde(default)]
    pub totals: Totals,
    #[serde(skip)]
    file: PathBuf,
}

impl Score {
    /// A score that is kept in `file`; with `resume`, going on with what the file holds.
    pub fn open(file: &Path, resume: bool) -> Self {
        let kept = if resume { std::fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Self>(&text).ok()) } else { None };
        Self { file: file.to_owned(), ..kept.unwrap_or_default() }
    }

    pub fn find(&self, name: &str, repeat: u32) -> Option<&Entry> {
        self.faults.iter().find(|entry| entry.name == name && entry.repeat == repeat)
    }

    pub fn add(&mut self, entry: Entry) {
        self.faults.retain(|old| old.name != entry.name || old.repeat != entry.repeat);
        self.faults.push(entry);
    }

    pub fn skip(&mut self, name: &str, why: &str) {
        self.skipped.retain(|old| old.name != name);
        self.skipped.push(Skipped { name: name.to_owned(), why: why.to_owned() });
    }

    /// Writes the JSON and, beside it, the table.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&mut self) -> Result<(), String> {
        self.faults.sort_by(|a, b| (&a.name, a.repeat).cmp(&(&b.name, b.repeat)));
        self.totals = self.count();
        let text = serde_json::to_string_pretty(&self).map_err(|error| error.to_string())?;
        // Whole or not at all: an interrupted judgement goes on from this file.
        let fresh = self.file.with_extension("json.new");
        let write = |path: &Path, text: &str| std::fs::write(path, text).map_err(|error| format!("write {}: {error}", path.display()));
        write(&fresh, &format!("{text}\n"))?;
        std::fs::rename(&fresh, &self.file).map_err(|error| format!("write {}: {error}", self.file.display()))?;
        write(&self.file.with_extension("txt"), &self.table())
    }

    fn count(&self) -> Totals {
        let of = |result: Judgement| self.faults.iter().filter(|entry| entry.result == result).count();
        let healthy = || self.faults.iter().filter(|entry| entry.expected.is_healthy());
        Totals {
            right: of(Judgement::Right),
            inconclusive: of(Judgement::Inconclusive),
            wrong: of(Judgement::Wrong),
            not_injected: of(Judgement::NotInjected),
            healthy_pass: healthy().filter(|entry| entry.result == Judgement::Right).count(),
            healthy: healthy().count(),
        }
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut rows = vec![["fault", "run", "result", "said", "expected", "seconds"].map(str::to_owned)];
        for entry in &self.faults {
            let said = [entry.verdict.as_str(), &entry.finding, &entry.culprit, &entry.note].join(" ");
            let expected = [&entry.expected.verdict, &entry.expected.finding, &entry.expected.culprit].map(|list| list.join("|")).join(" ");
            rows.push([
                entry.name.clone(),
                entry.repeat.to_string(),
                entry.result.word().to_owned(),
                said.split_whitespace().collect::<Vec<_>>().join(" "),
                expected.trim().to_owned(),
                format!("{:.1}", entry.seconds),
            ]);
        }
        let widths: Vec<usize> = (0..6).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
        let mut table = String::new();
        for row in rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
            table.push_str(cells.join("  ").trim_end());
            table.push('\n');
        }
        for skipped in &self.skipped {
            // Writing to a string has no way to fail.
            let _ = writeln!(table, "{}: skipped, {}", skipped.name, skipped.why);
        }
        let totals = self.count();
        let _ = writeln!(
            table,
            "right {}, inconclusive {}, wrong {}, not injected {}; healthy {} of {}",
            totals.right, totals.inconclusive, totals.wrong, totals.not_injected, totals.healthy_pass, totals.healthy
        );
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, repeat: u32, result: Judgement, verdict: &str) -> Entry {
        let expected = Expect { verdict: vec![verdict.to_owned()], finding: vec![], culprit: vec![] };
        Entry {
            name: name.to_owned(),
            repeat,
            verdict: "fail".to_owned(),
            finding: "wire/mtu".to_owned(),
            culprit: "network/a..b".to_owned(),
            findings: vec!["wire/mtu".to_owned()],
            seconds: 1.25,
            result,
            expected,
            note: String::new(),
        }
    }

    #[test]
    fn a_score_is_counted_kept_and_resumed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("score.json");
        let mut score = Score::open(&file, false);
        score.add(entry("b", 1, Judgement::Wrong, "fail"));
        score.add(entry("b", 2, Judgement::Right, "fail"));
        score.add(entry("a", 1, Judgement::NotInjected, "pass"));
        score.add(entry("c", 1, Judgement::Right, "pass"));
        score.skip("d", "LAB_PROXY is iptables");
        score.save().unwrap();
        let again = Score::open(&file, true);
        assert_eq!(again.totals, Totals { right: 2, inconclusive: 0, wrong: 1, not_injected: 1, healthy_pass: 1, healthy: 2 });
        assert!(again.find("b", 2).is_some() && again.find("b", 3).is_none());
        assert!(Score::open(&file, false).find("b", 2).is_none(), "a fresh judgement starts from nothing");
        let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(json["faults"][0]["result"], "not injected");
        assert_eq!(json["totals"]["not_injected"], 1);
        let table = std::fs::read_to_string(directory.path().join("score.txt")).unwrap();
        assert!(
            table.contains("d: skipped, LAB_PROXY is iptables") && table.ends_with("wrong 1, not injected 1; healthy 1 of 2\n"),
            "{table}"
        );
    }

    #[test]
    fn a_second_judgement_of_one_run_replaces_the_first() {
        let mut score = Score::default();
        score.add(entry("a", 1, Judgement::Wrong, "fail"));
        score.add(entry("a", 1, Judgement::Right, "fail"));
        assert_eq!(score.faults.len(), 1);
        assert_eq!(score.count().wrong, 0);
    }
}
