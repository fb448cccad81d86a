//! A plan holds what a run does: every host that the recorded runs touched, with every script and every capture there.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, EndKind, Inputs, Playbook, Prepared, Progress, RunEnd, RunOptions};
use lbdiag::evidence::Evidence;
use lbdiag::evidence::interrupt::Interrupt;
use lbdiag::evidence::live::{LiveOptions, open_planned};
use lbdiag::evidence::recording::manifest::{Manifest, RecordedSite};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::site::Site;
use lbdiag::model::plan::{Argument, Intent};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn recordings() -> Vec<PathBuf> {
    let listed = std::fs::read_dir(root().join("tests/recordings")).expect("recordings");
    let mut all: Vec<PathBuf> = listed.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "lbdiag"));
    all.sort();
    all
}

fn run(playbook: &Playbook, manifest: &Manifest, evidence: &Evidence, progress: Arc<dyn Fn(Progress) + Send + Sync>) -> RunEnd {
    let inputs = Inputs { recorded: Some(manifest.params.clone()), ..Inputs::default() };
    let params = engine::resolve(&playbook.header, &inputs).expect("the recording's parameters");
    engine::run(playbook, params, evidence, &manifest.site.site(), &RunOptions { time_limit: Duration::from_secs(60), progress })
}

/// The script that an intent runs, and its own first arguments in one line, as the list of what was touched has them.
fn shown(intent: &Intent) -> String {
    let last = intent.argv.iter().rposition(|argument| matches!(argument, Argument::Script(_))).expect("a script");
    let Argument::Script(name) = &intent.argv[last] else { panic!("a script") };
    let rest: Vec<&str> = intent.argv[last + 2..]
        .iter()
        .map(|argument| match argument {
            Argument::Text(text) | Argument::Script(text) => text.as_str(),
        })
        .collect();
    match name.as_str() {
        // Which addresses its routing is asked about depends on what captures see; the filter says what is captured.
        "capture" => format!("capture {} '{}'", rest[3], rest[4]),
        "inspect" | "sweep" | "clock" => name.clone(),
        "state" if rest.get(3) == Some(&"forwarded") => format!("state {}", rest[..4].join(" ")),
        _ => std::iter::once(name.as_str()).chain(rest).collect::<Vec<_>>().join(" "),
    }
}

#[test]
fn whatever_recorded_runs_did_on_hosts_is_in_their_plan() {
    let playbook = engine::load(&root().join("playbooks/metallb-flow.rhai")).map_err(|broken| broken.to_string()).expect("the playbook");
    let mut compared = 0;
    for path in recordings() {
        let (evidence, manifest) = recorded::open(&path).expect("a recording");
        let real = run(&playbook, &manifest, &evidence, Arc::new(|_| {}));
        let (evidence, manifest) = recorded::open(&path).expect("a recording");
        let options = LiveOptions { site: manifest.site.site(), ..LiveOptions::default() };
        let (evidence, planned) = open_planned(&options, Some(evidence), Interrupt::default()).expect("a plan");
        let steps = planned.clone();
        let end = run(
            &playbook,
            &manifest,
            &evidence,
            Arc::new(move |event| {
                if let Progress::Step(title) = event {
                    steps.step(&title);
                }
            }),
        );
        assert!(matches!(end.kind, EndKind::Judged | EndKind::Listed(_)), "{}: {:?}", path.display(), end.kind);
        let intents: BTreeSet<(String, String)> = planned.intents().iter().map(|intent| (intent.host.clone(), shown(intent))).collect();
        for touch in real.outcome.touched.iter().filter(|touch| touch.kind != "api") {
            // An older lbdiag touched more hosts, and its recording still holds how they were swept.
            let only_swept = || real.outcome.touched.iter().filter(|other| other.host == touch.host).all(|other| other.what == "sweep");
            if touch.what == "sweep" && only_swept() {
                continue;
            }
            // A capture on one interface by name is planned without the name, which only the host knows.
            if touch.kind == "capture" && !touch.what.starts_with("capture any") {
                let planned =
                    intents.iter().any(|(host, what)| *host == touch.host && what.starts_with("capture INTERFACE-OF-THE-ADDRESS"));
                assert!(planned, "{}: {} on {} is in no plan", path.display(), touch.what, touch.host);
                continue;
            }
            // Which ports an asking has depends on the askings before it, and a plan goes on after other answers.
            let bare = |text: &str| text.split(" ports=").next().unwrap_or_default().replace('\'', "");
            let what = bare(&touch.what);
            let found = intents.iter().any(|(host, planned)| {
                let planned = bare(planned);
                let beginning: String = planned.chars().take(350).collect();
                // Who a client's router is the client alone knows.
                let router = planned.starts_with("arping ROUTER ") && what.starts_with("arping ");
                *host == touch.host && (router || what.starts_with(&beginning))
            });
            assert!(found, "{}: {} on {} is in no plan: {intents:#?}", path.display(), touch.what, touch.host);
            compared += 1;
        }
        let api: BTreeSet<&str> = end.outcome.touched.iter().filter(|touch| touch.kind == "api").map(|touch| touch.what.as_str()).collect();
        for touch in real.outcome.touched.iter().filter(|touch| touch.kind == "api") {
            assert!(api.contains(touch.what.as_str()), "{}: {} was not asked for the plan", path.display(), touch.what);
        }
        assert!(end.outcome.touched.iter().all(|touch| touch.kind == "api"), "{}", path.display());
    }
    assert!(compared > 300, "only {compared} touches were compared");
}

#[test]
fn a_plan_names_the_hooks_and_modules_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    let header = |name: &str| format!("//! ---\n//! name: {name}\n//! version: 2.1.0\n//! about: b\n//! uses: [cluster.read]\n//! ---\n");
    let (own, module, hook) = (
        format!("{}import \"a\" as a;\nstep(\"Count\", || note(`${{a::count()}}`));\n", header("own")),
        format!("{}fn count() {{ nodes().len() }}\n", header("a")),
        "note(\"counted\");\n",
    );
    for (name, text) in [("own.rhai", own.as_str()), ("a.rhai", &module), ("counted.hook", hook)] {
        write(name, text);
    }
    write(
        "site.yaml",
        "hooks: [{ playbook: own, after: Count, run: counted.hook }, { playbook: other, after: Count, run: counted.hook }]\n",
    );
    let site = Site::read(&folder.path().join("site.yaml")).expect("a site");
    let playbook = engine::load(&folder.path().join("own.rhai")).map_err(|broken| broken.to_string()).expect("a playbook");
    let (evidence, mut manifest) = recorded::open(&root().join("tests/recordings/healthy.lbdiag")).expect("the recording");
    manifest.params.clear();
    manifest.site = RecordedSite::of(&site);
    let mut prepared = Prepared::replay(playbook, (evidence, manifest), &[]).expect("parameters");
    let options = LiveOptions { site: prepared.site.clone(), ..LiveOptions::default() };
    let (evidence, planned) = open_planned(&options, prepared.replayed.take(), Interrupt::default()).expect("a plan");
    let (limit, progress) = (Duration::from_secs(60), Arc::new(|_| {}));
    let end = engine::rehearse(&prepared, &evidence, &planned, &RunOptions { time_limit: limit, progress });
    let plan = engine::plan(&prepared, &planned, &end, limit);
    let ran: Vec<(&str, bool, &str, String)> = plan
        .ran
        .iter()
        .map(|one| (one.kind.as_str(), folder.path().join(&one.path).is_file(), one.version.as_str(), one.sha256.clone()))
        .collect();
    let hash = lbdiag::language::playbook::sha256;
    let expected = [("playbook", true, "2.1.0", hash(&own)), ("module", true, "2.1.0", hash(&module)), ("hook", true, "", hash(hook))];
    assert_eq!(ran, expected);
    let told = serde_json::to_value(&plan).expect("JSON");
    assert_eq!((&told["ran"][2]["kind"], &told["ran"][2]["at"]), (&"hook".into(), &"after \"Count\"".into()));
}
