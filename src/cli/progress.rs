//! What a person sees on standard error while a run goes on.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::streams;
use crate::engine::Progress;
use crate::model::scrub::scrub;
use crate::model::text::one_line;

/// Shows progress until it is finished.
pub(super) struct Shown {
    spinner: Option<ProgressBar>,
    quiet: bool,
}

impl Shown {
    /// A spinner where somebody watches, plain lines otherwise, nothing when `quiet`.
    pub(super) fn new(quiet: bool) -> Arc<Self> {
        let spinner = (!quiet && streams::somebody_watches()).then(spinner);
        Arc::new(Self { spinner, quiet })
    }

    /// Shows what the engine tells.
    pub(super) fn tell(&self, progress: &Progress) {
        // Whoever asks for it wants it, be the rest quiet or not.
        if let Progress::Traced(line) = progress {
            return self.aside(|| streams::say(&format!("lbdiag: {}", shown(line))));
        }
        if self.quiet {
            return;
        }
        match (&self.spinner, progress) {
            (Some(spinner), Progress::Step(title) | Progress::Note(title)) => {
                style(spinner, SPINS);
                spinner.set_message(shown(title));
            }
            // What somebody is to do stays above whatever is drawn.
            (Some(spinner), Progress::Await { text, .. }) => spinner.suspend(|| streams::say(&format!("lbdiag: {}", shown(text)))),
            (Some(spinner), Progress::Left { what, seconds, of }) => {
                style(spinner, COUNTS);
                spinner.set_length(*of);
                spinner.set_position(of.saturating_sub(*seconds));
                spinner.set_message(format!("{}, {seconds} s left", shown(what)));
            }
            (None, Progress::Await { text, .. }) => streams::say(&format!("lbdiag: {}", shown(text))),
            (None, Progress::Left { what, seconds, of }) => {
                if seconds % 10 == 0 && seconds != of {
                    streams::say(&format!("lbdiag:   {}, {seconds} s left", shown(what)));
                }
            }
            (_, Progress::Traced(_)) => {}
            (None, Progress::Step(title)) => streams::say(&format!("lbdiag: {}", shown(title))),
            (None, Progress::Note(note)) => streams::say(&format!("lbdiag:   {}", shown(note))),
        }
    }

    /// Does something with the terminal while nothing is drawn on it.
    pub(super) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.spinner {
            Some(spinner) => spinner.suspend(work),
            None => work(),
        }
    }

    /// Takes the spinner away, so that the report starts on a clean line.
    pub(super) fn finish(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// How it looks while something is done, and while something is waited for.
const SPINS: &str = "{spinner} {msg} ({elapsed})";
const COUNTS: &str = "{spinner} [{bar:30}] {msg}";

fn style(spinner: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        spinner.set_style(style);
    }
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    style(&spinner, SPINS);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// One line without credentials.
fn shown(text: &str) -> String {
    scrub(&one_line(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_cannot_drive_the_terminal() {
        assert_eq!(one_line("ask\u{1b}[2J\nn2"), "ask\u{fffd}[2J n2");
    }
}
