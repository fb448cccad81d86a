//! One SSH connection: made, verified and logged in once, shared by all that is asked of a host.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{Config, Handle, Msg};
use russh::keys::Algorithm;
use russh::{Channel, ChannelStream, Preferred, cipher};

use super::dial::{LAST_WORDS, dial};
use super::known_hosts::KnownHosts;
use super::login;
use super::passphrase::Passphrases;
use super::settings::Target;
use super::standing::{Seen, Standing};
use super::watcher::Watcher;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::lock;

/// How long a connection may take until its host is verified.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a kernel may take to answer at an address: three questions after none, one and three seconds, and half a second for the last.
const TAKEN_LIMIT: Duration = Duration::from_millis(3_500);
/// The same by a `ProxyCommand`, which may log in somewhere itself.
const PROXY_LIMIT: Duration = Duration::from_secs(15);
/// How long a login may take once connected: a directory service behind it may be slow.
const LOGIN_LIMIT: Duration = Duration::from_secs(8);
/// How long a host that let a command run out of time may take to say that it is there.
const PING_LIMIT: Duration = Duration::from_secs(3);
/// How soon an sshd that turns us away may be asked again: it does so when too many log in at once (`MaxStartups`).
const SECOND_TRY: Duration = Duration::from_millis(400);

/// What is tried when a session is asked for.
pub(super) const OPENING: &str = "open a session";
/// How long a session is asked for beside captures after the last command ended: sshd frees its place a moment later, and the later the
/// busier its host is.
const SLOT_LIMIT: Duration = Duration::from_millis(1500);
/// The same where nothing of ours is under way any more: then every place is about to be free.
const LAST_SLOT_LIMIT: Duration = Duration::from_secs(5);
/// How long a session waits for its turn among commands.
const TURN_LIMIT: Duration = Duration::from_secs(15);
/// Between two askings for a session.
const TURN_PAUSE: Duration = Duration::from_millis(30);

/// A connection that is logged in.
pub(in crate::evidence) struct Connection {
    handle: Handle<Watcher>,
    pub(super) standing: Standing,
}

impl Connection {
    /// Connects straight, or through a connection to a jump host, verifies the host and logs in.
    pub(super) async fn open(
        target: &Target,
        via: Option<Arc<Self>>,
        name: &str,
        passphrases: &Passphrases,
    ) -> Result<Self, EvidenceError> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let limit = if target.proxy_command.is_some() { PROXY_LIMIT } else { CONNECT_LIMIT };
        let connected = tokio::time::timeout(limit, verified(target, via.as_deref(), name, &seen)).await;
        if let Some(refusal) = lock(&seen).refusal.take() {
            return Err(refusal);
        }
        let unreachable = |reason: String| {
            let way = via.as_ref().map_or_else(String::new, |jump| format!(" through {}", jump.standing.name));
            let way = if target.proxy_command.is_some() { " by its ProxyCommand" } else { &way };
            let place = format!("{}:{}{way}", target.hostname, target.port);
            EvidenceError::new(ErrorKind::HostUnreachable, format!("connect to {name}"), format!("{place}: {reason}")).hint(
                target.with_unread(
                    "is the address right (site file, nodes.addresses), is sshd running there, does a firewall stand between?",
                ),
            )
        };
        let mut handle = match connected {
            // A server greets first: who waits for a greeting in vain has reached a kernel, and none of its programs.
            Err(_) if target.proxy_command.is_none() && lock(&seen).connected => {
                let reason =
                    format!("{}:{} takes the connection and says nothing within {} s", target.hostname, target.port, limit.as_secs());
                let hint = "do that host's programs stand still, although its kernel answers?";
                return Err(EvidenceError::new(ErrorKind::HostSilent, format!("connect to {name}"), reason).hint(hint));
            }
            Err(_) => return Err(unreachable(format!("no answer within {} s", limit.as_secs()))),
            Ok(Err(reason)) => return Err(unreachable(reason)),
            Ok(Ok(handle)) => handle,
        };
        match limited(LOGIN_LIMIT, passphrases, login::log_in(&mut handle, target, name, passphrases)).await {
            None => {
                let reason = format!("no answer within {} s", LOGIN_LIMIT.as_secs());
                return Err(EvidenceError::new(ErrorKind::HostUnreachable, format!("log in to {name}"), reason)
                    .hint("does an agent wait for somebody to confirm, or the host for its directory service?"));
            }
            Some(result) => result?,
        }
        Ok(Self { handle, standing: Standing::new(name, &target.user, seen) })
    }

    /// A way through this host to another one.
    pub(super) async fn through(&self, target: &Target) -> Result<ChannelStream<Msg>, String> {
        let opened = self.handle.channel_open_direct_tcpip(target.hostname.clone(), target.port.into(), "127.0.0.1", 0).await;
        let channel = opened.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(_) => format!("{} does not pass it on: {error}", self.standing.name),
            _ => self.standing.broken().to_string(),
        })?;
        Ok(channel.into_stream())
    }

    /// A channel for one command. A server that allows fewer sessions than usual refuses it while others are under way: the end of commands
    /// is waited for, and captures, which end only when they are told to, are not.
    pub(super) async fn session(&self) -> Result<Channel<Msg>, EvidenceError> {
        let began = tokio::time::Instant::now();
        let mut alone = began;
        loop {
            let refused = match self.handle.channel_open_session().await {
                Ok(channel) => {
                    self.standing.let_in();
                    return Ok(channel);
                }
                Err(error @ russh::Error::ChannelOpenFailure(_)) => error,
                Err(_) => return Err(self.standing.broken()),
            };
            let [command, capture] = self.standing.under_way();
            if command {
                alone = tokio::time::Instant::now();
            }
            let slot_limit = if capture { SLOT_LIMIT } else { LAST_SLOT_LIMIT };
            let in_time = alone.elapsed() < slot_limit && began.elapsed() < TURN_LIMIT;
            if !in_time || !self.standing.may_make_room() {
                return Err(self.no_session(&refused));
            }
            tokio::time::sleep(TURN_PAUSE).await;
        }
    }

    fn no_session(&self, refused: &russh::Error) -> EvidenceError {
        let operation = format!("{OPENING} on {}", self.standing.name);
        let hint = "sshd allows fewer sessions on a connection than its default of 10 (MaxSessions)";
        if self.standing.under_way().contains(&true) {
            let reason = format!("left out: its SSH server refuses another session while those that are open are in use ({refused})");
            EvidenceError::new(ErrorKind::LeftOut, operation, reason).hint(hint)
        } else {
            EvidenceError::new(ErrorKind::LoginRefused, operation, refused).hint(format!("{hint}, or none to this account"))
        }
    }

    /// Finds out whether a host that let a command run out of time is still there.
    pub(super) async fn find_out(&self) {
        if !matches!(tokio::time::timeout(PING_LIMIT, self.handle.send_ping()).await, Ok(Ok(()))) {
            self.standing.fell_silent();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed() || self.standing.is_silent()
    }
}

/// A connection to a host that is who it is said to be. Turned away before a word was said, it is tried once more.
async fn verified(target: &Target, via: Option<&Connection>, name: &str, seen: &Arc<Mutex<Seen>>) -> Result<Handle<Watcher>, String> {
    let mut second = false;
    loop {
        let known = KnownHosts::read(&target.known_hosts, target.revoked.as_deref());
        let lookup = target.lookup();
        let config = Arc::new(config(&known.types(&lookup), known.trusts_an_authority(&lookup)));
        let watcher = Watcher { known, lookup, name: name.to_owned(), seen: Arc::clone(seen) };
        let through = match via {
            Some(jump) => Some(jump.through(target).await?),
            None => None,
        };
        // Where a name has to be looked up first, that takes its time, too.
        let straight = via.is_none() && target.proxy_command.is_none() && target.hostname.parse::<IpAddr>().is_ok();
        let limit = if straight { TAKEN_LIMIT } else { PROXY_LIMIT };
        let dialled = tokio::time::timeout(limit, dial(target, through)).await;
        let dialled = dialled.map_err(|_| format!("no answer within {} s", limit.as_secs_f32()))??;
        lock(seen).connected = true;
        match russh::client::connect_stream(config, dialled.wire, watcher).await {
            Ok(handle) => return Ok(handle),
            Err(error) if !second && target.proxy_command.is_none() && turned_away(&error) => {
                second = true;
                tokio::time::sleep(SECOND_TRY).await;
            }
            Err(error) => {
                if target.proxy_command.is_some() {
                    // What it says comes by a stream of its own, which may be a little behind.
                    tokio::time::sleep(LAST_WORDS).await;
                }
                let said = lock(&dialled.said).trim().to_owned();
                return Err(if said.is_empty() { in_words(&error) } else { format!("{}; it said: {said}", in_words(&error)) });
            }
        }
    }
}

fn turned_away(error: &russh::Error) -> bool {
    match error {
        russh::Error::Disconnect => true,
        russh::Error::IO(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        _ => false,
    }
}

fn in_words(error: &russh::Error) -> String {
    match error {
        russh::Error::Disconnect => "it closed the connection before it was verified".to_owned(),
        russh::Error::Version => "what answers there does not speak SSH".to_owned(),
        russh::Error::IO(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// Bounds some work in time, except for the time that a person takes to type. `None` when it took too long.
async fn limited<T>(limit: Duration, passphrases: &Passphrases, work: impl Future<Output = T>) -> Option<T> {
    const TICK: Duration = Duration::from_millis(100);
    let mut left = limit;
    tokio::pin!(work);
    while !left.is_zero() {
        match tokio::time::timeout(TICK.min(left), &mut work).await {
            Ok(result) => return Some(result),
            Err(_) if passphrases.asking() => {}
            Err(_) => left = left.saturating_sub(TICK),
        }
    }
    None
}

/// russh's defaults are for throughput on a quiet line; these are for many small answers, told at once.
fn config(known: &[Algorithm], certificates: bool) -> Config {
    let mut keys: Vec<Algorithm> = Vec::new();
    let defaults = Preferred::DEFAULT.key.iter().filter(|key| !matches!(key, Algorithm::Rsa { hash: None }));
    // A host with several keys is to show the one that is known.
    let (first, rest): (Vec<_>, Vec<_>) = defaults.cloned().partition(|key| known.iter().any(|known| same_type(known, key)));
    keys.extend(first);
    keys.extend(rest);
    Config {
        nodelay: true,
        keepalive_interval: Some(Duration::from_secs(5)),
        keepalive_max: 3,
        window_size: 8 << 20,
        // Pieces of up to 32 KiB that wait for whoever reads a channel. Sixteen captures that fall behind for a moment must not
        // take 50 MiB, which the default of 100 lets them.
        channel_buffer_size: 32,
        preferred: Preferred {
            host_key_certificates: if certificates { Cow::Owned(keys.clone()) } else { Cow::Borrowed(&[]) },
            key: Cow::Owned(keys),
            cipher: Cow::Borrowed(&[
                cipher::AES_256_GCM,
                cipher::AES_128_GCM,
                cipher::CHACHA20_POLY1305,
                cipher::AES_256_CTR,
                cipher::AES_192_CTR,
                cipher::AES_128_CTR,
            ]),
            ..Preferred::DEFAULT
        },
        ..Config::default()
    }
}

/// Whether two algorithms are of one key type; the hash is the signature's, not the key's.
fn same_type(one: &Algorithm, other: &Algorithm) -> bool {
    one == other || matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

#[cfg(test)]
mod tests {
    use russh::keys::HashAlg;

    use super::*;

    #[test]
    fn known_key_types_are_asked_for_first_and_old_signatures_never() {
        let keys = config(&[Algorithm::Rsa { hash: None }], false).preferred.key.into_owned();
        assert_eq!(keys[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert!(!keys.contains(&Algorithm::Rsa { hash: None }));
        assert!(keys.contains(&Algorithm::Ed25519));
        assert_eq!(config(&[], false).preferred.key[0], Algorithm::Ed25519);
        // A certificate is asked for only where somebody could judge it.
        assert!(config(&[], false).preferred.host_key_certificates.is_empty());
        assert!(!config(&[], true).preferred.host_key_certificates.is_empty());
    }
}
