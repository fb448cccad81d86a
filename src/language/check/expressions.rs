//! Expressions: what each gives, and the names in it.

use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::{Expr, Position};

use super::closures;
use super::reader::{Reader, listed};
use super::types::{Key, Of, Shape, Type};
use crate::language::elsewhere;
use crate::model::diagnostic::{codes, did_you_mean};
use crate::model::nearest::nearest;

impl Reader<'_> {
    /// What an expression gives; everything inside of it is read.
    pub(super) fn expression(&mut self, expression: &Expr) -> Type {
        match expression {
            Expr::BoolConstant(..) => Type::BOOL,
            Expr::IntegerConstant(..) => Type::INT,
            Expr::FloatConstant(..) => Type::FLOAT,
            Expr::CharConstant(..) => Of::Char.into(),
            Expr::StringConstant(text, at) => {
                self.plain_quotes(text, *at);
                Type::TEXT
            }
            Expr::Unit(_) => Type::UNIT,
            Expr::InterpolatedString(parts, _) => {
                for part in parts {
                    self.expression(part);
                }
                Type::TEXT
            }
            Expr::Array(parts, _) => {
                let kinds = parts.iter().map(|part| self.expression(part)).collect::<Vec<_>>();
                Type::list(kinds.iter().fold(Type::NEVER, |all, kind| all.join(kind))).bounded()
            }
            Expr::Map(map, _) => self.map(&map.0),
            Expr::Variable(variable, _, at) if variable.2.is_empty() => self.variable(&variable.1, *at, true),
            Expr::Variable(variable, ..) => {
                self.read_by_path(&variable.1);
                Type::ANY
            }
            Expr::DynamicConstant(..) | Expr::Stmt(_) => match (closures::of(expression), expression) {
                (Some(closure), _) => self.closure(closure, None),
                (None, Expr::Stmt(block)) => self.block(block.statements()).value,
                _ => Type::ANY,
            },
            Expr::FnCall(call, at) => self.call(call, *at),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expression),
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                for part in parts.iter() {
                    self.condition(part);
                }
                Type::BOOL
            }
            Expr::Coalesce(parts, _) => {
                let kinds: Vec<Type> = parts.iter().map(|part| self.expression(part)).collect();
                let last = kinds.last().is_none_or(|last| last.nothing);
                let joined = kinds.iter().fold(Type::NEVER, |all, kind| all.join(kind));
                Type { of: joined.of, nothing: last }
            }
            _ => Type::ANY,
        }
    }

    /// `"${name}"`: only backticks put a value in.
    fn plain_quotes(&mut self, text: &str, at: Position) {
        let meant = text.split_once("${").is_some_and(|(_, rest)| rest.split_once('}').is_some_and(|(inside, _)| !inside.is_empty()));
        let quoted = |at: Position| {
            let byte = self.source.byte(at.line()?, at.position()?);
            self.source.text.get(byte..).map(|rest| rest.starts_with('"'))
        };
        if meant && !self.is_quiet() && quoted(at) == Some(true) {
            let hint = "write the text in backticks: `…${value}…`".to_owned();
            self.say(codes::PLAIN_QUOTES, at, "`${…}` stands for itself in a text in quotes", Some(hint));
        }
    }

    fn map(&mut self, entries: &[(rhai::Ident, Expr)]) -> Type {
        let mut keys = BTreeMap::new();
        for (name, value) in entries {
            let value = self.expression(value);
            if matches!(value.of, Of::Function(_) | Of::Any) {
                self.callable_keys.insert(name.name.to_string());
            }
            self.used.keys.insert(name.name.to_string());
            keys.insert(name.name.to_string(), Key { value, at: name.pos });
        }
        Type::from(Of::Shape(Rc::new(Shape { keys, rest: None }))).bounded()
    }

    /// What a variable holds; as it stands for itself, a function of that name is handed on.
    pub(super) fn variable(&mut self, name: &str, at: Position, reads: bool) -> Type {
        if let Some(id) = self.seen(name) {
            return self.held(&id, reads);
        }
        if name == "params" && !self.in_function {
            self.used.all_params |= reads;
            return Of::Params.into();
        }
        if !self.in_function && self.constants.contains(&name) {
            return Type::ANY;
        }
        if self.script.named(name).is_some() {
            self.function_escapes(name);
            return Of::Function(None).into();
        }
        self.undefined(name, at);
        Type::ANY
    }

    /// A name that nothing gave.
    pub(super) fn undefined(&mut self, name: &str, at: Position) {
        if self.is_quiet() {
            return;
        }
        let (message, hint) = if self.in_function && (name == "params" || self.constants.contains(&name)) {
            let hint = "hand what is needed of them to the function as an argument";
            (format!("a `fn` does not see `{name}`: it sees its own parameters alone"), Some(hint.to_owned()))
        } else if self.in_function && self.outer.contains(name) {
            self.meant.insert(name.to_owned());
            let hint = format!("hand `{name}` to the function as an argument, or make a closure of it: `let f = |…| …;`");
            (format!("a `fn` does not see `{name}`, which stands outside of it"), Some(hint))
        } else {
            let near = nearest(name, self.all_seen().chain(["params"]).chain(self.constants.iter().copied())).map(str::to_owned);
            self.meant.extend(near.clone());
            let near = elsewhere::variable(name).or_else(|| near.map(|near| format!("did you mean `{near}`?")));
            let elsewhere = || {
                self.outer
                    .contains(name)
                    .then(|| format!("`{name}` is known only inside of the block that declares it, and behind its `let`"))
            };
            let word = || crate::words::all::word(name).map(|word| format!("`{name}` is a word: it is written {}", word.signature()));
            (
                format!("there is no variable `{name}` here"),
                elsewhere().or(near).or_else(word).or_else(|| Some(format!("declare it before: `let {name} = …;`"))),
            )
        };
        self.say(codes::VARIABLE, at, message, hint);
    }

    /// Something that has to be true or false.
    pub(super) fn condition(&mut self, expression: &Expr) {
        let kind = self.expression(expression);
        if kind.is_unit() || (kind.is_sure() && kind.of != Of::Bool) {
            let hint = match kind.of {
                Of::List(_) | Of::Text(_) => Some("write `!….is_empty()`, or compare it".to_owned()),
                Of::Never => None,
                _ => Some("compare it, such as with `!= ()`".to_owned()),
            };
            self.say(
                codes::OPERATION,
                expression.start_position(),
                format!("this has to be true or false, and it is {}", kind.shown()),
                hint,
            );
        }
    }

    /// A parameter of the header.
    pub(super) fn param(&mut self, name: &str, at: Position) -> Type {
        self.used.params.insert(name.to_owned());
        if let Some(param) = super::reader::parameter(self.header, name) {
            return Type::of_param(param);
        }
        // Of a header that could not be read nothing is known.
        if self.header.name.is_empty() {
            return Type::ANY;
        }
        let known = || self.header.params.iter().map(|param| param.name.as_str());
        let hint = did_you_mean(name, known()).unwrap_or_else(|| match known().count() {
            0 => format!("declare it in the header: `//! params:` and `//!   {name}: {{ type: string }}`"),
            _ => format!("the parameters are {}", listed(known())),
        });
        self.say(codes::PARAMETER, at, format!("the header has no parameter `{name}`"), Some(hint));
        Type::ANY
    }
}
