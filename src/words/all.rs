//! The words of the language, as data: the one source of `lbdiag words`, `docs/words.md`, and whatever checks a playbook.

use super::manual::{capture, cluster, flow, node, outcome, probe, values};
use super::word::Word;

const GROUPS: [&[&Word]; 7] = [cluster::WORDS, node::WORDS, capture::WORDS, probe::WORDS, flow::WORDS, values::WORDS, outcome::WORDS];

/// Every word, by groups.
pub fn words() -> impl Iterator<Item = &'static Word> + Clone {
    GROUPS.into_iter().flatten().copied()
}

/// The word of that name.
#[must_use]
pub fn word(name: &str) -> Option<&'static Word> {
    words().find(|word| word.name == name)
}

/// The word that had that name before.
#[must_use]
pub fn formerly(name: &str) -> Option<&'static Word> {
    words().find(|word| word.formerly.contains(&name))
}

/// The names of all words.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    words().map(|word| word.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capability::CAPABILITIES;

    #[test]
    fn every_word_is_described_in_whole_sentences_once() {
        let mut seen = std::collections::BTreeSet::new();
        for word in words() {
            let name = word.name;
            assert!(word.formerly.iter().chain([&name]).all(|name| seen.insert(*name)), "{name} is there twice");
            assert!(word.meaning.ends_with('.'), "{name}");
            assert!(word.fails.iter().all(|text| text.ends_with('.')), "{name}");
            assert_eq!(word.examples.is_empty(), word.no_example.ends_with('.'), "{name}: an example, or why there can be none");
            let capabilities = word.uses_besides.iter().chain(word.options.iter().flat_map(|option| option.needs));
            assert!(capabilities.clone().all(|capability| CAPABILITIES.contains(capability)), "{name}: a capability that is none");
            let open = |option: &&str| word.option(option).is_some_and(|option| !option.required);
            assert!(
                word.one_of.iter().all(|one_of| one_of.iter().all(open)),
                "{name}: one of options that are not all there to choose from"
            );
            for param in word.params.iter().chain(word.options) {
                assert!(param.may_need.is_empty() || CAPABILITIES.contains(&param.may_need), "{name}: {}", param.name);
                assert!(param.meaning.ends_with('.'), "{name}: {}", param.name);
                assert!(!param.required || param.default.is_empty(), "{name}: {} is required and has a default", param.name);
            }
            let last_needed = word.params.iter().rposition(|param| param.required).map_or(0, |at| at + 1);
            assert!(word.params[..last_needed].iter().all(|param| param.required), "{name}: what may be left out comes last");
        }
        assert!(seen.len() >= 40);
    }

    #[test]
    fn every_field_is_described() {
        let mut seen = std::collections::BTreeMap::new();
        for word in words() {
            for record in word.returns.kind.records() {
                let known = seen.insert(record.name, record);
                assert!(known.is_none_or(|known| known.meaning == record.meaning), "two records are called {}", record.name);
            }
        }
        assert!(seen.len() > 35, "{}", seen.len());
        for record in seen.into_values() {
            let names: std::collections::BTreeSet<&str> = record.fields.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), record.fields.len(), "{} has a field twice", record.name);
            for field in record.fields {
                assert!(field.meaning.ends_with('.') && !field.nothing_when.ends_with('.'), "{}.{}", record.name, field.name);
            }
        }
    }
}
