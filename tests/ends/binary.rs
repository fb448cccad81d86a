//! The built binary, hung in one way or another.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any of these may take, on a machine that is busy with others.
const LONG: Duration = Duration::from_secs(60);

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
    clusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\n\
    contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n";

/// A directory with a cluster that is never asked anything.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.path("kubeconfig"), KUBECONFIG).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn playbook(&self, script: &str, uses: &str) -> PathBuf {
        let header = format!(
            "//! ---\n//! name: hung\n//! version: 1.0.0\n//! about: b\n//! uses: [{uses}]\n//! params:\n//!   x: {{ type: string, required: false }}\n//! ---\n"
        );
        std::fs::write(self.path("hung.rhai"), format!("{header}{script}")).unwrap();
        self.path("hung.rhai")
    }

    /// A pipe with a name, that nobody opens.
    fn fifo(&self) -> PathBuf {
        let made = Command::new("mkfifo").arg(self.path("fifo")).status().unwrap();
        assert!(made.success());
        self.path("fifo")
    }

    fn run(&self, script: &str, more: &[&str]) -> Run {
        let playbook = self.playbook(script, "cluster.read, node.read");
        let mut words = vec!["run", playbook.to_str().unwrap(), "-q", "-v"];
        words.extend(more);
        self.start(&words, Stdio::null())
    }

    fn start(&self, words: &[&str], stdin: Stdio) -> Run {
        let out = |name: &str| std::fs::File::create(self.path(name)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
            .args(words)
            .env("KUBECONFIG", self.path("kubeconfig"))
            .env("HOME", self.0.path())
            .env_remove("RUST_BACKTRACE")
            .stdin(stdin)
            .stdout(out("stdout"))
            .stderr(out("stderr"))
            .spawn()
            .unwrap();
        Run { child, began: Instant::now(), stdout: self.path("stdout"), stderr: self.path("stderr") }
    }
}

struct Run {
    child: Child,
    began: Instant,
    stdout: PathBuf,
    stderr: PathBuf,
}

struct Ended {
    code: Option<i32>,
    /// Since it was started, or since the last signal.
    took: Duration,
    stdout: String,
    stderr: String,
}

impl Run {
    fn signal(&mut self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.began = Instant::now();
    }

    fn end(mut self) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.began.elapsed() > LONG {
                self.child.kill().unwrap();
                panic!("it does not end: {}", text(&self.stderr));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Ended { code: status.code(), took: self.began.elapsed(), stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

fn settled() {
    std::thread::sleep(Duration::from_millis(1500));
}

/// Work of the language that looks at nothing else for long.
const WORK: &str = "note(\"begun\"); let a = []; for i in range(0, 60000) { a.push(i); }\n\
    step(\"Look\", || { for j in range(0, 1000000) { a.contains(-1); a.index_of(-1); } });";

#[test]
fn a_sleep_ends_with_the_time_limit_and_is_reported() {
    let place = Place::new();
    let recording = place.path("run.lbdiag");
    let ended = place.run("note(\"begun\"); sleep(3000);", &["--timeout", "2s", "--record", recording.to_str().unwrap()]).end();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.took < Duration::from_secs(12), "{:?}", ended.took);
    assert!(ended.stdout.contains("evidence/time-ran-out") && ended.stderr.contains("the time limit of 2s ran out"), "{}", ended.stdout);
    assert!(recording.exists());
    // A fraction of a second, and what is no time.
    let ended =
        place.run("sleep(0.01); sleep(-1); sleep(-0.5); sleep(0.0/0.0); finding(\"site/x\", \"info\", \"a\", \"done\");", &[]).end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = place.run("sleep(9223372036854775807);", &["--timeout", "1s"]).end();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
}

#[test]
fn work_ends_with_the_time_limit() {
    let ended = Place::new().run(WORK, &["--timeout", "4s"]).end();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.took < Duration::from_secs(15), "{:?}", ended.took);
    assert!(ended.stdout.contains("evidence/time-ran-out"), "{}", ended.stdout);
}

#[test]
fn one_signal_ends_work() {
    let place = Place::new();
    let recording = place.path("run.lbdiag");
    for signal in ["TERM", "INT", "HUP"] {
        let mut run = place.run(WORK, &["--record", recording.to_str().unwrap()]);
        settled();
        run.signal(signal);
        let ended = run.end();
        assert_eq!(ended.code, Some(130), "{signal}: {}", ended.stderr);
        assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
        assert!(ended.stdout.contains("run: hung 1.0.0") && recording.exists(), "{}", ended.stdout);
        std::fs::remove_file(&recording).unwrap();
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let place = Place::new();
    // A report that nobody takes keeps the end of the run waiting.
    let fifo = format!("text={}", place.fifo().display());
    let mut run = place.run("sleep(3000);", &["--report", &fifo]);
    settled();
    run.signal("TERM");
    std::thread::sleep(Duration::from_millis(700));
    assert!(run.child.try_wait().unwrap().is_none(), "the first one lets it report");
    run.signal("TERM");
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted again") && ended.stderr.contains("nothing of it runs on any host"), "{}", ended.stderr);
}

#[test]
fn a_report_that_cannot_be_written_is_not_waited_for() {
    let place = Place::new();
    let (fifo, recording) = (format!("text={}", place.fifo().display()), place.path("run.lbdiag"));
    let ended = place.run("sleep(3000);", &["--timeout", "1s", "--report", &fifo, "--record", recording.to_str().unwrap()]).end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("ran out (--timeout) while writing the text report"), "{}", ended.stderr);
    assert!(recording.exists(), "the recording comes first");
}

#[test]
fn files_that_never_come_end_with_the_time_limit_or_a_signal() {
    let place = Place::new();
    let fifo = place.fifo();
    let fifo = fifo.to_str().unwrap();
    for (option, what) in [
        ("--replay", "reading the recording"),
        ("--params", "reading the parameters"),
        ("--site", "reading the site file"),
        ("--kubeconfig", "logging in to the cluster"),
    ] {
        let ended = place.run("note(\"x\");", &[option, fifo, "--timeout", "1s"]).end();
        assert_eq!(ended.code, Some(1), "{option}: {}", ended.stderr);
        assert!(ended.stderr.contains("ran out (--timeout) while") && ended.stderr.contains(what), "{option}: {}", ended.stderr);
        let mut run = place.run("note(\"x\");", &[option, fifo]);
        settled();
        run.signal("INT");
        let ended = run.end();
        assert_eq!(ended.code, Some(130), "{option}: {}", ended.stderr);
    }
    let playbook = place.playbook("note(\"x\");", "cluster.read");
    for words in
        [&["plan", playbook.to_str().unwrap(), "--replay", fifo, "--timeout", "1s"][..], &["doctor", "--site", fifo, "--timeout", "1s"]]
    {
        let ended = place.start(words, Stdio::null()).end();
        assert_eq!(ended.code, Some(1), "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn a_trace_of_a_file_that_never_ends_is_told_when_it_is_interrupted() {
    let place = Place::new();
    let mut begun = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    let frame = [0_u8; 60];
    for _ in 0..600 {
        begun.extend([1, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0]);
        begun.extend(frame);
    }
    let mut run = place.start(&["trace", "-"], Stdio::piped());
    let mut stdin = run.child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, &begun).unwrap();
    settled();
    run.signal("INT");
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stdout.contains("interrupted") && ended.stderr.contains("interrupted"), "{}\n{}", ended.stdout, ended.stderr);
    drop(stdin);
    // A file that does not even begin.
    let fifo = place.fifo();
    let mut run = place.start(&["trace", fifo.to_str().unwrap()], Stdio::null());
    settled();
    run.signal("TERM");
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("opening"), "{}", ended.stderr);
}

#[test]
fn values_that_hold_themselves_are_printed_and_end() {
    let place = Place::new();
    for script in [
        "let m = #{}; let f = || m.len(); m.f = f; m.to_json();",
        "let m = #{}; let f = || m.len(); m.f = f; to_json(#{ a: m.f });",
        "let m = #{}; let f = || m.len(); m.f = f; print(m); debug(m); let s = `${m}` + m.to_string() + m.to_debug();",
        "let a = [1]; let f = || a.len(); let b = [f]; a = b; print(a); a.to_debug();",
        "let m = #{}; let f = || m.len(); m.f = f; table(\"t\", [\"a\"], [[m]]); finding(\"site/x\", \"info\", \"a\", `${m}`);",
        "let a = []; for i in range(0, 50000) { a = [a]; }",
        "let a = []; for i in range(0, 3000) { a = [a]; } print(a); let s = a.to_debug(); let b = a == a;",
        "let m = #{}; for i in range(0, 3000) { m = #{ m: m }; } let s = m.to_json(); print(m); let b = m == m;",
    ] {
        let ended = place.run(&format!("{script}\nfinding(\"site/x\", \"info\", \"a\", \"done\");"), &["--timeout", "5s"]).end();
        assert!(matches!(ended.code, Some(0 | 2 | 5)), "{script}: {:?} {}", ended.code, ended.stderr);
    }
}

/// Processes whose arguments hold this.
fn running(argument: &str) -> usize {
    let output = Command::new("pgrep").args(["-f", "-c", argument]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

#[test]
fn a_proxy_command_that_stalls_ends_with_us_however_we_end() {
    if Command::new("ssh").arg("-V").output().is_err() {
        return;
    }
    for (number, how) in ["normal", "limit", "TERM", "twice", "KILL"].into_iter().enumerate() {
        let place = Place::new();
        // A number that no other process has in its arguments.
        let stalls = format!("sleep 4{}{number}", std::process::id());
        let config = format!("Host stalls\n ProxyCommand sh -c '{stalls} & {stalls}; :'\n UserKnownHostsFile none\n");
        std::fs::write(place.path("ssh"), config).unwrap();
        std::fs::write(place.path("site"), format!("ssh: {{ config: {} }}\n", place.path("ssh").display())).unwrap();
        let site = place.path("site");
        let limit = if how == "limit" { "3s" } else { "1m" };
        let mut run = place.run("interfaces(\"ssh:stalls\");", &["--site", site.to_str().unwrap(), "--timeout", limit]);
        if how != "normal" && how != "limit" {
            let began = Instant::now();
            while running(&stalls) == 0 {
                assert!(began.elapsed() < LONG, "the ProxyCommand never came");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        match how {
            "normal" | "limit" => {}
            "twice" => {
                run.signal("TERM");
                std::thread::sleep(Duration::from_millis(150));
                let _ = Command::new("kill").args(["-TERM", &run.child.id().to_string()]).stderr(Stdio::null()).status();
            }
            signal => run.signal(signal),
        }
        let _ = run.end();
        let ended = Instant::now();
        while running(&stalls) > 0 {
            assert!(ended.elapsed() < Duration::from_secs(10), "{how}: {stalls} outlives the run");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_credential_plugin_that_stalls_ends_with_us() {
    // By itself, with a program of its own that it waits for, with one that it leaves behind, and such as no usual signal ends.
    let deaf = "trap '' TERM INT HUP; sleep N & wait; sleep N";
    let stalls = [
        ("limit", "exec sleep N"),
        ("TERM", "exec sleep N"),
        ("limit", "sleep N & wait"),
        ("limit", "sleep N & exit 1"),
        ("limit", deaf),
        ("TERM", deaf),
        ("TERM", "sleep N & kill -STOP $!; kill -STOP $$"),
    ];
    for (number, (how, plugin)) in stalls.into_iter().enumerate() {
        let place = Place::new();
        let stalls = format!("5{}{number}", std::process::id());
        let plugin = plugin.replace('N', &stalls);
        let exec =
            format!("{{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [\"-c\", \"{plugin}\"], interactiveMode: Never}}");
        let with_plugin = KUBECONFIG.replace("user: {}}", &format!("user: {{exec: {exec}}}}}"));
        std::fs::write(place.path("kubeconfig"), with_plugin).unwrap();
        let stalls = format!("sleep {stalls}");
        let (report, recording) = (format!("json={}", place.path("report.json").display()), place.path("run.lbdiag"));
        let limit = if how == "limit" { "3s" } else { "1m" };
        let more = ["--timeout", limit, "--report", &report, "--record", recording.to_str().unwrap()];
        let mut run = place.run("service(\"default\", \"web\");", &more);
        if how == "TERM" {
            let began = Instant::now();
            while running(&stalls) == 0 {
                assert!(began.elapsed() < LONG, "the plugin never came: {}", text(&run.stderr));
                std::thread::sleep(Duration::from_millis(50));
            }
            run.signal(how);
        }
        let ended = run.end();
        assert!(matches!(ended.code, Some(5 | 130)), "{how}: {:?} {}", ended.code, ended.stderr);
        assert!(text(&place.path("report.json")).contains("\"verdict\": \"inconclusive\"") && recording.exists(), "{how}, {plugin}");
        let since = Instant::now();
        while running(&stalls) > 0 {
            assert!(since.elapsed() < Duration::from_secs(10), "{how}: {stalls} outlives the run");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A run that finds more than a pipe holds.
const TALKS: &str =
    "for i in range(0, 3000) { finding(`site/x${i}`, \"info\", \"run\", \"a finding that is as long as its line in the report may be\"); }";

#[test]
fn output_that_nobody_reads_ends_with_a_signal_after_the_time_limit_too() {
    let place = Place::new();
    let playbook = place.playbook(TALKS, "cluster.read");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
        .args(["run", playbook.to_str().unwrap(), "-qv", "--timeout", "2s"])
        .env("KUBECONFIG", place.path("kubeconfig"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(4));
    assert!(child.try_wait().unwrap().is_none(), "what is printed waits for its reader, or the pipe is larger than the report");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > LONG {
            child.kill().unwrap();
            panic!("one signal does not end it");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(130));
}

#[test]
fn standard_error_that_nobody_reads_keeps_no_report_waiting() {
    let place = Place::new();
    let playbook = place.playbook("for i in range(0, 20000) { step(`a step with a title of some length ${i}`, || 1); } finding(\"site/x\", \"info\", \"run\", \"done\");", "cluster.read");
    let (report, recording) = (format!("json={}", place.path("report.json").display()), place.path("run.lbdiag"));
    let child = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
        .args(["run", playbook.to_str().unwrap(), "--timeout", "1m", "--report", &report, "--record", recording.to_str().unwrap()])
        .env("KUBECONFIG", place.path("kubeconfig"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let run = Run { child, began: Instant::now(), stdout: place.path("stdout"), stderr: place.path("stderr") };
    assert!(matches!(run.end().code, Some(0 | 2)));
    assert!(text(&place.path("report.json")).contains("lbdiag-outcome/1") && recording.exists());
}

#[test]
fn a_pipe_that_nobody_opens_keeps_no_other_report_waiting() {
    let place = Place::new();
    let (fifo, report) = (format!("text={}", place.fifo().display()), format!("json={}", place.path("report.json").display()));
    let more = ["--timeout", "3s", "--report", &fifo, "--report", &report];
    let ended = place.run("finding(\"site/x\", \"info\", \"run\", \"done\");", &more).end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(text(&place.path("report.json")).contains("lbdiag-outcome/1"));
}

#[test]
fn a_token_that_cannot_be_sent_is_said_to_be_so() {
    for token in ["{token: \"ab\\r\\nX-Evil: 1\"}", "{token: \"a\\0b\"}"] {
        let place = Place::new();
        std::fs::write(place.path("kubeconfig"), KUBECONFIG.replace("user: {}}", &format!("user: {token}}}"))).unwrap();
        let ended = place.run("service(\"default\", \"web\");", &[]).end();
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("the token holds characters that HTTP forbids"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("mistake of lbdiag") && !ended.stderr.contains("X-Evil"), "{}", ended.stderr);
    }
}

#[test]
fn credentials_that_cannot_be_got_end_the_run_with_its_report_and_recording() {
    let endless = "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";
    for (plugin, reason) in [("exit 3", "failed with exit status: 3"), ("echo no", "makes no sense"), (endless, "printed more than 1 MiB")]
    {
        let place = Place::new();
        let exec =
            format!("{{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [\"-c\", \"{plugin}\"], interactiveMode: Never}}");
        std::fs::write(place.path("kubeconfig"), KUBECONFIG.replace("user: {}}", &format!("user: {{exec: {exec}}}}}"))).unwrap();
        let (report, recording) = (place.path("report.json"), place.path("run.lbdiag"));
        let wanted = format!("json={}", report.display());
        let more = ["--report", &wanted, "--record", recording.to_str().unwrap()];
        let ended = place.run("service(\"default\", \"web\");", &more).end();
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
        assert!(text(&report).contains(reason), "{}", text(&report));
        assert!(recording.exists(), "{plugin}");
    }
}
