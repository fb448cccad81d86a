//! Fields, indices and methods: `announcer.node`, `target.pods[0].name`, `list.filter(…)`.

use rhai::{ASTFlags, Expr, FnCallExpr, Position};

use super::changed::Place;
use super::natives::{self, Found};
use super::reader::{Reader, key, listed};
use super::types::{Of, Step, Type};
use crate::language::elsewhere;
use crate::model::diagnostic::{codes, did_you_mean};
use crate::words::all;

/// How one step of a chain leads on.
#[derive(Clone, Copy)]
enum Link {
    Dot,
    Index,
}

impl Reader<'_> {
    /// A chain from its begin to its end.
    pub(super) fn chain(&mut self, chain: &Expr) -> Type {
        self.followed(chain, false).0
    }

    /// The left side of an assignment: its last step need not be there yet. What stands there so far, and where that is.
    pub(super) fn assigned_part(&mut self, chain: &Expr) -> (Type, Option<Place>) {
        self.followed(chain, true)
    }

    fn followed(&mut self, chain: &Expr, assigned: bool) -> (Type, Option<Place>) {
        let (Expr::Dot(pair, flags, _) | Expr::Index(pair, flags, _)) = chain else { return (self.expression(chain), None) };
        let mut place = match &pair.lhs {
            Expr::Variable(variable, ..) if variable.2.is_empty() => self.seen(&variable.1).map(Place::of),
            _ => None,
        };
        let mut base = match &pair.lhs {
            // What is only written to is not read, and of the parameters it is one that is used.
            Expr::Variable(variable, _, at) if variable.2.is_empty() => {
                let whole = !matches!((&pair.rhs, chain), (Expr::Property(..) | Expr::Dot(..) | Expr::Index(..), Expr::Dot(..)));
                let is_params = self.seen(&variable.1).is_none() && &*variable.1 == "params";
                self.variable(&variable.1, *at, !assigned && (!is_params || whole))
            }
            other => self.expression(other),
        };
        let mut link = link(chain);
        let (mut rest, mut flags) = (&pair.rhs, *flags);
        loop {
            let elvis = flags.contains(ASTFlags::NEGATED) && base.nothing;
            match rest {
                Expr::Dot(pair, next, _) | Expr::Index(pair, next, _) if !flags.contains(ASTFlags::BREAK) => {
                    base = self.step(&base, &pair.lhs, link, false, place.as_ref());
                    base.nothing |= elvis;
                    place = place.zip(step(link, &pair.lhs)).map(|(place, step)| place.within(step));
                    link = self::link(rest);
                    (rest, flags) = (&pair.rhs, *next);
                }
                last => {
                    let mut value = self.step(&base, last, link, assigned, place.as_ref());
                    value.nothing |= elvis;
                    return (value, place.zip(step(link, last)).map(|(place, step)| place.within(step)));
                }
            }
        }
    }

    fn step(&mut self, base: &Type, step: &Expr, link: Link, assigned: bool, place: Option<&Place>) -> Type {
        match (link, step) {
            (Link::Dot, Expr::Property(property, at)) if assigned => {
                let is_fact = matches!(base.of, Of::Record(_) | Of::Params | Of::Text(_) | Of::Int | Of::Bool);
                if is_fact { self.property(base, &property.2, *at) } else { known_key(base, &property.2) }
            }
            (Link::Dot, Expr::Property(property, at)) => self.property(base, &property.2, *at),
            (Link::Dot, Expr::MethodCall(call, at)) => self.method(base, call, *at, place),
            (Link::Dot, other) => {
                self.expression(other);
                Type::ANY
            }
            (Link::Index, index) => self.index(base, index, assigned),
        }
    }

    /// `value.name`
    pub(super) fn property(&mut self, base: &Type, name: &str, at: Position) -> Type {
        match &base.of {
            Of::Params => self.param(name, at),
            Of::Record(record) => {
                if let Some(field) = record.0.field(name) {
                    return Type::of_field(field);
                }
                let names = || record.0.fields.iter().map(|field| field.name);
                let hint = did_you_mean(name, names()).unwrap_or_else(|| format!("its fields are {}", listed(names())));
                self.say(codes::FIELD, at, format!("{} has no field `{name}`", record.0.name), Some(hint));
                Type::ANY
            }
            Of::Shape(shape) => match shape.keys.get(name) {
                Some(key) => key.value.clone(),
                None if shape.rest.is_some() => shape.rest.clone().unwrap_or(Type::ANY),
                None => {
                    let names = || shape.keys.keys().map(String::as_str);
                    let ask = format!("its keys are {}; where it may be missing ask `if \"{name}\" in map`", listed(names()));
                    let hint = did_you_mean(name, names()).unwrap_or(ask);
                    self.say(codes::FIELD, at, format!("this map has no key `{name}`"), Some(hint));
                    Type::ANY
                }
            },
            Of::Any | Of::Mixed(_) => Type::ANY,
            Of::Never if !base.nothing => Type::ANY,
            _ => match natives::property(name, base) {
                Found::Gives(kind) => kind,
                _ if base.is_unit() => {
                    self.say(codes::FIELD, at, format!("this is (), which has no field `{name}`"), None);
                    Type::ANY
                }
                _ => {
                    let of = Type::from(base.of.clone()).shown();
                    let of_part =
                        matches!(&base.of, Of::List(part) if matches!(&part.of, Of::Record(record) if record.0.field(name).is_some()));
                    let hint = of_part.then(|| "take one of the list: `list[0]`, or `for one in list`".to_owned());
                    let hint = hint
                        .or_else(|| elsewhere::function(name))
                        .or_else(|| natives::knows(name).then(|| format!("write `{name}()`, if the function is meant")));
                    self.say(codes::FIELD, at, format!("{of} has no field `{name}`"), hint);
                    Type::ANY
                }
            },
        }
    }

    /// `value[index]`
    fn index(&mut self, base: &Type, index: &Expr, assigned: bool) -> Type {
        let by = self.expression(index);
        let wants = |reader: &mut Self, what: &str| {
            let message = format!("{} is indexed by {what}, and this is {}", Type::from(base.of.clone()).shown(), by.shown());
            reader.say(codes::OPERATION, index.start_position(), message, None);
            Type::ANY
        };
        match (&base.of, index) {
            (Of::Record(_) | Of::Shape(_) | Of::Params, Expr::StringConstant(name, at)) if !assigned => self.property(base, name, *at),
            (Of::Shape(_), Expr::StringConstant(name, _)) => known_key(base, name),
            (Of::Record(_) | Of::Shape(_) | Of::Params, _) if by.is_sure() && !matches!(by.of, Of::Text(_)) => wants(self, "a key, a text"),
            (Of::Params, _) => {
                self.used.all_params = true;
                Type::ANY
            }
            (Of::Shape(shape), _) => shape.any_value().or_unknown(),
            (Of::List(_), _) if by.is_sure() && by.of != Of::Int => wants(self, "a number"),
            (Of::List(part), _) => (**part).clone(),
            (Of::Text(_), _) if by.is_sure() && !matches!(by.of, Of::Int | Of::Range) => wants(self, "a number or a range"),
            (Of::Text(_), _) if by.of == Of::Range => Type::TEXT,
            (Of::Text(_), _) if by.of == Of::Int => Of::Char.into(),
            _ => Type::ANY,
        }
    }

    /// `value.name(…)`: a function of the script, a word, or one of Rhai's.
    pub(super) fn method(&mut self, base: &Type, call: &FnCallExpr, at: Position, place: Option<&Place>) -> Type {
        let name = call.name.as_str();
        let script = self.script;
        if let Some(own) = script.named(name) {
            let given = self.arguments(call);
            if own.contains_key(&given.len()) {
                // A function may make anything of its `this`.
                if let Some(place) = place {
                    self.put(place, &Type::ANY);
                }
                return self.own(&key(name, given.len()), &given);
            }
        }
        if let Some(word) = all::word(name).or_else(|| all::formerly(name)) {
            return self.word(word, call, at, Some(base));
        }
        if name == "call" {
            let given = self.arguments(call);
            return match &base.of {
                Of::Function(_) => self.called(base, &given, at),
                _ if base.is_sure() => {
                    self.say(codes::NO_FUNCTION, at, format!("`call` is for closures, and this is {}", base.shown()), None);
                    Type::ANY
                }
                _ => Type::ANY,
            };
        }
        if let Of::List(part) = &base.of
            && let Some(gives) = self.of_a_list(base, &part.clone(), call, at)
        {
            if let (Some(place), "for_each") = (place, name) {
                self.put(&place.clone().within(Step::Part), &Type::ANY);
            }
            return gives;
        }
        let mut given = vec![base.clone()];
        given.extend(self.arguments(call));
        if let Some(place) = place {
            self.changed(place, base, call, &given[1..]);
        }
        // A key of a map may hold what is called so.
        if matches!(base.of, Of::Any | Of::Shape(_)) && self.callable_keys.contains(name) {
            return Type::ANY;
        }
        let gives = self.native(name, &given, at, true);
        match (&base.of, name, given.len()) {
            (Of::Shape(shape), "values", 1) => Type::list(shape.any_value()),
            (Of::Shape(_), "keys", 1) | (Of::Text(_), "split", 1..) => Type::list(Type::TEXT),
            _ => gives,
        }
    }

    /// A method of lists that gives the list's own parts on, to a closure or as what it gives.
    fn of_a_list(&mut self, base: &Type, part: &Type, call: &FnCallExpr, at: Position) -> Option<Type> {
        let mut same = base.clone();
        same.nothing = false;
        let at_times = |kind: &Type| kind.clone().or_nothing();
        let (closures, gives): (&[Type], Option<Type>) = match call.name.as_str() {
            "filter" | "retain" | "drain" => (&[part.clone(), Type::INT], Some(same)),
            "find" => (&[part.clone(), Type::INT], Some(at_times(part))),
            "some" | "all" => (&[part.clone(), Type::INT], Some(Type::BOOL)),
            "map" | "find_map" => (&[part.clone(), Type::INT], None),
            "for_each" => (&[Type::INT], Some(Type::UNIT)),
            "sort" | "sort_by" | "sort_desc" | "dedup" => (&[part.clone(), part.clone()], Some(Type::UNIT)),
            "order" | "order_by" | "order_desc" => (&[part.clone(), part.clone()], Some(same)),
            "extract" | "split" => (&[], Some(if call.name == "extract" { same } else { Type::list(Type::ANY) })),
            "get" | "pop" | "shift" | "remove" => (&[], Some(at_times(part))),
            _ => return None,
        };
        let closures = closures.to_vec();
        let mut kinds = vec![base.clone()];
        let mut given = Type::ANY;
        for argument in &call.args {
            let (kind, gives) = self.handed(argument, &closures);
            // It is known whom this closure is given to.
            kinds.push(if matches!(kind.of, Of::Function(_)) { Of::Function(None).into() } else { kind });
            given = gives;
        }
        let known = self.native(&call.name, &kinds, at, true);
        let by_closure = kinds.get(1).is_some_and(|kind| matches!(kind.of, Of::Function(_)));
        Some(match (call.name.as_str(), gives) {
            ("map", _) if by_closure => Type::list(given).bounded(),
            ("find_map", _) if by_closure => given.or_nothing(),
            (_, Some(gives)) => gives,
            _ => known,
        })
    }

    /// A function of Rhai's.
    pub(super) fn native(&mut self, name: &str, given: &[Type], at: Position, method: bool) -> Type {
        for kind in given {
            self.escapes(kind);
        }
        let shown = || {
            let values: Vec<String> = given.iter().skip(usize::from(method)).map(Type::shown).collect();
            let before = if method {
                format!("{}.", given.first().map_or_else(String::new, |base| Type::from(base.of.clone()).shown()))
            } else {
                String::new()
            };
            format!("{before}{name}({})", values.join(", "))
        };
        match natives::call(name, given) {
            Found::Gives(kind) => kind,
            Found::Unknown => {
                let hint = self.nearest_call(name);
                self.say(codes::UNKNOWN_WORD, at, format!("there is no word `{name}`"), hint);
                Type::ANY
            }
            Found::Count(counts) => {
                let counts: Vec<String> = counts.iter().map(|count| count.saturating_sub(usize::from(method)).to_string()).collect();
                let message = format!("`{name}` takes {} arguments, and this is {}", counts.join(" or "), shown());
                self.say(codes::NO_FUNCTION, at, message, None);
                Type::ANY
            }
            Found::Types => {
                self.say(codes::NO_FUNCTION, at, format!("`{name}` does not take these values: {}", shown()), None);
                Type::ANY
            }
        }
    }
}

/// What a key holds so far, which need not be there yet.
fn known_key(base: &Type, name: &str) -> Type {
    match &base.of {
        Of::Shape(shape) => shape.keys.get(name).map(|key| &key.value).or(shape.rest.as_ref()).cloned().unwrap_or(Type::NEVER),
        _ => Type::ANY,
    }
}

/// The step into a value; `None` for a method, whose value is another one.
fn step(link: Link, step: &Expr) -> Option<Step> {
    match (link, step) {
        (Link::Dot, Expr::Property(property, _)) => Some(Step::Key(property.2.to_string())),
        (Link::Dot, _) => None,
        (Link::Index, Expr::StringConstant(name, _)) => Some(Step::Key(name.to_string())),
        (Link::Index, _) => Some(Step::Part),
    }
}

fn link(chain: &Expr) -> Link {
    if matches!(chain, Expr::Index(..)) { Link::Index } else { Link::Dot }
}
