//! `during(captures, closure)`: runs the closure while every capture is listening, and gives what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rhai::{Array, Dynamic, Engine, FnPtr, NativeCallContext};
use serde_json::{Value, json};

use super::listening::Listening;
use super::node_capture::{Opened, Point};
use super::watched_pods;
use crate::analysis::client_traffic::fill;
use crate::analysis::drawing::roads;
use crate::analysis::follow::{follow, on_one_clock};
use crate::analysis::paths::paths;
use crate::analysis::resent::resent;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::{lock, side_by_side};
use crate::model::capture::{Capture, CaptureEnd, CaptureSeen};
use crate::model::catalogue::names;
use crate::model::clock::Offsets;
use crate::model::finding::Gap;
use crate::model::flow::{ArpAsk, Flow};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::Probe;
use crate::words::fact::{Fact, Fields, whole};
use crate::words::fits::in_words;
use crate::words::manual::capture::DURING as WORD;
use crate::words::manual::records;
use crate::words::mistake::Mistake;
use crate::words::printed::is_deeper_than;
use crate::words::session::{Answer, Run, Stop};
use crate::words::word::Record;

impl Fields for Flow {
    const RECORD: &'static Record = &records::flow::FLOW;

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "answered" => Some(json!(self.all_answered())),
            "probes" => Some(self.probes.iter().map(whole).collect()),
            "arp" => Some(self.arp.iter().map(whole).collect()),
            _ => None,
        }
    }

    fn shown(&self) -> Result<Value, serde_json::Error> {
        // Packets stay outside: as values of a script those of one busy capture would take hundreds of MiB.
        let captures: Vec<CaptureSeen> = self.captures.iter().map(Capture::seen).collect();
        let Self { captures: _, probes, arp, connections, resent, clocks } = self;
        Ok(json!({"captures": captures, "probes": probes, "arp": arp, "connections": connections, "resent": resent, "clocks": clocks}))
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Flow>(engine);
    let run = Arc::clone(run);
    engine.register_fn("during", move |context: NativeCallContext, points: Array, body: FnPtr| {
        during(&run, &context, points, || body.call_within_context::<Dynamic>(&context, ()))
    });
}

/// What was seen at the points while the work was done; its probes are among what it gives.
///
/// # Errors
/// When one of the points is none, when the work fails, or when the run ends.
pub fn during(run: &Run, context: &NativeCallContext, points: Array, work: impl FnOnce() -> Answer<Dynamic>) -> Answer<Fact<Flow>> {
    run.enter(WORD.name);
    let mut taken = Vec::new();
    for point in points {
        let kind = in_words(context.engine().map_type_name(point.type_name())).to_owned();
        let Some(point) = point.try_cast::<Point>() else {
            return Err(Mistake::argument(WORD.name, &format!("during takes captures, and one of them is {kind}")).raised(context));
        };
        taken.push(point);
    }
    let pods = pods_by_address(&taken);
    let listening = listen(run, context, &taken)?;
    let (captures, result) = meanwhile(run, listening, work);
    run.enter(WORD.name);
    let mut flow = Flow { captures, ..Flow::default() };
    let result = result.inspect_err(|_| tell(run, &flow.captures));
    collect(result?, &mut flow);
    let flow = followed(run, flow, &pods);
    for line in roads(&paths(&flow)) {
        run.fact(line);
    }
    Ok(Fact::new(flow))
}

/// Does the work while the captures listen, where it may look at what they have seen so far, and ends them. They end in any case: an
/// error of the work must not leave one behind.
pub fn meanwhile<T>(run: &Run, listening: Vec<Listening>, work: impl FnOnce() -> T) -> (Vec<Capture>, T) {
    let outer = std::mem::replace(&mut *run.listening(), listening);
    let result = work();
    let listening = std::mem::replace(&mut *run.listening(), outer);
    (stop(run, listening), result)
}

/// The flow with its captures told of, its clocks compared and its connections followed.
#[must_use]
pub fn followed(run: &Run, mut flow: Flow, pods: &BTreeMap<IpAddr, String>) -> Flow {
    flow.clocks = clocks(run, &flow.captures);
    for probe in flow.probes.iter_mut().filter(|probe| probe.awaited.is_some()) {
        let open = fill(probe, &flow.captures, &flow.clocks);
        tell_client(run, probe, open);
    }
    flow.connections = follow(&flow.captures, &flow.probes, pods);
    on_one_clock(&mut flow.connections, &flow.captures, &flow.clocks);
    flow.resent = resent(&flow.connections, &flow.captures, &flow.clocks);
    if !flow.probes.is_empty() && !flow.all_answered_at_once() {
        watched_pods::check(run, &mut flow.captures);
    }
    tell(run, &flow.captures);
    tell_resent(run, &flow);
    flow
}

/// From where tries were answered only after their first packet had been sent again.
fn tell_resent(run: &Run, flow: &Flow) {
    for probe in &flow.probes {
        let late = flow.resent.iter().filter(|connection| connection.vantage == probe.vantage).count();
        if late > 0 {
            let answered = probe.made().filter(|attempt| attempt.answered()).count();
            run.fact(format!("{}: {late} of {answered} answered tries had to send their first packet again", probe.vantage.text()));
        }
    }
}

/// What a client's own traffic came to.
fn tell_client(run: &Run, probe: &Probe, open: usize) {
    let Some(awaited) = &probe.awaited else { return };
    let answered = probe.made().filter(|attempt| attempt.answered()).count();
    let waited = awaited.took_ms.div_ceil(1_000);
    let mut line = match probe.attempts.len() {
        0 => format!("{}: no try of it came to its end in {waited} s", probe.vantage.text()),
        all => format!("{}: {answered} of its own {all} tries answered, as the nodes saw them within {waited} s", probe.vantage.text()),
    };
    if open > 0 {
        line = format!("{line}, {open} were not over");
    }
    run.fact(line);
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
pub fn listen(run: &Run, context: &NativeCallContext, points: &[Point]) -> Answer<Vec<Listening>> {
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
                    listening.push(Listening { place: point.request.place.clone(), capture });
                }
            }
            Err(error) => {
                interrupted |= error.kind == ErrorKind::Interrupted;
                let about = if error.kind == ErrorKind::NamespaceUnproven { point.about.as_str() } else { "" };
                let place = &point.request.place;
                let gap = error.gap(place, format!("which packets pass {place}"));
                run.gap(Gap { reason: format!("{}{about}", gap.reason), ..gap });
            }
        }
    }
    if interrupted {
        tell(run, &stop(run, listening));
        return Err(run.end(context, Stop::Interrupted));
    }
    // Only now, when nothing waits for it any more: it goes on beside what is asked while the captures listen.
    for point in points {
        run.evidence.clocks.begin(point.request.place.host());
    }
    Ok(listening)
}

/// Ends captures side by side. One that cannot be ended is a gap.
fn stop(run: &Run, listening: Vec<Listening>) -> Vec<Capture> {
    let open: Vec<Mutex<Option<Listening>>> = listening.into_iter().map(|one| Mutex::new(Some(one))).collect();
    let ended = side_by_side(&open, |one| lock(one).take().map(|one| (one.place, one.capture.stop())));
    let mut captures = Vec::new();
    for (place, capture) in ended.into_iter().flatten() {
        match capture {
            Ok(capture) => captures.push(capture),
            Err(error) => run.gap(error.gap(&place, format!("which packets passed {place}"))),
        }
    }
    captures
}

/// Tells what each capture saw, and by its own counters whether that is all; one that lost packets is a gap.
fn tell(run: &Run, captures: &[Capture]) {
    for capture in captures {
        let place = &capture.request.place;
        let reason = why_incomplete(capture);
        run.fact(format!(
            "{place}{}: {} packets{}",
            if capture.interface() == "any" { String::new() } else { format!("/{}", capture.interface()) },
            capture.packets.len(),
            reason.as_ref().map(|(_, why)| format!(" ({why})")).unwrap_or_default()
        ));
        if let Some((name, why)) = reason {
            run.gap(Gap::new(name, place, why, format!("a packet that was not seen at {place} may have been there all the same")));
        }
        // There are no more of them than a run begins.
        run.state().captures.push(capture.seen());
    }
}

/// The gap of a capture that did not see everything, and why.
fn why_incomplete(capture: &Capture) -> Option<(&'static str, String)> {
    match &capture.end {
        CaptureEnd::Stopped if capture.counters.complete() => None,
        CaptureEnd::Stopped => Some((
            names::EVIDENCE_CAPTURE_LOST_PACKETS,
            format!(
                "captured {}, received by filter {}, dropped by kernel {}, arrived {}",
                shown(capture.counters.captured),
                shown(capture.counters.received_by_filter),
                shown(capture.counters.dropped_by_kernel),
                capture.counters.arrived
            ),
        )),
        CaptureEnd::Bounded(bound) => Some((names::EVIDENCE_BOUNDED, format!("its bound ended the capture: {bound}"))),
        CaptureEnd::Broken(why) => Some((names::EVIDENCE_CAPTURE_LOST_PACKETS, why.clone())),
    }
}

/// How far the clocks of the captures' hosts are ahead of ours, asked once a run.
fn clocks(run: &Run, captures: &[Capture]) -> Offsets {
    let hosts: BTreeSet<&Host> =
        captures.iter().map(|capture| capture.request.place.host()).filter(|host| host.kind != HostKind::Local).collect();
    let unknown: Vec<&Host> = hosts.iter().copied().filter(|host| !run.state().clocks.0.contains_key(&host.name)).collect();
    let answers = side_by_side(&unknown, |host| run.evidence.clocks.offset(host));
    for (host, answer) in unknown.into_iter().zip(answers) {
        match answer {
            Ok(offset) => {
                run.state().clocks.0.insert(host.name.clone(), offset);
            }
            // A host that is gone, or a run that ends, is told of elsewhere; an older recording does not hold it.
            Err(error)
                if matches!(
                    error.kind,
                    ErrorKind::NotRecorded
                        | ErrorKind::Interrupted
                        | ErrorKind::HostUnreachable
                        | ErrorKind::HostSilent
                        | ErrorKind::LoginRefused
                        | ErrorKind::HostKey
                ) => {}
            Err(error) => {
                let undecided = format!("how times of {} compare with those of other hosts", host.name);
                run.gap(error.gap_named(names::EVIDENCE_CLOCK_SKEW, host, undecided));
            }
        }
    }
    let known = run.state().clocks.clone();
    Offsets(known.0.into_iter().filter(|(name, _)| hosts.iter().any(|host| host.name == *name)).collect())
}

fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
}

/// Picks the probes and ARP answers out of whatever the closure gave.
fn collect(value: Dynamic, flow: &mut Flow) {
    if value.is_array() && !is_deeper_than(&value, 64) {
        for part in value.into_array().unwrap_or_default() {
            collect(part, flow);
        }
    } else if let Some(probe) = value.clone().try_cast::<Fact<Probe>>() {
        flow.probes.push((*probe.0).clone());
    } else if let Some(ask) = value.try_cast::<Fact<ArpAsk>>() {
        flow.arp.push((*ask.0).clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capture::CaptureRequest;
    use crate::model::packet::{Body, Packet, Passage};

    #[test]
    fn a_script_sees_of_captures_what_reports_do_and_no_packet() {
        let place = Place::sample("n2", HostKind::Node);
        let packet = Packet {
            at: 1,
            interface: "mlb".into(),
            passage: Passage::Other,
            source_mac: None,
            body: Body::Other,
            tunnel: None,
            outer: None,
            ttl: None,
        };
        let mut capture = Capture::sample(CaptureRequest::sample(place), 1, 0);
        capture.packets.push(packet);
        let flow = Flow { captures: vec![capture], ..Flow::default() };
        let shown = flow.shown().unwrap();
        assert_eq!((&shown["captures"][0]["place"], &shown["captures"][0]["for_other_hosts"]), (&json!("n2"), &json!(1)));
        assert_eq!(shown["captures"][0].get("packets"), None);
        let fields: BTreeSet<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(["arp", "captures", "clocks", "connections", "probes", "resent"]));
    }
}
