//! The one reader of options: takes a map as a word's description tells, and refuses whatever is none of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rhai::{Dynamic, Map, NativeCallContext};

use super::fact::Fact;
use super::fits::{fits, shown, wrong};
use super::mistake::Mistake;
use super::session::{Answer, Run};
use super::word::{Kind, Param, Word};
use crate::model::diagnostic::{codes, did_you_mean};
use crate::model::number::number;

/// The options of one call, each of its kind. What was not given, or was (), has the default that the description tells.
pub struct Options {
    word: &'static Word,
    given: BTreeMap<&'static str, Dynamic>,
}

impl Options {
    /// Reads the options of a call.
    ///
    /// # Errors
    /// On an option that the word does not have, with the nearest, and on a value that the option does not take.
    pub fn read(run: &Run, context: &NativeCallContext, word: &'static Word, map: Map) -> Answer<Self> {
        let mut given = BTreeMap::new();
        for (key, value) in map {
            let Some(option) = word.option(&key) else { return Err(unknown(word, &key).raised(context)) };
            if option.formerly == key.as_str() {
                run.old_name(&format!("the option `{key}` of `{}`", word.name), option.name);
            }
            let value = value.flatten();
            if value.is_unit() {
                continue;
            }
            if !fits(option.kind, &value, &|value, name| context.engine().map_type_name(value.type_name()) == name) {
                return Err(refused(context, word, option, &value).raised(context));
            }
            given.insert(option.name, value);
        }
        Ok(Self { word, given })
    }

    /// What was given, as it is.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<&Dynamic> {
        self.given.get(name)
    }

    /// As text: what was given, or the default.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let default = || self.word.option(name).map(|option| option.default).filter(|default| !default.is_empty()).map(str::to_owned);
        self.given(name).map(ToString::to_string).or_else(default)
    }

    /// One of several words, as the description writes it.
    #[must_use]
    pub fn one_of(&self, name: &str) -> Option<&'static str> {
        let text = self.text(name)?;
        match self.word.option(name)?.kind {
            Kind::OneOf(all) => all.iter().find(|one| one.eq_ignore_ascii_case(&text)).copied(),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn whole<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse::<u64>().ok().and_then(|number| T::try_from(number).ok())
    }

    /// True or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.text(name)?.parse().ok()
    }

    /// An address.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<IpAddr> {
        self.text(name)?.parse().ok()
    }

    /// A packet's mark.
    #[must_use]
    pub fn mark(&self, name: &str) -> Option<u32> {
        number(&self.text(name)?)
    }

    /// A fact that another word gave.
    #[must_use]
    pub fn fact<T: Send + Sync + 'static>(&self, name: &str) -> Option<Fact<T>> {
        self.given(name)?.clone().try_cast::<Fact<T>>()
    }
}

fn unknown(word: &Word, key: &str) -> Mistake {
    let names: Vec<&str> = word.options.iter().map(|option| option.name).collect();
    let hint = did_you_mean(key, names.iter().copied()).or_else(|| Some(format!("its options are {}", names.join(", "))));
    Mistake { code: codes::OPTION, message: format!("`{}` has no option `{key}`", word.name), hint }
}

fn refused(context: &NativeCallContext, word: &Word, option: &Param, value: &Dynamic) -> Mistake {
    let why = if value.is_string() { wrong(option.kind, &value.to_string()) } else { None };
    let usual = || word.refuses(option, &shown(value, context.engine().map_type_name(value.type_name())));
    let message = why.map_or_else(usual, |why| format!("{}: the option `{}`: {why}", word.name, option.name));
    Mistake { code: codes::OPTION_VALUE, message, hint: Some(format!("`lbdiag words {}` tells all its options", word.name)) }
}
