//! `during(captures, closure)`: runs the closure while every capture is listening, and gives what was seen.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rhai::{Array, Dynamic, Engine, FnPtr, NativeCallContext};
use serde_json::{Value, json};

use super::fact::{Fact, Fields};
use super::node_capture::{Opened, Point};
use super::reference::Word;
use super::run::{Answer, Run, Stop};
use crate::analysis::drawing::roads;
use crate::analysis::follow::follow;
use crate::evidence::capture::OpenCapture;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::{lock, side_by_side};
use crate::model::capture::{Capture, CaptureEnd};
use crate::model::finding::Gap;
use crate::model::flow::{ArpAsk, Flow};
use crate::model::place::Place;
use crate::model::probe::Probe;

pub const WORD: Word = Word {
    name: "during",
    capability: "",
    signature: "during([capture, …], || …) -> Flow: probes, captures, connections, arp, answered",
    meaning: "Waits until all captures listen, runs the closure, and ends them side by side without losing packets. A capture that could not begin is a gap. The probes and ARP answers that the closure gives are joined with what was captured.",
    register,
};

impl Fields for Flow {
    const COMPUTED: &'static [&'static str] = &["answered"];

    fn field(&self, name: &str) -> Option<Value> {
        (name == "answered").then(|| json!(self.all_answered()))
    }
}

fn register(engine: &mut Engine, run: &Arc<Run>) {
    super::fact::register::<Flow>(engine, "Flow");
    let run = Arc::clone(run);
    engine.register_fn("during", move |context: NativeCallContext, points: Array, body: FnPtr| during(&run, &context, points, &body));
}

fn during(run: &Run, context: &NativeCallContext, points: Array, body: &FnPtr) -> Answer<Fact<Flow>> {
    let mut taken = Vec::new();
    for point in points {
        let kind = point.type_name();
        let Some(point) = point.try_cast::<Point>() else {
            return Err(Run::refuse(context, format!("during takes captures, and one of them is a {kind}")));
        };
        taken.push(point);
    }
    let pods = pods_by_address(&taken);
    let listening = listen(run, context, &taken)?;
    let result = body.call_within_context::<Dynamic>(context, ());
    // The captures end in any case: an error of the closure must not leave one behind.
    let captures = stop(run, listening);
    let mut flow = Flow { captures, ..Flow::default() };
    collect(result?, &mut flow);
    flow.connections = follow(&flow.captures, &flow.probes, &pods);
    if let Some(probe) = flow.probes.first() {
        for line in roads(&flow.connections, probe.address) {
            run.fact(line);
        }
    }
    Ok(Fact::new(flow))
}

/// Endpoint addresses of the pods that are looked into.
#[must_use]
pub fn pods_by_address(points: &[Point]) -> BTreeMap<IpAddr, String> {
    let mut all = BTreeMap::new();
    for point in points {
        if let Place::Pod { name, ips, .. } = &point.request.place {
            all.extend(ips.iter().map(|ip| (*ip, name.clone())));
        }
    }
    all
}

/// Waits for every capture at the same time; those that cannot begin become gaps.
///
/// # Errors
/// When the run ends.
pub fn listen(run: &Run, context: &NativeCallContext, points: &[Point]) -> Answer<Vec<Box<dyn OpenCapture>>> {
    let opened: Vec<(&Point, Opened)> = points.iter().map(|point| (point, Mutex::new(lock(&point.open).take()))).collect();
    let ready = side_by_side(&opened, |(_, open)| {
        let mut open = lock(open);
        match open.as_mut() {
            Some(Ok(capture)) => capture.wait_listening().map(|_| ()),
            Some(Err(error)) => Err(error.clone()),
            None => {
                Err(EvidenceError::new(ErrorKind::CaptureRefused, "capture", "this capture was used before: a capture serves one `during`"))
            }
        }
    });
    let mut listening = Vec::new();
    let mut interrupted = false;
    for ((point, open), ready) in opened.into_iter().zip(ready) {
        match ready {
            Ok(()) => {
                if let Some(Ok(capture)) = open.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
                    listening.push(capture);
                }
            }
            Err(error) => {
                interrupted |= error.kind == ErrorKind::Interrupted;
                run.gap(Gap::new(
                    error.gap_name(),
                    place_subject(&point.request.place),
                    error.to_string(),
                    format!("which packets pass {}", point.request.place),
                ));
            }
        }
    }
    if interrupted {
        drop(stop(run, listening));
        return Err(run.end(context, Stop::Interrupted));
    }
    Ok(listening)
}

fn place_subject(place: &Place) -> String {
    match place {
        Place::Host(host) => format!("node/{}", host.name),
        Place::Pod { namespace, name, .. } => format!("pod/{namespace}/{name}"),
    }
}

/// Ends captures side by side. One that lost packets is a gap.
pub fn stop(run: &Run, listening: Vec<Box<dyn OpenCapture>>) -> Vec<Capture> {
    let open: Vec<Mutex<Option<Box<dyn OpenCapture>>>> = listening.into_iter().map(|capture| Mutex::new(Some(capture))).collect();
    let ended = side_by_side(&open, |capture| lock(capture).take().map(OpenCapture::stop));
    let mut captures = Vec::new();
    for capture in ended.into_iter().flatten() {
        match capture {
            Ok(capture) => {
                tell(run, &capture);
                captures.push(capture);
            }
            Err(error) => run.gap(Gap::new(error.gap_name(), "capture", error.to_string(), "which packets passed there")),
        }
    }
    captures
}

fn tell(run: &Run, capture: &Capture) {
    let place = &capture.request.place;
    let reason = match &capture.end {
        CaptureEnd::Stopped if capture.counters.complete() => None,
        CaptureEnd::Stopped => Some((
            "evidence/capture-lost-packets",
            format!(
                "captured {}, received by filter {}, dropped by kernel {}, arrived {}",
                shown(capture.counters.captured),
                shown(capture.counters.received_by_filter),
                shown(capture.counters.dropped_by_kernel),
                capture.counters.arrived
            ),
        )),
        CaptureEnd::Bounded(bound) => Some(("evidence/bounded", bound.clone())),
        CaptureEnd::Broken(why) => Some(("evidence/capture-lost-packets", why.clone())),
    };
    run.fact(format!(
        "{place}{}: {} packets{}",
        if capture.request.interface == "any" { String::new() } else { format!("/{}", capture.request.interface) },
        capture.packets.len(),
        reason.as_ref().map(|(_, why)| format!(" ({why})")).unwrap_or_default()
    ));
    if let Some((name, why)) = reason {
        run.gap(Gap::new(
            name,
            place_subject(place),
            why,
            format!("a packet that was not seen at {place} may have been there all the same"),
        ));
    }
}

fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
}

/// Picks the probes and ARP answers out of whatever the closure gave.
fn collect(value: Dynamic, flow: &mut Flow) {
    if value.is_array() {
        for part in value.into_array().unwrap_or_default() {
            collect(part, flow);
        }
    } else if let Some(probe) = value.clone().try_cast::<Fact<Probe>>() {
        flow.probes.push((*probe.0).clone());
    } else if let Some(ask) = value.try_cast::<Fact<ArpAsk>>() {
        flow.arp.push((*ask.0).clone());
    }
}
