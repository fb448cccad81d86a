//! The source ports that the places of a run ask from: each asking has a range of its own, in every round, so that no packet of one place
//! can be taken for another's, whoever translates its address on the way.

use std::ops::RangeInclusive;

/// Where ranges may lie: among the ports that programs ask from, as Linux chooses them (from 32768 to 60999) and as IANA has them (from
/// 49152): what a filter on the way does with others says nothing of usual clients.
const ALL: RangeInclusive<u32> = 49_152..=60_999;

/// Ports of each range beyond the tries: other programs may hold some of them.
const SPARE: u32 = 16;

/// How far apart runs begin that start a second apart: a connection table remembers a port for two minutes, in which all are gone through once.
const EACH_SECOND: u64 = 83;

/// The ranges that a run has given away.
#[derive(Debug, Default)]
pub struct SourcePorts {
    next: Option<u32>,
}

/// Ports that are set aside for each of several closures that run side by side, where there are as many.
const EACH: u32 = 256;

impl SourcePorts {
    /// Those of one of several closures that run side by side: the same in each run, whichever of them is faster.
    #[must_use]
    pub fn apart(&self, index: usize, of: usize, second: u64) -> Self {
        let (first, last) = (*ALL.start(), *ALL.end());
        let all = last - first + 1;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let begin = self.next.unwrap_or_else(|| begin(second)) - first;
        let offset = number(index).saturating_mul(EACH.min(all / number(of).max(1)));
        Self { next: Some(first + (begin + offset) % all) }
    }

    /// Goes on behind what a closure has taken that ran beside others.
    pub fn follow(&mut self, other: &Self) {
        self.next = other.next;
    }

    /// A range for some tries that no other asking of the run has, first and last port. `second` is when the run began, seconds since the epoch.
    /// Only a run that asks more often than there are ports comes back to the first ones.
    pub fn take(&mut self, tries: u32, second: u64) -> (u16, u16) {
        let (first, last) = (*ALL.start(), *ALL.end());
        let all = last - first + 1;
        let from = self.next.unwrap_or_else(|| begin(second));
        let count = tries.saturating_add(SPARE).min(all);
        let from = if from.saturating_add(count - 1) > last { first } else { from };
        let to = from + count - 1;
        self.next = Some(to + 1);
        let port = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        (port(from), port(to))
    }
}

/// Where a run begins.
fn begin(second: u64) -> u32 {
    let (first, last) = (*ALL.start(), *ALL.end());
    first + u32::try_from((second % 1_000_000) * EACH_SECOND % u64::from(last - first + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_in_one_run() {
        for second in [0, 1, 118, 119, 142, 1_764_580_000] {
            let mut ports = SourcePorts::default();
            let mut given: Vec<(u16, u16)> = (0..40).map(|_| ports.take(16, second)).collect();
            given.sort_unstable();
            assert!(given.windows(2).all(|pair| pair[0].1 < pair[1].0), "{given:?}");
            assert!(
                given.iter().all(|(first, last)| last - first >= 15 && ALL.contains(&u32::from(*first)) && ALL.contains(&u32::from(*last)))
            );
        }
    }

    #[test]
    fn runs_a_second_apart_begin_with_other_ports_and_any_number_is_held() {
        assert_ne!(SourcePorts::default().take(16, 7), SourcePorts::default().take(16, 8));
        assert_eq!(SourcePorts::default().take(u32::MAX, 5), (49_152, 60_999));
    }
}
