//! Playbooks of a team's own, run on recordings: what their words give, what counts as checked, and what a run says in the end.

#![expect(clippy::expect_used, reason = "what cannot be set up has failed its test")]

use std::path::Path;
use std::time::Duration;

use lbdiag::engine::{self, Prepared, RunEnd};
use lbdiag::evidence::recording::manifest::RecordedSite;
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::site::Site;
use lbdiag::evidence::site_additions::Accepted;
use lbdiag::language::playbook::Playbook;
use lbdiag::model::finding::Severity;
use lbdiag::model::outcome::{Outcome, StepState, Verdict};

/// Runs the lines of a playbook on a recording; `header` are further lines of its header.
fn end(recording: &str, header: &str, body: &str) -> RunEnd {
    let lines = header.lines().fold(String::new(), |all, line| all + "//! " + line + "\n");
    let text = format!(
        "//! ---\n//! name: own\n//! version: 1\n//! about: A test.\n//! uses: [cluster.read, node.read, probe]\n{lines}//! ---\n{body}\n"
    );
    let playbook = engine::playbook::read("own.rhai", text).map_err(|broken| broken.to_string()).expect("a playbook");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recordings/{recording}.lbdiag"));
    let (evidence, mut manifest) = recorded::open(&file).expect("the recording");
    manifest.params.clear();
    let prepared = Prepared::replay(playbook, (evidence, manifest), &[]).expect("parameters");
    prepared.replayed(Duration::from_secs(60)).expect("a replay")
}

fn run(header: &str, body: &str) -> Outcome {
    end("healthy", header, body).outcome
}

/// What stands in the steps, each line behind its step's title.
fn told(outcome: &Outcome) -> Vec<String> {
    outcome.steps.iter().flat_map(|step| step.facts.iter().map(|fact| format!("{}: {fact}", step.title))).collect()
}

#[test]
fn secrets_are_refused_as_a_mistake_before_anything_is_asked() {
    for body in [
        "step(\"a\", || list([\"v1/secrets\", 1][0]));",
        "step(\"a\", || get([\"v1/configmaps\", 1][0], \"kube-system\", \"x\"));",
        "step(\"a\", || list(\"deployments\", #{ fields: [\"spec.template.spec.password\"] }));",
    ] {
        let outcome = run("", body);
        assert!(outcome.diagnostics.iter().any(|one| one.code == "E0204"), "{body}: {outcome:?}");
        assert!(outcome.touched.iter().all(|touch| touch.kind != "api"), "{body}: {:?}", outcome.touched);
    }
}

#[test]
fn an_object_gives_nothing_for_what_it_lacks() {
    let outcome = run(
        "",
        "step(\"a\", || { let svc = get(\"services\", \"stacklight\", \"iam-proxy-alertmanager\"); note(`${svc.spec.nothing == ()} ${\"spec\" in svc} ${svc.metadata.keys().contains(\"name\")}`); note(`${get(\"services\", \"stacklight\", \"iam-proxy-alertmanager\").status.loadBalancer.ingress[0].ip}`); });",
    );
    assert_eq!(told(&outcome), ["a: true true true", "a: 10.88.64.100"], "{outcome:?}");
}

#[test]
fn what_was_not_recorded_is_a_gap_that_forbids_a_pass() {
    let outcome = run("", "step(\"a\", || { nodes(); pods(\"elsewhere\") });\nfinding(\"site/x\", \"info\", \"run\", \"looked\");");
    assert_eq!(outcome.verdict, Verdict::Inconclusive, "{outcome:?}");
    assert!(outcome.gaps.iter().any(|gap| gap.decisive && gap.subject.to_string() == "namespace/elsewhere"), "{:?}", outcome.gaps);
}

#[test]
fn an_expectation_is_a_finding_when_it_does_not_hold_and_a_line_when_it_does() {
    let holds = run("", "step(\"a\", || expect(nodes().len() == 4, \"site/nodes\", \"there are four nodes\", #{ seen: nodes().len() }));");
    assert_eq!((told(&holds), holds.verdict), (vec!["a: holds: there are four nodes (seen: 4)".to_owned()], Verdict::Pass), "{holds:?}");

    let not = run(
        "",
        "step(\"a\", || expect(nodes().len() == 5, \"site/nodes\", \"there are five nodes\", #{ seen: nodes().len(), culprit: \"api/nodes\" }));",
    );
    assert_eq!(not.verdict, Verdict::Fail);
    assert_eq!(not.findings[0].summary, "does not hold: there are five nodes (seen: 4)");
    assert_eq!(not.findings[0].culprits[0].to_string(), "api/nodes");

    let unseen = run("", "step(\"a\", || expect((), \"site/nodes\", \"there are five nodes\"));");
    assert_eq!((unseen.verdict, unseen.findings.len()), (Verdict::Inconclusive, 0));
    assert!(unseen.gaps[0].undecided.contains("there are five nodes"), "{:?}", unseen.gaps);
}

#[test]
fn what_was_told_before_the_last_look_is_forgotten() {
    let body = "let looks = 0;\nlet came = eventually(#{ every: \"5s\", within: \"20s\" }, || { looks += 1; note(`look ${looks}`); if looks < 3 { finding(\"site/late\", \"fail\", \"run\", \"not yet\"); return false; } expect(true, \"site/late\", \"it came\") });\nnote(`${came} after ${looks}`);";
    let outcome = run("", body);
    assert_eq!(told(&outcome), ["Notes: look 3", "Notes: holds: it came", "Notes: true after 3"], "{outcome:?}");
    assert_eq!(outcome.verdict, Verdict::Pass, "{outcome:?}");

    let never = run(
        "",
        "let looks = 0;\neventually(#{ every: 5, within: 20 }, || { looks += 1; expect(false, \"site/late\", \"it comes\") });\nnote(`${looks}`);",
    );
    assert_eq!((told(&never), never.findings.len(), never.verdict), (vec!["Notes: 5".to_owned()], 1, Verdict::Fail), "{never:?}");
}

#[test]
fn a_retry_ends_with_the_last_error_and_never_repeats_a_mistake() {
    let outcome = run("", "step(\"a\", || retry(#{ times: 3, every: 0 }, || { throw \"no\" }));\nstep(\"b\", || note(\"on\"));");
    assert_eq!(told(&outcome), ["a: failed: no", "b: on"]);
    let mistake = run(
        "",
        "let n = 0;\nlet wrong = #{};\nwrong[\"la\" + \"bles\"] = \"a\";\nstep(\"a\", || retry(#{ times: 3 }, || { n += 1; note(`${n}`); nodes(wrong) }));",
    );
    assert_eq!(told(&mistake), ["a: 1"], "{mistake:?}");
    assert!(mistake.diagnostics[0].message.contains("no option `lables`"), "{:?}", mistake.diagnostics);
}

#[test]
fn a_skipped_step_says_why_and_the_rest_goes_on() {
    let outcome = run("", "let x = step(\"BGP\", || { skip(\"nothing is announced over BGP\"); note(\"never\"); });\nnote(`${x == ()}`);");
    assert_eq!(told(&outcome), ["BGP: skipped: nothing is announced over BGP", "Notes: true"]);
    assert_eq!(outcome.steps[0].state, StepState::Skipped);

    let whole = end("healthy", "", "note(\"before\");\nskip(\"no cluster of ours\");\nnote(\"never\");");
    assert_eq!(told(&whole.outcome), ["Notes: before", "Notes: skipped: no cluster of ours"], "{:?}", whole.outcome);
    assert_eq!(whole.outcome.verdict, Verdict::Inconclusive);
    assert!(whole.outcome.diagnostics.is_empty(), "{:?}", whole.outcome.diagnostics);
}

#[test]
fn notes_between_steps_stand_in_their_order() {
    let outcome = run("", "note(\"first\");\nprint(\"second\");\nstep(\"a\", || note(\"third\"));\nprint(\"fourth\");");
    assert_eq!(told(&outcome), ["Notes: first", "Notes: second", "a: third", "Notes: fourth"]);
}

#[test]
fn an_election_without_a_node_is_another_one() {
    let body = "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nstep(\"a\", || { note(`${elect(svc).candidates}`); note(`${elect(svc, #{ without: [\"n2\", \"n3\"] }).node}`); note(`${elect(svc, #{ drained: \"n2\" }).node}`); note(`${elect(svc, #{ without: \"n0,n1,n2,n3\" }).node == ()}`); elect(svc, #{ without: \"n9\" }) });";
    let outcome = run("", body);
    let told = told(&outcome);
    assert_eq!(told[2], "a: n2", "a drained node keeps its speaker: {told:?}");
    assert_eq!(told[3], "a: true", "{told:?}");
    assert!(outcome.summary.contains("no node `n9`"), "{outcome:?}");
}

#[test]
fn a_check_passes_only_by_what_it_expects_or_judges() {
    let info = "step(\"a\", || { nodes(); finding(\"site/x\", \"info\", \"run\", \"looked\") });";
    assert_eq!(run("", info).verdict, Verdict::Pass, "playbooks from before go on as they did");
    let outcome = run("kind: check", info);
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert!(outcome.summary.starts_with("nothing was checked"), "{}", outcome.summary);

    let held = run(
        "kind: check",
        "step(\"a\", || { expect(nodes().len() > 0, \"site/x\", \"there are nodes\"); finding(\"site/x\", \"info\", \"run\", \"noted\") });",
    );
    assert_eq!((held.verdict, held.summary.as_str()), (Verdict::Pass, "1 of 1 expectation held"), "{held:?}");
    assert_eq!(
        run("kind: check", "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nstep(\"a\", || find_announcer(svc));").verdict,
        Verdict::Inconclusive
    );
    assert_eq!(run("kind: check", "finding(\"site/x\", \"warn\", \"run\", \"odd\");").verdict, Verdict::Warn);
}

#[test]
fn a_report_is_good_when_it_could_look_and_only_then() {
    let made = run("kind: report", "step(\"a\", || table(\"Nodes\", [\"node\"], nodes().map(|node| [node.name])));");
    assert_eq!(
        (made.verdict, made.summary.as_str(), made.ended.as_deref()),
        (Verdict::Pass, "reported: 1 table, 0 lines", None),
        "{made:?}"
    );
    assert_eq!(run("kind: report", "step(\"a\", || { nodes(); pods(\"elsewhere\") });").verdict, Verdict::Inconclusive);
    assert_eq!(run("", "step(\"a\", || table(\"Nodes\", [\"node\"], nodes().map(|node| [node.name])));").verdict, Verdict::Inconclusive);
}

#[test]
fn a_declared_finding_has_its_declared_weight_and_next_step() {
    let header = "findings:\n  site/rack: { severity: warn, meaning: \"The announcer is in another rack.\", next: \"Move it.\" }";
    let outcome = run(
        header,
        "finding(\"site/rack\", \"info\", \"node/n2\", \"n2 is in rack B\");\nfinding(\"site/rack\", (), \"node/n3\", \"n3 is in rack B\");",
    );
    assert_eq!((outcome.verdict, outcome.findings[0].next.as_str(), outcome.findings.len()), (Verdict::Warn, "Move it.", 2), "{outcome:?}");

    // One that is written out is told before the run; this one only the run can know.
    let mistyped = run(header, "let name = \"site/ra\" + \"k\";\nstep(\"a\", || finding(name, \"fail\", \"run\", \"x\"));");
    assert!(mistyped.diagnostics[0].to_string().contains("does not declare `site/rak` (E0210); did you mean `site/rack`?"), "{mistyped:?}");
}

#[test]
fn the_catalogue_says_how_much_its_names_weigh() {
    let outcome = run("", "finding(\"node/firewall-drop\", \"info\", \"node/n2\", \"nothing to see\");");
    assert_eq!(outcome.verdict, Verdict::Fail, "{outcome:?}");
    assert_eq!(run("", "nodes(); finding(\"evidence/no-root\", \"warn\", \"node/n2\", \"no root\");").verdict, Verdict::Warn);
}

#[test]
fn what_reads_a_failed_step_names_it() {
    let body = "let all = step(\"Read the nodes\", || { throw \"the API is silent\" });\nfor node in all { note(node); }";
    let outcome = run("", body);
    let mistake = &outcome.diagnostics[0];
    assert_eq!(mistake.message, "`all` is (), because the step \"Read the nodes\" failed: the API is silent", "{outcome:?}");
    assert_eq!(mistake.spot.as_ref().expect("a place").span.start.line, 8);

    let own = run("", "let all = ();\nfor node in all { note(node); }");
    assert!(!own.diagnostics[0].message.contains("step"), "{:?}", own.diagnostics);
}

#[test]
fn the_main_playbook_is_what_a_person_on_call_reads() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai")).expect("the playbook");
    let body: Vec<&str> = text.lines().filter(|line| !line.starts_with("//!") && !line.trim().is_empty()).collect();
    assert!(body.len() <= 30, "{} lines", body.len());
    assert_eq!(body.iter().filter(|line| line.contains("step(\"")).count(), 3);
}

#[test]
fn a_service_is_found_by_its_address_alone() {
    let body = "let svc = service((), (), \"10.88.64.100\");\nstep(\"a\", || note(`${svc.path} ${svc.leads_to_endpoints}`));";
    assert_eq!(told(&end("alloc-pool-exhausted", "", body).outcome), ["a: stacklight/iam-proxy-alertmanager true"]);
}

#[test]
fn a_request_that_may_not_be_asked_is_told_and_nothing_more() {
    let body = "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet flow = step(\"Follow\", || follow(svc, (), (), #{ from: \"ssh:c1\" }));\nnote(`${flow == ()}`);";
    assert_eq!(told(&run("", body)), ["Follow: nothing is asked: who announces the address is not known", "Notes: true"]);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The main playbook on a recording, at one of the example sites.
fn at_site(name: &str, recording: &str) -> Result<Outcome, String> {
    let playbook = opened("playbooks/metallb-flow.rhai");
    let site = Site::read(&root().join(format!("examples/sites/{name}/site.yaml"))).map_err(|error| error.to_string())?;
    let (evidence, mut manifest) = recorded::open(&root().join(format!("tests/recordings/{recording}.lbdiag"))).expect("the recording");
    manifest.site = RecordedSite::of(&site);
    let prepared = Prepared::replay(playbook, (evidence, manifest), &[])?;
    Ok(prepared.replayed(Duration::from_secs(60)).expect("a replay").outcome)
}

fn opened(path: &str) -> Playbook {
    engine::load(&root().join(path)).map_err(|broken| broken.to_string()).expect("a playbook")
}

#[test]
fn three_sites_add_to_the_main_playbook_without_a_copy_of_it() {
    let racks = at_site("racks", "healthy").expect("a run");
    assert_eq!(racks.verdict, Verdict::Pass, "{racks:?}");
    assert!(told(&racks).iter().any(|line| line.contains("holds: n2, which announces, stands in rack A (seen: A)")), "{:?}", told(&racks));
    assert_eq!(racks.ran.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["playbook", "hook"]);
    assert!(racks.ran.iter().all(|one| one.sha256.len() == 64), "{:?}", racks.ran);

    let frozen = at_site("locked-down", "healthy").expect("a run");
    assert!(told(&frozen).iter().any(|line| line.contains("the site leaves the step \"Follow a request\" out")), "{:?}", told(&frozen));
    assert!(frozen.steps.iter().all(|step| step.title != "Follow a request"));
    assert_ne!(frozen.verdict, Verdict::Pass, "nothing was asked");

    let networks = at_site("two-networks", "healthy").expect("a run");
    assert_eq!(networks.verdict, Verdict::Pass, "{networks:?}");
    let first = &networks.steps[0];
    assert!(first.title.starts_with("before \"Who announces the address\"") && first.facts.len() == 3, "{first:?}");
}

#[test]
fn a_site_weighs_findings_and_lives_with_some() {
    let plain = |additions: &Site| {
        let (evidence, mut manifest) = recorded::open(&root().join("tests/recordings/announcer-off.lbdiag")).expect("the recording");
        manifest.site = RecordedSite::of(additions);
        let prepared = Prepared::replay(opened("playbooks/metallb-flow.rhai"), (evidence, manifest), &[]).expect("parameters");
        prepared.replayed(Duration::from_secs(60)).expect("a replay").outcome
    };
    let before = plain(&Site::default());
    let name = before.findings.first().map(|finding| finding.name.clone()).expect("a finding");
    let weighed = plain(&Site { severities: [(name.clone(), Severity::Info)].into(), ..Site::default() });
    let after = weighed.findings.iter().find(|finding| finding.name == name).expect("the finding");
    assert_eq!(after.severity, Severity::Info);
    assert!(after.evidence.iter().any(|line| line.contains("the site weighs it as info")), "{after:?}");

    let accepted = |until: &str| {
        let all = before.findings.iter().map(|finding| finding.name.clone());
        let accepted = all.map(|finding| Accepted { finding, culprit: None, reason: "known".to_owned(), until: Some(until.to_owned()) });
        plain(&Site { accepted: accepted.collect(), ..Site::default() })
    };
    assert_eq!(before.verdict, Verdict::Fail);
    assert_ne!(accepted("2099-01-31").verdict, Verdict::Fail);
    assert_eq!(accepted("2020-01-31").verdict, Verdict::Fail, "its last day has passed");
}

#[test]
fn a_hook_that_names_no_step_or_is_broken_is_refused_before_anything_is_asked() {
    let refused = |text: &str, hook: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("site.yaml"), text).expect("a file");
        std::fs::write(folder.path().join("hook.rhai"), hook).expect("a file");
        let site = match Site::read(&folder.path().join("site.yaml")) {
            Ok(site) => site,
            Err(error) => return error.to_string(),
        };
        let (evidence, mut manifest) = recorded::open(&root().join("tests/recordings/healthy.lbdiag")).expect("the recording");
        manifest.site = RecordedSite::of(&site);
        Prepared::replay(opened("playbooks/metallb-flow.rhai"), (evidence, manifest), &[]).err().unwrap_or_default()
    };
    let hook = |step: &str, run: &str| format!("hooks: [{{ playbook: metallb-flow, after: \"{step}\", run: {run} }}]\n");
    assert_eq!(refused(&hook("Follow a request", "hook.rhai"), "note(\"x\");"), "");
    let unknown = refused(&hook("Folow a request", "hook.rhai"), "note(\"x\");");
    assert!(unknown.contains("has no step \"Folow a request\"") && unknown.contains("did you mean `Follow a request`"), "{unknown}");
    assert!(refused(&hook("Follow a request", "hook.rhai"), "ntoe(\"x\");").contains("did you mean `note`"));
    assert!(refused(&hook("Follow a request", "../hook.rhai"), "").contains("leads out of"));
    assert!(refused("hooks: [{ playbook: metallb-flow, run: hook.rhai }]\n", "").contains("names one step"));
    assert!(refused("data: { a: { type: cidr, value: 10.0.0.0/99 } }\n", "").contains("data.a: the value is not of the type cidr"));
}

#[test]
fn a_module_is_imported_within_the_headers_reach_and_from_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(path("lib")).expect("a folder");
    let module =
        |uses: &str, body: &str| format!("//! ---\n//! name: m\n//! version: 2.1.0\n//! about: b\n//! uses: [{uses}]\n//! ---\n{body}\n");
    std::fs::write(
        path("lib/a.rhai"),
        module(
            "cluster.read",
            "import \"lib/tables\" as t;\nfn count() { nodes().len() }\nfn names() { t::joined(nodes().map(|node| node.name), \" \") }",
        ),
    )
    .expect("a file");
    std::fs::write(path("lib/far.rhai"), module("node.read", "fn look(node) { interfaces(node) }")).expect("a file");
    std::fs::write(path("lib/circle.rhai"), module("", "import \"lib/circle\" as c;\nfn x() { 1 }")).expect("a file");
    std::os::unix::fs::symlink("/etc/hostname", path("lib/link.rhai")).expect("a link");
    let loaded = |imports: &str| {
        std::fs::write(path("own.rhai"), module("cluster.read", imports)).expect("a file");
        engine::load(&path("own.rhai")).map_err(|broken| broken.to_string())
    };
    let refused = |imports: &str| loaded(imports).err().unwrap_or_default();
    assert!(refused("import \"lib/none\" as a;").contains("there is no module \"lib/none\""));
    assert!(refused("import \"../own\" as a;").contains("without `..`"));
    assert!(refused("import \"/etc/hostname\" as a;").contains("without `..`"));
    assert!(refused("import \"lib/link\" as a;").contains("by a link"));
    assert!(refused("import \"lib/far\" as a;").contains("uses `node.read`, which the header's `uses` does not list"));
    assert!(refused("import \"lib/circle\" as a;").contains("in a circle"));
    assert!(refused("let name = \"lib/a\";\nimport name as a;").contains("written out"));

    let playbook = loaded("import \"lib/a\" as a;\nstep(\"a\", || { expect(a::count() == 4, \"site/x\", \"four\"); note(a::names()) });")
        .unwrap_or_else(|broken| panic!("{broken}"));
    let (evidence, mut manifest) = recorded::open(&root().join("tests/recordings/healthy.lbdiag")).expect("the recording");
    manifest.params.clear();
    let outcome = Prepared::replay(playbook, (evidence, manifest), &[])
        .expect("parameters")
        .replayed(Duration::from_secs(60))
        .expect("a replay")
        .outcome;
    assert_eq!(told(&outcome), ["a: holds: four", "a: n0 n1 n2 n3"], "{outcome:?}");
    let ran: Vec<(&str, bool)> = outcome.ran.iter().map(|one| (one.version.as_str(), one.shipped)).collect();
    assert_eq!(ran, [("2.1.0", false), ("2.1.0", false), ("1.0.0", true)], "{:?}", outcome.ran);
}
