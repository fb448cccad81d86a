//! Text that is not ours, made harmless: names, messages, log lines and arguments come from strangers, and none may steer a terminal,
//! forge a line of a report, or hide what it says.
//!
//! Everything that leaves lbdiag passes one of these: `one_line` where a line is meant to stay one, `harmless` where it may have
//! several, `escaped_json` for JSON. A character that is invisible or steers becomes U+FFFD, which is seen; in JSON it is escaped,
//! so that nothing is lost.

use std::fmt::Write;

/// What stands for a character that must not be there.
const REPLACED: char = '\u{fffd}';

/// Whether a character steers what shows it, or is not seen at all: control characters, marks of direction, separators of lines and
/// paragraphs, and Unicode's `Default_Ignorable_Code_Point` (zero-width characters, fillers, selectors and tags).
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text that may have several lines, and tabs.
#[must_use]
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if is_unseen(c) && c != '\n' && c != '\t' { REPLACED } else { c }).collect()
}

/// Text that is one line and one field: line ends, tabs and every other space become a space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let seen = |c: char| match c {
        // Spaces of other widths can push what follows to where a line seems to begin.
        c if matches!(c, '\n' | '\t') || (c.is_whitespace() && !is_unseen(c)) => ' ',
        c if is_unseen(c) => REPLACED,
        c => c,
    };
    text.trim_end().chars().map(seen).collect()
}

/// A line of Markdown that says what it says: nothing in it is markup.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '!' | '#' | '~' | '@' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

/// Several lines of which only the first begins where lines begin: a line end in what a stranger wrote forges no line of ours.
#[must_use]
pub fn hanging(text: &str) -> String {
    harmless(text.trim_end()).replace('\n', "\n  ")
}

/// JSON with every character of its strings escaped that would be unseen.
#[must_use]
pub fn escaped_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unseen(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string has no way to fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of every kind of character that must not get through, with what is around them.
    pub(crate) const HOSTILE: &str = "a\u{1b}]0;owned\u{7}b\r\nPASS all is well\tc\u{9b}31md\u{7f}e\u{85}f\u{202e}g\u{2066}h\u{200f}i\u{61c}j\u{2028}k\
                                      \u{2029}l\u{200b}m\u{feff}n\u{e0041}o\u{ad}p\u{2800}q\u{3164}r\u{8}s\u{fe0f}t\u{a0}u";

    #[test]
    fn what_steers_or_hides_is_replaced_and_nothing_else_is() {
        let line = one_line(HOSTILE);
        assert!(!line.chars().any(is_unseen), "{line:?}");
        assert_eq!(line.chars().count(), HOSTILE.chars().count());
        assert_eq!(harmless(HOSTILE).lines().count(), 2);
        for text in ["10.88.64.100 → n2/mlb", "größer, 東京, مرحبا, שלום, e\u{301}, 🦀", "a\\u001b", ""] {
            assert_eq!((one_line(text), harmless(text), escaped_json(text)), (text.to_owned(), text.to_owned(), text.to_owned()));
        }
        assert_eq!(one_line("a\u{2003}b\u{3000}c\u{a0}d \n"), "a b c d");
    }

    #[test]
    fn further_lines_are_seen_to_belong_to_the_first() {
        assert_eq!(hanging("ok\n\ncleanup: proven\r\n"), "ok\n  \n  cleanup: proven");
    }

    #[test]
    fn json_says_the_same_and_shows_nothing_unseen() {
        let text = escaped_json(&serde_json::to_string(&[HOSTILE]).unwrap());
        assert!(text.contains("\\u202e") && text.contains("\\udb40\\udc41") && !text.chars().any(is_unseen), "{text}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&text).unwrap()[0], HOSTILE);
    }
}
