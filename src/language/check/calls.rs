//! Calls by a name: the script's own functions, words, and Rhai's.

use std::rc::Rc;

use rhai::{Expr, FnCallExpr, Position};

use super::changed::Place;
use super::closures::counted;
use super::natives;
use super::reader::{Id, Reader, key, listed};
use super::types::{Of, Type};
use crate::language::elsewhere;
use crate::model::diagnostic::{Diagnostic, codes, did_you_mean};
use crate::model::finding::Severity;
use crate::words::all;

impl Reader<'_> {
    /// `name(…)`
    pub(super) fn call(&mut self, call: &FnCallExpr, at: Position) -> Type {
        let name = call.name.as_str();
        if call.is_qualified() {
            self.arguments(call).iter().for_each(|kind| self.escapes(kind));
            return Type::ANY;
        }
        if call.is_operator_call() || matches!(name, "!contains") {
            return self.operator(call, at);
        }
        let script = self.script;
        if let Some(own) = script.named(name) {
            let given = self.arguments(call);
            if own.contains_key(&given.len()) {
                return self.own(&key(name, given.len()), &given);
            }
            if !natives::knows(name) && all::word(name).is_none() {
                let takes: Vec<String> = own.keys().map(|count| counted(*count)).collect();
                let signature =
                    own.values().map(|function| format!("{name}({})", function.params.join(", "))).collect::<Vec<_>>().join(" or ");
                let message = format!("`{name}` takes {}, and this is called with {}", takes.join(" or "), given.len());
                self.say(codes::ARGUMENTS, at, message, Some(format!("it is written {signature}")));
                return Type::ANY;
            }
        }
        match (all::word(name), all::formerly(name)) {
            (Some(word), _) => self.word(word, call, at, None),
            (None, Some(word)) => {
                let message = format!("the word `{name}` is called `{}` now", word.name);
                let hint = format!("write `{}`; the old name works until lbdiag 0.3", word.name);
                self.say(codes::OLD_NAME, at, message, Some(hint));
                self.word(word, call, at, None)
            }
            (None, None) => {
                if name == "Fn" {
                    self.pointer(call);
                }
                // What is called like a method may be written like a function too.
                if let (Some(base), "filter" | "map" | "find" | "some" | "all") = (call.args.first(), name) {
                    let base = self.expression(base);
                    let part = base.part();
                    for argument in &call.args[1..] {
                        self.handed(argument, &[part.clone(), Type::INT]);
                    }
                    return Type::ANY;
                }
                let given = self.arguments(call);
                // Written like a function, too, Rhai hands a variable over itself and no copy of it.
                if let (Some(Expr::Variable(variable, ..)), [base, rest @ ..]) = (call.args.first(), given.as_slice())
                    && let Some(id) = self.seen(&variable.1).filter(|_| variable.2.is_empty())
                {
                    self.changed(&Place::of(id), base, call, rest);
                }
                self.native(name, &given, at, false)
            }
        }
    }

    /// What to try with something that cannot be called.
    pub(super) fn nearest_call(&self, name: &str) -> Option<String> {
        if self.is_quiet() {
            return None;
        }
        if let Some(hint) = elsewhere::function(name) {
            return Some(hint);
        }
        let own: Vec<String> = self.script.names().into_iter().map(str::to_owned).collect();
        let known = own.iter().map(String::as_str).chain(all::names().map(|name| -> &str { name }));
        did_you_mean(name, known.chain(natives::names().map(|name| -> &str { name })))
    }

    /// The arguments of a call.
    pub(super) fn arguments(&mut self, call: &FnCallExpr) -> Vec<Type> {
        call.args.iter().map(|argument| self.expression(argument)).collect()
    }

    /// A function of the script's own, by its key.
    pub(super) fn own(&mut self, key: &Rc<str>, given: &[Type]) -> Type {
        for (index, kind) in given.iter().enumerate() {
            self.escapes(kind);
            self.holds(&Id::Param(Rc::clone(key), index), kind);
        }
        self.returned(key)
    }

    /// `Fn("name")`: what is called by it later has to be there.
    fn pointer(&mut self, call: &FnCallExpr) {
        let [Expr::StringConstant(name, at)] = &call.args[..] else { return };
        if self.script.named(name).is_some() {
            self.function_escapes(name);
        } else if let Some(word) = all::word(name).or_else(|| all::formerly(name)) {
            self.capability(word, *at);
        } else if !natives::knows(name) {
            let hint = self.nearest_call(name);
            self.say(codes::UNKNOWN_WORD, *at, format!("there is no word `{name}`"), hint);
        }
    }

    /// The script's own functions may not be called like words: whoever reads the script takes one for the other, and so does Rhai.
    pub(super) fn shadowing(&mut self) {
        let script = self.script;
        for function in script.own() {
            let name = function.name.as_str();
            let Some(word) = all::word(name).or_else(|| all::formerly(name)) else { continue };
            let start = self.source.byte(function.at.line().unwrap_or(1), function.at.position().unwrap_or(1));
            let head = self.source.text.get(..start).unwrap_or_default();
            let written = head.rmatch_indices(name).find(|(at, _)| head[..*at].trim_end().ends_with("fn"));
            let spot = written.map(|(at, name)| self.source.spot(at..at + name.len()));
            let message = format!("the function `{name}` is called like a word: every call of the word would end in it");
            let meaning = word.in_short().trim_end_matches('.');
            self.add(Diagnostic::new(codes::SHADOWS_WORD, spot, message).hint(format!("give it another name; the word: {meaning}")));
        }
    }

    /// A severity that is written out, where the name's own holds and is another one.
    pub(super) fn severity(&mut self, name: Option<&Expr>, severity: Option<&Expr>) {
        let (Some(Expr::StringConstant(name, _)), Some(Expr::StringConstant(given, at))) = (name, severity) else { return };
        let declared = self.header.findings.iter().find(|declared| declared.name == name.as_str()).map(|declared| declared.severity);
        let entry = crate::model::catalogue::entry(name).filter(|entry| !entry.is_gap()).map(|entry| entry.severity);
        let whose = if declared.is_some() { "the header's `findings`" } else { "the catalogue" };
        let Some(fixed) = declared.or(entry).filter(|fixed| Severity::named(given).is_some_and(|given| given != *fixed)) else { return };
        let message = format!("`{name}` weighs {} as {whose} says, and not {given}", fixed.word());
        let hint = "write () for the severity, or take a name of your own that begins with `site/`";
        self.say(codes::OTHER_SEVERITY, *at, message, Some(hint.to_owned()));
    }

    /// The name of a finding, where it is written out.
    pub(super) fn finding(&mut self, written: Option<&Expr>) {
        let Some(Expr::StringConstant(name, at)) = written else { return };
        let declared: Vec<&str> = self.header.findings.iter().map(|declared| declared.name.as_str()).collect();
        let known = || crate::model::catalogue::ENTRIES.iter().map(|entry| entry.name).chain(declared.iter().copied());
        // Where the header declares any, a name that is none of them is mistyped.
        let own = name.starts_with("site/") && declared.is_empty();
        if own || known().any(|known| known == name.as_str()) {
            return;
        }
        let (message, other) = if name.starts_with("site/") {
            (format!("the header's `findings` does not declare `{name}`"), "declare it in the header, with its severity and what it means")
        } else {
            (format!("there is no finding `{name}`"), "a finding of a site's own begins with `site/`; `lbdiag explain` lists the others")
        };
        let hint = did_you_mean(name, known()).unwrap_or_else(|| other.to_owned());
        self.say(codes::FINDING, *at, message, Some(hint));
    }

    /// The rows of a table that are written out, against its columns.
    pub(super) fn table(&mut self, call: &FnCallExpr) {
        let [.., Expr::Array(columns, _), Expr::Array(rows, _)] = &call.args[..] else { return };
        for row in rows {
            if let Expr::Array(cells, at) = row
                && cells.len() != columns.len()
            {
                let message = format!("this row has {} cells, and the table has {} columns", cells.len(), columns.len());
                self.say(codes::ARGUMENTS, *at, message, Some("one cell for each column: () is shown as -".to_owned()));
            }
        }
    }

    /// A capability that is written out.
    pub(super) fn asked_capability(&mut self, call: &FnCallExpr) {
        let [Expr::StringConstant(name, at)] = &call.args[..] else { return };
        let all = crate::model::capability::CAPABILITIES;
        if !all.contains(&name.as_str()) {
            let hint = did_you_mean(name, all).unwrap_or_else(|| format!("the capabilities are {}", listed(all)));
            self.say(codes::HEADER_CAPABILITY, *at, format!("there is no capability `{name}`"), Some(hint));
        }
    }

    /// What `resolve_target_port` gives depends on the port: all of them are a list.
    pub(super) fn gives_several(call: &FnCallExpr, given: &[Type]) -> bool {
        let port = call.args.iter().zip(&given[given.len() - call.args.len()..]).skip(usize::from(given.len() == call.args.len()));
        port.into_iter().any(|(written, kind)| match written {
            Expr::StringConstant(text, _) => text == "*",
            Expr::Dot(pair, ..) => !matches!(&pair.lhs, Expr::Variable(variable, ..) if &*variable.1 == "params"),
            _ => !matches!(kind.of, Of::Int | Of::Never),
        })
    }
}
