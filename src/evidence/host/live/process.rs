//! One script under way, on this machine or over SSH: what it prints, and the heartbeat that keeps it alive.
//!
//! The two halves belong to different tasks. Whoever reads must read on until the end, because a channel that nobody
//! drains stalls its whole connection; whoever writes must not be the reader, or both could wait for each other.

use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::chatter::Chatter;
use super::command_line::Call;
use super::connection::Connection;
use super::pod::{PodLink, status_of};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::script::Script;

/// How often the other side is told that we are there; it waits for 10 s.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long a script that was told to stop may take before its channel is closed.
const FAREWELL: Duration = Duration::from_secs(4);
/// A script under way. Dropping it tells the other side to stop.
pub(in crate::evidence) struct Process {
    output: Output,
    began: Chatter,
    began_errors: Chatter,
    heart: Heart,
    /// Its place among the sessions that the host may have, and among those that are open.
    _sessions: [Option<OwnedSemaphorePermit>; 2],
}

/// A piece of what a script printed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::evidence) enum Piece {
    Output(Vec<u8>),
    Errors(Vec<u8>),
}

/// What the other side is told, besides that we are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Nothing,
    /// A tcpdump is to say its counters; numbered, so that each wish is a new one.
    Count(u32),
    /// The guard is to say its time; numbered as well.
    Time(u32),
    Stop,
}

impl Wish {
    /// The counters, asked for once more.
    fn counted(self) -> Self {
        match self {
            Self::Stop => Self::Stop,
            Self::Count(number) => Self::Count(number.wrapping_add(1)),
            Self::Nothing | Self::Time(_) => Self::Count(0),
        }
    }

    /// The time, asked for once more.
    fn timed(self) -> Self {
        match self {
            Self::Stop => Self::Stop,
            Self::Time(number) => Self::Time(number.wrapping_add(1)),
            Self::Nothing | Self::Count(_) => Self::Time(0),
        }
    }
}

/// Tells a script to stop. Dropping it does the same.
struct Heart {
    wish: watch::Sender<Wish>,
}

impl Heart {
    /// Passes on what is wished for next; after a stop nothing is.
    fn wish(&self, next: impl Fn(Wish) -> Wish) {
        self.wish.send_if_modified(|wish| {
            let (before, after) = (*wish, next(*wish));
            *wish = after;
            before != after
        });
    }
}

enum Output {
    Remote {
        read: ChannelReadHalf,
        status: Option<i32>,
        /// The server said that it runs no commands.
        refused: bool,
    },
    Streams(Box<Streams>),
}

type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;
/// The exit status to come, when there is one.
type End = Pin<Box<dyn Future<Output = Option<i32>> + Send + Sync>>;

/// What is not read from an SSH channel.
struct Streams {
    stdout: Option<Reader>,
    stderr: Option<Reader>,
    /// The status, once both have ended.
    end: End,
    status: Option<i32>,
}

enum Input {
    Remote(Arc<ChannelWriteHalf<Msg>>, Arc<Connection>),
    Stream(Box<dyn AsyncWrite + Send + Unpin>),
}

impl Process {
    /// Starts a script over a connection.
    pub(super) async fn remote(connection: Arc<Connection>, call: &Call<'_>, session: OwnedSemaphorePermit) -> Result<Self, EvidenceError> {
        let line = call.line()?;
        let channel = connection.session().await?;
        let open = connection.standing.opened(call.script == Script::Capture);
        channel.exec(true, line).await.map_err(|_| connection.standing.broken())?;
        let (read, write) = channel.split();
        let output = Output::Remote { read, status: None, refused: false };
        Ok(Self::new(output, Input::Remote(Arc::new(write), connection), call, [Some(session), open]))
    }

    /// Starts a script on this machine, by the same arguments and under the same guard.
    pub(super) fn local(call: &Call<'_>) -> Result<Self, EvidenceError> {
        let argv = call.argv();
        let cannot = |reason: String| EvidenceError::new(ErrorKind::ToolMissing, format!("run {} here", call.script.name()), reason);
        // A zero byte would make the start fail with a message of the standard library's.
        call.line()?;
        let mut child = tokio::process::Command::new(&argv[0])
            .args(&argv[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for us; the script is stopped by its guard.
            .process_group(0)
            .spawn()
            .map_err(|error| cannot(error.to_string()))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let stdin = stdin.ok_or_else(|| cannot("it has no standard input".to_owned()))?;
        let stdout = stdout.map(|stream| Box::new(stream) as Reader);
        let stderr = stderr.map(|stream| Box::new(stream) as Reader);
        let end = async move { child.wait().await.ok().map(|status| status.code().unwrap_or(128)) };
        let streams = Streams { stdout, stderr, end: Box::pin(end), status: None };
        Ok(Self::new(Output::Streams(Box::new(streams)), Input::Stream(Box::new(stdin)), call, [None, None]))
    }

    /// Starts a script in a pod that is there already, to look at its node.
    pub(super) async fn in_pod(link: Arc<PodLink>, call: &Call<'_>, session: OwnedSemaphorePermit) -> Result<Self, EvidenceError> {
        let mut line = call.line_to_read()?;
        line.push(b'\n');
        let mut attached = link.attach().await?;
        let (stdin, stdout, stderr) = (attached.stdin(), attached.stdout(), attached.stderr());
        let mut stdin = stdin.ok_or_else(|| link.standing.broken())?;
        stdin.write_all(&line).await.map_err(|_| link.standing.broken())?;
        let told = attached.take_status();
        let end = async move {
            let status = match told {
                Some(told) => told.await.and_then(|told| status_of(&told).map_err(|reason| link.standing.ended(&reason)).ok()),
                None => None,
            };
            drop(attached);
            status
        };
        let [stdout, stderr] = [stdout, stderr].map(|stream| stream.map(|stream| Box::new(stream) as Reader));
        let streams = Streams { stdout, stderr, end: Box::pin(end), status: None };
        Ok(Self::new(Output::Streams(Box::new(streams)), Input::Stream(Box::new(stdin)), call, [Some(session), None]))
    }

    fn new(output: Output, input: Input, call: &Call<'_>, sessions: [Option<OwnedSemaphorePermit>; 2]) -> Self {
        let mark = format!("{}\n", call.mark());
        let (wish, told) = watch::channel(Wish::Nothing);
        tokio::spawn(beat(input, told));
        Self { output, began: Chatter::before(&mark), began_errors: Chatter::before(&mark), heart: Heart { wish }, _sessions: sessions }
    }

    /// What the script prints next; `None` at its end. Safe to be dropped while it waits.
    pub(in crate::evidence) async fn next(&mut self) -> Option<Piece> {
        loop {
            let piece = match self.output.next().await? {
                Piece::Output(bytes) => self.began.pass(bytes).map(Piece::Output),
                Piece::Errors(bytes) => self.began_errors.pass(bytes).map(Piece::Errors),
            };
            if piece.is_some() {
                return piece;
            }
        }
    }

    /// Asks the script to end; what it still prints comes by `next`.
    pub(in crate::evidence) fn stop(&self) {
        self.heart.wish.send_replace(Wish::Stop);
    }

    /// Asks a capture for its counters so far; they come on standard error.
    pub(in crate::evidence) fn count(&self) {
        self.heart.wish(Wish::counted);
    }

    /// Asks the host for its time; it comes on standard error.
    pub(in crate::evidence) fn ask_time(&self) {
        self.heart.wish(Wish::timed);
    }

    /// The exit status, after the end; `None` when the connection broke before there was one.
    pub(in crate::evidence) fn status(&self) -> Option<i32> {
        match &self.output {
            Output::Remote { status, .. } => *status,
            Output::Streams(streams) => streams.status,
        }
    }

    /// Whether the server refused to run any command, so that nothing of ours can be there.
    pub(super) fn refused(&self) -> bool {
        matches!(self.output, Output::Remote { refused: true, .. })
    }

    /// Whether the script itself began: before that stand a login shell and sudo, which may refuse.
    pub(in crate::evidence) fn began(&self) -> bool {
        self.began.over()
    }

    /// What the login shell said, when not even the first of our wrappers began.
    pub(super) fn chatter(&self) -> String {
        let said = |chatter: &Chatter| String::from_utf8_lossy(if chatter.over() { &[] } else { &chatter.held }).trim().to_owned();
        match (said(&self.began_errors), said(&self.began)) {
            (errors, output) if output.is_empty() => errors,
            (errors, _) if self.began_errors.over() => errors,
            (errors, output) => format!("{errors}\n{output}").trim().to_owned(),
        }
    }
}

impl Output {
    async fn next(&mut self) -> Option<Piece> {
        match self {
            Self::Remote { refused: true, .. } => None,
            Self::Remote { read, status, refused } => loop {
                match read.wait().await? {
                    ChannelMsg::Data { data } => return Some(Piece::Output(data.to_vec())),
                    ChannelMsg::ExtendedData { data, ext: 1 } => return Some(Piece::Errors(data.to_vec())),
                    ChannelMsg::ExitStatus { exit_status } => *status = Some(i32::try_from(exit_status).unwrap_or(i32::MAX)),
                    // A shell writes 128 and the number of the signal; which one is of no use to anybody here.
                    ChannelMsg::ExitSignal { .. } => *status = Some(128),
                    // Nothing follows, and a server that says so need not close the channel.
                    ChannelMsg::Failure => {
                        *refused = true;
                        *status = Some(126);
                        return None;
                    }
                    ChannelMsg::Close => return None,
                    _ => {}
                }
            },
            Self::Streams(streams) => streams.next().await,
        }
    }
}

impl Streams {
    async fn next(&mut self) -> Option<Piece> {
        let mut out = Vec::with_capacity(32 * 1024);
        let mut errors = Vec::with_capacity(4 * 1024);
        loop {
            match (&mut self.stdout, &mut self.stderr) {
                (None, None) => {
                    if self.status.is_none() {
                        self.status = (&mut self.end).await;
                    }
                    return None;
                }
                (Some(stdout), Some(stderr)) => tokio::select! {
                    read = stdout.read_buf(&mut out) => if ended(&read) { self.stdout = None },
                    read = stderr.read_buf(&mut errors) => if ended(&read) { self.stderr = None },
                },
                (Some(stdout), None) => {
                    if ended(&stdout.read_buf(&mut out).await) {
                        self.stdout = None;
                    }
                }
                (None, Some(stderr)) => {
                    if ended(&stderr.read_buf(&mut errors).await) {
                        self.stderr = None;
                    }
                }
            }
            if !out.is_empty() {
                return Some(Piece::Output(out));
            }
            if !errors.is_empty() {
                return Some(Piece::Errors(errors));
            }
        }
    }
}

fn ended(read: &std::io::Result<usize>) -> bool {
    !matches!(read, Ok(1..))
}

/// Sends heartbeats until it is told to stop, or nobody is there to tell.
async fn beat(mut input: Input, mut told: watch::Receiver<Wish>) {
    let mut tick = tokio::time::interval(HEARTBEAT);
    tick.tick().await;
    loop {
        let text: &'static [u8] = tokio::select! {
            _ = tick.tick() => b"go\n",
            changed = told.changed() => match (changed, *told.borrow_and_update()) {
                (Ok(()), Wish::Count(_)) => b"count\n",
                (Ok(()), Wish::Time(_)) => b"time\n",
                (Ok(()), Wish::Nothing) => continue,
                // Told, or dropped by whoever held the process: both mean stop.
                (Ok(()), Wish::Stop) | (Err(_), _) => break,
            },
        };
        if !input.send(text).await {
            return;
        }
    }
    input.farewell().await;
}

impl Input {
    async fn send(&mut self, text: &'static [u8]) -> bool {
        match self {
            Self::Remote(write, connection) => !connection.is_closed() && write.data_bytes(text).await.is_ok(),
            Self::Stream(stdin) => stdin.write_all(text).await.is_ok(),
        }
    }

    async fn farewell(mut self) {
        self.send(b"stop\n").await;
        if let Self::Remote(write, _) = self {
            // End of file says the same again, to a script that missed the line.
            if write.eof().await.is_err() {
                return;
            }
            tokio::time::sleep(FAREWELL).await;
            // sshd keeps the slot of a session until its channel is closed from both sides.
            let _ = write.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_a_wish_of_its_own_until_the_stop() {
        let (wish, mut told) = watch::channel(Wish::Nothing);
        let heart = Heart { wish };
        let mut heard = Vec::new();
        for next in [Wish::counted, Wish::counted, Wish::timed, Wish::timed, Wish::counted] {
            heart.wish(next);
            assert!(told.has_changed().unwrap(), "{heard:?}");
            heard.push(*told.borrow_and_update());
        }
        assert_eq!(heard, [Wish::Count(0), Wish::Count(1), Wish::Time(0), Wish::Time(1), Wish::Count(0)]);
        heart.wish.send_replace(Wish::Stop);
        drop(told.borrow_and_update());
        heart.wish(Wish::counted);
        assert!(!told.has_changed().unwrap(), "a stop is the last wish");
    }
}
