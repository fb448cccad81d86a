//! What a probe is told, and how its script is.

use std::net::IpAddr;

use crate::model::probe::{Request, Speech, Vantage};

/// Bytes of the large request: more than one packet on every usual network.
pub(super) const LARGE: usize = 3_000;

/// Seconds after which a connection is given up that nobody answers, where that is enough: by then its first packet was sent twice, the second
/// time after one second.
const QUIET: &str = "1.5";

/// Seconds after which connections that nobody answers are not waited for any more where nobody said how long to wait: their first packet was
/// sent twice by then, at once and after a second, and a third one would leave after three.
const SILENT: &str = "2.2";

/// The wait of a try that nobody said otherwise, seconds.
pub(super) const USUAL_WAIT: u64 = 4;

/// What a probe is told.
pub struct Asked {
    pub address: IpAddr,
    pub port: u16,
    pub speech: Speech,
    pub tries: u32,
    pub seconds: u64,
    pub request: Request,
    /// Places from which a connection that nobody answers need not be waited out: it was, before, and what came late was nothing.
    pub quiet: Vec<Vantage>,
}

/// The tries that one place makes.
pub(super) fn tries_of(asked: &Asked) -> u32 {
    let usual = if matches!(asked.speech, Speech::Https | Speech::Http) { 2 } else { 1 };
    let sizes = if asked.request.sizes.is_empty() { usual } else { u32::try_from(asked.request.sizes.len()).unwrap_or(u32::MAX) };
    asked.tries.saturating_mul(sizes)
}

/// The script's arguments. What is usual is left out, so that recordings of it hold the same question.
pub(super) fn arguments(asked: &Asked, ports: (u16, u16), quiet: bool) -> Vec<String> {
    let request = &asked.request;
    let patience = if quiet { Some(QUIET) } else { Some(SILENT).filter(|_| asked.seconds == USUAL_WAIT) };
    let sizes = request.sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let told = [
        ("sni", request.sni.clone()),
        ("host", request.host.clone()),
        ("path", request.path.clone()),
        ("payload", request.payload.clone()),
        ("sizes", Some(sizes).filter(|sizes| !sizes.is_empty())),
        ("ports", Some(format!("{}-{}", ports.0, ports.1))),
        ("quiet", patience.map(str::to_owned)),
    ];
    let mut all = vec![
        asked.address.to_string(),
        asked.port.to_string(),
        asked.speech.word().to_owned(),
        asked.tries.to_string(),
        asked.seconds.to_string(),
        LARGE.to_string(),
    ];
    all.extend(told.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))));
    all
}
