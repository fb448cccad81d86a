//! Servers that let us in and run nothing, or something else: told at once and once, with what to try, and the sweep does not wait either.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lbdiag::evidence::error::{ErrorKind, EvidenceError};
use lbdiag::evidence::host::Hosts;
use lbdiag::evidence::host::script::Script;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Disconnect};

use crate::sshd::{Live, Options, Place, Sshd, command, node, possible};

/// At which point a server stops being of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refuses {
    /// Hangs up after the login.
    Login,
    /// Opens no session.
    Session,
    /// Refuses every command, and leaves the session open.
    Exec,
    /// Takes every command, and nothing comes of it.
    Answer,
}

struct Server(Refuses);

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _user: &str, _key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Self::Error> {
        if self.0 == Refuses::Login { session.disconnect(Disconnect::ByApplication, "go away", "") } else { Ok(()) }
    }

    async fn channel_open_session(&mut self, _: Channel<Msg>, reply: ChannelOpenHandle, _: &mut Session) -> Result<(), Self::Error> {
        if self.0 == Refuses::Session {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        } else {
            reply.accept().await;
        }
        Ok(())
    }

    async fn exec_request(&mut self, channel: ChannelId, _: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        if self.0 == Refuses::Exec { session.channel_failure(channel) } else { session.channel_success(channel) }
    }
}

/// Such a server, known to the place as `n1`.
fn serve(place: &Place, refuses: Refuses) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
    let public = key.public_key().to_openssh().unwrap();
    let config = Arc::new(Config { keys: vec![key], ..Config::default() });
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    place.write("known_hosts", &format!("[127.0.0.1]:{port} {public}\n"));
    place.append(
        "config",
        &format!(
            "Host n1\n HostName 127.0.0.1\n Port {port}\n User ops\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n IdentityAgent none\n IdentitiesOnly yes\n IdentityFile {}\n",
            place.text("known_hosts"),
            place.text("id")
        ),
    );
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let config = Arc::clone(&config);
            tokio::spawn(async move {
                if let Ok(session) = russh::server::run_stream(config, stream, Server(refuses)).await {
                    let _ = session.await;
                }
            });
        }
    });
    runtime
}

fn no_use(error: &EvidenceError) -> bool {
    matches!(error.kind, ErrorKind::HostUnreachable | ErrorKind::LoginRefused)
}

fn links(live: &Live) -> EvidenceError {
    live.hosts.run(&node("n1"), &command(Script::Links, &[], Duration::from_secs(30))).unwrap_err()
}

/// Asks twice and sweeps: how long each took, the error, and whether the sweep is content.
fn asked(live: &Live) -> (Duration, EvidenceError, Duration, bool) {
    let began = Instant::now();
    let error = links(live);
    let first = began.elapsed();
    let again = Instant::now();
    assert!(no_use(&links(live)) && no_use(&live.inspect("n1").unwrap_err()));
    let content = live.hosts.sweep().into_iter().all(|(_, swept)| swept.is_ok());
    (first, error, again.elapsed(), content)
}

#[test]
fn a_server_that_runs_nothing_is_told_at_once_and_once() {
    for (refuses, says, content) in
        [(Refuses::Exec, "refuses to run any command for ops", true), (Refuses::Session, "", true), (Refuses::Login, "", false)]
    {
        let place = Place::new();
        let _server = serve(&place, refuses);
        let (first, error, later, swept) = asked(&place.hosts());
        assert!(no_use(&error), "{error}");
        assert!(error.to_string().contains(says), "{refuses:?}: {error}");
        assert!(first < Duration::from_secs(4), "{refuses:?}: {first:?}");
        assert!(later < Duration::from_secs(4), "{refuses:?}: {later:?}");
        assert!(swept || !content, "{refuses:?}: nothing began there, so nothing is left");
    }
}

#[test]
fn a_server_that_takes_commands_and_runs_none_is_waited_for_once() {
    let place = Place::new();
    let _server = serve(&place, Refuses::Answer);
    let (first, error, later, content) = asked(&place.hosts());
    assert!(error.reason.contains("nothing of it began within 8 s") && error.hint.contains("ForceCommand"), "{error}");
    assert!(first < Duration::from_secs(12), "{first:?}");
    assert!(later < Duration::from_secs(2), "{later:?}");
    assert!(!content, "it took the command, so that nobody knows");
}

/// A real sshd, with something else in place of our command.
fn instead(config: &str, shell: Option<(&str, &str)>) -> (Place, Sshd) {
    let place = Place::new();
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { config, user: shell, ..Options::default() });
    place.block("n1", &server, "");
    place.trust(&server);
    (place, server)
}

#[test]
fn real_servers_that_run_something_else_are_told_at_once_and_once() {
    if !possible() {
        return;
    }
    for (config, shell) in [
        ("", Some(("ops", "/bin/false"))),
        ("", Some(("ops", "/usr/sbin/nologin"))),
        ("ForceCommand printf 'this is no shell\\n'; exit 3\n", None),
        ("ForceCommand head -c 100000 /dev/urandom\n", None),
        ("ForceCommand internal-sftp\n", None),
        ("MaxSessions 0\n", None),
    ] {
        let (place, _server) = instead(config, shell);
        let (first, error, later, _) = asked(&place.hosts());
        assert!(!error.to_string().is_empty());
        assert!(first < Duration::from_secs(12), "{config}{shell:?}: {first:?} {error}");
        assert!(later < Duration::from_secs(3), "{config}{shell:?}: {later:?} {error}");
    }
}
