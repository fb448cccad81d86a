//! Cuts a script into its pieces, with the bytes of each: what Rhai's own reader tells has no ends and no comments.
//!
//! Every text is copied as it stands; of an interpolated one, what is inside of it too.

use std::ops::Range;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// A text or a character.
    Text,
    /// An operator or a bracket.
    Sign,
    /// To the end of its line.
    LineComment,
    BlockComment,
}

/// A piece of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Line ends before it, since the last piece.
    pub(super) newlines: usize,
    /// Whether anything blank stands before it.
    pub(super) apart: bool,
    /// Characters before it in its line.
    pub(super) column: usize,
    /// The bytes that it stands at.
    pub(super) bytes: Range<usize>,
}

impl Piece<'_> {
    pub(super) fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::LineComment | Kind::BlockComment)
    }
}

/// Signs of more than one character, the longest first.
const SIGNS: [&str; 32] = [
    "<<=", ">>=", "**=", "..=", "...", "===", "!==", "#{", "&&", "||", "==", "!=", "<=", ">=", "=>", "->", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "<<", ">>", "**", "..", "::", "??", "?.", "?[",
];

/// The pieces of a script.
///
/// # Errors
/// The byte at which a text or a comment begins that has no end.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece<'_>>, usize> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut last = 0;
    while let Some(letter) = source[at..].chars().next() {
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let (kind, length) = piece(&source[at..]).ok_or(at)?;
        let text = &source[at..at + length];
        // What ends a line is no part of a comment.
        let text = if kind == Kind::LineComment { text.trim_end() } else { text };
        let gap = &source[last..at];
        let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
        all.push(Piece {
            kind,
            text,
            newlines: gap.matches('\n').count(),
            apart: !gap.is_empty(),
            column: source[line..at].chars().count(),
            bytes: at..at + text.len(),
        });
        at += length;
        last = at;
    }
    Ok(all)
}

/// The kind and the bytes of the first piece.
fn piece(rest: &str) -> Option<(Kind, usize)> {
    let first = rest.chars().next()?;
    let in_line = || rest.find('\n').unwrap_or(rest.len());
    match first {
        '/' if rest.starts_with("//") => Some((Kind::LineComment, in_line())),
        '/' if rest.starts_with("/*") => Some((Kind::BlockComment, block_comment(rest)?)),
        '"' => Some((Kind::Text, quoted(rest, '"')?)),
        '\'' => Some((Kind::Text, quoted(rest, '\'')?)),
        '`' => Some((Kind::Text, interpolated(rest)?)),
        '#' if raw_begin(rest).is_some() => Some((Kind::Text, raw(rest)?)),
        // `x !in list` is one operator.
        '!' if rest[1..].starts_with("in") && !rest[3..].starts_with(is_of_a_name) => Some((Kind::Sign, 3)),
        letter if letter.is_ascii_digit() => Some((Kind::Word, number(rest))),
        letter if is_of_a_name(letter) => Some((Kind::Word, rest.find(|letter| !is_of_a_name(letter)).unwrap_or(rest.len()))),
        letter => Some((Kind::Sign, SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or(letter.len_utf8(), |sign| sign.len()))),
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// A number with its fraction and exponent; `1..2` and `1.max(2)` have neither.
fn number(rest: &str) -> usize {
    let word = |from: usize| rest[from..].find(|letter| !is_of_a_name(letter)).map_or(rest.len(), |end| from + end);
    let mut end = word(0);
    let fraction = rest[end..].strip_prefix('.').is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    if fraction {
        end = word(end + 1);
    }
    let exponent = rest[..end].ends_with(['e', 'E']) && !rest.starts_with("0x");
    if exponent && rest[end..].starts_with(['+', '-']) { word(end + 1) } else { end }
}

/// Block comments stand in one another.
fn block_comment(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest[at..].chars().next()?.len_utf8();
        }
    }
}

fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// How many `#` a raw text begins with.
fn raw_begin(rest: &str) -> Option<usize> {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

fn raw(rest: &str) -> Option<usize> {
    let hashes = raw_begin(rest)?;
    let end = format!("\"{}", "#".repeat(hashes));
    rest[hashes + 1..].find(&end).map(|at| hashes + 1 + at + end.len())
}

/// A text in backticks; code stands in it between `${` and `}`, and in that texts again.
fn interpolated(rest: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        let letter = rest[at..].chars().next()?;
        if letter == '`' {
            // Two of them are one that is meant.
            if rest[at + 1..].starts_with('`') {
                at += 2;
                continue;
            }
            return Some(at + 1);
        }
        if rest[at..].starts_with("${") {
            at += 2 + code(&rest[at + 2..])?;
            continue;
        }
        at += letter.len_utf8();
    }
}

/// The bytes of code up to and with the brace that closes it.
fn code(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let letter = rest[at..].chars().next()?;
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let (kind, length) = piece(&rest[at..])?;
        match (kind, &rest[at..at + length]) {
            (Kind::Sign, "{" | "#{") => depth += 1,
            (Kind::Sign, "}") if depth == 0 => return Some(at + 1),
            (Kind::Sign, "}") => depth -= 1,
            _ => {}
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        pieces(source).unwrap().into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn a_script_is_cut_where_its_pieces_end() {
        assert_eq!(
            texts("let x=1.5e-3+a.b?.c[0..=2];"),
            ["let", "x", "=", "1.5e-3", "+", "a", ".", "b", "?.", "c", "[", "0", "..=", "2", "]", ";"]
        );
        assert_eq!(
            texts("#{a:\"x \\\" } // y\"} // z  \n1.max(2)"),
            ["#{", "a", ":", "\"x \\\" } // y\"", "}", "// z", "1", ".", "max", "(", "2", ")"]
        );
        assert_eq!(
            texts("`a ${ f(`b ${1}`, #{ c: \"}\" }) } d` + #\"raw \" \\\"# /* a /* b */ c */"),
            ["`a ${ f(`b ${1}`, #{ c: \"}\" }) } d`", "+", "#\"raw \" \\\"#", "/* a /* b */ c */"]
        );
        assert_eq!(texts("x??y||!z"), ["x", "??", "y", "||", "!", "z"]);
        assert_eq!(texts("x !in y || !inner"), ["x", "!in", "y", "||", "!", "inner"]);
    }

    #[test]
    fn what_has_no_end_is_told() {
        for (source, at) in [("a \"b", 2), ("`a ${b`", 0), ("/* /* */", 0), ("1 'x", 2)] {
            assert_eq!(pieces(source), Err(at), "{source}");
        }
    }
}
