//! The live world: the one place that makes connections. Everything async stays below here.

mod children;
pub mod options;
mod signals;

use std::sync::Arc;

pub use super::cluster::live::namespace;
pub use children::end_children;
pub use options::LiveOptions;
pub use signals::{limit, watch_signals};
use tokio::runtime::{Builder, Handle, Runtime};

use super::capture::live::LiveCaptures;
use super::clock::LiveClock;
use super::clocks::live::LiveClocks;
use super::cluster::Cluster;
use super::cluster::live::LiveCluster;
use super::cluster::unreached::Unreached;
use super::error::ErrorKind;
use super::host::live::{LiveHosts, Ways};
use super::interrupt::Interrupt;
use super::planned::Planned;
use super::recording::recorder::{RecordingCaptures, RecordingClock, RecordingClocks, RecordingCluster, RecordingHosts};
use super::recording::tape::Tape;
use super::{Evidence, EvidenceError};

/// Opens the live world. Makes no connection yet, except that the kubeconfig is read and its credentials are got.
///
/// # Errors
/// When there is no kubeconfig, or it cannot be used.
pub fn open(options: &LiveOptions) -> Result<Evidence, EvidenceError> {
    open_with(options, Interrupt::default())
}

/// As `open`, with a flag that somebody already minds.
///
/// # Errors
/// As `open`, and when the flag is set before the credentials are there.
pub fn open_with(options: &LiveOptions, interrupt: Interrupt) -> Result<Evidence, EvidenceError> {
    let runtime = runtime()?.handle();
    let tape = Arc::new(Tape::new(options.keep_answers));
    let (cluster, hosts) = connect(runtime, options, &interrupt)?;
    let hosts = Arc::new(hosts);
    let captures = LiveCaptures::new(Arc::clone(&hosts), options.pcap.clone());
    let clocks = LiveClocks::new(Arc::clone(&hosts));
    let clock = LiveClock::since(tape.began());
    Ok(Evidence {
        cluster: Arc::new(RecordingCluster(cluster, Arc::clone(&tape))),
        hosts: Arc::new(RecordingHosts(hosts, Arc::clone(&tape))),
        captures: Arc::new(RecordingCaptures(Arc::new(captures), Arc::clone(&tape))),
        clocks: Arc::new(RecordingClocks::new(Arc::new(clocks), Arc::clone(&tape))),
        clock: Arc::new(RecordingClock(Arc::new(clock), Arc::clone(&tape))),
        tape,
        interrupt,
    })
}

/// Opens a world in which no host is touched: what would be done there is written down. The cluster is asked as in a run, or as
/// `replayed` holds it.
///
/// # Errors
/// As `open_with`.
pub fn open_planned(options: &LiveOptions, replayed: Option<Evidence>, interrupt: Interrupt) -> Result<(Evidence, Planned), EvidenceError> {
    let runtime = runtime()?.handle();
    if let Some(replayed) = replayed {
        let planned = Planned::new(LiveHosts::new(runtime.clone(), &options.site, replayed.interrupt.clone()));
        let (hosts, captures, clocks) = (Arc::new(planned.clone()), Arc::new(planned.captures()), Arc::new(planned.clone()));
        return Ok((Evidence { hosts, captures, clocks, ..replayed }, planned));
    }
    let tape = Arc::new(Tape::new(false));
    let (cluster, hosts) = connect(runtime, options, &interrupt)?;
    let planned = Planned::new(hosts);
    let clock = LiveClock::since(tape.began());
    let evidence = Evidence {
        cluster: Arc::new(RecordingCluster(cluster, Arc::clone(&tape))),
        hosts: Arc::new(planned.clone()),
        captures: Arc::new(planned.captures()),
        clocks: Arc::new(planned.clone()),
        clock: Arc::new(clock),
        tape,
        interrupt,
    };
    Ok((evidence, planned))
}

/// The cluster, and hosts by the ways that the options name. Nothing is asked of either yet.
///
/// A cluster that gives no credentials, or none in time, answers every question with the reason, so that the run which comes to it ends
/// with its report.
fn connect(runtime: &Handle, options: &LiveOptions, interrupt: &Interrupt) -> Result<(Arc<dyn Cluster>, LiveHosts), EvidenceError> {
    children::keep_orphans();
    let (cluster, by_pods): (Arc<dyn Cluster>, _) = match LiveCluster::connect(runtime.clone(), options, interrupt.clone())? {
        Ok(cluster) => {
            let client = options.via_pods.then(|| cluster.client());
            (Arc::new(cluster), client)
        }
        // Hosts that are reached through the cluster are not reached either.
        Err(error) if options.via_pods => return Err(error),
        Err(error) => (Arc::new(Unreached(error)), None),
    };
    let hosts = LiveHosts::reaching(runtime.clone(), &options.site, interrupt.clone(), Ways::new(options.asker.clone(), by_pods));
    Ok((cluster, hosts))
}

/// The runtime beneath everything live. It lives as long as the process: an open capture may outlast whatever opened
/// it, and ends over this runtime.
fn runtime() -> Result<&'static Runtime, EvidenceError> {
    // At least two, so that one busy task does not keep the others waiting on a machine with one core.
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8));
    let built = Builder::new_multi_thread().worker_threads(workers).thread_name("evidence").enable_all().build();
    let runtime = built.map_err(|error| EvidenceError::new(ErrorKind::Garbled, "start the runtime", error))?;
    Ok(Box::leak(Box::new(runtime)))
}
