//! What a capture may be told, and the filters that are made from values.

use std::net::IpAddr;

use rhai::{Map, NativeCallContext};

use crate::evidence::capture::decode::{EN10MB, SLL2};
use crate::evidence::capture::filter;
use crate::model::capability::{ANY_CAPTURE, HEADERS, PAYLOAD};
use crate::model::capture::{CaptureRequest, Direction};
use crate::model::endpoint::Target;
use crate::model::place::Place;
use crate::model::service::{Protocol, Service};
use crate::words::fact::Fact;
use crate::words::fits::towards;
use crate::words::mistake::Mistake;
use crate::words::options::Options as Given;
use crate::words::session::{Answer, Run};
use crate::words::word::Word;

/// The options that say what is captured and within which bounds.
pub struct Options {
    pub service: Option<Fact<Service>>,
    pub target: Option<Fact<Target>>,
    /// A client of which a node's capture is to hold whatever it sends to the address.
    pub client: Option<IpAddr>,
    pub address: Option<IpAddr>,
    pub port: Option<u16>,
    pub protocol: Protocol,
    pub filter: Option<String>,
    /// A name, `any`, or `towards ADDRESS`.
    pub interface: String,
    pub direction: Direction,
    pub snaplen: u32,
    pub packets: u64,
    pub seconds: u64,
    pub bytes: u64,
    pub buffer_kib: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            service: None,
            target: None,
            client: None,
            address: None,
            port: None,
            protocol: Protocol::Tcp,
            filter: None,
            interface: "any".to_owned(),
            direction: Direction::Both,
            snaplen: 128,
            packets: 20_000,
            seconds: 90,
            bytes: 8 << 20,
            buffer_kib: None,
        }
    }
}

impl Options {
    /// Reads the options of a word that captures.
    ///
    /// # Errors
    /// On an unknown key or a value of the wrong kind.
    pub fn read(run: &Run, context: &NativeCallContext, word: &'static Word, map: Map) -> Answer<Self> {
        let given = Given::read(run, context, word, map)?;
        let usual = Self::default();
        let options = Self {
            service: given.fact("service"),
            target: given.fact("target"),
            client: given.address("client"),
            address: given.address("address"),
            port: given.whole("port"),
            protocol: protocol(given.one_of("protocol")),
            filter: given.text("filter"),
            interface: interface(&given).unwrap_or(usual.interface),
            direction: direction(given.one_of("direction")),
            snaplen: given.whole("snaplen").unwrap_or(usual.snaplen),
            packets: given.whole("packets").unwrap_or(usual.packets),
            seconds: given.whole("seconds").unwrap_or(usual.seconds),
            bytes: given.whole("bytes").unwrap_or(usual.bytes),
            buffer_kib: given.whole("buffer"),
        };
        // A filter that is none is the author's mistake wherever the packets come from, a recording too.
        // What one kind of interface does not know, another may.
        let compiled = |written: &str| filter::compile(written, EN10MB).or_else(|_| filter::compile(written, SLL2));
        if let Some(Err(error)) = options.filter.as_deref().map(compiled) {
            return Err(Mistake::argument(word.name, &format!("the option `filter`: {}", error.reason)).raised(context));
        }
        if options.own_filter().is_some() {
            run.newly_needs(context, word.name, "a filter or an address of its own", ANY_CAPTURE)?;
        }
        if options.snaplen > HEADERS {
            run.newly_needs(context, word.name, "a `snaplen` that keeps what packets carry", PAYLOAD)?;
        }
        Ok(options)
    }

    /// The filter that was given, or the one for the address and port that were; `None` when it is to be made from a Service.
    #[must_use]
    pub fn own_filter(&self) -> Option<String> {
        self.filter.clone().or_else(|| {
            let address = self.address?;
            Some(match self.port {
                Some(port) => filter::client_flow(address, port, self.protocol),
                None => filter::all_of(address),
            })
        })
    }

    /// What is to be captured at a place.
    #[must_use]
    pub fn request(&self, place: Place, filter: String) -> CaptureRequest {
        CaptureRequest {
            place,
            interface: self.interface.clone(),
            filter,
            snaplen: self.snaplen,
            most_packets: self.packets,
            most_seconds: self.seconds,
            most_bytes: self.bytes,
            direction: self.direction,
            buffer_kib: self.buffer_kib,
            by_hand: self.own_filter().is_some(),
        }
    }
}

/// A name, `any`, or where the interface is to lead.
fn interface(given: &Given) -> Option<String> {
    let towards = given.given("interface").and_then(towards);
    towards.map(CaptureRequest::interface_towards).or_else(|| given.text("interface"))
}

fn protocol(name: Option<&str>) -> Protocol {
    match name {
        Some("udp") => Protocol::Udp,
        Some("sctp") => Protocol::Sctp,
        _ => Protocol::Tcp,
    }
}

fn direction(name: Option<&str>) -> Direction {
    match name {
        Some("in") => Direction::In,
        Some("out") => Direction::Out,
        _ => Direction::Both,
    }
}

/// The filter for a Service's traffic on a host of its path.
///
/// # Errors
/// When the Service has no address.
pub fn service_filter(context: &NativeCallContext, service: &Service, target: &Target) -> Answer<String> {
    let address = captured_address(context, service)?;
    let endpoints: Vec<_> = target.endpoints.iter().filter_map(|endpoint| Some((endpoint.ip, endpoint.port?))).collect();
    Ok(filter::service_flow(address, target.port.port, target.port.protocol, &endpoints))
}

/// The filter for a Service's traffic on a node, with whatever one client sends to the address.
///
/// # Errors
/// When the Service has no address.
pub fn node_filter(context: &NativeCallContext, service: &Service, target: &Target, client: Option<IpAddr>) -> Answer<String> {
    let flow = service_filter(context, service, target)?;
    Ok(match client.filter(|client| service.addresses.first().is_some_and(|vip| vip.is_ipv4() == client.is_ipv4())) {
        Some(client) => format!("{flow} or {}", filter::between(captured_address(context, service)?, client)),
        None => flow,
    })
}

/// The filter for the client's side.
///
/// # Errors
/// When the Service has no address.
pub fn client_filter(context: &NativeCallContext, service: &Service, port: u16, protocol: Protocol) -> Answer<String> {
    Ok(filter::client_flow(captured_address(context, service)?, port, protocol))
}

fn captured_address(context: &NativeCallContext, service: &Service) -> Answer<IpAddr> {
    service.addresses.first().copied().ok_or_else(|| Run::refuse(context, "the Service has no address to capture for"))
}

/// The filter for a capture on a client's machine: what was given, or the client's side of the Service.
///
/// # Errors
/// When there is nothing to make one from.
pub fn filter_at_client(context: &NativeCallContext, word: &str, options: &Options) -> Answer<String> {
    match (options.own_filter(), &options.service, &options.target) {
        (Some(filter), _, _) => Ok(filter),
        (None, Some(service), Some(target)) => client_filter(context, &service.0, target.0.port.port, target.0.port.protocol),
        _ => Err(needs_filter(context, word)),
    }
}

/// The error of a capture that was told nothing to make a filter from.
#[must_use]
pub fn needs_filter(context: &NativeCallContext, word: &str) -> Box<rhai::EvalAltResult> {
    let why = format!("{word} needs the option `filter` or `address`, or `service` and `target` together, of which a filter is made");
    Mistake::argument(word, &why).raised(context)
}
