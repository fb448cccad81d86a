//! lbdiag as people start it, and everything that it wrote.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::planted::Planted;

/// Everything that one start wrote, by name.
type Written = Vec<(String, Vec<u8>)>;

/// A place to start lbdiag in.
pub(crate) struct Lbdiag {
    home: tempfile::TempDir,
    planted: Arc<Planted>,
    count: AtomicUsize,
}

/// A recording of the repository.
pub(crate) fn recording(name: &str) -> String {
    format!("{}/tests/recordings/{name}.lbdiag", env!("CARGO_MANIFEST_DIR"))
}

impl Lbdiag {
    pub(crate) fn new(planted: &Arc<Planted>) -> Self {
        Self { home: tempfile::tempdir().unwrap(), planted: Arc::clone(planted), count: AtomicUsize::new(0) }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file that lbdiag will read.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        self.planted.gave(text.as_bytes());
        path
    }

    pub(crate) fn kubeconfig(&self, port: u16, user: &Value) {
        self.kubeconfig_with(port, user, "");
    }

    pub(crate) fn kubeconfig_with(&self, port: u16, user: &Value, proxy: &str) {
        let mut cluster = json!({"server": format!("http://127.0.0.1:{port}")});
        if !proxy.is_empty() {
            cluster["proxy-url"] = json!(proxy);
        }
        // What is there in base64 is given as well.
        for key in ["client-key-data", "client-certificate-data"] {
            let data = user.get(key).and_then(Value::as_str).unwrap_or_default();
            self.planted.gave(&base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap());
        }
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        });
        self.file("kubeconfig", &config.to_string());
    }

    /// A recorded run with both reports.
    pub(crate) fn run(&self, playbook: &str, arguments: &[&str]) -> Written {
        self.run_with(playbook, arguments, &[])
    }

    pub(crate) fn run_with(&self, playbook: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Written {
        let record = self.path(&format!("{}.lbdiag", self.count.fetch_add(1, Ordering::Relaxed)));
        let all = [&["run", playbook, "--record", &record, "--timeout", "40s"], arguments].concat();
        let mut written = self.reported(&all, environment);
        if let Ok(packed) = std::fs::read(&record) {
            let mut unpacked = Vec::new();
            MultiGzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
            written.push((format!("recording of {playbook}, packed"), packed));
            written.push((format!("recording of {playbook}, unpacked"), unpacked));
        }
        written
    }

    /// A replay with both reports.
    pub(crate) fn replay(&self, recording: &str) -> Written {
        self.reported(&["run", "metallb-flow", "--replay", recording], &[])
    }

    /// Both reports, the text on standard output.
    fn reported(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Written {
        let json = self.path(&format!("{}.json", self.count.fetch_add(1, Ordering::Relaxed)));
        let report = format!("json={json}");
        let mut written = self.start(&[arguments, &["--report", "text", "--report", &report]].concat(), environment);
        written.extend(std::fs::read(&json).ok().map(|bytes| (format!("{}: JSON", arguments[1]), bytes)));
        written
    }

    /// Another command.
    pub(crate) fn others(&self, arguments: &[&str]) -> Written {
        self.start(arguments, &[])
    }

    fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Written {
        let output = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("KUBECONFIG", self.path("kubeconfig"))
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let name = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        vec![(format!("{name}: standard output"), output.stdout), (format!("{name}: standard error"), output.stderr)]
    }

    /// A copy of a recording of the repository with its answers changed.
    pub(crate) fn poisoned(&self, name: &str, change: impl Fn(&str, &mut Value)) -> String {
        let mut text = String::new();
        MultiGzDecoder::new(std::fs::File::open(recording(name)).unwrap()).read_to_string(&mut text).unwrap();
        let path = self.path(&format!("{name}.lbdiag"));
        let mut out = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
        for (number, line) in text.lines().enumerate() {
            let mut entry: Value = serde_json::from_str(line).unwrap();
            if number > 0 {
                let channel = entry["c"].as_str().unwrap().to_owned();
                change(&channel, &mut entry["a"]);
            }
            let line = format!("{entry}\n");
            self.planted.gave(line.as_bytes());
            out.write_all(line.as_bytes()).unwrap();
        }
        out.finish().unwrap();
        path
    }
}

/// Puts secrets into the texts of an answer, where they do not change what it says.
pub(crate) fn poison(planted: &Planted, name: &str, channel: &str, answer: &mut Value) {
    let at = |what: &str| planted.at(&format!("{name}, {channel}: {what}"));
    match channel {
        "host.run" => {
            if let Some(text) = answer.pointer_mut("/Ok/stderr") {
                *text = json!(format!(
                    "{}\nsudo: password={}\nAuthorization: Basic {}",
                    text.as_str().unwrap(),
                    at("standard error"),
                    at("header")
                ));
            }
            if let Some(text) = answer.pointer_mut("/Ok/stdout") {
                let whole = text.as_str().unwrap().replace("\t0\tclosed", &format!("\t0\ttoken={} closed", at("detail of a try")));
                *text = json!(format!("{whole}\nPROXY_PASSWORD={}\n", at("standard output")));
            }
        }
        "cluster.list" => {
            for object in answer.get_mut("Ok").and_then(Value::as_array_mut).into_iter().flatten() {
                if object.get("involvedObject").is_some() {
                    let message = format!("{} (--token={})", object["message"].as_str().unwrap_or_default(), at("event"));
                    object["message"] = json!(message);
                }
                object["secret"] = json!(at("field"));
                object["metadata"]["annotations"]["x"] = json!(at("annotation"));
            }
        }
        "cluster.log" => {
            if let Some(lines) = answer.get_mut("kept").and_then(Value::as_array_mut) {
                lines.push(json!(format!(
                    "2026-11-23T11:00:00Z {{\"level\":\"error\",\"error\":\"password={}\",\"op\":\"x\"}}",
                    at("line")
                )));
            }
        }
        _ => {}
    }
}
