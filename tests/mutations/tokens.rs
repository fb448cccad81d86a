//! The tokens of a playbook's script, as far as mutations need them: names, texts, numbers and marks, with their bytes.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Name,
    /// A text in double quotes.
    Text,
    Number,
    Mark,
}

/// One token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) sort: Sort,
    pub(crate) bytes: Range<usize>,
}

/// The tokens from a byte on: those inside of interpolated texts too, comments left out.
pub(crate) fn tokens(text: &str, from: usize) -> Vec<Token> {
    let mut all = Vec::new();
    code(text, from, false, &mut all);
    all
}

/// Reads code up to its end, or to the brace that ends an interpolation; gives the byte behind it.
fn code(text: &str, from: usize, inside: bool, all: &mut Vec<Token>) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (from, 0);
    while at < bytes.len() {
        let start = at;
        let until = |at: usize, more: &dyn Fn(u8) -> bool| (at..bytes.len()).find(|at| !more(bytes[*at])).unwrap_or(bytes.len());
        let sort = match bytes[at] {
            b'/' if text[at..].starts_with("//") => {
                at = text[at..].find('\n').map_or(bytes.len(), |end| at + end);
                continue;
            }
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                Sort::Text
            }
            b'`' => {
                at += 1;
                while bytes[at] != b'`' {
                    if bytes[at..].starts_with(b"${") {
                        all.push(Token { sort: Sort::Mark, bytes: at..at + 2 });
                        at = code(text, at + 2, true, all);
                    } else {
                        at += 1;
                    }
                }
                at += 1;
                continue;
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                at = until(at, &|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Sort::Name
            }
            byte if byte.is_ascii_digit() => {
                at = until(at, &|byte| byte.is_ascii_digit() || byte == b'_');
                Sort::Number
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            _ => {
                let long = ["#{", "=>", "==", "!=", "<=", ">=", "&&", "||", "+=", "?.", ".."];
                at += long
                    .iter()
                    .find(|mark| text[at..].starts_with(**mark))
                    .map_or_else(|| text[at..].chars().next().map_or(1, char::len_utf8), |mark| mark.len());
                Sort::Mark
            }
        };
        let token = &text[start..at];
        depth += i32::from(matches!(token, "{" | "#{")) - i32::from(token == "}");
        all.push(Token { sort, bytes: start..at });
        if inside && depth < 0 {
            return at;
        }
    }
    at
}
