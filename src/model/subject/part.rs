//! A part of a node, with its spelling, such as `interface/mlb`.

use std::fmt;

use sha2::{Digest, Sha256};

/// A part of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `interface/NAME`
    Interface(String),
    /// `route/DESTINATION`
    Route(String),
    /// `sysctl/NAME`
    Sysctl(String),
    /// `rule/TABLE/CHAIN/RULE`: a rule of its packet filters, which its chain and text name wherever it stands, or the chain's `policy`.
    Rule { table: String, chain: String, rule: String },
    /// `speaker`: MetalLB's.
    Speaker,
    /// `kube-proxy`
    KubeProxy,
    /// Any other.
    Other(String),
}

impl Part {
    /// A rule: where it stands now, as `TABLE/CHAIN/POSITION`, and its text.
    pub(super) fn rule(position: &str, text: &str) -> Self {
        match chain_of(position) {
            Some((table, chain, "policy")) => Self::in_chain(table, chain, "policy"),
            Some((table, chain, _)) => Self::in_chain(table, chain, &short_name(text)),
            None => Self::Other(format!("rule/{position}")),
        }
    }

    fn in_chain(table: &str, chain: &str, rule: &str) -> Self {
        Self::Rule { table: table.to_owned(), chain: chain.to_owned(), rule: rule.to_owned() }
    }
}

/// Table, chain and last part of a rule's path. A chain of nftables may have slashes in its name.
fn chain_of(path: &str) -> Option<(&str, &str, &str)> {
    let (table, rest) = path.split_once('/')?;
    let (chain, rule) = rest.rsplit_once('/')?;
    Some((table, chain, rule))
}

/// What names a rule wherever it stands in its chain: the first 8 digits of the SHA-256 of its text, without what it counted.
fn short_name(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take_while(|word| *word != "#").collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        // nftables prints `counter packets 5 bytes 300`, and of a quota `used 3 kbytes`.
        at += match (*word, words.get(at + 2)) {
            ("packets", Some(&"bytes")) => 4,
            ("used", Some(unit)) if unit.ends_with("bytes") => 3,
            _ => {
                kept.push(word);
                1
            }
        };
    }
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(kept.join(" ")));
    format!("{a:02x}{b:02x}{c:02x}{d:02x}")
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "interface/{name}"),
            Self::Route(destination) => write!(f, "route/{destination}"),
            Self::Sysctl(name) => write!(f, "sysctl/{name}"),
            Self::Rule { table, chain, rule } => write!(f, "rule/{table}/{chain}/{rule}"),
            Self::Speaker => f.write_str("speaker"),
            Self::KubeProxy => f.write_str("kube-proxy"),
            Self::Other(path) => f.write_str(path),
        }
    }
}

impl From<&str> for Part {
    fn from(path: &str) -> Self {
        let of = |rest: &str| rest.to_owned();
        match path.split_once('/') {
            None if path == "speaker" => Self::Speaker,
            None if path == "kube-proxy" => Self::KubeProxy,
            Some(("interface", name)) => Self::Interface(of(name)),
            Some(("route", destination)) => Self::Route(of(destination)),
            Some(("sysctl", name)) => Self::Sysctl(of(name)),
            Some(("rule", rule)) => match chain_of(rule) {
                Some((table, chain, rule)) => Self::in_chain(table, chain, rule),
                None => Self::Other(of(path)),
            },
            _ => Self::Other(of(path)),
        }
    }
}
