//! Calls of words, held against their descriptions: capability, number and types of arguments, options.

use rhai::{Expr, FnCallExpr, Position};

use super::closures;
use super::literals;
use super::reader::Reader;
use super::types::{Of, Shape, Type};
use crate::model::diagnostic::{codes, did_you_mean};
use crate::words::word::{Kind, Param, Word};

/// A value that is given to a word, and how it is written; what stands before the dot of a method is not followed further.
struct Given<'a> {
    kind: Type,
    written: Option<&'a Expr>,
}

impl Reader<'_> {
    /// A call of a word; as a method the value before the dot is its first argument.
    pub(super) fn word(&mut self, word: &'static Word, call: &FnCallExpr, at: Position, receiver: Option<&Type>) -> Type {
        self.capability(word, at);
        let mut given: Vec<Given> = receiver.map(|kind| Given { kind: kind.clone(), written: None }).into_iter().collect();
        let mut inner = Type::ANY;
        for argument in &call.args {
            let kind = if let (Expr::Array(parts, _), "parallel") = (argument, word.name) {
                inner = self.beside(parts);
                Type::list(Of::Function(None).into())
            } else if closures::of(argument).is_some() {
                let (kind, gives) = self.handed(argument, &[]);
                inner = gives;
                kind
            } else {
                let kind = self.expression(argument);
                self.escapes(&kind);
                kind
            };
            given.push(Given { kind, written: Some(argument) });
        }
        let (least, most) = word.arity();
        if (least..=most).contains(&given.len()) {
            let options = self.taken(word, &given, at);
            if let Some(options) = options {
                self.options(word, &given[options]);
            }
            self.one_of_each(word, options.map(|options| &given[options]), at);
            self.swapped(word, &given);
        } else {
            self.say(codes::ARGUMENTS, at, word.miscounted(given.len()), Some(format!("it is written {}", word.signature())));
        }
        match word.name {
            "finding" if receiver.is_none() => {
                self.finding(call.args.first());
                self.severity(call.args.first(), call.args.get(1));
            }
            "expect" if receiver.is_none() => {
                self.finding(call.args.get(1));
                self.severity(call.args.get(1), call.args.get(3).and_then(|options| literals::option(options, "severity")));
            }
            "table" => self.table(call),
            "allowed" => self.asked_capability(call),
            _ => {}
        }
        let kinds: Vec<Type> = given.into_iter().map(|given| given.kind).collect();
        match word.name {
            "step" => inner.or_nothing(),
            "parallel" => Type::list(inner),
            "resolve_target_port" if Self::gives_several(call, &kinds) => Type::ANY,
            _ => {
                let kind = Type::of_kind(word.returns.kind);
                if word.returns.nothing_when.is_empty() { kind } else { kind.or_nothing() }
            }
        }
    }

    /// The capability that a word needs.
    pub(super) fn capability(&mut self, word: &'static Word, at: Position) {
        self.used.capabilities.extend(word.uses_besides);
        if word.capability.is_empty() {
            return;
        }
        self.used.capabilities.insert(word.capability);
        // A pod's own place is found by the API.
        if word.params.first().is_some_and(|param| matches!(param.kind, Kind::Place)) || word.name == "pod_netns_capture" {
            self.used.capabilities.insert("cluster.read");
        }
        if !self.header.uses.iter().any(|capability| capability == word.capability) {
            let message = format!("`{}` needs the capability `{}`, which the header's `uses` does not list", word.name, word.capability);
            self.say(codes::CAPABILITY, at, message, Some(format!("add `{}` to `uses` in the header", word.capability)));
        }
    }

    /// Holds the arguments against what the word takes, and tells which of them are its options.
    fn taken(&mut self, word: &Word, given: &[Given], at: Position) -> Option<usize> {
        // Where a function stands last, as in `eventually(#{ … }, || …)`, the options stand before it.
        let before = usize::from(word.options_stand_first() && given.len() > word.params.len());
        let mut options = (before == 1).then_some(0);
        for (number, one) in given.iter().enumerate().skip(before) {
            let last = number + 1 == given.len();
            let is_map = matches!(one.kind.of, Of::Shape(_));
            match word.params.get(number - before) {
                // Behind the last argument that is needed, options may stand in place of one that is not.
                Some(param) if last && is_map && !param.required && !word.options.is_empty() => options = Some(number),
                Some(param) => self.argument(word, param, one, at),
                None if is_map || !one.kind.is_sure() => options = Some(number),
                None => {
                    let message = format!(
                        "`{}` takes its options as a map such as #{{ {}: … }}, and this is {}",
                        word.name,
                        word.options[0].name,
                        one.kind.shown()
                    );
                    let place = one.written.map_or(at, Expr::start_position);
                    self.say(codes::ARGUMENTS, place, message, Some(format!("it is written {}", word.signature())));
                }
            }
        }
        options
    }

    fn argument(&mut self, word: &Word, param: &Param, given: &Given, at: Position) {
        let shown = match given.written {
            Some(written) if !literals::may_be_given(param.kind, written) => literals::shown(written),
            _ if !takes(param.kind, &given.kind) => given.kind.shown(),
            _ => return,
        };
        let usual = || format!("`{}` takes {} as its {}, and this is {shown}", word.name, param.kind, param.name);
        let why = given.written.and_then(|written| literals::wrong(param.kind, written));
        let message = why.map_or_else(usual, |why| if why.starts_with(word.name) { why } else { format!("{}: {why}", word.name) });
        let place = given.written.map_or(at, Expr::start_position);
        self.say(codes::ARGUMENTS, place, message, Some(format!("it is written {}", word.signature())));
    }

    /// The options of a call, written in it or in a variable.
    fn options(&mut self, word: &'static Word, given: &Given) {
        let Of::Shape(shape) = &given.kind.of else { return };
        let written = match given.written {
            Some(Expr::Map(map, _)) => Some(map),
            _ => None,
        };
        let shape: &Shape = shape;
        for (name, key) in &shape.keys {
            let value = written.and_then(|map| map.0.iter().find(|(ident, _)| ident.name == name.as_str())).map(|(_, value)| value);
            let Some(option) = word.option(name) else {
                if !key.at.is_none() {
                    let names = || word.options.iter().map(|option| option.name);
                    let all = || Some(format!("its options are {}", names().collect::<Vec<_>>().join(", ")));
                    let hint = did_you_mean(name, names()).or_else(all);
                    self.say(codes::OPTION, key.at, format!("`{}` has no option `{name}`", word.name), hint);
                }
                continue;
            };
            if option.formerly == name.as_str() {
                let message = format!("the option `{name}` of `{}` is called `{}` now", word.name, option.name);
                self.say(codes::OLD_NAME, key.at, message, Some(format!("write `{}`; the old name works until lbdiag 0.3", option.name)));
            }
            self.option_value(word, option, value, &key.value, key.at);
            self.option_capability(word, option, &key.value, key.at);
        }
        let missing: Vec<&str> = word
            .options
            .iter()
            .filter(|option| option.required && shape.rest.is_none() && !shape.keys.contains_key(option.name))
            .map(|option| option.name)
            .collect();
        if let (false, Some(written)) = (missing.is_empty(), given.written) {
            let message = format!("`{}` needs the option `{}`", word.name, missing.join("`, `"));
            self.say(codes::ARGUMENTS, written.position(), message, Some(format!("`lbdiag words {}` tells all its options", word.name)));
        }
    }

    fn option_value(&mut self, word: &Word, option: &Param, written: Option<&Expr>, kind: &Type, key: Position) {
        let shown = match written {
            Some(written) if !literals::may_be(option.kind, written) => literals::shown(written),
            _ if !takes(option.kind, kind) => kind.shown(),
            _ => return,
        };
        let place = written.map_or(key, Expr::start_position);
        let hint = format!("`lbdiag words {}` tells all its options", word.name);
        let why = written.and_then(|written| literals::wrong(option.kind, written));
        let message = why.map_or_else(|| word.refuses(option, &shown), |why| format!("{}: the option `{}`: {why}", word.name, option.name));
        self.say(codes::OPTION_VALUE, place, message, Some(hint));
    }

    /// Options of which a word needs one.
    fn one_of_each(&mut self, word: &Word, options: Option<&Given>, at: Position) {
        let closed = Shape::default();
        let shape: &Shape = match options.map(|options| &options.kind.of) {
            None => &closed,
            Some(Of::Shape(shape)) => shape,
            Some(_) => return,
        };
        for one_of in word.one_of.iter().filter(|one_of| shape.rest.is_none() && !one_of.iter().any(|name| shape.keys.contains_key(*name)))
        {
            let message = format!("`{}` needs one of the options {}", word.name, one_of.join(", "));
            self.say(codes::ARGUMENTS, at, message, Some(format!("`lbdiag words {}` tells all its options", word.name)));
        }
    }

    /// Arguments that are called like another parameter of their word, of the same kind: likely two of them changed places.
    fn swapped(&mut self, word: &Word, given: &[Given]) {
        for (number, (one, param)) in given.iter().zip(word.params).enumerate() {
            let Some(written) = one.written else { continue };
            let Some(name) = called(written).filter(|name| *name != param.name) else { continue };
            let meant = word.params.iter().enumerate().find(|(other, meant)| *other != number && meant.name == name);
            let same_kind = meant.is_some_and(|(_, meant)| meant.kind.to_string() == param.kind.to_string());
            // Where that one stands at its own place too, this one is meant.
            let twice = meant.is_some_and(|(other, _)| given.get(other).and_then(|given| given.written).and_then(called) == Some(name));
            if same_kind && !twice {
                let message = format!("`{name}` is given to `{}` as its {}, and not as its {name}", word.name, param.name);
                self.say(codes::SWAPPED, written.start_position(), message, Some(format!("it is written {}", word.signature())));
            }
        }
    }

    /// Options that reach further than their word.
    fn option_capability(&mut self, word: &Word, option: &Param, value: &Type, at: Position) {
        if !option.may_need.is_empty() {
            self.used.capabilities.insert(option.may_need);
        }
        for need in option.needs {
            self.used.capabilities.insert(need);
            // What may be () asks for nothing.
            if value.is_sure() && !self.header.uses.iter().any(|capability| capability == need) {
                let message = format!(
                    "the option `{}` of `{}` needs the capability `{need}`, which the header's `uses` does not list",
                    option.name, word.name
                );
                self.say(codes::CAPABILITY, at, message, Some(format!("add `{need}` to `uses` in the header")));
            }
        }
    }
}

/// The name by which a value is written: that of a variable, or of the last field.
fn called(written: &Expr) -> Option<&str> {
    match written {
        Expr::Variable(variable, ..) => Some(&variable.1),
        Expr::Dot(pair, ..) => called(&pair.rhs),
        Expr::Property(property, _) => Some(&property.2),
        _ => None,
    }
}

/// Whether some value of the type may be given for the kind. `()` is for the run to judge: where it stands for what is not known, a word
/// takes it.
fn takes(kind: Kind, given: &Type) -> bool {
    match (kind, &given.of) {
        (_, Of::Any | Of::Never) | (Kind::Any, _) => true,
        (_, Of::Mixed(all)) => all.iter().any(|of| takes(kind, &of.clone().into())),
        (Kind::OneOf(all), Of::Text(Some(some))) => some.iter().any(|text| all.iter().any(|one| one.eq_ignore_ascii_case(text))),
        (Kind::Text | Kind::Form(_) | Kind::Address | Kind::Interface | Kind::Place | Kind::OneOf(_), of) => {
            matches!(of, Of::Text(_) | Of::Char)
        }
        (Kind::Bool, of) => *of == Of::Bool,
        (Kind::Whole { .. } | Kind::Number, of) => *of == Of::Int,
        (Kind::Port | Kind::Mark, of) => matches!(of, Of::Text(_) | Of::Char | Of::Int),
        (Kind::Places, of) => matches!(of, Of::Text(_) | Of::Char | Of::List(_)),
        (Kind::Several(_), of) => matches!(of, Of::Text(_) | Of::Int | Of::List(_)),
        (Kind::CaptureInterface, of) => matches!(of, Of::Text(_) | Of::Shape(_)),
        (Kind::Record(record), Of::Record(given)) => record.name == given.0.name,
        // A map may be a part of what another word gave, unless all of it is written in the script.
        (Kind::Record(_), Of::Shape(shape)) => shape.rest.is_some() || shape.keys.values().any(|key| key.at.is_none()),
        (Kind::List(Kind::Record(record)), Of::List(part)) => match &part.of {
            Of::Record(given) => record.name == given.0.name,
            of => of.alternatives().iter().any(|of| matches!(of, Of::Any | Of::Never | Of::Shape(_) | Of::Record(_))),
        },
        (Kind::List(inner), Of::List(part)) => takes(*inner, part),
        (Kind::Nothing | Kind::Record(_) | Kind::List(_), _) => false,
        (Kind::Map(_), of) => matches!(of, Of::Shape(_) | Of::Record(_) | Of::Params),
        (Kind::Closure, of) => matches!(of, Of::Function(_)),
        (Kind::Either(one, other), _) => takes(*one, given) || takes(*other, given),
    }
}
