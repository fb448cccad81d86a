//! `probe_request(service, options)`: what a probe is to send and to expect, checked before any host is touched.

use std::net::IpAddr;
use std::sync::Arc;

use rhai::{Engine, Map, NativeCallContext};

use super::speech::speech;
use crate::model::probe::{Request, Speech};
use crate::model::request_text::{host, name, path, payload, sizes, statuses};
use crate::model::service::{Protocol, Service, ServicePort};
use crate::words::fact::{Fact, Fields};
use crate::words::manual::probe::PROBE_REQUEST as WORD;
use crate::words::manual::records;
use crate::words::options::Options;
use crate::words::session::{Answer, Run, Stop};
use crate::words::word::Record;

/// The options that say what is sent.
const KEYS: [&str; 7] = ["probe", "sni", "host", "path", "status", "payload", "sizes"];

impl Fields for Request {
    const RECORD: &'static Record = &records::flow::REQUEST;
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Request>(engine);
    let run = Arc::clone(run);
    engine.register_fn("probe_request", move |context: NativeCallContext, service: Fact<Service>, options: Map| -> Answer<Fact<Request>> {
        let options = Options::read(&run, &context, &WORD, options)?;
        let mut request = Request::default();
        told(&run, &context, &mut request, &options)?;
        let port = options.text("port").map_or_else(|| service.0.ports.first(), |port| service.0.port(&port));
        // A Service without that port is told of by whoever looks for it.
        if let Some(port) = port {
            fits(&request, port).map_err(|why| run.end(&context, Stop::Usage(why)))?;
        }
        Ok(Fact::new(request))
    });
}

/// Takes whatever of `KEYS` was given.
///
/// # Errors
/// Ends the run as a usage error when a value is none of its kind.
pub fn told(run: &Run, context: &NativeCallContext, request: &mut Request, options: &Options) -> Answer<()> {
    for key in KEYS {
        let Some(value) = options.given(key) else { continue };
        let text = match value.clone().into_array() {
            Ok(parts) => parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Err(_) => value.to_string(),
        };
        set(request, key, &text).map_err(|why| run.end(context, Stop::Usage(format!("`{key}`: {why}"))))?;
    }
    Ok(())
}

fn set(request: &mut Request, key: &str, text: &str) -> Result<(), String> {
    match key {
        "probe" => request.speech = spoken(text)?,
        "sni" => request.sni = Some(name(text)?),
        "host" => request.host = Some(host(text)?),
        "path" => request.path = Some(path(text)?),
        "status" => request.statuses = statuses(text)?,
        "payload" => request.payload = Some(payload(text)?),
        _ => request.sizes = sizes(text)?,
    }
    Ok(())
}

/// What is spoken; `auto` leaves it to the port.
fn spoken(text: &str) -> Result<Option<Speech>, String> {
    Ok(Some(match text {
        "auto" => return Ok(None),
        "tcp" => Speech::Tcp,
        "tls" => Speech::Tls,
        "http" => Speech::Http,
        "https" => Speech::Https,
        "udp" => Speech::Udp,
        _ => return Err(format!("it takes auto, tcp, tls, http, https or udp, not `{text}`")),
    }))
}

/// What is spoken to a port, and whether all of the request belongs to that.
///
/// # Errors
/// Says which part does not fit, and what to write.
pub fn fits(request: &Request, port: &ServicePort) -> Result<Speech, String> {
    let spoken = request.speech.unwrap_or_else(|| speech(port));
    let udp = port.protocol == Protocol::Udp;
    if udp != (spoken == Speech::Udp) {
        let is = if udp { "UDP" } else { "TCP" };
        return Err(format!("port {} of the Service is {is}, and cannot be asked by {}", port.port, spoken.word()));
    }
    let http = matches!(spoken, Speech::Http | Speech::Https);
    let tls = matches!(spoken, Speech::Tls | Speech::Https);
    let odd = [
        ("sni", request.sni.is_some() && !tls, "tls or https"),
        ("host", request.host.is_some() && !http, "http or https"),
        ("path", request.path.is_some() && !http, "http or https"),
        ("status", !request.statuses.is_empty() && !http, "http or https"),
        ("payload", request.payload.is_some() && !udp, "udp"),
        ("sizes", !request.sizes.is_empty() && !http && !udp, "http, https or udp"),
    ];
    match odd.iter().find(|(_, odd, _)| *odd) {
        Some((name, _, of)) => {
            let asked = spoken.word();
            let hint = if udp || *of == "udp" { "" } else { "; say which by `probe`" };
            Err(format!("`{name}` is for {of}, and port {} of the Service is asked by {asked}{hint}", port.port))
        }
        None => Ok(spoken),
    }
}

/// What each try sends, in one line.
#[must_use]
pub fn sentence(request: &Request, speech: Speech, address: IpAddr, port: u16, large: usize) -> String {
    let sni = request.sni.as_ref().map_or_else(|| "TLS without a server name".to_owned(), |sni| format!("TLS for {sni}"));
    let shown = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let get = format!("GET {} with Host {}", request.path.as_deref().unwrap_or("/"), request.host.as_deref().unwrap_or(&shown));
    let listed = || request.sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let sizes =
        if request.sizes.is_empty() { format!(", and the same with {large} bytes more") } else { format!(", in {} bytes", listed()) };
    match speech {
        Speech::Tcp => "nothing: a connection is made and closed".to_owned(),
        Speech::Tls => format!("{sni}, nothing more"),
        Speech::Http => format!("{get}{sizes}"),
        Speech::Https => format!("{sni}, {get}{sizes}"),
        Speech::Udp => {
            let usual = if port == 53 { "a DNS question for the root's name servers" } else { "the text `lbdiag probe`" };
            let payload =
                request.payload.as_ref().map_or_else(|| usual.to_owned(), |hex| format!("{} bytes, hex {}", hex.len() / 2, cut(hex)));
            if request.sizes.is_empty() { format!("a datagram: {payload}") } else { format!("datagrams of {} bytes: {payload}", listed()) }
        }
    }
}

fn cut(hex: &str) -> String {
    const SHOWN: usize = 64;
    if hex.len() <= SHOWN { hex.to_owned() } else { format!("{}…", &hex[..SHOWN]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, number: u16, protocol: Protocol) -> ServicePort {
        ServicePort { name: name.into(), port: number, protocol, target_port: "x".into(), node_port: None, app_protocol: None }
    }

    fn refused(request: &Request, port: &ServicePort) -> String {
        fits(request, port).unwrap_err()
    }

    #[test]
    fn what_does_not_fit_the_port_is_said() {
        let (https, dns, sql) = (port("https", 443, Protocol::Tcp), port("dns", 53, Protocol::Udp), port("sql", 5432, Protocol::Tcp));
        assert_eq!(fits(&Request::default(), &https), Ok(Speech::Https));
        assert_eq!(fits(&Request { speech: Some(Speech::Tls), sni: Some("a".into()), ..Request::default() }, &sql), Ok(Speech::Tls));
        assert!(refused(&Request { speech: Some(Speech::Tcp), ..Request::default() }, &dns).contains("is UDP"));
        assert!(refused(&Request { speech: Some(Speech::Udp), ..Request::default() }, &https).contains("is TCP"));
        assert!(refused(&Request { path: Some("/".into()), ..Request::default() }, &sql).contains("`path` is for http or https"));
        assert!(refused(&Request { payload: Some("00".into()), ..Request::default() }, &https).contains("`payload` is for udp"));
        assert!(refused(&Request { statuses: vec![200], ..Request::default() }, &dns).contains("`status`"));
        assert!(refused(&Request { speech: Some(Speech::Tls), sizes: vec![9], ..Request::default() }, &https).contains("`sizes`"));
    }

    #[test]
    fn what_is_sent_is_said_in_one_line() {
        let usual = Request::default();
        let address = "10.0.0.1".parse().unwrap();
        assert_eq!(
            sentence(&usual, Speech::Https, address, 443, 3000),
            "TLS without a server name, GET / with Host 10.0.0.1, and the same with 3000 bytes more"
        );
        let own = Request { sni: Some("web.example".into()), path: Some("/x".into()), sizes: vec![200, 1400], ..usual.clone() };
        assert_eq!(sentence(&own, Speech::Https, address, 443, 3000), "TLS for web.example, GET /x with Host 10.0.0.1, in 200, 1400 bytes");
        let payload = Request { payload: Some("00".repeat(100)), ..usual };
        assert!(sentence(&payload, Speech::Udp, address, 9, 0).starts_with("a datagram: 100 bytes, hex 0000"));
    }
}
