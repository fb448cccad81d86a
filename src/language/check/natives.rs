//! The functions that Rhai has itself: asked of the engine, with the types that they take and give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::types::{Of, Type};
use crate::language::sandbox;

/// One function of Rhai's by one list of parameters.
struct Native {
    params: Vec<Taken>,
    gives: Gives,
}

/// What a parameter takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Anything,
    Bool,
    Int,
    Float,
    Char,
    Text,
    Range,
    Function,
    List,
    Map,
    /// A type that no value of a playbook has, as far as is followed here: bytes, moments, other numbers.
    Other,
}

/// What it gives.
#[derive(Clone, Copy)]
enum Gives {
    Nothing,
    Bool,
    Int,
    Float,
    Char,
    Text,
    Range,
    List,
    Map,
    Anything,
}

/// What a function of that name and with such arguments comes to.
pub(super) enum Found {
    /// There is one: what it gives.
    Gives(Type),
    /// There is none of the name.
    Unknown,
    /// There are some, with these numbers of arguments.
    Count(BTreeSet<usize>),
    /// None takes such values.
    Types,
}

/// These are part of the language and have no signature: their names, and the fewest and most arguments.
const KEYWORDS: [(&str, usize, usize); 8] = [
    ("print", 0, 1),
    ("debug", 0, 1),
    ("type_of", 1, 1),
    ("is_shared", 1, 1),
    ("is_def_var", 1, 1),
    ("is_def_fn", 2, 2),
    ("Fn", 1, 1),
    ("curry", 1, usize::MAX),
];

fn table() -> &'static BTreeMap<String, Vec<Native>> {
    static TABLE: OnceLock<BTreeMap<String, Vec<Native>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let engine = sandbox::bare();
        let read = |info: rhai::FuncInfo| {
            let params = (0..info.metadata.num_params)
                .map(|index| info.metadata.params_info.get(index).map_or(Taken::Anything, |param| taken(param)));
            Some((info.metadata.name.to_string(), Native { params: params.collect(), gives: gives(&info.metadata.return_type) }))
        };
        let mut table: BTreeMap<String, Vec<Native>> = BTreeMap::new();
        for (name, native) in engine.collect_fn_metadata(None, read, true) {
            table.entry(name).or_default().push(native);
        }
        table
    })
}

fn taken(param: &str) -> Taken {
    let kind = param.rsplit(": ").next().unwrap_or(param).trim_start_matches("&mut ").trim_start_matches('&').trim();
    match kind {
        "bool" => Taken::Bool,
        "INT" | "i64" => Taken::Int,
        "FLOAT" | "f64" => Taken::Float,
        "char" => Taken::Char,
        "str" | "ImmutableString" | "String" => Taken::Text,
        "FnPtr" => Taken::Function,
        "Array" => Taken::List,
        "Map" => Taken::Map,
        "Dynamic" => Taken::Anything,
        _ if kind.contains("Range") => Taken::Range,
        "Blob" | "Instant" => Taken::Other,
        _ if kind.starts_with(['i', 'u', 'f']) && kind[1..].chars().all(|digit| digit.is_ascii_digit()) => Taken::Other,
        _ => Taken::Anything,
    }
}

fn gives(kind: &str) -> Gives {
    let inner = kind.strip_prefix("RhaiResultOf<").map_or(kind, |inner| inner.trim_end_matches('>')).trim();
    match inner {
        "()" => Gives::Nothing,
        "bool" => Gives::Bool,
        "INT" | "i64" => Gives::Int,
        "FLOAT" | "f64" => Gives::Float,
        "char" => Gives::Char,
        "ImmutableString" | "String" | "&str" => Gives::Text,
        "Array" => Gives::List,
        "Map" => Gives::Map,
        _ if inner.contains("Range") => Gives::Range,
        _ => Gives::Anything,
    }
}

impl Gives {
    fn kind(self) -> Type {
        match self {
            Self::Nothing => Type::UNIT,
            Self::Bool => Type::BOOL,
            Self::Int => Type::INT,
            Self::Float => Type::FLOAT,
            Self::Char => Of::Char.into(),
            Self::Text => Type::TEXT,
            Self::Range => Of::Range.into(),
            Self::List => Type::list(Type::ANY),
            Self::Map => Type::map(Type::ANY),
            Self::Anything => Type::ANY,
        }
    }
}

impl Taken {
    /// Whether some value of the type may be given. What may be () is for the run to judge.
    fn takes(self, given: &Type) -> bool {
        match (self, &given.of) {
            (Self::Anything, _) | (_, Of::Any) => true,
            (_, Of::Mixed(all)) => all.iter().any(|of| self.takes(&of.clone().into())),
            (_, Of::Never) => !given.nothing,
            (Self::Bool, of) => *of == Of::Bool,
            (Self::Int, of) => *of == Of::Int,
            (Self::Float, of) => *of == Of::Float,
            (Self::Char, of) => *of == Of::Char,
            (Self::Text, of) => matches!(of, Of::Text(_)),
            (Self::Range, of) => *of == Of::Range,
            (Self::Function, of) => matches!(of, Of::Function(_)),
            (Self::List, of) => matches!(of, Of::List(_)),
            (Self::Map, of) => matches!(of, Of::Shape(_) | Of::Params) || Type::from(of.clone()).is_part(),
            (Self::Other, _) => false,
        }
    }
}

/// Whether Rhai has a function of that name.
pub(super) fn knows(name: &str) -> bool {
    name == "call" || KEYWORDS.iter().any(|(keyword, ..)| *keyword == name) || table().contains_key(name)
}

/// The names of all of them that are called by a name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let named = table().keys().map(String::as_str).filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('$'));
    named.chain(KEYWORDS.iter().map(|(name, ..)| *name)).chain(["call"])
}

/// Calls a function of Rhai's with values of these types; of a method the value before the dot comes first.
pub(super) fn call(name: &str, given: &[Type]) -> Found {
    if name == "call" {
        return Found::Gives(Type::ANY);
    }
    if let Some((_, least, most)) = KEYWORDS.iter().find(|(keyword, ..)| *keyword == name) {
        let counted = (*least..=*most).contains(&given.len()) || (given.is_empty() && *least == 0);
        let gives = match name {
            "type_of" => Type::TEXT,
            "print" | "debug" => Type::UNIT,
            "Fn" | "curry" => Of::Function(None).into(),
            _ => Type::BOOL,
        };
        return if counted { Found::Gives(gives) } else { Found::Count((*least..=*most.min(&9)).collect()) };
    }
    let Some(all) = table().get(name) else { return Found::Unknown };
    let counted: Vec<&Native> = all.iter().filter(|native| native.params.len() == given.len()).collect();
    if counted.is_empty() {
        return Found::Count(all.iter().map(|native| native.params.len()).collect());
    }
    let fitting: Vec<&&Native> =
        counted.iter().filter(|native| native.params.iter().zip(given).all(|(param, kind)| param.takes(kind))).collect();
    let Some(first) = fitting.first() else { return Found::Types };
    let gives = fitting[1..].iter().fold(first.gives.kind(), |all, native| all.join(&native.gives.kind()));
    Found::Gives(gives)
}

/// What a property of Rhai's own gives, such as `text.len`.
pub(super) fn property(name: &str, of: &Type) -> Found {
    call(&format!("get${name}"), std::slice::from_ref(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gives(name: &str, given: &[Type]) -> Type {
        match call(name, given) {
            Found::Gives(kind) => kind,
            Found::Unknown => panic!("{name} is unknown"),
            Found::Count(counts) => panic!("{name} takes {counts:?} arguments"),
            Found::Types => panic!("{name} does not take these"),
        }
    }

    #[test]
    fn the_engine_tells_what_its_functions_take_and_give() {
        let list = Type::list(Type::INT);
        assert_eq!(gives("len", &[Type::TEXT]), Type::INT);
        assert_eq!(gives("is_empty", std::slice::from_ref(&list)), Type::BOOL);
        assert_eq!(gives("sub_string", &[Type::TEXT, Type::INT, Type::INT]), Type::TEXT);
        assert_eq!(gives("push", &[list.clone(), Type::TEXT]), Type::UNIT);
        assert_eq!(gives("to_string", &[Type::INT]), Type::TEXT);
        assert!(matches!(call("len", &[Type::INT]), Found::Types));
        assert!(matches!(call("sub_string", &[Type::TEXT, Type::TEXT]), Found::Types));
        assert!(matches!(call("len", &[Type::TEXT, Type::INT]), Found::Count(_)));
        assert!(matches!(call("frobnicate", &[]), Found::Unknown));
        assert!(matches!(property("len", &list), Found::Gives(_)) && matches!(property("lenn", &list), Found::Unknown));
        assert!(names().any(|name| name == "sort_by") && knows("Fn") && knows("call"));
    }
}
