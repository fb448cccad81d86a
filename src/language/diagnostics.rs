//! What Rhai says of a script, as diagnostics: where exactly, in a plain sentence, and by which calls it came there.

use rhai::{Engine, EvalAltResult, LexError, ParseError, ParseErrorType, Position, Token};

use super::elsewhere;
use crate::model::diagnostic::{Diagnostic, Further, Source, Spot, codes, did_you_mean};
use crate::words::all;
use crate::words::fits::in_words;
use crate::words::mistake::Mistake;
use crate::words::word::{Kind, Word};

/// The place of what stands at a position: Rhai tells where a token begins, and the token itself how long it is.
#[must_use]
pub fn spot(engine: &Engine, source: &Source, position: Position) -> Option<Spot> {
    let line = position.line()?;
    let start = source.byte(line, position.position().unwrap_or(1));
    Some(source.spot(start..start + length(engine, source, start)))
}

/// How many bytes the token at the position has. It ends before the next one, without what is blank or a comment between them.
fn length(engine: &Engine, source: &Source, start: usize) -> usize {
    // Of its line alone: a text with a mistake in each line would be read once for each of them.
    let line = source.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let text = [line];
    // The lexer never ends by itself: it gives EOF for ever.
    let tokens = engine.lex(&text).0.take(line.len());
    let next = tokens.take_while(|(token, _)| *token != Token::EOF).filter_map(|(_, at)| at.position()).find(|column| *column > 1);
    let end = next.and_then(|column| line.char_indices().nth(column - 1)).map_or(line.len(), |(byte, _)| byte);
    let piece = line.get(..end).unwrap_or_default();
    let quoted = piece.starts_with(['"', '\'', '`']);
    let piece = if quoted { piece } else { piece.split("//").next().unwrap_or_default().split("/*").next().unwrap_or_default() };
    piece.trim_end().len()
}

/// A script that Rhai cannot read.
#[must_use]
pub fn unparsed(engine: &Engine, source: &Source, error: &ParseError) -> Diagnostic {
    let ParseError(kind, position) = error;
    let message = match &**kind {
        ParseErrorType::MissingToken(token, why) => format!("`{token}` is missing {why}"),
        ParseErrorType::BadInput(LexError::UnexpectedInput(text)) => format!("`{text}` means nothing here"),
        ParseErrorType::Reserved(name) | ParseErrorType::BadInput(LexError::ImproperSymbol(name, _)) => {
            format!("`{name}` cannot be used in a playbook")
        }
        ParseErrorType::BadInput(LexError::MalformedChar(text)) => format!("'{text}' is no single character"),
        ParseErrorType::BadInput(LexError::UnterminatedString) => "this text has no end".to_owned(),
        ParseErrorType::AssignmentToConstant(name) => format!("`{name}` is a `const`, which cannot be changed"),
        ParseErrorType::VariableUndefined(name) => format!("there is no variable `{name}`"),
        other => other.to_string(),
    };
    let spot = spot(engine, source, *position);
    let hint = spot.as_ref().and_then(|spot| elsewhere::syntax(source.text, spot.span.start.byte));
    Diagnostic::new(codes::SYNTAX, spot, format!("the script cannot be read: {message}")).maybe(hint)
}

/// A run that ended by an error of its script or of a word.
#[must_use]
pub fn failed(engine: &Engine, source: &Source, error: &EvalAltResult) -> Diagnostic {
    let (inner, calls) = unwrapped(error);
    let position = if inner.position().is_none() { calls.first().map_or(error.position(), |call| call.at) } else { inner.position() };
    let (code, message, hint) = said(inner);
    let place = match spot(engine, source, position) {
        Some(place) if code == codes::FIELD => Some(field(engine, source, place)),
        place => place,
    };
    let further = calls.iter().filter(|call| call.at != position).filter_map(|call| {
        let spot = spot(engine, source, call.at)?;
        Some(Further {
            message: if call.closure { "inside of what is done here".to_owned() } else { format!("`{}` was called here", call.name) },
            spot,
        })
    });
    Diagnostic { further: further.collect(), ..Diagnostic::new(code, place, message).maybe(hint) }
}

/// The name of a field, where Rhai tells the place of the dot before it.
fn field(engine: &Engine, source: &Source, place: Spot) -> Spot {
    let start = place.span.start;
    let dot = ["?.", "."].into_iter().find(|dot| source.text[start.byte..].starts_with(dot));
    let Some(dot) = dot else { return place };
    let behind = source.spot(start.byte + dot.len()..start.byte + dot.len()).span.start;
    let at = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    spot(engine, source, Position::new(at(behind.line), at(behind.column))).unwrap_or(place)
}

/// A call on the way to an error.
struct Call {
    name: String,
    /// A closure has no name that its author gave.
    closure: bool,
    at: Position,
}

/// The innermost error, and the calls that led to it, the innermost first.
fn unwrapped(error: &EvalAltResult) -> (&EvalAltResult, Vec<Call>) {
    let mut calls = Vec::new();
    let mut error = error;
    loop {
        match error {
            EvalAltResult::ErrorInFunctionCall(name, _, inner, at) => {
                calls.insert(0, Call { name: name.clone(), closure: name.starts_with("anon$"), at: *at });
                error = inner;
            }
            EvalAltResult::ErrorInModule(_, inner, _) => error = inner,
            _ => return (error, calls.into_iter().filter(|call| !call.at.is_none()).collect()),
        }
    }
}

/// Code, message and hint of an error by itself.
fn said(error: &EvalAltResult) -> (&'static str, String, Option<String>) {
    match error {
        EvalAltResult::ErrorRuntime(value, _) => match value.clone().try_cast::<Mistake>() {
            Some(mistake) => (mistake.code, mistake.message, mistake.hint),
            None => (codes::RAISED, crate::words::printed::shown(value), None),
        },
        EvalAltResult::ErrorFunctionNotFound(signature, _) => function_not_found(signature),
        EvalAltResult::ErrorPropertyNotFound(what, _) => {
            // Words name their fields in backticks; what Rhai names alone is a key of a map.
            if !what.starts_with('`') {
                let hint = format!("ask `if \"{what}\" in map` first, where it may be missing");
                return (codes::FIELD, format!("the map has no key `{what}`"), Some(hint));
            }
            let (what, hint) = what.split_once("; ").map_or((what.as_str(), None), |(what, hint)| (what, Some(hint.to_owned())));
            (codes::FIELD, format!("there is no field {what}"), hint)
        }
        EvalAltResult::ErrorDotExpr(text, _) => dotted(text),
        EvalAltResult::ErrorIndexingType(text, _) => {
            let of = text.split(" [").next().unwrap_or(text);
            if of == "()" {
                (codes::FIELD, "this is (), which has nothing in it".to_owned(), Some(ASK_FIRST.to_owned()))
            } else {
                (codes::OPERATION, format!("{} is not indexed in this way", in_words(of)), None)
            }
        }
        EvalAltResult::ErrorNonPureMethodCallOnConstant(name, _) => (
            codes::OPERATION,
            format!("`{}` changes a value, and this one is a `const`", name.split([' ', '(']).next().unwrap_or(name)),
            Some("declare it by `let`".to_owned()),
        ),
        EvalAltResult::ErrorAssignmentToConstant(name, _) => {
            (codes::OPERATION, format!("`{name}` is a constant, which cannot be changed"), Some("declare it by `let`".to_owned()))
        }
        EvalAltResult::ErrorMismatchDataType(expected, given, _) if !given.is_empty() && !expected.is_empty() => {
            (codes::OPERATION, format!("this has to be {}, and it is {}", in_words(expected), in_words(given)), None)
        }
        EvalAltResult::ErrorArrayBounds(length, index, _) => {
            let parts = if *length == 1 { "1 part".to_owned() } else { format!("{length} parts") };
            let hint = Some("the first part is `list[0]`, the last `list[-1]`; ask `.len()` first".to_owned());
            (codes::OPERATION, format!("the list has {parts}, and none at [{index}]"), hint)
        }
        EvalAltResult::ErrorFor(_) => (
            codes::OPERATION,
            "a loop goes over a list, and this is none".to_owned(),
            Some("ask `if … != ()` first, where it may be ()".to_owned()),
        ),
        EvalAltResult::ErrorTooManyOperations(_) => (
            codes::LIMIT,
            "the script reached a limit: it does more than 5 million operations".to_owned(),
            Some("often a loop has no end".to_owned()),
        ),
        EvalAltResult::ErrorVariableNotFound(name, _) => (
            codes::OPERATION,
            format!("there is no variable `{name}` here"),
            Some("a `fn` sees its own parameters alone, a closure also what is around it".to_owned()),
        ),
        EvalAltResult::ErrorStackOverflow(_)
        | EvalAltResult::ErrorTooManyVariables(_)
        | EvalAltResult::ErrorTooManyModules(_)
        | EvalAltResult::ErrorDataTooLarge(..) => (codes::LIMIT, format!("the script reached a limit: {}", bare(error)), None),
        // A bound of the run's own, which says why.
        EvalAltResult::ErrorTerminated(why, _) if why.is_string() => (codes::LIMIT, why.to_string(), None),
        other => (codes::OPERATION, bare(other), None),
    }
}

/// What to try with a value that is ().
const ASK_FIRST: &str = "ask `if … != ()` first: what is not known, and what a step gives that failed, is ()";

/// A field that is none, or that cannot be set: Rhai tells it in a sentence of its own, with the names in quotes.
fn dotted(text: &str) -> (&'static str, String, Option<String>) {
    let quoted: Vec<&str> = text.split('\'').skip(1).step_by(2).collect();
    match quoted[..] {
        [field, "()", ..] => (codes::FIELD, format!("this is (), which has no field `{field}`"), Some(ASK_FIRST.to_owned())),
        [field, of, ..] if text.starts_with("No writable") => (
            codes::OPERATION,
            format!("`{field}` of {} cannot be set: what words give is read only", in_words(of)),
            Some("keep what you need in a variable or a map of your own".to_owned()),
        ),
        [field, of, ..] => (codes::FIELD, format!("{} has no field `{field}`", in_words(of)), elsewhere::function(field)),
        _ => (codes::OPERATION, text.to_owned(), None),
    }
}

/// Rhai's own sentence without the place at its end.
fn bare(error: &EvalAltResult) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.rfind(" (line ") {
        text.truncate(at);
    }
    text
}

fn function_not_found(signature: &str) -> (&'static str, String, Option<String>) {
    let name = signature.split([' ', '(']).next().unwrap_or(signature);
    if let Some(word) = all::word(name).or_else(|| all::formerly(name)) {
        return (codes::ARGUMENTS, not_taken(word, signature), Some(format!("it is written {}", word.signature())));
    }
    let known = super::sandbox::rhais_own().contains(name);
    if known || signature.starts_with(|c: char| !c.is_alphabetic()) {
        let hint = given(signature).contains(&"()").then(|| ASK_FIRST.to_owned());
        return (codes::NO_FUNCTION, format!("`{name}` does not take these values: {}", shown(signature)), hint);
    }
    let hint = elsewhere::function(name).or_else(|| did_you_mean(name, all::names()));
    (codes::UNKNOWN_WORD, format!("there is no word `{name}`"), hint)
}

/// The types of a signature as Rhai writes it: `len (i64, ())`.
fn given(signature: &str) -> Vec<&str> {
    let given = signature.split_once('(').map_or("", |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
    given.split(", ").filter(|one| !one.is_empty()).collect()
}

/// The same in words.
fn shown(signature: &str) -> String {
    let types: Vec<&str> = given(signature).into_iter().map(in_words).collect();
    if types.is_empty() { "nothing".to_owned() } else { types.join(" and ") }
}

/// Which argument a word does not take, by its description and the types that it was given.
fn not_taken(word: &Word, signature: &str) -> String {
    let types = given(signature);
    let (least, most) = word.arity();
    if !(least..=most).contains(&types.len()) {
        return word.miscounted(types.len());
    }
    let wrong = word.params.iter().zip(&types).find(|(param, given)| !may_be(param.kind, given));
    match wrong {
        Some((param, given)) => {
            let given = match *given {
                "()" => "() (did the step that should give it fail?)",
                other => in_words(other),
            };
            format!("`{}`: the argument `{}` takes {}, and this is {given}", word.name, param.name, param.kind)
        }
        None => format!("`{}` does not take these arguments: {}", word.name, shown(signature)),
    }
}

/// Whether a value of that type of Rhai's may be of the kind.
fn may_be(kind: Kind, given: &str) -> bool {
    match kind {
        Kind::Record(record) => given == record.name,
        Kind::List(_) => given == "array",
        Kind::Map(_) => given == "map",
        Kind::Closure => given == "Fn",
        Kind::Text | Kind::Form(_) | Kind::Address | Kind::Place | Kind::OneOf(_) => given.contains("string"),
        Kind::Bool => given == "bool",
        Kind::Number | Kind::Whole { .. } => given == "i64",
        Kind::Either(one, other) => may_be(*one, given) || may_be(*other, given),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, line: u16, column: u16) -> String {
        let source = Source { file: "a.rhai", text };
        let spot = spot(&Engine::new(), &source, Position::new(line, column)).unwrap();
        text[spot.span.start.byte..spot.span.end.byte].to_owned()
    }

    #[test]
    fn the_mark_is_as_long_as_the_token() {
        let text = "let x = 1; // ä\nlet o = find_anouncer(x) !in [1.5, \"a // b\"];\n";
        for (line, column, expected) in
            [(2, 9, "find_anouncer"), (2, 5, "o"), (2, 26, "!in"), (2, 31, "1.5"), (2, 36, "\"a // b\""), (1, 10, ";"), (1, 9, "1")]
        {
            assert_eq!(marked(text, line, column), expected, "{line}:{column}");
        }
        assert_eq!(marked("let a = \"never ends", 1, 9), "\"never ends");
    }
}
