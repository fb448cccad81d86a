//! Mistakes as data: what is wrong in a playbook, a site file or parameters, where exactly, and what to try.
//!
//! Nothing here is shown; `report::diagnostics` draws them.

pub mod codes;

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One mistake, or one thing that will be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// A name that never changes its meaning, such as `E0202`; `codes` explains it.
    pub code: String,
    pub severity: Level,
    /// Where it is; `None` for what has no place in a text, such as a file that cannot be read.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
    /// One sentence: what is wrong.
    pub message: String,
    /// Facts that explain it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Other places that belong to it, such as the calls that led there, the innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Further>,
}

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It runs, and will not for ever.
    Warning,
    /// It does not run, or did not come to its end.
    Error,
}

impl Diagnostic {
    /// Every text of it that may quote what somebody else wrote.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let Self { spot, message, notes, hint, further, .. } = self;
        let further = further.iter_mut().flat_map(|further| [&mut further.message, &mut further.spot.excerpt]);
        let excerpt = spot.iter_mut().map(|spot| &mut spot.excerpt);
        std::iter::once(message).chain(notes).chain(hint.as_mut()).chain(excerpt).chain(further)
    }
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spot {
    /// The file as a person named it.
    pub file: String,
    pub span: Span,
    /// The whole lines that the span touches, without the last one's end.
    pub excerpt: String,
}

/// From the first character to behind the last one. An empty span is a place between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Bytes before it, from the text's begin.
    pub byte: usize,
    /// Counted from 1.
    pub line: usize,
    /// Characters before it in its line, and one.
    pub column: usize,
}

/// Another place that belongs to a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Further {
    /// What it has to do with it, as a fragment: `called from here`.
    pub message: String,
    #[serde(flatten)]
    pub spot: Spot,
}

/// A text in which places are named.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file as a person named it.
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// The place of these bytes. A range outside of the text, or inside a character, is brought to the nearest that is none of both.
    #[must_use]
    pub fn spot(&self, bytes: Range<usize>) -> Spot {
        let start = self.boundary(bytes.start);
        let end = self.boundary(bytes.end).max(start);
        let from = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = self.text[end..].find('\n').map_or(self.text.len(), |at| end + at);
        let excerpt = self.text[from..to].trim_end_matches('\r').to_owned();
        Spot { file: self.file.to_owned(), span: Span { start: self.position(start), end: self.position(end) }, excerpt }
    }

    /// The bytes before a line and column, both counted from 1; the text's end when there is no such place.
    #[must_use]
    pub fn byte(&self, line: usize, column: usize) -> usize {
        let mut at = 0;
        for (index, text) in self.text.split_inclusive('\n').enumerate() {
            if index + 1 == line {
                let inside = text.char_indices().nth(column.saturating_sub(1)).map_or_else(|| text.trim_end().len(), |(byte, _)| byte);
                return at + inside;
            }
            at += text.len();
        }
        self.text.trim_end().len()
    }

    fn boundary(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }

    fn position(&self, byte: usize) -> Position {
        let before = &self.text[..byte];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position { byte, line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl Diagnostic {
    /// A diagnostic of that code, with the severity that its letter tells.
    #[must_use]
    pub fn new(code: &str, spot: Option<Spot>, message: impl Into<String>) -> Self {
        let severity = if code.starts_with('W') { Level::Warning } else { Level::Error };
        let message = message.into();
        Self { code: code.to_owned(), severity, spot, message, notes: Vec::new(), hint: None, further: Vec::new() }
    }

    /// The same with what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with what to try, where there is something.
    #[must_use]
    pub fn maybe(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The same with one more fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The byte at which it begins; 0 for one without a place.
    #[must_use]
    pub fn start(&self) -> usize {
        self.spot.as_ref().map_or(0, |spot| spot.span.start.byte)
    }
}

/// One line, without an excerpt: place, message, code, and what to try.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spot) = &self.spot {
            write!(f, "{}:{}:{}: ", spot.file, spot.span.start.line, spot.span.start.column)?;
        }
        write!(f, "{} ({})", self.message, self.code)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// What to try with a mistyped name: the nearest one.
#[must_use]
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    super::nearest::nearest(wanted, known).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source<'static> = Source { file: "a.rhai", text: "let ä = 1;\r\nlet y = find(ä);\n" };

    #[test]
    fn a_place_is_told_in_bytes_lines_and_columns() {
        let at = SOURCE.text.find("find").unwrap();
        let spot = SOURCE.spot(at..at + 4);
        assert_eq!((spot.span.start.line, spot.span.start.column, spot.span.start.byte), (2, 9, at));
        assert_eq!((spot.span.end.column, spot.excerpt.as_str()), (13, "let y = find(ä);"));
        assert_eq!(SOURCE.byte(2, 9), at);
        assert_eq!(SOURCE.spot(4..6).span.end.column, 6);
    }

    #[test]
    fn no_range_leaves_the_text() {
        assert_eq!(SOURCE.spot(900..901).span.start.byte, SOURCE.text.len());
        assert_eq!(SOURCE.spot(5..5).span.start.byte, 4, "inside a character");
        assert_eq!(SOURCE.byte(1, 99), 11);
        assert_eq!(SOURCE.byte(99, 1), SOURCE.text.trim_end().len());
        assert_eq!(Source { file: "", text: "" }.spot(0..3).excerpt, "");
    }

    #[test]
    fn it_reads_as_one_line_and_comes_back_from_json() {
        let shown = Diagnostic::new("E0202", Some(SOURCE.spot(20..24)), "there is no word `find`").hint("did you mean `finding`?");
        assert_eq!(shown.to_string(), "a.rhai:2:8: there is no word `find` (E0202); did you mean `finding`?");
        let json = serde_json::to_value(&shown).unwrap();
        assert_eq!((json["file"].as_str(), json["span"]["start"]["line"].as_u64()), (Some("a.rhai"), Some(2)));
        assert_eq!(serde_json::from_value::<Diagnostic>(json).unwrap(), shown);
        let nowhere = Diagnostic::new("E0401", None, "read it: no such file");
        assert_eq!(serde_json::from_value::<Diagnostic>(serde_json::to_value(&nowhere).unwrap()).unwrap(), nowhere);
    }
}
