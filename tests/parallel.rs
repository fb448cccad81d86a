//! `parallel`: that closures really ask at the same time, that what they tell stands in their order, and what they may not do.

#![expect(clippy::expect_used, reason = "what cannot be set up has failed its test")]

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use lbdiag::engine::{self, EndKind, RunEnd, RunOptions};
use lbdiag::evidence::Evidence;
use lbdiag::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use lbdiag::evidence::error::EvidenceError;
use lbdiag::evidence::recording::recorded;
use lbdiag::model::outcome::Verdict;
use serde_json::Value;

/// An API that answers lists only when so many of them are asked at the same time, or when that was given up.
struct Meeting {
    behind: Arc<dyn Cluster>,
    wanted: usize,
    asking: Mutex<Asking>,
    came: Condvar,
}

#[derive(Default)]
struct Asking {
    now: usize,
    most: usize,
}

impl Meeting {
    fn met(&self) {
        let mut asking = self.asking.lock().expect("a lock");
        asking.now += 1;
        asking.most = asking.most.max(asking.now);
        self.came.notify_all();
        // Nobody who asks one after the other is waited for for ever.
        let waiting = self.came.wait_timeout_while(asking, Duration::from_secs(20), |asking| asking.most < self.wanted).expect("a lock");
        let (mut asking, _) = waiting;
        asking.now -= 1;
    }
}

impl Cluster for Meeting {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        self.behind.get(query)
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        self.met();
        self.behind.list(query)
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.behind.read_log(query, line)
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.behind.read_metrics(query, line)
    }

    fn may(&self, query: &AccessQuery) -> Result<bool, EvidenceError> {
        self.behind.may(query)
    }
}

fn run_on(body: &str, through: impl FnOnce(Evidence) -> Evidence) -> RunEnd {
    let text = format!(
        "//! ---\n//! name: own\n//! version: 1\n//! about: A test.\n//! uses: [cluster.read, node.read, probe]\n//! ---\n{body}\n"
    );
    let playbook = engine::playbook::read("own.rhai", text).map_err(|broken| broken.to_string()).expect("a playbook");
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/healthy.world");
    let (evidence, manifest) = recorded::open(&world).expect("the world");
    let options = RunOptions { time_limit: Duration::from_secs(60), progress: Arc::new(|_| {}) };
    engine::run(&playbook, std::collections::BTreeMap::default(), &through(evidence), &manifest.site.site(), &options)
}

fn run(body: &str) -> RunEnd {
    run_on(body, |evidence| evidence)
}

fn told(end: &RunEnd) -> Vec<String> {
    end.outcome.steps.iter().flat_map(|step| step.facts.iter().map(|fact| format!("{}: {fact}", step.title))).collect()
}

#[test]
fn questions_of_closures_are_asked_at_the_same_time() {
    let body = "let given = parallel([|| list(\"namespaces\").len(), || nodes().len(), || list(\"pods\", #{ namespace: \"stacklight\" }).len()]);\nnote(`${given.map(|count| count > 0)}`);";
    for (wanted, reached) in [(3, 3), (1, 1)] {
        let mut meeting = None;
        let end = run_on(body, |evidence| {
            let shared =
                Arc::new(Meeting { behind: Arc::clone(&evidence.cluster), wanted, asking: Mutex::default(), came: Condvar::new() });
            meeting = Some(Arc::clone(&shared));
            Evidence { cluster: shared, ..evidence }
        });
        let most = meeting.expect("a meeting").asking.lock().expect("a lock").most;
        assert!(most >= reached, "{most} of {wanted} lists were asked at the same time");
        assert_eq!(told(&end), ["Notes: [true, true, true]"], "{:?}", end.outcome);
    }
}

#[test]
fn what_closures_tell_stands_in_their_order_whichever_is_faster() {
    let body = "step(\"Both\", || {\n    parallel([\n        || { for n in 0..20000 { } note(\"first\"); step(\"inner one\", || note(\"a\")); finding(\"site/a\", \"warn\", \"node/n1\", \"one\"); },\n        || { note(\"second\"); step(\"inner two\", || note(\"b\")); finding(\"site/b\", \"warn\", \"node/n2\", \"two\"); table(\"t\", [\"x\"], [[1]]); },\n    ]);\n});\nparallel([|| note(\"third\"), || note(\"fourth\")]);";
    let first = run(body);
    assert_eq!(told(&first), ["inner one: a", "inner two: b", "Both: first", "Both: second", "Notes: third", "Notes: fourth"]);
    let names: Vec<&str> = first.outcome.findings.iter().map(|finding| finding.name.as_str()).collect();
    assert_eq!((names, first.outcome.tables.len()), (vec!["site/a", "site/b"], 1));
    for _ in 0..5 {
        assert_eq!(told(&run(body)), told(&first));
    }
}

#[test]
fn what_could_not_be_looked_at_is_a_gap_and_the_others_go_on() {
    let end = run(
        "let given = parallel([|| { throw \"no\"; }, || 2, || { skip(\"not today\"); }]);\nnote(`${given}`);\nfinding(\"site/x\", \"info\", \"run\", \"done\");",
    );
    assert_eq!(told(&end), ["Notes: 1 of 3 failed: no", "Notes: 3 of 3 skipped: not today", "Notes: [(), 2, ()]"], "{:?}", end.outcome);
    assert_eq!(end.outcome.verdict, Verdict::Inconclusive);
    let gap = &end.outcome.gaps[0];
    assert_eq!((gap.subject.to_string().as_str(), gap.reason.as_str(), gap.decisive), ("step/parallel (1 of 3)", "no", true));
}

#[test]
fn each_closure_works_on_a_copy_of_what_is_around_it() {
    let end = run(
        "let seen = [1];\nlet of = #{ a: seen };\nlet given = parallel([|| { let mine = seen; mine.push(2); mine.len() + of.a.len() }, || seen.len()]);\nnote(`${given} ${seen} ${of}`);",
    );
    assert_eq!(told(&end), ["Notes: [3, 1] [1] #{\"a\": [1]}"], "{:?}", end.outcome);
}

#[test]
fn mistakes_end_the_run_at_their_place() {
    for (body, code, line, wanted) in [
        ("let a = [|| 1, || parse_json(\"[1]\").a.b];\nparallel(a);", "E030", 7, ""),
        ("let a = parse_json(\"[1]\");\nparallel(a);", "E0204", 8, "one of them is"),
        ("fn f() { parallel([|| 1, || 2]) }\nparallel([|| f()]);", "E0304", 7, "inside of another one"),
        ("let a = [];\nfor n in 0..65 { a.push(|| 1); }\nparallel(a);", "E0204", 9, "64 closures at most"),
    ] {
        let end = run(body);
        let EndKind::BrokenPlaybook(mistake) = &end.kind else { panic!("{body}: {:?}", end.kind) };
        let at = mistake.spot.as_ref().map(|spot| spot.span.start.line);
        assert!(mistake.code.starts_with(code) && at == Some(line) && mistake.message.contains(wanted), "{body}: {mistake:?}");
    }
}

#[test]
fn a_run_has_so_many_closures_and_no_more() {
    let end = run("let all = [];\nfor n in 0..50 { all.push(|| 1); }\nstep(\"Many\", || { for n in 0..300 { parallel(all); } });");
    assert!(end.outcome.gaps.iter().any(|gap| gap.reason.contains("10000 closures side by side at most")), "{:?}", end.outcome.gaps);
    let end = run("let a = []; a.pad(90000, 1);\nstep(\"Much\", || parallel([|| a.len(), || a.len(), || a.len()]));");
    assert!(end.outcome.gaps.iter().any(|gap| gap.reason.contains("more than 200000 values")), "{:?}", end.outcome.gaps);
}
