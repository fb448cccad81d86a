//! Answers word for word, for a report that shows what a finding rests on: what hosts printed and what logs and metrics said.

use super::answer::LogAnswer;
use super::kept::Kept;
use super::question::{Channel, Question};
use crate::evidence::error::EvidenceError;
use crate::evidence::host::Output;
use crate::model::outcome::Answered;

/// Bytes of one answer that are shown, and of all of a run.
const MOST_OF_ONE: usize = 64 << 10;
pub(super) const MOST_OF_ALL: usize = 4 << 20;

/// The answer as text; `None` of what is no text, such as packets, and of objects, whose facts the steps tell.
pub(super) fn answered(question: &Question, at_ms: u64, kept: &Kept) -> Option<Answered> {
    let text = match question.asked.channel {
        Channel::Run => {
            let Output { stdout, stderr, .. } = kept.parsed::<Result<Output, EvidenceError>>().ok()?.ok()?;
            if stderr.trim().is_empty() { stdout } else { format!("{stdout}\n{stderr}") }
        }
        Channel::Log | Channel::Metrics => kept.parsed::<LogAnswer>().ok()?.kept.join("\n"),
        _ => return None,
    };
    let touched = question.touches.first()?;
    let text = bounded(text.trim_end());
    (!text.is_empty()).then(|| Answered { host: touched.host.clone(), what: touched.what.clone(), at_ms, text })
}

fn bounded(text: &str) -> String {
    if text.len() <= MOST_OF_ONE {
        return text.to_owned();
    }
    let end = (0..=MOST_OF_ONE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}\n… {} more bytes", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_says_how_much_is_missing() {
        assert_eq!(bounded("short"), "short");
        let long = bounded(&"é".repeat(MOST_OF_ONE));
        assert!(long.ends_with(&format!("\n… {MOST_OF_ONE} more bytes")), "{}", &long[long.len() - 40..]);
    }
}
