//! Opens the way to an sshd: a TCP connection of our own, a channel through a jump host, or the user's `ProxyCommand`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use russh::ChannelStream;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpSocket;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::oneshot;

use super::keeper::KeptGroup;
use super::settings::{Family, Target};
use crate::evidence::side_by_side::lock;

/// How long one of several addresses may keep the others waiting.
const ONE_ADDRESS: Duration = Duration::from_secs(2);
/// How long the last words of a `ProxyCommand` are waited for.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(150);
/// What a `ProxyCommand` may say on standard error, bytes.
const MOST_SAID: usize = 4 * 1024;

/// Something that carries an SSH connection.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// The wire, and what a `ProxyCommand` has said so far.
pub(super) struct Dialled {
    pub(super) wire: Box<dyn Wire>,
    pub(super) said: Arc<Mutex<String>>,
}

/// Opens the way, `through` a jump host where there is one; the caller bounds the time.
///
/// # Errors
/// Why there is no way, in words.
pub(super) async fn dial(target: &Target, through: Option<ChannelStream<Msg>>) -> Result<Dialled, String> {
    let said = Arc::default();
    let wire: Box<dyn Wire> = match (through, &target.proxy_command) {
        (Some(channel), _) => Box::new(channel),
        (None, Some(command)) => Box::new(Proxy::start(command, &said)?),
        (None, None) => Box::new(tcp(target).await?),
    };
    Ok(Dialled { wire, said })
}

async fn tcp(target: &Target) -> Result<tokio::net::TcpStream, String> {
    let found = tokio::net::lookup_host((target.hostname.as_str(), target.port)).await.map_err(|error| error.to_string())?;
    let fits = |address: &SocketAddr| match target.family {
        Family::Any => true,
        Family::Four => address.is_ipv4(),
        Family::Six => address.is_ipv6(),
    };
    let addresses: Vec<SocketAddr> = found.filter(fits).collect();
    let from: Option<IpAddr> = match &target.from {
        Some(from) => Some(from.parse().map_err(|_| format!("BindAddress {from} is no address"))?),
        None => None,
    };
    let mut failures = Vec::new();
    for address in &addresses {
        let connecting = connect(*address, from);
        let connected = if addresses.len() == 1 {
            connecting.await
        } else {
            tokio::time::timeout(ONE_ADDRESS, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) if addresses.len() == 1 => failures.push(error.to_string()),
            Err(error) => failures.push(format!("{}: {error}", address.ip())),
        }
    }
    Err(if failures.is_empty() { "it has no address of the family that ssh_config names".to_owned() } else { failures.join(", ") })
}

async fn connect(address: SocketAddr, from: Option<IpAddr>) -> io::Result<tokio::net::TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A `ProxyCommand` under way; it ends when this is dropped.
struct Proxy {
    stdin: ChildStdin,
    stdout: ChildStdout,
    _alive: oneshot::Sender<()>,
}

impl Proxy {
    /// Runs the command by the user's shell, as OpenSSH does.
    fn start(command: &str, said: &Arc<Mutex<String>>) -> Result<Self, String> {
        let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
        let cannot = |reason: &str| format!("its ProxyCommand cannot be run: {reason}");
        let mut child = tokio::process::Command::new(shell)
            .arg("-c")
            .arg(format!("exec {command}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is for us: the way is still needed, to clean up.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| cannot(&error.to_string()))?;
        let (Some(stdin), Some(stdout), Some(mut stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(cannot("it has no standard streams"));
        };
        let kept = KeptGroup::of(&child);
        let (alive, gone) = oneshot::channel();
        let said = Arc::clone(said);
        tokio::spawn(async move {
            let listening = listen(&mut stderr, &said);
            tokio::pin!(listening);
            tokio::select! {
                () = &mut listening => {}
                _ = gone => {
                    // Its last words may say why it had to go.
                    let _ = tokio::time::timeout(LAST_WORDS, &mut listening).await;
                }
            }
            let _ = tokio::time::timeout(LAST_WORDS, child.wait()).await;
            drop(kept);
            let _ = child.kill().await;
        });
        Ok(Self { stdin, stdout, _alive: alive })
    }
}

async fn listen(stderr: &mut ChildStderr, said: &Mutex<String>) {
    let mut bytes = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
        let mut said = lock(said);
        if said.len() < MOST_SAID {
            said.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
}

impl AsyncRead for Proxy {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(context, buffer)
    }
}

impl AsyncWrite for Proxy {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(context)
    }
}
