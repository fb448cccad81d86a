//! Keeps the arrows of ARCHITECTURE.md: reads every path of every source file, and refuses one that points the wrong way.

#![expect(clippy::expect_used, reason = "without the sources there is nothing to check")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

#[path = "architecture/proofs.rs"]
mod proofs;

/// A layer, the layers that it may name, and the crates that it and few others may name.
struct Layer {
    name: &'static str,
    may: &'static [&'static str],
    crates: &'static [&'static str],
}

/// The table of ARCHITECTURE.md.
const LAYERS: [Layer; 9] = [
    Layer { name: "model", may: &["model"], crates: &[] },
    Layer { name: "analysis", may: &["analysis", "model"], crates: &[] },
    Layer { name: "evidence", may: &["evidence", "model"], crates: &["kube", "k8s_openapi", "russh", "pcap", "tokio"] },
    Layer { name: "report", may: &["report", "model"], crates: &[] },
    Layer { name: "outcomes", may: &["outcomes", "model"], crates: &[] },
    Layer { name: "words", may: &["words", "analysis", "outcomes", "evidence", "model"], crates: &["rhai"] },
    // Of the words it names what stands in `WORDS_DATA` alone.
    Layer { name: "language", may: &["language", "words", "model"], crates: &["rhai"] },
    Layer { name: "engine", may: &["engine", "language", "words", "evidence", "model"], crates: &["rhai"] },
    Layer {
        name: "cli",
        may: &["cli", "engine", "language", "words", "report", "outcomes", "evidence", "analysis", "model"],
        crates: &["clap", "indicatif"],
    },
];

/// Crates that belong to some layers alone.
const KEPT: [&str; 8] = ["kube", "k8s_openapi", "russh", "pcap", "tokio", "rhai", "clap", "indicatif"];
const PRINTING: [&str; 4] = ["print", "println", "eprint", "eprintln"];
/// Modules that would be nobody's home.
const NAMELESS: [&str; 5] = ["util", "utils", "helper", "helpers", "misc"];

#[test]
fn the_arrows_hold() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&source);
    assert!(files.len() > 40, "only {} files found below {}", files.len(), source.display());
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable source file");
        let shown = file.strip_prefix(&source).expect("a file below src").to_string_lossy().into_owned();
        wrong.extend(violations(&shown, &text));
    }
    assert!(wrong.is_empty(), "the arrows of ARCHITECTURE.md are broken:\n{}", wrong.join("\n"));
}

#[test]
fn every_planted_violation_is_found() {
    let cases = [
        ("model/a.rs", "use crate::evidence::Evidence;", "model may not name evidence"),
        ("model/a.rs", "fn f() { let x: crate::words::Run = g(); }", "model may not name words"),
        ("model/a.rs", "use std::fs::read;", "model does no input or output"),
        ("model/deep/a.rs", "use super::super::super::report::text;", "model may not name report"),
        ("analysis/a.rs", "use crate::{model::packet::Packet, evidence::host};", "analysis may not name evidence"),
        ("analysis/a.rs", "async fn f() {}", "async is for evidence"),
        ("analysis/a.rs", "fn f() { std::process::Command::new(\"id\"); }", "analysis does no input or output"),
        ("evidence/a.rs", "use crate::analysis::election;", "evidence may not name analysis"),
        ("evidence/a.rs", "use rhai::Dynamic;", "evidence may not use the crate rhai"),
        ("report/a.rs", "use crate::evidence::error::printable;", "report may not name evidence"),
        ("outcomes/a.rs", "use crate::report::text;", "outcomes may not name report"),
        ("words/a.rs", "use crate::evidence::live::open;", "a live module"),
        ("words/a.rs", "use crate::evidence::host::live::pool as hosts;", "a live module"),
        ("words/a.rs", "fn f() { tokio::spawn(g()); }", "words may not use the crate tokio"),
        ("words/a.rs", "fn f() { let _ = g(|| println!(\"x\")); }", "only cli prints"),
        ("words/a.rs", "use crate::engine::load;", "words may not name engine"),
        ("language/a.rs", "use crate::evidence::Evidence;", "language may not name evidence"),
        ("language/a.rs", "use crate::engine::run;", "language may not name engine"),
        ("engine/a.rs", "use crate::analysis::judge;", "engine may not name analysis"),
        ("engine/a.rs", "use crate::cli::run;", "engine may not name cli"),
        ("engine/a.rs", "use crate::evidence::live;", "a live module"),
        ("engine/a.rs", "use clap::Parser;", "engine may not use the crate clap"),
        ("cli/a.rs", "use kube::Client;", "cli may not use the crate kube"),
        ("cli/a.rs", "mod inner { pub use russh::client; }", "cli may not use the crate russh"),
        ("model/util.rs", "", "a home for nothing in particular"),
        ("model/a.rs", "//", "begins without `//!`"),
        ("model/a.rs", "#[allow(dead_code)] fn f() {}", "`#[expect(.., reason = ..)]`"),
    ];
    for (file, code, expected) in cases {
        let text = if code == "//" { String::new() } else { format!("//! A file.\n{code}\n") };
        let found = violations(file, &text);
        assert!(found.iter().any(|violation| violation.contains(expected)), "{file}: {code}: {found:?}");
    }
}

#[test]
fn no_files_stand_in_a_circle() {
    let circles = Graph::of_the_house().circles();
    assert!(circles.is_empty(), "these files come to each other: {circles:#?}");
}

/// Lines of a file, its tests aside.
const MOST_LINES: usize = 400;

#[test]
fn no_file_is_longer_than_can_be_read() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let shown = |file: &PathBuf| file.strip_prefix(&source).expect("a file below src").to_string_lossy().into_owned();
    let lines = |file: &PathBuf| std::fs::read_to_string(file).expect("a readable source file").lines().count();
    let all = rust_files(&source).into_iter().map(|file| (shown(&file), lines(&file)));
    let longer: Vec<_> = all.filter(|(file, lines)| *lines > MOST_LINES && !of_tests(file)).collect();
    assert!(longer.is_empty(), "these files have more than {MOST_LINES} lines; split them where their rooms are: {longer:?}");
}

/// What gives the text of a section, or makes the key of a question: the judgement has typed parts of a state, and typed questions.
const TEXT_OF_A_STATE: [&str; 4] = [".section(", ".text_of(", ".key()", ".sections"];

#[test]
fn the_judgement_reads_no_text_of_a_state() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut looked_at = 0;
    for file in rust_files(&source.join("analysis/judge")) {
        let text = std::fs::read_to_string(&file).expect("a readable source file");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let found: Vec<&str> = TEXT_OF_A_STATE.into_iter().filter(|text| code.contains(text)).collect();
        assert!(found.is_empty(), "{}: {found:?}; give it a typed part in analysis/state", file.display());
        // A question's key that is put together by hand.
        assert!(!code.contains("},,\"") && !code.contains("},{source},{"), "{}: ask by RouteQuestion", file.display());
        looked_at += 1;
    }
    assert!(looked_at > 40, "only {looked_at} files of the judgement found");
}

/// Whether a file holds tests alone.
fn of_tests(file: &str) -> bool {
    file.split('/').any(|part| part.trim_end_matches(".rs") == "tests")
}

/// What `language` may come to of the layer of words: descriptions, what fits them, the error that carries a mistake, and how a value is
/// written.
const WORDS_DATA: [&str; 9] = [
    "words/all.rs",
    "words/word.rs",
    "words/fits.rs",
    "words/forms.rs",
    "words/kind_names.rs",
    "words/kind_text.rs",
    "words/mistake.rs",
    "words/printed.rs",
    "words/manual/",
];

#[test]
fn whatever_reads_the_language_touches_nothing() {
    let graph = Graph::of_the_house();
    let reached = graph.reached_from("language/");
    assert!(reached.contains_key("words/manual/probe.rs"), "the words' descriptions are not named: {reached:?}");
    for (file, way) in &reached {
        assert!(!file.starts_with("evidence/") && !file.starts_with("analysis/"), "language comes to {file}: {}", way.join(" → "));
        let data = !file.starts_with("words/") || WORDS_DATA.iter().any(|known| file.starts_with(known));
        assert!(data, "language comes to {file}, which is no description: {}", way.join(" → "));
    }
}

#[test]
fn planted_circles_and_chains_are_found() {
    let file = |path: &str, code: &str| (path.to_owned(), format!("//! A file.\n{code}\n"));
    let graph = Graph::of(&[
        file("lib.rs", "pub mod a; pub mod b;"),
        file("a/mod.rs", "pub mod x; pub mod y; pub use x::X;"),
        file("a/x.rs", "use super::y::Y; pub struct X;"),
        file("a/y.rs", "fn f() { let _ = crate::b::g(); }"),
        file("b.rs", "use crate::a::x::{self, X}; #[cfg(test)] mod tests { use crate::c::d; }"),
        file("c.rs", "use crate::b::g;"),
    ]);
    assert_eq!(graph.circles(), [vec!["a/x.rs".to_owned(), "a/y.rs".to_owned(), "b.rs".to_owned()]]);
    assert_eq!(graph.reached_from("c.rs")["a/x.rs"], ["c.rs", "b.rs", "a/x.rs"]);
}

/// Whether it is the first file of a folder in which the other one stands: those two are one.
fn leads(first: &str, file: &str) -> bool {
    let folder = first.strip_suffix("mod.rs").map(str::to_owned).or_else(|| first.strip_suffix(".rs").map(|name| format!("{name}/")));
    folder.is_some_and(|folder| file.starts_with(&folder))
}

/// Which file names which, by every path of its code; tests are left out.
struct Graph {
    names: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn of_the_house() -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let shown = |file: &PathBuf| file.strip_prefix(&source).expect("a file below src").to_string_lossy().into_owned();
        let read = |file: &PathBuf| (shown(file), std::fs::read_to_string(file).expect("a readable source file"));
        let files: Vec<(String, String)> = rust_files(&source).iter().map(read).filter(|(file, _)| !of_tests(file)).collect();
        Self::of(&files)
    }

    fn of(files: &[(String, String)]) -> Self {
        let modules: BTreeMap<Vec<String>, &str> = files.iter().map(|(file, _)| (module(file), file.as_str())).collect();
        let names = files.iter().map(|(file, text)| {
            let mut seen = Seen::new(file);
            seen.visit_file(&syn::parse_file(text).expect("a source file"));
            let named = seen.absolute.iter().filter_map(|path| {
                (0..=path.len())
                    .rev()
                    .find_map(|length| modules.get(&path[..length]))
                    .copied()
                    .filter(|other| *other != file.as_str() && !leads(other, file))
            });
            (file.clone(), named.filter(|other| !["lib.rs", "main.rs"].contains(other)).map(str::to_owned).collect())
        });
        Self { names: names.collect() }
    }

    /// Every file that is come to from files of that begin, with the shortest way.
    fn reached_from(&self, begin: &str) -> BTreeMap<String, Vec<String>> {
        let mut reached: BTreeMap<String, Vec<String>> =
            self.names.keys().filter(|file| file.starts_with(begin)).map(|file| (file.clone(), vec![file.clone()])).collect();
        let mut next: VecDeque<String> = reached.keys().cloned().collect();
        while let Some(file) = next.pop_front() {
            for other in self.names.get(&file).into_iter().flatten() {
                if !reached.contains_key(other) {
                    let way = reached[&file].iter().chain([other]).cloned().collect();
                    reached.insert(other.clone(), way);
                    next.push_back(other.clone());
                }
            }
        }
        reached
    }

    /// Files that come to each other, in groups of at least two.
    fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self.names.keys().map(|file| (file.as_str(), self.behind(file))).collect();
        let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
        for (file, behind) in reached.iter().filter(|(file, behind)| behind.contains(**file)) {
            circles.insert(behind.iter().filter(|other| reached[**other].contains(file)).map(|other| (*other).to_owned()).collect());
        }
        circles.into_iter().collect()
    }

    /// Every file that is come to from this one; itself only when it stands in a circle.
    fn behind<'a>(&'a self, file: &str) -> BTreeSet<&'a str> {
        let mut behind = BTreeSet::new();
        let mut next: Vec<&str> = self.names.get(file).into_iter().flatten().map(String::as_str).collect();
        while let Some(one) = next.pop() {
            if behind.insert(one) {
                next.extend(self.names.get(one).into_iter().flatten().map(String::as_str));
            }
        }
        behind
    }
}

#[test]
fn what_is_allowed_is_left_alone() {
    for (file, code) in [
        ("cli/a.rs", "use crate::evidence::live; fn f() { println!(\"x\"); }"),
        ("evidence/live/a.rs", "use tokio::spawn; use crate::evidence::host::live::x; async fn f() {}"),
        ("words/a.rs", "use rhai::Dynamic; use crate::evidence::cluster::Cluster; use super::session::Run;"),
        ("analysis/a/b.rs", "use super::super::election; use super::c;"),
        ("report/a.rs", "#[cfg(test)] mod tests { use super::*; fn f() { println!(\"x\"); } }"),
        ("model/a.rs", "/// Says `println!`.\nfn f() { let println = \"crate::cli\"; }"),
    ] {
        assert_eq!(violations(file, &format!("//! A file.\n{code}\n")), Vec::<String>::new(), "{file}: {code}");
    }
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What is wrong in one file, given by its path below `src`.
fn violations(file: &str, text: &str) -> Vec<String> {
    let mut seen = Seen::new(file);
    let parsed = match syn::parse_file(text) {
        Ok(parsed) => parsed,
        Err(error) => return vec![format!("{file}: {error}")],
    };
    if !text.starts_with("//!") {
        seen.wrong("begins without `//!` that says what it is for");
    }
    if file.split('/').any(|part| NAMELESS.contains(&part.trim_end_matches(".rs"))) {
        seen.wrong("is a home for nothing in particular; name it after what it holds");
    }
    seen.visit_file(&parsed);
    seen.wrong.into_iter().collect()
}

struct Seen<'a> {
    file: &'a str,
    layer: Option<&'static Layer>,
    /// The modules from the crate's root to this file.
    module: Vec<String>,
    wrong: BTreeSet<String>,
    /// Every path of this crate that it names, from the crate's root.
    absolute: BTreeSet<Vec<String>>,
}

/// The module that a file holds, from the crate's root.
fn module(file: &str) -> Vec<String> {
    let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

impl<'a> Seen<'a> {
    fn new(file: &'a str) -> Self {
        let module = module(file);
        let layer = LAYERS.iter().find(|layer| module.first().is_some_and(|first| first == layer.name));
        Self { file, layer, module, wrong: BTreeSet::new(), absolute: BTreeSet::new() }
    }

    fn wrong(&mut self, what: &str) {
        self.wrong.insert(format!("src/{}: {what}", self.file));
    }

    /// Judges one path, given by its parts.
    fn path(&mut self, parts: &[String]) {
        if let Some(absolute) = self.absolute(parts) {
            self.absolute.insert(absolute);
        } else if parts.len() > 1 {
            // Perhaps a module below this one.
            self.absolute.insert(self.module.iter().chain(parts).cloned().collect());
        }
        let Some(layer) = self.layer else { return };
        let Some(first) = parts.first() else { return };
        if KEPT.contains(&first.as_str()) && !layer.crates.contains(&first.as_str()) {
            self.wrong(&format!("{} may not use the crate {first}", layer.name));
        }
        let pure = ["model", "analysis", "report", "outcomes"].contains(&layer.name);
        if pure
            && first == "std"
            && parts.get(1).is_some_and(|part| ["fs", "net", "process", "io", "env", "thread"].contains(&part.as_str()))
        {
            // Addresses are plain data that happen to live in `std::net`.
            let address = parts.get(1).is_some_and(|part| part == "net")
                && parts.get(2).is_some_and(|part| {
                    part.starts_with("Ip") || part.starts_with("SocketAddr") || part.starts_with("AddrParse") || part == "self"
                });
            if !address {
                self.wrong(&format!("{} does no input or output, and names {}", layer.name, parts.join("::")));
            }
        }
        let Some(absolute) = self.absolute(parts) else { return };
        let Some(target) = absolute.first() else { return };
        if LAYERS.iter().any(|other| other.name == target) && !layer.may.contains(&target.as_str()) {
            self.wrong(&format!("{} may not name {target} ({})", layer.name, parts.join("::")));
        }
        if ["words", "engine"].contains(&layer.name) && target == "evidence" && absolute.iter().any(|part| part == "live") {
            self.wrong(&format!("{} names a live module ({})", layer.name, parts.join("::")));
        }
    }

    /// The path from the crate's root, when it is one of this crate.
    fn absolute(&self, parts: &[String]) -> Option<Vec<String>> {
        match parts.first()?.as_str() {
            "crate" => Some(parts[1..].to_vec()),
            "self" => Some(self.module.iter().chain(&parts[1..]).cloned().collect()),
            "super" => {
                let ups = parts.iter().take_while(|part| *part == "super").count();
                let kept = self.module.len().checked_sub(ups)?;
                Some(self.module[..kept].iter().chain(&parts[ups..]).cloned().collect())
            }
            _ => None,
        }
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.path(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.path(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.path(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
        }
    }
}

impl<'ast> Visit<'ast> for Seen<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // A single word is a local name, never a crate.
        if parts.len() > 1 {
            self.path(&parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let name = item.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if PRINTING.contains(&name.as_str()) && self.layer.is_some_and(|layer| layer.name != "cli") {
            self.wrong(&format!("only cli prints, and here stands {name}!"));
        }
        visit::visit_macro(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() && self.layer.is_some_and(|layer| layer.name != "evidence") {
            self.wrong(&format!("async is for evidence alone ({})", signature.ident));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("allow") {
            self.wrong("has `#[allow]`; write `#[expect(.., reason = ..)]`");
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests may do what the code may not.
        let tests = item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg") && quoted(attribute).contains("test"));
        if !tests {
            self.module.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }
}

fn quoted(attribute: &syn::Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    }
}
