//! Answers word for word, for a report that shows what a finding rests on: what hosts printed, what logs and metrics said, and objects of the
//! API with the fields that a run takes of them.

use serde_json::Value;

use super::answer::LogAnswer;
use super::kept::Kept;
use super::question::{Channel, Question};
use crate::evidence::error::EvidenceError;
use crate::evidence::host::Output;
use crate::model::outcome::Answered;

/// Bytes of one answer that are shown: a node's rules are long, and the section that decides may be the last.
const MOST_OF_ONE: usize = 256 << 10;
/// Bytes of the objects of one answer that are shown.
const MOST_OF_OBJECTS: usize = 64 << 10;
/// Bytes of all answers of a run.
const MOST_OF_ALL: usize = 4 << 20;

/// Bytes up to which answers of a channel are kept. Lists of objects come first, and leave room for what hosts say then.
pub(super) fn most(channel: Channel) -> usize {
    if matches!(channel, Channel::Get | Channel::List) { MOST_OF_ALL / 4 } else { MOST_OF_ALL }
}

/// The answer as text; `None` of what is no text, such as packets.
pub(super) fn answered(question: &Question, at_ms: u64, kept: &Kept) -> Option<Answered> {
    let text = match question.asked.channel {
        Channel::Run => {
            let Output { stdout, stderr, .. } = kept.parsed::<Result<Output, EvidenceError>>().ok()?.ok()?;
            if stderr.trim().is_empty() { stdout } else { format!("{stdout}\n{stderr}") }
        }
        Channel::Log | Channel::Metrics => kept.parsed::<LogAnswer>().ok()?.kept.join("\n"),
        Channel::Get | Channel::List => {
            let objects = kept.parsed::<Result<Value, EvidenceError>>().ok()?.ok().filter(|objects| !objects.is_null())?;
            bounded(&serde_json::to_string_pretty(&objects).ok()?, MOST_OF_OBJECTS)
        }
        _ => return None,
    };
    let touched = question.touches.first()?;
    let text = bounded(text.trim_end(), MOST_OF_ONE);
    (!text.is_empty()).then(|| Answered { host: touched.host.clone(), what: touched.what.clone(), at_ms, text })
}

fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}\n… {} more bytes", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_says_how_much_is_missing() {
        assert_eq!(bounded("short", MOST_OF_ONE), "short");
        let long = bounded(&"é".repeat(MOST_OF_ONE), MOST_OF_ONE);
        assert!(long.ends_with(&format!("\n… {MOST_OF_ONE} more bytes")), "{}", &long[long.len() - 40..]);
    }
}
