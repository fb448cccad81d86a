//! A run whose cluster never answers, or fails in a way that it should not.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lbdiag::engine::{self, EndKind, Progress, RunEnd, RunOptions};
use lbdiag::evidence::clock::{Clock, LiveClock};
use lbdiag::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use lbdiag::evidence::error::ErrorKind;
use lbdiag::evidence::interrupt::{Interrupt, Reason};
use lbdiag::evidence::recording::recorder::RecordingCluster;
use lbdiag::evidence::recording::tape::Tape;
use lbdiag::evidence::site::Site;
use lbdiag::evidence::{Evidence, EvidenceError};
use lbdiag::model::finding::Gap;
use lbdiag::model::outcome::Verdict;
use serde_json::Value;

use crate::nobody::Nobody;

/// What the cluster does when it is asked.
enum Asked {
    /// It computes for ever, and minds no interrupt; it comes back when the test lets it.
    Held(Mutex<Receiver<()>>),
    Panics,
}

struct Stuck {
    asked: Asked,
    back: Mutex<Sender<()>>,
}

impl Stuck {
    fn answer<A>(&self) -> Result<A, EvidenceError> {
        match &self.asked {
            Asked::Held(held) => {
                let _ = held.lock().unwrap().recv();
                let _ = self.back.lock().unwrap().send(());
                Err(EvidenceError::new(ErrorKind::NotFound, "ask", "it came back late"))
            }
            Asked::Panics => std::panic::panic_any("a length below zero"),
        }
    }
}

impl Cluster for Stuck {
    fn get(&self, _query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        self.answer()
    }

    fn list(&self, _query: &ListQuery) -> Result<List, EvidenceError> {
        self.answer()
    }

    fn read_log(&self, _query: &LogQuery, _line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.answer()
    }

    fn read_metrics(&self, _query: &MetricsQuery, _line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.answer()
    }

    fn may(&self, _query: &AccessQuery) -> Result<bool, EvidenceError> {
        self.answer()
    }
}

const SCRIPT: &str = "note(\"before\"); finding(\"site/a\", \"info\", \"node/n1\", \"found before\");\n\
    step(\"Ask what is there\", || { note(\"inside\"); service(\"a\", \"web\"); });";

/// A run that is interrupted for `reason` after a moment.
struct Tried {
    end: RunEnd,
    took: Duration,
    tape: Arc<Tape>,
    told: Arc<Mutex<Vec<String>>>,
    /// Lets the cluster come back.
    release: Sender<()>,
    back: Receiver<()>,
}

fn tried(script: &str, panics: bool, breaks: bool, reason: Option<Reason>) -> Tried {
    let header = "//! ---\n//! name: a\n//! version: 1.0.0\n//! about: b\n//! uses: [cluster.read]\n//! ---\n";
    let playbook = engine::playbook::read("a.rhai", format!("{header}{script}")).map_err(|broken| broken.to_string()).unwrap();
    let (release, held) = channel();
    let (gone, back) = channel();
    let asked = if panics { Asked::Panics } else { Asked::Held(Mutex::new(held)) };
    let tape = Arc::new(Tape::new(true));
    let clock: Arc<dyn Clock> = Arc::new(LiveClock::since(Instant::now()));
    let interrupt = Interrupt::default();
    let evidence = Evidence {
        cluster: Arc::new(RecordingCluster(Arc::new(Stuck { asked, back: Mutex::new(gone) }), Arc::clone(&tape))),
        hosts: Arc::new(Nobody { breaks }),
        captures: Arc::new(Nobody { breaks }),
        clocks: Arc::new(Nobody { breaks }),
        clock,
        tape: Arc::clone(&tape),
        interrupt: interrupt.clone(),
    };
    if let Some(reason) = reason {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            interrupt.set(reason);
        });
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let progress = Arc::new(move |event| {
        if let Progress::Step(title) = event {
            hears.lock().unwrap().push(title);
        }
    });
    let began = Instant::now();
    let end =
        engine::run(&playbook, BTreeMap::new(), &evidence, &Site::default(), &RunOptions { time_limit: Duration::from_secs(1), progress });
    Tried { end, took: began.elapsed(), tape, told, release, back }
}

fn gap(end: &RunEnd) -> &Gap {
    end.outcome.gaps.iter().find(|gap| gap.name == "evidence/time-ran-out").unwrap()
}

#[test]
fn a_word_that_never_comes_back_is_left_behind_and_told() {
    for (reason, kind) in [(Reason::TimeLimit, EndKind::TimedOut), (Reason::Signal, EndKind::Interrupted)] {
        let tried = tried(SCRIPT, false, false, Some(reason));
        assert_eq!(tried.end.kind, kind);
        assert!(tried.took < Duration::from_secs(10), "{:?}", tried.took);
        let outcome = &tried.end.outcome;
        assert_eq!((outcome.verdict, outcome.findings.len()), (Verdict::Inconclusive, 1), "what was found stays");
        let step = outcome.steps.iter().find(|step| step.title == "Ask what is there").unwrap();
        assert_eq!(step.facts, ["inside"], "the step that was under way keeps its facts");
        let reason = &gap(&tried.end).reason;
        assert!(reason.contains("`service` was at work in the step \"Ask what is there\""), "{reason}");
        assert_eq!(outcome.cleanup, "proven", "the sweep comes all the same");
        let unanswered = outcome.touched.iter().find(|touch| touch.what.contains("get service a/web")).unwrap();
        assert!(unanswered.result.contains("no answer"), "{unanswered:?}");
    }
}

#[test]
fn what_was_left_behind_changes_nothing_any_more() {
    let script = "try { service(\"a\", \"web\"); } catch { } step(\"Late\", || note(\"late\")); finding(\"site/b\", \"fail\", \"node/n1\", \"late\");";
    let tried = tried(script, false, false, Some(Reason::TimeLimit));
    let (touched, before) = (tried.tape.touched(), serde_json::to_value(&tried.end.outcome).unwrap());
    tried.release.send(()).unwrap();
    tried.back.recv_timeout(Duration::from_secs(10)).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(tried.tape.touched(), touched);
    assert_eq!(serde_json::to_value(&tried.end.outcome).unwrap(), before);
    assert_eq!(*tried.told.lock().unwrap(), Vec::<String>::new(), "a step that begins late is not told");
}

#[test]
fn a_panic_in_a_word_is_told_with_the_report_of_what_was_found() {
    let tried = tried(SCRIPT, true, false, None);
    let EndKind::CouldNotWork(message) = &tried.end.kind else { panic!("{:?}", tried.end.kind) };
    assert!(message.contains("`service`") && message.contains("a length below zero"), "{message}");
    let outcome = &tried.end.outcome;
    assert_eq!((outcome.findings.len(), outcome.verdict, outcome.cleanup.as_str()), (1, Verdict::Inconclusive, "proven"));
    assert!(outcome.steps.iter().any(|step| step.facts == ["inside"]), "{:?}", outcome.steps);
}

#[test]
fn a_panic_in_the_sweep_is_an_end_without_proof() {
    let tried = tried("finding(\"site/a\", \"info\", \"node/n1\", \"found\");", false, true, None);
    assert_eq!((tried.end.kind, tried.end.outcome.findings.len()), (EndKind::Judged, 1));
    assert!(tried.end.outcome.cleanup.contains("the broom broke"), "{}", tried.end.outcome.cleanup);
    assert!(tried.end.outcome.gaps.iter().any(|gap| gap.name == "evidence/cleanup-unproven"));
}
