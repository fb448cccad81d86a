//! A page of text that grows line by line: headings, labels and paragraphs, broken at a width and dressed where that is wanted.

use super::layout::wrap;
pub(super) use crate::report::style::{BOLD, Detail, Style};

/// The page under way.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self { text: String::new(), style }
    }

    pub(super) fn heading(&mut self, title: &str) {
        self.text.push('\n');
        let title = self.style.bold(title);
        self.line(0, &title);
    }

    /// A label and wrapped text; `taken` is how many columns the label takes with the space after it.
    pub(super) fn item(&mut self, label: &str, taken: usize, indent: usize, text: &str) {
        self.item_hanging(label, taken, indent, 0, text);
    }

    /// The same with what is broken off set in by so many columns more, so that one of several is told from the next.
    pub(super) fn item_hanging(&mut self, label: &str, taken: usize, indent: usize, hang: usize, text: &str) {
        let text = self.style.spelled(text);
        let mut lines = wrap(&text, self.style.width.saturating_sub(indent + taken + hang).max(20)).into_iter();
        let first = lines.next().unwrap_or_default();
        self.line(indent, &format!("{label} {first}"));
        for line in lines {
            self.line(indent + taken + hang, &line);
        }
    }

    pub(super) fn paragraph(&mut self, indent: usize, text: &str) {
        let text = self.style.spelled(text);
        for line in wrap(&text, self.style.width.saturating_sub(indent).max(20)) {
            self.line(indent, &line);
        }
    }

    pub(super) fn line(&mut self, indent: usize, text: &str) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.text.push_str(self.style.spelled(text).trim_end());
        self.text.push('\n');
    }

    pub(super) fn dressed(&self, text: &str, code: &str) -> String {
        self.style.dressed(text, code)
    }
}
