//! Closures: what they are given, and what they give. A closure sees the names around it.

use std::rc::Rc;

use rhai::{Expr, FnPtr, Position, Stmt};

use super::reader::{Id, Reader, key};
use super::types::{Of, Type};
use crate::model::diagnostic::codes;

/// A closure as it is written: its name in Rhai, and how many outer names it takes in, which come before its parameters.
pub(super) fn of(expression: &Expr) -> Option<(Rc<str>, usize)> {
    match expression {
        Expr::DynamicConstant(value, _) => Some((value.read_lock::<FnPtr>()?.fn_name().into(), 0)),
        // Rhai writes what is taken in as `curry(closure, name, …)` behind a list of these names.
        Expr::Stmt(block) => match block.statements() {
            [Stmt::Share(_), Stmt::Expr(curried)] => match &**curried {
                Expr::FnCall(call, _) => Some((of(call.args.first()?)?.0, call.args.len() - 1)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

impl Reader<'_> {
    /// Reads a closure where it is written. Who knows what it will be given says so; otherwise that is not known.
    pub(super) fn closure(&mut self, (name, captured): (Rc<str>, usize), given: Option<&[Type]>) -> Type {
        let script = self.script;
        let Some(function) = script.only(&name) else { return Of::Function(None).into() };
        self.captured.insert(Rc::clone(&name), captured);
        let key = key(&name, function.params.len());
        self.scoped(|reader| {
            for (index, param) in function.params.iter().enumerate().skip(captured) {
                let kind = given.map_or(Type::NEVER, |given| given.get(index - captured).cloned().unwrap_or(Type::ANY));
                reader.declare(param, Id::Param(key.clone(), index), &kind, None);
            }
            reader.within.push(key.clone());
            let flow = reader.body(&function.body);
            reader.within.pop();
            reader.gives(&key, &flow.value);
        });
        Of::Function(Some(name)).into()
    }

    /// An argument that is called with such values, when it is a closure or a function: what it then gives.
    pub(super) fn handed(&mut self, argument: &Expr, given: &[Type]) -> (Type, Type) {
        let kind = match of(argument) {
            Some(closure) => self.closure(closure, Some(given)),
            None => self.expression(argument),
        };
        let Of::Function(Some(name)) = &kind.of else { return (kind, Type::ANY) };
        let name = Rc::clone(name);
        (kind, self.given_to(&name, given))
    }

    /// Closures that run side by side: what one of them gives. Each works on copies of the names around it.
    pub(super) fn beside(&mut self, parts: &[Expr]) -> Type {
        let outer = self.copied_before.replace(self.names_seen());
        let gives = parts.iter().map(|part| self.handed(part, &[]).1).collect::<Vec<_>>();
        self.copied_before = outer;
        gives.iter().fold(Type::NEVER, |all, kind| all.join(kind)).or_nothing()
    }

    /// A name is changed here: where it is a copy the change is lost.
    pub(super) fn lost(&mut self, id: &Id, at: Position) {
        let Some(name) = self.copied_before.and_then(|before| self.copied(id, before)) else { return };
        let hint = Some("give the value at the closure's end: `parallel` gives a list of what its closures give".to_owned());
        self.say(codes::LOST_IN_A_COPY, at, format!("closures of `parallel` work on copies: this change of `{name}` is lost"), hint);
    }

    /// What a closure gives that is called with such values.
    fn given_to(&mut self, name: &Rc<str>, given: &[Type]) -> Type {
        let script = self.script;
        let Some(function) = script.only(name) else { return Type::ANY };
        let captured = self.captured.get(name).copied().unwrap_or(0);
        let key = key(name, function.params.len());
        for (index, kind) in given.iter().enumerate().take(function.params.len().saturating_sub(captured)) {
            self.holds(&Id::Param(key.clone(), captured + index), kind);
        }
        self.returned(&key)
    }

    /// `closure.call(…)`
    pub(super) fn called(&mut self, closure: &Type, given: &[Type], at: Position) -> Type {
        let Of::Function(Some(name)) = &closure.of else { return Type::ANY };
        let name = Rc::clone(name);
        let captured = self.captured.get(&name).copied().unwrap_or(0);
        let takes = self.script.only(&name).map_or(0, |function| function.params.len().saturating_sub(captured));
        if takes != given.len() {
            let message = format!("the closure takes {}, and it is called with {}", counted(takes), given.len());
            self.say(codes::ARGUMENTS, at, message, None);
            return Type::ANY;
        }
        self.given_to(&name, given)
    }

    /// A value goes where it is not followed: whatever is in it may be called with anything.
    pub(super) fn escapes(&mut self, kind: &Type) {
        match &kind.of {
            Of::Function(Some(name)) => {
                let name = Rc::clone(name);
                let anything = vec![Type::ANY; self.script.only(&name).map_or(0, |function| function.params.len())];
                self.given_to(&name, &anything);
            }
            Of::List(part) => self.escapes(part),
            Of::Shape(shape) => shape.keys.values().map(|key| &key.value).chain(&shape.rest).for_each(|value| self.escapes(value)),
            Of::Mixed(all) => all.iter().for_each(|of| self.escapes(&of.clone().into())),
            _ => {}
        }
    }

    /// A function of the script is handed on: it may be called with anything.
    pub(super) fn function_escapes(&mut self, name: &str) {
        let script = self.script;
        for function in script.named(name).into_iter().flat_map(std::collections::BTreeMap::values) {
            let key = key(name, function.params.len());
            for index in 0..function.params.len() {
                self.holds(&Id::Param(key.clone(), index), &Type::ANY);
            }
        }
    }
}

/// So many arguments, in words.
pub(super) fn counted(count: usize) -> String {
    match count {
        0 => "no argument".to_owned(),
        1 => "one argument".to_owned(),
        count => format!("{count} arguments"),
    }
}
