//! Where the value behind a name ends, and whether it is one that has to go.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::REMOVED;

/// A value that stands behind a name.
pub(super) struct Value {
    /// What goes, without its quotes.
    pub(super) span: Range<usize>,
    /// In quotes or brackets: written as a setting.
    pub(super) enclosed: bool,
}

/// Words that a sentence goes on with after the name of a credential.
const PROSE: &[&str] = &[
    "not",
    "no",
    "is",
    "was",
    "are",
    "were",
    "has",
    "have",
    "had",
    "must",
    "cannot",
    "can't",
    "can",
    "could",
    "may",
    "should",
    "will",
    "would",
    "expired",
    "invalid",
    "missing",
    "required",
    "unknown",
    "wrong",
    "failed",
    "failure",
    "denied",
    "error",
    "the",
    "a",
    "an",
    "of",
    "for",
    "from",
    "in",
    "to",
    "at",
    "on",
    "with",
    "by",
    "and",
    "or",
    "unable",
    "context",
    "bad",
    "too",
    "empty",
    "rejected",
    "unsupported",
    "mismatch",
    "unauthorized",
    "forbidden",
    "rpc",
    "open",
    "stat",
    "read",
    "dial",
    "get",
    "x509",
    "does",
    "did",
    "do",
    "it",
    "this",
    "that",
    "only",
    "authentication",
    "auth",
    "policy",
    "based",
    "key",
    "file",
    "files",
    "path",
    "name",
    "value",
    "found",
    "given",
    "set",
    "used",
    "using",
    "needs",
    "need",
    "per",
    "review",
    "reviews",
    "request",
    "requests",
    "bucket",
    "prompt",
    "provided",
    "accepted",
    "exchange",
    "protected",
    "id",
    "type",
    "as",
];

/// Values that give nothing away.
const NOTHING: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "<nil>",
    "~",
    "yes",
    "no",
    "on",
    "off",
    "unset",
    "basic",
    "digest",
    "required",
    "optional",
    "disabled",
    "enabled",
    "undefined",
    "<none>",
    "-",
    "default",
];

/// Words before the credential in its header.
const SCHEMES: &[&str] =
    &["bearer", "basic", "digest", "token", "negotiate", "ntlm", "apikey", "aws4-hmac-sha256", "splunk", "hawk", "key"];

static NEXT_SETTING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[,;&]\s*[A-Za-z_][\w.\-]*\s*[=:]").ok());

/// Bytes of a value that are enough to judge whether it goes, where its name alone does not tell.
const TELLING: usize = 512;

/// The beginning of the value that stands at a place. Judging by it keeps a long line of such names linear.
pub(super) fn beginning(text: &str, from: usize) -> Option<Value> {
    value(until_enough(text, from), from)
}

/// The text up to where enough stands behind a place.
pub(super) fn until_enough(text: &str, from: usize) -> &str {
    let mut end = text.len().min(from + TELLING);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The value that begins at a place; `None` when nothing stands there.
pub(super) fn value(text: &str, from: usize) -> Option<Value> {
    let rest = text.get(from..)?;
    let first = rest.chars().next()?;
    if let Some(inner) = rest.strip_prefix("\\\"").or_else(|| rest.strip_prefix("\\'")) {
        let start = text.len() - inner.len();
        let end = inner.find(&rest[..2]).map_or(text.len(), |at| start + at);
        return Some(Value { span: start..end, enclosed: true });
    }
    match first {
        '"' | '\'' | '`' => Some(Value { span: from + 1..quoted_end(text, from + 1, first), enclosed: true }),
        '[' | '{' => Some(Value { span: from..closing(text, from), enclosed: true }),
        '|' | '>' => Some(Value { span: from..block(text, from), enclosed: false }),
        _ => Some(Value { span: from..token_end(text, from), enclosed: false }),
    }
}

/// The end of a value that goes on to the end of its line, or to the quote that its name stands in.
pub(super) fn line_end(text: &str, from: usize, quote: Option<char>) -> usize {
    let ends = |c: char| c == '\n' || c == '\r' || Some(c) == quote;
    let end = text[from..].find(ends).map_or(text.len(), |at| from + at);
    let plain = text[from..end].find("\\r\\n").or_else(|| text[from..end].find("\\n")).or_else(|| text[from..end].find("\\\""));
    plain.map_or(end, |at| from + at)
}

fn quoted_end(text: &str, from: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text[from..].char_indices() {
        if c == quote && !escaped {
            return from + at;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// Behind the bracket that closes the one at a place; the end of the text when it was cut.
fn closing(text: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text[from..].char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return from + at + c.len_utf8();
        }
    }
    text.len()
}

/// A block of YAML: the lines that are indented, or a single mark.
fn block(text: &str, from: usize) -> usize {
    let Some(first) = text[from..].find('\n').map(|at| from + at) else { return token_end(text, from) };
    let mut end = first;
    for line in text[first + 1..].split_inclusive('\n') {
        if !line.starts_with([' ', '\t']) {
            break;
        }
        end += line.len();
    }
    end.max(token_end(text, from)).min(text.len())
}

fn token_end(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        let ends = c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '<')
            || (c == '\\' && rest[at + 1..].starts_with(['n', 'r', 't', '"', '\'']))
            || (matches!(c, ',' | ';' | '&') && NEXT_SETTING.as_ref().is_some_and(|next| next.is_match(&rest[at..])));
        if ends {
            end = at;
            break;
        }
    }
    let token = rest[..end].trim_end_matches([',', ';', ')', ']', '}', '>']);
    from + if token.is_empty() { end } else { token.len() }
}

/// Whether a value says nothing of a credential, because there is none or it was taken out.
pub(super) fn nothing(value: &str) -> bool {
    let value = value.trim();
    let whole = |open: &str, close: &str| value.starts_with(open) && value.ends_with(close);
    value.is_empty()
        || value.starts_with(REMOVED)
        || REMOVED.starts_with(value)
        || NOTHING.contains(&value.to_ascii_lowercase().as_str())
        || value.chars().all(|c| matches!(c, '*' | 'x' | '.' | '•' | '…' | ']' | '}' | '[' | '{' | ','))
        || ["<redacted", "[redacted", "(redacted", "redacted", "<hidden", "<set", "<unset", "<secret"]
            .iter()
            .any(|mark| value.to_ascii_lowercase().starts_with(mark))
        || whole("{{", "}}")
        || is_reference(value)
}

/// `${NAME}` or `$(NAME)`, with or without its end.
fn is_reference(value: &str) -> bool {
    let name = value.strip_prefix("${").or_else(|| value.strip_prefix("$("));
    name.is_some_and(|name| name.trim_end_matches(['}', ')']).chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'))
}

/// Whether a sentence goes on with that word.
pub(super) fn prose(word: &str) -> bool {
    let word = word.trim_end_matches([',', '.', ':', ';', '!', '?', ')']);
    PROSE.contains(&word.to_ascii_lowercase().as_str())
}

/// Whether it is the word before a header's credential.
pub(super) fn scheme(word: &str) -> bool {
    SCHEMES.contains(&word.to_ascii_lowercase().as_str())
}

/// Whether a word looks like a credential by itself: letters and digits as nobody would name anything.
pub(super) fn looks_secret(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'', '(', ')', ',', ';']).trim_end_matches('.');
    if word.len() < 6 || is_a_name(word) || !word.is_ascii() {
        return false;
    }
    let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
    let (small, large, digit) = (has(char::is_ascii_lowercase), has(char::is_ascii_uppercase), has(char::is_ascii_digit));
    let symbol = word.trim_end_matches('=').contains(['!', '#', '$', '%', '^', '*', '+', '=', '?', '~']);
    let hexadecimal = word.chars().all(|c| c.is_ascii_hexdigit());
    if hexadecimal {
        return word.len() >= 16 && digit;
    }
    (digit && small && large) || (symbol && (small || large)) || (digit && (small || large) && digits_within(word)) || mixed(word)
}

/// Letters and digits in turn, which a version or a name with a number does not have.
fn digits_within(word: &str) -> bool {
    let kinds: Vec<bool> = word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.is_ascii_digit()).collect();
    kinds.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 3
}

/// Long, and small and large letters in turn as no word has them.
fn mixed(word: &str) -> bool {
    let kinds: Vec<bool> = word.chars().filter(char::is_ascii_alphabetic).map(|c| c.is_ascii_uppercase()).collect();
    word.len() >= 10 && kinds.windows(2).filter(|pair| pair[0] != pair[1]).count() * 10 >= word.len() * 4
}

/// Names of objects, addresses, times, paths, hashes of images and identifiers, which are public.
fn is_a_name(word: &str) -> bool {
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^(?:[a-z0-9]+(?:[-./:_][a-z0-9]+)+",
            r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
            r"|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,8}(?:[/%].*)?",
            r"|\d{4}-\d\d-\d\d.*|(?:sha\d+|SHA\d+|MD5):.*|/.*|[a-z]+://.*|[A-Z][a-z]+|v?\d[\d.]*\w{0,3})$"
        ))
        .ok()
    });
    NAME.as_ref().is_some_and(|name| name.is_match(word))
}
