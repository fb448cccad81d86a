//! What is told of a connection once nothing more is to be seen of it.

use super::Joiner;
use super::connections::{Delay, Open, Spot};
use super::piece::Piece;
use super::point::Point;
use crate::model::packet::Passage;
use crate::model::trace::{LastSeen, TraceEnd, TraceHop, Traced};

/// Points of which it is told whether a connection was seen there.
const MOST_POINTS: usize = 256;

impl Joiner {
    /// Ends a connection, and gives its ends free.
    pub(super) fn conclude(&mut self, place: u32) {
        let Some(mut open) = self.connections.take(place) else { return };
        open.settle_one_way();
        for number in &open.tracks {
            if let Some(track) = self.tracks.take(*number)
                && self.by_key.get(&track.key) == Some(number)
            {
                self.by_key.remove(&track.key);
            }
        }
        self.concluded += 1;
        let traced = self.told(&open);
        let complete = |hop: &TraceHop| hop.missing + hop.not_captured == 0;
        self.whole += u64::from(
            traced.not_joined.is_empty() && traced.resets_between == 0 && traced.request.iter().chain(&traced.answer).all(complete),
        );
        self.traced.push(traced);
    }

    fn told(&self, open: &Open) -> Traced {
        let latest = open.latest.iter().flatten().max_by_key(|latest| (latest.first_at, latest.at));
        Traced {
            number: open.number,
            protocol: match open.protocol {
                1 => "icmp".to_owned(),
                6 => "tcp".to_owned(),
                17 => "udp".to_owned(),
                47 => "gre".to_owned(),
                50 => "esp".to_owned(),
                58 => "icmp6".to_owned(),
                132 => "sctp".to_owned(),
                other => format!("protocol {other}"),
            },
            began: open.first_at,
            last: open.last_at,
            end: open.end(),
            request: self.hops(open, false),
            answer: self.hops(open, true),
            last_seen: latest.and_then(|latest| {
                let spot = open.spots.get(usize::from(latest.spot))?;
                Some(LastSeen {
                    point: self.name(spot.point),
                    interface: Some(spot.interface).filter(|interface| *interface != 0),
                    what: Piece::word(latest.flags, open.protocol, latest.length),
                    answer: spot.answer,
                    source: spot.source,
                    destination: spot.destination,
                    at: latest.at,
                })
            }),
            retransmitted: open.retransmitted,
            missing: open.told_missing(|point| self.name(point)),
            errors: open.errors.clone(),
            not_joined: self.not_joined(open),
            resets_between: open.noted.resets_between,
            noted: self.noted(open),
        }
    }

    /// What weakens what is told, in words.
    fn noted(&self, open: &Open) -> Vec<String> {
        let mut noted = open.noted.told(&self.points);
        for (answer, ways) in [(false, ["request", "answers"]), (true, ["answer", "requests"])] {
            let mut places: Vec<String> = open.unreached(answer).iter().map(|spot| self.name(spot.point)).collect();
            places.dedup();
            let mut others: Vec<String> = open.acknowledged_elsewhere(answer).iter().map(|spot| self.name(spot.point)).collect();
            others.dedup();
            if !others.is_empty() {
                let [own, other] = ways;
                let others = others.join(", ");
                noted.push(format!("no {own} was seen at {others}, where its {other} pass, and it was acknowledged all the same: its road does not pass there, or the capture leaves it out"));
            }
            if !places.is_empty() {
                noted.push(format!(
                    "no {} was seen at {}, where its {} pass: lost on the way, unless their road does not pass there or the capture leaves them out",
                    ways[0],
                    places.join(", "),
                    ways[1]
                ));
            }
        }
        for (number, point) in (0_u16..).zip(&self.points).filter(|(number, _)| open.passed(*number)) {
            let spots = || open.spots.iter().filter(|spot| spot.point == number);
            let odd = spots().any(|spot| spot.missing + spot.not_captured + spot.one_way > 0);
            let one_way = [false, true]
                .iter()
                .any(|answer| open.spots.iter().any(|spot| spot.answer == *answer) && spots().all(|spot| spot.answer != *answer));
            if let Some(left_out) = point.told.left_out().filter(|_| odd || one_way) {
                noted.push(format!("at {} {left_out}: what was not seen there may be in these", point.told.name));
            }
            if let Some(incomplete) = point.told.incomplete.as_ref().filter(|_| odd || (point.ended && open.last_at > point.last)) {
                noted.push(format!("{} does not hold everything, and its counts are of what it holds: {incomplete}", point.told.name));
            }
        }
        noted
    }

    fn name(&self, point: u16) -> String {
        self.points.get(usize::from(point)).map(|point| point.told.name.clone()).unwrap_or_default()
    }

    /// The spots of one direction in the order in which packets come to them.
    fn hops(&self, open: &Open, answer: bool) -> Vec<TraceHop> {
        let mut spots: Vec<&Spot> = open.spots.iter().filter(|spot| spot.answer == answer && spot.packets > 0).collect();
        let first_at = spots.first().map_or(0, |spot| spot.first_at);
        // What has no packet in common with the others stands where its first packet would.
        spots.sort_by_key(|spot| spot.delay.mean().unwrap_or(spot.first_at.saturating_sub(first_at)));
        let base = spots.first().and_then(|spot| spot.delay.mean()).unwrap_or(0);
        let unreached = open.unreached(answer).into_iter().map(|spot| self.unreached(spot));
        spots.into_iter().map(|spot| self.hop(spot, base)).chain(unreached).collect()
    }

    /// Where packets of the other direction pass and none of this one was seen, though all of them were on their way there.
    fn unreached(&self, spot: &Spot) -> TraceHop {
        let passage = match spot.passage {
            Passage::In => Passage::Out,
            Passage::Out => Passage::In,
            Passage::Other => Passage::Other,
        };
        let mirrored = Spot {
            passage,
            answer: !spot.answer,
            source: spot.destination,
            destination: spot.source,
            packets: 0,
            bytes: 0,
            again: 0,
            missing: spot.one_way,
            not_captured: 0,
            delay: Delay::default(),
            ..spot.clone()
        };
        self.hop(&mirrored, 0)
    }

    fn hop(&self, spot: &Spot, base: i64) -> TraceHop {
        let tells_passage = self.points.get(usize::from(spot.point)).is_some_and(|point| point.tells_passage);
        let passage = match spot.passage {
            Passage::In => "in",
            Passage::Out => "out",
            Passage::Other => "other",
        };
        let enclosure = spot.enclosure;
        TraceHop {
            point: self.name(spot.point),
            interface: Some(spot.interface).filter(|interface| *interface != 0),
            passage: tells_passage.then_some(passage),
            vlan: Some(enclosure.vlan).filter(|vlan| *vlan != 0),
            tunnel: enclosure.word(),
            source: spot.source,
            destination: spot.destination,
            packets: spot.packets,
            bytes: spot.bytes,
            after_ns: spot
                .delay
                .told()
                .map(|(mean, least, most)| (mean.saturating_sub(base), least.saturating_sub(base), most.saturating_sub(base))),
            missing: spot.missing,
            not_captured: spot.not_captured,
            again: spot.again,
        }
    }

    /// Why it could not be followed to every point, in words. A point whose road it does not take is told too: nobody but the
    /// reader knows the roads.
    fn not_joined(&self, open: &Open) -> Vec<String> {
        let mut reasons = Vec::new();
        if open.answers_differ {
            reasons.push(
                "its answers begin with other numbers at one place than at another: something between answers for the server (a SYN proxy, SYN cookies), so what is missing cannot be told".to_owned(),
            );
        }
        if open.ambiguous > 0 {
            let count = open.ambiguous;
            reasons.push(format!(
                "{count} of its packets look the same as packets of several connections elsewhere: joined with none of these"
            ));
        }
        if open.crowded > 0 {
            reasons.push(format!(
                "{} of its packets were not seen everywhere, and may have been: too many packets look the same, or were cut, to be told apart",
                open.crowded
            ));
        }
        if open.not_placed > 0 {
            let (count, most) = (open.not_placed, super::connections::MOST_SPOTS);
            reasons.push(format!("{count} of its packets passed places beyond the first {most}, which are not told apart"));
        }
        // Nothing that was acknowledged has failed to pass.
        let undecided = Some(open.noted.undecided).filter(|_| !(open.is_heard(false) && open.is_heard(true))).unwrap_or(0);
        if undecided != 0 {
            let names =
                (0_u16..128).filter(|point| undecided >> point & 1 == 1).map(|point| self.name(point)).collect::<Vec<_>>().join(", ");
            reasons.push(format!("one direction alone was seen at {names}: whether the other one passes there cannot be told"));
        }
        for point in self
            .points
            .iter()
            .zip(0_u16..)
            .filter(|(point, number)| point.told.unsorted > 0 && open.passed(*number))
            .map(|(point, _)| point)
        {
            let (name, count) = (&point.told.name, point.told.unsorted);
            reasons.push(format!(
                "{count} records of {name} stand too far behind later ones to be put in order: what is missing may be among them"
            ));
        }
        let told = || (0_u16..).zip(self.points.iter().take(MOST_POINTS));
        if open.apart > 0 && told().any(|(number, _)| !open.passed(number)) {
            let count = open.apart;
            reasons.push(format!(
                "{count} of its packets look the same as so many packets elsewhere that they were joined with none of these"
            ));
        }
        for (number, point) in told().filter(|(number, _)| !open.passed(*number)) {
            let resembled = open.resembled.checked_shr(u32::from(number)).unwrap_or(0) & 1 == 1;
            let why = match (point.told.left_out(), surely(open, point)) {
                (None, why) => why.unwrap_or_else(|| reason(open, resembled)),
                (Some(left_out), Some(why)) => format!("{why}; it may be there all the same: {left_out}"),
                // Where it may be, nothing is said of its road.
                (Some(left_out), None) => format!("it may be there all the same: {left_out}"),
            };
            reasons.push(format!("not seen at {}: {why}", point.told.name));
        }
        if self.points.len() > MOST_POINTS {
            reasons.push(format!(
                "whether it was seen at the {} points behind the first {MOST_POINTS} is not told",
                self.points.len() - MOST_POINTS
            ));
        }
        reasons
    }
}

/// Why a connection cannot have been seen at a point, when that is sure.
fn surely(open: &Open, point: &Point) -> Option<String> {
    let why = if point.told.packets == 0 && point.ended {
        "that capture holds no packet"
    } else if point.told.followed == 0 && point.told.not_read.is_empty() {
        "no packet of that capture is of a connection"
    } else if point.told.followed == 0 {
        "no packet of that capture could be read"
    } else if open.first_at > point.last && point.ended {
        "that capture had ended"
    } else if open.last_at < point.first {
        "that capture had not begun"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// Why a connection was not seen at a point, as far as it can be told. `resembled`: packets with its numbers were seen there.
fn reason(open: &Open, resembled: bool) -> String {
    if open.unnumbered > 0 && open.spots.first().is_some_and(|spot| spot.source.0.is_ipv4()) {
        return "its datagrams carry the identification 0, by which none is known again behind a translation".to_owned();
    }
    if resembled {
        return "packets with its numbers are there, and were not joined with it: their IP identifications, or their ends, are others. Something on the way may have changed these, or they are other packets".to_owned();
    }
    if open.protocol != 6 {
        return "no datagram with its identification and payload".to_owned();
    }
    let answered = open.spots.iter().any(|spot| spot.answer) && open.spots.iter().any(|spot| !spot.answer);
    if open.initial[0].is_none() && open.packets < 4 {
        return "too little of it was captured to know it again".to_owned();
    }
    match (answered, open.end()) {
        (true, _) => "no packet with its numbers, and it was answered all the same. Its road does not pass there, or a proxy in between opens a connection of its own".to_owned(),
        (false, TraceEnd::Reset) => "no packet with its numbers; it was reset".to_owned(),
        (false, _) => "no packet with its numbers, and it was not answered".to_owned(),
    }
}
