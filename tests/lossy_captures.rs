//! Every recorded run once more with captures that lost packets: it may say less, and never something else.
//!
//! Whoever concludes from absence without asking whether the capture saw everything, blames somebody here for what the
//! capture itself lost.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::capture::{Captures, News, OpenCapture};
use lbdiag::evidence::error::EvidenceError;
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::capture::{Capture, CaptureRequest};
use lbdiag::model::finding::Severity;
use lbdiag::model::outcome::{Outcome, Verdict};
use lbdiag::model::packet::Packet;

/// What a capture loses: every packet, every second one, or all but one in seven.
#[derive(Clone, Copy, Debug)]
enum Loss {
    All,
    EverySecond,
    AllButOneInSeven,
}

impl Loss {
    fn keeps(self, number: usize) -> bool {
        match self {
            Self::All => false,
            Self::EverySecond => number.is_multiple_of(2),
            Self::AllButOneInSeven => number.is_multiple_of(7),
        }
    }
}

struct LossyCaptures(Arc<dyn Captures>, Loss);

impl Captures for LossyCaptures {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        self.0.open(request).map(|inner| -> Box<dyn OpenCapture> { Box::new(LossyCapture(inner, self.1)) })
    }
}

struct LossyCapture(Box<dyn OpenCapture>, Loss);

impl OpenCapture for LossyCapture {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        self.0.wait_listening()
    }

    fn news(&mut self) -> News {
        self.0.news()
    }

    fn stop(self: Box<Self>) -> Result<Capture, EvidenceError> {
        let mut capture = self.0.stop()?;
        let before = capture.packets.len() as u64;
        let mut number = 0;
        let kept = |_: &&Packet| {
            number += 1;
            self.1.keeps(number)
        };
        capture.packets = capture.packets.iter().filter(kept).cloned().collect();
        let left = capture.packets.len() as u64;
        capture.counters.captured = Some(left);
        capture.counters.arrived = left;
        // Where nothing had passed, something may have been lost all the same.
        capture.counters.received_by_filter = Some(before + 1);
        capture.counters.dropped_by_kernel = Some(before + 1 - left);
        Ok(capture)
    }
}

fn replay(recording: &Path, loss: Option<Loss>) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai");
    let playbook = engine::load(&path).map_err(|broken| broken.to_string()).expect("the playbook");
    let (mut evidence, manifest) = recorded::open(recording).expect("a recording that opens");
    if let Some(loss) = loss {
        evidence.captures = Arc::new(LossyCaptures(Arc::clone(&evidence.captures), loss));
    }
    let prepared = Prepared::replay(playbook, (evidence, manifest), &[]).expect("parameters from the recording");
    prepared.replayed(Duration::from_secs(120)).expect("a replay").outcome
}

fn failures(outcome: &Outcome) -> BTreeSet<String> {
    outcome.findings.iter().filter(|finding| finding.severity == Severity::Fail).map(|finding| finding.name.clone()).collect()
}

fn check(recording: &Path) -> Vec<String> {
    let name = recording.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let whole = replay(recording, None);
    let mut wrong = Vec::new();
    for loss in [Loss::All, Loss::EverySecond, Loss::AllButOneInSeven] {
        let lossy = replay(recording, Some(loss));
        let new: Vec<String> = failures(&lossy).difference(&failures(&whole)).cloned().collect();
        if !new.is_empty() {
            wrong.push(format!("{name}, {loss:?}: blames {}, which the whole captures do not: {}", new.join(", "), lossy.summary));
        }
        if lossy.verdict == Verdict::Fail && whole.verdict != Verdict::Fail {
            wrong.push(format!("{name}, {loss:?}: fails where the whole captures say {}", whole.verdict.word()));
        }
        if !whole.captures.is_empty() && !lossy.gaps.iter().any(|gap| gap.name == "evidence/capture-lost-packets") {
            wrong.push(format!("{name}, {loss:?}: no gap says that packets were lost"));
        }
        // Absence alone proves these. (That a client has no route is its own kernel's word.)
        for finding in &lossy.findings {
            let by_absence = ["wire/request-lost", "wire/reply-lost", "wire/no-answer", "overlay/lost-between"];
            if finding.severity == Severity::Fail && by_absence.contains(&finding.name.as_str()) {
                wrong.push(format!("{name}, {loss:?}: says {} from captures that lost packets: {}", finding.name, finding.summary));
            }
        }
    }
    wrong
}

#[test]
fn captures_that_lost_packets_say_less_and_never_something_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut recordings: Vec<_> = std::fs::read_dir(folder).expect("recordings").map(|entry| entry.expect("an entry").path()).collect();
    recordings.retain(|path| path.extension().is_some_and(|extension| extension == "lbdiag"));
    assert!(recordings.len() > 10, "only {} recordings", recordings.len());
    let wrong: Vec<String> = side_by_side(&recordings, |recording| check(recording)).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
