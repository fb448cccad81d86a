//! What can be said of a playbook before anything is touched: unknown words, and words outside its `uses`.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Position, Stmt};

use super::diagnostics::spot;
use super::header::Header;
use super::literals;
use super::sandbox::rhais_own;
use crate::model::diagnostic::{Diagnostic, Source, codes, did_you_mean};
use crate::words::all;
use crate::words::word::Word;

/// Mistakes that are told of one script: whoever mends so many looks again.
const MOST: usize = 100;

/// The mistakes of a script, and what will be one, in the order of the text.
#[must_use]
pub fn mistakes(engine: &Engine, source: &Source, ast: &AST, header: &Header) -> Vec<Diagnostic> {
    let own: BTreeSet<&str> = ast.iter_functions().map(|function| function.name).collect();
    let mut check = Check { engine, source, header, found: Vec::new() };
    ast.walk(&mut |path| {
        let call = match path.last() {
            Some(ASTNode::Stmt(Stmt::FnCall(call, position)) | ASTNode::Expr(Expr::FnCall(call, position))) => Some((call, *position)),
            _ => None,
        };
        if let Some((call, position)) = call
            && !call.is_qualified()
            && !own.contains(call.name.as_str())
        {
            check.call(call, position);
        }
        check.told(false) < MOST
    });
    let cut = check.told(false) >= MOST;
    let mut found = check.found;
    found.sort_by_key(Diagnostic::start);
    found.dedup();
    if cut {
        found.push(Diagnostic::new(codes::UNKNOWN_WORD, None, "there may be more mistakes: these are as many as are told at once"));
    }
    found
}

/// What is told as something that will be a mistake.
fn is_warning(code: &str) -> bool {
    code.starts_with('W')
}

struct Check<'a> {
    engine: &'a Engine,
    source: &'a Source<'a>,
    header: &'a Header,
    found: Vec<Diagnostic>,
}

impl Check<'_> {
    fn say(&mut self, code: &str, at: Position, message: String, hint: Option<String>) {
        if self.told(is_warning(code)) < MOST {
            self.found.push(Diagnostic::new(code, spot(self.engine, self.source, at), message).maybe(hint));
        }
    }

    /// How many of these there are.
    fn told(&self, warnings: bool) -> usize {
        self.found.iter().filter(|one| is_warning(&one.code) == warnings).count()
    }

    fn call(&mut self, call: &FnCallExpr, at: Position) {
        let name = call.name.as_str();
        let word = match (all::word(name), all::formerly(name)) {
            (Some(word), _) => word,
            (None, Some(word)) => {
                let message = format!("the word `{name}` is called `{}` now", word.name);
                self.say(codes::OLD_NAME, at, message, Some(format!("write `{}`; the old name works until lbdiag 0.3", word.name)));
                word
            }
            (None, None) if rhais_own().contains(name) => return,
            (None, None) => {
                return self.say(codes::UNKNOWN_WORD, at, format!("there is no word `{name}`"), did_you_mean(name, all::names()));
            }
        };
        if !word.capability.is_empty() && !self.header.uses.iter().any(|capability| capability == word.capability) {
            let message = format!("`{name}` needs the capability `{}`, which the header's `uses` does not list", word.capability);
            self.say(codes::CAPABILITY, at, message, Some(format!("add `{}` to `uses` in the header", word.capability)));
        }
        let (least, most) = word.arity();
        if (least..=most).contains(&call.args.len()) {
            self.arguments(word, call);
            self.options(word, call);
        } else {
            self.say(codes::ARGUMENTS, at, word.miscounted(call.args.len()), Some(format!("it is written {}", word.signature())));
        }
    }

    /// The arguments that are written out in the call itself.
    fn arguments(&mut self, word: &Word, call: &FnCallExpr) {
        let first = usize::from(word.options_stand_first() && call.args.len() > word.params.len());
        for (number, (param, written)) in word.params.iter().zip(call.args.iter().skip(first)).enumerate() {
            // Behind the last argument that is needed, options may stand in place of one that is not.
            let options = !param.required && !word.options.is_empty() && number + 1 == call.args.len();
            let taken = literals::may_be_given(param.kind, written) || (options && matches!(written, Expr::Map(..)));
            if !taken {
                let shown = literals::shown(written);
                let message = format!("`{}` takes {} as its {}, and this is {shown}", word.name, param.kind, param.name);
                self.say(codes::ARGUMENTS, written.position(), message, Some(format!("it is written {}", word.signature())));
            }
        }
    }

    /// The options that stand in the call itself.
    fn options(&mut self, word: &Word, call: &FnCallExpr) {
        let given = if word.options_stand_first() { call.args.first() } else { call.args.last() };
        let Some(Expr::Map(map, _)) = given.filter(|_| !word.options.is_empty()) else { return };
        for (key, written) in &map.0 {
            if let Some(option) = word.option(&key.name).filter(|option| !literals::may_be(option.kind, written)) {
                let message = word.refuses(option, &literals::shown(written));
                let hint = format!("`lbdiag words {}` tells all its options", word.name);
                self.say(codes::OPTION_VALUE, written.position(), message, Some(hint));
            }
            match word.option(&key.name) {
                None => {
                    let names = || word.options.iter().map(|option| option.name);
                    let all = || Some(format!("its options are {}", names().collect::<Vec<_>>().join(", ")));
                    let hint = did_you_mean(&key.name, names()).or_else(all);
                    self.say(codes::OPTION, key.pos, format!("`{}` has no option `{}`", word.name, key.name), hint);
                }
                Some(option) if option.formerly == key.name.as_str() => {
                    let message = format!("the option `{}` of `{}` is called `{}` now", key.name, word.name, option.name);
                    self.say(
                        codes::OLD_NAME,
                        key.pos,
                        message,
                        Some(format!("write `{}`; the old name works until lbdiag 0.3", option.name)),
                    );
                }
                Some(_) => {}
            }
        }
    }
}
