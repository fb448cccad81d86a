//! Captures by the host's own tcpdump, streamed back over the host's connection.

mod stream;
mod told;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Captures, OpenCapture, decode, filter};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::live::{LiveHosts, Piece, Process, interrupted};
use crate::evidence::host::script::Script;
use crate::evidence::interrupt::Reason;
use crate::model::capture::{Capture, CaptureEnd, CaptureRequest};
use crate::model::place::Place;
use stream::Stream;
use told::Told;

/// From the host's connection until tcpdump listens. Connecting has limits of its own, which stand still while a person
/// types a passphrase.
const LISTEN_LIMIT: Duration = Duration::from_secs(25);
/// From the stop until the last packet is here. The guard on the other side needs 2 s at worst.
const STOP_LIMIT: Duration = Duration::from_secs(6);
/// Output that is kept until the interfaces are named, bytes.
const MOST_EARLY: usize = 1 << 20;

/// Captures as they happen now.
pub struct LiveCaptures {
    hosts: Arc<LiveHosts>,
}

impl LiveCaptures {
    /// Captures on the hosts' own connections.
    #[must_use]
    pub fn new(hosts: Arc<LiveHosts>) -> Self {
        Self { hosts }
    }
}

impl Captures for LiveCaptures {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        if let Some(reason) = self.hosts.interrupt().reason() {
            return Err(interrupted(&operation(request), reason));
        }
        let link_type = if request.interface == "any" { decode::SLL2 } else { decode::EN10MB };
        filter::compile(&request.filter, link_type)?;
        let (stop, told_to_stop) = watch::channel(false);
        let (state, seen) = watch::channel(State::Connecting);
        let running = Running { hosts: Arc::clone(&self.hosts), request: request.clone(), state, told_to_stop };
        let task = self.hosts.runtime().spawn(running.until_its_end());
        Ok(Box::new(LiveCapture { hosts: Arc::clone(&self.hosts), request: request.clone(), stop, seen, task }))
    }
}

fn operation(request: &CaptureRequest) -> String {
    format!("capture at {}", request.place)
}

/// How far a capture is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Starting,
    /// With what proved the namespace.
    Listening(String),
    Failed(EvidenceError),
}

struct LiveCapture {
    hosts: Arc<LiveHosts>,
    request: CaptureRequest,
    /// Dropping it, too, tells the task to stop.
    stop: watch::Sender<bool>,
    seen: watch::Receiver<State>,
    task: JoinHandle<Result<Capture, EvidenceError>>,
}

impl OpenCapture for LiveCapture {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        let operation = operation(&self.request);
        let interrupt = self.hosts.interrupt();
        self.hosts.runtime().block_on(async {
            tokio::select! {
                biased;
                () = interrupt.wait() => Err(interrupted(&operation, interrupt.reason().unwrap_or(Reason::Signal))),
                proof = listening(&mut self.seen, LISTEN_LIMIT, &operation) => proof,
            }
        })
    }

    fn stop(self: Box<Self>) -> Result<Capture, EvidenceError> {
        self.stop.send_replace(true);
        let ended = |error: tokio::task::JoinError| EvidenceError::new(ErrorKind::Garbled, operation(&self.request), error);
        self.hosts.runtime().block_on(self.task).map_err(ended)?
    }
}

/// Waits until tcpdump listens, and gives what proved the namespace. The limit runs only once the host is connected.
async fn listening(seen: &mut watch::Receiver<State>, limit: Duration, operation: &str) -> Result<String, EvidenceError> {
    let ended = |_| EvidenceError::new(ErrorKind::CaptureRefused, operation, "it ended before it listened");
    let too_long = |_| EvidenceError::new(ErrorKind::TimedOut, operation, format!("tcpdump did not listen within {} s", limit.as_secs()));
    drop(seen.wait_for(|state| *state != State::Connecting).await.map_err(ended)?);
    let settled = seen.wait_for(|state| matches!(state, State::Listening(_) | State::Failed(_)));
    let state = tokio::time::timeout(limit, settled).await.map_err(too_long)?.map_err(ended)?;
    match &*state {
        State::Listening(proof) => Ok(proof.clone()),
        State::Failed(error) => Err(error.clone()),
        State::Connecting | State::Starting => Err(EvidenceError::new(ErrorKind::TimedOut, operation, "it is still starting")),
    }
}

/// The task of one capture: it alone reads the channel, and it always does.
struct Running {
    hosts: Arc<LiveHosts>,
    request: CaptureRequest,
    state: watch::Sender<State>,
    told_to_stop: watch::Receiver<bool>,
}

/// What is gathered on the way.
struct Gathered {
    stream: Stream,
    told: Told,
    /// Output that came before the interfaces were named.
    early: Vec<u8>,
    listening_at: i64,
    stopped_at: i64,
    /// Why it was ended by us, other than by being asked.
    bound: Option<CaptureEnd>,
}

impl Running {
    async fn until_its_end(mut self) -> Result<Capture, EvidenceError> {
        let result = self.capture().await;
        if let Err(error) = &result {
            self.state.send_replace(State::Failed(error.clone()));
        }
        result
    }

    async fn capture(&mut self) -> Result<Capture, EvidenceError> {
        let host = self.request.place.host().clone();
        let hosts = Arc::clone(&self.hosts);
        let args = arguments(&self.request, &hosts.tag());
        let what = operation(&self.request);
        let never = || EvidenceError::new(ErrorKind::CaptureRefused, what.clone(), "it was stopped before it listened");
        let mut told_to_stop = self.told_to_stop.clone();
        let starting = async {
            hosts.reach(&host).await?;
            self.state.send_replace(State::Starting);
            hosts.start_capture(&host, &args, self.request.most_seconds).await
        };
        let (mut process, _slot) = tokio::select! {
            biased;
            () = hosts.interrupt().wait() => return Err(interrupted(&operation(&self.request), hosts.interrupt().reason().unwrap_or(Reason::Signal))),
            () = stopped(&mut told_to_stop) => return Err(never()),
            started = starting => started?,
        };
        let mut gathered = Gathered::new(&self.request);
        let complete = self.gather(&mut process, &mut gathered).await;
        gathered.told.finish();
        gathered.pass_early();
        if gathered.listening_at == 0 {
            if let Some(refusal) = hosts.refusal(&host, Script::Capture, &process, &gathered.told.said()).await {
                return Err(refusal);
            }
            return Err(refused(&self.request, &gathered.told.said()).unwrap_or_else(never));
        }
        let lost = if !complete {
            Some(format!("it did not end within {} s", STOP_LIMIT.as_secs()))
        } else if process.status().is_none() {
            hosts.refusal(&host, Script::Capture, &process, "").await.map(|error| error.reason).or(Some("it broke off".to_owned()))
        } else {
            None
        };
        Ok(gathered.into_capture(self.request.clone(), process.status(), lost))
    }

    /// Reads to the end; says whether the end came by itself.
    async fn gather(&mut self, process: &mut Process, gathered: &mut Gathered) -> bool {
        let interrupt = self.hosts.interrupt().clone();
        let mut told_to_stop = self.told_to_stop.clone();
        let mut deadline: Option<tokio::time::Instant> = None;
        loop {
            let stopping = deadline.is_some();
            tokio::select! {
                // In this order, so that a flood of packets cannot keep a stop from being seen.
                biased;
                () = interrupt.wait(), if !stopping => gathered.bound = Some(CaptureEnd::Broken("the run was interrupted".to_owned())),
                () = stopped(&mut told_to_stop), if !stopping => gathered.stopped_at = now(),
                () = until(deadline), if stopping => return false,
                piece = process.next() => match piece {
                    None => return true,
                    Some(piece) => {
                        gathered.take(piece);
                        if let Some(proof) = gathered.just_listening() {
                            self.state.send_replace(State::Listening(proof));
                            process.count();
                        }
                    }
                },
            }
            gathered.check_bounds(&self.request);
            if !stopping && (gathered.stopped_at != 0 || gathered.bound.is_some()) {
                process.stop();
                deadline = Some(tokio::time::Instant::now() + STOP_LIMIT);
            }
        }
    }
}

async fn stopped(told: &mut watch::Receiver<bool>) {
    drop(told.wait_for(|stop| *stop).await);
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl Gathered {
    fn new(request: &CaptureRequest) -> Self {
        let mut stream = Stream::new(request.most_packets);
        if request.interface != "any" {
            stream.name_link(0, request.interface.clone());
        }
        Self { stream, told: Told::default(), early: Vec::new(), listening_at: 0, stopped_at: 0, bound: None }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            // Standard error may overtake standard output and the reverse; frames are not read before the names are here.
            Piece::Output(bytes) if self.listening_at == 0 && self.early.len() < MOST_EARLY => self.early.extend(bytes),
            Piece::Output(bytes) => self.stream.take(&bytes),
            Piece::Errors(bytes) => self.told.take(&bytes),
        }
    }

    /// The proof, once, when tcpdump has begun to listen.
    fn just_listening(&mut self) -> Option<String> {
        if self.listening_at != 0 || !self.told.listening {
            return None;
        }
        self.listening_at = now();
        self.pass_early();
        Some(self.told.proof.clone())
    }

    fn pass_early(&mut self) {
        for (index, name) in std::mem::take(&mut self.told.links) {
            self.stream.name_link(index, name);
        }
        let early = std::mem::take(&mut self.early);
        self.stream.take(&early);
    }

    fn check_bounds(&mut self, request: &CaptureRequest) {
        if self.bound.is_some() {
            return;
        }
        if let Some(reason) = self.stream.broken() {
            self.bound = Some(CaptureEnd::Broken(reason.to_owned()));
        } else if self.stream.bytes > request.most_bytes {
            self.bound = Some(CaptureEnd::Bounded(format!("{} bytes", request.most_bytes)));
        }
    }

    fn into_capture(self, request: CaptureRequest, status: Option<i32>, lost: Option<String>) -> Capture {
        let mut counters = self.told.counters;
        counters.arrived = self.stream.arrived;
        // The kernel counts what passes the loopback interface twice, out and in, and libpcap gives it once; and it counts
        // what passed before the filter was set. Neither is a loss.
        if let (Some(captured), Some(received)) = (counters.captured, counters.received_by_filter)
            && (captured..=captured + self.stream.looped + self.told.stray).contains(&received)
        {
            counters.received_by_filter = Some(captured);
        }
        let said = self.told.said();
        let end = match (self.bound.clone(), self.stream.end(), lost) {
            (Some(bound), _, _) => bound,
            (None, Err(reason), None) | (None, _, Some(reason)) => CaptureEnd::Broken(reason),
            (None, Ok(()), None) if self.stream.arrived >= request.most_packets => {
                CaptureEnd::Bounded(format!("{} packets", request.most_packets))
            }
            (None, Ok(()), None) if self.stopped_at != 0 => CaptureEnd::Stopped,
            (None, Ok(()), None) if status == Some(124) => CaptureEnd::Bounded(format!("{} seconds", request.most_seconds)),
            (None, Ok(()), None) => CaptureEnd::Broken(format!("tcpdump ended by itself, status {}: {said}", status.unwrap_or(-1))),
        };
        let stopped_at = if self.stopped_at == 0 { now() } else { self.stopped_at };
        let links = self.stream.links();
        let Self { stream, told, listening_at, .. } = self;
        Capture { request, packets: stream.packets, counters, end, listening_at, stopped_at, proof: told.proof, links }
    }
}

/// The script's positional parameters.
fn arguments(request: &CaptureRequest, tag: &str) -> Vec<String> {
    let (kind, ids, ips) = match &request.place {
        Place::Host(_) => ("host", String::new(), String::new()),
        Place::Pod { ips, container_ids, .. } => {
            ("pod", ids(container_ids), ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }
    };
    let numbers = [u64::from(request.snaplen).to_string(), request.most_packets.to_string()];
    let [snaplen, packets] = numbers;
    vec![kind.to_owned(), ids, ips, request.interface.clone(), request.filter.clone(), snaplen, packets, tag.to_owned()]
}

/// Container ids without the runtime's name in front, as the API writes it (`containerd://…`).
fn ids(written: &[String]) -> String {
    written.iter().map(|id| id.rsplit('/').next().unwrap_or(id)).collect::<Vec<_>>().join(",")
}

/// What tcpdump said when it did not even begin.
fn refused(request: &CaptureRequest, said: &str) -> Option<EvidenceError> {
    if said.is_empty() {
        return None;
    }
    let error = EvidenceError::new(ErrorKind::CaptureRefused, operation(request), said.replace('\n', "; "));
    Some(if said.contains("No such device") {
        error.hint(format!("there is no interface {} there", request.interface))
    } else if said.contains("permission to") || said.contains("not permitted") {
        error.hint("tcpdump needs root or CAP_NET_RAW there")
    } else {
        error
    })
}

/// Nanoseconds since the epoch.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|age| i64::try_from(age.as_nanos()).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
