//! One SSH connection: made, verified and logged in once, shared by all that is asked of a host.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{Config, DisconnectReason, Handle, Handler, Msg};
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, Preferred, cipher};
use tokio::sync::Semaphore;

use super::known_hosts::{KnownHosts, Lookup, Verdict};
use super::login;
use super::settings::Target;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::lock;

/// How long a connection may take until its host is verified, and again until we are logged in.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long a login may take once connected: a directory service behind it may be slow.
const LOGIN_LIMIT: Duration = Duration::from_secs(8);
/// `MaxSessions` of an sshd that nobody has changed.
const MOST_SESSIONS: usize = 10;
/// Captures on one connection; the other sessions are for commands.
const MOST_CAPTURES: usize = 8;

/// A connection that is logged in.
pub(in crate::evidence) struct Connection {
    handle: Handle<Watcher>,
    /// The host's name, for messages.
    name: String,
    /// Who is logged in there.
    user: String,
    pub(super) sessions: Arc<Semaphore>,
    pub(super) captures: Arc<Semaphore>,
    seen: Arc<Mutex<Seen>>,
}

/// What the session's own task saw.
#[derive(Default)]
struct Seen {
    /// Why the host's key was refused.
    refusal: Option<EvidenceError>,
    /// Why the connection ended.
    end: Option<String>,
}

/// Judges the host's key and remembers why a connection ended.
pub(super) struct Watcher {
    known: KnownHosts,
    lookup: Lookup,
    name: String,
    seen: Arc<Mutex<Seen>>,
}

impl Handler for Watcher {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // No certificate is ever asked for, so one that comes nevertheless counts as the bare key in it.
        match judged(&self.known, &self.lookup, &shown.public_key(), &self.name) {
            Ok(()) => Ok(true),
            Err(refusal) => {
                lock(&self.seen).refusal = Some(refusal);
                Ok(false)
            }
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        let (said, result) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => (info.message, Ok(())),
            DisconnectReason::Error(error) => (error.to_string(), Err(error)),
        };
        lock(&self.seen).end = Some(said);
        result
    }
}

/// Whether the files vouch for the key.
fn judged(known: &KnownHosts, lookup: &Lookup, key: &PublicKey, name: &str) -> Result<(), EvidenceError> {
    let fingerprint = key.fingerprint(HashAlg::Sha256);
    let refused = |reason: String| EvidenceError::new(ErrorKind::HostKey, format!("verify the host key of {name}"), reason);
    let host = &lookup.host;
    match known.judge(lookup, key) {
        Verdict::Known => Ok(()),
        Verdict::Changed(location) => Err(refused(format!("{host} shows {fingerprint}, and another key is known for it ({location})"))
            .hint("the machine was set up again, or somebody stands between; compare the fingerprint, then correct that line")),
        Verdict::Revoked(location) => {
            Err(refused(format!("{host} shows {fingerprint}, which is marked as revoked ({location})")).hint("give the host a new key"))
        }
        Verdict::Unknown { others } => {
            let mut reason = format!("the key of {host} is not known: {} {fingerprint}", key.algorithm().as_str());
            if let Some(other) = others.first() {
                reason = format!("{reason} (a key of another type is: {other})");
            }
            if let Some(unreadable) = known.unreadable().first() {
                reason = format!("{reason} (not readable: {unreadable})");
            }
            Err(refused(reason).hint(format!(
                "compare the fingerprint with the host's own, then connect once with `ssh`, or add the output of `ssh-keyscan -p {} {host}` to known_hosts",
                lookup.port
            )))
        }
    }
}

impl Connection {
    /// Connects straight, or through a connection to a jump host, verifies the host and logs in.
    pub(super) async fn open(target: &Target, via: Option<Arc<Self>>, name: &str) -> Result<Self, EvidenceError> {
        let known = KnownHosts::read(&target.known_hosts);
        let lookup = target.lookup();
        let config = Arc::new(config(&known.types(&lookup)));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let watcher = Watcher { known, lookup, name: name.to_owned(), seen: Arc::clone(&seen) };
        let connecting = async {
            match &via {
                None => russh::client::connect(config, (target.hostname.as_str(), target.port), watcher).await,
                Some(jump) => {
                    let stream = jump.handle.channel_open_direct_tcpip(target.hostname.clone(), target.port.into(), "127.0.0.1", 0).await?;
                    russh::client::connect_stream(config, stream.into_stream(), watcher).await
                }
            }
        };
        let connected = tokio::time::timeout(CONNECT_LIMIT, connecting).await;
        if let Some(refusal) = lock(&seen).refusal.take() {
            return Err(refusal);
        }
        let way = via.as_ref().map_or_else(String::new, |jump| format!(" through {}", jump.name));
        let unreachable = |reason: String| {
            let place = format!("{}:{}{way}", target.hostname, target.port);
            EvidenceError::new(ErrorKind::HostUnreachable, format!("connect to {name}"), format!("{place}: {reason}"))
                .hint("is the address right (site file, nodes.addresses), is sshd running there, does a firewall stand between?")
        };
        let mut handle = match connected {
            Err(_) => return Err(unreachable(format!("no answer within {} s", CONNECT_LIMIT.as_secs()))),
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Ok(Ok(handle)) => handle,
        };
        match tokio::time::timeout(LOGIN_LIMIT, login::log_in(&mut handle, target, name)).await {
            Err(_) => {
                let reason = format!("no answer within {} s", LOGIN_LIMIT.as_secs());
                return Err(EvidenceError::new(ErrorKind::HostUnreachable, format!("log in to {name}"), reason)
                    .hint("does an agent wait for somebody to confirm?"));
            }
            Ok(result) => result?,
        }
        let [sessions, captures] = [MOST_SESSIONS, MOST_CAPTURES].map(|most| Arc::new(Semaphore::new(most)));
        Ok(Self { handle, name: name.to_owned(), user: target.user.clone(), sessions, captures, seen })
    }

    /// A channel for one command.
    pub(super) async fn session(&self) -> Result<Channel<Msg>, EvidenceError> {
        self.handle.channel_open_session().await.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(_) => {
                EvidenceError::new(ErrorKind::HostUnreachable, format!("open a session on {}", self.name), error)
                    .hint("sshd allows fewer sessions on a connection than its default of 10 (MaxSessions)")
            }
            _ => self.broken(),
        })
    }

    /// Why nothing more can be asked over this connection.
    pub(super) fn broken(&self) -> EvidenceError {
        let reason = lock(&self.seen).end.clone().filter(|end| !end.is_empty()).unwrap_or_else(|| "the connection broke".to_owned());
        EvidenceError::new(ErrorKind::HostUnreachable, format!("talk to {}", self.name), reason)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }
}

/// russh's defaults are for throughput on a quiet line; these are for many small answers, told at once.
fn config(known: &[Algorithm]) -> Config {
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
        preferred: Preferred {
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
    use super::*;

    #[test]
    fn known_key_types_are_asked_for_first_and_old_signatures_never() {
        let keys = config(&[Algorithm::Rsa { hash: None }]).preferred.key.into_owned();
        assert_eq!(keys[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert!(!keys.contains(&Algorithm::Rsa { hash: None }));
        assert!(keys.contains(&Algorithm::Ed25519));
        assert_eq!(config(&[]).preferred.key[0], Algorithm::Ed25519);
    }

    #[test]
    fn a_refusal_says_fingerprint_and_what_to_do() {
        let key = russh::keys::parse_public_key_base64("AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ").unwrap();
        let lookup = Lookup { host: "10.0.0.2".to_owned(), port: 2222, alias: None };
        let error = judged(&KnownHosts::default(), &lookup, &key, "n2").unwrap_err();
        assert_eq!(error.kind, ErrorKind::HostKey);
        assert!(error.reason.contains("SHA256:"), "{error}");
        assert!(error.hint.contains("ssh-keyscan -p 2222 10.0.0.2"), "{error}");
    }
}
