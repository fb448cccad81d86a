//! The binary against an API server that breaks off, stalls, sends on, asks for patience, or talks nonsense: a server of this process on
//! loopback, made from a recording's objects. Whatever it does, the run ends soon, says what is missing, and concludes nothing from it.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const RECORDING: &str = "tests/recordings/healthy.lbdiag";
const SERVICE: [&str; 4] = ["--set", "namespace=stacklight", "--set", "service=iam-proxy-alertmanager"];

/// What becomes of one request.
enum Fault {
    None,
    /// A code, further lines of the head, and a body.
    Answer(u16, String, String),
    /// The connection is reset before an answer.
    Reset,
    /// The answer without its last bytes, and a reset.
    Half,
    /// A byte a second.
    Trickle,
    /// Other items in place of the list's.
    Items(fn(Vec<Value>) -> Vec<Value>),
    /// A page of nothing, and always another one.
    Endless,
    /// Thousands of the list's last object, each with labels of 2 KiB, page by page.
    Fat,
}

use Fault::{Answer, Endless, Fat, Half, Items, None as Sound, Reset, Trickle};

/// Objects by path of their collection, and logs by path of their pod.
#[derive(Default)]
struct Store {
    objects: BTreeMap<(String, String), Vec<Value>>,
    logs: BTreeMap<String, String>,
}

impl Store {
    fn read() -> Self {
        let file = std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDING)).unwrap();
        let mut store = Self::default();
        for line in BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().skip(1) {
            let entry: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let (query, answer) = (&entry["q"], entry["a"].get("Ok").unwrap_or(&entry["a"]));
            let kind = || (query["kind"]["group"].as_str().unwrap().to_owned(), query["kind"]["plural"].as_str().unwrap().to_owned());
            match entry["c"].as_str().unwrap() {
                "cluster.list" => store.keep(kind(), answer.as_array().into_iter().flatten()),
                "cluster.get" => store.keep(kind(), Some(answer).filter(|answer| answer.is_object())),
                "cluster.log" => {
                    let lines: Vec<&str> = answer["kept"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                    store.logs.insert(query["pod"].as_str().unwrap().to_owned(), lines.join("\n") + "\n");
                }
                _ => {}
            }
        }
        store
    }

    fn keep<'a>(&mut self, kind: (String, String), objects: impl IntoIterator<Item = &'a Value>) {
        let all = self.objects.entry(kind).or_default();
        for object in objects {
            let same = |one: &Value| {
                one["metadata"]["name"] == object["metadata"]["name"] && one["metadata"]["namespace"] == object["metadata"]["namespace"]
            };
            if !all.iter().any(same) {
                all.push(object.clone());
            }
        }
    }

    /// The answer to a path as a sound server gives it: an object, a list or a log.
    fn answer(&self, target: &str) -> Result<Value, String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (group, rest) = if parts[0] == "api" { ("", &parts[2..]) } else { (parts[1], &parts[3..]) };
        let (namespace, rest) = if rest[0] == "namespaces" && rest.len() > 2 { (Some(rest[1]), &rest[2..]) } else { (None, rest) };
        if rest.get(2) == Some(&"log") {
            return Err(self.logs.get(rest[1]).cloned().unwrap_or_default());
        }
        let none = Vec::new();
        let all = self.objects.get(&(group.to_owned(), rest[0].to_owned())).unwrap_or(&none);
        let within = |object: &&Value| namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace);
        if let Some(name) = rest.get(1) {
            let found = all.iter().filter(within).find(|object| object["metadata"]["name"] == *name).cloned();
            return Ok(found.unwrap_or_else(|| json!({"kind": "Status", "code": 404, "message": "not found", "details": {"name": name}})));
        }
        let labels: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("labelSelector="))
            .flat_map(|selector| selector.split("%2C").map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|pair| pair.split_once("%3D").map(|(key, value)| (key.replace("%2F", "/"), value.to_owned())))
            .collect();
        let labelled = |object: &&Value| labels.iter().all(|(key, value)| object["metadata"]["labels"][key] == *value);
        Ok(json!({"metadata": {}, "items": all.iter().filter(within).filter(labelled).collect::<Vec<_>>()}))
    }
}

/// A server whose faults are told by path and by how often that path was asked before.
struct Api {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    place: tempfile::TempDir,
}

impl Api {
    fn start(fault: impl Fn(&str, usize) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (store, fault, log) = (Arc::new(Store::read()), Arc::new(fault), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (store, fault, log) = (Arc::clone(&store), Arc::clone(&fault), Arc::clone(&log));
                std::thread::spawn(move || while serve(&stream, &store, &*fault, &log).is_some() {});
            }
        });
        let place = tempfile::tempdir().unwrap();
        let config = format!(
            "clusters: [{{name: c, cluster: {{server: \"http://127.0.0.1:{port}\"}}}}]\nusers: [{{name: u, user: {{token: hunter2}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
        );
        std::fs::write(place.path().join("config"), config).unwrap();
        Self { port, asked, place }
    }

    /// Runs a playbook against it, and gives how that ended.
    fn run(&self, playbook: &str, more: &[&str]) -> Ran {
        self.run_about(&SERVICE, playbook, more)
    }

    fn command(&self, about: &[&str], playbook: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
        command
            .args(["run", playbook, "-q", "--report", "json", "--kubeconfig"])
            .arg(self.place.path().join("config"))
            .args(about)
            .args(more)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    }

    /// As `run`, about something else than the usual Service.
    fn run_about(&self, about: &[&str], playbook: &str, more: &[&str]) -> Ran {
        let began = Instant::now();
        let output = self.command(about, playbook, more).output().unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            panic!("no report: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        });
        Ran { code: output.status.code().unwrap(), report, took: began.elapsed() }
    }

    fn who_announces(&self) -> Ran {
        self.run("examples/who-announces.rhai", &[])
    }

    fn asked(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|path| path.contains(part)).count()
    }
}

/// Serves one request; `None` when the connection is over.
fn serve(mut stream: &TcpStream, store: &Store, fault: &(impl Fn(&str, usize) -> Fault + ?Sized), log: &Mutex<Vec<String>>) -> Option<()> {
    // The last byte of the head stays unread until it is certain that the connection goes on: closed before, it is reset.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let before = {
        let mut log = log.lock().unwrap();
        log.push(path.clone());
        log.iter().filter(|one| **one == path).count() - 1
    };
    let fault = fault(&path, before);
    let (mut code, mut more, mut body) = match store.answer(&path) {
        Ok(object) => (if object["code"] == 404 { 404 } else { 200 }, String::new(), object.to_string()),
        Err(text) => (200, "Content-Type: text/plain\r\n".to_owned(), text),
    };
    match fault {
        Sound => {}
        Reset => return None,
        Half => {
            // Chunked, because that is how logs come.
            let half = body.get(..body.len().saturating_sub(20)).unwrap_or_default();
            write!(stream, "HTTP/1.1 200 OK\r\n{more}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{half}\r\n", half.len()).ok()?;
            stream.flush().ok()?;
            std::thread::sleep(Duration::from_millis(150));
            return None;
        }
        Trickle => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").ok()?;
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_secs(1));
            }
            return None;
        }
        Answer(other, head, text) => (code, more, body) = (other, head, text),
        Items(change) => {
            let mut list: Value = serde_json::from_str(&body).ok()?;
            let items = list["items"].as_array().cloned().unwrap_or_default();
            list["items"] = Value::Array(change(items));
            body = list.to_string();
        }
        Fat => body = fat(&path, &body)?,
        Endless => body = json!({"metadata": {"continue": format!("c{}", log.lock().unwrap().len())}, "items": []}).to_string(),
    }
    stream.read_exact(&mut [0]).ok()?;
    write!(stream, "HTTP/1.1 {code} x\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len()).ok()
}

/// A page of a list that is far too large, where there is anything to be listed.
fn fat(path: &str, body: &str) -> Option<String> {
    const OBJECTS: usize = 10_500;
    let mut list: Value = serde_json::from_str(body).ok()?;
    let Some(like) = list["items"].as_array().and_then(|items| items.last()).cloned() else { return Some(body.to_owned()) };
    let from: usize = path.split("continue=").nth(1).and_then(|mark| mark.parse().ok()).unwrap_or_default();
    let another = |number: usize| {
        let mut object = like.clone();
        object["metadata"]["name"] = json!(format!("{}-{number}", like["metadata"]["name"].as_str().unwrap_or_default()));
        for label in 0..32 {
            object["metadata"]["labels"][format!("label-{label}")] = json!("x".repeat(60));
        }
        object
    };
    let more: Vec<Value> = (from..from + 500).map(another).collect();
    let items = list["items"].as_array_mut()?;
    if from > 0 {
        items.clear();
    }
    items.extend(more);
    if from + 500 < OBJECTS {
        list["metadata"] = json!({"continue": (from + 500).to_string()});
    }
    Some(list.to_string())
}

struct Ran {
    code: i32,
    report: Value,
    took: Duration,
}

impl Ran {
    fn gaps(&self) -> Vec<(&str, String)> {
        let gaps = self.report["gaps"].as_array().unwrap();
        gaps.iter().map(|gap| (gap["name"].as_str().unwrap(), format!("{} {}", gap["subject"], gap["reason"]))).collect()
    }

    fn findings(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        findings
            .iter()
            .filter(|finding| finding["severity"] != "info")
            .filter_map(|finding| finding["name"].as_str())
            // The playbook's own word for an announcer that is not certain, which the steps are looked at for.
            .filter(|name| *name != "site/announcer")
            .collect()
    }

    fn steps(&self) -> String {
        self.report["steps"].to_string()
    }

    #[track_caller]
    fn healthy(&self) {
        assert_eq!((self.code, self.gaps()), (0, Vec::new()), "{}", self.report["summary"]);
        assert!(self.steps().contains("10.88.64.100 is announced by n2 (layer2)"), "{}", self.steps());
    }

    /// Inconclusive, by a gap of that name that says this, and without a finding that is drawn from what is missing.
    #[track_caller]
    fn gap(&self, name: &str, says: &str) {
        let gaps = self.gaps();
        assert!(gaps.iter().any(|(gap, text)| *gap == name && text.contains(says)), "{says}: {gaps:#?}");
        assert_eq!(self.findings(), Vec::<&str>::new(), "{gaps:#?}");
        assert!(!self.steps().contains("no node announces") && !self.steps().contains("is gone"), "{}", self.steps());
        assert!([0, 4, 5].contains(&self.code), "{}", self.code);
    }

    #[track_caller]
    fn within(&self, seconds: u64) {
        assert!(self.took < Duration::from_secs(seconds), "{:?}", self.took);
    }
}

fn status(code: u16, head: &str) -> Fault {
    Answer(code, head.to_owned(), json!({"kind": "Status", "status": "Failure", "message": "no", "code": code}).to_string())
}

/// Only pods as MetalLB's namespace lists them.
fn speakers(path: &str) -> bool {
    path.starts_with("/api/v1/namespaces/metallb-system/pods?")
}

#[test]
fn a_sound_server_gives_the_sound_answer() {
    Api::start(|_, _| Sound).who_announces().healthy();
}

#[test]
fn one_reset_of_each_question_changes_nothing() {
    let api = Api::start(|_, before| if before == 0 { Reset } else { Sound });
    api.who_announces().healthy();
    let half = Api::start(|path, before| if before == 0 && !path.contains("/log") { Half } else { Sound });
    half.who_announces().healthy();
}

#[test]
fn a_log_that_is_cut_keeps_its_past_and_proves_no_silence() {
    let api = Api::start(|path, _| if path.contains("/log") { Half } else { Sound });
    let ran = api.who_announces();
    ran.gap("evidence/log-unreadable", "it was cut after ");
    assert_ne!(ran.code, 0);
    assert!(ran.steps().contains("it moved: "), "what the logs said before stays said: {}", ran.steps());
    assert!(ran.steps().contains("is not certain"), "{}", ran.steps());
}

#[test]
fn a_list_that_never_comes_is_a_gap_and_the_run_goes_on() {
    for (fault, part) in ["/nodes", "/nodes", "/pods?"].into_iter().enumerate() {
        let api = Api::start(move |path, _| match (path.contains(part) && !path.contains("/log"), fault) {
            (false, _) => Sound,
            (true, 0) => Reset,
            (true, 1) => Half,
            (true, _) => Answer(502, "Content-Type: text/html\r\n".to_owned(), "<html>bad gateway</html>".to_owned()),
        });
        let ran = api.run("metallb-flow", &["--static"]);
        ran.gap("evidence/unreadable", "127.0.0.1");
        assert_eq!(ran.code, 5);
    }
}

#[test]
fn a_server_of_which_nothing_comes_ends_the_run() {
    let ran = Api::start(|_, _| Reset).who_announces();
    assert_eq!(ran.code, 1);
    assert!(ran.report["summary"].as_str().unwrap().contains("closed the connection"), "{}", ran.report["summary"]);
    ran.within(15);
}

/// What the server does, and what the gap is to say of it.
type Told = (fn() -> Fault, &'static str, &'static str);

/// A Service that cannot be read, however it is looked for, is a gap with a report and a recording, and no failure of lbdiag.
#[test]
fn what_the_run_is_about_and_cannot_be_read_is_a_gap() {
    type Way = (&'static [&'static str], fn(&str) -> bool);
    let ways: [Way; 3] = [
        (&SERVICE, |path| path.starts_with("/api/v1/namespaces/stacklight/services/iam-proxy-alertmanager")),
        (&["--set", "service=iam-proxy-alertmanager"], |path| path.starts_with("/api/v1/services")),
        (&["--set", "address=10.88.64.100"], |path| path.starts_with("/api/v1/services")),
    ];
    let faults: [Told; 7] = [
        (|| Reset, "evidence/unreadable", "closed the connection"),
        (|| Half, "evidence/unreadable", "in the middle of its answer"),
        (|| status(500, ""), "evidence/unreadable", "answered 500"),
        (|| status(401, ""), "evidence/forbidden", "does not accept the credentials"),
        (|| status(403, ""), "evidence/forbidden", "no"),
        (|| Answer(200, String::new(), "[7]".to_owned()), "evidence/unreadable", ""),
        (|| Answer(502, "Content-Type: text/html\r\n".to_owned(), "<html>".to_owned()), "evidence/unreadable", "in front of"),
    ];
    for (number, (fault, name, says)) in faults.into_iter().enumerate() {
        // The object by its name meets every fault, the others some of them.
        for (words, of) in [ways[0], ways[1 + number % 2]] {
            let api = Api::start(move |path, _| if of(path) { fault() } else { Sound });
            let recording = api.place.path().join("run.lbdiag");
            let ran = api.run_about(words, "metallb-flow", &["--static", "--record", recording.to_str().unwrap()]);
            assert_eq!((ran.code, &ran.report["verdict"]), (5, &json!("inconclusive")), "{words:?} {says}: {}", ran.report);
            ran.gap(name, says);
            assert!(recording.exists());
            let replay = api.run_about(words, "metallb-flow", &["--static", "--replay", recording.to_str().unwrap()]);
            assert_eq!((replay.code, replay.gaps()), (5, ran.gaps()), "the replay");
        }
    }
}

#[test]
fn what_a_good_answer_says_is_not_there_is_a_mistake_of_the_question_whatever_else_fails() {
    let gone = |path: &str| path.ends_with("/services/iam-proxy-alertmanager");
    let api = Api::start(move |path, _| match path {
        path if gone(path) => Answer(404, String::new(), json!({"kind": "Status", "code": 404, "details": {"name": "x"}}).to_string()),
        path if path.contains("/services?") || path.contains("/namespaces?") => status(500, ""),
        _ => Sound,
    });
    let output = api.command(&SERVICE, "metallb-flow", &["--static"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("namespace stacklight has no Service iam-proxy-alertmanager"));
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_so() {
    let seconds = Api::start(|path, before| if before == 0 && path.contains("/nodes") { status(429, "Retry-After: 1\r\n") } else { Sound });
    seconds.who_announces().healthy();
    let date = "Date: Mon, 30 Nov 2026 23:00:00 GMT\r\nRetry-After: Mon, 30 Nov 2026 23:00:01 GMT\r\n";
    let dates = Api::start(move |path, before| if before == 0 && path.contains("/pods") { status(503, date) } else { Sound });
    dates.who_announces().healthy();
    // Who asks for an hour is not waited for, and who asks again and again is not asked for ever.
    let hour = Api::start(|path, _| if path.contains("/nodes") { status(429, "Retry-After: 3600\r\n") } else { Sound });
    let ran = hour.who_announces();
    ran.gap("evidence/unreadable", "left alone for 3600 s");
    assert_eq!(hour.asked("/nodes"), 1);
    let always = Api::start(|path, _| if path.contains("/nodes") { status(429, "Retry-After: 0\r\n") } else { Sound });
    always.who_announces().gap("evidence/unreadable", "too busy (429)");
    assert_eq!(always.asked("/nodes"), 6);
}

#[test]
fn pages_without_end_are_cut_by_a_bound_of_their_own() {
    let api = Api::start(|path, _| if path.contains("/ipaddresspools") { Endless } else { Sound });
    let ran = api.run("metallb-flow", &["--static"]);
    ran.gap("evidence/bounded", "no end within 200 pages");
    assert_eq!((ran.code, api.asked("/ipaddresspools")), (5, 200));
    let speakers = Api::start(|path, _| if speakers(path) { Endless } else { Sound });
    let ran = speakers.run("metallb-flow", &["--static"]);
    ran.gap("evidence/bounded", "no end within 200 pages");
    assert_eq!(ran.code, 5);
}

#[test]
fn lists_that_are_too_large_are_cut_and_the_process_stays_small() {
    let api = Api::start(|path, _| if path.contains("limit=") { Fat } else { Sound });
    for playbook in ["metallb-flow", "examples/who-announces.rhai"] {
        let more = if playbook == "metallb-flow" { &["--static"][..] } else { &[] };
        let mut child = api.command(&SERVICE, playbook, more).stdout(Stdio::piped()).spawn().unwrap();
        let (mut output, status) = (child.stdout.take().unwrap(), format!("/proc/{}/status", child.id()));
        let reading = std::thread::spawn(move || serde_json::from_reader::<_, Value>(&mut output));
        let mut most: u64 = 0;
        let code = loop {
            let told = std::fs::read_to_string(&status).unwrap_or_default();
            let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
            most = most.max(peak.unwrap_or_default());
            match child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let report = reading.join().unwrap().unwrap();
        assert!((1..256 << 10).contains(&most), "{playbook}: {} MiB were resident", most >> 10);
        // What was cut is a gap, whatever the playbook looks for; its own values had room.
        assert!(report["gaps"].to_string().contains("it was left out"), "{playbook}: {}", report["gaps"]);
        assert!(matches!(code, Some(4 | 5)), "{playbook}: {code:?} {}", report["summary"]);
        assert!(!report.to_string().contains("E0305"), "{playbook}: {}", report["summary"]);
    }
}

#[test]
fn an_expired_list_begins_again_once() {
    let more = || Answer(200, String::new(), json!({"metadata": {"continue": "tok"}, "items": []}).to_string());
    let once = Api::start(move |path, before| match (path.contains("/nodes"), path.contains("continue=")) {
        (true, true) => status(410, ""),
        (true, false) if before == 0 => more(),
        _ => Sound,
    });
    once.who_announces().healthy();
    let always = Api::start(move |path, _| match (path.contains("/nodes"), path.contains("continue=")) {
        (true, true) => status(410, ""),
        (true, false) => more(),
        _ => Sound,
    });
    always.who_announces().gap("evidence/unreadable", "410");
    assert_eq!(always.asked("/nodes"), 4);
}

/// Every item, with that change.
fn changed(items: Vec<Value>, change: fn(&mut Value)) -> Vec<Value> {
    let each = |mut item: Value| {
        change(&mut item);
        item
    };
    items.into_iter().map(each).collect()
}

#[test]
fn garbage_is_no_fact() {
    let kinds: [fn(&str) -> bool; 4] = [
        speakers,
        |path| path.contains("/endpointslices"),
        |path| path.contains("/l2advertisements"),
        |path| path.contains("/ipaddresspools"),
    ];
    let changes: [fn(Vec<Value>) -> Vec<Value>; 5] = [
        |items| items.iter().map(|_| json!({})).collect(),
        |items| items.iter().map(|_| json!("an object")).collect(),
        |items| changed(items, |item| item["metadata"]["name"] = json!(7)),
        |items| changed(items, |item| item["metadata"]["namespace"] = json!("elsewhere")),
        |items| {
            changed(items, |item| {
                item["spec"] = json!([1]);
                item["endpoints"] = json!(3);
            })
        },
    ];
    for (number, of) in kinds.into_iter().enumerate() {
        // Every kind meets two kinds of garbage, every kind of garbage a kind.
        for change in [changes[number % 5], changes[(number + 2) % 5]] {
            let ran = Api::start(move |path, _| if of(path) { Items(change) } else { Sound }).run("metallb-flow", &["--static"]);
            ran.gap("evidence/unreadable", " cannot be ");
            assert_eq!(ran.code, 5, "kind {number}");
        }
    }
}

#[test]
fn what_is_no_list_and_no_log_is_not_read_as_one() {
    let page = || Answer(200, "Content-Type: text/html\r\n".to_owned(), "<html>log in, please</html>".to_owned());
    Api::start(move |path, _| if path.contains("/log") { page() } else { Sound })
        .who_announces()
        .gap("evidence/log-unreadable", "a page for people");
    let nonsense = || Answer(200, "Content-Type: text/plain\r\n".to_owned(), "first\nsecond\n".to_owned());
    Api::start(move |path, _| if path.contains("/log") { nonsense() } else { Sound })
        .who_announces()
        .gap("evidence/log-unreadable", "not one of its 2 lines");
    let refusal = || Answer(200, String::new(), json!({"kind": "Status", "metadata": {}, "status": "Failure", "code": 500}).to_string());
    let ran = Api::start(move |path, _| if speakers(path) { refusal() } else { Sound }).run("metallb-flow", &["--static"]);
    ran.gap("evidence/unreadable", "is no list of pods");
    assert_eq!(ran.code, 5);
}

#[test]
fn what_is_no_speakers_metrics_proves_no_silence() {
    let answers: [fn() -> Fault; 5] = [
        || Answer(200, "Content-Type: text/plain\r\n".to_owned(), String::new()),
        || Answer(200, "Content-Type: application/json\r\n".to_owned(), json!({"metrics": []}).to_string()),
        || Answer(200, "Content-Type: text/plain\r\n".to_owned(), "\u{0}\u{1}\u{2}".repeat(1000)),
        || Answer(200, "Content-Type: text/plain\r\n".to_owned(), "# HELP go_threads x\ngo_threads 9\n".to_owned()),
        || Half,
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        // Without their logs the speakers' metrics are asked for.
        let ran = Api::start(move |path, _| match path {
            path if path.contains("/proxy/metrics") => answer(),
            path if path.contains("/log?") => status(403, ""),
            _ => Sound,
        })
        .who_announces();
        ran.gap("evidence/metrics-unreadable", "");
        assert!(!ran.steps().contains("lacks 10.88.64.100"), "{number}: {}", ran.steps());
    }
}

#[test]
fn nobody_is_sent_on_with_credentials() {
    let thief = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}/stolen", thief.local_addr().unwrap());
    let told = format!("Location: {place}\r\n");
    let api = Api::start(move |path, _| if path.contains("/nodes") { Answer(302, told.clone(), String::new()) } else { Sound });
    api.who_announces().gap("evidence/unreadable", &format!("sends on to {place} (302), which is not followed"));
    thief.set_nonblocking(true).unwrap();
    assert!(thief.accept().is_err(), "nobody came");
    assert!(api.port != 0);
}

#[test]
fn a_byte_a_second_ends_by_the_runs_time() {
    let api = Api::start(|path, _| if path.contains("/nodes") { Trickle } else { Sound });
    let recording = api.place.path().join("run.lbdiag");
    let ran = api.run("examples/who-announces.rhai", &["--timeout", "3s", "--record", recording.to_str().unwrap()]);
    // 4 s, and as much again for a machine that is busy with other things.
    ran.within(8);
    assert!(ran.gaps().iter().any(|(name, _)| *name == "evidence/time-ran-out"), "{:?}", ran.gaps());
    let replay = api.run("examples/who-announces.rhai", &["--replay", recording.to_str().unwrap()]);
    // Whether its thread came back in time is the machine's matter, and told in the gap.
    let names = |ran: &Ran| ran.gaps().into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!((replay.code, names(&replay)), (ran.code, names(&ran)), "the replay ends as the run did");
}

/// One thing that a manifest of RBAC allows: verb, group, resource with its part, and the namespace, or everywhere.
type Allowed = (String, String, String, Option<String>);

/// What `examples/rbac.yaml` allows.
fn allowed_by_the_manifest() -> Vec<Allowed> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rbac.yaml")).unwrap();
    let documents: Vec<Value> = text.split("\n---\n").map(|document| serde_yaml::from_str(document).unwrap()).collect();
    let texts = |value: &Value| -> Vec<String> { value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect() };
    let mut all = Vec::new();
    for role in documents.iter().filter(|document| document["rules"].is_array()) {
        let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
        for rule in role["rules"].as_array().unwrap() {
            for (group, resource) in
                texts(&rule["apiGroups"]).iter().flat_map(|group| texts(&rule["resources"]).into_iter().map(move |r| (group, r)))
            {
                all.extend(texts(&rule["verbs"]).into_iter().map(|verb| (verb, group.clone(), resource.clone(), namespace.clone())));
            }
        }
    }
    all
}

/// What a request wants, as an API server says it.
fn wanted(target: &str) -> Allowed {
    let path = target.split('?').next().unwrap();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, rest) = if parts[0] == "api" { ("", &parts[2..]) } else { (parts[1], &parts[3..]) };
    let (namespace, rest) = if rest[0] == "namespaces" && rest.len() > 2 { (Some(rest[1].to_owned()), &rest[2..]) } else { (None, rest) };
    let verb = if rest.len() > 1 { "get" } else { "list" };
    let resource = rest.get(2).map_or_else(|| rest[0].to_owned(), |part| format!("{}/{part}", rest[0]));
    (verb.to_owned(), group.to_owned(), resource, namespace)
}

fn permits(rules: &[Allowed], (verb, group, resource, namespace): &Allowed) -> bool {
    rules.iter().any(|(v, g, r, n)| v == verb && g == group && r == resource && (n.is_none() || n == namespace))
}

/// A server that lets through what the rules allow.
fn under(rules: Vec<Allowed>) -> Api {
    Api::start(move |path, _| {
        let want = wanted(path);
        if permits(&rules, &want) {
            return Sound;
        }
        let (verb, group, resource, _) = want;
        let message = format!("{resource} is forbidden: User \"lbdiag\" cannot {verb} resource \"{resource}\" in API group \"{group}\"");
        Answer(
            403,
            String::new(),
            json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": message, "code": 403}).to_string(),
        )
    })
}

#[test]
fn the_least_permissions_suffice_and_what_is_missing_is_named() {
    let rules = allowed_by_the_manifest();
    assert!(rules.iter().all(|(verb, ..)| ["get", "list"].contains(&verb.as_str())), "it only reads");
    let whole = under(rules.clone());
    let ran = whole.run("service-static", &[]);
    assert_eq!((ran.code, ran.gaps()), (0, Vec::new()), "{}", ran.report["summary"]);
    let asked: Vec<Allowed> = whole.asked.lock().unwrap().iter().map(|path| wanted(path)).collect();
    let used: Vec<&Allowed> = rules.iter().filter(|rule| asked.iter().any(|want| permits(std::slice::from_ref(*rule), want))).collect();
    assert!(used.len() >= 10, "{used:?}");
    for missing in used {
        let less: Vec<Allowed> = rules.iter().filter(|rule| *rule != missing).cloned().collect();
        let ran = under(less).run("service-static", &[]);
        let (verb, _, resource, _) = missing;
        let named = ran.report["gaps"].to_string().contains(&format!("cannot {verb} resource \\\"{resource}\\\""));
        assert!(named, "without {verb} {resource}: exit {}, {:#?}", ran.code, ran.gaps());
        // Nothing can be said of a Service that may not be read. Of the rest, `pass` may stand beside the gap.
        assert!(ran.code != 0 || (verb.as_str(), resource.as_str()) != ("get", "services"), "{}", ran.report["summary"]);
    }
}
