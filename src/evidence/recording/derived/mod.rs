//! Answers that a recording holds though nobody asked for them: an object is in a list, a namespace's list in that of all namespaces, a
//! part of a state in the whole of it, eight tries in sixteen, one client's packets in everybody's.
//!
//! An answer is derived only where it is what the world would have said. Whatever is not sure stays unanswered.

mod captures;
mod filters;
mod hosts;
mod objects;
mod selectors;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::question::{Asked, Channel};
use super::tape::Entry;

pub(super) use captures::capture;
pub(super) use hosts::run;
pub(super) use objects::{get, list};

/// An answer, and the entry that it comes of.
pub(super) struct Derived<'a, A> {
    pub(super) entry: &'a Entry,
    pub(super) answer: A,
}

/// What a recording knows, to derive answers of.
pub(super) struct Known<'a> {
    entries: Vec<(&'a Asked, &'a Entry)>,
}

impl<'a> Known<'a> {
    /// The last answer to each question: what is derived is of the world as it was in the end.
    pub(super) fn of(entries: impl Iterator<Item = (&'a Asked, &'a Entry)>) -> Self {
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by(|(one, a), (other, b)| (one, a.at_ms).cmp(&(other, b.at_ms)));
        Self { entries }
    }

    /// Every question of a channel that has this shape, with its entry.
    fn asked<Q: DeserializeOwned>(&self, channel: Channel) -> impl Iterator<Item = (Q, &'a Entry)> {
        let of_channel = self.entries.iter().filter(move |(asked, _)| asked.channel == channel);
        of_channel.filter_map(|(asked, entry)| Some((serde_json::from_str(&asked.text).ok()?, *entry)))
    }
}

/// An entry's answer in its shape.
fn answered<A: DeserializeOwned>(entry: &Entry) -> Option<A> {
    entry.answer.parsed().ok()
}

/// The text at a path such as `metadata.name`.
fn text_at<'v>(object: &'v Value, path: &str) -> Option<&'v str> {
    path.split('.').try_fold(object, |value, key| value.get(key))?.as_str()
}
