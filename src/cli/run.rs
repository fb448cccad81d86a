//! `lbdiag run`: one playbook, live or replayed, with its reports and its recording.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{Given, RunOptions as Arguments, Way};
use super::exit::Exit;
use super::files::{self, Written};
use super::progress::Shown;
use super::refusal::tell;
use super::reports::Wanted;
use super::watch::{Watch, Work, guarded};
use super::{kept, passphrase, print, refuse, reports, streams, vantages};
use crate::engine::{self, Asked, EndKind, Playbook, Prepared, RunEnd, RunOptions, Unprepared};
use crate::evidence::capture::pcapng::{MERGED, PcapDirectory};
use crate::evidence::error::ErrorKind;
use crate::evidence::interrupt::Reason;
use crate::evidence::site::Site;
use crate::evidence::{Evidence, EvidenceError, live};
use crate::model::outcome::Outcome;
use crate::model::text::{hanging, one_line};
use crate::outcomes;
use crate::report::{self, Detail};

/// Bound on one API request: a slow API server is still one that answers.
const API_LIMIT: Duration = Duration::from_secs(15);

/// Runs a playbook to its end, and says how it ended.
pub(super) fn run(playbook: &Path, arguments: &Arguments, watch: &Watch) -> Exit {
    run_after(playbook, arguments, watch, |_| {})
}

/// As `run`, with something to be done in the world before the playbook begins.
pub(super) fn run_after(playbook: &Path, arguments: &Arguments, watch: &Watch, before: impl FnOnce(&Evidence)) -> Exit {
    let baseline = match read_baseline(arguments) {
        Ok(baseline) => baseline,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let written = Written { record: arguments.record.as_deref(), pcap: arguments.pcap.as_deref() };
    let mut prepared = match prepare(playbook, &arguments.given, &arguments.reports, written, watch) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    if let Some(by) = &prepared.recorded_by {
        let name = one_line(&prepared.playbook.header.name);
        let by = one_line(by);
        streams::say(&format!(
            "lbdiag: this is a recording of {by}, and holds what {by} asked, not all that {name} asks: lbdiag run {by} --replay shows its answer"
        ));
    }
    prepared.trace_steps = arguments.trace_steps;
    let pcap = match packets_wanted(arguments, &prepared.playbook) {
        Ok(pcap) => pcap,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let shown = Shown::new(arguments.given.quiet);
    watch.doing(Work::Opening, "logging in to the cluster");
    let replayed = prepared.replayed.take();
    let evidence = match replayed.map_or_else(|| open(arguments, &prepared.site, &shown, pcap.clone(), watch), Ok) {
        Ok(evidence) => evidence,
        Err(error) => return unopened(&error, watch),
    };
    if reports::show_answers(&arguments.reports) {
        evidence.tape.show_answers();
    }
    watch.reaches(&evidence.hosts);
    watch.doing(Work::Running, "ending the run");
    before(&evidence);
    let progress = Arc::clone(&shown);
    let options = RunOptions { time_limit: arguments.given.timeout, progress: Arc::new(move |event| progress.tell(&event)) };
    let mut end = prepared.run(&evidence, &options);
    if let Some(baseline) = &baseline {
        outcomes::set_aside(baseline, &mut end.outcome);
    }
    shown.finish();
    close(arguments, &prepared, &World { evidence, pcap }, &end, watch)
}

/// The run whose findings count no more, read before anything is touched.
fn read_baseline(arguments: &Arguments) -> Result<Option<Outcome>, String> {
    let Some(file) = arguments.baseline.as_deref() else { return Ok(None) };
    files::check_kept(file, &arguments.reports)?;
    kept::outcome(file).map(Some)
}

/// The exit when the world cannot be opened, which an interrupt may be the reason of.
pub(super) fn unopened(error: &EvidenceError, watch: &Watch) -> Exit {
    let asked = error.kind == ErrorKind::Interrupted && watch.interrupt.reason() == Some(Reason::Signal);
    refuse(if asked { Exit::Interrupted } else { Exit::CouldNotWork }, &error.to_string())
}

/// What a run looked at.
struct World {
    evidence: Evidence,
    /// Where packets' bytes go, when they are wanted.
    pcap: Option<Arc<PcapDirectory>>,
}

/// The directory for packets, made before anything is touched.
fn packets_wanted(arguments: &Arguments, playbook: &Playbook) -> Result<Option<Arc<PcapDirectory>>, String> {
    let Some(path) = arguments.pcap.as_deref() else { return Ok(None) };
    if arguments.given.replay.is_some() || arguments.given.world.is_some() {
        return Err(
            "--pcap needs a live run: a recording keeps what a packet's headers say and never its bytes, so a replay has none to write"
                .to_owned(),
        );
    }
    let run = format!("{} {}", playbook.header.name, playbook.header.version);
    PcapDirectory::create(path, &run).map(Some).map_err(|error| error.to_string())
}

/// Opens the playbook and what it is given. Whatever cannot be is told, and gives the exit.
pub(super) fn prepare(playbook: &Path, given: &Given, reports: &[Wanted], written: Written<'_>, watch: &Watch) -> Result<Prepared, Exit> {
    let wrong = |error: String| refuse(Exit::Usage, &error);
    watch.doing(Work::Opening, "looking at the files that it reads and writes");
    files::check(playbook, given, reports, written).map_err(wrong)?;
    watch.doing(Work::Opening, format!("reading the playbook {}", playbook.display()));
    let playbook = engine::open(playbook).map_err(|refusal| tell(refusal, reports))?;
    let notices: Vec<_> = playbook.notices().cloned().collect();
    if !notices.is_empty() && !given.quiet {
        streams::say(&report::diagnostics(&notices, streams::error_style()));
    }
    reports::check(reports, written.record).map_err(wrong)?;
    let asked = asked(given, &playbook)?;
    let prepared = Prepared::new(playbook, &asked, &|what| watch.doing(Work::Opening, what)).map_err(|error| match error {
        Unprepared::Usage(error) => wrong(error),
        Unprepared::CouldNotWork(error) => refuse(Exit::CouldNotWork, &error),
    })?;
    files::check_site(&prepared.site, reports, written).map_err(wrong)?;
    let replayed = prepared.replayed.map(|evidence| Evidence { interrupt: watch.interrupt.clone(), ..evidence });
    Ok(Prepared { replayed, ..prepared })
}

fn asked(given: &Given, playbook: &Playbook) -> Result<Asked, Exit> {
    let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let set = vantages::named(given, &playbook.header).map_err(|error| refuse(Exit::Usage, &error))?;
    let live = given.replay.is_none() && given.world.is_none() && !given.everywhere;
    Ok(Asked {
        set,
        // As kubectl: what the context names, where nobody says otherwise.
        namespace: if live { live::namespace(given.kubeconfig.as_deref(), given.context.as_deref()) } else { None },
        params: given.params.clone(),
        variables: variables.collect(),
        site: given.site.clone(),
        static_only: given.static_only,
        via_pods: given.via == Way::Pod,
        replay: given.replay.clone(),
        world: given.world.clone(),
    })
}

fn open(
    arguments: &Arguments,
    site: &Site,
    shown: &Arc<Shown>,
    pcap: Option<Arc<PcapDirectory>>,
    watch: &Watch,
) -> Result<Evidence, EvidenceError> {
    let interrupt = watch.interrupt.clone();
    let options = live::LiveOptions {
        asker: passphrase::asker(interrupt.clone(), Arc::clone(shown)),
        keep_answers: arguments.record.is_some(),
        pcap,
        ..world(&arguments.given, site)
    };
    live::open_with(&options, interrupt)
}

/// Which world was asked for.
pub(super) fn world(given: &Given, site: &Site) -> live::LiveOptions {
    live::LiveOptions {
        kubeconfig: given.kubeconfig.clone(),
        context: given.context.clone(),
        site: site.clone(),
        via_pods: given.via == Way::Pod,
        api_limit: given.request_timeout.unwrap_or(API_LIMIT),
        impersonate: given.impersonate.clone(),
        ..live::LiveOptions::default()
    }
}

/// Writes the recording and the reports, also of a run that failed or was interrupted.
fn close(arguments: &Arguments, prepared: &Prepared, world: &World, end: &RunEnd, watch: &Watch) -> Exit {
    watch.doing(Work::Printing, "printing");
    if let Some(exit) = nothing_asked(&end.kind) {
        return exit;
    }
    match &end.kind {
        EndKind::Usage(_) | EndKind::Listed(_) | EndKind::Judged => {}
        EndKind::BrokenPlaybook(mistake) => streams::say(&report::diagnostic(mistake, streams::error_style())),
        EndKind::CouldNotWork(message) | EndKind::Unread(message) => streams::say(&format!("lbdiag: {}", hanging(message))),
        EndKind::Interrupted => streams::say("lbdiag: interrupted"),
        EndKind::Unjudged => {
            let why = end.outcome.ended.as_deref().unwrap_or("the playbook ended without a judgement");
            streams::say(&format!("lbdiag: {why}"));
        }
        EndKind::TimedOut => streams::say(&format!("lbdiag: the time limit of {:?} ran out (--timeout)", arguments.given.timeout)),
    }
    // The recording first: it loses nothing, and every report can be made of it again.
    watch.doing(Work::Recording, "writing the recording");
    let recorded = guarded("write the recording", || {
        let write = |path| engine::record(path, prepared, &world.evidence.tape, &end.outcome).map_err(|error| error.to_string());
        arguments.record.as_deref().map_or(Ok(()), write)
    });
    watch.doing(Work::Recording, "writing the packets");
    let packets =
        guarded("write the packets", || world.pcap.as_deref().map_or(Ok(()), |directory| finish_packets(arguments, directory, end)));
    let written = reports::write(&arguments.reports, &end.outcome, detail(arguments.verbose), watch);
    let exit = match &end.kind {
        EndKind::BrokenPlaybook(_) => Exit::Usage,
        EndKind::CouldNotWork(_) => Exit::CouldNotWork,
        EndKind::Interrupted => Exit::Interrupted,
        _ => Exit::of(end.outcome.verdict, arguments.warn_exit),
    };
    let failures: Vec<String> = [recorded.err(), packets.err(), written.err()].into_iter().flatten().collect();
    if failures.is_empty() { exit } else { refuse(Exit::CouldNotWork, &failures.join("; ")) }
}

/// How much is told, by how often `-v` was given.
pub(super) fn detail(verbose: u8) -> Detail {
    match verbose {
        0 => Detail::Answer,
        1 => Detail::Facts,
        _ => Detail::Questions,
    }
}

/// The exit of a run whose question was wrong or none, once that was told.
pub(super) fn nothing_asked(kind: &EndKind) -> Option<Exit> {
    match kind {
        EndKind::Usage(message) => Some(refuse(Exit::Usage, message)),
        EndKind::Listed(list) => Some(print(&format!("{}\n", list.trim_end()))),
        _ => None,
    }
}

fn finish_packets(arguments: &Arguments, directory: &PcapDirectory, end: &RunEnd) -> Result<(), String> {
    let written = directory.finish(&end.outcome.clocks).map_err(|error| error.to_string())?;
    if !arguments.given.quiet {
        streams::say(&format!("lbdiag: {} packets of {} capture points in {MERGED}", written.packets, written.points));
    }
    Ok(())
}
