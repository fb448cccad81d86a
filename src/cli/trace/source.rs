//! A capture file under way, with its points as the joiner knows them.

use std::collections::BTreeMap;
use std::path::Path;

use super::in_order::InOrder;
use crate::analysis::trace::Joiner;
use crate::analysis::trace::clocks::{self, Ahead};
use crate::evidence::capture::decode::{SLL, SLL2};
use crate::evidence::capture::file::{AheadFile, FilePoint, Glance};
use crate::evidence::error::EvidenceError;
use crate::evidence::interrupt::Interrupt;
use crate::model::headers::Headers;
use crate::model::text::one_line;

/// A file under way.
pub(super) struct Source {
    name: String,
    file: AheadFile,
    early: InOrder,
    /// The joiner's numbers of its points, and how far the clock of each is ahead.
    points: Vec<Option<(u16, i64)>>,
    ahead: BTreeMap<usize, Ahead>,
    /// The next packet, and when it is due on the clock of the first point.
    next: Option<(u16, Glance, i64)>,
}

impl Source {
    pub(super) fn open(path: &Path, interrupt: &Interrupt) -> Result<Self, EvidenceError> {
        let file = AheadFile::open(path, interrupt.clone())?;
        let name = one_line(&path.display().to_string());
        Ok(Self { name, file, early: InOrder::default(), points: Vec::new(), ahead: BTreeMap::new(), next: None })
    }

    /// When the next packet is due, on the clock of the first point.
    pub(super) fn due(&self) -> Option<i64> {
        self.next.as_ref().map(|(_, _, due)| *due)
    }

    /// The next packet, and the joiner's number of its point.
    pub(super) fn take(&mut self) -> Option<(u16, Glance)> {
        self.next.take().map(|(point, glance, _)| (point, glance))
    }

    /// Goes on to the next packet; at the end tells the joiner that nothing more comes.
    pub(super) fn advance(&mut self, joiner: &mut Joiner, names: &mut Vec<String>) {
        self.early.fill(&mut self.file);
        let Some(glance) = self.early.next() else {
            self.end(joiner, names);
            self.next = None;
            return;
        };
        let (point, ahead) = match self.points.get(glance.point) {
            Some(Some(known)) => *known,
            _ => self.meet(glance.point, joiner, names),
        };
        let order = self.early.order_of(glance.point);
        if order.unsorted > 0
            && let Some(told) = joiner.told_of(point)
        {
            told.unsorted = order.unsorted;
        }
        self.next = Some((point, glance, glance.at.saturating_sub(ahead)));
    }

    /// Tells the joiner what the file says at its end. One without a single packet is a point all the same: somebody listened there.
    fn end(&mut self, joiner: &mut Joiner, names: &mut Vec<String>) {
        if self.points.is_empty() {
            self.meet(0, joiner, names);
        }
        let broken = self.file.broken().map(ToString::to_string);
        for (place, known) in self.points.iter().enumerate() {
            let Some((number, _)) = known else { continue };
            let dropped = self.file.points().get(place).and_then(dropped);
            let reasons: Vec<String> = broken.iter().cloned().chain(dropped).collect();
            joiner.end(*number, (!reasons.is_empty()).then(|| reasons.join("; ")));
            if let Some(told) = joiner.told_of(*number) {
                let order = self.early.order_of(place);
                (told.went_back_ns, told.unsorted) = (order.went_back_ns, order.unsorted);
            }
        }
    }

    /// Makes a point known to the joiner, with its first packet.
    fn meet(&mut self, place: usize, joiner: &mut Joiner, names: &mut Vec<String>) -> (u16, i64) {
        let ahead = self.ahead.get(&place).copied().unwrap_or_default();
        let point = self.file.points().get(place).cloned().unwrap_or_default();
        let name = match (&point.name, place) {
            (Some(interface), _) => format!("{}:{interface}", self.name),
            (None, 0) => self.name.clone(),
            (None, place) => format!("{}:{place}", self.name),
        };
        let number = joiner.point(&name, [SLL, SLL2].contains(&point.link_type), ahead.nanoseconds);
        if let Some(told) = joiner.told_of(number) {
            told.clock_one_way = ahead.one_way;
        }
        names.push(name);
        if self.points.len() <= place {
            self.points.resize(place + 1, None);
        }
        if let Some(known) = self.points.get_mut(place) {
            *known = Some((number, ahead.nanoseconds));
        }
        (number, ahead.nanoseconds)
    }
}

/// Compares the clocks of all points by their first packets.
pub(super) fn compare_clocks(sources: &mut [Source]) {
    let mut early: BTreeMap<(usize, usize), Vec<Headers>> = BTreeMap::new();
    for (number, source) in sources.iter_mut().enumerate() {
        source.early.fill(&mut source.file);
        for glance in source.early.read() {
            early.entry((number, glance.point)).or_default().extend(glance.headers.ok());
        }
    }
    let (places, packets): (Vec<(usize, usize)>, Vec<Vec<Headers>>) = early.into_iter().unzip();
    for ((number, point), ahead) in places.into_iter().zip(clocks::ahead(&packets)) {
        if let Some(source) = sources.get_mut(number) {
            source.ahead.insert(point, ahead);
        }
    }
}

fn dropped(point: &FilePoint) -> Option<String> {
    point.dropped.filter(|dropped| *dropped > 0).map(|dropped| format!("the capture lost {dropped} packets by its own count"))
}
