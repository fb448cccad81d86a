//! What is done to a playbook: one small mistake, as an author makes it.

use std::ops::Range;

use super::tokens::{Sort, Token, tokens};

/// A kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operator {
    Word,
    Method,
    Field,
    Option,
    Variable,
    Parameter,
    DroppedArgument,
    SwappedArguments,
    LiteralsType,
    Capability,
    DroppedLet,
    Finding,
    HeaderKey,
    HeaderValue,
    /// What changes nothing: of that the check may say nothing.
    Renamed,
    AsMethod,
    FieldByText,
    Bracketed,
    Commented,
}

impl Operator {
    pub(crate) const ALL: [Self; 19] = [
        Self::Word,
        Self::Method,
        Self::Field,
        Self::Option,
        Self::Variable,
        Self::Parameter,
        Self::DroppedArgument,
        Self::SwappedArguments,
        Self::LiteralsType,
        Self::Capability,
        Self::DroppedLet,
        Self::Finding,
        Self::HeaderKey,
        Self::HeaderValue,
        Self::Renamed,
        Self::AsMethod,
        Self::FieldByText,
        Self::Bracketed,
        Self::Commented,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Word => "a word misspelt",
            Self::Method => "a method misspelt",
            Self::Field => "a field misspelt",
            Self::Option => "an option or key misspelt",
            Self::Variable => "a variable misspelt",
            Self::Parameter => "a parameter misspelt",
            Self::DroppedArgument => "an argument dropped",
            Self::SwappedArguments => "two arguments swapped",
            Self::LiteralsType => "a literal of another type",
            Self::Capability => "a capability dropped",
            Self::DroppedLet => "a `let` dropped",
            Self::Finding => "a finding misspelt",
            Self::HeaderKey => "a header's key misspelt",
            Self::HeaderValue => "a header's value changed",
            Self::Renamed => "a variable renamed throughout",
            Self::AsMethod => "a word called as a method",
            Self::FieldByText => "a field read by a text",
            Self::Bracketed => "an argument in parentheses",
            Self::Commented => "a comment added",
        }
    }
}

/// A place where a mistake can be made.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) operator: Operator,
    /// The bytes that are replaced.
    pub(crate) bytes: Range<usize>,
    /// By what, for each random number another.
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Misspell,
    By(String),
    /// Every name in these bytes.
    Everywhere(Vec<Range<usize>>),
}

impl Site {
    /// The text with the mistake.
    pub(crate) fn made(&self, text: &str, random: u64) -> String {
        let new = match &self.change {
            Change::Misspell => misspelt(&text[self.bytes.clone()], random),
            Change::By(new) => new.clone(),
            Change::Everywhere(places) => {
                let mut text = text.to_owned();
                for place in places.iter().rev() {
                    text.replace_range(place.clone(), "renamed_name");
                }
                return text;
            }
        };
        format!("{}{new}{}", &text[..self.bytes.start], &text[self.bytes.end..])
    }
}

/// A name with one letter dropped, doubled, or swapped with the next.
fn misspelt(name: &str, random: u64) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let count = u64::try_from(letters.len()).unwrap_or(1);
    let at = usize::try_from(random / 3 % count).unwrap_or(0);
    match random % 3 {
        0 if letters.len() > 2 => drop(letters.remove(at)),
        1 if at + 1 < letters.len() && letters[at] != letters[at + 1] && letters.iter().all(char::is_ascii_alphabetic) => {
            letters.swap(at, at + 1);
        }
        _ => letters.insert(at, letters[at]),
    }
    let new: String = letters.into_iter().collect();
    if new == name || new.starts_with(|c: char| c.is_ascii_digit()) { format!("{name}x") } else { new }
}

const KEYWORDS: [&str; 23] = [
    "let", "const", "if", "else", "for", "in", "while", "loop", "switch", "fn", "return", "throw", "try", "catch", "break", "continue",
    "true", "false", "this", "do", "until", "is", "params",
];

/// Every place of a playbook where a mistake can be made.
pub(crate) fn sites(text: &str, words: &[&str]) -> Vec<Site> {
    let body = body(text);
    let all = tokens(text, body);
    let of = |index: usize| all.get(index).map_or("", |token| &text[token.bytes.clone()]);
    let mut sites = header(text, body);
    let mut add = |operator, bytes: &Range<usize>, change| sites.push(Site { operator, bytes: bytes.clone(), change });
    for (index, token) in all.iter().enumerate() {
        let (before, here, after) = (if index == 0 { "" } else { of(index - 1) }, of(index), of(index + 1));
        let behind_dot = before == "." || before == "?.";
        let misspell = || Change::Misspell;
        match token.sort {
            Sort::Name if behind_dot && index > 1 && of(index - 2) == "params" => add(Operator::Parameter, &token.bytes, misspell()),
            Sort::Name if behind_dot && after == "(" => add(Operator::Method, &token.bytes, misspell()),
            Sort::Name if behind_dot => {
                add(Operator::Field, &token.bytes, misspell());
                // What is assigned is another matter, and `?.` has no such form.
                if before == "." && !matches!(after, "=" | "+=") {
                    add(Operator::FieldByText, &(token.bytes.start - 1..token.bytes.end), Change::By(format!("[\"{here}\"]")));
                }
            }
            Sort::Name if KEYWORDS.contains(&here) => {
                if matches!(here, "true" | "false") {
                    add(Operator::LiteralsType, &token.bytes, Change::By("\"yes\"".to_owned()));
                }
                if here == "let" {
                    add(Operator::Commented, &(token.bytes.start..token.bytes.start), Change::By("/* let it be */ ".to_owned()));
                    let name = of(index + 1);
                    let is_field = |at: usize| at > 0 && matches!(of(at - 1), "." | "?.");
                    let same = (0..all.len()).filter(|at| of(*at) == name && !is_field(*at));
                    // A key of a map, or a function, may be called so as well.
                    let plain = same.clone().all(|at| !matches!(of(at + 1), ":" | "(") && all[at].sort == Sort::Name);
                    if plain {
                        let places = same.map(|at| all[at].bytes.clone()).collect();
                        add(Operator::Renamed, &all[index + 1].bytes, Change::Everywhere(places));
                    }
                }
                if here == "let"
                    && let Some(end) = statement(&all, text, index)
                {
                    add(Operator::DroppedLet, &(token.bytes.start..end), Change::By(String::new()));
                }
            }
            Sort::Name if after == "(" && before != "fn" => {
                if words.contains(&here) {
                    add(Operator::Word, &token.bytes, misspell());
                }
                let arguments = arguments(&all, text, index + 1);
                if let Some(first) = arguments.first() {
                    add(Operator::Bracketed, first, Change::By(format!("({})", &text[first.clone()])));
                    let rest = arguments.get(1).map_or(first.end, |second| second.start);
                    let plain = text[first.clone()].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    if words.contains(&here) && plain && !behind_dot {
                        let method = format!("{}.{here}(", &text[first.clone()]);
                        add(Operator::AsMethod, &(token.bytes.start..rest), Change::By(method));
                    }
                }
                for (number, argument) in arguments.iter().enumerate() {
                    let (from, to) = match (number.checked_sub(1).and_then(|before| arguments.get(before)), arguments.get(number + 1)) {
                        (_, Some(next)) => (argument.start, next.start),
                        (Some(before), None) => (before.end, argument.end),
                        (None, None) => (argument.start, argument.end),
                    };
                    add(Operator::DroppedArgument, &(from..to), Change::By(String::new()));
                    if let Some(next) = arguments.get(number + 1) {
                        let between = &text[argument.end..next.start];
                        let swapped = format!("{}{between}{}", &text[next.clone()], &text[argument.clone()]);
                        add(Operator::SwappedArguments, &(argument.start..next.end), Change::By(swapped));
                    }
                }
                if here == "finding"
                    && let Some(Token { sort: Sort::Text, bytes }) = all.get(index + 2)
                    && !text[bytes.clone()].starts_with("\"site/")
                {
                    add(Operator::Finding, &(bytes.start + 1..bytes.end - 1), misspell());
                }
            }
            Sort::Name if after == ":" => add(Operator::Option, &token.bytes, misspell()),
            Sort::Name if !matches!(before, "let" | "for" | "fn" | "const" | "|") && after != "|" && after != "=" => {
                add(Operator::Variable, &token.bytes, misspell());
            }
            Sort::Text => add(Operator::LiteralsType, &token.bytes, Change::By("7".to_owned())),
            Sort::Number => add(Operator::LiteralsType, &token.bytes, Change::By("\"x\"".to_owned())),
            _ => {}
        }
    }
    sites
}

/// Where the script begins, behind the header.
pub(crate) fn body(text: &str) -> usize {
    text.find("//! ---").and_then(|first| text[first + 7..].find("//! ---").map(|second| first + 7 + second + 7)).unwrap_or(0)
}

/// Where the statement ends that begins at a token, its semicolon included.
fn statement(all: &[Token], text: &str, from: usize) -> Option<usize> {
    let mut depth = 0;
    for token in &all[from..] {
        match &text[token.bytes.clone()] {
            "(" | "[" | "{" | "#{" | "${" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            ";" if depth == 0 => return Some(token.bytes.end),
            _ => {}
        }
    }
    None
}

/// The arguments of a call whose parenthesis opens at a token.
fn arguments(all: &[Token], text: &str, open: usize) -> Vec<Range<usize>> {
    let (mut depth, mut found, mut start, mut end) = (0, Vec::new(), None, 0);
    for token in &all[open..] {
        let mark = &text[token.bytes.clone()];
        if depth == 1 && (mark == "," || mark == ")") {
            found.extend(start.take().map(|start| start..end));
        }
        match mark {
            "(" | "[" | "{" | "#{" | "${" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if !(depth == 1 && (mark == "," || (mark == "(" && token.bytes == all[open].bytes))) {
            start.get_or_insert(token.bytes.start);
            end = token.bytes.end;
        }
    }
    found
}

/// The mistakes of a header.
fn header(text: &str, body: usize) -> Vec<Site> {
    let mut sites = Vec::new();
    let mut offset = 0;
    for line in text[..body].split_inclusive('\n') {
        let at = |inner: &str| offset + (inner.as_ptr() as usize - line.as_ptr() as usize);
        if let Some(rest) = line.strip_prefix("//! ")
            && let Some((name, value)) = rest.split_once(':')
        {
            let key = name.trim_start();
            let is_param = name.starts_with("  ");
            let mut add = |operator, bytes: Range<usize>, change| sites.push(Site { operator, bytes, change });
            if !is_param {
                add(Operator::HeaderKey, at(key)..at(key) + key.len(), Change::Misspell);
            }
            if key == "uses" {
                let list = value.trim().trim_start_matches('[').trim_end_matches(']');
                let names: Vec<&str> = list.split(", ").collect();
                for (index, name) in names.iter().enumerate() {
                    let others: Vec<&str> = names.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, name)| *name).collect();
                    add(Operator::Capability, at(list)..at(list) + list.len(), Change::By(others.join(", ")));
                    add(Operator::HeaderValue, at(name)..at(name) + name.len(), Change::Misspell);
                }
            }
            if is_param && let Some(kind) = value.split_once("type: ").and_then(|(_, rest)| rest.split([',', ' ']).next()) {
                let inner = value.find("type").map_or(0, |found| at(value) + found);
                add(Operator::HeaderKey, inner..inner + 4, Change::Misspell);
                add(Operator::HeaderValue, at(kind)..at(kind) + kind.len(), Change::Misspell);
                if let Some(default) = value.split_once("default: ").and_then(|(_, rest)| rest.split(',').next())
                    && kind == "int"
                {
                    add(Operator::HeaderValue, at(default)..at(default) + default.len(), Change::By("many".to_owned()));
                }
                if let Some(found) = value.find("required") {
                    add(Operator::HeaderKey, at(value) + found..at(value) + found + 8, Change::Misspell);
                }
            }
        }
        offset += line.len();
    }
    sites
}
