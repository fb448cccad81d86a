//! `host_checks(hosts)`: what each host offers: login, root, tools, runtime, and whether a capture can be made there.

use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic, Engine, NativeCallContext};

use crate::analysis::host_check::host_check;
use crate::evidence::cluster::{Kind, ListQuery};
use crate::evidence::error::EvidenceError;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::capture::{CaptureRequest, Direction};
use crate::model::check::HostCheck;
use crate::model::place::{Host, Place};
use crate::model::text::harmless;
use crate::words::cluster::cluster_facts::{ask, listed};
use crate::words::cluster::metallb::nodes;
use crate::words::fact::{Fact, Fields};
use crate::words::manual::node::HOST_CHECKS as WORD;
use crate::words::manual::records;
use crate::words::probe::vantage;
use crate::words::session::{Answer, Run};
use crate::words::word::Record;

/// A packet that nobody sends: the documentation network of RFC 5737.
const NOTHING: &str = "host 192.0.2.1 and udp and port 9";

impl Fields for HostCheck {
    const RECORD: &'static Record = &records::place::HOST_CHECK;
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<HostCheck>(engine);
    let run = Arc::clone(run);
    engine.register_fn("host_checks", move |context: NativeCallContext, from: Dynamic| -> Answer<Array> {
        run.allow(&context, WORD.name, WORD.capability)?;
        ask(&run, &[("nodes".to_owned(), ListQuery::everywhere(Kind::core("nodes")))]);
        let mut hosts: Vec<Host> = if listed(&run, "nodes").is_ok() {
            nodes(&run, &context)?.iter().map(|node| run.node_host(&node.name)).collect()
        } else {
            nodes(&run, &context)?;
            Vec::new()
        };
        if !from.is_unit() {
            hosts.extend(vantage::hosts(&run, &vantage::named(&run, &context, &from)?));
        }
        run.evidence.hosts.warm(&hosts);
        let checks = side_by_side(&hosts, |host| check(&run, host));
        run.state().checked = true;
        Ok(checks.into_iter().map(|check| Dynamic::from(Fact::new(check))).collect())
    });
}

fn check(run: &Run, host: &Host) -> HostCheck {
    let command = Command { script: Script::Check, args: Vec::new(), limit: Duration::from_secs(20), most_bytes: 1 << 16 };
    let output = match run.evidence.hosts.run(host, &command) {
        Ok(output) => output,
        Err(error) => {
            return HostCheck {
                name: host.name.clone(),
                address: host.address.clone(),
                unreachable: Some(error.to_string()),
                gap: Some(error.gap_name().to_owned()),
                ..HostCheck::default()
            };
        }
    };
    // Beside the capture: neither waits for the other.
    run.evidence.clocks.begin(host);
    let mut check = host_check(&host.name, &host.address, &harmless(&output.stdout));
    match capture(run, host) {
        Ok(()) => {
            "ok".clone_into(&mut check.capture);
            check.can_capture = true;
        }
        Err(error) => check.capture = error.to_string(),
    }
    match run.evidence.clocks.offset(host) {
        Ok(offset) => {
            check.clock = offset.shown();
            check.clock_ahead_us = Some(offset.ahead_us);
            run.state().clocks.0.insert(host.name.clone(), offset);
        }
        Err(error) => check.clock = error.to_string(),
    }
    check
}

/// Opens a capture and closes it again.
fn capture(run: &Run, host: &Host) -> Result<(), EvidenceError> {
    let request = CaptureRequest {
        place: Place::Host(host.clone()),
        interface: "any".to_owned(),
        filter: NOTHING.to_owned(),
        snaplen: 96,
        most_packets: 10,
        most_seconds: 10,
        most_bytes: 1 << 16,
        direction: Direction::Both,
        buffer_kib: None,
        by_hand: true,
    };
    let mut open = run.evidence.captures.open(&request)?;
    open.wait_listening()?;
    open.stop().map(|_| ())
}
