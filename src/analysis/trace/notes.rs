//! What was changed on the way, what could not be compared, and resets that nobody at the ends sent: told beside what they weaken.

use super::point::Point;

/// Resets that are told one by one.
const MOST_RESETS: usize = 5;
/// Pairs of places that identifications are compared between.
const MOST_PAIRS: usize = 16;

/// What is to be known of a connection beside where its packets were seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    /// Frames that end within TCP's options, by point.
    cut: Vec<(u16, u64)>,
    /// A place that has its timestamps, and one that has not.
    pub(super) unstamped: Option<(u16, u16)>,
    /// Packets with the same identification at two places, and with another.
    identified: Vec<(u16, u16, [u64; 2])>,
    /// Resets that were first seen behind another place of their road.
    resets: Vec<Reset>,
    pub(super) resets_between: u64,
    /// Points at which one direction was not seen and may have to be, as bits.
    pub(super) undecided: u128,
}

/// A reset that was not seen where its road begins.
#[derive(Clone, Debug)]
pub(super) struct Reset {
    pub(super) answer: bool,
    pub(super) at: u16,
    pub(super) frame: u64,
    /// Where it was not seen.
    pub(super) before: Vec<u16>,
    /// Its time to live, and that of all else that came there.
    pub(super) ttl: (u8, u8),
}

impl Noted {
    /// A frame that ends within TCP's options.
    pub(super) fn cut(&mut self, point: u16) {
        match self.cut.iter_mut().find(|(known, _)| *known == point) {
            Some((_, count)) => *count += 1,
            None => self.cut.push((point, 1)),
        }
    }

    /// What another connection knew, which is this one.
    pub(super) fn take_over(&mut self, gone: &Self, turned: bool) {
        for (point, count) in &gone.cut {
            match self.cut.iter_mut().find(|(known, _)| known == point) {
                Some((_, own)) => *own += count,
                None => self.cut.push((*point, *count)),
            }
        }
        self.unstamped = self.unstamped.or(gone.unstamped);
        self.identified.extend(&gone.identified);
        self.identified.truncate(MOST_PAIRS);
        self.resets.extend(gone.resets.iter().map(|reset| Reset { answer: reset.answer != turned, ..reset.clone() }));
        self.resets.truncate(MOST_RESETS);
        self.resets_between += gone.resets_between;
        self.undecided |= gone.undecided;
    }

    /// Packets are gone through again.
    pub(super) fn begin_again(&mut self) {
        self.identified.clear();
    }

    pub(super) fn identified(&mut self, between: (u16, u16), same: bool) {
        let place = self.identified.iter().position(|(one, other, _)| (*one, *other) == between).or_else(|| {
            (self.identified.len() < MOST_PAIRS).then(|| {
                self.identified.push((between.0, between.1, [0; 2]));
                self.identified.len() - 1
            })
        });
        if let Some((_, _, counts)) = place.and_then(|place| self.identified.get_mut(place)) {
            counts[usize::from(!same)] += 1;
        }
    }

    /// A reset that was not seen at points which are on its road before it was first seen.
    pub(super) fn reset(&mut self, mut reset: Reset) {
        reset.before.dedup();
        self.resets_between += 1;
        if self.resets.len() < MOST_RESETS {
            self.resets.push(reset);
        }
    }

    /// In words.
    pub(super) fn told(&self, points: &[Point]) -> Vec<String> {
        let name = |point: &u16| points.get(usize::from(*point)).map_or("", |point| point.told.name.as_str());
        let mut told = Vec::new();
        for (point, count) in &self.cut {
            let kept = points.get(usize::from(*point)).and_then(|point| point.told.options_cut_at).unwrap_or_default();
            told.push(format!(
                "{count} of its frames at {} end within their TCP options (cut at {kept} bytes): these were not compared",
                name(point)
            ));
        }
        if let Some((with, without)) = &self.unstamped {
            told.push(format!(
                "its TCP timestamps are there at {}, and not at {}: something on the way takes them off",
                name(with),
                name(without)
            ));
        }
        for (one, other, [same, differ]) in &self.identified {
            if differ > same {
                told.push(format!(
                    "its IP identifications at {} are not those at {}: something in between rewrites them",
                    name(one),
                    name(other)
                ));
            }
        }
        for reset in &self.resets {
            let before: Vec<&str> = reset.before.iter().map(name).collect();
            let way = if reset.answer { "answer" } else { "request" };
            let ttl = match reset.ttl {
                (own, usual) if own != 0 && usual != 0 && own != usual => {
                    format!(" Its time to live is {own} there, that of all else in this direction {usual}: as of another host")
                }
                _ => String::new(),
            };
            told.push(format!(
                "RST ({way}) first seen at {} in packet {}, and not at {} before it: made in between, or not captured there.{ttl}",
                name(&reset.at),
                reset.frame,
                before.join(", ")
            ));
        }
        told
    }
}
