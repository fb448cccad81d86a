//! Operators: what they give, which values they do not take, and comparisons that say always the same.

use std::rc::Rc;

use rhai::{Expr, FnCallExpr, Position};

use super::reader::Reader;
use super::types::{Family, Of, Shape, Type};
use crate::model::diagnostic::{codes, did_you_mean};

impl Reader<'_> {
    /// An operator between two values, or before one.
    pub(super) fn operator(&mut self, call: &FnCallExpr, at: Position) -> Type {
        let kinds: Vec<Type> = call.args.iter().map(|part| self.expression(part)).collect();
        match (call.name.as_str(), kinds.as_slice(), &call.args[..]) {
            ("==" | "!=", [left, right], [one, other]) => self.compared(&call.name, (left, one), (right, other), at),
            ("<" | ">" | "<=" | ">=", [left, right], _) => {
                if differ(left, right) {
                    let message = format!("this is never true: {} is not compared with {}", left.shown(), right.shown());
                    self.say(codes::NEVER_TRUE, at, message, None);
                }
                Type::BOOL
            }
            (".." | "..=", [..], _) => Of::Range.into(),
            ("!", [of], _) => {
                if of.is_unit() || (of.is_sure() && of.of != Of::Bool) {
                    self.say(codes::NO_FUNCTION, at, format!("`!` takes true or false, and this is {}", of.shown()), None);
                }
                Type::BOOL
            }
            ("contains" | "!contains", [_, _], _) => {
                self.native("contains", &kinds, at, false);
                Type::BOOL
            }
            ("-" | "+", [of], _) => {
                if of.is_unit() || (of.is_sure() && !is_number(of)) {
                    self.say(codes::NO_FUNCTION, at, format!("`{}` takes a number, and this is {}", call.name, of.shown()), None);
                }
                of.clone()
            }
            (_, [left, right], _) => self.combined(&call.name, left, right, at),
            _ => Type::ANY,
        }
    }

    /// `left + right` and its like.
    fn combined(&mut self, operator: &str, left: &Type, right: &Type, at: Position) -> Type {
        let numbers = is_number(left) && is_number(right);
        let text = |kind: &Type| matches!(kind.of, Of::Text(_) | Of::Char);
        let map = |kind: &Type| matches!(kind.of, Of::Shape(_));
        if !(left.is_known() || left.is_unit()) || !(right.is_known() || right.is_unit()) {
            return if operator == "+" && (text(left) || text(right)) { Type::TEXT } else { Type::ANY };
        }
        match operator {
            "+" if text(left) || text(right) => Type::TEXT,
            "-" if text(left) && text(right) => Type::TEXT,
            "+" | "-" | "*" | "/" | "%" | "**" if numbers => {
                if left.of == Of::Float || right.of == Of::Float {
                    Type::FLOAT
                } else {
                    Type::INT
                }
            }
            "+" if matches!((&left.of, &right.of), (Of::List(_), Of::List(_))) => Type { of: left.join(right).of, nothing: false },
            "+" => match (&left.of, &right.of) {
                (Of::Shape(one), Of::Shape(other)) => merged(one, other),
                _ if map(left) && map(right) => Type::map(Type::ANY),
                _ => self.not_combined(operator, left, right, at),
            },
            "-" | "*" | "/" | "%" | "**" => self.not_combined(operator, left, right, at),
            _ => Type::ANY,
        }
    }

    /// `left += right` and its like: a list takes any value in.
    pub(super) fn combined_in_place(&mut self, operator: &str, left: &Type, right: &Type, at: Position) -> Type {
        match (operator, &left.of) {
            ("+", Of::List(part)) => Type::list(part.join(&added(right))),
            ("+", Of::Never) if !left.nothing => Type::ANY,
            _ => self.combined(operator, left, right, at),
        }
    }

    fn not_combined(&mut self, operator: &str, left: &Type, right: &Type, at: Position) -> Type {
        let sure = |kind: &Type| kind.is_sure() || kind.is_unit();
        // Records of other records are maps, which can be added.
        if sure(left) && sure(right) && !left.is_part() && !right.is_part() {
            let message = format!("`{operator}` does not take these values: {} and {}", left.shown(), right.shown());
            self.say(codes::NO_FUNCTION, at, message, None);
        }
        Type::ANY
    }

    fn compared(&mut self, operator: &str, (left, one): (&Type, &Expr), (right, other): (&Type, &Expr), at: Position) -> Type {
        let always = if operator == "==" { "never" } else { "always" };
        let (unit, against, written) =
            if matches!(other, Expr::Unit(_)) { (true, left, one) } else { (matches!(one, Expr::Unit(_)), right, other) };
        if unit {
            if against.is_sure() {
                let what = match written {
                    Expr::Dot(..) | Expr::Index(..) | Expr::Variable(..) => "this",
                    _ => "what is compared here",
                };
                let hint = match against.of {
                    Of::List(_) | Of::Shape(_) | Of::Text(_) => Some("ask `.is_empty()`, if that is meant".to_owned()),
                    _ => None,
                };
                self.say(codes::NEVER_TRUE, at, format!("this is {always} true: {what} is {}, and never ()", against.shown()), hint);
            }
        } else if differ(left, right) {
            let message = format!("this is {always} true: {} is not {}", left.shown(), right.shown());
            self.say(codes::NEVER_TRUE, at, message, None);
        } else {
            for (kind, written) in [(left, other), (right, one)] {
                if let (Of::Text(Some(all)), Expr::StringConstant(text, place)) = (&kind.of, written)
                    && !all.iter().any(|known| known == text.as_str())
                {
                    let hint = did_you_mean(text, all.iter().map(String::as_str));
                    let message = format!("this is {always} true: it is one of {}, and never `{text}`", all.join(", "));
                    self.say(codes::NEVER_TRUE, *place, message, hint);
                }
            }
        }
        Type::BOOL
    }
}

fn is_number(kind: &Type) -> bool {
    matches!(kind.of, Of::Int | Of::Float)
}

/// Whether two values are surely of types that have nothing in common.
fn differ(left: &Type, right: &Type) -> bool {
    if left.nothing && right.nothing {
        return false;
    }
    let unknown = |of: &Of| of.family() == Family::Unknown;
    let (left, right) = (left.of.alternatives(), right.of.alternatives());
    !left.iter().chain(right).any(unknown) && !left.iter().any(|one| right.iter().any(|other| one.family() == other.family()))
}

/// The parts that a list gets by `list += value`: those of another list, or the value.
fn added(value: &Type) -> Type {
    let parts = value.of.alternatives().iter().map(|of| match of {
        Of::List(part) => (**part).clone(),
        of => of.clone().into(),
    });
    let parts = parts.fold(Type::NEVER, |all, part| all.join(&part));
    if value.nothing { parts.or_nothing() } else { parts }
}

fn merged(one: &Shape, other: &Shape) -> Type {
    let mut keys = one.keys.clone();
    keys.extend(other.keys.clone());
    let rest = match (&one.rest, &other.rest) {
        (Some(one), Some(other)) => Some(one.join(other)),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    Of::Shape(Rc::new(Shape { keys, rest })).into()
}
