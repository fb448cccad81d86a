//! What the kernel's IPsec drops, as `/proc/net/xfrm_stat` counts it, and the policies that block. Keys are in neither.

use std::collections::BTreeMap;

use super::counting::{self, count};

/// What IPsec dropped, and what blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipsec {
    /// The counters of dropped packets, by the kernel's name for the reason, such as `XfrmInPolBlock`.
    counted: BTreeMap<String, u64>,
    /// Policies that block, each as `ip xfrm policy` writes its selector and direction.
    pub blocking: Vec<String>,
}

impl Ipsec {
    pub(super) fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.strip_prefix("Xfrm")?.split_once(char::is_whitespace));
        let counted = pairs.filter_map(|(name, value)| Some((format!("Xfrm{name}"), count(value.trim())?))).collect();
        Self { counted, blocking: blocking(text) }
    }

    /// The reasons for which packets were dropped since another read, with how many, the most first.
    pub(super) fn dropped_since(&self, before: &Self) -> Vec<(String, u64)> {
        let grown = |(name, now): (&String, &u64)| {
            let grown = counting::grown(before.counted.get(name).copied(), *now);
            (grown > 0).then(|| (name.clone(), grown))
        };
        let mut all: Vec<(String, u64)> = self.counted.iter().filter_map(grown).collect();
        all.sort_by_key(|(_, grown)| std::cmp::Reverse(*grown));
        all
    }
}

fn blocking(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut selector = "";
    for line in text.lines() {
        if line.starts_with("src ") {
            selector = line.trim();
        } else if line.starts_with(char::is_whitespace) && line.contains("action block") {
            all.push(format!("{selector} {}", line.trim()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `cat /proc/net/xfrm_stat` and `ip xfrm policy` print it, iproute2 6.1 on Linux 6.18.
    fn read(blocked: u64) -> Ipsec {
        Ipsec::read(&format!(
            "XfrmInError             \t0\nXfrmInNoPols            \t0\nXfrmInPolBlock          \t{blocked}\nXfrmOutPolBlock         \t2\n\
             src 203.0.113.0/24 dst 0.0.0.0/0 \n\tdir fwd action block priority 0 ptype main \nsrc 10.0.0.0/8 dst 0.0.0.0/0 \n\tdir out priority 0 \
             ptype main \n"
        ))
    }

    #[test]
    fn what_grew_is_told_with_the_policies_that_block() {
        let (before, after) = (read(3), read(19));
        assert_eq!(after.dropped_since(&before), [("XfrmInPolBlock".to_owned(), 16)]);
        assert_eq!(after.blocking, ["src 203.0.113.0/24 dst 0.0.0.0/0 dir fwd action block priority 0 ptype main"]);
    }
}
