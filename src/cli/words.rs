//! `lbdiag words`: the words of the language, offline.

use std::fmt::Write;

use super::exit::Exit;
use super::{markdown, print, refuse};
use crate::model::nearest::nearest;
use crate::words::reference::{WORDS, Word, word};

/// Prints one word, or the whole list.
pub(super) fn words(name: Option<&str>) -> Exit {
    let text = match name {
        None => WORDS.iter().map(line).collect(),
        Some(name) => match word(name) {
            Some(word) => whole(word),
            None => return refuse(Exit::Usage, &unknown(name)),
        },
    };
    print(&text)
}

/// Prints every word in full, by groups, as the Markdown that `docs/words.md` holds.
pub(super) fn document() -> Exit {
    print(&markdown::words(WORDS))
}

fn unknown(name: &str) -> String {
    let name = crate::model::text::one_line(name);
    match nearest(&name, WORDS.iter().map(|word| word.name)) {
        Some(near) => format!("there is no word `{name}`; did you mean `{near}`?"),
        None => format!("there is no word `{name}`; `lbdiag words` lists them all"),
    }
}

fn line(word: &Word) -> String {
    format!("{:20}  {}\n", word.name, word.meaning.split_inclusive(". ").next().unwrap_or_default().trim_end())
}

fn whole(word: &Word) -> String {
    let mut text = format!("{}\n\n", word.signature);
    for line in crate::report::wrapped(word.meaning, 96) {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "    {line}");
    }
    if !word.capability.is_empty() {
        let _ = writeln!(text, "\nNeeds the capability {}.", word.capability);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{line, unknown, whole};
    use crate::words::reference::{WORDS, word};

    #[test]
    fn every_word_says_how_it_is_written_and_what_it_means() {
        for word in WORDS {
            assert!(word.signature.starts_with(word.name), "{}", word.name);
            assert!(word.meaning.ends_with('.'), "{}", word.name);
            assert!(line(word).lines().count() == 1);
        }
        assert!(whole(word("probe").unwrap()).contains("Needs the capability probe."));
    }

    #[test]
    fn the_nearest_word_is_suggested() {
        assert!(unknown("find_anouncer").contains("`find_announcer`"));
    }
}
