//! One fault from the healthy state to the healthy state: inject, settle, ask, compare, heal, look for leftovers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt;

use super::cluster::Cluster;
use super::fault::{Expect, Fault, Named, words};
use super::process;
use super::rule::{Judgement, Said, judge};
use super::score::{Entry, Score};
use super::shell::{LINE_LIMIT, Shell};

/// lbdiag ends by itself after two minutes; this is for one that does not.
const RUN_LIMIT: Duration = Duration::from_secs(150);

/// What the trials of one judgement share.
pub struct Bench {
    pub cluster: Cluster,
    pub score: Score,
    /// `target/lab`.
    pub directory: PathBuf,
    /// The binary that is judged.
    pub lbdiag: PathBuf,
    /// How often each fault is judged.
    pub rounds: u32,
    pub resume: bool,
    /// Whether this judgement raised the lab, and so has to remove it.
    pub raised: bool,
    /// Whether the lab was seen up by this judgement.
    pub ready: bool,
}

/// How a trial ended.
pub enum Ended {
    Good,
    Skipped(String),
    Bad(String),
}

impl Bench {
    /// Judges one fault in one round; where there is a single round, a wrong is run once more.
    pub fn try_fault(&mut self, named: &Named, round: u32) -> Ended {
        let fault = match &named.fault {
            Ok(fault) => fault,
            Err(error) => return Ended::Bad(error.clone()),
        };
        match self.judge_fault(named, fault, round) {
            Ok(ended) => ended,
            Err(error) => Ended::Bad(error),
        }
    }

    fn judge_fault(&mut self, named: &Named, fault: &Fault, round: u32) -> Result<Ended, String> {
        self.make_ready()?;
        if let Some(why) = unfit(fault, &self.cluster.settings()) {
            self.score.skip(&named.name, &why);
            self.score.save()?;
            return Ok(Ended::Skipped(why));
        }
        let mut runs: Vec<Entry> = Vec::new();
        let mut trouble: Vec<String> = Vec::new();
        let mut repeat = round;
        while repeat == round || (self.rounds == 1 && repeat == 2 && runs[0].result == Judgement::Wrong) {
            let known = if self.resume { self.score.find(&named.name, repeat).cloned() } else { None };
            let entry = if let Some(entry) = known {
                entry
            } else {
                let entry = self.run_once(named, fault, repeat, &mut trouble)?;
                self.score.add(entry.clone());
                self.score.save()?;
                entry
            };
            runs.push(entry);
            repeat += 1;
        }
        trouble.extend(complaint(&runs));
        Ok(if trouble.is_empty() { Ended::Good } else { Ended::Bad(trouble.join("\n")) })
    }

    /// Raises the lab when it is not up, once.
    fn make_ready(&mut self) -> Result<(), String> {
        if self.ready {
            return Ok(());
        }
        if !self.cluster.is_up() {
            self.raised = true;
            self.cluster.up()?;
        }
        self.ready = true;
        Ok(())
    }

    fn make_healthy(&self) -> Result<(), String> {
        if self.mark().exists() {
            // An earlier judgement ended in the middle of a fault; its shell healed, or did not.
            self.fresh_lab("the last judgement ended in the middle of a fault")?;
        } else if let Err(why) = self.cluster.wait_healthy() {
            self.fresh_lab(&why)?;
        }
        self.cluster.wait_healthy().map_err(|why| format!("the lab is not healthy, even raised afresh: {why}"))
    }

    fn fresh_lab(&self, why: &str) -> Result<(), String> {
        println!("raising a fresh lab: {why}");
        self.cluster.renew()?;
        // A mark that is not there needs no removing.
        let _ = std::fs::remove_file(self.mark());
        Ok(())
    }

    /// Is there while a fault is injected.
    fn mark(&self) -> PathBuf {
        // Labs of different names may be judged side by side.
        self.directory.join(format!("injected-{}", std::env::var("LAB").unwrap_or_else(|_| "lab".to_owned())))
    }

    fn run_once(&self, named: &Named, fault: &Fault, repeat: u32, trouble: &mut Vec<String>) -> Result<Entry, String> {
        let directory = self.directory.join("runs").join(format!("{}.{repeat}", named.name));
        fresh_directory(&directory)?;
        self.make_healthy()?;
        let mut shell = Shell::start(&named.directory, &self.cluster.tools(), &directory.join("inject.log"))?;
        let expected = expanded(&mut shell, &fault.expect)?;
        let write = |path: &Path, text: &str| std::fs::write(path, text).map_err(|error| format!("write {}: {error}", path.display()));
        write(&self.mark(), &named.name)?;
        shell.promise(&fault.heal);
        let failed = fault.inject.iter().find_map(|line| {
            let came = shell.run(line, LINE_LIMIT);
            (!came.good()).then(|| format!("{came:?} in: {line}"))
        });
        let (said, seconds) = if failed.is_none() {
            std::thread::sleep(fault.settle);
            let asked = self.ask(fault, &directory);
            match self.cluster.leftovers() {
                Ok(left) if left.is_empty() => {}
                Ok(left) => trouble.push(format!("left behind by run {repeat}:\n  {}", left.join("\n  "))),
                Err(error) => trouble.push(format!("could not look for leftovers of run {repeat}: {error}")),
            }
            asked
        } else {
            (Said::default(), 0.0)
        };
        let healed = shell.heal(&fault.heal);
        drop(shell);
        // What a line that failed left behind need not show in the health of the lab, and would be taken for part of the next fault.
        if !healed {
            self.fresh_lab(&format!("a heal line of {} failed: see {}", named.name, directory.join("inject.log").display()))?;
        } else if let Err(why) = self.cluster.wait_healthy() {
            self.fresh_lab(&format!("healing {} did not help: {why}", named.name))?;
        }
        let _ = std::fs::remove_file(self.mark());
        let result = if failed.is_some() { Judgement::NotInjected } else { judge(&said, &expected) };
        Ok(Entry {
            name: named.name.clone(),
            repeat,
            finding: said.findings.first().cloned().unwrap_or_default(),
            verdict: said.verdict,
            culprit: said.culprit,
            findings: said.findings,
            seconds,
            result,
            expected,
            note: failed.or(said.broken).unwrap_or_default(),
        })
    }

    /// Runs lbdiag as a user would, and reads what it said.
    fn ask(&self, fault: &Fault, directory: &Path) -> (Said, f64) {
        let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
        let mut command = self.cluster.command(&["lbdiag", "run", "playbooks/metallb-flow.rhai"]);
        for setting in fault.settings() {
            command.args(["--set", &setting]);
        }
        command
            .args(["--report", &format!("json={}", file("report.json")), "--report", &format!("text={}", file("report.txt"))])
            .args(["--record", &file("run.lbdiag")])
            .env("LBDIAG", &self.lbdiag);
        let began = Instant::now();
        let status = run_into(&mut command, directory);
        let seconds = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        let said = match status {
            Err(error) => Said { broken: Some(error), ..Said::default() },
            Ok(status) => {
                let report = std::fs::read_to_string(directory.join("report.json"));
                let missing = format!("no report; exit status {status:?}, see {}", file("stderr.txt"));
                Said::read(status, report.as_deref().map_err(|_| missing))
            }
        };
        (said, seconds)
    }
}

fn run_into(command: &mut Command, directory: &Path) -> Result<Option<i32>, String> {
    let create = |name: &str| std::fs::File::create(directory.join(name)).map_err(|error| format!("create {name}: {error}"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(create("stdout.txt")?)
        .stderr(create("stderr.txt")?)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("start lbdiag in the lab: {error}"))?;
    Ok(process::wait(&mut child, RUN_LIMIT))
}

fn fresh_directory(directory: &Path) -> Result<(), String> {
    // What an earlier judgement left there would be taken for this one's.
    let _ = std::fs::remove_dir_all(directory);
    std::fs::create_dir_all(directory).map_err(|error| format!("create {}: {error}", directory.display()))
}

fn expanded(shell: &mut Shell, expect: &Expect) -> Result<Expect, String> {
    Ok(Expect { verdict: shell.expand(&expect.verdict)?, finding: shell.expand(&expect.finding)?, culprit: shell.expand(&expect.culprit)? })
}

/// Which setting of the lab does not fit a fault.
pub fn unfit(fault: &Fault, settings: &std::collections::BTreeMap<String, String>) -> Option<String> {
    fault.lab.iter().find_map(|(name, wanted)| {
        let wanted = words(wanted);
        let is = settings.get(name).map_or("unset", String::as_str);
        (is != wanted).then(|| format!("it wants {name}={wanted} and the lab has {is}"))
    })
}

/// What is wrong with the runs of one fault, so that its test fails. A single wrong among others that are not is shown, and does not
/// fail; inconclusive counts in the score, and fails only where nothing is wrong with the cluster.
fn complaint(runs: &[Entry]) -> Option<String> {
    let wrongs = runs.iter().filter(|run| run.result == Judgement::Wrong).count();
    let bad = runs.iter().any(|run| match run.result {
        Judgement::Right => false,
        Judgement::NotInjected => true,
        Judgement::Wrong => wrongs > 1,
        Judgement::Inconclusive => run.expected.is_healthy(),
    });
    let lines: Vec<String> = runs.iter().map(describe).collect();
    if bad {
        return Some(lines.join("\n"));
    }
    if wrongs > 0 {
        println!("{}", lines.join("\n"));
    }
    None
}

fn describe(run: &Entry) -> String {
    let expected = [&run.expected.verdict, &run.expected.finding, &run.expected.culprit].map(|list| list.join("|")).join(" ");
    format!(
        "run {} of {}: {}: said {} {} {} {}, expected {} ({} s)",
        run.repeat,
        run.name,
        run.result.word(),
        run.verdict,
        run.findings.join(","),
        run.culprit,
        run.note,
        expected.trim(),
        run.seconds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(result: Judgement, verdict: &str) -> Entry {
        Entry {
            name: "a".to_owned(),
            repeat: 1,
            verdict: String::new(),
            finding: String::new(),
            culprit: String::new(),
            findings: vec![],
            seconds: 1.0,
            result,
            expected: Expect { verdict: vec![verdict.to_owned()], finding: vec![], culprit: vec![] },
            note: String::new(),
        }
    }

    #[test]
    fn only_a_repeated_wrong_fails() {
        use Judgement::{Inconclusive, NotInjected, Right, Wrong};
        assert!(complaint(&[run(Right, "fail")]).is_none());
        assert!(complaint(&[run(Wrong, "fail"), run(Right, "fail")]).is_none());
        assert!(complaint(&[run(Wrong, "fail"), run(Wrong, "fail")]).is_some_and(|text| text.matches("wrong").count() == 2));
        assert!(complaint(&[run(NotInjected, "fail")]).is_some());
        assert!(complaint(&[run(Inconclusive, "fail")]).is_none());
        assert!(complaint(&[run(Inconclusive, "pass")]).is_some());
    }

    #[test]
    fn a_fault_is_skipped_in_a_lab_that_does_not_fit() {
        let fault = Fault::parse("title: t\ncause: c\nexpect: { verdict: fail }\nlab: { LAB_PROXY: iptables, LAB_NODES: 5 }\n").unwrap();
        let settings =
            |nodes: &str| [("LAB_PROXY", "iptables"), ("LAB_NODES", nodes)].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert!(unfit(&fault, &settings("5")).is_none());
        assert!(unfit(&fault, &settings("4")).is_some_and(|why| why.contains("LAB_NODES=5") && why.contains('4')));
    }
}
