//! Probes: what was asked, from where, and what came back.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place from which a probe starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vantage {
    /// This machine.
    Local,
    /// Any host that SSH reaches.
    Ssh(String),
    /// A node of the cluster.
    Node(String),
    /// A pod, as `NAMESPACE/NAME`: its network namespace, with its node's tools.
    Pod(String),
    /// A client's address that nobody can log in at: its own traffic is watched, and nothing is sent for it.
    Client(String),
}

impl Vantage {
    /// How the place is named where packets and states are told of: a host's name, a pod's with its namespace, or `local`.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Ssh(name) | Self::Node(name) | Self::Pod(name) | Self::Client(name) => name,
        }
    }

    /// Whether it is inside the cluster, where a node's own kube-proxy takes its requests and nobody has to announce the address.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        matches!(self, Self::Node(_) | Self::Pod(_))
    }

    /// As a person writes it: `local`, `ssh:HOST`, `node:NAME`, `pod:NAMESPACE/NAME`; `client:ADDRESS` is only told, never written.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Ssh(host) => format!("ssh:{host}"),
            Self::Node(name) => format!("node:{name}"),
            Self::Pod(name) => format!("pod:{name}"),
            Self::Client(address) => format!("client:{address}"),
        }
    }
}

/// What the probe speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speech {
    /// TLS, then one HTTP request.
    Https,
    Http,
    /// The TLS handshake, nothing more.
    Tls,
    /// Connect, nothing more.
    Tcp,
    Udp,
}

impl Speech {
    /// The word that the probe script takes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// What a probe is told to send and to expect, beyond what the port alone says. Empty for most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// What is spoken, when that is told and not concluded from the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<Speech>,
    /// The name that TLS asks for; none is sent without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// HTTP's Host; the address without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// HTTP's path; `/` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// HTTP statuses that are expected; any without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<u16>,
    /// A datagram's payload, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// Sizes of the request in place of the usual two, bytes, the smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<u32>,
}

impl Request {
    /// Whether nothing differs from what is usually sent.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A certificate as the Service showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// Its subject and its issuer, as RFC 4514 writes them.
    pub subject: String,
    pub issuer: String,
    /// DNS names and addresses of subjectAltName.
    pub names: Vec<String>,
    /// Seconds since the epoch.
    pub valid_from: u64,
    pub valid_until: u64,
}

impl Certificate {
    /// Every text, all of which whoever made it wrote.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.subject, &mut self.issuer].into_iter().chain(&mut self.names)
    }
}

/// How a client's own traffic was waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    pub client: IpAddr,
    pub address: IpAddr,
    pub port: u16,
    pub speech: Speech,
    /// The longest that was waited, seconds.
    pub seconds: u64,
    /// How long it was, milliseconds.
    pub took_ms: u64,
}

/// The size of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    Small,
    /// 3 kB of request, more than one packet.
    Large,
}

/// How one try ended, in the order in which a connection lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// An answer came: bytes for TCP requests, a connection for plain TCP, a datagram for UDP.
    Answered,
    /// ENETUNREACH at once: this host has no route.
    NoRoute,
    /// EHOSTUNREACH: nobody answers for the next hop, or somebody said so by ICMP.
    HostUnreachable,
    /// A reset or an ICMP port unreachable instead of a connection.
    Refused,
    ConnectTimeout,
    /// Connected, and the TLS handshake got no answer.
    TlsTimeout,
    /// What came back is not TLS.
    TlsMismatch,
    /// TLS was refused by an alert.
    TlsAlert,
    /// Request sent, no answer.
    AnswerTimeout,
    /// An answer began, and nothing more came of what it announced itself.
    AnswerStalls,
    /// An answer began, and the connection ended before what it announced itself.
    AnswerCut,
    /// Reset after the connection was made.
    Reset,
    /// Closed after the connection was made, without an answer.
    Closed,
    /// What came back is not HTTP.
    HttpMismatch,
    /// The host could not ask; `detail` says why.
    CouldNotAsk,
}

impl Ending {
    /// For people, such as `connect timeout`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NoRoute => "no route",
            Self::HostUnreachable => "host unreachable",
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect timeout",
            Self::TlsTimeout => "tls timeout",
            Self::TlsMismatch => "tls mismatch",
            Self::TlsAlert => "tls alert",
            Self::AnswerTimeout => "answer timeout",
            Self::AnswerStalls => "answer stalls",
            Self::AnswerCut => "answer cut off",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::HttpMismatch => "http mismatch",
            Self::CouldNotAsk => "could not ask",
        }
    }
}

/// One try: one connection (or datagram) from a source port of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub number: u32,
    pub size: Size,
    /// Bytes of the request, when sizes were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
    /// The client's own address as its kernel chose it; `None` when no socket came to be.
    pub source: Option<IpAddr>,
    pub source_port: u16,
    pub ending: Ending,
    /// HTTP status, when there was one.
    pub status: Option<u16>,
    pub connect_ms: Option<u64>,
    pub total_ms: u64,
    pub detail: String,
    /// The certificate that it was shown, as its place in the probe's; `None` where none was, or where the tool does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<usize>,
    /// Bytes of the answer that were read, at most 16 KiB and a little; `None` where the tool does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u32>,
}

impl Attempt {
    /// A small try that nobody answered within four seconds.
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Self {
            number: 1,
            size: Size::Small,
            bytes: None,
            source: None,
            source_port: 0,
            ending: Ending::ConnectTimeout,
            status: None,
            connect_ms: None,
            total_ms: 4_000,
            detail: String::new(),
            certificate: None,
            received: None,
        }
    }

    /// Whether the Service answered.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.ending == Ending::Answered
    }
}

/// The ports that a place's kernel chooses from for connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePorts {
    /// The first and the last of its range, `net.ipv4.ip_local_port_range`.
    pub first: u16,
    pub last: u16,
    /// Those that it keeps back, `net.ipv4.ip_local_reserved_ports`, as it writes them.
    pub reserved: String,
    /// How many of the range are bound.
    pub used: u32,
}

impl SourcePorts {
    /// How many it may choose: those of the range that it does not keep back.
    #[must_use]
    pub fn usable(&self) -> u32 {
        let kept = |part: &str| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (from.trim().parse::<u16>().ok()?.max(self.first), to.trim().parse::<u16>().ok()?.min(self.last));
            (from <= to).then(|| u32::from(to - from) + 1)
        };
        let all = u32::from(self.last.saturating_sub(self.first)) + 1;
        all.saturating_sub(self.reserved.split(',').filter_map(kept).sum())
    }
}

/// All tries from one vantage point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub vantage: Vantage,
    pub address: IpAddr,
    pub port: u16,
    pub speech: Speech,
    pub attempts: Vec<Attempt>,
    /// What the host asked with: `python3`, `curl` or `bash`.
    pub tool: String,
    /// Why nothing could be asked from there.
    pub error: Option<String>,
    /// True for a probe that was repeated while state was compared.
    #[serde(default)]
    pub repeated: bool,
    #[serde(default, skip_serializing_if = "Request::is_usual")]
    pub request: Request,
    /// Certificates that were shown, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// For a client's own traffic: how it was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<Awaited>,
    /// What the place's kernel had of source ports, where it had none for a try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ports: Option<SourcePorts>,
    /// When the run began that asked, by the clock of lbdiag's machine, seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<u64>,
}

impl Probe {
    /// Tries of port 443 from c1.
    #[cfg(test)]
    pub(crate) fn sample(address: &str, attempts: Vec<Attempt>) -> Self {
        let address = address.parse().unwrap();
        Self { attempts, ..Self::new(Vantage::Ssh("c1".to_owned()), address, 443, Speech::Tcp) }
    }

    /// A probe of which nothing is known yet.
    #[must_use]
    pub fn new(vantage: Vantage, address: IpAddr, port: u16, speech: Speech) -> Self {
        Self {
            vantage,
            address,
            port,
            speech,
            attempts: Vec::new(),
            tool: String::new(),
            error: None,
            repeated: false,
            request: Request::default(),
            certificates: Vec::new(),
            awaited: None,
            source_ports: None,
            asked_at: None,
        }
    }

    /// Tries that were really made.
    pub fn made(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| attempt.ending != Ending::CouldNotAsk)
    }

    /// Tries without an answer.
    pub fn failed(&self) -> impl Iterator<Item = &Attempt> {
        self.made().filter(|attempt| !attempt.answered())
    }

    /// Whether a client's own traffic was waited for, and no try of it was seen to its end.
    #[must_use]
    pub fn nobody_asked(&self) -> bool {
        self.awaited.is_some() && self.attempts.is_empty()
    }

    /// Whether tries were to be made and the place let none of them be made.
    #[must_use]
    pub fn none_could_be_made(&self) -> bool {
        !self.attempts.is_empty() && self.made().next().is_none()
    }

    /// Whether every try was answered, and there was at least one.
    #[must_use]
    pub fn all_answered(&self) -> bool {
        self.error.is_none() && self.made().next().is_some() && self.failed().next().is_none()
    }
}
