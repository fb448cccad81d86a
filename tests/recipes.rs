//! The recipes of docs/recipes.md, run as the steps that they are: their commands, in a shell, with recordings in the place of a cluster.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const HEALTHY: &str = "healthy";
const BROKEN: &str = "ep-selector-matches-nothing";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of the first block of that kind below a heading.
fn block(heading: &str, kind: &str) -> String {
    let text = std::fs::read_to_string(root().join("docs/recipes.md")).unwrap();
    let below = text.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    let block = below.split(&format!("```{kind}\n")).nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

fn yaml(heading: &str) -> Value {
    serde_yaml::from_str(&block(heading, "yaml")).unwrap()
}

/// A place in which a recipe's steps run. `lbdiag` is the built one, whose runs look at a recording.
struct Place(tempfile::TempDir);

impl Place {
    fn with(recording: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = run ] && exec '{binary}' \"$@\" --replay '{root}/tests/recordings/{recording}.lbdiag'\nexec '{binary}' \"$@\"\n",
            binary = env!("CARGO_BIN_EXE_lbdiag"),
            root = root().display(),
        );
        let command = place.path().join("lbdiag");
        std::fs::write(&command, script).unwrap();
        std::fs::set_permissions(&command, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(place)
    }

    /// The exit code of a step, and what it printed.
    fn step(&self, script: &str) -> (i32, String) {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let folder = self.0.path();
        let output = Command::new("sh")
            .args(["-e", "-c", script])
            .current_dir(folder)
            .env("PATH", path)
            .env("RUNNER_TEMP", folder)
            .env("TEXTFILES", folder)
            .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
            .output()
            .unwrap();
        (output.status.code().unwrap(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }
}

/// The exit codes of a recipe's steps, on a healthy Service and on one without endpoints.
fn codes(script: &str) -> [i32; 2] {
    [HEALTHY, BROKEN].map(|recording| Place::with(recording).step(script).0)
}

#[test]
fn github_actions_fails_where_the_service_does_and_shows_why() {
    let workflow = yaml("GitHub Actions");
    let steps: Vec<&str> =
        workflow["jobs"]["service"]["steps"].as_array().unwrap().iter().map(|step| step["run"].as_str().unwrap()).collect();
    assert_eq!(codes(steps[0]), [0, 3]);
    let place = Place::with(BROKEN);
    let (_, told) = place.step(steps[0]);
    assert!(told.contains("::error"), "{told}");
    assert_eq!(place.step(steps[1]).0, 0);
    assert!(place.file("summary.md").contains("endpoints/"), "{}", place.file("summary.md"));
    assert_eq!(serde_json::from_str::<Value>(&place.file("service.json")).unwrap()["verdict"], "fail");
}

#[test]
fn gitlab_keeps_the_report_of_a_failed_job() {
    let job = &yaml("GitLab CI")["service"];
    let script = |name: &str| job[name][0].as_str().unwrap().to_owned();
    // The step that records needs a live run: a replay is not recorded again.
    let asked = script("script").replace(" --record run.lbdiag", "");
    assert_eq!(codes(&asked), [0, 3]);
    let place = Place::with(BROKEN);
    place.step(&asked);
    std::fs::copy(root().join(format!("tests/recordings/{BROKEN}.lbdiag")), place.0.path().join("run.lbdiag")).unwrap();
    let (code, told) = place.step(&script("after_script"));
    assert!(code == 0 && told.starts_with("whole: "), "{code} {told}");
    for kept in job["artifacts"]["paths"].as_array().unwrap() {
        assert!(!std::fs::read(place.0.path().join(kept.as_str().unwrap())).unwrap().is_empty());
    }
}

#[test]
fn cron_says_nothing_of_a_healthy_service() {
    let line = block("A cron line", "cron");
    let command = line.trim().splitn(6, ' ').nth(5).unwrap().to_owned();
    let healthy = Place::with(HEALTHY);
    assert_eq!(healthy.step(&command), (0, String::new()));
    let broken = Place::with(BROKEN);
    let (_, told) = broken.step(&command);
    assert!(told.starts_with("FAIL "), "{told}");
    assert!(broken.file("lbdiag.prom").contains("lbdiag_"), "{}", broken.file("lbdiag.prom"));
}

#[test]
fn jobs_run_as_the_account_that_the_permissions_are_for() {
    let rbac = std::fs::read_to_string(root().join("examples/rbac.yaml")).unwrap();
    let account: Value =
        rbac.split("\n---\n").map(|text| serde_yaml::from_str::<Value>(text).unwrap()).find(|one| one["kind"] == "ServiceAccount").unwrap();
    for heading in ["Argo CD", "Helm"] {
        let job = yaml(heading);
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(
            (&pod["serviceAccountName"], &job["metadata"]["namespace"]),
            (&account["metadata"]["name"], &account["metadata"]["namespace"])
        );
        assert_eq!((&job["spec"]["backoffLimit"], &pod["restartPolicy"]), (&Value::from(0), &Value::from("Never")));
        let words = pod["containers"][0]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let command = words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        assert_eq!(codes(&command), [0, 3], "{heading}");
    }
}
