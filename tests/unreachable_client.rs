//! Every recorded run once more as if nobody could log in at c2: of its tries only what the nodes and pods captured is known. The run
//! may say less then, and never something else.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::capture::{Captures, OpenCapture};
use lbdiag::evidence::error::EvidenceError;
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::capture::CaptureRequest;
use lbdiag::model::finding::{Finding, Severity};
use lbdiag::model::outcome::{Outcome, Verdict};
use lbdiag::model::subject::Subject;

const CLIENT: &str = "10.88.192.50";

/// The recorded runs captured without the part of the filter that is for such a client: its tries are in it all the same.
struct WithoutClient(Arc<dyn Captures>);

impl Captures for WithoutClient {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        let mut request = request.clone();
        if let Some((usual, own)) = request.filter.rsplit_once(" or (host ")
            && own.ends_with(&format!(" and host {CLIENT}) or (arp host {CLIENT})"))
        {
            request.filter = usual.to_owned();
        }
        self.0.open(&request)
    }
}

fn replay(recording: &Path, by_traffic: bool) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai");
    let playbook = engine::load(&path).map_err(|broken| broken.to_string()).expect("the playbook");
    let (mut evidence, manifest) = recorded::open(recording).expect("a recording that opens");
    let mut set = Vec::new();
    if by_traffic {
        set.extend([("from", "ssh:c1"), ("client", CLIENT)]);
        evidence.captures = Arc::new(WithoutClient(Arc::clone(&evidence.captures)));
    }
    let prepared = Prepared::replay(playbook, (evidence, manifest), &set).expect("parameters from the recording");
    prepared.replayed(Duration::from_secs(120)).expect("a replay").outcome
}

fn first(outcome: &Outcome) -> Option<&Finding> {
    outcome.findings.first().filter(|finding| finding.severity == Severity::Fail)
}

/// Whether a run asked from both of the lab's clients.
fn asks_from_both(outcome: &Outcome) -> bool {
    outcome.params.get("from").is_some_and(|from| from.to_string().contains("ssh:c1") && from.to_string().contains("ssh:c2"))
}

/// Faults between the client and the nodes of which no node sees anything: tries that come to none, a first packet whose repetition comes,
/// a reset that only the client gets. What came is judged, and the run says how many tries that is.
const SEEN_BY_THE_CLIENT_ALONE: [&str; 4] =
    ["router-drops-the-kernels-source-ports", "router-line-is-thin", "router-loses-what-offers-ecn", "router-resets-connections"];

/// What is wrong with a recording that is replayed without a login at c2; nothing for one that never asked from there.
fn compare(recording: &Path) -> Option<Result<(String, Verdict), String>> {
    let whole = replay(recording, false);
    if !asks_from_both(&whole) {
        return None;
    }
    let part = replay(recording, true);
    let name = recording.file_stem()?.to_string_lossy().into_owned();
    if SEEN_BY_THE_CLIENT_ALONE.contains(&name.as_str()) {
        return None;
    }
    let shown = |outcome: &Outcome| {
        let finding = first(outcome).map(|finding| format!("{} {:?}", finding.name, finding.culprits)).unwrap_or_default();
        format!("{} {finding} ({})", outcome.verdict.word(), outcome.summary)
    };
    let same = first(&part).is_none_or(|finding| {
        // A network between places is named after those that were asked from, and these are fewer.
        let network = |one: &Finding| one.culprits.first().is_some_and(|culprit| matches!(culprit, Subject::Network { .. }));
        let alike = |known: &Finding| known.culprits.first() == finding.culprits.first() || network(known) && network(finding);
        whole.findings.iter().any(|known| known.name == finding.name && alike(known))
    });
    let passes = matches!(part.verdict, Verdict::Pass | Verdict::Warn) && whole.verdict == Verdict::Fail;
    if !same || passes || part.ended.is_some() {
        return Some(Err(format!("{name}: {}\n  without a login: {}\n  {:#?}", shown(&whole), shown(&part), part.gaps)));
    }
    Some(Ok((name, part.verdict)))
}

#[test]
fn a_client_known_by_its_traffic_alone_is_told_less_of_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let files = std::fs::read_dir(folder).expect("recordings").map(|entry| entry.expect("an entry").path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "lbdiag")).collect();
    let compared: Vec<_> = side_by_side(&files, |path| compare(path)).into_iter().flatten().collect();
    let wrong: Vec<&String> = compared.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n"));
    let told: BTreeMap<&str, Verdict> =
        compared.iter().filter_map(|result| result.as_ref().ok()).map(|(name, verdict)| (name.as_str(), *verdict)).collect();
    assert!(told.len() >= 15, "{told:?}");
    // Its own tries tell the whole of these.
    assert_eq!(told.get("healthy"), Some(&Verdict::Pass), "{told:?}");
    assert_eq!(told.get("node-firewall-drops-only-routed-client-network"), Some(&Verdict::Fail), "{told:?}");
    // Of this one nothing came to a node.
    assert_eq!(told.get("client-no-route"), Some(&Verdict::Inconclusive), "{told:?}");
}
