//! What has waited long enough, or has to make room.

use super::Joiner;
use super::connections::Open;
use super::packets::NONE;

impl Joiner {
    /// Lets go what has waited long enough, and concludes what is over.
    pub(super) fn age(&mut self, now: i64) {
        while let Some((slot, at)) = self.packets.oldest_young() {
            if now.saturating_sub(at) <= self.bounds.seen_everywhere {
                break;
            }
            if self.seen_everywhere(slot) {
                self.let_go(slot);
            } else {
                self.packets.keep_oldest_young();
            }
        }
        while let Some((slot, at)) = self.packets.oldest() {
            let early = self.packets.len() > self.bounds.packets;
            if !early && now.saturating_sub(at) <= self.bounds.window {
                break;
            }
            if early {
                self.let_go_early(slot, now);
            } else {
                self.let_go(slot);
            }
        }
        while let Some((place, generation, since)) = self.idle.front().copied() {
            let full = self.connections.len() > self.bounds.connections;
            let same =
                self.connections.get(place).is_some_and(|open| open.generation == generation && open.held == 0 && open.last_at == since);
            if same && !full && now.saturating_sub(since) <= self.bounds.idle {
                break;
            }
            self.idle.pop_front();
            if same {
                self.conclude(place);
            }
        }
        // Nothing is idle, and there are too many all the same: the oldest packets make room.
        while self.connections.len() > self.bounds.connections {
            let Some((slot, _)) = self.packets.oldest() else { break };
            self.let_go_early(slot, now);
            if let Some((place, _, _)) = self.idle.pop_front() {
                self.conclude(place);
            }
        }
    }

    /// Keeps one connection's packets within their bound.
    pub(super) fn bound(&mut self, place: u32, now: i64) {
        let over = |open: &Open| open.held > self.bounds.packets_of_one;
        let Some(open) = self.connections.get(place).filter(|open| over(open)) else { return };
        let age = |slot: &u32| self.packets.get(*slot).map_or(i64::MAX, |held| held.first_at);
        if let Some(slot) = open.oldest.into_iter().filter(|slot| *slot != NONE).min_by_key(age) {
            self.let_go_early(slot, now);
        }
    }
}
