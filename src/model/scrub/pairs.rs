//! Credentials behind a name that tells of them: `password=…`, `"token": "…"`, `--auth-key …`, `Authorization: …`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::REMOVED;
use super::names::{Weight, weight};
use super::values::{beginning, line_end, looks_secret, nothing, prose, scheme, until_enough, value};

/// Anything that may be a telling name; `names` decides.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)[a-z0-9_.\-]*(?:pass|pwd|pw|secret|token|key|auth|cred|cookie|psk|session|sig|jwt|otp|sas|sid|bearer|pin)[a-z0-9_.\-]*",
    )
    .ok()
});

/// What parts a setting's name from its value, as it is or as addresses, JSON and HTML write it.
static SEPARATOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)^(?:\\*["'`])?\]?[ \t]*(:=|=>|=|:|%3[ad]|\\+u003[ad]|&#(?:58|61|x3[ad]);)(?:[ \t]*|\s*(?:\\*["'])?)"#).ok()
});

/// What parts an option from its value when it is no `=`: a space, or the comma of a list.
static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^(?:\\*["'`])?(?:[ \t]*,)?[ \t]*"#).ok());

/// Words of a sentence between the name and what it names.
static SENTENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^\]?[ \t]+",
        r"(?:(?:for|of|on|at)[ \t]+(?:(?:the|peer|user|neighbou?r|account|host|node|database|role|group|service)[ \t]+)+\S+[ \t]+)?",
        r"(?:(?:is|was|has|been|changed|updated|reset|from|of|string|clear|md5|text|value|token|key|phrase|hex|now|set|to|with|=)[ \t]+)*",
        r"(?:[0-9][ \t]+)?"
    ))
    .ok()
});

/// Bytes of a word that may make another one telling.
const LONGEST_WORD: usize = 24;

/// The text without what such names name.
pub(super) fn scrub(text: &str) -> Cow<'_, str> {
    let Some(names) = NAME.as_ref() else { return Cow::Borrowed(text) };
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = names.find_at(text, at) {
        at = found.end();
        if let Some(span) = named(text, found.range()) {
            out.push_str(&text[kept..span.start]);
            out.push_str(REMOVED);
            kept = span.end;
            at = span.end.max(at);
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// What a name at a place names, when it has to go.
fn named(text: &str, name: Range<usize>) -> Option<Range<usize>> {
    let word = &text[name.clone()];
    let weight = with_the_word_before(text, &name, weight(word)?);
    // No further than it takes: what is looked at anew for every name would make a long line take for ever.
    let rest = &until_enough(text, name.end)[name.end..];
    if let Some(separator) = SEPARATOR.as_ref()?.captures(rest) {
        let equals = separator.get(1).is_some_and(|sign| sign.as_str() != ":");
        let from = name.end + separator.get(1)?.end();
        let from = from + text[from..].len() - text[from..].trim_start_matches([' ', '\t']).len();
        return setting(text, &name, weight, from, equals);
    }
    if word.starts_with('-') && weight > Weight::Light {
        let from = name.end + OPTION.as_ref()?.find(rest)?.end();
        let option = beginning(text, from).filter(|_| from > name.end && !text[from..].starts_with('-'))?;
        return (!nothing(&text[option.span])).then(|| value(text, from).map(|whole| whole.span)).flatten();
    }
    let sentence = SENTENCE.as_ref()?.find(rest)?;
    let said = beginning(text, name.end + sentence.end())?;
    let credential = &text[said.span.clone()];
    let joins =
        |said: &str| [" is ", " was "].contains(&said) || said.starts_with(']') || said.ends_with(" to ") || said.ends_with(" from ");
    let told = weight >= Weight::Heavy && (joins(sentence.as_str()) || word.eq_ignore_ascii_case("key"));
    let looks = match weight {
        // "session peer=10.0.0.1": the next thing that is told, and no value of this one.
        Weight::Light => is_random(credential) && !credential.contains('='),
        _ => looks_secret(credential) || told && is_no_word(credential),
    };
    // `secret "web-tls" not found` names an object, `password "…" is too long` does not.
    let quoted = said.enclosed
        && weight == Weight::Heavy
        && (looks || ["password", "passwd", "passphrase"].iter().any(|end| word.to_ascii_lowercase().ends_with(end)));
    let goes = (looks && !said.enclosed || quoted) && !prose(credential) && !nothing(credential);
    goes.then(|| value(text, name.end + sentence.end()).map(|whole| whole.span)).flatten()
}

/// `authentication key`, in two words, is as telling as in one.
fn with_the_word_before(text: &str, name: &Range<usize>, weight: Weight) -> Weight {
    if weight > Weight::Light || !text[name.clone()].eq_ignore_ascii_case("key") {
        return weight;
    }
    let before = text[..name.start].strip_suffix(' ').and_then(|before| before.rsplit([' ', '\t', '\n', '"', '(']).next());
    let joined = before.filter(|before| before.len() < LONGEST_WORD).map(|before| format!("{before}-key"));
    joined.and_then(|joined| super::names::weight(&joined)).unwrap_or(weight)
}

/// The value of `name=value` and its kin.
fn setting(text: &str, name: &Range<usize>, weight: Weight, from: usize, equals: bool) -> Option<Range<usize>> {
    let before = text[..name.start].chars().next_back();
    // NAMESPACE/NAME:PORT is a Service's port.
    if before == Some('/') && !equals && from == name.end + 1 {
        return None;
    }
    let found = beginning(text, from)?;
    if weight == Weight::Header && !found.enclosed {
        let quote = before.filter(|c| matches!(c, '"' | '\'' | '`'));
        let header = &text[from..line_end(until_enough(text, from), from, quote)];
        return (!nothing(header) && !prose(&text[found.span])).then(|| from..line_end(text, from, quote));
    }
    let after_scheme = scheme(&text[found.span.clone()]).then(|| behind_spaces(text, found.span.end));
    let judged = match after_scheme {
        Some(next) => beginning(text, next).filter(|more| looks_secret(&text[more.span.clone()]))?,
        None => found,
    };
    let credential = &text[judged.span.clone()];
    let goes = match weight {
        Weight::Light => is_random(credential),
        Weight::Plain => (equals || judged.enclosed || looks_secret(credential)) && !is_path(credential),
        Weight::Heavy | Weight::Header => equals || judged.enclosed || !prose(credential) && !is_error(credential),
    };
    if !goes || nothing(credential) {
        return None;
    }
    value(text, after_scheme.unwrap_or(from)).map(|whole| whole.span)
}

fn behind_spaces(text: &str, from: usize) -> usize {
    from + text[from..].len() - text[from..].trim_start_matches(' ').len()
}

/// Long and without any order: what follows a mere `key`.
fn is_random(credential: &str) -> bool {
    credential.len() >= 20 && !credential.contains([' ', '/', '{']) && looks_secret(credential)
}

/// The path of a file, as `PWD=/root` has one.
fn is_path(credential: &str) -> bool {
    credential.starts_with('/') && credential.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c))
}

/// Small and large letters as no sentence has them.
fn is_no_word(credential: &str) -> bool {
    credential.len() >= 8
        && credential.chars().skip(1).any(|c| c.is_ascii_uppercase())
        && credential.chars().any(|c| c.is_ascii_lowercase())
}

/// A part of an error's chain: `credentials: exec: no such file`.
fn is_error(credential: &str) -> bool {
    credential.strip_suffix(':').is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase()))
}
