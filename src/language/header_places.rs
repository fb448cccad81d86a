//! Where a header names its parameters and capabilities, for mistakes that only the script shows.

use std::collections::BTreeMap;
use std::ops::Range;

use super::read_header::lines;
use crate::model::diagnostic::Source;
use crate::model::document::{self, Content};

/// Where a header names things, in bytes of the source.
#[derive(Default)]
pub(super) struct Places {
    /// Each parameter by its name.
    pub(super) params: BTreeMap<String, Range<usize>>,
    /// Each capability of `uses`.
    pub(super) uses: BTreeMap<String, Range<usize>>,
}

/// The places in a header that was read before; none in one that could not be.
#[must_use]
pub(super) fn places(source: &Source) -> Places {
    let mut places = Places::default();
    let Some(Ok(node)) = lines(source.text).map(|yaml| document::read(&yaml)) else { return places };
    for entry in node.entries().unwrap_or_default() {
        match (entry.key.as_str(), &entry.value.content) {
            ("params", _) => {
                let params = entry.value.entries().unwrap_or_default();
                places.params = params.iter().map(|param| (param.key.clone(), param.key_bytes.clone())).collect();
            }
            ("uses", Content::List(parts)) => {
                let named = parts.iter().filter_map(|part| Some((part.value().as_str()?.to_owned(), part.bytes.clone())));
                places.uses = named.collect();
            }
            _ => {}
        }
    }
    places
}
