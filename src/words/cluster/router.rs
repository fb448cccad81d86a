//! Asks a router what it knows of a Service's addresses, through the shell of its BGP daemon.

use std::net::IpAddr;
use std::time::Duration;

use crate::analysis::read::router::router;
use crate::analysis::state::sections::place_state;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::model::bgp::Router;
use crate::model::place::{Host, Place};
use crate::model::subject::Subject;
use crate::words::session::Run;

/// The router's view; `None` when it could not be asked, which is a gap.
pub fn ask(run: &Run, host: &Host, addresses: &[IpAddr]) -> Option<Router> {
    let command = Command {
        script: Script::Router,
        args: addresses.iter().map(ToString::to_string).collect(),
        limit: Duration::from_secs(30),
        most_bytes: 16 << 20,
    };
    match run.evidence.hosts.run(host, &command) {
        Ok(output) => Some(router(&host.name, &place_state(Place::Host(host.clone()), &output.stdout), addresses)),
        Err(error) => {
            run.gap(error.gap(Subject::Router(host.name.clone()), "what the router knows of the address"));
            None
        }
    }
}
