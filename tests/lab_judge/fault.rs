//! A fault as data: one YAML file in the fixed form, read strictly.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One file. Only `seen` and `note` may hold whatever their author noted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub title: String,
    pub cause: String,
    #[serde(default = "default_service")]
    pub service: String,
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    #[serde(default = "default_probe_from")]
    pub probe_from: Vec<String>,
    #[serde(default)]
    pub inject: Vec<String>,
    #[serde(default, deserialize_with = "duration")]
    pub settle: Duration,
    #[serde(default)]
    pub heal: Vec<String>,
    pub expect: Expect,
    #[serde(default)]
    pub lab: BTreeMap<String, Value>,
    #[serde(default, rename = "seen")]
    _seen: Option<Value>,
    #[serde(default, rename = "note")]
    _note: Option<Value>,
}

/// What is right. Each list means: any of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    #[serde(deserialize_with = "one_or_many")]
    pub verdict: Vec<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub finding: Vec<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub culprit: Vec<String>,
}

impl Expect {
    /// Whether a pass is right here: then every fail or warn is a false alarm unless it is listed too.
    pub fn is_healthy(&self) -> bool {
        self.verdict.iter().any(|verdict| verdict == "pass")
    }
}

fn default_service() -> String {
    "stacklight/iam-proxy-alertmanager".to_owned()
}

fn default_probe_from() -> Vec<String> {
    vec!["c1".to_owned(), "c2".to_owned()]
}

impl Fault {
    /// Reads the text of a fault file.
    ///
    /// # Errors
    /// Whatever is not of the form, in words that name it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fault: Self = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        for verdict in &fault.expect.verdict {
            if !["pass", "warn", "fail", "inconclusive"].contains(&verdict.as_str()) {
                return Err(format!("expect.verdict: `{verdict}` is no verdict"));
            }
        }
        if fault.expect.verdict.is_empty() {
            return Err("expect.verdict is empty".to_owned());
        }
        if fault.service.split('/').filter(|part| !part.is_empty()).count() != 2 {
            return Err(format!("service: `{}` is not NAMESPACE/NAME", fault.service));
        }
        Ok(fault)
    }

    /// The parameters as `lbdiag --set` takes them; lists are parted by commas.
    pub fn settings(&self) -> Vec<String> {
        let mut settings: BTreeMap<String, String> = BTreeMap::new();
        if let Some((namespace, name)) = self.service.split_once('/') {
            settings.insert("namespace".to_owned(), namespace.to_owned());
            settings.insert("service".to_owned(), name.to_owned());
        }
        let from: Vec<String> = self.probe_from.iter().map(|host| format!("ssh:{host}")).collect();
        settings.insert("from".to_owned(), from.join(","));
        for (name, value) in &self.params {
            settings.insert(name.clone(), words(value));
        }
        settings.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

/// A YAML value as a person would write it on the command line.
pub fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A fault with its name and the directory that its `prelude.sh` lies in.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub directory: PathBuf,
    /// The fault, or why its file is not one.
    pub fault: Result<Fault, String>,
}

/// Every `*.yaml` of the directories, by name. Where two directories use one name, the directory's name goes before it.
///
/// # Errors
/// When a directory cannot be read.
pub fn read_all(directories: &[PathBuf]) -> Result<Vec<Named>, String> {
    let mut all: Vec<Named> = Vec::new();
    for directory in directories {
        let listing = std::fs::read_dir(directory).map_err(|error| format!("read faults of {}: {error}", directory.display()))?;
        let mut files: Vec<PathBuf> = listing.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_yaml(path)).collect();
        files.sort();
        for file in files {
            let stem = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            let parent = directory.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let taken = all.iter().any(|other| other.name == stem);
            let name = if taken { format!("{parent}.{stem}") } else { stem };
            let fault = std::fs::read_to_string(&file).map_err(|error| error.to_string()).and_then(|text| Fault::parse(&text));
            all.push(Named { name, directory: directory.clone(), fault: fault.map_err(|error| format!("{}: {error}", file.display())) });
        }
    }
    Ok(all)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(de::Error::custom(format!("`{text}` is no duration such as 2s"))),
    };
    let number: f64 = number.parse().map_err(|_| de::Error::custom(format!("`{text}` is no duration such as 2s")))?;
    Duration::try_from_secs_f64(number * seconds).map_err(de::Error::custom)
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;
    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(text) = seq.next_element::<String>()? {
                all.push(text);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(OneOrMany)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "title: t\ncause: c\nexpect: { verdict: fail }\n";

    #[test]
    fn what_is_left_out_has_its_default() {
        let fault = Fault::parse(SMALL).unwrap();
        assert_eq!(fault.settings(), ["from=ssh:c1,ssh:c2", "namespace=stacklight", "service=iam-proxy-alertmanager"]);
        assert_eq!(fault.settle, Duration::ZERO);
        assert!(fault.inject.is_empty() && fault.heal.is_empty() && fault.lab.is_empty());
    }

    #[test]
    fn lists_and_single_values_are_both_read() {
        let fault = Fault::parse(
            "title: t\ncause: c\nsettle: 1500ms\nprobe_from: [c2]\nparams: { port: 53, tries: [1, two] }\nlab: { LAB_PROXY: nftables }\n\
             inject: [\"a\", \"b\"]\nexpect: { verdict: [pass, warn], finding: wire/mtu, culprit: [\"node/$ANN\", network] }\nseen: { clients: { c1: answer } }\nnote: [1, 2]\n",
        )
        .unwrap();
        assert_eq!(fault.settle, Duration::from_millis(1500));
        assert_eq!(fault.expect.verdict, ["pass", "warn"]);
        assert_eq!(fault.expect.finding, ["wire/mtu"]);
        assert_eq!(fault.expect.culprit, ["node/$ANN", "network"]);
        assert!(fault.expect.is_healthy());
        assert!(fault.settings().contains(&"tries=1,two".to_owned()));
        assert!(fault.settings().contains(&"port=53".to_owned()));
        assert!(fault.settings().contains(&"from=ssh:c2".to_owned()));
        assert_eq!(words(&fault.lab["LAB_PROXY"]), "nftables");
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        for (text, named) in [
            (format!("{SMALL}speed: 3\n"), "speed"),
            ("title: t\ncause: c\nexpect: { verdict: fail, findings: [a] }\n".to_owned(), "findings"),
            ("title: t\ncause: c\nexpect: { verdict: broken }\n".to_owned(), "broken"),
            ("title: t\ncause: c\nexpect: { verdict: [] }\n".to_owned(), "verdict"),
            ("title: t\ncause: c\nexpect: { finding: a }\n".to_owned(), "verdict"),
            ("cause: c\nexpect: { verdict: fail }\n".to_owned(), "title"),
            (format!("{SMALL}settle: soon\n"), "soon"),
            (format!("{SMALL}service: alone\n"), "alone"),
            (format!("{SMALL}inject: once\n"), "inject"),
            (format!("{SMALL}title: again\n"), "title"),
        ] {
            let error = Fault::parse(&text).expect_err(&text);
            assert!(error.contains(named) || error.contains("sequence"), "{text}: {error}");
        }
    }

    #[test]
    fn every_shipped_fault_is_of_the_form() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/faults");
        let all = read_all(&[directory]).unwrap();
        assert!(all.len() > 30, "{} faults", all.len());
        for named in all {
            let fault = named.fault.unwrap_or_else(|error| panic!("{error}"));
            assert!(!fault.title.is_empty() && !fault.cause.is_empty(), "{}", named.name);
        }
    }
}
