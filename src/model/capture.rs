//! Captures: what is to be captured, and what came of it.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::packet::Passage;
use super::packets::Packets;
use super::place::Place;

/// What an interface that the place's routes choose is written as, before the address that it leads to.
const TOWARDS: &str = "towards ";

/// A bounded capture. All bounds are always on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CaptureRequest {
    pub place: Place,
    /// An interface's name, `any`, or `towards ADDRESS`: the one by which the place would send to that address.
    pub interface: String,
    /// A pcap filter, made from values.
    pub filter: String,
    /// Bytes kept of each packet, on the wire and here.
    pub snaplen: u32,
    pub most_packets: u64,
    pub most_seconds: u64,
    pub most_bytes: u64,
    #[serde(default, skip_serializing_if = "Direction::is_both")]
    pub direction: Direction,
    /// The kernel's buffer for the capture, in KiB; `None` is lbdiag's own choice, which is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer_kib: Option<u32>,
    /// Whether the filter was given and not made from a Service, so that it may leave out what the Service's path carries.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_hand: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Which packets of an interface are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    #[default]
    Both,
    In,
    Out,
}

impl Direction {
    /// Whether nothing is left out by it.
    #[must_use]
    pub fn is_both(&self) -> bool {
        *self == Self::Both
    }

    /// The word for it, in a playbook and for tcpdump's `-Q`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Both => "inout",
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl CaptureRequest {
    /// The text for an interface that is found by the way to an address.
    #[must_use]
    pub fn interface_towards(address: IpAddr) -> String {
        format!("{TOWARDS}{address}")
    }

    /// The address that the interface is to lead to, when it is found that way.
    #[must_use]
    pub fn towards(&self) -> Option<IpAddr> {
        self.interface.strip_prefix(TOWARDS)?.parse().ok()
    }

    /// All bounds in one line, for people.
    #[must_use]
    pub fn bounds(&self) -> String {
        let bytes = if self.most_bytes.is_multiple_of(1 << 20) {
            format!("{} MiB", self.most_bytes >> 20)
        } else {
            format!("{} bytes", self.most_bytes)
        };
        format!("at most {} packets of {} bytes each, {bytes}, {} s", self.most_packets, self.snaplen, self.most_seconds)
    }
}

/// What tcpdump counted, and what arrived here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counters {
    pub captured: Option<u64>,
    pub received_by_filter: Option<u64>,
    pub dropped_by_kernel: Option<u64>,
    pub arrived: u64,
}

impl Counters {
    /// Whether every packet that passed the filter is here, by tcpdump's own count.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.dropped_by_kernel == Some(0) && self.captured == Some(self.arrived) && self.received_by_filter == Some(self.arrived)
    }
}

/// How a capture ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureEnd {
    /// Stopped by us.
    Stopped,
    /// One of its bounds ended it, which one.
    Bounded(String),
    /// It broke, why.
    Broken(String),
}

/// A finished capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    pub request: CaptureRequest,
    pub packets: Packets,
    pub counters: Counters,
    pub end: CaptureEnd,
    /// When tcpdump said that it listens, and when the stop was asked for: nanoseconds since the epoch by our clock.
    pub listening_at: i64,
    pub stopped_at: i64,
    /// When the last byte was here; 0 in recordings that did not keep it.
    #[serde(default)]
    pub ended_at: i64,
    /// The interface that the place's routes chose, when it was theirs to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// What proved the network namespace, for a pod.
    pub proof: String,
    /// Names of the interfaces that the place had when the capture began.
    #[serde(default)]
    pub links: Vec<String>,
}

impl Capture {
    /// One that was stopped before it saw anything.
    #[must_use]
    pub fn of_nothing(request: CaptureRequest) -> Self {
        Self {
            request,
            packets: Packets::default(),
            counters: Counters { captured: Some(0), received_by_filter: Some(0), dropped_by_kernel: Some(0), arrived: 0 },
            end: CaptureEnd::Stopped,
            listening_at: 0,
            stopped_at: 0,
            ended_at: 0,
            chosen: None,
            proof: String::new(),
            links: Vec::new(),
        }
    }

    /// Whether every packet that it was to take is here, by tcpdump's own counters.
    #[must_use]
    pub fn trustworthy(&self) -> bool {
        self.end == CaptureEnd::Stopped && self.counters.complete()
    }

    /// Whether "it was not seen here" means "it was not here": nothing was lost, and nothing of the Service's path left out.
    #[must_use]
    pub fn tells_absence(&self) -> bool {
        self.trustworthy() && self.request.interface == "any" && self.request.direction.is_both() && !self.request.by_hand
    }

    /// The interface that was captured on.
    #[must_use]
    pub fn interface(&self) -> &str {
        self.chosen.as_deref().unwrap_or(&self.request.interface)
    }

    /// What a report says of it, without its packets.
    #[must_use]
    pub fn seen(&self) -> CaptureSeen {
        let others = self.packets.iter().filter(|packet| packet.passage == Passage::Other).count();
        CaptureSeen {
            place: self.request.place.to_string(),
            interface: self.interface().to_owned(),
            filter: self.request.filter.clone(),
            bounds: self.request.bounds(),
            counters: self.counters,
            for_other_hosts: others as u64,
            complete: self.trustworthy(),
            end: self.end.to_string(),
            stop_ms: if self.ended_at == 0 { None } else { u64::try_from(self.ended_at.saturating_sub(self.stopped_at) / 1_000_000).ok() },
        }
    }
}

impl fmt::Display for CaptureEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Bounded(bound) => write!(f, "ended by its bound: {bound}"),
            Self::Broken(why) => write!(f, "broke: {why}"),
        }
    }
}

/// A finished capture as a report shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaptureSeen {
    pub place: String,
    pub interface: String,
    pub filter: String,
    pub bounds: String,
    pub counters: Counters,
    /// Packets among those that arrived that were addressed to another host's MAC.
    pub for_other_hosts: u64,
    /// Whether captured, received by filter and arrived are equal, nothing was dropped, and no bound ended it.
    pub complete: bool,
    pub end: String,
    /// Milliseconds from the stop until the last packet was here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_ms: Option<u64>,
}

/// What tests capture: they say how theirs differ.
#[cfg(test)]
impl CaptureRequest {
    pub(crate) fn sample(place: Place) -> Self {
        Self {
            place,
            interface: "any".to_owned(),
            filter: "tcp port 443".to_owned(),
            snaplen: 128,
            most_packets: 20_000,
            most_seconds: 90,
            most_bytes: 8 << 20,
            direction: Direction::Both,
            buffer_kib: None,
            by_hand: false,
        }
    }
}

#[cfg(test)]
impl Capture {
    /// One that was stopped after so many packets arrived and so many were lost; it holds none of them.
    pub(crate) fn sample(request: CaptureRequest, arrived: u64, lost: u64) -> Self {
        let counters =
            Counters { captured: Some(arrived), received_by_filter: Some(arrived + lost), dropped_by_kernel: Some(lost), arrived };
        Self { counters, ..Self::of_nothing(request) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::place::HostKind;

    fn request() -> CaptureRequest {
        CaptureRequest::sample(Place::sample("n2", HostKind::Node))
    }

    fn capture(end: CaptureEnd, lost: u64) -> Capture {
        Capture { end, ..Capture::sample(request(), 9, lost) }
    }

    #[test]
    fn absence_is_told_only_by_a_capture_that_saw_everything() {
        let whole = capture(CaptureEnd::Stopped, 0);
        assert!(whole.tells_absence());
        for broken in [
            capture(CaptureEnd::Stopped, 1),
            capture(CaptureEnd::Bounded("20000 packets".to_owned()), 0),
            capture(CaptureEnd::Broken("it broke off".to_owned()), 0),
        ] {
            assert!(!broken.trustworthy() && !broken.tells_absence(), "{broken:?}");
        }
        let other = |change: fn(&mut CaptureRequest)| {
            let mut other = whole.clone();
            change(&mut other.request);
            other
        };
        for narrow in [
            other(|request| request.direction = Direction::In),
            other(|request| "mlb".clone_into(&mut request.interface)),
            other(|request| request.by_hand = true),
        ] {
            assert!(narrow.trustworthy() && !narrow.tells_absence(), "{narrow:?}");
        }
    }

    #[test]
    fn an_older_recording_s_request_is_the_same_request() {
        let old = r#"{"place":{"host":{"name":"n2","address":"n2","kind":"node"}},"interface":"any","filter":"tcp port 443",
            "snaplen":128,"most_packets":20000,"most_seconds":90,"most_bytes":8388608}"#;
        assert_eq!(serde_json::from_str::<CaptureRequest>(old).unwrap(), request());
        let written = serde_json::to_string(&request()).unwrap();
        assert!(!written.contains("direction") && !written.contains("buffer"), "{written}");
    }

    #[test]
    fn an_interface_may_be_named_by_where_it_leads() {
        let mut one = request();
        assert_eq!(one.towards(), None);
        for address in ["10.88.64.50", "fd10::1"] {
            let address: IpAddr = address.parse().unwrap();
            one.interface = CaptureRequest::interface_towards(address);
            assert_eq!(one.towards(), Some(address));
        }
        one.interface = "towards nowhere".to_owned();
        assert_eq!(one.towards(), None);
    }

    #[test]
    fn the_bounds_are_one_line() {
        assert_eq!(request().bounds(), "at most 20000 packets of 128 bytes each, 8 MiB, 90 s");
    }
}
