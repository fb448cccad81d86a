//! The options of the state's words: addresses, ports, names; an unknown key is an error that names the nearest.

use std::net::IpAddr;

use rhai::{Dynamic, Map, NativeCallContext};

use crate::analysis::state::netfilter;
use crate::model::nearest::nearest;
use crate::words::capture_options::whole_number;
use crate::words::run::{Answer, Run};

/// The options of one call.
pub struct Options<'a> {
    context: &'a NativeCallContext<'a>,
    word: &'static str,
    map: Map,
}

impl<'a> Options<'a> {
    /// Takes the options; those that the word does not know are refused. One that is () counts as not given.
    ///
    /// # Errors
    /// On an unknown key.
    pub fn new(context: &'a NativeCallContext<'a>, word: &'static str, map: Map, known: &[&str]) -> Answer<Self> {
        for key in map.keys() {
            if !known.contains(&key.as_str()) {
                let hint = nearest(key, known.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Run::refuse(context, format!("{word} has no option `{key}`{hint}")));
            }
        }
        Ok(Self { context, word, map })
    }

    fn given(&self, key: &str) -> Option<&Dynamic> {
        self.map.get(key).filter(|value| !value.is_unit())
    }

    fn refused<T>(&self, key: &str, takes: &str, value: &Dynamic) -> Answer<T> {
        Err(Run::refuse(self.context, format!("{}: the option `{key}` takes {takes}, and `{value}` is none", self.word)))
    }

    /// An address.
    ///
    /// # Errors
    /// When it is something else.
    pub fn address(&self, key: &str) -> Answer<Option<IpAddr>> {
        let Some(value) = self.given(key) else { return Ok(None) };
        value.to_string().parse().map(Some).or_else(|_| self.refused(key, "an IP address", value))
    }

    /// A port.
    ///
    /// # Errors
    /// When it is something else.
    pub fn port(&self, key: &str) -> Answer<Option<u16>> {
        let Some(value) = self.given(key) else { return Ok(None) };
        Ok(u16::try_from(whole_number(self.context, key, value, 65_535)?).ok())
    }

    /// A whole number of bytes.
    ///
    /// # Errors
    /// When it is something else.
    pub fn length(&self, key: &str) -> Answer<Option<u32>> {
        let Some(value) = self.given(key) else { return Ok(None) };
        Ok(u32::try_from(whole_number(self.context, key, value, 65_535)?).ok())
    }

    /// A packet's mark: a number, or a text such as `0x4000`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn mark(&self, key: &str) -> Answer<Option<u32>> {
        let Some(value) = self.given(key) else { return Ok(None) };
        netfilter::number(&value.to_string()).map(Some).map_or_else(|| self.refused(key, "a mark such as 0x4000", value), Ok)
    }

    /// An interface's name.
    ///
    /// # Errors
    /// When no interface of Linux can have that name.
    pub fn interface(&self, key: &str) -> Answer<Option<String>> {
        let Some(value) = self.given(key) else { return Ok(None) };
        let name = value.to_string();
        // None may be taken for one of ip's options or for a way.
        let plain = !name.is_empty() && name.len() < 16 && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_graphic() && c != '/');
        if plain { Ok(Some(name)) } else { self.refused(key, "an interface's name", value) }
    }

    /// One word out of several, in small letters.
    ///
    /// # Errors
    /// When it is another.
    pub fn one_of(&self, key: &str, all: &[&str]) -> Answer<Option<String>> {
        let Some(value) = self.given(key) else { return Ok(None) };
        let text = value.to_string().to_ascii_lowercase();
        if all.contains(&text.as_str()) { Ok(Some(text)) } else { self.refused(key, &format!("one of {}", all.join(", ")), value) }
    }
}

/// The protocols that these words know.
pub const PROTOCOLS: [&str; 5] = ["tcp", "udp", "icmp", "ipv6-icmp", "sctp"];

/// An address that stands as an argument of its own.
///
/// # Errors
/// When it is none.
pub fn address(context: &NativeCallContext, word: &str, value: &Dynamic) -> Answer<IpAddr> {
    let text = value.to_string();
    text.parse().map_err(|_| Run::refuse(context, format!("{word} takes an IP address, and `{text}` is none")))
}

/// What tells the tools which family of addresses is meant.
#[must_use]
pub fn family(address: IpAddr) -> String {
    if address.is_ipv6() { "ipv6" } else { "ipv4" }.to_owned()
}
