//! `lbdiag new`: a playbook, a check, a module, a site or tests to begin with. What it makes is sound at once, and replaces nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::{print, refuse};
use crate::engine::testing::{self, TestFile};
use crate::engine::{self, Playbook};
use crate::evidence::output::rewritten::{create_new, create_new_bytes};
use crate::language::header::{Param, ParamKind};
use crate::model::text::one_line;

/// The small cluster that works, on which new tests run.
const WORLD: &[u8] = include_bytes!("../../../tests/worlds/healthy.world");
const WORLD_NAME: &str = "healthy.world";

/// What a run for a new test may take.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Args, Debug)]
pub(super) struct NewArguments {
    /// What is to be made.
    #[arg(value_enum)]
    what: What,
    /// Its name, with a folder before it or without: `checks/my-check`. Of tests, the playbook that they are for.
    name: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// A playbook that answers a question, with its tests.
    Playbook,
    /// A check for a pipeline, with its tests.
    Check,
    /// Functions that several playbooks share, with a check that tries them.
    Module,
    /// A site file.
    Site,
    /// Tests of a playbook that has none.
    Test,
}

/// A file that is to be made.
struct Made {
    path: PathBuf,
    text: String,
}

/// Makes it, and tells what to do with it.
pub(super) fn new(arguments: &NewArguments) -> Exit {
    match make(arguments.what, &arguments.name) {
        Ok(told) => print(&told),
        Err(error) => refuse(Exit::Usage, &error),
    }
}

fn make(what: What, name: &Path) -> Result<String, String> {
    let stem = stem(what, name)?;
    let with = |ending: &str| stem.with_file_name(format!("{}{ending}", own_name(&stem)));
    let of = |path: PathBuf, template: &str| Made { path, text: template.replace("NAME", &own_name(&stem)) };
    let (files, needs_a_world) = match what {
        What::Playbook => {
            (vec![of(with(".rhai"), include_str!("playbook.rhai")), of(with(".tests.yaml"), include_str!("playbook.tests.yaml"))], true)
        }
        What::Check => {
            (vec![of(with(".rhai"), include_str!("check.rhai")), of(with(".tests.yaml"), include_str!("check.tests.yaml"))], true)
        }
        What::Module => {
            let tries = |ending: &str| stem.with_file_name(format!("try-{}{ending}", own_name(&stem)));
            let files = vec![
                of(with(".rhai"), include_str!("module.rhai")),
                of(tries(".rhai"), include_str!("module-check.rhai")),
                of(tries(".tests.yaml"), include_str!("module-check.tests.yaml")),
            ];
            (files, true)
        }
        What::Site => (vec![of(with(".yaml"), include_str!("site.yaml"))], false),
        What::Test => (Vec::new(), true),
    };
    for file in files.iter().map(|file| &file.path).chain((what == What::Test).then(|| with(".tests.yaml")).as_ref()) {
        refuse_what_is_there(file)?;
    }
    let world = stem.with_file_name(WORLD_NAME);
    let mut told = Vec::new();
    if needs_a_world && !world.exists() {
        create_new_bytes(&world, WORLD).map_err(|error| format!("write {}: {error}", world.display()))?;
        told.push(format!("made {}: a recorded cluster to test on\n", world.display()));
    }
    let files = if what == What::Test { vec![tests(&with(".rhai"), &with(".tests.yaml"))?] } else { files };
    for file in &files {
        create_new(&file.path, &file.text).map_err(|error| format!("write {}: {error}", file.path.display()))?;
        told.push(format!("made {}\n", file.path.display()));
    }
    let shown = |number: usize| files.get(number).map_or_else(String::new, |file| file.path.display().to_string());
    let first = shown(0);
    told.push(match what {
        What::Playbook | What::Check => format!("next: lbdiag test {first}; then change it, and look with lbdiag check {first}\n"),
        What::Module => format!("next: lbdiag test {}; then change {first}, and look with lbdiag check {first}\n", shown(1)),
        What::Test => format!("next: lbdiag test {first}; it expects what the playbook says now, so read it first\n"),
        What::Site => format!("next: lbdiag doctor --site {first}\n"),
    });
    Ok(told.concat())
}

/// The path without an ending that was typed with it.
fn stem(what: What, name: &Path) -> Result<PathBuf, String> {
    let shown = name.display().to_string();
    let endings: &[&str] = if what == What::Site { &[".yaml", ".yml"] } else { &[".tests.yaml", ".rhai"] };
    let stem = PathBuf::from(endings.iter().find_map(|ending| shown.strip_suffix(ending)).unwrap_or(&shown));
    let own = own_name(&stem);
    let sound = own.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && own.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    if what == What::Module && own.contains('.') {
        return Err(format!(
            "`{}` is no name of a module: playbooks import it by a name of letters, digits, `-` and `_`",
            one_line(&shown)
        ));
    }
    if !sound {
        return Err(format!("`{}` is no name: write letters, digits, `-` and `_`, such as my-check", one_line(&shown)));
    }
    Ok(stem)
}

fn own_name(stem: &Path) -> String {
    stem.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn refuse_what_is_there(file: &Path) -> Result<(), String> {
    if std::fs::symlink_metadata(file).is_ok() {
        return Err(format!("{} is there already, and is not replaced; choose another name", file.display()));
    }
    match file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => Err(format!("there is no folder {}; make it first", folder.display())),
        _ => Ok(()),
    }
}

/// Tests of a playbook that expect what it says of the world now.
fn tests(playbook: &Path, path: &Path) -> Result<Made, String> {
    let loaded = engine::load(playbook).map_err(|broken| broken.to_string())?;
    let own = own_name(&playbook.with_extension(""));
    let params = loaded.header.params.iter().filter(|param| param.required && param.default.is_none());
    let params: Vec<String> = params.map(|param| format!("{}: {}", param.name, sample(param))).collect();
    let given = if params.is_empty() { String::new() } else { format!("  params: {{ {} }}\n", params.join(", ")) };
    let text = format!(
        "# What {own}.rhai has to say. `lbdiag test {own}.rhai` runs this on recorded worlds: no cluster is needed.\n# {WORLD_NAME} is a small cluster that works; `lbdiag record --world FILE` records your own.\ntests:\n- name: as it was when this was made\n  world: {WORLD_NAME}\n{given}  expect:\n"
    );
    let expected = expected(&loaded, path, &format!("{text}    verdict: pass\n"))?;
    Ok(Made { path: path.to_owned(), text: format!("{text}{expected}") })
}

/// The lines of the expectation, as a run gives them.
fn expected(playbook: &Playbook, path: &Path, text: &str) -> Result<String, String> {
    let wrong = |mistakes: Vec<crate::model::diagnostic::Diagnostic>| {
        mistakes.first().map_or_else(|| "the tests cannot be made".to_owned(), ToString::to_string)
    };
    let file = TestFile::parse(path, text.to_owned()).map_err(wrong)?;
    let [test] = file.tests.as_slice() else { return Err("the tests cannot be made".to_owned()) };
    let ran = testing::replay(playbook, test, LIMIT, None)?;
    let names: Vec<&str> = ran.end.outcome.findings.iter().map(|finding| finding.name.as_str()).collect();
    let (verdict, exit) = (ran.end.outcome.verdict.word(), ran.exit);
    Ok(format!("    verdict: {verdict}\n    exit: {exit}\n    findings: [{}]\n", names.join(", ")))
}

/// A value that a parameter takes, of the world where it is a thing of the cluster.
fn sample(param: &Param) -> String {
    let known: BTreeMap<&str, &str> = [
        ("namespace", "stacklight"),
        ("service", "iam-proxy-alertmanager"),
        ("address", "10.88.64.100"),
        ("client", "10.88.192.50"),
        ("node", "n2"),
    ]
    .into();
    if let Some(value) = known.get(param.name.as_str()).filter(|_| matches!(param.kind, ParamKind::String | ParamKind::Ip)) {
        return (*value).to_owned();
    }
    sample_of(param, param.kind)
}

fn sample_of(param: &Param, kind: ParamKind) -> String {
    match kind {
        ParamKind::String | ParamKind::List | ParamKind::Name | ParamKind::Host => "example".to_owned(),
        ParamKind::Int => param.least.unwrap_or(1).to_string(),
        ParamKind::Bool => "true".to_owned(),
        ParamKind::Ip => "10.88.64.100".to_owned(),
        ParamKind::Cidr => "10.88.64.0/24".to_owned(),
        ParamKind::Duration => "5s".to_owned(),
        ParamKind::Port => "443".to_owned(),
        ParamKind::Enum => param.values.first().cloned().unwrap_or_default(),
        ParamKind::Vantages => "\"ssh:c1\"".to_owned(),
        ParamKind::Path => "/".to_owned(),
        ParamKind::Statuses => "\"200\"".to_owned(),
        ParamKind::Payload => "hello".to_owned(),
        ParamKind::Sizes => "\"1400\"".to_owned(),
        ParamKind::ListOf(each) => format!("\"{}\"", sample_of(param, each.kind())),
        ParamKind::Map => "{ example: example }".to_owned(),
        ParamKind::Outcome => "earlier.json".to_owned(),
    }
}
