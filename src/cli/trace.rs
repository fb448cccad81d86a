//! `lbdiag trace`: follows connections through capture files. Reads them side by side in the order of time, and tells of each
//! connection as soon as it is done with, so that it takes the same memory however large they are.

mod in_order;
mod source;

use std::path::PathBuf;

use super::arguments::TraceArguments;
use super::exit::Exit;
use super::reports::{self, Growing, Sink};
use super::watch::{Watch, Work};
use super::{refuse, streams};
use crate::analysis::trace::{Bounds, Joiner};
use crate::evidence::output;
use crate::evidence::output::apart::{Named, apart};
use crate::model::trace::{Pairing, TraceSummary, Traced};
use source::{Source, compare_clocks};

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
    while let Some(source) = sources.iter_mut().filter(|source| source.due().is_some()).min_by_key(|source| source.due()) {
        if let Some((point, glance)) = source.take() {
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
    !traced.not_joined.is_empty()
        || traced.resets_between > 0
        || traced.request.iter().chain(&traced.answer).any(|hop| hop.missing + hop.not_captured > 0)
}
