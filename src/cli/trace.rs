//! `lbdiag trace`: follows connections through capture files. Reads them side by side in the order of time, and tells of each
//! connection as soon as it is done with, so that it takes the same memory however large they are.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use super::arguments::TraceArguments;
use super::exit::Exit;
use super::reports::{self, Growing, Sink};
use super::watch::{Watch, Work};
use super::{refuse, streams};
use crate::analysis::trace::{Bounds, Joiner, clocks};
use crate::evidence::capture::decode::{SLL, SLL2};
use crate::evidence::capture::file::{AheadFile, FilePoint, Glance};
use crate::evidence::error::EvidenceError;
use crate::evidence::interrupt::Interrupt;
use crate::evidence::output;
use crate::evidence::output::apart::{Named, apart};
use crate::model::headers::Headers;
use crate::model::text::one_line;
use crate::model::trace::{Pairing, TraceSummary, Traced};

/// Packets of each file that clocks are compared by.
const EARLY: usize = 4096;
/// Packets between two looks at what is done with.
const BETWEEN: usize = 1024;

/// Follows connections through the files and prints them.
pub(super) fn trace(arguments: &TraceArguments, watch: &Watch) -> Exit {
    if let Err(error) = check(arguments) {
        return refuse(Exit::Usage, &error);
    }
    let mut sources = Vec::new();
    for file in &arguments.files {
        watch.doing(Work::Opening, format!("opening {}", file.display()));
        match Source::open(file, &watch.interrupt) {
            Ok(source) => sources.push(source),
            Err(error) => return refuse(Exit::CouldNotWork, &error.to_string()),
        }
    }
    watch.doing(Work::Opening, "opening the reports");
    let told = Told::open(arguments).and_then(|told| {
        watch.doing(Work::Following, "following the connections");
        follow(sources, told)
    });
    match told {
        Ok(()) if watch.interrupt.reason().is_some() => refuse(Exit::Interrupted, "interrupted; what was read until then is told"),
        Ok(()) => Exit::Good,
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

/// Whether everything can be written, and nothing over what is read.
fn check(arguments: &TraceArguments) -> Result<(), String> {
    let input = |file: &PathBuf| match file.to_str() {
        Some("-") => Named { option: "standard input".to_owned(), path: PathBuf::from("/dev/stdin") },
        _ => Named { option: format!("the capture file {}", file.display()), path: file.clone() },
    };
    let inputs: Vec<Named> = arguments.files.iter().map(input).collect();
    let mut outputs = reports::outputs(&arguments.reports);
    outputs.extend(arguments.pairs.as_deref().map(|pairs| Named::new("--pairs", pairs)));
    apart(&inputs, &outputs, None)?;
    reports::check(&arguments.reports, None)?;
    arguments
        .pairs
        .as_deref()
        .map_or(Ok(()), |pairs| output::check(pairs).map_err(|error| format!("--pairs {} cannot be written: {error}", pairs.display())))
}

fn follow(mut sources: Vec<Source>, mut told: Told) -> Result<(), String> {
    let mut joiner = Joiner::new(Bounds::default(), told.pairs.is_some());
    let mut names = Vec::new();
    compare_clocks(&mut sources);
    for source in &mut sources {
        source.advance(&mut joiner, &mut names);
    }
    let mut taken = 0;
    while let Some(source) = sources.iter_mut().filter(|source| source.next.is_some()).min_by_key(|source| source.due) {
        if let Some((point, glance)) = source.next.take() {
            match &glance.headers {
                Ok(headers) => joiner.take(point, glance.number, headers),
                Err(hidden) => joiner.pass(point, *hidden),
            }
        }
        source.advance(&mut joiner, &mut names);
        taken += 1;
        if taken % BETWEEN == 0 {
            told.tell(joiner.done(), &names)?;
        }
    }
    let summary = joiner.finish();
    told.tell(joiner.done(), &names)?;
    told.end(&summary)
}

/// A file under way.
struct Source {
    name: String,
    file: AheadFile,
    /// What was read ahead, to compare clocks by.
    early: VecDeque<Glance>,
    /// The joiner's numbers of its points, and how far the clock of each is ahead.
    points: Vec<Option<(u16, i64)>>,
    ahead: BTreeMap<usize, i64>,
    next: Option<(u16, Glance)>,
    /// When the next packet is due, on the clock of the first point.
    due: i64,
}

impl Source {
    fn open(path: &Path, interrupt: &Interrupt) -> Result<Self, EvidenceError> {
        let file = AheadFile::open(path, interrupt.clone())?;
        let name = one_line(&path.display().to_string());
        Ok(Self { name, file, early: VecDeque::new(), points: Vec::new(), ahead: BTreeMap::new(), next: None, due: 0 })
    }

    /// Reads the first packets.
    fn read_early(&mut self) {
        while self.early.len() < EARLY
            && let Some(glance) = self.file.advance()
        {
            self.early.push_back(glance);
        }
    }

    /// Goes on to the next packet; at the end tells the joiner that nothing more comes.
    fn advance(&mut self, joiner: &mut Joiner, names: &mut Vec<String>) {
        let Some(glance) = self.early.pop_front().or_else(|| self.file.advance()) else {
            let broken = self.file.broken().map(ToString::to_string);
            for (known, point) in self.points.iter().zip(self.file.points()) {
                if let Some((number, _)) = known {
                    joiner.end(*number, incomplete(broken.as_ref(), point));
                }
            }
            self.next = None;
            return;
        };
        let (point, ahead) = match self.points.get(glance.point) {
            Some(Some(known)) => *known,
            _ => self.meet(glance.point, joiner, names),
        };
        self.due = glance.at.saturating_sub(ahead);
        self.next = Some((point, glance));
    }

    /// Makes a point known to the joiner, with its first packet.
    fn meet(&mut self, place: usize, joiner: &mut Joiner, names: &mut Vec<String>) -> (u16, i64) {
        let ahead = self.ahead.get(&place).copied().unwrap_or(0);
        let point = self.file.points().get(place).cloned().unwrap_or_default();
        let name = match (&point.name, place) {
            (Some(interface), _) => format!("{}:{interface}", self.name),
            (None, 0) => self.name.clone(),
            (None, place) => format!("{}:{place}", self.name),
        };
        let number = joiner.point(&name, [SLL, SLL2].contains(&point.link_type), ahead);
        names.push(name);
        if self.points.len() <= place {
            self.points.resize(place + 1, None);
        }
        if let Some(known) = self.points.get_mut(place) {
            *known = Some((number, ahead));
        }
        (number, ahead)
    }
}

/// Compares the clocks of all points by their first packets.
fn compare_clocks(sources: &mut [Source]) {
    let mut early: BTreeMap<(usize, usize), Vec<Headers>> = BTreeMap::new();
    for (number, source) in sources.iter_mut().enumerate() {
        source.read_early();
        for glance in &source.early {
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

fn incomplete(broken: Option<&String>, point: &FilePoint) -> Option<String> {
    let dropped =
        point.dropped.filter(|dropped| *dropped > 0).map(|dropped| format!("the capture lost {dropped} packets by its own count"));
    let reasons: Vec<String> = broken.cloned().into_iter().chain(dropped).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
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
            report.sink.write(&(report.format.begin)())?;
        }
        Ok(told)
    }

    fn tell(&mut self, (traced, pairings): (Vec<Traced>, Vec<Pairing>), names: &[String]) -> Result<(), String> {
        for traced in traced.iter().filter(|traced| !self.odd || is_odd(traced)) {
            for report in &mut self.reports {
                report.sink.write(&(report.format.connection)(traced, !self.any, report.style))?;
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
        for mut report in self.reports {
            report.sink.write(&(report.format.end)(summary))?;
            report.sink.close()?;
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
