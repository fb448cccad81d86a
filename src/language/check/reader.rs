//! What is known while a script is read: its names and their types, what it uses, and the mistakes that were found.
//!
//! A script is read several times. The first readings learn what each name may hold, for a name may be given a value after it is used, in a
//! loop or by a closure; the last one tells mistakes. The parts of the language stand in files of their own.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use rhai::{Engine, Position};

use super::script::Script;
use super::types::Type;
use crate::language::diagnostics::spot;
use crate::language::header::Header;
use crate::model::diagnostic::{Diagnostic, Source, codes};

/// Mistakes that are told of one script: whoever mends so many looks again.
pub(super) const MOST: usize = 100;

/// How often a script is read to learn types; what still changes then may be anything.
const READINGS: usize = 6;

/// A name of a script, by where it is declared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Id {
    At(Position),
    /// A parameter of a function or closure.
    Param(Rc<str>, usize),
}

/// What is known of a name.
pub(super) struct Binding {
    pub(super) name: Rc<str>,
    pub(super) kind: Type,
    /// Declared by `let` or `const`: then it is of use only when it is read.
    pub(super) declared: Option<Position>,
    pub(super) read: bool,
    /// In which reading it became another type.
    changed: usize,
}

/// The names that are seen at a place.
#[derive(Default)]
struct Scope {
    names: Vec<(Rc<str>, Id)>,
    places: HashMap<Rc<str>, Vec<usize>>,
}

/// What a script was seen to use.
#[derive(Default)]
pub(super) struct Used {
    pub(super) params: BTreeSet<String>,
    /// The parameters are used as a whole.
    pub(super) all_params: bool,
    pub(super) capabilities: BTreeSet<&'static str>,
    /// Keys of maps, wherever they are written.
    pub(super) keys: BTreeSet<String>,
}

/// The reading of one script.
pub(super) struct Reader<'a> {
    pub(super) engine: &'a Engine,
    pub(super) source: &'a Source<'a>,
    pub(super) header: &'a Header,
    pub(super) script: &'a Script,
    pub(super) used: Used,
    /// The names of maps' keys that hold something that can be called.
    pub(super) callable_keys: BTreeSet<String>,
    /// What each function and closure gives, by its key.
    returns: HashMap<Rc<str>, Type>,
    /// How many outer names a closure takes in.
    pub(super) captured: HashMap<Rc<str>, usize>,
    bindings: HashMap<Id, Binding>,
    scope: Scope,
    /// Names of the script itself, which functions do not see.
    pub(super) outer: BTreeSet<Rc<str>>,
    /// Names that were likely meant where another one is written, which is told already.
    pub(super) meant: BTreeSet<String>,
    /// The functions that are being read, the innermost last.
    pub(super) within: Vec<Rc<str>>,
    /// How many names were seen where closures began that run side by side, on copies of those.
    pub(super) copied_before: Option<usize>,
    /// Inside of a `fn`, which sees no outer name.
    pub(super) in_function: bool,
    /// What a script finds there beside its parameters.
    pub(super) constants: Vec<&'static str>,
    reading: usize,
    telling: bool,
    found: Vec<Diagnostic>,
    told: [usize; 2],
}

impl<'a> Reader<'a> {
    pub(super) fn new(engine: &'a Engine, source: &'a Source<'a>, header: &'a Header, script: &'a Script) -> Self {
        Self {
            engine,
            source,
            header,
            script,
            used: Used::default(),
            callable_keys: BTreeSet::new(),
            returns: HashMap::new(),
            captured: HashMap::new(),
            bindings: HashMap::new(),
            scope: Scope::default(),
            outer: BTreeSet::new(),
            meant: BTreeSet::new(),
            within: Vec::new(),
            copied_before: None,
            in_function: false,
            constants: vec!["site"],
            reading: 0,
            telling: false,
            found: Vec::new(),
            told: [0; 2],
        }
    }

    /// Reads until nothing new is learned, and then once more to tell; `read` reads everything once.
    pub(super) fn readings(&mut self, read: impl Fn(&mut Self)) {
        for reading in 1..=READINGS {
            self.reading = reading;
            read(self);
            if !self.bindings.values().any(|binding| binding.changed == reading) {
                break;
            }
        }
        let last = self.reading;
        if last == READINGS {
            for binding in self.bindings.values_mut().filter(|binding| binding.changed == last) {
                binding.kind = Type::ANY;
            }
            self.returns.values_mut().for_each(|kind| *kind = Type::ANY);
        }
        self.telling = true;
        read(self);
    }

    // Telling.

    /// Tells a mistake, in the last reading.
    pub(super) fn say(&mut self, code: &str, at: Position, message: impl Into<String>, hint: Option<String>) {
        let warning = usize::from(code.starts_with('W'));
        if !self.telling || self.told[warning] >= MOST {
            return;
        }
        self.told[warning] += 1;
        self.found.push(Diagnostic::new(code, spot(self.engine, self.source, at), message).maybe(hint));
    }

    /// Whether nothing would be told now, so that nobody needs to look for what to try.
    pub(super) fn is_quiet(&self) -> bool {
        !self.telling || self.told[0] >= MOST
    }

    /// Tells a mistake that has its place already.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        if self.telling {
            self.found.push(diagnostic);
        }
    }

    /// Whether a mistake of that code was told.
    pub(super) fn has_told(&self, code: &str) -> bool {
        self.found.iter().any(|one| one.code == code)
    }

    /// Everything that was found, in the order of the text.
    pub(super) fn told(mut self) -> Vec<Diagnostic> {
        let cut = self.told.iter().any(|count| *count >= MOST);
        self.found.sort_by_key(Diagnostic::start);
        self.found.dedup();
        if cut {
            self.found.push(Diagnostic::new(
                codes::UNKNOWN_WORD,
                None,
                "there may be more mistakes: these are as many as are told at once",
            ));
        }
        self.found
    }

    // Names.

    /// Reads something with a scope of its own, which ends with it.
    pub(super) fn scoped<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.scope.names.len();
        let value = read(self);
        for (name, _) in self.scope.names.drain(mark..).rev() {
            if let Some(places) = self.scope.places.get_mut(&name) {
                places.pop();
            }
        }
        value
    }

    /// Reads something that sees no name from outside.
    pub(super) fn apart<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let (outer, inside) = (std::mem::take(&mut self.scope), self.in_function);
        self.in_function = true;
        let value = read(self);
        self.scope = outer;
        self.in_function = inside;
        value
    }

    /// A name from here on, with a value.
    pub(super) fn declare(&mut self, name: &str, id: Id, kind: &Type, declared: Option<Position>) {
        let name: Rc<str> = name.into();
        if self.within.is_empty() && !self.in_function {
            self.outer.insert(Rc::clone(&name));
        }
        self.scope.places.entry(Rc::clone(&name)).or_default().push(self.scope.names.len());
        self.scope.names.push((Rc::clone(&name), id.clone()));
        let binding = Binding { name, kind: Type::NEVER, declared, read: false, changed: 0 };
        self.bindings.entry(id.clone()).or_insert(binding);
        self.joins(id, kind);
    }

    /// A name may hold this too.
    pub(super) fn holds(&mut self, id: &Id, kind: &Type) {
        self.joins(id.clone(), kind);
    }

    fn joins(&mut self, id: Id, kind: &Type) {
        let reading = self.reading;
        if self.telling {
            return;
        }
        let binding = self.bindings.entry(id).or_insert_with(|| Binding {
            name: "".into(),
            kind: Type::NEVER,
            declared: None,
            read: false,
            changed: 0,
        });
        let joined = binding.kind.join(kind).bounded();
        if joined != binding.kind {
            binding.kind = joined;
            binding.changed = reading;
        }
    }

    /// The name that is seen here.
    pub(super) fn seen(&self, name: &str) -> Option<Id> {
        let place = *self.scope.places.get(name)?.last()?;
        Some(self.scope.names[place].1.clone())
    }

    /// How many names are seen here.
    pub(super) fn names_seen(&self) -> usize {
        self.scope.names.len()
    }

    /// The name of something that was declared among the first so many names that are seen here.
    pub(super) fn copied(&self, id: &Id, before: usize) -> Option<Rc<str>> {
        self.scope.names.iter().take(before).find(|(_, known)| known == id).map(|(name, _)| Rc::clone(name))
    }

    /// Every name that is seen here.
    pub(super) fn all_seen(&self) -> impl Iterator<Item = &str> {
        self.scope.names.iter().map(|(name, _)| &**name)
    }

    /// What a name holds.
    pub(super) fn held(&mut self, id: &Id, reads: bool) -> Type {
        let Some(binding) = self.bindings.get_mut(id) else { return Type::ANY };
        binding.read |= reads;
        binding.kind.clone()
    }

    /// A constant is read by `global::NAME`.
    pub(super) fn read_by_path(&mut self, name: &str) {
        for binding in self.bindings.values_mut().filter(|binding| *binding.name == *name) {
            binding.read = true;
        }
    }

    /// The names that were declared and never read.
    pub(super) fn unread(&self) -> Vec<(Rc<str>, Position, Type)> {
        let unread = self
            .bindings
            .values()
            .filter(|binding| !binding.read && !binding.name.starts_with('_') && !self.meant.contains(&*binding.name));
        unread.filter_map(|binding| Some((Rc::clone(&binding.name), binding.declared?, binding.kind.clone()))).collect()
    }

    // Functions.

    /// What a function or closure gives.
    pub(super) fn returned(&self, key: &str) -> Type {
        self.returns.get(key).cloned().unwrap_or(Type::NEVER)
    }

    /// A function may give this too.
    pub(super) fn gives(&mut self, key: &Rc<str>, kind: &Type) {
        if self.telling {
            return;
        }
        let known = self.returns.entry(Rc::clone(key)).or_insert(Type::NEVER);
        let joined = known.join(kind).bounded();
        if joined != *known {
            *known = joined;
            // Whoever calls it is read again.
            let reading = self.reading;
            let id = Id::Param(Rc::clone(key), usize::MAX);
            let mark = Binding { name: "_".into(), kind: Type::NEVER, declared: None, read: true, changed: reading };
            self.bindings.entry(id).or_insert(mark).changed = reading;
        }
    }
}

/// By what a function of that name and number of parameters is known.
pub(super) fn key(name: &str, params: usize) -> Rc<str> {
    format!("{name}/{params}").into()
}

/// The parameters of the header by name.
pub(super) fn parameter<'h>(header: &'h Header, name: &str) -> Option<&'h crate::language::header::Param> {
    header.params.iter().find(|param| param.name == name)
}

/// Names in a sentence.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
