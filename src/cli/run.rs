//! `lbdiag run`: one playbook, live or replayed, with its reports and its recording.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::arguments::{Given, RunOptions as Arguments, Way};
use super::exit::Exit;
use super::files::{self, Written};
use super::progress::Shown;
use super::reports::Wanted;
use super::watch::{Watch, Work, guarded};
use super::{given, passphrase, playbook, print, refuse, reports, streams};
use crate::engine::{self, EndKind, Inputs, Playbook, RunEnd, RunOptions};
use crate::evidence::capture::pcapng::{MERGED, PcapDirectory};
use crate::evidence::error::ErrorKind;
use crate::evidence::interrupt::Reason;
use crate::evidence::recording::manifest::Manifest;
use crate::evidence::recording::{file, manifest, recorded};
use crate::evidence::site::Site;
use crate::evidence::{Evidence, EvidenceError, live};
use crate::model::text::hanging;
use crate::report;

/// What `--static` leaves.
const STATIC: [&str; 1] = ["cluster.read"];

/// Bound on one API request: a slow API server is still one that answers.
const API_LIMIT: Duration = Duration::from_secs(15);

/// Runs a playbook to its end, and says how it ended.
pub(super) fn run(playbook: &Path, arguments: &Arguments, watch: &Watch) -> Exit {
    let written = Written { record: arguments.record.as_deref(), pcap: arguments.pcap.as_deref() };
    let prepared = match prepare(playbook, &arguments.given, &arguments.reports, written, watch) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let Prepared { playbook, replayed, params, site, .. } = prepared;
    let pcap = match packets_wanted(arguments, &playbook) {
        Ok(pcap) => pcap,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let shown = Shown::new(arguments.given.quiet);
    watch.doing(Work::Opening, "logging in to the cluster");
    let evidence = match replayed.map_or_else(|| open(arguments, &site, &shown, pcap.clone(), watch), Ok) {
        Ok(evidence) => evidence,
        Err(error) => return unopened(&error, watch),
    };
    let world = World { evidence, site, pcap };
    watch.reaches(&world.evidence.hosts);
    watch.doing(Work::Running, "ending the run");
    let progress = Arc::clone(&shown);
    let options = RunOptions { time_limit: arguments.given.timeout, progress: Arc::new(move |event| progress.tell(&event)) };
    let end = engine::run(&playbook, params, &world.evidence, &world.site, &options);
    shown.finish();
    close(arguments, &playbook, &world, &end, watch)
}

/// The exit when the world cannot be opened, which an interrupt may be the reason of.
pub(super) fn unopened(error: &EvidenceError, watch: &Watch) -> Exit {
    let asked = error.kind == ErrorKind::Interrupted && watch.interrupt.reason() == Some(Reason::Signal);
    refuse(if asked { Exit::Interrupted } else { Exit::CouldNotWork }, &error.to_string())
}

/// What a run looks at, and with which site.
struct World {
    evidence: Evidence,
    site: Site,
    /// Where packets' bytes go, when they are wanted.
    pcap: Option<Arc<PcapDirectory>>,
}

/// The directory for packets, made before anything is touched.
fn packets_wanted(arguments: &Arguments, playbook: &Playbook) -> Result<Option<Arc<PcapDirectory>>, String> {
    let Some(path) = arguments.pcap.as_deref() else { return Ok(None) };
    if arguments.given.replay.is_some() {
        return Err(
            "--pcap needs a live run: a recording keeps what a packet's headers say and never its bytes, so a replay has none to write"
                .to_owned(),
        );
    }
    let run = format!("{} {}", playbook.header.name, playbook.header.version);
    PcapDirectory::create(path, &run).map(Some).map_err(|error| error.to_string())
}

/// A playbook with everything that it runs with, before anything is touched.
pub(super) struct Prepared {
    pub(super) playbook: Playbook,
    /// The recording that is replayed in place of the world.
    pub(super) replayed: Option<Evidence>,
    pub(super) params: BTreeMap<String, Value>,
    /// Where each value comes from.
    pub(super) sources: BTreeMap<String, String>,
    pub(super) site: Site,
}

/// Opens the playbook and what it is given. Whatever cannot be is told, and gives the exit.
pub(super) fn prepare(playbook: &Path, given: &Given, reports: &[Wanted], written: Written<'_>, watch: &Watch) -> Result<Prepared, Exit> {
    watch.doing(Work::Opening, "looking at the files that it reads and writes");
    files::check(playbook, given, reports, written).map_err(|error| refuse(Exit::Usage, &error))?;
    watch.doing(Work::Opening, format!("reading the playbook {}", playbook.display()));
    let playbook = playbook::open(playbook).map_err(|refusal| refusal.tell_in(reports))?;
    if !playbook.warnings.is_empty() && !given.quiet {
        streams::say(&report::diagnostics(&playbook.warnings, streams::error_style()));
    }
    reports::check(reports, written.record).map_err(|error| refuse(Exit::Usage, &error))?;
    let replayed = given.replay.as_deref().map(|file| replay(file, watch)).transpose()?;
    let (replayed, manifest) = replayed.unzip();
    let (inputs, site) = settle(given, manifest.as_ref(), watch).map_err(|error| refuse(Exit::Usage, &error))?;
    let params = engine::resolve(&playbook.header, &inputs).map_err(|error| refuse(Exit::Usage, &error))?;
    files::check_site(&site, reports, written).map_err(|error| refuse(Exit::Usage, &error))?;
    check_way(given, &site).map_err(|error| refuse(Exit::Usage, &error))?;
    let sources = engine::sources(&playbook.header, &inputs);
    Ok(Prepared { playbook, replayed, params, sources, site })
}

/// Opens a recording as the world, under the command's own interrupt.
fn replay(file: &Path, watch: &Watch) -> Result<(Evidence, Manifest), Exit> {
    watch.doing(Work::Opening, format!("reading the recording {}", file.display()));
    let (evidence, manifest) = recorded::open(file).map_err(|error| refuse(Exit::CouldNotWork, &error.to_string()))?;
    Ok((Evidence { interrupt: watch.interrupt.clone(), ..evidence }, manifest))
}

/// Where the parameters' values may come from, and the site: the file's, or in a replay the recording's own, since what was asked depended on it.
fn settle(given: &Given, replayed: Option<&Manifest>, watch: &Watch) -> Result<(Inputs, Site), String> {
    let mut site = match (replayed, &given.site) {
        (Some(manifest), _) => manifest.site.site(),
        (None, Some(file)) => {
            watch.doing(Work::Opening, format!("reading the site file {}", file.display()));
            Site::read(file).map_err(|error| error.to_string())?
        }
        (None, None) => Site::default(),
    };
    if given.static_only {
        // As if the site allowed nothing else: what a site forbids is forbidden to every playbook.
        let allowed = site.uses.take();
        site.uses =
            Some(STATIC.into_iter().map(str::to_owned).filter(|one| allowed.as_ref().is_none_or(|uses| uses.contains(one))).collect());
    }
    if let Some(file) = &given.params {
        watch.doing(Work::Opening, format!("reading the parameters {}", file.display()));
    }
    let recorded = replayed.map(|manifest| &manifest.params);
    let inputs = given::gather(&given.set, given.params.as_deref(), &site.defaults, recorded)?;
    Ok((inputs, site))
}

/// Whether the way to the nodes that was asked for is one that the site knows.
fn check_way(given: &Given, site: &Site) -> Result<(), String> {
    if given.via == Way::Pod && site.via.pod.is_none() && given.replay.is_none() {
        return Err("--via pod needs via.pod in the site file: the namespace and labels of privileged pods, one on each node".to_owned());
    }
    Ok(())
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
        api_limit: API_LIMIT,
        ..live::LiveOptions::default()
    }
}

/// Writes the recording and the reports, also of a run that failed or was interrupted.
fn close(arguments: &Arguments, playbook: &Playbook, world: &World, end: &RunEnd, watch: &Watch) -> Exit {
    watch.doing(Work::Printing, "printing");
    if let Some(exit) = nothing_asked(&end.kind) {
        return exit;
    }
    match &end.kind {
        EndKind::Usage(_) | EndKind::Listed(_) | EndKind::Judged => {}
        EndKind::BrokenPlaybook(mistake) => streams::say(&report::diagnostic(mistake, streams::error_style())),
        EndKind::CouldNotWork(message) | EndKind::Unread(message) => streams::say(&format!("lbdiag: {}", hanging(message))),
        EndKind::Interrupted => streams::say("lbdiag: interrupted"),
        EndKind::Unjudged => streams::say("lbdiag: the playbook ended without a judgement (it never came to `judge`)"),
        EndKind::TimedOut => streams::say(&format!("lbdiag: the time limit of {:?} ran out (--timeout)", arguments.given.timeout)),
    }
    // The recording first: it loses nothing, and every report can be made of it again.
    watch.doing(Work::Recording, "writing the recording");
    let recorded = guarded("write the recording", || arguments.record.as_deref().map_or(Ok(()), |path| record(path, playbook, world, end)));
    watch.doing(Work::Recording, "writing the packets");
    let packets =
        guarded("write the packets", || world.pcap.as_deref().map_or(Ok(()), |directory| finish_packets(arguments, directory, end)));
    let written = reports::write(&arguments.reports, &end.outcome, watch);
    let exit = match &end.kind {
        EndKind::BrokenPlaybook(_) => Exit::Usage,
        EndKind::CouldNotWork(_) => Exit::CouldNotWork,
        EndKind::Interrupted => Exit::Interrupted,
        _ => Exit::of(end.outcome.verdict, arguments.warn_exit),
    };
    let failures: Vec<String> = [recorded.err(), packets.err(), written.err()].into_iter().flatten().collect();
    if failures.is_empty() { exit } else { refuse(Exit::CouldNotWork, &failures.join("; ")) }
}

/// The exit of a run whose question was wrong or none, once that was told.
pub(super) fn nothing_asked(kind: &EndKind) -> Option<Exit> {
    match kind {
        EndKind::Usage(message) => Some(refuse(Exit::Usage, message)),
        // What was asked for cannot be told from nothing, but the list is what a person wants to read and to pipe.
        EndKind::Listed(list) => Some(match print(&format!("{}\n", list.trim_end())) {
            Exit::Good => Exit::Usage,
            failed => failed,
        }),
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

fn record(path: &Path, playbook: &Playbook, world: &World, end: &RunEnd) -> Result<(), String> {
    let made_by = manifest::Playbook {
        name: playbook.header.name.clone(),
        version: playbook.header.version.clone(),
        sha256: sha256(&playbook.source),
    };
    let outcome = &end.outcome;
    let manifest = Manifest::new(made_by, outcome.started.clone(), outcome.took_ms, outcome.params.clone(), &world.site);
    file::write(path, &manifest, &world.evidence.tape).map_err(|error| error.to_string())
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string has no way to fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_is_known_by_the_hash_of_its_text() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
