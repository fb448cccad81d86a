//! What a script puts into its lists and maps, and whatever else it changes in place: each is remembered of the variable that it begins with.
//!
//! Values of Rhai are copied, so that nothing but the variable at the begin of a chain is changed by it.

use rhai::FnCallExpr;

use super::reader::{Id, Reader};
use super::types::{Of, Step, Type};

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

/// Where a value stands: the variable, and the steps into it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: Id,
    pub(super) steps: Vec<Step>,
}

impl Place {
    pub(super) fn of(id: Id) -> Self {
        Self { id, steps: Vec::new() }
    }

    /// A place within it.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// Whether a method changes the value before its dot.
pub(super) fn changes(method: &str) -> bool {
    CHANGING.contains(&method)
}

impl Reader<'_> {
    /// A value may stand at a place from here on, beside what stands there otherwise.
    pub(super) fn put(&mut self, place: &Place, value: &Type) {
        if let Some(Step::Key(name)) = place.steps.last()
            && value.of.alternatives().iter().any(|of| matches!(of, Of::Function(_) | Of::Any))
        {
            self.callable_keys.insert(name.clone());
        }
        let kind = self.held(&place.id, false).with(&place.steps, value);
        self.holds(&place.id, &kind);
    }

    /// What a method of Rhai's leaves at the place before its dot.
    pub(super) fn changed(&mut self, place: &Place, base: &Type, call: &FnCallExpr, given: &[Type]) {
        let part = |kind: &Type| Some((Some(Step::Part), kind.clone()));
        let is_list = !matches!(base.of, Of::Text(_) | Of::Shape(_) | Of::Record(_));
        let put = match (call.name.as_str(), given) {
            ("push", [value]) | ("insert" | "pad", [_, value]) if is_list => part(value),
            ("set", [_, value]) => match call.args.first() {
                Some(rhai::Expr::StringConstant(name, _)) => Some((Some(Step::Key(name.to_string())), value.clone())),
                _ => part(value),
            },
            ("append" | "mixin" | "fill_with", [other]) | ("splice", [.., other]) if !matches!(base.of, Of::Text(_)) => {
                Some((None, other.clone()))
            }
            // It leaves () behind.
            ("take", []) => Some((None, Type::UNIT)),
            (name, _) if changes(name) && matches!(base.of, Of::Text(_)) => Some((None, Type::TEXT)),
            _ => None,
        };
        if let Some((step, value)) = put {
            let place = match step {
                Some(step) => place.clone().within(step),
                None => place.clone(),
            };
            self.put(&place, &value);
        }
    }
}
