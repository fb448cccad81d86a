//! What MetalLB's speakers say of themselves: their logs and, where those leave something open, their metrics. Read side by side.

use std::net::IpAddr;
use std::sync::Arc;

use rhai::NativeCallContext;

use super::run::{Answer, Run};
use crate::analysis::election;
use crate::analysis::speaker_log::Fold;
use crate::analysis::speaker_metrics::MetricsFold;
use crate::evidence::cluster::{Keep, LogQuery, MetricsQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::side_by_side;
use crate::model::announcement::{SpeakerLog, SpeakerMetrics};
use crate::model::finding::Gap;
use crate::model::kubernetes::{Container, Pod};
use crate::model::metallb::Metallb;

/// The logs of all speakers, folded for some addresses, and the nodes whose log could not be read.
#[derive(Clone, Default)]
pub struct Logs {
    pub addresses: Vec<IpAddr>,
    pub folded: Vec<SpeakerLog>,
    pub unread: Vec<String>,
}

/// Every speaker's log, folded for the addresses. A log is read once a run: a second Service finds what the first one's reading kept.
///
/// # Errors
/// When the run ends.
pub fn logs(run: &Run, context: &NativeCallContext, addresses: &[IpAddr], metallb: &Metallb) -> Answer<Arc<Logs>> {
    if addresses.is_empty() {
        return Ok(Arc::default());
    }
    let known = run.state().logs.clone();
    if let Some(known) = known.filter(|known| addresses.iter().all(|address| known.addresses.contains(address))) {
        return Ok(known);
    }
    let answers = side_by_side(&live(metallb), |pod| {
        let node = pod.node.clone().unwrap_or_default();
        let container = speaker_container(pod).map(|container| container.name.clone()).unwrap_or_default();
        let query = LogQuery { namespace: pod.namespace.clone(), pod: pod.name.clone(), container, previous: false };
        let mut fold = Fold::new(&pod.name, &node, addresses);
        let read = run.evidence.cluster.read_log(&query, &mut |line| if fold.line(line) { Keep::Yes } else { Keep::No });
        (node, fold.finish(), read)
    });
    let mut logs = Logs { addresses: addresses.to_vec(), ..Logs::default() };
    for (node, log, read) in answers {
        match read {
            Ok(()) => logs.folded.push(log),
            Err(error) => {
                unread(run, context, &node, &log.pod, &error)?;
                logs.unread.push(node);
            }
        }
    }
    let logs = Arc::new(logs);
    run.state().logs = Some(Arc::clone(&logs));
    Ok(logs)
}

/// The metrics of every speaker that shows them. Metrics that want a login, or that nobody may ask for, are a gap and nothing worse.
///
/// # Errors
/// When the run ends.
pub fn metrics(run: &Run, context: &NativeCallContext, metallb: &Metallb) -> Answer<Arc<Vec<SpeakerMetrics>>> {
    if let Some(known) = run.state().metrics.clone() {
        return Ok(known);
    }
    let answers = side_by_side(&live(metallb), |pod| {
        let mut fold = MetricsFold::new(&pod.name, pod.node.as_deref().unwrap_or_default());
        let read = ports(pod, metallb).into_iter().try_for_each(|(port, tls)| {
            let query = MetricsQuery { namespace: pod.namespace.clone(), pod: pod.name.clone(), port, tls };
            run.evidence.cluster.read_metrics(&query, &mut |line| if fold.line(line) { Keep::Yes } else { Keep::No })
        });
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
            run.failed_look(context, error, "metrics", "")?;
        }
        let nodes: Vec<&str> = refused.iter().map(|(node, _)| node.as_str()).collect();
        let name = if error.kind == ErrorKind::NotRecorded { error.gap_name() } else { "evidence/metrics-unreadable" };
        run.gap(Gap::new(
            name,
            format!("speakers on {}", nodes.join(", ")),
            error.to_string(),
            "what the speakers' metrics would say of announcements and sessions",
        ));
    }
    let all = Arc::new(all);
    run.state().metrics = Some(Arc::clone(&all));
    Ok(all)
}

/// Speakers that can be asked.
fn live(metallb: &Metallb) -> Vec<&Pod> {
    metallb.speakers.iter().filter(|pod| pod.phase == "Running" && !pod.terminating && pod.node.is_some()).collect()
}

fn unread(run: &Run, context: &NativeCallContext, node: &str, pod: &str, error: &EvidenceError) -> Answer<()> {
    if matches!(error.kind, ErrorKind::Interrupted | ErrorKind::ApiUnreachable) {
        return run.failed_look(context, error, pod, "");
    }
    run.gap(Gap::new(
        "evidence/log-unreadable",
        format!("pod {pod} on {node}"),
        error.to_string(),
        format!("whether {node} announces, as far as only its log could tell"),
    ));
    Ok(())
}

/// The container that is the speaker itself: in FRR mode the pod's first one is not.
fn speaker_container(pod: &Pod) -> Option<&Container> {
    let named = pod.containers.iter().find(|container| container.env.contains_key("METALLB_NODE_NAME"));
    named
        .or_else(|| pod.containers.iter().find(|container| container.name == "speaker" || container.name == "metallb-speaker"))
        .or_else(|| pod.containers.iter().find(|container| container.image.contains("speaker")))
        .or_else(|| pod.containers.first())
}

/// The ports at which a speaker shows metrics, and whether by HTTPS. FRR mode has a second one for its sessions.
fn ports(pod: &Pod, metallb: &Metallb) -> Vec<(u16, bool)> {
    // From 0.16 metrics are HTTPS alone.
    let tls = election::known(metallb).is_some_and(|version| version >= (0, 16, 0));
    let told = |container: &Container, name: &str| {
        container.args.iter().find_map(|arg| arg.trim_start_matches('-').strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let own = speaker_container(pod).and_then(|container| told(container, "port")).unwrap_or(if tls { 9120 } else { 7472 });
    let frr = pod.containers.iter().find(|container| container.name == "frr-metrics");
    let mut ports = vec![(own, tls)];
    ports.extend(frr.map(|container| (told(container, "metrics-port").unwrap_or(if tls { 9121 } else { 7473 }), tls)));
    ports
}
