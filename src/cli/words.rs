//! `lbdiag words`: the words of the language, offline.

use std::fmt::Write;

use super::exit::Exit;
use super::{markdown, print, refuse};
use crate::model::nearest::nearest;
use crate::words::all::{formerly, names, word, words as all};
use crate::words::manual::records::{cluster::OBJECT, flow::CAPTURE};
use crate::words::word::{Field, Kind, Param, Record, Word};

/// Prints one word, or the whole list.
pub(super) fn words(name: Option<&str>) -> Exit {
    let text = match name {
        None => all().map(line).collect(),
        Some(name) => match word(name).or_else(|| formerly(name)) {
            Some(word) => whole(word),
            None if record_of(name).is_some() => record_of(name).map(told_record).unwrap_or_default(),
            None => return refuse(Exit::Usage, &unknown(name)),
        },
    };
    print(&text)
}

/// The record of that name, of which words give or take values.
fn record_of(name: &str) -> Option<&'static Record> {
    let kinds = all().flat_map(|word| word.params.iter().chain(word.options).map(|param| param.kind).chain([word.returns.kind]));
    let all = kinds.flat_map(Kind::records).chain(OPEN);
    all.into_iter().find(|record| record.name.eq_ignore_ascii_case(name))
}

/// Records that have no fields of their own to be listed with.
const OPEN: [&Record; 2] = [&OBJECT, &CAPTURE];

/// A record alone, and which words give it.
fn told_record(record: &'static Record) -> String {
    let mut text = String::new();
    fields(&mut text, record);
    let gives = |word: &&Word| word.returns.kind.names(record.name);
    let words: Vec<&str> = all().filter(gives).map(|word| word.name).collect();
    if !words.is_empty() {
        let _ = writeln!(text, "\nGiven by {}.", words.join(", "));
    }
    text
}

/// Prints every word in full, by groups, as the Markdown that `docs/words.md` holds.
pub(super) fn document() -> Exit {
    print(&markdown::words())
}

fn unknown(name: &str) -> String {
    let name = crate::model::text::one_line(name);
    match nearest(&name, names()) {
        Some(near) => format!("there is no word `{name}`; did you mean `{near}`?"),
        None => format!("there is no word `{name}`; `lbdiag words` lists them all"),
    }
}

fn line(word: &Word) -> String {
    format!("{:20}  {}\n", word.name, word.in_short())
}

/// Columns of the text.
const WIDTH: usize = 100;

fn whole(word: &Word) -> String {
    let mut text = format!("{}\n\n", word.signature());
    indented(&mut text, 4, word.meaning);
    if !word.formerly.is_empty() {
        let _ = writeln!(text, "\nBefore it was called {}; that works until lbdiag 0.3.", word.formerly.join(", "));
    }
    if !word.capability.is_empty() {
        let _ = writeln!(text, "\nNeeds the capability {}.", word.capability);
    }
    params(&mut text, "Arguments", word.params);
    params(&mut text, "Options", word.options);
    gives(&mut text, word);
    if !word.fails.is_empty() {
        text.push_str("\nWhen it fails\n");
        word.fails.iter().for_each(|one| indented(&mut text, 4, one));
    }
    for example in word.examples {
        let _ = writeln!(text, "\nExample, on the recording {}\n", example.recording);
        for line in example.script.lines() {
            let _ = writeln!(text, "    {line}");
        }
        let _ = writeln!(text, "    // {}", example.gives);
    }
    text
}

fn indented(text: &mut String, by: usize, words: &str) {
    for line in crate::report::wrapped(words, WIDTH - by) {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "{:by$}{line}", "");
    }
}

fn params(text: &mut String, title: &str, params: &[Param]) {
    if params.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for param in params {
        let _ = writeln!(text, "    {}: {}", param.name, param.taken());
        indented(text, 8, param.meaning);
    }
}

fn gives(text: &mut String, word: &Word) {
    if matches!(word.returns.kind, Kind::Nothing) {
        return;
    }
    let _ = writeln!(text, "\nGives");
    let when = word.returns.nothing_when;
    let nothing = if when.is_empty() { String::new() } else { format!(", or () when {when}") };
    indented(text, 4, &format!("{}{nothing}", word.returns.kind));
    for record in word.returns.kind.records() {
        text.push('\n');
        fields(text, record);
    }
}

/// A record's meaning and its fields.
fn fields(text: &mut String, record: &Record) {
    let _ = writeln!(text, "{}: {}", record.name, record.meaning);
    let width = record.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    for field in record.fields {
        let lead = format!("    {:width$}  ", field.name);
        let mut lines = crate::report::wrapped(&told(field), WIDTH - lead.len()).into_iter();
        let _ = writeln!(text, "{lead}{}", lines.next().unwrap_or_default());
        lines.for_each(|line| {
            let _ = writeln!(text, "{:1$}{line}", "", lead.len());
        });
    }
}

/// A field's type, unit and meaning, and when it is ().
fn told(field: &Field) -> String {
    let unit = if field.unit.is_empty() { String::new() } else { format!(", {}", field.unit) };
    let nothing = if field.nothing_when.is_empty() { String::new() } else { format!(" () when {}.", field.nothing_when) };
    format!("{}{unit}. {}{nothing}", field.kind, field.meaning)
}

#[cfg(test)]
mod tests {
    use super::{all, line, record_of, told_record, unknown, whole};
    use crate::words::all::word;

    #[test]
    fn every_word_is_told_within_the_width() {
        for word in all() {
            assert!(line(word).lines().count() == 1 && whole(word).starts_with(word.name), "{}", word.name);
        }
        let probe = word("probe").map(whole).unwrap_or_default();
        assert!(probe.starts_with("probe(service, #{ from, port, tries,") && probe.contains("\nNeeds the capability probe.\n"), "{probe}");
        assert!(
            probe.contains("    tries: a whole number from 1 to 1000; 8 when left out\n        How often each place asks.\n"),
            "{probe}"
        );
        assert!(probe.contains("\nAttempt: One try of a probe.\n") && probe.contains("number, milliseconds. Until its end."), "{probe}");
    }

    #[test]
    fn a_former_name_is_told_with_the_new_one() {
        let text = word("watch_points").map(whole).unwrap_or_default();
        assert!(text.contains("Before it was called road"), "{text}");
    }

    #[test]
    fn a_record_is_told_with_the_words_that_give_it() {
        let text = record_of("service").map(told_record).unwrap_or_default();
        assert!(text.starts_with("Service: ") && text.contains("    addresses ") && text.contains("\nGiven by service, "), "{text}");
        assert!(record_of("Object").map(told_record).unwrap_or_default().contains("Given by list, get."));
        assert!(record_of("Nothing").is_none());
    }

    #[test]
    fn the_nearest_word_is_suggested() {
        assert!(unknown("find_anouncer").contains("`find_announcer`"));
    }
}
