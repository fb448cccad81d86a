//! What each word does: the table that gives the words to an engine, by groups. What is known of them stands in `all`.

use super::session::Code;
use super::{capture, cluster, flow, node, outcome, probe, values};

const GROUPS: [&[Code]; 7] = [cluster::CODE, node::CODE, capture::CODE, probe::CODE, flow::CODE, values::CODE, outcome::CODE];

/// Every word, by groups.
pub fn code() -> impl Iterator<Item = &'static Code> + Clone {
    GROUPS.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::code;
    use crate::words::all;

    #[test]
    fn every_word_that_is_described_does_something_and_no_other() {
        assert_eq!(code().map(|(name, _)| *name).collect::<Vec<_>>(), all::names().collect::<Vec<_>>());
    }
}
