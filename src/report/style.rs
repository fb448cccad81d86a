//! How text is dressed for whoever reads it.

/// How the text is dressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used; whoever prints decides that (a terminal, and no `NO_COLOR`).
    pub colour: bool,
    /// Columns at which lines are broken.
    pub width: usize,
    /// How much is told.
    pub detail: Detail,
    /// Whether nothing but ASCII may be printed.
    pub ascii: bool,
}

/// How much a report for people tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The answer, on one screen.
    #[default]
    Answer,
    /// Every finding with its whole proof, every gap, every step with its facts.
    Facts,
    /// Every question to the world, and every rule that was tried.
    Questions,
}

impl Style {
    /// Without colours, 100 columns, the answer alone.
    pub const PLAIN: Self = Self { colour: false, width: 100, detail: Detail::Answer, ascii: false };
}

impl Default for Style {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// What reports print that is not ASCII.
const LIKENESSES: [(char, &str); 8] =
    [('→', "->"), ('←', "<-"), ('—', "--"), ('–', "-"), ('…', "..."), ('·', "|"), ('✗', "x"), ('\u{fffd}', "?")];

/// A terminal's code for bold.
pub(super) const BOLD: &str = "1";

impl Style {
    /// The text with a terminal's code for it, where colours may be used.
    pub(super) fn dressed(self, text: &str, code: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The text as it may be printed: what is not ASCII in its likeness, or by its number.
    pub(super) fn spelled(self, text: &str) -> String {
        if !self.ascii || text.is_ascii() {
            return text.to_owned();
        }
        text.chars().fold(String::with_capacity(text.len()), |mut spelled, c| {
            match LIKENESSES.iter().find(|(like, _)| *like == c) {
                Some((_, plain)) => spelled.push_str(plain),
                None if c.is_ascii() => spelled.push(c),
                // Names of strangers stay told apart.
                None => spelled.extend(c.escape_unicode()),
            }
            spelled
        })
    }

    /// A title.
    pub(super) fn bold(self, text: &str) -> String {
        self.dressed(text, BOLD)
    }
}
