//! What is known of a word of the language, as plain data: how it is written, what it takes and gives, and when it fails.
//!
//! Nothing here looks at anything. What a word does stands with its code.

/// A word of the language.
pub struct Word {
    pub name: &'static str,
    /// What it was called before; works until lbdiag 0.3.
    pub formerly: &'static [&'static str],
    pub group: Group,
    /// The capability that a playbook's `uses` has to list; empty for words that touch nothing.
    pub capability: &'static str,
    /// Capabilities that it uses besides, where the run allows them.
    pub uses_besides: &'static [&'static str],
    /// What it does. The first sentence stands for the whole in lists.
    pub meaning: &'static str,
    /// Its arguments, in order; those that may be left out come last.
    pub params: &'static [Param],
    /// Its options, given as a map behind the arguments, or before its closure where that is all it takes; empty when it takes none.
    pub options: &'static [Param],
    /// Of each of these lists it needs one option at least, although each of them may be left out.
    pub one_of: &'static [&'static [&'static str]],
    pub returns: Returns,
    /// When it does not do its work, and what happens then; one sentence each.
    pub fails: &'static [&'static str],
    /// Scripts that run on a recording, with what they give.
    pub examples: &'static [Example],
    /// Why no example can run on a recording; empty when there is one.
    pub no_example: &'static str,
}

/// An argument, or an option by name.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    /// What it was called before; works until lbdiag 0.3.
    pub formerly: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What is taken when it is left out or is (); empty when that is nothing.
    pub default: &'static str,
    pub meaning: &'static str,
    /// Capabilities that it needs besides those of its word.
    pub needs: &'static [&'static str],
    /// A capability that it uses when its value goes far enough, which only the run knows; empty for none.
    pub may_need: &'static str,
}

/// What a word gives.
#[derive(Clone, Copy, Debug)]
pub struct Returns {
    /// `Kind::Nothing` for a word that only does something.
    pub kind: Kind,
    /// When it gives () in place of it, as a fragment; empty when it never does.
    pub nothing_when: &'static str,
}

/// A script that shows a word at work, on a recording that ships with the source.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The recording's file below `tests/recordings`, without its ending.
    pub recording: &'static str,
    /// Lines of a playbook; the last one is a value.
    pub script: &'static str,
    /// That value, as text.
    pub gives: &'static str,
}

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// ()
    Nothing,
    Any,
    Text,
    Bool,
    /// A whole number within bounds.
    Whole {
        least: u64,
        most: u64,
        unit: &'static str,
    },
    /// A whole number of any size, below zero too.
    Number,
    /// An IP address, as text.
    Address,
    /// A text out of these.
    OneOf(&'static [&'static str]),
    /// A port's name or number.
    Port,
    /// The name of a network interface.
    Interface,
    /// The name of an interface, `any`, or `#{ towards: ADDRESS }`.
    CaptureInterface,
    /// The mark of a packet: a number, or a text such as `0x4000`.
    Mark,
    /// A place as its user writes it: `local`, `ssh:HOST`, `node:NAME` or `pod:NAMESPACE/NAME`.
    Place,
    /// Several places: a text with commas, or a list.
    Places,
    /// A text with commas, a number, or a list of either.
    Several(&'static str),
    /// A value with named fields.
    Record(&'static Record),
    List(&'static Kind),
    /// Names that are not known beforehand, each with such a value.
    Map(&'static Kind),
    /// A text that has to be written in a certain way.
    Form(&'static Form),
    /// `|| …`
    Closure,
    /// One or the other.
    Either(&'static Kind, &'static Kind),
}

/// How a text has to be written.
#[derive(Debug)]
pub struct Form {
    /// What such a text is called, with an example: `a span of time such as 90s`.
    pub what: &'static str,
    /// What is wrong with a text that is none, as a sentence.
    pub wrong: fn(&str) -> Option<String>,
}

/// A value with named fields.
#[derive(Debug)]
pub struct Record {
    pub name: &'static str,
    /// What it is, in one sentence.
    pub meaning: &'static str,
    pub fields: &'static [Field],
    /// Fields of the value behind it that scripts do not see.
    pub hidden: &'static [&'static str],
    /// It has whatever the thing behind it has, beside the fields that are told here; what it lacks is ().
    pub open: bool,
}

/// A field of a record. It always exists; where nothing is known it is ().
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: &'static str,
    pub meaning: &'static str,
    /// When it is (), as a fragment; empty for a field that never is.
    pub nothing_when: &'static str,
}

/// What words are about, in the order of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Cluster,
    Node,
    Capture,
    Probe,
    FlowOfWork,
    Values,
    Outcome,
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Self; 7] = [Self::Cluster, Self::Node, Self::Capture, Self::Probe, Self::FlowOfWork, Self::Values, Self::Outcome];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Node => "node",
            Self::Capture => "capture",
            Self::Probe => "probe",
            Self::FlowOfWork => "flow of work",
            Self::Values => "values",
            Self::Outcome => "outcome",
        }
    }

    /// What its words do, in one sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Cluster => "What the API server's objects and logs say.",
            Self::Node => "What the machines themselves say.",
            Self::Capture => "What packets pass, and where.",
            Self::Probe => "Questions that are asked as a client asks them.",
            Self::FlowOfWork => "How a playbook goes on.",
            Self::Values => "Addresses, times and sizes, and what can be reckoned with them.",
            Self::Outcome => "What a run says in the end.",
        }
    }
}

impl Param {
    /// One that has to be given.
    #[must_use]
    pub const fn needed(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, formerly: "", kind, required: true, default: "", meaning, needs: &[], may_need: "" }
    }

    /// One that may be left out, or be ().
    #[must_use]
    pub const fn optional(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, formerly: "", kind, required: false, default: "", meaning, needs: &[], may_need: "" }
    }

    /// The same with what is taken when it is left out.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// The same with capabilities that it needs besides those of its word.
    #[must_use]
    pub const fn needing(mut self, capabilities: &'static [&'static str]) -> Self {
        self.needs = capabilities;
        self
    }

    /// The same with a capability that some of its values need.
    #[must_use]
    pub const fn at_times_needing(mut self, capability: &'static str) -> Self {
        self.may_need = capability;
        self
    }

    /// The same with the name that it had before.
    #[must_use]
    pub const fn once(mut self, formerly: &'static str) -> Self {
        self.formerly = formerly;
        self
    }
}

impl Param {
    /// What it takes, and what is taken when it is left out.
    #[must_use]
    pub fn taken(&self) -> String {
        match (self.required, self.default) {
            (true, _) => self.kind.to_string(),
            (false, "") => format!("{}; may be left out", self.kind),
            (false, default) => format!("{}; {default} when left out", self.kind),
        }
    }
}

impl Kind {
    /// The records with fields that a value of the kind is made of, with those of their fields, each once.
    #[must_use]
    pub fn records(self) -> Vec<&'static Record> {
        let mut all = Vec::new();
        self.add_records(&mut all);
        all
    }

    /// Whether a value of the kind is the record of that name, or a list or map of such.
    #[must_use]
    pub fn names(self, record: &str) -> bool {
        match self {
            Self::Record(known) => known.name == record,
            Self::List(inner) | Self::Map(inner) => inner.names(record),
            Self::Either(one, other) => one.names(record) || other.names(record),
            _ => false,
        }
    }

    fn add_records(self, all: &mut Vec<&'static Record>) {
        match self {
            Self::Record(record) if !record.fields.is_empty() && !all.iter().any(|known| known.name == record.name) => {
                all.push(record);
                record.fields.iter().for_each(|field| field.kind.add_records(all));
            }
            Self::List(inner) | Self::Map(inner) => inner.add_records(all),
            Self::Either(one, other) => {
                one.add_records(all);
                other.add_records(all);
            }
            _ => {}
        }
    }
}

impl Returns {
    /// It only does something.
    pub const NOTHING: Self = Self { kind: Kind::Nothing, nothing_when: "" };

    /// It always gives a value.
    #[must_use]
    pub const fn always(kind: Kind) -> Self {
        Self { kind, nothing_when: "" }
    }

    /// It gives a value, or ().
    #[must_use]
    pub const fn or_nothing(kind: Kind, when: &'static str) -> Self {
        Self { kind, nothing_when: when }
    }
}

impl Field {
    /// A field that always has a value.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, kind, unit: "", meaning, nothing_when: "" }
    }

    /// The same in that unit.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The same, and () at times.
    #[must_use]
    pub const fn or_nothing(mut self, when: &'static str) -> Self {
        self.nothing_when = when;
        self
    }
}

impl Word {
    /// What is wrong with a value, `shown` in words, of an option.
    #[must_use]
    pub fn refuses(&self, option: &Param, shown: &str) -> String {
        format!("{}: the option `{}` takes {}, and this is {shown}", self.name, option.name, option.kind)
    }

    /// How it is written, with what it gives.
    #[must_use]
    pub fn signature(&self) -> String {
        let mut parts: Vec<String> = self.params.iter().map(|param| param.name.to_owned()).collect();
        if !self.options.is_empty() {
            let names: Vec<&str> = self.options.iter().map(|option| option.name).collect();
            let at = if self.options_stand_first() { 0 } else { parts.len() };
            parts.insert(at, format!("#{{ {} }}", names.join(", ")));
        }
        let call = format!("{}({})", self.name, parts.join(", "));
        match self.returns.kind {
            Kind::Nothing => call,
            kind if self.returns.nothing_when.is_empty() => format!("{call} -> {kind}"),
            kind => format!("{call} -> {kind} or ()"),
        }
    }

    /// Whether its options stand before its arguments: a closure is long, and what it is bounded by is read first.
    #[must_use]
    pub fn options_stand_first(&self) -> bool {
        matches!(self.params, [Param { kind: Kind::Closure, .. }])
    }

    /// The fewest and the most arguments, the map of options among them.
    #[must_use]
    pub fn arity(&self) -> (usize, usize) {
        let needed = self.params.iter().filter(|param| param.required).count();
        let options_needed = usize::from(self.options.iter().any(|option| option.required));
        (needed + options_needed, self.params.len() + usize::from(!self.options.is_empty()))
    }

    /// That it was called with so many arguments, and takes others.
    #[must_use]
    pub fn miscounted(&self, given: usize) -> String {
        let (least, most) = self.arity();
        let takes = match (least, most) {
            (0, 0) => "no argument".to_owned(),
            (1, 1) => "one argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) if least + 1 == most => format!("{least} or {most} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let given = if given == 0 { "none".to_owned() } else { given.to_string() };
        format!("`{}` takes {takes}, and {given} {} given", self.name, if given == "1" { "is" } else { "are" })
    }

    /// The option of that name, be it a former one.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&'static Param> {
        self.options.iter().find(|option| option.name == name || (!option.formerly.is_empty() && option.formerly == name))
    }

    /// The first sentence of its meaning.
    #[must_use]
    pub fn in_short(&self) -> &'static str {
        self.meaning.find(". ").map_or(self.meaning, |end| &self.meaning[..=end])
    }
}

impl Record {
    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
