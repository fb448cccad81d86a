//! The names of hosts in one line of a `known_hosts` file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// The hosts of one line.
pub(super) enum Names {
    /// Patterns, and whether each is negated.
    Patterns(Vec<(bool, String)>),
    Hashed {
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

impl Names {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(hashed) = text.strip_prefix("|1|") {
            let (salt, hash) = hashed.split_once('|')?;
            return Some(Self::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? });
        }
        // Another kind of hash is nothing that could be compared.
        if text.starts_with('|') {
            return None;
        }
        let pattern = |part: &str| match part.strip_prefix('!') {
            Some(rest) => (true, rest.to_lowercase()),
            None => (false, part.to_lowercase()),
        };
        Some(Self::Patterns(text.split(',').filter(|part| !part.is_empty()).map(pattern).collect()))
    }

    pub(super) fn cover(&self, name: &str) -> bool {
        match self {
            // One negated pattern that fits takes the whole line away.
            Self::Patterns(patterns) => {
                let fits = |wanted: bool| {
                    patterns.iter().any(|(negated, pattern)| *negated == wanted && glob(pattern.as_bytes(), name.as_bytes()))
                };
                fits(false) && !fits(true)
            }
            Self::Hashed { salt, hash } => {
                Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mac| mac.chain_update(name.as_bytes()).verify_slice(hash).is_ok())
            }
        }
    }
}

/// `*` and `?`, nothing else: brackets are part of `[host]:port`. Linear in both lengths, so that no file can hang it.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((star_at, from)) => {
                    star = Some((star_at, from + 1));
                    at = star_at + 1;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}
