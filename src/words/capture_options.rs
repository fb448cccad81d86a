//! What a capture may be told, and the filters that are made from values.

use std::net::IpAddr;

use rhai::{Dynamic, Map, NativeCallContext};

use super::fact::Fact;
use super::run::{Answer, Run};
use crate::evidence::capture::filter;
use crate::model::capture::{CaptureRequest, Direction};
use crate::model::endpoint::Target;
use crate::model::nearest::nearest;
use crate::model::place::Place;
use crate::model::service::{Protocol, Service};

/// The options as every capture's signature names them.
#[macro_export]
macro_rules! capture_options {
    () => {
        "#{ service, target, client, address, port, protocol, filter, interface, direction, snaplen, packets, seconds, bytes, buffer }"
    };
}

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

const KEYS: [&str; 14] = [
    "service",
    "target",
    "client",
    "address",
    "port",
    "protocol",
    "filter",
    "interface",
    "direction",
    "snaplen",
    "packets",
    "seconds",
    "bytes",
    "buffer",
];

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
    /// Reads the options; an unknown key is an error that names the nearest.
    ///
    /// # Errors
    /// On an unknown key or a value of the wrong kind.
    pub fn read(context: &NativeCallContext, map: Map) -> Answer<Self> {
        let mut options = Self::default();
        for (key, value) in map {
            options.take(context, &key, value)?;
        }
        Ok(options)
    }

    fn take(&mut self, context: &NativeCallContext, key: &str, value: Dynamic) -> Answer<()> {
        match key {
            "service" => self.service = Some(fact(context, key, value)?),
            "target" => self.target = Some(fact(context, key, value)?),
            "client" if value.is_unit() => {}
            "client" => self.client = Some(address(context, key, value)?),
            "address" => self.address = Some(address(context, key, value)?),
            "port" => self.port = Some(u16::try_from(whole_number(context, key, &value, 65_535)?).unwrap_or_default()),
            "protocol" => self.protocol = protocol(context, &text(context, key, value)?)?,
            "filter" => self.filter = Some(text(context, key, value)?),
            "interface" => self.interface = interface(context, key, value)?,
            "direction" => self.direction = direction(context, &text(context, key, value)?)?,
            "snaplen" => self.snaplen = u32::try_from(whole_number(context, key, &value, 65_535)?).unwrap_or(128),
            "packets" => self.packets = whole_number(context, key, &value, 1_000_000)?,
            "seconds" => self.seconds = whole_number(context, key, &value, 3_600)?,
            "bytes" => self.bytes = whole_number(context, key, &value, 1 << 30)?,
            "buffer" => self.buffer_kib = u32::try_from(whole_number(context, key, &value, 1 << 20)?).ok(),
            other => {
                let hint = nearest(other, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Run::refuse(context, format!("a capture has no option `{other}`{hint}")));
            }
        }
        Ok(())
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
fn interface(context: &NativeCallContext, key: &str, value: Dynamic) -> Answer<String> {
    if !value.is_map() {
        let name = text(context, key, value)?;
        // No interface of Linux has such a name; and none may be taken for one of tcpdump's options or for a way.
        let plain = !name.is_empty() && name.len() < 16 && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_graphic() && c != '/');
        return if plain { Ok(name) } else { Err(Run::refuse(context, format!("`{name}` is no interface's name"))) };
    }
    let mut map = value.cast::<Map>();
    let towards = map.remove("towards").filter(|_| map.is_empty());
    let Some(towards) = towards else {
        return Err(Run::refuse(context, "the option `interface` takes a name, \"any\", or #{ towards: ADDRESS }"));
    };
    Ok(CaptureRequest::interface_towards(address(context, "towards", towards)?))
}

fn address(context: &NativeCallContext, key: &str, value: Dynamic) -> Answer<IpAddr> {
    let text = text(context, key, value)?;
    text.parse().map_err(|_| Run::refuse(context, format!("the option `{key}` takes an IP address, and `{text}` is none")))
}

fn protocol(context: &NativeCallContext, text: &str) -> Answer<Protocol> {
    match text.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Ok(Protocol::Sctp),
        _ => Err(Run::refuse(context, format!("the option `protocol` takes tcp, udp or sctp, not `{text}`"))),
    }
}

fn direction(context: &NativeCallContext, text: &str) -> Answer<Direction> {
    match text {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        "inout" | "both" => Ok(Direction::Both),
        _ => Err(Run::refuse(context, format!("the option `direction` takes in, out or both, not `{text}`"))),
    }
}

fn fact<T: Send + Sync + 'static>(context: &NativeCallContext, key: &str, value: Dynamic) -> Answer<Fact<T>> {
    let kind = value.type_name();
    value.try_cast::<Fact<T>>().ok_or_else(|| Run::refuse(context, format!("the option `{key}` is a {kind}, which is not what it takes")))
}

fn text(context: &NativeCallContext, key: &str, value: Dynamic) -> Answer<String> {
    value.into_string().map_err(|kind| Run::refuse(context, format!("the option `{key}` is a {kind}, it takes text")))
}

/// An option's whole number within its bound.
///
/// # Errors
/// When it is something else.
pub fn whole_number(context: &NativeCallContext, key: &str, value: &Dynamic, most: u64) -> Answer<u64> {
    let number = value.as_int().ok().and_then(|number| u64::try_from(number).ok()).filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Run::refuse(context, format!("the option `{key}` takes a whole number from 1 to {most}")))
}

/// The filter for a Service's traffic on a host of its road.
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
    Run::refuse(context, format!("{word} needs `filter`, `address`, or `service` and `target` to make a filter from"))
}
