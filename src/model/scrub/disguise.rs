//! What stands within words and is not seen: colours of a terminal, characters without a width.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::text::is_unseen;

/// Sequences that steer a terminal (ECMA-48): the colour of what follows, a title.
static STEERING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\x1b\[[0-9;?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_]").ok());

/// The text as it is seen; `None` when all of it is.
pub(super) fn taken_off(text: &str) -> Option<String> {
    let hides = |c: char| is_unseen(c) && !matches!(c, '\n' | '\t' | '\r');
    if !text.contains(hides) {
        return None;
    }
    let steered = STEERING.as_ref().map_or(text.into(), |steering| steering.replace_all(text, ""));
    Some(steered.chars().filter(|c| !hides(*c)).collect())
}

#[cfg(test)]
mod tests {
    use crate::model::scrub::{REMOVED, scrub};

    #[test]
    fn what_parts_a_telling_word_without_being_seen_hides_nothing() {
        for text in [
            "login with pass\u{200b}word=hunter2x9Q",
            "login with \u{1b}[31mpass\u{1b}[0mword=hunter2x9Q",
            "token: hunter2\u{2060}x9Q",
            "\u{1b}]0;title\u{7}api\u{ad}_key=hunter2x9Q",
        ] {
            let scrubbed = scrub(text);
            assert!(scrubbed.contains(REMOVED) && !scrubbed.contains("hunter2"), "{scrubbed:?}");
            assert_eq!(scrub(&scrubbed), scrubbed);
        }
        for text in ["\u{1b}[31mpassword file is missing\u{1b}[0m", "no\u{200b}thing here", "a\r\nb"] {
            assert_eq!(scrub(text), text, "nothing is changed where nothing is taken out");
        }
    }
}
