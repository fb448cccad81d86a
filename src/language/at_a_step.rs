//! What a fragment finds that a site runs at a step, beside what every script finds.

/// Names.
#[derive(Clone, Copy, Debug)]
pub struct AtAStep {
    pub values: &'static [&'static str],
    /// The step, for a fragment that calls it.
    pub step: Option<&'static str>,
}

impl AtAStep {
    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.values.iter().copied().chain(self.step)
    }
}
