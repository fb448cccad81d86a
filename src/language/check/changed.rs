//! What a script changes in place: lists that grow, keys that are added. Of what is changed less is known.
//!
//! It goes by names alone: when some `rows` is changed anywhere, nothing is known of the parts of any `rows`.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use rhai::{ASTFlags, ASTNode, Expr, Stmt};

use super::script::Script;
use super::types::{Key, Of, Shape, Type};

/// Methods that put something into a list, map or text, or leave another one in its place.
const CHANGING: [&str; 21] = [
    "push",
    "insert",
    "append",
    "set",
    "splice",
    "fill_with",
    "mixin",
    "pad",
    "remove",
    "clear",
    "make_upper",
    "make_lower",
    "trim",
    "crop",
    "replace",
    "truncate",
    "drain",
    "retain",
    "take",
    "set_tag",
    "fill",
];

/// What is changed of the names of a script.
#[derive(Default)]
pub(super) struct Changes(HashMap<String, Change>);

#[derive(Clone, Default)]
struct Change {
    /// Keys that are set by their names.
    keys: BTreeSet<String>,
    /// It gets parts or keys that are not known by name.
    parts: bool,
    /// Something inside of a part is changed.
    deep: bool,
}

/// Whether a method changes the value before its dot.
pub(super) fn changes(method: &str) -> bool {
    CHANGING.contains(&method)
}

impl Changes {
    /// Those of every body of the script.
    pub(super) fn of(script: &Script) -> Self {
        let mut all = Self::default();
        let own = script.names();
        for statement in script.bodies().flatten() {
            statement.walk(&mut Vec::new(), &mut |path| {
                match path.last() {
                    Some(ASTNode::Stmt(Stmt::Assignment(assigned))) => all.assigned(&assigned.1.lhs),
                    Some(ASTNode::Expr(chain @ (Expr::Dot(..) | Expr::Index(..)))) => all.called(chain, &own),
                    _ => {}
                }
                true
            });
        }
        all
    }

    fn assigned(&mut self, left: &Expr) {
        let Some((root, steps)) = steps(left) else { return };
        let change = self.0.entry(root.to_owned()).or_default();
        match steps.as_slice() {
            [Expr::Property(property, _)] => {
                change.keys.insert(property.2.to_string());
            }
            [Expr::StringConstant(name, _)] => {
                change.keys.insert(name.to_string());
            }
            [_] => change.parts = true,
            _ => change.deep = true,
        }
    }

    fn called(&mut self, chain: &Expr, own: &BTreeSet<&str>) {
        let Some((root, steps)) = steps(chain) else { return };
        for (depth, step) in steps.iter().enumerate() {
            let Expr::MethodCall(call, _) = step else { continue };
            if changes(&call.name) || own.contains(call.name.as_str()) {
                let change = self.0.entry(root.to_owned()).or_default();
                if depth == 0 {
                    change.parts = true;
                }
                if depth > 0 || own.contains(call.name.as_str()) {
                    change.deep = true;
                }
            }
            // What a method gives is another value.
            break;
        }
    }

    /// Whether a key of that name is set somewhere.
    pub(super) fn sets(&self, key: &str) -> bool {
        self.0.values().any(|change| change.keys.contains(key))
    }

    /// A name's type without what the script changes of it.
    pub(super) fn weaken(&self, name: &str, kind: Type) -> Type {
        let Some(change) = self.0.get(name) else { return kind };
        let of = match kind.of {
            Of::List(_) => Of::List(Rc::new(Type::ANY)),
            Of::Map(_) => Of::Map(Rc::new(Type::ANY)),
            Of::Text(_) => Of::Text(None),
            Of::Record(_) => Of::Any,
            Of::Shape(shape) => {
                let mut keys = shape.keys.clone();
                if change.deep {
                    for key in keys.values_mut() {
                        key.value = hollow(&key.value);
                    }
                }
                for name in &change.keys {
                    let at = keys.get(name).map_or(rhai::Position::NONE, |key| key.at);
                    keys.insert(name.clone(), Key { value: Type::ANY, at });
                }
                Of::Shape(Rc::new(Shape { keys, open: shape.open || change.parts }))
            }
            other => other,
        };
        Type { of, nothing: kind.nothing }
    }
}

/// A part of which something may be changed.
fn hollow(kind: &Type) -> Type {
    let of = match &kind.of {
        Of::List(_) => Of::List(Rc::new(Type::ANY)),
        Of::Map(_) | Of::Shape(_) | Of::Record(_) => Of::Map(Rc::new(Type::ANY)),
        Of::Text(_) => Of::Text(None),
        other => other.clone(),
    };
    Type { of, nothing: kind.nothing }
}

/// The variable at the begin of a chain, and the steps behind it.
fn steps(chain: &Expr) -> Option<(&str, Vec<&Expr>)> {
    let (Expr::Dot(pair, flags, _) | Expr::Index(pair, flags, _)) = chain else { return None };
    let Expr::Variable(variable, ..) = &pair.lhs else { return None };
    let mut steps = Vec::new();
    let (mut rest, mut flags) = (&pair.rhs, *flags);
    loop {
        match rest {
            Expr::Dot(pair, next, _) | Expr::Index(pair, next, _) if !flags.contains(ASTFlags::BREAK) => {
                steps.push(&pair.lhs);
                (rest, flags) = (&pair.rhs, *next);
            }
            last => {
                steps.push(last);
                return Some((&variable.1, steps));
            }
        }
    }
}
