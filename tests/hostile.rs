//! Playbooks that mean harm, or are very wrong: each ends by itself, within its time and 256 MiB, with an exit code that is documented.
//!
//! `tests/hostile/scripts.txt` holds most of them: `== name | option | …`, then the playbook's body, and what stands beside it: `>> module PATH`
//! and `>> hook WHEN STEP` with their lines, `>> param NAME: {…`. The largest are made here.

#![expect(clippy::expect_used, reason = "a test fails by them")]

use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The time that each is given, and the processor time that it may take beyond that to end, to sweep and to report.
const LIMIT: Duration = Duration::from_secs(1);
const BEYOND: Duration = Duration::from_secs(15);

/// How long an end is waited for: whatever else the machine does, one that has not come by then does not come.
const NEVER: Duration = Duration::from_secs(150);

/// For those whose end by themselves is what matters.
const PLENTY: Duration = Duration::from_secs(60);

/// The most that the process may have resident. KiB.
const MOST_RESIDENT: u64 = 256 << 10;

/// The exit codes of docs/running.md.
const DOCUMENTED: [i32; 7] = [0, 1, 2, 3, 4, 5, 130];

/// Those that hang in a native function, which no bound on a playbook ends.
const HANG: [&str; 1] = ["sleep"];

/// One playbook.
struct Script {
    name: String,
    uses: String,
    set: Option<String>,
    /// The whole file, or what comes after the header.
    body: Body,
    /// Parameters of its own, as its header has them without the end of the line.
    params: Vec<String>,
    /// Files beside it, by their paths.
    beside: Vec<(String, String)>,
    /// What a site runs at its steps: when, the step, and the fragment.
    hooks: Vec<(String, String, String)>,
}

/// Modules that import each other in a chain.
const CHAIN: usize = 40;

enum Body {
    Whole(Vec<u8>),
    AfterHeader(String),
}

#[test]
fn every_hostile_playbook_ends_within_its_bounds() {
    let scripts: Vec<Script> = listed().into_iter().chain(made()).filter(|script| !HANG.contains(&script.name.as_str())).collect();
    assert!(scripts.len() >= 220, "{} scripts", scripts.len());
    let directory = tempfile::tempdir().expect("a directory");
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = judged(script, directory.path()) {
                        wrong.lock().expect("a lock").push(format!("{}: {why}", script.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("a lock");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), scripts.len(), wrong.join("\n"));
}

#[test]
fn what_a_playbook_told_too_much_is_cut_and_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = listed().into_iter().find(|script| script.name == "gravest-finding-last").expect("the script");
    let end = run(&script, directory.path(), PLENTY);
    assert_eq!(end.status.code(), Some(3), "the gravest finding decides, though it came after the bound");
    // The text report breaks its lines.
    let output = end.output.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in ["the gravest", "the playbook told more than a report holds: 999 more findings were left out"] {
        assert!(output.contains(told), "{told}");
    }
    let script = listed().into_iter().find(|script| script.name == "array-written-by-index").expect("the script");
    let end = run(&script, directory.path(), PLENTY);
    assert_eq!(end.status.code(), Some(2));
    assert!(end.output.contains("the playbook's values take more than 148 MiB"), "{}", end.output);
}

/// A handle that no `during` takes keeps its capture open, on a host of its own each.
#[test]
fn a_run_begins_no_more_than_so_many_captures() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["captures-of-many-hosts", "captures-one-after-the-other"] {
        let script = listed().into_iter().find(|script| script.name == name).expect("the script");
        let end = run(&script, directory.path(), PLENTY);
        assert_eq!(end.status.code(), Some(0), "it judged nothing by them: {}", end.output);
        let output = end.output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(output.contains("left out: a run begins 256 captures at most"), "{output}");
        assert!(output.contains("44 more captures were left out"), "{output}");
    }
}

#[test]
fn what_is_hostile_side_by_side_at_steps_and_in_modules_is_told_for_what_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let scripts = listed();
    let mut wrong = Vec::new();
    for (name, code, told) in [
        ("parallel-in-parallel-by-a-function", 2, "`parallel` stands inside of another one"),
        ("parallel-of-too-many", 2, "it takes 64 closures at most, and these are 65"),
        ("parallel-again-and-again", 2, "a run runs 10000 closures side by side at most"),
        ("parallel-captures-itself", 2, "the variables around the closures hold more than 200000 values, or are too deep"),
        ("parallel-results-kept", 2, "E0305"),
        ("parallel-that-throw", 5, "the playbook told more than a report holds"),
        ("attach-huge", 2, "a report keeps at most 65536 bytes of one piece of data"),
        ("attach-again-and-again", 5, "484 more attachments were left out"),
        ("sort-comparator-that-fails", 2, "E0302"),
        ("module-of-a-module-without-end", 2, "is imported in a circle"),
        ("module-chain", 2, "more than 8 levels deep"),
        ("module-that-escapes", 2, "without `..`"),
        ("module-that-runs-when-read", 2, "E0305"),
        ("module-by-a-computed-name", 2, "as a text that is written out"),
        ("hook-after-that-grows", 2, "the fragment reached a limit"),
        ("hook-that-imports", 2, "a fragment imports only what its playbook imports as well"),
        ("hook-outside-uses", 5, "node.read"),
        ("around-that-catches-the-end", 2, "it does more than 5 million operations"),
        ("around-within-around", 2, "more than 4 fragments stand around each other at the step \"Count\""),
        ("around-that-gives-itself", 2, "is called after the fragment around it has ended"),
        ("around-that-gives-what-is-huge", 2, "the script reached a limit: Size of array"),
    ] {
        let script = scripts.iter().find(|script| script.name == name).expect("the script");
        let end = run(script, directory.path(), PLENTY);
        let output = end.output.split_whitespace().collect::<Vec<_>>().join(" ");
        if end.status.code() != Some(code) || !output.contains(told) {
            let middle: String = output.chars().skip(output.find("error[").unwrap_or(0)).take(400).collect();
            wrong.push(format!("{name}: {:?}, not {told}: {middle}", end.status.code()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is attached is data of the report: its name is no place of a file.
#[test]
fn what_is_attached_under_the_name_of_a_path_writes_no_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = listed().into_iter().find(|script| script.name == "attach-names-that-are-paths").expect("the script");
    let end = run(&script, directory.path(), PLENTY);
    assert!(end.status.code() == Some(0) && !end.output.contains('\u{1b}'), "{}", end.output);
    let mut files: Vec<_> =
        fs::read_dir(directory.path().join(&script.name)).expect("a folder").flatten().map(|one| one.file_name()).collect();
    files.sort();
    assert_eq!(files, ["hostile.rhai", "lib", "out"]);
    assert_eq!(fs::read_dir(directory.path()).expect("a folder").count(), 1);
}

/// How a run ended.
struct End {
    status: ExitStatus,
    took: Duration,
    /// The most that was resident, KiB.
    resident: u64,
    output: String,
}

fn judged(script: &Script, directory: &Path) -> Result<(), String> {
    let end = run(script, directory, LIMIT);
    if std::env::var_os("HOSTILE_SHOWN").is_some() {
        let first: String = end.output.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().chars().take(100).collect();
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("{:40} {:?} {:.1?} {} MiB {first}\n", script.name, end.status.code(), end.took, end.resident >> 10).as_bytes(),
        );
    }
    match end.status.code() {
        None => return Err(format!("ended by {} after {:?}: {}", end.status, end.took, tail(&end.output))),
        Some(code) if !DOCUMENTED.contains(&code) => return Err(format!("exit {code}: {}", tail(&end.output))),
        Some(_) => {}
    }
    if end.took > LIMIT + BEYOND {
        return Err(format!("took {:?}", end.took));
    }
    if end.resident > MOST_RESIDENT {
        return Err(format!("{} MiB were resident", end.resident >> 10));
    }
    if end.output.contains("panicked at") {
        return Err(format!("panicked: {}", tail(&end.output)));
    }
    Ok(())
}

fn tail(output: &str) -> String {
    output.chars().take(300).collect()
}

fn run(script: &Script, directory: &Path, limit: Duration) -> End {
    let place = directory.join(&script.name);
    fs::create_dir_all(place.join("lib")).expect("a folder");
    let playbook = place.join("hostile.rhai");
    fs::write(&playbook, script.text()).expect("a file");
    for (name, text) in &script.beside {
        fs::write(place.join(format!("{name}.rhai")), text).expect("a file");
    }
    let shown = place.join("out");
    let out = File::create(&shown).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    command.arg("run").arg(&playbook).args(["-q", "--timeout"]);
    command.arg(format!("{}s", limit.as_secs())).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::null()).stderr(out.try_clone().expect("a file")).stdout(out);
    if let Some(set) = &script.set {
        command.arg("--set").arg(set);
    }
    if script.hooks.is_empty() {
        command.args(["--replay", "tests/recordings/healthy.lbdiag"]);
    } else {
        // A replay has the site of its recording.
        command.args(["--world", "tests/worlds/healthy.world", "--site"]).arg(script.site(&place));
    }
    let (status, took, resident) = watched(command.spawn().expect("lbdiag"), limit);
    let output = String::from_utf8_lossy(&fs::read(&shown).expect("its output")).into_owned();
    End { status, took, resident, output }
}

/// Waits for the end, and looks at the processor time that was taken and the most that was resident until shortly before it. What never ends
/// is ended.
fn watched(mut child: Child, limit: Duration) -> (ExitStatus, Duration, u64) {
    let began = Instant::now();
    let (mut resident, mut took) = (0, Duration::ZERO);
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        resident = resident.max(peak.unwrap_or(0));
        took = took.max(processor_time(child.id()));
        if let Some(status) = child.try_wait().expect("a child") {
            return (status, took, resident);
        }
        if took > limit + BEYOND || began.elapsed() > limit + NEVER {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a process has taken of the processors so far, all its threads together.
fn processor_time(process: u32) -> Duration {
    let told = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything: user and system time are the 12th and 13th field, in hundredths of a second.
    let fields = told.rsplit(')').next().unwrap_or_default().split_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

impl Script {
    fn text(&self) -> Vec<u8> {
        match &self.body {
            Body::Whole(bytes) => bytes.clone(),
            Body::AfterHeader(body) => {
                let params = ["namespace: { type: string", "service: { type: string", "from: { type: vantages", "x: { type: string"];
                let mut text = "//! ---\n//! name: hostile\n//! version: 1.0.0\n//! about: hostile\n".to_owned();
                let _ = writeln!(text, "//! uses: [{}]\n//! params:", self.uses);
                for param in params.into_iter().chain(self.params.iter().map(String::as_str)) {
                    let _ = writeln!(text, "//!   {param}, required: false }}");
                }
                text.push_str("//! ---\n");
                text.push_str(body);
                text.into_bytes()
            }
        }
    }
}

impl Script {
    fn new(name: &str, body: Body) -> Self {
        let (params, beside, hooks) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), uses: "cluster.read".to_owned(), set: None, body, params, beside, hooks }
    }

    /// Writes the file of a site with its fragments.
    fn site(&self, place: &Path) -> PathBuf {
        let mut text = "data: { of: { type: list, value: [a] } }\nhooks:\n".to_owned();
        for (index, (when, step, fragment)) in self.hooks.iter().enumerate() {
            let _ = writeln!(text, "- {{ playbook: hostile, {when}: \"{step}\", run: {index}.hook }}");
            fs::write(place.join(format!("{index}.hook")), fragment).expect("a file");
        }
        let file = place.join("site.yaml");
        fs::write(&file, text).expect("a file");
        file
    }

    /// Another file of it begins; what was told of it before `>> `.
    fn begin(&mut self, what: &str) {
        match what.split_once(' ') {
            Some(("module", path)) => self.beside.push((path.to_owned(), module(path, ""))),
            Some(("param", param)) => self.params.push(param.to_owned()),
            Some(("hook", at)) => {
                let (when, step) = at.split_once(' ').expect("when, and a step");
                self.hooks.push((when.to_owned(), step.to_owned(), String::new()));
            }
            _ => panic!("`{what}` of {} is not known", self.name),
        }
    }

    /// A line of what began last.
    fn line(&mut self, line: &str, of: &str) {
        let text = match (of, &mut self.body) {
            ("module", _) => self.beside.last_mut().map(|(_, text)| text),
            ("hook", _) => self.hooks.last_mut().map(|(.., text)| text),
            (_, Body::AfterHeader(body)) => Some(body),
            (_, Body::Whole(_)) => None,
        };
        if let Some(text) = text {
            text.push_str(line);
            text.push('\n');
        }
    }
}

/// The file of a module.
fn module(name: &str, body: &str) -> String {
    let name = name.replace('/', "-");
    format!("//! ---\n//! name: {name}\n//! version: 1.0.0\n//! about: hostile\n//! uses: [cluster.read]\n//! ---\n{body}")
}

/// The scripts of the list.
fn listed() -> Vec<Script> {
    let text = include_str!("hostile/scripts.txt");
    let mut scripts: Vec<Script> = Vec::new();
    let mut within = "";
    for line in text.lines().filter(|line| !line.starts_with("-- ")) {
        if let Some(head) = line.strip_prefix("== ") {
            let mut parts = head.split(" | ");
            let mut script = Script::new(parts.next().unwrap_or_default(), Body::AfterHeader(String::new()));
            within = "";
            for part in parts {
                match part.split_once(' ') {
                    Some(("uses", uses)) => uses.clone_into(&mut script.uses),
                    Some(("set", set)) => script.set = Some(set.replace("\\n", "\n").replace("\\e", "\u{1b}")),
                    _ => panic!("`{part}` of {} is not known", script.name),
                }
            }
            scripts.push(script);
        } else if let Some(script) = scripts.last_mut() {
            match line.strip_prefix(">> ") {
                Some(what) => {
                    within = what.split(' ').next().unwrap_or_default();
                    script.begin(what);
                }
                None if line == "{{chain}}" => script.beside.extend((0..CHAIN).map(chained)),
                None => script.line(
                    match line {
                        "{{big}}" => "let s = \"x\"; while s.len() < 500000 { s += s; }",
                        "{{service}}" => "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");",
                        other => other,
                    },
                    within,
                ),
            }
        }
    }
    scripts
}

/// A module that imports the next one.
fn chained(number: usize) -> (String, String) {
    let next = number + 1;
    let body = if next < CHAIN { format!("import \"lib/m{next}\" as m;\nfn f() {{ m::f() }}\n") } else { "fn f() { 1 }\n".to_owned() };
    (format!("lib/m{number}"), module(&format!("m{number}"), &body))
}

/// Those that are long and alike throughout.
fn made() -> Vec<Script> {
    let done = "finding(\"site/x\", \"info\", \"a\", \"done\");";
    let around =
        |one: &str, inside: &str, other: &str, times: usize| format!("let x = {}{inside}{};", one.repeat(times), other.repeat(times));
    let big = "let s = \"x\"; while s.len() < 500000 { s += s; }\n";
    let numbered = |times: usize, each: &dyn Fn(usize) -> String| (0..times).map(each).collect::<String>();
    let bodies = [
        ("many-variables", format!("{big}{}", numbered(990, &|i| format!("let v{i} = s + {i};\n")))),
        ("deep-expression", around("(", "1", ")", 5_000)),
        ("deep-blocks", format!("{}{}", "{".repeat(3_000), "}".repeat(3_000))),
        ("deep-closures", around("|a| ", "1", "", 3_000)),
        ("comments-within-comments", format!("{}{}\n{done}", "/*".repeat(20_000), "*/".repeat(20_000))),
        ("interpolation-within-interpolation", around("`${", "1", "}`", 2_000)),
        ("array-literals-within-array-literals", around("[", "", "]", 4_000)),
        ("large-switch", format!("let x = switch 1 {{ {} }}; {done}", numbered(50_000, &|i| format!("{i} => {i},")))),
        ("method-chain", around("1", "", ".to_string()", 20_000)),
        ("else-if-chain", format!("if 1 == 2 {{ }}{}", " else if 1 == 2 { }".repeat(20_000))),
        ("minus-chain", around("-", "1", "", 20_000)),
        ("plus-chain", around("1", "", " + 1", 50_000)),
        ("many-functions", format!("{}{done}", numbered(5_000, &|i| format!("fn f{i}() {{ {i} }}\n")))),
        ("wide-array-literal", format!("let x = [{}]; {done}", "1,".repeat(150_000))),
        ("wide-map-literal", format!("let x = #{{ {} }}; {done}", numbered(20_000, &|i| format!("k{i}: {i},")))),
        ("long-string-literal", format!("let x = \"{}\"; {done}", "x".repeat(1 << 20))),
    ];
    let script = Script::new;
    let mut all: Vec<Script> = bodies.into_iter().map(|(name, body)| script(name, Body::AfterHeader(body))).collect();
    let mut aliases =
        "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   a0: &a0 { type: enum, values: [x] }\n".to_owned();
    for level in 1..20 {
        let _ =
            writeln!(aliases, "//!   a{level}: &a{level} {{ type: enum, values: [{}] }}", vec![format!("*a{}", level - 1); 9].join(","));
    }
    aliases.push_str("//! ---\n1;");
    all.push(script("yaml-aliases", Body::Whole(aliases.into_bytes())));
    all.push(script("no-text", Body::Whole(b"\x00\xff\xfe".repeat(1_000))));
    all.push(script("header-without-end", Body::Whole([b"//! ---\n".to_vec(), b"//! x: y\n".repeat(2_000_000)].concat())));
    let lines = Script { body: Body::AfterHeader("let a = 1;\n".repeat(3_000_000)), ..script("huge-playbook", Body::Whole(Vec::new())) };
    all.push(lines);
    all
}
