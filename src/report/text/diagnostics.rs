//! Draws diagnostics: the message with its code, the lines of the text with a mark beneath, what explains it and what to try.

use annotate_snippets::{AnnotationKind, Group, Level as Weight, Renderer, Snippet};

use super::page::Style;
use crate::model::diagnostic::{Diagnostic, Level, Spot};
use crate::model::text::{harmless, one_line};

/// All of them, each with a blank line behind it but the last.
#[must_use]
pub fn diagnostics(all: &[Diagnostic], style: Style) -> String {
    all.iter().map(|one| diagnostic(one, style)).collect::<Vec<_>>().join("\n")
}

/// One diagnostic, with a line end.
#[must_use]
pub fn diagnostic(one: &Diagnostic, style: Style) -> String {
    let weight = match one.severity {
        Level::Error => Weight::ERROR,
        Level::Warning => Weight::WARNING,
    };
    let title = weight.primary_title(one_line(&one.message)).id(one.code.clone());
    let mut first = Group::with_title(title).elements(one.spot.as_ref().map(|spot| snippet(spot, AnnotationKind::Primary)));
    first = first.elements(one.notes.iter().map(|note| Weight::NOTE.message(one_line(note))));
    first = first.elements(one.hint.iter().map(|hint| Weight::HELP.message(one_line(hint))));
    let mut groups = vec![first];
    groups.extend(one.further.iter().map(|further| {
        Group::with_title(Weight::NOTE.secondary_title(one_line(&further.message))).element(snippet(&further.spot, AnnotationKind::Context))
    }));
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.render(&groups);
    text.push('\n');
    text
}

fn snippet(spot: &Spot, kind: AnnotationKind) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let span = spot.span;
    // The excerpt begins with the line of the span's start. What is made harmless may have other bytes.
    let (before, rest) = split(&spot.excerpt, span.start.column.saturating_sub(1));
    let inside = rest.get(..span.end.byte.saturating_sub(span.start.byte)).unwrap_or(rest);
    let from = harmless(before).len();
    let to = from + harmless(inside).len();
    Snippet::source(harmless(&spot.excerpt)).path(one_line(&spot.file)).line_start(span.start.line).annotation(kind.span(from..to))
}

/// The text before and behind so many characters.
fn split(text: &str, characters: usize) -> (&str, &str) {
    text.split_at(text.char_indices().nth(characters).map_or(text.len(), |(byte, _)| byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnostic::{Further, Source};

    const TEXT: &str = "let x = 1;\nlet y = find_anouncer(x);\ngo(y);\n";

    fn one() -> Diagnostic {
        let source = Source { file: "a.rhai", text: TEXT };
        let mut one = Diagnostic::new("E0202", Some(source.spot(19..32)), "there is no word `find_anouncer`");
        one.hint = Some("did you mean `find_announcer`?".to_owned());
        one.further = vec![Further { message: "`go` was called here".to_owned(), spot: source.spot(37..39) }];
        one
    }

    #[test]
    fn it_is_drawn_like_a_compilers() {
        let shown = diagnostic(&one(), Style::PLAIN);
        let expected = "\
error[E0202]: there is no word `find_anouncer`
 --> a.rhai:2:9
  |
2 | let y = find_anouncer(x);
  |         ^^^^^^^^^^^^^
  |
  = help: did you mean `find_announcer`?
note: `go` was called here
 --> a.rhai:3:1
  |
3 | go(y);
  | --
";
        assert_eq!(shown, expected);
        assert_eq!(diagnostics(&[one(), one()], Style::PLAIN), format!("{expected}\n{expected}"));
    }

    #[test]
    fn nothing_from_a_file_drives_the_terminal() {
        let text = "let \u{1b}]0;x\u{7}ä\u{9b}31m\u{202e} = \u{2028};\n";
        let source = Source { file: "\u{1b}[2J.rhai", text };
        let wrong = Diagnostic::new("E0201", Some(source.spot(4..12)), "what \u{1b}[2J is it").hint("try\u{9b}").note("\u{7}");
        let shown = diagnostic(&wrong, Style::PLAIN);
        assert!(!shown.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)), "{shown:?}");
    }

    #[test]
    fn a_span_of_several_lines_and_one_without_a_place_are_drawn_too() {
        let source = Source { file: "a.rhai", text: TEXT };
        assert!(diagnostic(&Diagnostic::new("E0201", Some(source.spot(4..30)), "long"), Style::PLAIN).contains("a.rhai:1:5"));
        assert!(diagnostic(&Diagnostic::new("E0201", Some(source.spot(900..900)), "end"), Style::PLAIN).contains("a.rhai:4:1"));
        assert_eq!(diagnostic(&Diagnostic::new("E0401", None, "read it"), Style::PLAIN), "error[E0401]: read it\n");
    }
}
