//! Clocks over the hosts' own connections: the host is asked for its time a few times, and the quickest answer counts.
//!
//! Between the question and the answer the host's clock was read once. Half of the time between them is how far the middle
//! can be off, whatever the network and the host did meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::Clocks;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::live::{LiveHosts, Piece, Process, interrupted};
use crate::evidence::host::script::Script;
use crate::evidence::interrupt::Reason;
use crate::evidence::side_by_side::lock;
use crate::model::clock::ClockOffset;
use crate::model::place::{Host, HostKind};

/// Questions for one comparison. The first one also waits for the script to start and is rarely the quickest.
const EXCHANGES: usize = 5;
/// Between an answer and the next question: the guard needs a moment until it reads again, and would make it look slow.
const PAUSE: Duration = Duration::from_millis(8);
/// Bound on a comparison, the connection included.
pub(in crate::evidence) const LIMIT: Duration = Duration::from_secs(12);
/// What the guard writes before the seconds and nanoseconds of its clock.
const ANSWER: &str = "lbdiag-time ";
/// Bytes of a line that are looked at.
const LONGEST_LINE: usize = 200;

type Comparing = Shared<BoxFuture<'static, Result<ClockOffset, EvidenceError>>>;

/// Clocks as they are now.
pub struct LiveClocks {
    hosts: Arc<LiveHosts>,
    by_host: Mutex<HashMap<Host, Comparing>>,
}

impl LiveClocks {
    /// Compares nothing yet.
    #[must_use]
    pub fn new(hosts: Arc<LiveHosts>) -> Self {
        Self { hosts, by_host: Mutex::default() }
    }

    fn comparing(&self, host: &Host) -> Comparing {
        let mut by_host = lock(&self.by_host);
        let begin = || {
            let (hosts, host) = (Arc::clone(&self.hosts), host.clone());
            let task = self.hosts.runtime().spawn(async move { compare(&hosts, &host).await });
            let ended = |_| EvidenceError::new(ErrorKind::Interrupted, "compare clocks", "the run is ending");
            async move { task.await.map_err(ended)? }.boxed().shared()
        };
        by_host.entry(host.clone()).or_insert_with(begin).clone()
    }
}

impl Clocks for LiveClocks {
    fn begin(&self, host: &Host) {
        if self.hosts.interrupt().reason().is_none() {
            drop(self.comparing(host));
        }
    }

    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError> {
        let interrupt = self.hosts.interrupt();
        let comparing = self.comparing(host);
        self.hosts.runtime().block_on(async {
            tokio::select! {
                biased;
                result = comparing => result,
                () = interrupt.wait() => Err(interrupted(&operation(host), interrupt.reason().unwrap_or(Reason::Signal))),
            }
        })
    }
}

fn operation(host: &Host) -> String {
    format!("compare the clock of {}", host.name)
}

async fn compare(hosts: &LiveHosts, host: &Host) -> Result<ClockOffset, EvidenceError> {
    if host.kind == HostKind::Local {
        return Ok(ClockOffset { host: host.name.clone(), ahead_us: 0, error_us: 0, took_ms: 0 });
    }
    let too_long = |_| EvidenceError::new(ErrorKind::TimedOut, operation(host), format!("no end within {} s", LIMIT.as_secs()));
    tokio::time::timeout(LIMIT, ask(hosts, host)).await.map_err(too_long)?
}

async fn ask(hosts: &LiveHosts, host: &Host) -> Result<ClockOffset, EvidenceError> {
    let began = Instant::now();
    let mut process = hosts.start_script(host, Script::Clock, &[LIMIT.as_secs().to_string()], LIMIT.as_secs()).await?;
    let mut answers = Answers::default();
    let mut best: Option<Exchange> = None;
    for turn in 0..EXCHANGES {
        if turn > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let (asked, at) = (Instant::now(), now_us());
        process.ask_time();
        let Some(told) = answers.next(&mut process).await else { break };
        let exchange = Exchange { at_us: at, took_us: micros(asked.elapsed()), told };
        if best.is_none_or(|best| exchange.took_us < best.took_us) {
            best = Some(exchange);
        }
    }
    process.stop();
    while answers.pass(process.next().await) {}
    if let Some(best) = best {
        return Ok(best.offset(&host.name, began.elapsed()));
    }
    let refusal = hosts.refusal(host, Script::Clock, &process, &answers.said).await;
    Err(refusal.unwrap_or_else(|| EvidenceError::new(ErrorKind::Garbled, operation(host), "it tells no time that could be read")))
}

/// Our clock, microseconds since the epoch.
fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|age| i64::try_from(age.as_micros()).ok()).unwrap_or(0)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A host's time, and how fine it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    us: i64,
    resolution_us: i64,
}

/// A question with its answer.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    at_us: i64,
    took_us: i64,
    told: Told,
}

impl Exchange {
    fn offset(&self, host: &str, took: Duration) -> ClockOffset {
        // What is told is cut down to its resolution: the true time lies up to one step above.
        let told = self.told.us.saturating_add(self.told.resolution_us / 2);
        ClockOffset {
            host: host.to_owned(),
            ahead_us: told.saturating_sub(self.at_us.saturating_add(self.took_us / 2)),
            error_us: u64::try_from((self.took_us / 2).saturating_add(self.told.resolution_us / 2 + 1)).unwrap_or(u64::MAX),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The answers out of whatever pieces arrive.
#[derive(Default)]
struct Answers {
    line: Vec<u8>,
    told: Option<Told>,
    /// What else was said, for a message when it goes wrong.
    said: String,
}

impl Answers {
    /// The next answer; `None` when the process ends without one.
    async fn next(&mut self, process: &mut Process) -> Option<Told> {
        while self.told.is_none() {
            if !self.pass(process.next().await) {
                return self.told.take();
            }
        }
        self.told.take()
    }

    /// Whether there was a piece.
    fn pass(&mut self, piece: Option<Piece>) -> bool {
        let Some(piece) = piece else { return false };
        if let Piece::Errors(bytes) = piece {
            for byte in bytes {
                if byte == b'\n' {
                    let line = std::mem::take(&mut self.line);
                    self.read(&String::from_utf8_lossy(&line));
                } else if self.line.len() < LONGEST_LINE {
                    self.line.push(byte);
                }
            }
        }
        true
    }

    fn read(&mut self, line: &str) {
        match line.strip_prefix(ANSWER) {
            Some(answer) => self.told = told(answer),
            None if self.said.len() < 4096 => self.said = format!("{}{line}\n", self.said),
            None => {}
        }
    }
}

/// `SECONDS NANOSECONDS`; a `date` without nanoseconds writes something else there.
fn told(answer: &str) -> Option<Told> {
    let mut words = answer.split_whitespace();
    let seconds: i64 = words.next()?.parse().ok().filter(|seconds| (0..=1 << 40).contains(seconds))?;
    let nanoseconds = words.next().filter(|word| word.len() == 9 && word.chars().all(|c| c.is_ascii_digit()));
    Some(match nanoseconds.and_then(|word| word.parse::<i64>().ok()) {
        Some(nanoseconds) => Told { us: seconds * 1_000_000 + nanoseconds / 1000, resolution_us: 1 },
        None => Told { us: seconds * 1_000_000, resolution_us: 1_000_000 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_round_trip_is_the_error() {
        let exchange = Exchange { at_us: 1_000_000, took_us: 4_000, told: Told { us: 1_302_500, resolution_us: 1 } };
        let offset = exchange.offset("n2", Duration::from_millis(7));
        assert_eq!((offset.ahead_us, offset.error_us, offset.took_ms), (300_500, 2_001, 7));
        // Whatever happened within the exchange, the truth lies within the error.
        for read_at in [1_000_000, 1_001_000, 1_004_000] {
            let truth = 1_302_500 - read_at;
            assert!(offset.ahead_us.abs_diff(truth) <= offset.error_us, "{truth}");
        }
    }

    #[test]
    fn a_clock_told_in_whole_seconds_is_known_to_half_of_one() {
        let told = told("1700000000 %N").unwrap();
        assert_eq!(told, Told { us: 1_700_000_000_000_000, resolution_us: 1_000_000 });
        let offset = Exchange { at_us: 1_700_000_000_900_000, took_us: 200, told }.offset("n2", Duration::ZERO);
        assert!(offset.ahead_us.unsigned_abs() <= offset.error_us);
        assert!(offset.error_us > 500_000);
    }

    #[test]
    fn answers_are_read_however_they_are_cut_and_garbage_is_none() {
        let text = b"Welcome\nlbdiag-time 1700000000 000000900\n";
        for cut in 0..text.len() {
            let mut answers = Answers::default();
            assert!(answers.pass(Some(Piece::Errors(text[..cut].to_vec()))));
            assert!(answers.pass(Some(Piece::Errors(text[cut..].to_vec()))));
            assert_eq!(answers.told, Some(Told { us: 1_700_000_000_000_000, resolution_us: 1 }));
        }
        for wrong in ["", "soon", "-5 000000000", "99999999999999 000000000"] {
            assert_eq!(told(wrong), None, "{wrong}");
        }
        let mut answers = Answers::default();
        answers.pass(Some(Piece::Errors(vec![b'x'; 100_000])));
        assert!(answers.line.len() <= LONGEST_LINE);
    }

    #[test]
    fn whatever_a_host_says_of_its_time_is_read() {
        let said = ["Welcome\nlbdiag-time 1700000000 000000900\n", "lbdiag-time 1099511627776 %N\n"];
        crate::readers::hold("host_times", crate::readers::all(&said), |_, is| {
            let mut answers = Answers::default();
            answers.pass(Some(Piece::Errors(is.to_vec())));
            if let Some(told) = answers.told {
                for (at_us, took_us) in [(0, 0), (now_us(), 4_000), (i64::MAX, i64::MAX)] {
                    let _ = Exchange { at_us, took_us, told }.offset("n1", Duration::MAX);
                }
            }
        });
    }
}
