//! What a playbook's header holds: name, version, parameters, and how far the playbook reaches.

use serde_json::Value;

use crate::model::declared::Declared;

/// What a playbook says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    pub name: String,
    pub version: String,
    pub about: String,
    /// `lbdiag >=0.1`
    pub requires: Option<String>,
    /// The capabilities that its words may use; a word outside of them does not run.
    pub uses: Vec<String>,
    pub params: Vec<Param>,
    /// What it is to come to.
    pub kind: PlaybookKind,
    /// Findings of its own.
    pub findings: Vec<Declared>,
}

/// What a playbook comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaybookKind {
    /// A verdict, by `judge`, by what it expects or by any finding of its own, be it only notable: what playbooks are that do not say.
    #[default]
    Diagnosis,
    /// A verdict that passes only by an expectation that held, or by a judgement.
    Check,
    /// Tables and notes: it is good when everything could be looked at.
    Report,
}

impl PlaybookKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Diagnosis, Self::Check, Self::Report];

    /// The word that headers use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Diagnosis => "diagnosis",
            Self::Check => "check",
            Self::Report => "report",
        }
    }
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub kind: ParamKind,
    pub help: String,
    pub required: bool,
    pub default: Option<Value>,
    /// Whether it may be written without its name, in the place behind the playbook.
    pub positional: bool,
    /// For `enum`: the values that are allowed.
    pub values: Vec<String>,
    /// For `int` and `list<int>`: the least and the most that is allowed.
    pub least: Option<i64>,
    pub most: Option<i64>,
}

impl Param {
    /// A parameter of that name that takes any text.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: ParamKind::String,
            help: String::new(),
            required: true,
            default: None,
            positional: false,
            values: Vec::new(),
            least: None,
            most: None,
        }
    }
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    String,
    Int,
    Bool,
    Ip,
    Cidr,
    /// `500ms`, `5s`, `2m`.
    Duration,
    /// A port's name or number.
    Port,
    Enum,
    /// Several texts, by comma.
    List,
    /// Places to ask from, by comma: `local`, `ssh:HOST`, `node:NAME`.
    Vantages,
    /// A DNS name.
    Name,
    /// A host as HTTP names it: a name or an address, with a port or without.
    Host,
    /// The path of an HTTP request.
    Path,
    /// HTTP statuses, by comma.
    Statuses,
    /// A datagram's payload: text, or `hex:` with hexadecimal digits.
    Payload,
    /// Sizes of a request in bytes, by comma.
    Sizes,
    /// Several values of one kind, by comma: `list<ip>`.
    ListOf(Each),
    /// Texts by name, as `NAME=TEXT` by comma.
    Map,
    /// The file of an earlier run's outcome, as `--report json=FILE` wrote it.
    Outcome,
}

/// What a list may be of, beside texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    Int,
    Ip,
    Cidr,
    Duration,
    Port,
    Name,
}

impl Each {
    /// What each part is taken as.
    #[must_use]
    pub fn kind(self) -> ParamKind {
        match self {
            Self::Int => ParamKind::Int,
            Self::Ip => ParamKind::Ip,
            Self::Cidr => ParamKind::Cidr,
            Self::Duration => ParamKind::Duration,
            Self::Port => ParamKind::Port,
            Self::Name => ParamKind::Name,
        }
    }
}

impl ParamKind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Self; 24] = [
        Self::String,
        Self::Int,
        Self::Bool,
        Self::Ip,
        Self::Cidr,
        Self::Duration,
        Self::Port,
        Self::Enum,
        Self::List,
        Self::Vantages,
        Self::Name,
        Self::Host,
        Self::Path,
        Self::Statuses,
        Self::Payload,
        Self::Sizes,
        Self::ListOf(Each::Int),
        Self::ListOf(Each::Ip),
        Self::ListOf(Each::Cidr),
        Self::ListOf(Each::Duration),
        Self::ListOf(Each::Port),
        Self::ListOf(Each::Name),
        Self::Map,
        Self::Outcome,
    ];

    /// The kind of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        // A list of texts has a shorter name.
        let word = if word == "list<string>" { Self::List.word() } else { word };
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether `least` and `most` bound it.
    #[must_use]
    pub fn is_bounded(self) -> bool {
        matches!(self, Self::Int | Self::ListOf(Each::Int))
    }

    /// The word that headers use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Duration => "duration",
            Self::Port => "port",
            Self::Enum => "enum",
            Self::List => "list",
            Self::Vantages => "vantages",
            Self::Name => "name",
            Self::Host => "host",
            Self::Path => "path",
            Self::Statuses => "statuses",
            Self::Payload => "payload",
            Self::Sizes => "sizes",
            Self::ListOf(Each::Int) => "list<int>",
            Self::ListOf(Each::Ip) => "list<ip>",
            Self::ListOf(Each::Cidr) => "list<cidr>",
            Self::ListOf(Each::Duration) => "list<duration>",
            Self::ListOf(Each::Port) => "list<port>",
            Self::ListOf(Each::Name) => "list<name>",
            Self::Map => "map",
            Self::Outcome => "outcome",
        }
    }
}
