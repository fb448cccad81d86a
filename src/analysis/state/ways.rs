//! Questions to a kernel's routing, and its answers, as `ip route get` prints them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Serialize;

/// A question to a kernel's routing: which way a packet takes. Who asks it and who reads the answer make the same of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteQuestion {
    to: IpAddr,
    from: Option<IpAddr>,
    /// The interface by which it comes in.
    iif: Option<String>,
    mark: Option<u32>,
}

impl RouteQuestion {
    /// The form of what the scripts are told, for a run that only plans what it would ask.
    pub const FORM: &str = "DESTINATION,SOURCE,INTERFACE";

    /// Which way the place itself sends to an address.
    #[must_use]
    pub fn to(to: IpAddr) -> Self {
        Self { to, from: None, iif: None, mark: None }
    }

    /// Which way it forwards what comes in by an interface.
    #[must_use]
    pub fn forwarded(to: IpAddr, from: IpAddr, iif: &str) -> Self {
        Self { to, from: Some(from), iif: Some(iif.to_owned()), mark: None }
    }

    /// One with any of these; an interface of arrival needs a source.
    #[must_use]
    pub fn with(to: IpAddr, from: Option<IpAddr>, iif: Option<String>, mark: Option<u32>) -> Self {
        Self { to, from, iif, mark }
    }

    /// As the scripts take it among others, and repeat it in front of the answer. A mark is not among what they ask for there.
    #[must_use]
    pub fn key(&self) -> String {
        let [to, from, iif, _] = self.arguments();
        format!("{to},{from},{iif}")
    }

    /// As the script takes it that asks one question alone.
    #[must_use]
    pub fn arguments(&self) -> [String; 4] {
        let text = |value: Option<String>| value.unwrap_or_default();
        [
            self.to.to_string(),
            text(self.from.map(|from| from.to_string())),
            text(self.iif.clone()),
            text(self.mark.map(|mark| mark.to_string())),
        ]
    }
}

/// What the kernel says about the way to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    #[serde(rename = "dev")]
    pub device: Option<String>,
    pub via: Option<IpAddr>,
    /// The address that the kernel would send from.
    #[serde(rename = "src")]
    pub source: Option<IpAddr>,
    /// The table, when it is not `main`.
    pub table: Option<String>,
    /// The kernel's refusal, such as `Network is unreachable`.
    pub refused: Option<String>,
    /// `local`, `blackhole`, `unreachable`, … when it is not an ordinary route.
    pub kind: Option<String>,
    /// The most bytes that a packet may have on it, where the route says so itself.
    pub mtu: Option<u32>,
}

/// Answers, by the key of their question.
#[derive(Clone, Debug)]
pub struct Ways(BTreeMap<String, Way>);

impl Ways {
    pub(super) fn read(text: &str) -> Self {
        let mut answers = BTreeMap::new();
        for (key, answer) in text.lines().filter_map(|line| line.split_once(" => ")) {
            answers.entry(key.to_owned()).or_insert_with(|| way_of(answer));
        }
        Self(answers)
    }

    /// To whom packets for an address are handed next, by every answer about it; `None` where none was asked.
    pub(super) fn next_hops(&self, to: IpAddr) -> Option<BTreeSet<IpAddr>> {
        let start = format!("{to},");
        let mut known = self.0.iter().filter(|(key, _)| key.starts_with(&start)).map(|(_, way)| way).peekable();
        known.peek()?;
        // What is for the place itself, or is refused, is handed to nobody.
        Some(known.filter(|way| way.kind.is_none() && way.refused.is_none()).map(|way| way.via.unwrap_or(to)).collect())
    }

    /// The answer to a question; `None` where it was not asked.
    pub(super) fn answer(&self, question: &RouteQuestion) -> Option<&Way> {
        self.0.get(&question.key())
    }
}

/// The answer to a question that was asked alone.
pub(super) fn only(text: &str) -> Way {
    let text = text.trim();
    let mut way = way_of(text);
    if way.device.is_none() && way.refused.is_none() {
        // Another refusal than the kernel's, such as an interface that is not there.
        way.refused = Some(crate::model::text::one_line(text));
    }
    way
}

/// One answer of `ip route get`, its lines joined.
#[must_use]
pub fn way_of(line: &str) -> Way {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
    let address = |text: &str| text.parse().ok();
    let refused = line.starts_with("RTNETLINK").then(|| line.trim_start_matches("RTNETLINK answers:").trim().to_owned());
    let kind = words.first().filter(|word| ["local", "blackhole", "unreachable", "prohibit", "throw", "broadcast"].contains(word));
    Way {
        device: after("dev").map(str::to_owned),
        via: after("via").and_then(address),
        source: after("src").and_then(address),
        table: after("table").map(str::to_owned),
        refused: refused
            .or_else(|| kind.filter(|kind| ["blackhole", "unreachable", "prohibit"].contains(*kind)).map(|kind| (*kind).to_owned())),
        kind: kind.map(|kind| (*kind).to_owned()),
        mtu: after("mtu").filter(|word| *word != "lock").or_else(|| after("lock")).and_then(|word| word.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_kernels_way_is_read() {
        let ways = Ways::read(
            "10.88.192.50,, => 10.88.192.50 via 10.88.0.200 dev eth0 src 10.88.0.12 uid 0 \n10.9.9.9,, => RTNETLINK answers: Network is unreachable \n\
             10.9.9.9,10.88.131.5,mlb => blackhole 10.9.9.9 \n",
        );
        assert_eq!(ways.next_hops(address("10.88.192.50")), Some(BTreeSet::from([address("10.88.0.200")])));
        assert_eq!((ways.next_hops(address("10.9.9.9")), ways.next_hops(address("10.9.9.1"))), (Some(BTreeSet::new()), None));
        let found = ways.answer(&RouteQuestion::to(address("10.88.192.50"))).unwrap();
        assert_eq!((found.device.as_deref(), &found.refused), (Some("eth0"), &None));
        let refused = |question: RouteQuestion| ways.answer(&question).unwrap().refused.clone();
        assert_eq!(refused(RouteQuestion::to(address("10.9.9.9"))).as_deref(), Some("Network is unreachable"));
        let forwarded = RouteQuestion::forwarded(address("10.9.9.9"), address("10.88.131.5"), "mlb");
        assert_eq!(refused(forwarded).as_deref(), Some("blackhole"));
        assert_eq!(ways.answer(&RouteQuestion::to(address("1.1.1.1"))), None);
    }

    #[test]
    fn a_question_has_one_spelling_for_those_who_ask_and_those_who_read() {
        let to = address("fd00::1");
        assert_eq!(RouteQuestion::to(to).key(), "fd00::1,,");
        assert_eq!(RouteQuestion::with(to, Some(address("fd00::2")), None, Some(3)).key(), "fd00::1,fd00::2,");
        assert_eq!(RouteQuestion::with(to, None, None, Some(3)).arguments(), ["fd00::1", "", "", "3"]);
        let parts = RouteQuestion::FORM.split(',').count();
        assert_eq!(RouteQuestion::forwarded(to, to, "mlb").key().split(',').count(), parts);
    }

    #[test]
    fn another_refusal_than_the_kernels_is_told_as_it_is() {
        assert_eq!(only("Cannot find device \"mlx\"\n").refused.as_deref(), Some("Cannot find device \"mlx\""));
        assert_eq!(only("10.9.9.9 dev mlb src 10.0.0.1").refused, None);
    }
}
