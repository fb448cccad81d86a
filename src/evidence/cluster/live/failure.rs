//! What can go wrong between here and the API server, in words that say what to do.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use kube::client::AuthError;
use serde::Deserialize;

use super::{again, plugin};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::text::harmless;

/// Longest text of a stranger that an error repeats. Characters.
const LONGEST_QUOTE: usize = 300;

/// The parts of a `metav1.Status` that tell one refusal from another.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    kind: String,
    message: String,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    name: String,
}

/// An answer other than the one that was hoped for.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: StatusCode,
    /// `None` when something other than the API server answered, such as a proxy.
    status: Option<Status>,
    body: String,
    /// Where a redirect leads, and how long the server asks to be left alone.
    elsewhere: Option<String>,
    wait: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(code: StatusCode, body: &[u8]) -> Self {
        let status = serde_json::from_slice::<Status>(body).ok().filter(|status| status.kind == "Status");
        Self { code, status, body: String::from_utf8_lossy(body).into_owned(), elsewhere: None, wait: None }
    }

    /// With what its head says.
    pub(super) fn with(mut self, headers: &HeaderMap) -> Self {
        self.elsewhere = headers.get(LOCATION).map(|place| String::from_utf8_lossy(place.as_bytes()).into_owned());
        self.wait = again::after(headers);
        self
    }

    /// Whether the API server itself answered, and not something before it.
    pub(super) fn by_api(&self) -> bool {
        self.status.is_some()
    }

    /// Whether the server knows nothing of that path, in the API server's own words: an API group that is not there has no more.
    fn no_such_path(&self) -> bool {
        self.by_api() || self.body.trim().eq_ignore_ascii_case("404 page not found")
    }

    /// Whether the kind is there and the object of that name is not.
    pub(super) fn object_is_missing(&self) -> bool {
        self.code == StatusCode::NOT_FOUND && self.status.as_ref().is_some_and(|status| !status.details.name.is_empty())
    }

    /// What the server said, on one short line.
    fn said(&self) -> String {
        let said = self.status.as_ref().map_or(self.body.as_str(), |status| status.message.as_str());
        if said.trim().is_empty() { self.code.to_string() } else { quoted(said) }
    }

    /// What a server that is too busy asks for.
    fn until(&self) -> String {
        self.wait.map_or_else(String::new, |wait| format!("; it asks to be left alone for {} s", wait.as_secs_f64().ceil()))
    }

    pub(super) fn error(&self, operation: &str, server: &str) -> EvidenceError {
        let said = self.said();
        let by_api = self.by_api();
        let (kind, reason, hint) = match self.code.as_u16() {
            300..=399 => {
                let place = self.elsewhere.as_deref().map_or_else(|| "nowhere".to_owned(), quoted);
                let reason = format!(
                    "{server} sends on to {place} ({}), which is not followed: the credentials are for {server}",
                    self.code.as_u16()
                );
                (ErrorKind::Disconnected, reason, "check the server of the kubeconfig's context; an API server does not redirect")
            }
            401 => (
                ErrorKind::Forbidden,
                format!("{server} does not accept the credentials (401): {said}"),
                "log in again, or choose another context with --context",
            ),
            403 => (ErrorKind::Forbidden, said, "see what this user may do with `kubectl auth can-i --list`"),
            404 if !self.no_such_path() => {
                (ErrorKind::Garbled, format!("something in front of {server} answered 404: {said}"), BETWEEN_HINT)
            }
            404 => (ErrorKind::NotFound, format!("{server} knows nothing of that kind (404): {said}"), ""),
            429 => (ErrorKind::Garbled, format!("{server} is too busy (429): {said}{}", self.until()), "run again in a while"),
            502..=504 if !by_api => {
                let reason = format!("something in front of {server} answered {}: {said}{}", self.code.as_u16(), self.until());
                (ErrorKind::ApiUnreachable, reason, BETWEEN_HINT)
            }
            code => (ErrorKind::Garbled, format!("{server} answered {code}: {said}{}", self.until()), ""),
        };
        EvidenceError::new(kind, operation, reason).hint(hint)
    }

    /// As `error`, for a log: the API server passes on what the node's kubelet said, or that it could not ask it.
    pub(super) fn log_error(&self, operation: &str, server: &str) -> EvidenceError {
        let said = self.said();
        let kubelet_silent = self.code.is_server_error() && (said.contains("dial tcp") || said.contains("context deadline exceeded"));
        if kubelet_silent {
            // A node that refuses the connection answers: only its kubelet is not there.
            let kind = if said.contains("connection refused") { ErrorKind::Refused } else { ErrorKind::HostUnreachable };
            return EvidenceError::new(kind, operation, format!("the API server cannot reach the node's kubelet: {said}"))
                .hint("look at the node with `kubectl get nodes`");
        }
        match self.code {
            StatusCode::NOT_FOUND => EvidenceError::new(ErrorKind::NotFound, operation, said),
            // Said of a container that has no log (yet, or before its restart), and of one that the pod does not have.
            StatusCode::BAD_REQUEST if self.status.is_some() => EvidenceError::new(ErrorKind::NotFound, operation, said),
            _ => self.error(operation, server),
        }
    }

    /// As `error`, for what a pod behind the API server's proxy said: its own refusals are not the API server's.
    pub(super) fn metrics_error(&self, operation: &str, server: &str) -> EvidenceError {
        let said = self.said();
        match self.code.as_u16() {
            // MetalLB 0.16 answers 500 to any token when its speakers may not review tokens.
            401 | 500 if self.status.is_none() => EvidenceError::new(
                ErrorKind::Forbidden,
                operation,
                format!("the pod refuses to show its metrics ({}): {said}", self.code.as_u16()),
            )
            .hint("metrics that want a login cannot be read through the API server's proxy"),
            404 if self.status.is_none() => EvidenceError::new(ErrorKind::NotFound, operation, said),
            500..=504 => {
                EvidenceError::new(ErrorKind::NotFound, operation, format!("the API server cannot reach the pod's metrics: {said}"))
            }
            _ => self.error(operation, server),
        }
    }
}

/// An error of the client, from before an answer came.
pub(super) fn unreachable(operation: &str, server: &str, error: &kube::Error) -> EvidenceError {
    if let Some(auth) = auth_error(error) {
        return credentials(operation, auth);
    }
    let chain = chain(error);
    let text = chain.join(": ");
    let lower = text.to_lowercase();
    let (reason, hint) = if let Some(kind) = io_kind(error).filter(|kind| *kind != io::ErrorKind::Other) {
        by_io_kind(server, kind, &lower, &text)
    } else if lower.contains("dns error") {
        no_such_name(server)
    } else if is_tls(&lower) {
        (format!("TLS with {server} failed: {}", last(&chain)), TLS_HINT)
    } else if lower.contains("deadline") || lower.contains("timed out") {
        timed_out(server)
    } else {
        (format!("{server} cannot be reached: {text}"), REACH_HINT)
    };
    EvidenceError::new(ErrorKind::ApiUnreachable, operation, reason).hint(hint)
}

const BETWEEN_HINT: &str = "look at the proxy or load balancer between here and the API server";
const REACH_HINT: &str = "check the server of the kubeconfig's context, the network and the proxy settings";
const TLS_HINT: &str = "check certificate-authority and server of the kubeconfig's cluster, and what answers at that address";

fn by_io_kind(server: &str, kind: io::ErrorKind, lower: &str, text: &str) -> (String, &'static str) {
    match kind {
        io::ErrorKind::ConnectionRefused => (format!("{server} refused the connection: nothing listens there"), REACH_HINT),
        io::ErrorKind::TimedOut => timed_out(server),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            (format!("there is no way to {server} from here ({kind})"), REACH_HINT)
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            (format!("{server} closed the connection before it answered"), REACH_HINT)
        }
        _ if is_tls(lower) => (format!("TLS with {server} failed: {text}"), TLS_HINT),
        _ if lower.contains("dns error") => no_such_name(server),
        _ => (format!("{server} cannot be reached: {text}"), REACH_HINT),
    }
}

/// Whether the words are rustls's. Its errors come wrapped so deep that only the words are left.
fn is_tls(lower: &str) -> bool {
    ["certificate", "tls", "corrupt message", "handshake", "fatal alert", "peer misbehaved", "peer is incompatible"]
        .iter()
        .any(|word| lower.contains(word))
}

fn timed_out(server: &str) -> (String, &'static str) {
    (format!("{server} did not take the connection in time"), REACH_HINT)
}

fn no_such_name(server: &str) -> (String, &'static str) {
    (format!("the name of {server} cannot be resolved"), "check the name server, and whether a VPN is needed")
}

/// Why no credentials could be got. What a plugin printed is not repeated: it may be the credentials.
fn credentials(operation: &str, error: &AuthError) -> EvidenceError {
    let reason = match error {
        // Its command is not shown either: it comes with the environment that the kubeconfig sets.
        AuthError::AuthExecRun { out, .. } if out.stdout.len() >= plugin::MOST => {
            format!("the credential plugin printed more than {} MiB", plugin::MOST >> 20)
        }
        AuthError::AuthExecRun { out, .. } => format!("the credential plugin failed with {}", out.status),
        AuthError::AuthExecStart(error) => format!("the credential plugin cannot be started: {error}"),
        AuthError::AuthExecParse(_) => "the credential plugin's answer makes no sense".to_owned(),
        AuthError::ReadTokenFile(error, path) => format!("the token file {} cannot be read: {error}", path.display()),
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            "the kubeconfig's credentials hold characters that HTTP forbids".to_owned()
        }
        AuthError::ParseTokenKey(_) => "the auth provider's answer makes no sense".to_owned(),
        other => other.to_string(),
    };
    EvidenceError::new(ErrorKind::ApiUnreachable, operation, format!("no credentials: {reason}"))
        .hint("see whether kubectl works with the same context")
}

/// Credentials at which the client broke. The words of its panic name no value.
pub(super) fn unsendable(operation: &str, words: &str) -> EvidenceError {
    let reason = if words.contains("valid header") {
        "no credentials: the token holds characters that HTTP forbids, such as a line end".to_owned()
    } else {
        format!("no credentials: what was given cannot be used: {}", harmless(words))
    };
    EvidenceError::new(ErrorKind::ApiUnreachable, operation, reason).hint("see whether kubectl works with the same context")
}

fn auth_error(error: &kube::Error) -> Option<&AuthError> {
    if let kube::Error::Auth(auth) = error {
        return Some(auth);
    }
    let mut at = error.source();
    while let Some(error) = at {
        if let Some(auth) = error.downcast_ref::<AuthError>() {
            return Some(auth);
        }
        at = error.source();
    }
    None
}

/// The innermost input or output error.
fn io_kind(error: &kube::Error) -> Option<io::ErrorKind> {
    let mut kind = None;
    let mut at = error.source();
    while let Some(error) = at {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            kind = Some(io.kind());
        }
        at = error.source();
    }
    kind
}

/// Whether a connection that was there ended before the answer did: the same question may find another one.
pub(super) fn is_break(error: &kube::Error) -> bool {
    let broken =
        [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted, io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
    // hyper has words of its own for a connection that was closed where an answer should have gone on.
    let closed =
        |text: &str| ["closed before message completed", "end of file", "connection closed"].iter().any(|word| text.contains(word));
    io_kind(error).is_some_and(|kind| broken.contains(&kind)) || closed(&chain(error).join(": ").to_lowercase())
}

/// A stranger's text on one short line.
fn quoted(text: &str) -> String {
    let line = harmless(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > LONGEST_QUOTE { line.chars().take(LONGEST_QUOTE).chain(std::iter::once('…')).collect() } else { line }
}

/// The messages from the outermost to the innermost, without repetition.
fn chain(error: &kube::Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    let mut at: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = at {
        let text = error.to_string();
        if messages.last().is_none_or(|last| !last.contains(&text)) {
            messages.push(text);
        }
        at = error.source();
    }
    messages
}

fn last(chain: &[String]) -> &str {
    chain.last().map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, body: &str) -> EvidenceError {
        Refusal::new(StatusCode::from_u16(code).unwrap(), body.as_bytes()).error("list pods", "https://api:6443")
    }

    fn status(message: &str, details: &str) -> String {
        format!(r#"{{"kind":"Status","message":"{message}","reason":"x","details":{details},"code":1}}"#)
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(error(401, &status("Unauthorized", "{}")).kind, ErrorKind::Forbidden);
        let forbidden = error(403, &status("pods is forbidden: User \\\"x\\\" cannot list", "{}"));
        assert_eq!((forbidden.kind, forbidden.reason.as_str()), (ErrorKind::Forbidden, "pods is forbidden: User \"x\" cannot list"));
        assert_eq!(error(404, "404 page not found\n").kind, ErrorKind::NotFound);
        assert_eq!(error(503, "<html>no\u{1b}[2J upstream</html>").kind, ErrorKind::ApiUnreachable);
        assert_eq!(error(503, &status("the server is currently unable", "{}")).kind, ErrorKind::Garbled);
        assert_eq!(error(500, "oops").to_string(), "list pods: https://api:6443 answered 500: oops");
        assert!(error(500, &"x".repeat(99_999)).reason.len() < 400);
    }

    #[test]
    fn a_missing_object_is_not_a_missing_kind() {
        let refusal = |body: &str| Refusal::new(StatusCode::NOT_FOUND, body.as_bytes());
        assert!(refusal(&status("services \\\"x\\\" not found", r#"{"name":"x"}"#)).object_is_missing());
        assert!(!refusal(&status("the server could not find the requested resource", "{}")).object_is_missing());
        assert!(!refusal("404 page not found").object_is_missing());
    }

    #[test]
    fn a_kubelet_out_of_reach_is_a_node_out_of_reach() {
        let body = status("Get \\\"https://10.0.0.1:10250/containerLogs\\\": dial tcp 10.0.0.1:10250: connect: no route to host", "{}");
        let error = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, body.as_bytes()).log_error("read log a/b", "s");
        assert_eq!(error.kind, ErrorKind::HostUnreachable);
        let refused =
            status("Get \\\"https://10.0.0.1:10250/containerLogs\\\": dial tcp 10.0.0.1:10250: connect: connection refused", "{}");
        let error = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, refused.as_bytes()).log_error("read log a/b", "s");
        assert_eq!(error.kind, ErrorKind::Refused);
        let waiting = Refusal::new(StatusCode::BAD_REQUEST, status("container is waiting to start", "{}").as_bytes());
        assert_eq!(waiting.log_error("read log a/b", "s").kind, ErrorKind::NotFound);
    }

    #[test]
    fn a_way_that_fails_says_where() {
        let reason = |error: io::Error| {
            let error = unreachable("list nodes", "https://api:6443", &kube::Error::Service(error.into()));
            assert_eq!(error.kind, ErrorKind::ApiUnreachable);
            error.reason
        };
        assert_eq!(reason(io::Error::other("dns error: failed to lookup address")), "the name of https://api:6443 cannot be resolved");
        assert_eq!(reason(io::ErrorKind::TimedOut.into()), "https://api:6443 did not take the connection in time");
        assert_eq!(reason(io::ErrorKind::ConnectionReset.into()), "https://api:6443 closed the connection before it answered");
        let tls = io::Error::new(io::ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer");
        assert!(reason(tls).starts_with("TLS with https://api:6443 failed: "));
        assert!(reason(io::Error::other("\u{1b}[31mno idea")).ends_with("\u{fffd}[31mno idea"));
    }

    #[test]
    fn what_a_plugin_printed_is_not_repeated() {
        use std::os::unix::process::ExitStatusExt;
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(256),
            stdout: b"tok-12345".to_vec(),
            stderr: b"tok-12345".to_vec(),
        };
        let error = kube::Error::Auth(AuthError::AuthExecRun {
            cmd: "SECRET=tok-12345 \"get-token\" \"--secret=tok-12345\"".to_owned(),
            out: Box::new(out),
        });
        let text = unreachable("connect", "https://api", &error).to_string();
        assert!(text.contains("exit status: 1") && !text.contains("tok-12345"), "{text}");
    }
}
