//! Wrapping of text, which is made harmless here: what comes from a host or a log must not drive a terminal.

use unicode_width::UnicodeWidthStr;

use crate::model::text::one_line;

/// The columns that a terminal gives the text: two for a wide character, none for a mark on the one before it.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The text with spaces after it, so that it takes at least `width` columns. Formatting's own width ends at 65,535.
pub(super) fn padded(text: &str, width: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', width.saturating_sub(columns(text))));
    padded
}

/// Breaks `text` into lines of at most `width` columns at spaces; a word that is longer stands on a line of its own,
/// so that paths, addresses and commands can be copied whole.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in one_line(text).split(' ').filter(|word| !word.is_empty()) {
        let length = columns(word);
        if used > 0 && used + 1 + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_within_the_width() {
        let lines = wrap("one two three four five six", 9);
        assert_eq!(lines, ["one two", "three", "four five", "six"]);
    }

    #[test]
    fn any_width_can_be_padded_to() {
        assert_eq!(padded("é", 3), "é  ");
        assert_eq!(padded("long", 2), "long");
        assert_eq!(padded("", 70_000).len(), 70_000);
    }

    #[test]
    fn long_words_are_not_torn() {
        assert_eq!(wrap("see node/n2/interface/mlb now", 6), ["see", "node/n2/interface/mlb", "now"]);
    }

    #[test]
    fn empty_text_gives_no_line() {
        assert!(wrap("  \n ", 20).is_empty());
    }
}
