//! `probe_request(service, options)`: what a probe is to send and to expect, checked before any host is touched.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, NativeCallContext};
use serde_json::Value;

use super::fact::{Fact, Fields};
use super::probe::speech;
use super::reference::Word;
use super::run::{Answer, Run, Stop};
use crate::model::nearest::nearest;
use crate::model::probe::{Request, Speech};
use crate::model::service::{Protocol, Service, ServicePort};

pub const WORD: Word = Word {
    name: "probe_request",
    capability: "",
    signature: "probe_request(service, #{ port, probe, sni, host, path, status, payload, sizes }) -> Request",
    meaning: "What a probe is to send and to expect, checked here: `probe` is auto, tcp, tls, http, https or udp; `sni` the name that TLS asks for, `host` and `path` those of the HTTP request, `status` the HTTP statuses that are expected, `payload` a datagram's text (or hex:…), `sizes` the sizes of the request in bytes, to find how large one may be. What does not fit the port's protocol ends the run as a usage error. An option that is () says nothing.",
    register,
};

/// The options that say what is sent.
pub const KEYS: [&str; 7] = ["probe", "sni", "host", "path", "status", "payload", "sizes"];

/// The longest path, bytes: what servers take at least.
const LONGEST_PATH: usize = 2_000;
/// The largest payload of a datagram, bytes.
const MOST_PAYLOAD: usize = 4_096;
/// The largest request, bytes. With IP's and UDP's headers a datagram holds no more.
const LARGEST: u32 = 65_000;
const MOST_SIZES: usize = 8;

impl Fields for Request {
    const COMPUTED: &'static [&'static str] = &[];

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }
}

fn register(engine: &mut Engine, run: &Arc<Run>) {
    super::fact::register::<Request>(engine, "Request");
    let run = Arc::clone(run);
    engine.register_fn("probe_request", move |context: NativeCallContext, service: Fact<Service>, options: Map| -> Answer<Fact<Request>> {
        let mut request = Request::default();
        let mut port = service.0.ports.first();
        for (key, value) in options {
            match key.as_str() {
                _ if value.is_unit() => {}
                "port" => port = service.0.port(&value.to_string()),
                key if KEYS.contains(&key) => take(&run, &context, &mut request, key, &value)?,
                other => {
                    let hint = nearest(other, KEYS.into_iter().chain(["port"]))
                        .map(|near| format!("; did you mean `{near}`?"))
                        .unwrap_or_default();
                    return Err(Run::refuse(&context, format!("probe_request has no option `{other}`{hint}")));
                }
            }
        }
        // A Service without that port is told of by whoever looks for it.
        if let Some(port) = port {
            fits(&request, port).map_err(|why| run.end(&context, Stop::Usage(why)))?;
        }
        Ok(Fact::new(request))
    });
}

/// Takes one of `KEYS`.
///
/// # Errors
/// Ends the run as a usage error when the value is none of its kind.
pub fn take(run: &Run, context: &NativeCallContext, request: &mut Request, key: &str, value: &Dynamic) -> Answer<()> {
    if value.is_unit() {
        return Ok(());
    }
    let text = match value.clone().into_array() {
        Ok(parts) => parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Err(_) => value.to_string(),
    };
    set(request, key, &text).map_err(|why| run.end(context, Stop::Usage(format!("`{key}`: {why}"))))
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

/// A name as TLS may ask for it (RFC 6066: of DNS, and no address).
///
/// # Errors
/// When it is none.
pub fn name(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let plain = text.len() <= 253 && text.split('.').all(label) && text.parse::<IpAddr>().is_err();
    if plain { Ok(text.to_owned()) } else { Err(format!("it takes a DNS name such as web.example, not `{text}`")) }
}

/// The Host of an HTTP request: a name or an address, with a port or without.
///
/// # Errors
/// When it is none.
pub fn host(text: &str) -> Result<String, String> {
    let bare = match text.rsplit_once(':') {
        Some((bare, port)) if port.parse::<u16>().is_ok() && (!bare.contains(':') || bare.ends_with(']')) => bare,
        _ => text,
    };
    let six =
        bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    if six || bare.parse::<std::net::Ipv4Addr>().is_ok() || name(bare).is_ok() {
        Ok(text.to_owned())
    } else {
        Err(format!("it takes a host such as web.example or web.example:8080, not `{text}`"))
    }
}

/// The path of an HTTP request, with its query.
///
/// # Errors
/// When it is none, or one that no request line can hold.
pub fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.len() <= LONGEST_PATH && text.chars().all(|c| c.is_ascii_graphic() && c != '#') {
        Ok(text.to_owned())
    } else {
        Err(format!("it takes a path such as /health?full=1, of at most {LONGEST_PATH} visible characters of ASCII, not `{text}`"))
    }
}

/// HTTP statuses, by comma.
///
/// # Errors
/// When one is none.
pub fn statuses(text: &str) -> Result<Vec<u16>, String> {
    let wrong = || format!("it takes HTTP statuses from 100 to 599 by comma, such as 200,204, not `{text}`");
    let mut all = Vec::new();
    for part in parts(text) {
        let status = part.parse::<u16>().ok().filter(|status| (100..600).contains(status)).ok_or_else(wrong)?;
        if !all.contains(&status) {
            all.push(status);
        }
    }
    if all.is_empty() { Err(wrong()) } else { Ok(all) }
}

/// A datagram's payload in hexadecimal: of `hex:…` what follows, of any other text its own bytes.
///
/// # Errors
/// When it is empty, too large, or no hexadecimal.
pub fn payload(text: &str) -> Result<String, String> {
    let hex = match text.strip_prefix("hex:") {
        Some(hex) if hex.len() % 2 == 0 && hex.chars().all(|c| c.is_ascii_hexdigit()) => hex.to_ascii_lowercase(),
        Some(_) => return Err("after hex: it takes pairs of hexadecimal digits, such as hex:00ff".to_owned()),
        None => text.bytes().fold(String::new(), |mut hex, byte| {
            // Writing to a string has no way to fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    };
    if hex.is_empty() || hex.len() / 2 > MOST_PAYLOAD {
        return Err(format!("it takes 1 to {MOST_PAYLOAD} bytes, and these are {}", hex.len() / 2));
    }
    Ok(hex)
}

/// Sizes of a request in bytes, by comma; the smallest first, each once.
///
/// # Errors
/// When one is none, or there are too many.
pub fn sizes(text: &str) -> Result<Vec<u32>, String> {
    let wrong =
        || format!("it takes up to {MOST_SIZES} sizes from 1 to {LARGEST} bytes by comma, such as 200,1400,1500,3000, not `{text}`");
    let mut all = Vec::new();
    for part in parts(text) {
        all.push(part.parse::<u32>().ok().filter(|size| (1..=LARGEST).contains(size)).ok_or_else(wrong)?);
    }
    all.sort_unstable();
    all.dedup();
    if all.is_empty() || all.len() > MOST_SIZES { Err(wrong()) } else { Ok(all) }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
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

    #[test]
    fn hostile_values_are_refused() {
        for text in
            ["", "-oProxy", "a b", "web.example\r\nX: y", "$(id)", "a..b", "10.0.0.1", "`id`", "web.example;id", "\u{1b}[2J", "häuser"]
        {
            assert!(name(text).is_err(), "{text:?}");
        }
        for text in ["", "web.example\r\nX: y", "a b", "web:port", "::1", "[::1", "a/b", "user@web"] {
            assert!(host(text).is_err(), "{text:?}");
        }
        for text in ["", "health", "/a b", "/a\r\nHost: x", "/\u{0}", "/ü", "/a#b", "@/etc/passwd"] {
            assert!(path(text).is_err(), "{text:?}");
        }
        assert!(path(&format!("/{}", "x".repeat(2_000))).is_err());
        for text in ["", "20", "600", "200;id", "2xx", "-200"] {
            assert!(statuses(text).is_err(), "{text:?}");
        }
        for text in ["", "0", "65001", "1,2,3,4,5,6,7,8,9", "1e3", "-1"] {
            assert!(sizes(text).is_err(), "{text:?}");
        }
        for text in ["", "hex:0", "hex:", "hex:xy", "hex:ü1"] {
            assert!(payload(text).is_err(), "{text:?}");
        }
        assert!(payload(&"x".repeat(4_097)).is_err());
    }

    #[test]
    fn good_values_are_kept() {
        assert_eq!(name("web-1.example").unwrap(), "web-1.example");
        for text in ["web.example", "web.example:8443", "10.0.0.1:80", "[::1]:80", "[::1]"] {
            assert_eq!(host(text).unwrap(), text);
        }
        assert_eq!(path("/a?b='$(id)'&c=%20").unwrap(), "/a?b='$(id)'&c=%20");
        assert_eq!(statuses("200, 204,200").unwrap(), [200, 204]);
        assert_eq!(sizes("3000,200,200").unwrap(), [200, 3000]);
        assert_eq!(payload("A\n").unwrap(), "410a");
        assert_eq!(payload("hex:00FF").unwrap(), "00ff");
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
