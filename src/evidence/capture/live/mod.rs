//! Captures by the host's own tcpdump, streamed back over the host's connection.

mod arguments;
mod memory;
mod places;
mod running;
mod stream;
mod told;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::pcapng::{PcapDirectory, PointFile};
use super::{Captures, News, OpenCapture, decode, filter};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::Hosts;
use crate::evidence::host::live::{LiveHosts, interrupted};
use crate::evidence::interrupt::Reason;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::packet::Packet;
pub(in crate::evidence) use arguments::arguments;
use memory::PacketMemory;
pub(in crate::evidence) use places::{Places, Slot};
use running::Running;

/// From the host's connection until tcpdump listens. Connecting has limits of its own, which stand still while a person
/// types a passphrase.
const LISTEN_LIMIT: Duration = Duration::from_secs(25);

/// Captures as they happen now.
pub struct LiveCaptures {
    hosts: Arc<LiveHosts>,
    places: Places,
    memory: Arc<PacketMemory>,
    /// Where packets' bytes go, when they are wanted.
    pcap: Option<Arc<PcapDirectory>>,
}

impl LiveCaptures {
    /// Captures on the hosts' own connections, with their packets in files too when there is a directory for them.
    #[must_use]
    pub fn new(hosts: Arc<LiveHosts>, pcap: Option<Arc<PcapDirectory>>) -> Self {
        Self { hosts, places: Places::default(), memory: Arc::new(PacketMemory::new(memory::MOST)), pcap }
    }
}

impl Captures for LiveCaptures {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        if let Some(reason) = self.hosts.interrupt().reason() {
            return Err(interrupted(&operation(request), reason));
        }
        check_filter(request)?;
        let slot = self.places.take(request)?;
        // Begun now, so that whoever waits for all connections finds it among them.
        self.hosts.warm(std::slice::from_ref(request.place.host()));
        let (stop, told_to_stop) = watch::channel(false);
        let (wait, waited_for) = watch::channel(false);
        let (state, seen) = watch::channel(State::Connecting);
        let (asker, questions) = mpsc::unbounded_channel();
        let running = Running {
            hosts: Arc::clone(&self.hosts),
            memory: Arc::clone(&self.memory),
            file: self.pcap.as_ref().map(|directory| PointFile::new(Arc::clone(directory), request.clone())),
            request: request.clone(),
            state,
            told_to_stop,
            questions,
            waited_for,
            _slot: slot,
        };
        let task = self.hosts.runtime().spawn(running.until_its_end());
        Ok(Box::new(LiveCapture { hosts: Arc::clone(&self.hosts), request: request.clone(), stop, wait, seen, asker, given: 0, task }))
    }
}

/// Compiles a capture's filter here, before any host is touched.
pub(in crate::evidence) fn check_filter(request: &CaptureRequest) -> Result<(), EvidenceError> {
    let link_type = if request.interface == "any" { decode::SLL2 } else { decode::EN10MB };
    filter::compile(&request.filter, link_type)
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
    /// Somebody waits for it to listen, so everything that is to be captured beside it is open.
    wait: watch::Sender<bool>,
    seen: watch::Receiver<State>,
    asker: mpsc::UnboundedSender<Question>,
    /// Packets that were given as news.
    given: usize,
    task: JoinHandle<Result<Capture, EvidenceError>>,
}

/// Asks for the packets from this one on.
struct Question {
    from: usize,
    answer: oneshot::Sender<Vec<Packet>>,
}

impl OpenCapture for LiveCapture {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        self.wait.send_replace(true);
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

    fn news(&mut self) -> News {
        let (answer, packets) = oneshot::channel();
        // A task that has ended takes no question, or lets it fall: then there is nothing more to tell.
        let asked = self.asker.send(Question { from: self.given, answer }).ok();
        let Some(packets) = asked.and_then(|()| self.hosts.runtime().block_on(packets).ok()) else {
            return News { packets: Vec::new(), last: true };
        };
        self.given += packets.len();
        News { packets, last: false }
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

#[cfg(test)]
mod tests;
