//! What MetalLB's speakers say of themselves: their logs and, where those leave something open, their metrics. Read side by side.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use rhai::NativeCallContext;

use super::speaker_logs::Logs;
use crate::analysis::configuration_log::ConfigurationFold;
use crate::analysis::history::{LATELY, Starts};
use crate::analysis::speaker_log::{Fold, Worth};
use crate::analysis::speaker_metrics::MetricsFold;
use crate::analysis::timestamps::second;
use crate::analysis::{election, history, speaker};
use crate::evidence::cluster::{Keep, LogQuery, MetricsQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::side_by_side;
use crate::model::announcement::{History, SpeakerLog, SpeakerMetrics};
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::kubernetes::{Container, Pod};
use crate::model::metallb::{ConfigurationWord, Metallb, Reader};
use crate::model::service::Service;
use crate::model::subject::Subject;
use crate::words::session::{Answer, Run};

/// Every speaker's log but those of the spared nodes, folded for the Services' addresses. A log is read once a run: a second Service finds
/// what the first one's reading kept, and a second look reads those that the first one spared.
///
/// # Errors
/// When the run ends.
pub fn logs(
    run: &Run,
    context: &NativeCallContext,
    services: &[&Service],
    metallb: &Metallb,
    spared: &BTreeSet<String>,
) -> Answer<Arc<Logs>> {
    let of = |service: &&Service| service.addresses.iter().map(|address| (*address, service.path())).collect::<Vec<_>>();
    let held: Vec<(IpAddr, String)> = services.iter().flat_map(of).collect();
    if held.is_empty() {
        return Ok(Arc::default());
    }
    let known = run.state().logs.clone().filter(|known| held.iter().all(|one| known.held.contains(one)));
    let wanted: Vec<&Pod> = live(metallb)
        .into_iter()
        .filter(|pod| pod.node.as_ref().is_some_and(|node| !spared.contains(node)))
        .filter(|pod| known.as_ref().is_none_or(|known| !known.has(pod)))
        .collect();
    if let Some(known) = known.as_ref().filter(|_| wanted.is_empty()) {
        return Ok(Arc::clone(known));
    }
    let mut logs = known.map_or_else(|| Logs { held, ..Logs::default() }, |known| (*known).clone());
    let answers = side_by_side(&wanted, |pod| read(run, pod, &logs.held, false));
    let mut folded = logs.folded.to_vec();
    for Read { node, log, configuration, end } in answers {
        match end {
            Ok(()) => {
                logs.configuration.extend(configuration);
                folded.push(log);
            }
            Err(error) => {
                unread(run, context, &node, &error)?;
                logs.unread.push(node);
                logs.cut.extend((log.lines > 0).then(|| past(log)));
            }
        }
    }
    // In the order of the pods, whichever were read first.
    folded.sort_by_key(|log| metallb.speakers.iter().position(|pod| pod.name == log.pod));
    logs.folded = folded.into();
    let logs = Arc::new(logs);
    let mut state = run.state();
    let same = state.logs.as_ref().is_some_and(|known| known.held == logs.held);
    state.logs = Some(Arc::clone(&logs));
    if !same {
        // What was read of earlier logs was folded for other addresses.
        state.earlier_logs = None;
    }
    drop(state);
    Ok(logs)
}

/// A log that was cut: what it said before stays said, and what it would have said last of all is not known.
fn past(mut log: SpeakerLog) -> SpeakerLog {
    for words in &mut log.addresses {
        words.protocols.clear();
    }
    log
}

/// The history of an address: the logs, and for speakers whose container restarted a short while ago the logs before that.
///
/// # Errors
/// When the run ends.
pub fn history(run: &Run, context: &NativeCallContext, address: IpAddr, metallb: &Metallb, logs: &Logs) -> Answer<History> {
    let now = run.evidence.clock.started();
    // A restart that is longer ago no longer matters to how often an announcement moved lately.
    let recent = |container: &&Container| {
        container.restarts > 0
            && second(&now).zip(container.started_at.as_deref().and_then(second)).is_some_and(|(now, started)| now - started < LATELY)
    };
    // Whose log does not come will not show the one before it either, and asking costs as long again.
    let unread = |pod: &Pod| pod.node.as_ref().is_some_and(|node| logs.unread.contains(node));
    let restarted: Vec<&Pod> = live(metallb).into_iter().filter(|pod| speaker::container(pod).iter().any(recent) && !unread(pod)).collect();
    let earlier = earlier(run, context, &restarted, &logs.held)?;
    let all: Vec<&SpeakerLog> = logs.folded.iter().chain(&logs.cut).chain(earlier.iter()).collect();
    let starts: Vec<Starts> = metallb
        .speakers
        .iter()
        .filter_map(|pod| Some((pod, speaker::container(pod)?)))
        .map(|(pod, container)| Starts { pod: pod.name.clone(), newest: container.started_at.clone(), restarts: container.restarts })
        .collect();
    Ok(history::history(address, &all, &starts, &now))
}

/// The logs from before the last restart. That they are gone is no gap: nothing but the history would tell.
fn earlier(run: &Run, context: &NativeCallContext, pods: &[&Pod], held: &[(IpAddr, String)]) -> Answer<Arc<Vec<SpeakerLog>>> {
    if let Some(known) = run.state().earlier_logs.clone() {
        return Ok(known);
    }
    let answers = side_by_side(pods, |pod| read(run, pod, held, true));
    let mut all = Vec::new();
    for Read { log, end, .. } in answers {
        match end {
            Ok(()) => all.push(log),
            Err(error) if matches!(error.kind, ErrorKind::Interrupted | ErrorKind::ApiUnreachable) => {
                run.failed_look(context, &error, Subject::speaker(&log.node), "")?;
            }
            Err(_) => all.extend((log.lines > 0).then(|| past(log))),
        }
    }
    let all = Arc::new(all);
    run.state().earlier_logs = Some(Arc::clone(&all));
    Ok(all)
}

/// One log that was read.
struct Read {
    node: String,
    log: SpeakerLog,
    configuration: Option<ConfigurationWord>,
    /// Whether it could be read to its end.
    end: Result<(), EvidenceError>,
}

fn read(run: &Run, pod: &Pod, held: &[(IpAddr, String)], previous: bool) -> Read {
    let node = pod.node.clone().unwrap_or_default();
    let container = speaker::container(pod).map(|container| container.name.clone()).unwrap_or_default();
    let query = LogQuery { namespace: pod.namespace.clone(), pod: pod.name.clone(), container, previous };
    let addresses: BTreeSet<IpAddr> = held.iter().map(|(address, _)| *address).collect();
    let addresses: Vec<IpAddr> = addresses.into_iter().collect();
    let mut fold = held.iter().fold(Fold::new(&pod.name, &node, &addresses), |fold, (address, service)| fold.held_by(*address, service));
    let mut configuration = ConfigurationFold::new(Reader::Speaker(node.clone()), &pod.name);
    let end = run.evidence.cluster.read_log(&query, &mut |line| {
        let told = configuration.line(line);
        match fold.line(line) {
            Worth::Something => Keep::Yes,
            _ if told => Keep::Yes,
            Worth::Context => Keep::Context,
            Worth::Strange => Keep::Instead(Fold::not_understood(line)),
            Worth::Nothing => Keep::No,
        }
    });
    let log = fold.finish();
    let end = end.and_then(|()| understood(&log, &query));
    Read { node, log, configuration: configuration.finish(), end }
}

/// What no line explains is no speaker's log, whoever gave it.
fn understood(log: &SpeakerLog, query: &LogQuery) -> Result<(), EvidenceError> {
    if log.lines == 0 || log.unknown_lines < log.lines {
        return Ok(());
    }
    let operation = format!("read log {}/{}/{}", query.namespace, query.pod, query.container);
    let sample = log.unknown_samples.first().map(String::as_str).unwrap_or_default();
    Err(EvidenceError::new(ErrorKind::Garbled, operation, format!("not one of its {} lines is a speaker's, such as: {sample}", log.lines)))
}

/// The metrics of every speaker that shows them. Metrics that want a login, or that nobody may ask for, are a gap and nothing worse.
///
/// # Errors
/// When the run ends.
pub fn metrics(run: &Run, context: &NativeCallContext, metallb: &Metallb) -> Answer<Arc<[SpeakerMetrics]>> {
    if let Some(known) = run.state().metrics.clone() {
        return Ok(known);
    }
    let answers = side_by_side(&live(metallb), |pod| {
        let mut fold = MetricsFold::new(&pod.name, pod.node.as_deref().unwrap_or_default());
        let read = ports(pod, metallb).into_iter().try_for_each(|(port, tls)| {
            let query = MetricsQuery { namespace: pod.namespace.clone(), pod: pod.name.clone(), port, tls };
            run.evidence.cluster.read_metrics(&query, &mut |line| if fold.line(line) { Keep::Yes } else { Keep::No })
        });
        let read = read.and_then(|()| if fold.is_a_speakers() { Ok(()) } else { Err(no_metrics(pod)) });
        (fold.finish(), read)
    });
    let mut all = Vec::new();
    let mut refused: Vec<(String, EvidenceError)> = Vec::new();
    for (metrics, read) in answers {
        match read {
            Ok(()) => all.push(metrics),
            Err(error) => refused.push((metrics.node, error)),
        }
    }
    if let Some((_, error)) = refused.first() {
        if error.kind == ErrorKind::Interrupted {
            run.failed_look(context, error, Subject::Api("metrics".to_owned()), "")?;
        }
        let nodes: Vec<&str> = refused.iter().map(|(node, _)| node.as_str()).collect();
        let name = if error.kind == ErrorKind::NotRecorded { error.gap_name() } else { names::EVIDENCE_METRICS_UNREADABLE };
        let undecided = "what the speakers' metrics would say of announcements and sessions";
        let gap = error.gap_named(name, speakers(metallb, &nodes), undecided);
        run.gap(Gap { reason: format!("on {}: {}", nodes.join(", "), gap.reason), ..gap });
    }
    let all: Arc<[SpeakerMetrics]> = all.into();
    run.state().metrics = Some(Arc::clone(&all));
    Ok(all)
}

/// What shows no series of a speaker's is not its metrics, whoever gave it.
fn no_metrics(pod: &Pod) -> EvidenceError {
    let operation = format!("read metrics of {}/{}", pod.namespace, pod.name);
    EvidenceError::new(ErrorKind::Garbled, operation, "the answer has none of the series that every speaker shows")
}

/// One speaker, or the workload of several.
fn speakers(metallb: &Metallb, nodes: &[&str]) -> Subject {
    match (nodes, metallb.speakers.first()) {
        ([_, _, ..], Some(pod)) => Subject::workload(&pod.namespace, &pod.workload()),
        _ => Subject::speaker(nodes.first().copied().unwrap_or_default()),
    }
}

/// Speakers that can be asked.
fn live(metallb: &Metallb) -> Vec<&Pod> {
    metallb.speakers.iter().filter(|pod| pod.phase == "Running" && !pod.terminating && pod.node.is_some()).collect()
}

fn unread(run: &Run, context: &NativeCallContext, node: &str, error: &EvidenceError) -> Answer<()> {
    if matches!(error.kind, ErrorKind::Interrupted | ErrorKind::ApiUnreachable) {
        return run.failed_look(context, error, Subject::speaker(node), "");
    }
    let undecided = format!("whether {node} announces, as far as only its log could tell");
    run.gap(error.gap_named(names::EVIDENCE_LOG_UNREADABLE, Subject::speaker(node), undecided));
    Ok(())
}

/// The ports at which a speaker shows metrics, and whether by HTTPS. FRR mode has a second one for its sessions.
fn ports(pod: &Pod, metallb: &Metallb) -> Vec<(u16, bool)> {
    // From 0.16 metrics are HTTPS alone.
    let tls = election::known(metallb).is_some_and(|version| version >= (0, 16, 0));
    let told = |container: &Container, name: &str| {
        container.args.iter().find_map(|arg| arg.trim_start_matches('-').strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let own = speaker::container(pod).and_then(|container| told(container, "port")).unwrap_or(if tls { 9120 } else { 7472 });
    let frr = pod.containers.iter().find(|container| container.name == "frr-metrics");
    let mut ports = vec![(own, tls)];
    ports.extend(frr.map(|container| (told(container, "metrics-port").unwrap_or(if tls { 9121 } else { 7473 }), tls)));
    ports
}
