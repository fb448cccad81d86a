//! That no proof of the judgement asks another one: followed in the source text, from the function of each row through all that it calls.
//!
//! A function that gives findings is a rule's own when the rows of that rule alone name it. Then no other rule's row comes to it. One that
//! several rules' rows name is a computation that they share (`Rule::of` says why), and each row takes of it what has its own name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};

/// A path from the crate's root.
type At = Vec<String>;

#[derive(Default)]
struct File {
    module: At,
    /// What a name means that the file takes from elsewhere.
    uses: BTreeMap<String, At>,
}

#[derive(Default)]
struct Function {
    /// Whether what it gives holds a finding.
    gives_findings: bool,
    calls: Named,
}

/// What a piece of code names.
#[derive(Clone, Default)]
struct Named {
    paths: BTreeSet<At>,
    methods: BTreeSet<String>,
}

/// A row of the judgement's tables.
struct Row {
    proof: String,
    rule: String,
    calls: Named,
    /// Whether it takes of a shared computation what is its own.
    filters: bool,
}

#[derive(Default)]
struct Judgement {
    files: BTreeMap<At, File>,
    functions: BTreeMap<At, Function>,
    rows: Vec<Row>,
    /// The proofs and stages themselves.
    tables: BTreeSet<At>,
}

impl Judgement {
    /// Reads files, each given by its module and its text.
    fn of(files: &[(At, String)]) -> Self {
        let mut judgement = Self::default();
        for (module, text) in files {
            let parsed = syn::parse_file(text).expect("a source file");
            let mut file = File { module: module.clone(), ..File::default() };
            for item in &parsed.items {
                if let syn::Item::Use(item) = item {
                    file.take(&[], &item.tree);
                }
            }
            for item in &parsed.items {
                judgement.item(&file, module, item);
            }
            judgement.files.insert(module.clone(), file);
        }
        judgement
    }

    fn item(&mut self, file: &File, within: &At, item: &syn::Item) {
        let at = |name: &syn::Ident| within.iter().cloned().chain([name.to_string()]).collect::<At>();
        match item {
            syn::Item::Fn(function) => self.function(file, at(&function.sig.ident), &function.sig, &function.block),
            syn::Item::Impl(block) => {
                let syn::Type::Path(of) = &*block.self_ty else { return };
                let Some(of) = of.path.segments.last() else { return };
                for item in &block.items {
                    if let syn::ImplItem::Fn(function) = item {
                        let at = at(&of.ident).into_iter().chain([function.sig.ident.to_string()]).collect();
                        self.function(file, at, &function.sig, &function.block);
                    }
                }
            }
            syn::Item::Const(item) => {
                let syn::Type::Path(kind) = &*item.ty else { return };
                let kind = kind.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
                if ["Proof", "FirstOf", "AllOf"].contains(&kind.as_str()) {
                    self.tables.insert(at(&item.ident));
                }
                if let (true, syn::Expr::Struct(row)) = (kind == "Proof", &*item.expr) {
                    self.row(file, &item.ident.to_string(), row);
                }
            }
            _ => {}
        }
    }

    fn function(&mut self, file: &File, at: At, signature: &syn::Signature, block: &syn::Block) {
        let mut gives = Named::default();
        if let syn::ReturnType::Type(_, kind) = &signature.output {
            gives = named(file, |names| names.visit_type(kind));
        }
        let takes = named(file, |names| signature.inputs.iter().for_each(|input| names.visit_fn_arg(input)));
        let findings = |names: &Named| names.paths.iter().any(|path| path.last().is_some_and(|last| last == "Finding"));
        // What only says another way what it is given proves nothing.
        let gives_findings = findings(&gives) && !findings(&takes);
        self.functions.insert(at, Function { gives_findings, calls: named(file, |names| names.visit_block(block)) });
    }

    fn row(&mut self, file: &File, proof: &str, row: &syn::ExprStruct) {
        let field = |name: &str| {
            let is = |field: &&syn::FieldValue| matches!(&field.member, syn::Member::Named(member) if member == name);
            row.fields.iter().find(is).map(|field| named(file, |names| names.visit_expr(&field.expr)))
        };
        let rule = field("rule").and_then(|rule| rule.paths.first().and_then(|path| path.last().cloned())).expect("a row's rule");
        let calls = field("apply").expect("what a row looks for");
        // `rules::RULE.of(…)`, or the rule handed on to the function that filters.
        let filters = calls.methods.contains("of") || calls.paths.iter().any(|path| path.last() == Some(&rule));
        self.rows.push(Row { proof: proof.to_owned(), rule, calls, filters });
    }

    /// The function or table that a path means, wherever it was taken from.
    fn meant(&self, path: &At) -> Option<At> {
        let mut path = path.clone();
        for _ in 0..8 {
            if self.functions.contains_key(&path) || self.tables.contains(&path) {
                return Some(path);
            }
            let (last, module) = path.split_last()?;
            path.clone_from(self.files.get(module)?.uses.get(last)?);
        }
        None
    }

    /// Everything that is come to from what is named, each with the way to it.
    fn reached(&self, from: &Named) -> BTreeMap<At, At> {
        let mut ways: BTreeMap<At, At> = BTreeMap::new();
        let mut open: Vec<(At, At)> = self.direct(from).into_iter().map(|at| (at, At::new())).collect();
        while let Some((at, mut way)) = open.pop() {
            if ways.contains_key(&at) {
                continue;
            }
            way.push(at.join("::"));
            if let Some(function) = self.functions.get(&at) {
                open.extend(self.direct(&function.calls).into_iter().map(|next| (next, way.clone())));
            }
            ways.insert(at, way);
        }
        ways
    }

    fn direct(&self, from: &Named) -> BTreeSet<At> {
        let paths = from.paths.iter().filter_map(|path| self.meant(path));
        // Of which type a method is, the text does not tell: any of the judgement's may be meant.
        let is_method = |at: &At| at.len() > 1 && at[at.len() - 2].starts_with(char::is_uppercase);
        let methods = self.functions.keys().filter(|at| is_method(at) && at.last().is_some_and(|name| from.methods.contains(name)));
        paths.chain(methods.cloned()).collect()
    }

    /// For each function that gives findings and that rows name, the rules of these rows.
    fn owners(&self) -> BTreeMap<At, BTreeSet<&str>> {
        let mut owners: BTreeMap<At, BTreeSet<&str>> = BTreeMap::new();
        for row in &self.rows {
            for at in self.direct(&row.calls) {
                if self.functions.get(&at).is_some_and(|function| function.gives_findings) {
                    owners.entry(at).or_default().insert(&row.rule);
                }
            }
        }
        owners
    }

    fn wrong(&self) -> Vec<String> {
        let owners = self.owners();
        let mut wrong = Vec::new();
        for row in &self.rows {
            for (at, way) in self.reached(&row.calls) {
                if self.tables.contains(&at) {
                    wrong.push(format!("{} comes to the table {}: {}", row.proof, at.join("::"), way.join(" → ")));
                }
                let Some(rules) = owners.get(&at) else { continue };
                // A computation that several rules share decides among their proofs.
                let decided = way.iter().filter_map(|step| owners.get(&step.split("::").map(str::to_owned).collect::<At>()));
                let shared = || decided.clone().any(|sharing| sharing.contains(row.rule.as_str()) && rules.is_subset(sharing));
                if !rules.contains(row.rule.as_str()) && !shared() {
                    wrong.push(format!("{} (of {}) comes to the proof of {rules:?}: {}", row.proof, row.rule, way.join(" → ")));
                } else if rules.len() > 1 && rules.contains(row.rule.as_str()) && !row.filters {
                    wrong.push(format!("{} shares {} with {rules:?}, and does not take its own by `Rule::of`", row.proof, at.join("::")));
                }
            }
        }
        wrong
    }
}

impl File {
    fn take(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<At>();
        match tree {
            syn::UseTree::Path(path) => self.take(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) if name.ident == "self" => self.note(before.last().cloned().unwrap_or_default(), before),
            syn::UseTree::Name(name) => self.note(name.ident.to_string(), &with(&name.ident)),
            syn::UseTree::Rename(rename) => self.note(rename.rename.to_string(), &with(&rename.ident)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.take(before, item)),
            syn::UseTree::Glob(_) => {}
        }
    }

    fn note(&mut self, name: String, path: &[String]) {
        let absolute = self.absolute(path);
        self.uses.insert(name, absolute);
    }

    /// A path from the crate's root.
    fn absolute(&self, path: &[String]) -> At {
        let supers = path.iter().take_while(|part| *part == "super").count();
        match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some("self") => self.module.iter().chain(&path[1..]).cloned().collect(),
            Some("super") => self.module[..self.module.len().saturating_sub(supers)].iter().chain(&path[supers..]).cloned().collect(),
            Some(first) => match self.uses.get(first) {
                Some(taken) => taken.iter().chain(&path[1..]).cloned().collect(),
                None => self.module.iter().chain(path).cloned().collect(),
            },
            None => At::new(),
        }
    }
}

fn named(file: &File, visit: impl FnOnce(&mut Names)) -> Named {
    let mut names = Names { file, named: Named::default(), called: BTreeSet::new(), locals: BTreeSet::new() };
    visit(&mut names);
    names.done()
}

struct Names<'a> {
    file: &'a File,
    named: Named,
    /// Single names that are called; others may be a local's.
    called: BTreeSet<String>,
    locals: BTreeSet<String>,
}

impl Names<'_> {
    fn done(mut self) -> Named {
        let hidden: Vec<At> = self.locals.difference(&self.called).map(|name| self.file.absolute(std::slice::from_ref(name))).collect();
        for path in &hidden {
            self.named.paths.remove(path);
        }
        self.named
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: At = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.named.paths.insert(self.file.absolute(&parts));
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(called) = &*call.func
            && let Some(name) = called.path.get_ident()
        {
            self.called.insert(name.to_string());
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_pat_ident(&mut self, local: &'ast syn::PatIdent) {
        self.locals.insert(local.ident.to_string());
        visit::visit_pat_ident(self, local);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.named.methods.insert(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        // Of `format!` and `vec!` the arguments are expressions like others.
        let arguments = item.parse_body_with(syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        if let Ok(arguments) = arguments {
            // The tree ends here, and what it names does not.
            let mut inner = Names { file: self.file, named: Named::default(), called: BTreeSet::new(), locals: BTreeSet::new() };
            arguments.iter().for_each(|argument| inner.visit_expr(argument));
            self.named.paths.append(&mut inner.named.paths);
            self.named.methods.append(&mut inner.named.methods);
            self.called.append(&mut inner.called);
            self.locals.append(&mut inner.locals);
        }
    }
}

#[test]
fn no_proof_asks_another() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = super::rust_files(&source.join("analysis/judge")).into_iter().map(|file| {
        let shown = file.strip_prefix(&source).expect("a file below src").to_string_lossy().into_owned();
        (shown.clone(), std::fs::read_to_string(&file).expect("a readable source file"))
    });
    // How proofs are tried is no proof, and its methods have the names of every list's: who hands it a table is found by the table.
    let files: Vec<(At, String)> = files
        .filter(|(shown, _)| !super::of_tests(shown) && shown != "analysis/judge/rule.rs")
        .map(|(shown, text)| (super::module(&shown), text))
        .collect();
    let judgement = Judgement::of(&files);
    let rules: BTreeSet<&str> = judgement.rows.iter().map(|row| row.rule.as_str()).collect();
    assert!(judgement.rows.len() > 100 && rules.len() > 60, "only {} rows of {} rules found", judgement.rows.len(), rules.len());
    // What is not understood would look as if it called nothing.
    let mute: Vec<&str> =
        judgement.rows.iter().filter(|row| judgement.direct(&row.calls).is_empty()).map(|row| row.proof.as_str()).collect();
    assert!(mute.is_empty(), "no function of these rows is found: {mute:?}");
    let wrong = judgement.wrong();
    assert!(wrong.is_empty(), "proofs ask each other:\n{}", wrong.join("\n"));
}

#[test]
fn planted_proofs_that_ask_each_other_are_found() {
    let file = |module: &[&str], code: &str| (module.iter().map(ToString::to_string).collect::<At>(), format!("//! A file.\n{code}\n"));
    let rows = |apply: &str| {
        format!(
            "use super::a; use super::b::down as other; pub const A: Proof<V> = Proof {{ rule: &rules::ONE, apply: One(|s| a::wrong(s)) }};
             const B: Proof<V> = Proof {{ rule: &rules::TWO, apply: {apply} }};"
        )
    };
    let check = |apply: &str, helper: &str, expected: Option<&str>| {
        let a = format!("use super::b; pub fn wrong(s: &S) -> Option<Finding> {{ {helper} }} pub fn input() -> Option<String> {{ None }}");
        let b = "pub fn down(s: &S) -> Result<Finding, Gap> { let _ = format!(\"{}\", super::rules_of::A.title); Err(s.gap()) } \
                 impl S { fn asked(&self) -> Option<Finding> { inner(self) } } fn inner(s: &S) -> Option<Finding> { super::a::wrong(s) }";
        let b = if expected.is_some_and(|expected| expected.contains("table")) {
            b.to_owned()
        } else {
            b.replace("super::rules_of::A.title", "1")
        };
        let wrong = Judgement::of(&[file(&["j", "a"], &a), file(&["j", "b"], &b), file(&["j", "rules_of"], &rows(apply))]).wrong();
        match expected {
            None => assert_eq!(wrong, [""; 0], "{apply}"),
            Some(expected) => assert!(wrong.iter().any(|wrong| wrong.contains(expected)), "{apply}: {wrong:?}"),
        }
    };
    check("One(|s| other(s).ok())", "None", None);
    check("One(|s| other(s).ok())", "a_value(a::input())", None);
    check("One(|s| other(s).ok())", "b::down(s).ok()", Some("A (of ONE) comes to the proof of {\"TWO\"}"));
    check("Each(other)", "vec![b::down(s).ok()].pop()", Some("A (of ONE) comes to the proof of {\"TWO\"}"));
    check("One(|s| s.asked())", "None", Some("B (of TWO) comes to the proof of {\"ONE\"}: j::b::S::asked → j::b::inner → j::a::wrong"));
    check("One(|s| a::wrong(s))", "None", Some("does not take its own"));
    check("One(|s| rules::TWO.of(a::wrong(s)))", "None", Some("A shares j::a::wrong"));
    check("One(|s| other(s).ok())", "None", Some("B comes to the table j::rules_of::A"));
}
