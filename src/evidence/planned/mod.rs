//! A world whose hosts are not touched: what would be done there is written down, and the worst that could come of it assumed.

mod assumed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::EvidenceError;
use super::capture::live::{Places, Slot, arguments, check_filter};
use super::capture::{Captures, News, OpenCapture};
use super::clocks::Clocks;
use super::clocks::live::LIMIT as CLOCK_LIMIT;
use super::host::live::{LiveHosts, argv, planned_sweep, planned_tag, script_texts};
use super::host::script::Script;
use super::host::{Command, Hosts, Output};
use super::side_by_side::lock;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::clock::ClockOffset;
use crate::model::place::{Host, HostKind};
use crate::model::plan::{Argument, Intent, PlannedHost, WAIT};

/// What is written down while a playbook runs in such a world.
#[derive(Clone)]
pub struct Planned {
    hosts: LiveHosts,
    written: Arc<Mutex<Written>>,
}

#[derive(Default)]
struct Written {
    steps: Vec<String>,
    intents: BTreeMap<Intent, u32>,
    /// Hosts where something would run, and whether as root.
    touched: BTreeMap<Host, bool>,
    compared: BTreeSet<Host>,
    /// The step in which failing tries were assumed: whatever comes after it depends on them.
    assumed_in: Option<usize>,
}

impl Planned {
    /// Nothing is written down yet. `hosts` tells the ways to hosts, and reaches none.
    #[must_use]
    pub fn new(hosts: LiveHosts) -> Self {
        Self { hosts, written: Arc::default() }
    }

    /// The captures of such a world.
    #[must_use]
    pub fn captures(&self) -> impl Captures + use<> {
        PlannedCaptures { planned: self.clone(), places: Places::default() }
    }

    /// Another step of the playbook begins.
    pub fn step(&self, title: &str) {
        lock(&self.written).steps.push(title.to_owned());
    }

    /// A client's own traffic would be waited for; nothing is sent.
    pub fn wait(&self, client: &str, text: &str, seconds: u64) {
        let mut written = lock(&self.written);
        let order = written.steps.len();
        let intent = Intent {
            order,
            step: written.steps.last().cloned().unwrap_or_default(),
            host: client.to_owned(),
            kind: WAIT,
            pod: None,
            only_when_needed: false,
            root: false,
            argv: vec![Argument::Text(text.to_owned())],
            seconds,
            bytes: 0,
            packets: None,
            times: 0,
        };
        *written.intents.entry(intent).or_default() += 1;
    }

    /// Everything that was written down, by step, host and kind.
    #[must_use]
    pub fn intents(&self) -> Vec<Intent> {
        lock(&self.written).intents.iter().map(|(intent, times)| Intent { times: *times, ..intent.clone() }).collect()
    }

    /// The hosts that would be reached and the ways to them. Nothing is connected to; with pods in place of SSH they are listed.
    #[must_use]
    pub fn ways(&self) -> Vec<PlannedHost> {
        let hosts: Vec<Host> = lock(&self.written).touched.keys().cloned().collect();
        let ways = self.hosts.runtime().block_on(futures::future::join_all(hosts.iter().map(|host| self.hosts.way(host))));
        let described = hosts.into_iter().zip(ways).map(|(host, way)| {
            let (way, no_way) = way.map_or_else(|error| (Vec::new(), Some(error.to_string())), |way| (way, None));
            PlannedHost { name: host.name, kind: host.kind, way, no_way }
        });
        described.collect()
    }

    /// Script name to its text.
    #[must_use]
    pub fn scripts() -> BTreeMap<String, String> {
        script_texts().into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    fn write(&self, host: &Host, wanted: Wanted) {
        let mut written = lock(&self.written);
        *written.touched.entry(host.clone()).or_default() |= wanted.script.needs_root();
        let order = written.steps.len();
        let intent = Intent {
            order,
            step: written.steps.last().cloned().unwrap_or_default(),
            host: host.name.clone(),
            kind: wanted.kind,
            pod: wanted.pod,
            only_when_needed: wanted.script != Script::Sweep && written.assumed_in.is_some_and(|step| step < order),
            root: wanted.root,
            argv: argv(wanted.script, &wanted.args, wanted.root, wanted.seconds),
            seconds: wanted.seconds,
            bytes: wanted.bytes,
            packets: wanted.packets,
            times: 0,
        };
        *written.intents.entry(intent).or_default() += 1;
        if matches!(wanted.script, Script::Probe | Script::ProbePod) {
            written.assumed_in.get_or_insert(order);
        }
    }
}

/// What is asked of a host.
struct Wanted {
    script: Script,
    kind: &'static str,
    pod: Option<String>,
    root: bool,
    args: Vec<String>,
    seconds: u64,
    bytes: u64,
    packets: Option<u64>,
}

impl Wanted {
    fn command(script: Script, args: Vec<String>, seconds: u64, bytes: u64) -> Self {
        Self { script, kind: script.touches(), pod: None, root: script.needs_root(), args, seconds, bytes, packets: None }
    }
}

impl Hosts for Planned {
    fn warm(&self, _hosts: &[Host]) {}

    fn assumes(&self) -> bool {
        true
    }

    fn run(&self, host: &Host, command: &Command) -> Result<Output, EvidenceError> {
        let bytes = u64::try_from(command.most_bytes).unwrap_or(u64::MAX);
        self.write(host, Wanted::command(command.script, command.args.clone(), command.seconds(), bytes));
        Ok(Output { status: 0, stdout: assumed::answer(command), stderr: String::new() })
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        let touched: Vec<(Host, bool)> = lock(&self.written).touched.iter().map(|(host, root)| (host.clone(), *root)).collect();
        if !touched.is_empty() {
            self.step("At the end, whatever happened");
        }
        for (host, root) in &touched {
            let (args, seconds, bytes) = planned_sweep();
            self.write(host, Wanted { root: *root, ..Wanted::command(Script::Sweep, args, seconds, bytes) });
        }
        touched.into_iter().map(|(host, _)| (host.name, Ok(()))).collect()
    }
}

impl Clocks for Planned {
    fn begin(&self, host: &Host) {
        if host.kind == HostKind::Local || !lock(&self.written).compared.insert(host.clone()) {
            return;
        }
        let seconds = CLOCK_LIMIT.as_secs();
        self.write(host, Wanted::command(Script::Clock, vec![seconds.to_string()], seconds, 4096));
    }

    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError> {
        self.begin(host);
        Ok(ClockOffset { host: host.name.clone(), ahead_us: 0, error_us: 0, took_ms: 0 })
    }
}

struct PlannedCaptures {
    planned: Planned,
    places: Places,
}

/// A capture that sees nothing.
struct PlannedCapture {
    request: CaptureRequest,
    _slot: Slot,
}

impl Captures for PlannedCaptures {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        // Refused where a run would refuse it.
        check_filter(request)?;
        let slot = self.places.take(request)?;
        let pod = request.place.pod_name().map(|_| request.place.to_string());
        let args = arguments(request, &planned_tag());
        let command = Wanted::command(Script::Capture, args, request.most_seconds, request.most_bytes);
        self.planned.write(request.place.host(), Wanted { kind: "capture", pod, packets: Some(request.most_packets), ..command });
        Ok(Box::new(PlannedCapture { request: request.clone(), _slot: slot }))
    }
}

impl OpenCapture for PlannedCapture {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        Ok(String::new())
    }

    fn news(&mut self) -> News {
        // Nobody asks while a run is only planned.
        News { packets: Vec::new(), last: true }
    }

    fn stop(self: Box<Self>) -> Result<Capture, EvidenceError> {
        Ok(Capture::of_nothing(self.request))
    }
}

#[cfg(test)]
mod tests;
