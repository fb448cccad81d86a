//! The schemas below `docs/schema` are those of this version, and every JSON that recordings, captures and examples give is valid by them.

#![expect(clippy::expect_used, reason = "without the recordings or the binary there is nothing to check")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

const NAMES: [&str; 4] = ["outcome", "plan", "trace", "site"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn lbdiag(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lbdiag")).args(words).current_dir(root()).output().expect("lbdiag runs")
}

fn json(words: &[&str]) -> Value {
    let told = lbdiag(words);
    serde_json::from_slice(&told.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {}", String::from_utf8_lossy(&told.stderr)))
}

/// A schema that is read from `docs/schema`.
struct Shape {
    name: &'static str,
    schemas: Schemas,
    index: SchemaIndex,
}

impl Shape {
    fn of(name: &'static str) -> Self {
        let text = std::fs::read_to_string(root().join(format!("docs/schema/{name}.json"))).expect("the schema: `make docs` makes it");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("schema.json", value).expect("a resource");
        let index = compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        Self { name, schemas, index }
    }

    fn takes(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| format!("no {}: {error:#}", self.name))
    }

    fn check(&self, value: &Value, what: &str) {
        self.takes(value).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

/// Files of a folder and of those below it that end so, in order.
fn files(folder: &str, ends: &str) -> Vec<PathBuf> {
    let (mut open, mut all) = (vec![root().join(folder)], Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.to_string_lossy().ends_with(ends) {
            all.push(path);
        }
    }
    all.sort();
    all
}

#[test]
fn the_schemas_are_fresh() {
    for name in NAMES {
        let printed = lbdiag(&["schema", name]);
        assert!(printed.status.success());
        let written = std::fs::read(root().join(format!("docs/schema/{name}.json"))).unwrap_or_default();
        assert!(written == printed.stdout, "docs/schema/{name}.json is not what `lbdiag schema {name}` prints: `make docs` renews it");
    }
    assert_eq!(lbdiag(&["schema", "recipe"]).status.code(), Some(2));
}

#[test]
fn outcomes_of_recordings_are_valid() {
    let (shape, mut seen) = (Shape::of("outcome"), 0);
    for recording in files("tests/recordings", ".lbdiag") {
        let shown = recording.to_string_lossy().into_owned();
        // Some are of playbooks that do not ship.
        let told = lbdiag(&["report", &shown, "--report", "json"]);
        let Ok(outcome) = serde_json::from_slice::<Value>(&told.stdout) else { continue };
        shape.check(&outcome, &shown);
        seen += 1;
    }
    assert!(seen >= 60, "only {seen} recordings gave an outcome");
    // It says something: what no run gives is none.
    let mut outcome = json(&["report", "tests/recordings/healthy.lbdiag", "--report", "json"]);
    outcome["verdict"] = "splendid".into();
    assert!(shape.takes(&outcome).is_err());
    outcome["verdict"] = "pass".into();
    assert!(shape.takes(&outcome).is_ok());
    outcome["observed"]["tries"][0]["tried"] = "many".into();
    assert!(shape.takes(&outcome).is_err());
}

#[test]
fn plans_and_traces_are_valid() {
    let plan = Shape::of("plan");
    for recording in ["healthy", "node-firewall-drops-only-routed-client-network", "udp-healthy"] {
        let file = format!("tests/recordings/{recording}.lbdiag");
        plan.check(&json(&["plan", "metallb-flow", "--replay", &file, "--report", "json", "--scripts"]), recording);
    }
    let (trace, mut seen) = (Shape::of("trace"), BTreeSet::new());
    for capture in files("tests/captures", ".pcap") {
        let shown = capture.to_string_lossy().into_owned();
        let told = lbdiag(&["trace", &shown, "--report", "json"]);
        let Ok(value) = serde_json::from_slice::<Value>(&told.stdout) else { continue };
        trace.check(&value, &shown);
        seen.extend(value["connections"].as_array().into_iter().flatten().map(|one| one["end"].to_string()));
    }
    assert!(seen.len() >= 2, "the captures show connections of too few kinds: {seen:?}");
}

#[test]
fn sites_are_valid_and_unknown_keys_are_not() {
    let shape = Shape::of("site");
    let sites: Vec<PathBuf> = files("examples/sites", ".yaml").into_iter().filter(|path| path.ends_with("site.yaml")).collect();
    let read = |text: &str| serde_yaml::from_str::<Value>(text).expect("YAML");
    for site in &sites {
        shape.check(&read(&std::fs::read_to_string(site).expect("a site file")), &site.display().to_string());
    }
    assert!(sites.len() >= 3, "only {} sites", sites.len());
    shape.check(&read("ssh: { port: 22 }\nseverities: { announce/split-brain: warn }\n"), "a small site");
    for wrong in ["shh: {}", "ssh: { port: many }", "accepted: [{ finding: a/b }]", "severities: { a/b: grave }"] {
        assert!(shape.takes(&read(wrong)).is_err(), "{wrong}");
    }
}

/// The fields of a schema that a value fills, and those that it has, each as `Record.field`.
struct Fields<'a> {
    records: &'a serde_json::Map<String, Value>,
    filled: BTreeSet<String>,
    known: BTreeSet<String>,
}

impl Fields<'_> {
    /// The schema's parts below a name: what it refers to, its alternatives, its items and its fields.
    fn parts<'s>(&'s self, schema: &'s Value, name: &str) -> (&'s Value, String) {
        match schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            Some(record) => (&self.records[record], record.to_owned()),
            None => (schema, name.to_owned()),
        }
    }

    fn know(&mut self, schema: &Value, name: &str) {
        let (schema, name) = {
            let (schema, name) = self.parts(schema, name);
            (schema.clone(), name)
        };
        for one in ["anyOf", "oneOf", "allOf"].iter().flat_map(|key| schema[key].as_array().into_iter().flatten()) {
            self.know(one, &name);
        }
        for inner in [&schema["items"], &schema["additionalProperties"]].into_iter().filter(|inner| inner.is_object()) {
            self.know(inner, &name);
        }
        for (field, inner) in schema["properties"].as_object().into_iter().flatten() {
            let named = format!("{name}.{field}");
            if self.known.insert(named.clone()) {
                self.know(inner, &named);
            }
        }
    }

    fn fill(&mut self, value: &Value, schema: &Value, name: &str) {
        let (schema, name) = {
            let (schema, name) = self.parts(schema, name);
            (schema.clone(), name)
        };
        for one in ["anyOf", "oneOf", "allOf"].iter().flat_map(|key| schema[key].as_array().into_iter().flatten()) {
            self.fill(value, one, &name);
        }
        value.as_array().into_iter().flatten().for_each(|one| self.fill(one, &schema["items"], &name));
        for (key, inner) in value.as_object().into_iter().flatten() {
            let field = &schema["properties"][key];
            if field.is_null() {
                self.fill(inner, &schema["additionalProperties"], &name);
                continue;
            }
            let empty = inner.is_null() || ["", "[]", "{}", "\"\""].contains(&inner.to_string().as_str());
            let named = format!("{name}.{key}");
            if !empty {
                self.filled.insert(named.clone());
            }
            self.fill(inner, field, &named);
        }
    }
}

#[test]
fn recordings_fill_every_field_of_what_a_run_observed() {
    let schema: Value = serde_json::from_slice(&lbdiag(&["schema", "outcome"]).stdout).expect("JSON");
    let records = schema["$defs"].as_object().expect("records");
    let mut fields = Fields { records, filled: BTreeSet::new(), known: BTreeSet::new() };
    let of = ["observed", "findings", "gaps", "considered", "witnesses", "captures", "clocks", "touched", "remedies", "steps"];
    for part in of {
        fields.know(&schema["properties"][part], part);
    }
    for recording in files("tests/recordings", ".lbdiag") {
        let told = lbdiag(&["report", &recording.to_string_lossy(), "--report", "json"]);
        let Ok(outcome) = serde_json::from_slice::<Value>(&told.stdout) else { continue };
        for part in of {
            fields.fill(&outcome[part], &schema["properties"][part], part);
        }
    }
    assert!(fields.known.len() > 150, "the schema tells only {} fields", fields.known.len());
    let missing: Vec<&String> = fields.known.difference(&fields.filled).collect();
    assert!(missing.is_empty(), "no recording fills {missing:?}");
}
