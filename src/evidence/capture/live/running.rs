//! The task of one capture: starts it, reads all of it, and ends it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};

use super::arguments::{arguments, refused};
use super::memory::{self, PacketMemory};
use super::places::Slot;
use super::stream::Stream;
use super::told::{self, Told};
use super::{Question, State, operation};
use crate::evidence::capture::pcapng::PointFile;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::live::{LiveHosts, Piece, Process, interrupted};
use crate::evidence::host::script::Script;
use crate::evidence::interrupt::Reason;
use crate::model::capture::{Capture, CaptureEnd, CaptureRequest};

/// From the stop until the last packet is here. The guard on the other side needs 2 s at worst.
const STOP_LIMIT: Duration = Duration::from_secs(6);
/// How long tcpdump has for its first count. One that gives none is believed without: nothing is then forgiven it.
const COUNT_LIMIT: Duration = Duration::from_secs(1);
/// Times that the first count is asked for, while it shows packets that tcpdump has not taken.
const MOST_COUNTS: u32 = 3;
/// How long tcpdump has to take, at the stop, what has passed its filter by then. What it does not take is a loss.
const LAST_COUNT_LIMIT: Duration = Duration::from_millis(60);
/// Output that is kept until the interfaces are named, bytes.
const MOST_EARLY: usize = 1 << 20;

/// The task of one capture: it alone reads the channel, and it always does.
pub(super) struct Running {
    pub(super) hosts: Arc<LiveHosts>,
    pub(super) memory: Arc<PacketMemory>,
    pub(super) file: Option<PointFile>,
    pub(super) request: CaptureRequest,
    pub(super) state: watch::Sender<State>,
    pub(super) told_to_stop: watch::Receiver<bool>,
    pub(super) questions: mpsc::UnboundedReceiver<Question>,
    pub(super) waited_for: watch::Receiver<bool>,
    pub(super) _slot: Slot,
}

/// What is gathered on the way.
pub(super) struct Gathered {
    pub(super) stream: Stream,
    pub(super) told: Told,
    /// The one interface that is captured on; `None` on all.
    pub(super) interface: Option<String>,
    /// Output that came before the interfaces were named.
    pub(super) early: Vec<u8>,
    pub(super) counts_asked: u32,
    /// What had passed the filter after the capture was told to stop: all of it was taken when as many packets are here in the end.
    pub(super) passed_by_stop: Option<u64>,
    pub(super) listening_at: i64,
    pub(super) stopped_at: i64,
    /// Why it was ended by us, other than by being asked.
    pub(super) bound: Option<CaptureEnd>,
}

impl Running {
    pub(super) async fn until_its_end(mut self) -> Result<Capture, EvidenceError> {
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
        let (mut told_to_stop, mut waited_for) = (self.told_to_stop.clone(), self.waited_for.clone());
        let starting = async {
            hosts.reach(&host).await?;
            if hosts.may_ask() {
                // Its seconds are not to run out while a passphrase is typed for the host of another one.
                told(&mut waited_for).await;
                hosts.reach_all().await;
            }
            self.state.send_replace(State::Starting);
            hosts.start_capture(&host, &args, self.request.most_seconds).await
        };
        let (mut process, _slot) = tokio::select! {
            biased;
            () = hosts.interrupt().wait() => return Err(interrupted(&operation(&self.request), hosts.interrupt().reason().unwrap_or(Reason::Signal))),
            () = told(&mut told_to_stop) => return Err(never()),
            started = starting => started?,
        };
        let mut gathered = Gathered::new(&self.request, Arc::clone(&self.memory));
        gathered.stream.file = self.file.take();
        let complete = self.gather(&mut process, &mut gathered).await;
        gathered.told.finish();
        gathered.pass_early();
        // A bound may have ended it before it was counted.
        if gathered.told.listening {
            self.announce(&mut gathered);
        }
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

    /// Tells once that it listens. A count that comes later forgives nothing: it may be of packets that were meant to be seen.
    fn announce(&self, gathered: &mut Gathered) {
        if gathered.listening_at == 0 {
            gathered.listening_at = now();
            gathered.told.stray.get_or_insert(0);
            self.state.send_replace(State::Listening(gathered.told.proof.clone()));
        }
    }

    /// Reads to the end; says whether the end came by itself.
    async fn gather(&mut self, process: &mut Process, gathered: &mut Gathered) -> bool {
        let interrupt = self.hosts.interrupt().clone();
        let mut told_to_stop = self.told_to_stop.clone();
        let mut deadline: Option<tokio::time::Instant> = None;
        let mut uncounted: Option<tokio::time::Instant> = None;
        let mut last_count: Option<tokio::time::Instant> = None;
        loop {
            let stopping = deadline.is_some();
            tokio::select! {
                // In this order, so that a flood of packets cannot keep a stop from being seen.
                biased;
                () = interrupt.wait(), if !stopping => gathered.bound = Some(CaptureEnd::Broken("the run was interrupted".to_owned())),
                () = told(&mut told_to_stop), if !stopping && gathered.stopped_at == 0 => {
                    gathered.stopped_at = now();
                    if gathered.may_be_counted_last() {
                        gathered.counts_asked += 1;
                        process.count();
                        last_count = Some(tokio::time::Instant::now() + LAST_COUNT_LIMIT);
                    }
                }
                () = until(last_count), if last_count.is_some() => last_count = None,
                () = until(deadline), if stopping => return false,
                () = until(uncounted), if gathered.listening_at == 0 => self.announce(gathered),
                Some(question) = self.questions.recv() => {
                    let packets = {
                        let all = &gathered.stream.packets;
                        (question.from..all.len()).filter_map(|number| all.get(number).cloned()).collect()
                    };
                    // Nobody may wait for it any more.
                    let _ = question.answer.send(packets);
                }
                piece = process.next() => match piece {
                    None => return true,
                    Some(piece) => {
                        gathered.take(piece);
                        if gathered.to_be_counted() {
                            gathered.counts_asked += 1;
                            process.count();
                            uncounted.get_or_insert(tokio::time::Instant::now() + COUNT_LIMIT);
                        } else if gathered.told.counts > 0 && gathered.told.counts == gathered.counts_asked {
                            self.announce(gathered);
                            if last_count.is_some() {
                                let passed = *gathered.passed_by_stop.get_or_insert(gathered.told.passed);
                                if gathered.accounted_for(gathered.told.taken) >= passed {
                                    last_count = None;
                                } else {
                                    gathered.counts_asked += 1;
                                    process.count();
                                }
                            }
                        }
                    }
                },
            }
            gathered.check_bounds(&self.request);
            if !stopping && (gathered.stopped_at != 0 && last_count.is_none() || gathered.bound.is_some()) {
                process.stop();
                deadline = Some(tokio::time::Instant::now() + STOP_LIMIT);
            }
        }
    }
}

/// Waits until it is said, or nobody is left who could say it.
async fn told(said: &mut watch::Receiver<bool>) {
    drop(said.wait_for(|said| *said).await);
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl Gathered {
    pub(super) fn new(request: &CaptureRequest, memory: Arc<PacketMemory>) -> Self {
        let mut stream = Stream::new(request.most_packets, memory);
        let interface = (request.interface != "any").then(|| request.interface.clone());
        if let Some(name) = &interface {
            stream.only_link(name, Vec::new());
        }
        Self {
            stream,
            told: Told::default(),
            interface,
            early: Vec::new(),
            counts_asked: 0,
            passed_by_stop: None,
            listening_at: 0,
            stopped_at: 0,
            bound: None,
        }
    }

    pub(super) fn take(&mut self, piece: Piece) {
        match piece {
            // Standard error may overtake standard output and the reverse; frames are not read before the names are here.
            Piece::Output(bytes) if !self.told.listening && self.early.len() < MOST_EARLY => self.early.extend(bytes),
            Piece::Output(bytes) => self.stream.take(&bytes),
            Piece::Errors(bytes) => {
                let named = self.told.listening;
                self.told.take(&bytes);
                if self.told.listening && !named {
                    self.pass_early();
                }
            }
        }
    }

    /// Whether tcpdump is to be asked for its counters before anybody is told that it listens. Packets that merely wait for it look
    /// like those that passed before its filter was set, and are lost when they wait until the stop: so it is asked while nobody
    /// sends yet, and once more while some wait.
    pub(super) fn to_be_counted(&self) -> bool {
        let again = self.told.counts == self.counts_asked && self.told.stray != Some(0) && self.counts_asked < MOST_COUNTS;
        self.listening_at == 0 && self.told.listening && again
    }

    /// Whether tcpdump is to be asked for its counters at the stop: it ends where it stands, and is told to only when it has taken what
    /// has passed its filter by then. Its packets wait in one queue, so that those that it does not take
    /// any more are the newest: where as many were taken as had come by the stop, they came later, and are no loss.
    pub(super) fn may_be_counted_last(&self) -> bool {
        self.listening_at != 0 && self.told.counts == self.counts_asked
    }

    /// How many packets have passed the filter for so many to be taken: the kernel counts what passes the loopback interface twice, out
    /// and in, and libpcap gives it once; and it counts what passed before the filter was set.
    pub(super) fn accounted_for(&self, taken: u64) -> u64 {
        taken.saturating_add(self.stream.looped).saturating_add(self.told.stray.unwrap_or(0))
    }

    pub(super) fn pass_early(&mut self) {
        if let Some(chosen) = &self.told.chosen {
            self.interface = Some(chosen.clone());
        }
        let links = std::mem::take(&mut self.told.links);
        if let Some(name) = &self.interface {
            self.stream.only_link(name, told::own_macs(&links, name));
        }
        for link in links {
            self.stream.name_link(link.index, &link.name);
        }
        let early = std::mem::take(&mut self.early);
        self.stream.take(&early);
    }

    pub(super) fn check_bounds(&mut self, request: &CaptureRequest) {
        if self.bound.is_some() {
            return;
        }
        if let Some(reason) = self.stream.broken() {
            self.bound = Some(CaptureEnd::Broken(reason.to_owned()));
        } else if self.told.babbles() {
            self.bound = Some(CaptureEnd::Broken("it says without end what is no packet".to_owned()));
        } else if self.stream.bytes > request.most_bytes {
            self.bound = Some(CaptureEnd::Bounded(format!("{} bytes", request.most_bytes)));
        } else if self.stream.exhausted {
            let most = memory::MOST >> 20;
            self.bound = Some(CaptureEnd::Bounded(format!("the {most} MiB that a run keeps of packets, all captures together")));
        }
    }

    pub(super) fn into_capture(self, request: CaptureRequest, status: Option<i32>, lost: Option<String>) -> Capture {
        let mut counters = self.told.counters;
        counters.arrived = self.stream.arrived;
        if let (Some(captured), Some(received)) = (counters.captured, counters.received_by_filter) {
            let accounted_for = self.accounted_for(captured);
            let all = (captured..=accounted_for).contains(&received);
            // Whatever came after the stop is no part of the capture.
            let all_by_stop = received >= captured && self.passed_by_stop.is_some_and(|passed| accounted_for >= passed);
            if all || all_by_stop {
                counters.received_by_filter = Some(captured);
            }
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
        let ended_at = now();
        let stopped_at = if self.stopped_at == 0 { ended_at } else { self.stopped_at };
        let links = self.stream.links();
        let Self { mut stream, told, listening_at, .. } = self;
        let file = stream.file.take();
        let capture = Capture {
            request,
            packets: stream.packets,
            counters,
            end,
            listening_at,
            stopped_at,
            ended_at,
            proof: told.proof,
            links,
            chosen: told.chosen,
        };
        if let Some(file) = file {
            file.end(&capture);
        }
        capture
    }
}

/// Nanoseconds since the epoch.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|age| i64::try_from(age.as_nanos()).ok()).unwrap_or(0)
}
