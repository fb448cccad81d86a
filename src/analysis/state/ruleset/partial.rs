//! Rules that take a part of what they match, by chance or above a limit: which packets they took no dump tells.

use std::fmt;

/// What decides which of the packets that it matches a rule takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// Chance, or every so many-th.
    Chance,
    /// A rate, a number of connections or bytes, or a list that grows while packets pass.
    Limit,
}

/// How such a rule is written, of iptables and nft.
const WORDS: [(&str, Partial); 14] = [
    ("-m statistic ", Partial::Chance),
    ("numgen random", Partial::Chance),
    ("numgen inc", Partial::Chance),
    ("-m hashlimit ", Partial::Limit),
    ("-m connlimit ", Partial::Limit),
    ("-m connbytes ", Partial::Limit),
    ("-m limit ", Partial::Limit),
    ("-m recent ", Partial::Limit),
    ("-m quota ", Partial::Limit),
    ("limit rate ", Partial::Limit),
    ("ct count ", Partial::Limit),
    ("quota over ", Partial::Limit),
    ("quota until ", Partial::Limit),
    ("meter ", Partial::Limit),
];

/// What a rule's text says of that; `None` for one that takes all that it matches.
#[must_use]
pub fn partial(text: &str) -> Option<Partial> {
    WORDS.iter().find(|(word, _)| text.contains(word)).map(|(_, partial)| *partial)
}

impl fmt::Display for Partial {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Chance => "a part of it by chance",
            Self::Limit => "what is above its limit",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_read_from_the_rule() {
        let of = |text: &str| partial(text).map(|partial| partial.to_string());
        assert_eq!(of("-A PREROUTING -m statistic --mode random --probability 0.5 -j DROP").as_deref(), Some("a part of it by chance"));
        assert_eq!(of("ip daddr 10.0.0.1 numgen random mod 2 0 drop").as_deref(), Some("a part of it by chance"));
        for limit in [
            "-A INPUT -m connlimit --connlimit-above 2 -j REJECT",
            "add @seen { ip saddr limit rate over 3/minute } drop",
            "ct count over 5 drop",
        ] {
            assert_eq!(of(limit).as_deref(), Some("what is above its limit"), "{limit}");
        }
        assert_eq!(partial("-A PREROUTING -s 10.88.192.0/24 -j DROP"), None);
    }
}
