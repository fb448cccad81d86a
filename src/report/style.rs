//! How text is dressed for whoever reads it.

/// How the text is dressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used; whoever prints decides that (a terminal, and no `NO_COLOR`).
    pub colour: bool,
    /// Columns at which lines are broken.
    pub width: usize,
}

impl Style {
    /// Without colours, 100 columns.
    pub const PLAIN: Self = Self { colour: false, width: 100 };
}

impl Default for Style {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// A terminal's code for bold.
pub(super) const BOLD: &str = "1";

impl Style {
    /// The text with a terminal's code for it, where colours may be used.
    pub(super) fn dressed(self, text: &str, code: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A title.
    pub(super) fn bold(self, text: &str) -> String {
        self.dressed(text, BOLD)
    }
}
