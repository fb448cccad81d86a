//! `lbdiag trace`: follows connections through capture files. Reads them side by side in the order of time, and tells of each
//! connection as soon as it is done with, so that it takes the same memory however large they are.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use super::arguments::TraceArguments;
use super::exit::Exit;
use super::reports::{self, Growing, Sink};
use super::{refuse, streams};
use crate::analysis::trace::{Bounds, Joiner, clocks};
use crate::evidence::capture::decode::{SLL, SLL2};
use crate::evidence::capture::file::{CaptureFile, FilePoint};
use crate::evidence::error::EvidenceError;
use crate::model::headers::Headers;
use crate::model::trace::{Pairing, TraceSummary, Traced};
use crate::report::{TracePart, trace_connection, trace_json, trace_summary};

/// Packets of each file that clocks are compared by.
const EARLY: usize = 4096;
/// Packets between two looks at what is done with.
const BETWEEN: usize = 1024;

/// Follows connections through the files and prints them.
pub(super) fn trace(arguments: &TraceArguments) -> Exit {
    if let Err(error) = reports::check(&arguments.reports, arguments.pairs.as_deref()) {
        return refuse(Exit::Usage, &error);
    }
    let mut sources = Vec::new();
    for file in &arguments.files {
        match Source::open(file) {
            Ok(source) => sources.push(source),
            Err(error) => return refuse(Exit::CouldNotWork, &error.to_string()),
        }
    }
    match Told::open(arguments).and_then(|told| follow(sources, told)) {
        Ok(()) => Exit::Good,
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

fn follow(mut sources: Vec<Source>, mut told: Told) -> Result<(), String> {
    let mut joiner = Joiner::new(Bounds::default(), told.pairs.is_some());
    let mut points = Points::compared(&sources);
    for source in &mut sources {
        source.advance(&mut joiner, &mut points);
    }
    let mut taken = 0;
    while let Some(source) = sources.iter_mut().filter(|source| source.next.is_some()).min_by_key(|source| source.due) {
        if let Some(next) = source.next.take() {
            match &next.headers {
                Some(headers) => joiner.take(next.point, next.number, headers),
                None => joiner.pass(next.point),
            }
        }
        source.advance(&mut joiner, &mut points);
        taken += 1;
        if taken % BETWEEN == 0 {
            told.tell(joiner.done(), &points.names)?;
        }
    }
    let summary = joiner.finish();
    told.tell(joiner.done(), &points.names)?;
    told.end(&summary)
}

/// A file under way.
struct Source {
    name: String,
    file: CaptureFile,
    /// What was read ahead, to compare clocks by.
    early: VecDeque<Read>,
    /// Why nothing more can be read.
    broken: Option<String>,
    next: Option<Next>,
    /// When the next packet is due, on the clock of the first point.
    due: i64,
}

/// A packet as its file gives it.
struct Read {
    point: usize,
    number: u64,
    at: i64,
    headers: Option<Headers>,
}

/// A packet as the joiner takes it.
struct Next {
    point: u16,
    number: u64,
    headers: Option<Headers>,
}

impl Source {
    fn open(path: &Path) -> Result<Self, EvidenceError> {
        let file = CaptureFile::open(path)?;
        let mut source = Self { name: path.display().to_string(), file, early: VecDeque::new(), broken: None, next: None, due: 0 };
        while source.early.len() < EARLY
            && let Some(read) = source.read()
        {
            source.early.push_back(read);
        }
        Ok(source)
    }

    /// The next packet of the file.
    fn read(&mut self) -> Option<Read> {
        if self.broken.is_some() {
            return None;
        }
        match self.file.advance() {
            Ok(frame) => frame.map(|frame| Read { point: frame.point, number: frame.number, at: frame.at, headers: frame.headers() }),
            Err(error) => {
                self.broken = Some(error.to_string());
                None
            }
        }
    }

    /// Reads up to the next packet; at the end tells the joiner that nothing more comes.
    fn advance(&mut self, joiner: &mut Joiner, points: &mut Points) {
        let read = self.early.pop_front().or_else(|| self.read());
        let Some(read) = read else {
            for (place, point) in self.file.points().iter().enumerate() {
                if let Some((number, _)) = points.known.get(&(self.name.clone(), place)) {
                    joiner.end(*number, incomplete(self.broken.as_ref(), point));
                }
            }
            self.next = None;
            return;
        };
        let (point, ahead) = points.of(&self.name, read.point, &self.file, joiner);
        self.due = read.at.saturating_sub(ahead);
        self.next = Some(Next { point, number: read.number, headers: read.headers });
    }
}

fn incomplete(broken: Option<&String>, point: &FilePoint) -> Option<String> {
    let dropped =
        point.dropped.filter(|dropped| *dropped > 0).map(|dropped| format!("the capture lost {dropped} packets by its own count"));
    let unread = (!point.readable()).then(|| format!("frames of link type {} cannot be read", point.link_type));
    let reasons: Vec<String> = broken.cloned().into_iter().chain(dropped).chain(unread).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The joiner's points by file and interface, and how far the clock of each is ahead.
struct Points {
    ahead: BTreeMap<(String, usize), i64>,
    known: BTreeMap<(String, usize), (u16, i64)>,
    names: Vec<String>,
    /// The point of the latest packet of each file, which the next one nearly always shares.
    latest: Option<(String, usize, u16, i64)>,
}

impl Points {
    /// Compares clocks by the first packets of each point.
    fn compared(sources: &[Source]) -> Self {
        let mut early: BTreeMap<(usize, usize), Vec<Headers>> = BTreeMap::new();
        for (number, source) in sources.iter().enumerate() {
            for read in &source.early {
                early.entry((number, read.point)).or_default().extend(read.headers);
            }
        }
        let packets: Vec<Vec<Headers>> = early.values().cloned().collect();
        let name = |number: usize| sources.get(number).map(|source| source.name.clone()).unwrap_or_default();
        let ahead = early.keys().zip(clocks::ahead(&packets)).map(|((number, point), ahead)| ((name(*number), *point), ahead)).collect();
        Self { ahead, known: BTreeMap::new(), names: Vec::new(), latest: None }
    }

    /// The joiner's number of a file's point, which becomes known to it with its first packet.
    fn of(&mut self, file: &str, place: usize, capture: &CaptureFile, joiner: &mut Joiner) -> (u16, i64) {
        if let Some((latest, at, number, ahead)) = &self.latest
            && *at == place
            && latest == file
        {
            return (*number, *ahead);
        }
        let key = (file.to_owned(), place);
        let found = if let Some(known) = self.known.get(&key) {
            *known
        } else {
            let ahead = self.ahead.get(&key).copied().unwrap_or(0);
            let point = capture.points().get(place).cloned().unwrap_or_default();
            let name = match (&point.name, place) {
                (Some(interface), _) => format!("{file}:{interface}"),
                (None, 0) => file.to_owned(),
                (None, place) => format!("{file}:{place}"),
            };
            let number = joiner.point(&name, [SLL, SLL2].contains(&point.link_type), ahead);
            self.names.push(name);
            self.known.insert(key, (number, ahead));
            (number, ahead)
        };
        self.latest = Some((file.to_owned(), place, found.0, found.1));
        found
    }
}

/// The reports, while they grow.
struct Told {
    reports: Vec<Growing>,
    pairs: Option<Sink>,
    odd: bool,
    any: bool,
}

impl Told {
    fn open(arguments: &TraceArguments) -> Result<Self, String> {
        let mut told = Self {
            reports: reports::growing(&arguments.reports)?,
            pairs: arguments.pairs.as_deref().map(Sink::file).transpose()?,
            odd: arguments.odd,
            any: false,
        };
        for report in &mut told.reports {
            if let Growing::Json(sink) = report {
                sink.write(&trace_json(TracePart::Begin, true))?;
            }
        }
        Ok(told)
    }

    fn tell(&mut self, (traced, pairings): (Vec<Traced>, Vec<Pairing>), names: &[String]) -> Result<(), String> {
        for traced in traced.iter().filter(|traced| !self.odd || is_odd(traced)) {
            for report in &mut self.reports {
                match report {
                    Growing::Text(sink, style) => sink.write(&trace_connection(traced, *style))?,
                    Growing::Json(sink) => sink.write(&trace_json(TracePart::Connection(traced), !self.any))?,
                }
            }
            self.any = true;
        }
        let Some(sink) = &mut self.pairs else { return Ok(()) };
        for pairing in pairings {
            let seen = pairing.seen.iter().map(|seen| {
                let name = names.get(usize::from(seen.point)).map_or("", String::as_str);
                let part = seen.part.map(|(from, to)| format!("[{from}-{to}]")).unwrap_or_default();
                format!("\t{name}:{}{part}", seen.frame)
            });
            sink.write(&format!("{}{}\n", pairing.connection, seen.collect::<String>()))?;
        }
        Ok(())
    }

    fn end(self, summary: &TraceSummary) -> Result<(), String> {
        for report in self.reports {
            match report {
                Growing::Text(mut sink, _) => {
                    sink.write(&trace_summary(summary))?;
                    sink.close()?;
                }
                Growing::Json(mut sink) => {
                    sink.write(&trace_json(TracePart::End(summary), true))?;
                    sink.close()?;
                }
            }
        }
        if summary.points.len() < 2 {
            streams::say("lbdiag: one capture point alone joins nothing; name the files of several");
        }
        self.pairs.map_or(Ok(()), Sink::close)
    }
}

fn is_odd(traced: &Traced) -> bool {
    !traced.not_joined.is_empty() || traced.request.iter().chain(&traced.answer).any(|hop| hop.missing + hop.not_captured > 0)
}
