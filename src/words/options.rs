//! The one reader of options: takes a map as a word's description tells, and refuses whatever is none of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rhai::{Array, Dynamic, FnPtr, Map, NativeCallContext};

use super::fact::Fact;
use super::mistake::Mistake;
use super::session::{Answer, Run};
use super::word::{Kind, Param, Word};
use crate::analysis::state::netfilter;
use crate::model::diagnostic::{codes, did_you_mean};

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
            if !fits(context, option.kind, &value) {
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
        netfilter::number(&self.text(name)?)
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
    let message = format!("{}: the option `{}` takes {}, and this is {}", word.name, option.name, option.kind, shown(context, value));
    Mistake { code: codes::OPTION_VALUE, message, hint: Some(format!("`lbdiag words {}` tells all its options", word.name)) }
}

/// A value in a sentence: what it is, and itself where it is short.
fn shown(context: &NativeCallContext, value: &Dynamic) -> String {
    let kind = context.engine().map_type_name(value.type_name()).to_owned();
    match value.to_string() {
        _ if value.is_unit() => "()".to_owned(),
        text if (value.is_string() || value.is_int() || value.is_bool()) && text.chars().count() <= 40 => {
            format!("`{}`", crate::model::text::one_line(&text))
        }
        _ => format!("of the type {kind}"),
    }
}

/// Whether a value is of the kind.
#[must_use]
pub fn fits(context: &NativeCallContext, kind: Kind, value: &Dynamic) -> bool {
    let texts = value.is_string() || value.is_char();
    match kind {
        Kind::Any => true,
        Kind::Nothing => value.is_unit(),
        Kind::Text | Kind::Place => texts,
        Kind::Bool => value.is_bool(),
        Kind::Number => value.is_int(),
        Kind::Whole { least, most, .. } => {
            value.as_int().ok().and_then(|number| u64::try_from(number).ok()).is_some_and(|number| (least..=most).contains(&number))
        }
        Kind::Address => texts && value.to_string().parse::<IpAddr>().is_ok(),
        Kind::OneOf(all) => texts && all.iter().any(|one| one.eq_ignore_ascii_case(&value.to_string())),
        Kind::Port => value.is_int() || texts,
        Kind::Interface => texts && plain_interface(&value.to_string()),
        Kind::CaptureInterface => (texts && plain_interface(&value.to_string())) || towards(value).is_some(),
        Kind::Mark => (texts || value.is_int()) && netfilter::number(&value.to_string()).is_some(),
        Kind::Places => texts || value.is_array(),
        Kind::Several(_) => texts || value.is_int() || value.is_array(),
        Kind::Record(record) => context.engine().map_type_name(value.type_name()) == record.name,
        Kind::List(inner) => value.read_lock::<Array>().is_some_and(|parts| parts.iter().all(|part| fits(context, *inner, part))),
        Kind::Map(_) => value.is_map(),
        Kind::Closure => value.is::<FnPtr>(),
        Kind::Either(one, other) => fits(context, *one, value) || fits(context, *other, value),
    }
}

/// A name that an interface of Linux can have, and that no tool takes for an option or for a way.
fn plain_interface(name: &str) -> bool {
    !name.is_empty() && name.len() < 16 && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_graphic() && c != '/')
}

/// The address of `#{ towards: ADDRESS }`.
#[must_use]
pub fn towards(value: &Dynamic) -> Option<IpAddr> {
    let map = value.read_lock::<Map>()?;
    let address = map.get("towards").filter(|_| map.len() == 1)?;
    address.to_string().parse().ok()
}
