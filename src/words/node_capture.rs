//! `node_capture(node, options)`: a bounded capture on a node. A handle is returned at once.

use std::sync::{Arc, Mutex};

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::fact::Fact;
use super::reference::Word;
use super::run::{Answer, Run};
use crate::analysis::similar::nearest;
use crate::evidence::capture::{OpenCapture, filter};
use crate::evidence::error::EvidenceError;
use crate::model::capture::CaptureRequest;
use crate::model::endpoint::Target;
use crate::model::place::Place;
use crate::model::service::{Protocol, Service};

pub const WORD: Word = Word {
    name: "node_capture",
    capability: "node.capture",
    signature: "node_capture(node, #{ service, target, filter, interface, snaplen, packets, seconds, bytes }) -> Capture",
    meaning: "A bounded capture on a node, on all interfaces unless one is named. With `service` and `target` the filter is made from their addresses and ports. It begins at once and ends with `during`.",
    register,
};

/// A capture that `during` takes once: open, or why it could not be opened.
pub type Opened = Mutex<Option<Result<Box<dyn OpenCapture>, EvidenceError>>>;

/// A capture in a script's hands.
#[derive(Clone)]
pub struct Point {
    pub request: CaptureRequest,
    /// Taken by `during`, once.
    pub open: Arc<Opened>,
}

/// What a capture may be told.
#[derive(Default)]
pub struct Options {
    pub service: Option<Fact<Service>>,
    pub target: Option<Fact<Target>>,
    pub filter: Option<String>,
    pub interface: String,
    pub snaplen: u32,
    pub packets: u64,
    pub seconds: u64,
    pub bytes: u64,
}

const KEYS: [&str; 8] = ["service", "target", "filter", "interface", "snaplen", "packets", "seconds", "bytes"];

fn register(engine: &mut Engine, run: &Arc<Run>) {
    engine.register_type_with_name::<Point>("Capture");
    let run = Arc::clone(run);
    engine.register_fn("node_capture", move |context: NativeCallContext, node: ImmutableString, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&context, options)?;
        let filter = match (&options.filter, &options.service, &options.target) {
            (Some(filter), _, _) => filter.clone(),
            (None, Some(service), Some(target)) => service_filter(&context, &service.0, &target.0)?,
            _ => return Err(Run::refuse(&context, "node_capture needs `filter`, or `service` and `target` to make one from")),
        };
        Ok(begin(&run, Place::Host(run.node_host(&node)), filter, &options))
    });
}

impl Options {
    /// Reads the options; an unknown key is an error that names the nearest.
    ///
    /// # Errors
    /// On an unknown key or a value of the wrong kind.
    pub fn read(context: &NativeCallContext, map: Map) -> Answer<Self> {
        let mut options =
            Self { interface: "any".to_owned(), snaplen: 128, packets: 20_000, seconds: 90, bytes: 8 << 20, ..Self::default() };
        for (key, value) in map {
            match key.as_str() {
                "service" => options.service = Some(fact(context, &key, value)?),
                "target" => options.target = Some(fact(context, &key, value)?),
                "filter" => options.filter = Some(text(context, &key, value)?),
                "interface" => options.interface = text(context, &key, value)?,
                "snaplen" => options.snaplen = u32::try_from(whole_number(context, &key, &value, 65_535)?).unwrap_or(128),
                "packets" => options.packets = whole_number(context, &key, &value, 1_000_000)?,
                "seconds" => options.seconds = whole_number(context, &key, &value, 3_600)?,
                "bytes" => options.bytes = whole_number(context, &key, &value, 1 << 30)?,
                other => {
                    let hint = nearest(other, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    return Err(Run::refuse(context, format!("a capture has no option `{other}`{hint}")));
                }
            }
        }
        Ok(options)
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
    let Some(address) = service.addresses.first() else { return Err(Run::refuse(context, "the Service has no address to capture for")) };
    let endpoints: Vec<_> = target.endpoints.iter().filter_map(|endpoint| Some((endpoint.ip, endpoint.port?))).collect();
    Ok(filter::service_flow(*address, target.port.port, target.port.protocol, &endpoints))
}

/// The filter for the client's side.
///
/// # Errors
/// When the Service has no address.
pub fn client_filter(context: &NativeCallContext, service: &Service, port: u16, protocol: Protocol) -> Answer<String> {
    let Some(address) = service.addresses.first() else { return Err(Run::refuse(context, "the Service has no address to capture for")) };
    Ok(filter::client_flow(*address, port, protocol))
}

/// Begins a capture; what goes wrong is told by `during`.
pub fn begin(run: &Run, place: Place, filter: String, options: &Options) -> Point {
    let request = CaptureRequest {
        place,
        interface: options.interface.clone(),
        filter,
        snaplen: options.snaplen,
        most_packets: options.packets,
        most_seconds: options.seconds,
        most_bytes: options.bytes,
    };
    let open = run.evidence.captures.open(&request);
    Point { request, open: Arc::new(Mutex::new(Some(open))) }
}
