//! `client_side(service, announcer, address)`: what the objects alone say about one client's address.

use std::net::IpAddr;
use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use crate::analysis::judge::client_address;
use crate::model::announcement::Announcement;
use crate::model::service::Service;
use crate::words::fact::Fact;
use crate::words::manual::cluster::CLIENT_SIDE as WORD;
use crate::words::session::{Answer, Run, Stop};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn(
        "client_side",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, address: Dynamic| -> Answer<()> {
            run.allow(&context, WORD.name, WORD.capability)?;
            if address.is_unit() {
                return Ok(());
            }
            let text = address.to_string();
            let Ok(client) = text.parse::<IpAddr>() else {
                return Err(run.end(&context, Stop::Usage(format!("`{text}` is not an IP address"))));
            };
            let announcer = crate::words::case::optional::<Announcement>(&context, "announcer", announcer)?;
            let nodes = announcer.as_ref().map(|fact| fact.0.nodes_seen.as_slice()).unwrap_or_default();
            let findings = client_address(&service.0, nodes, client);
            if findings.is_empty() {
                run.fact(format!("the objects let {client} in"));
            }
            for finding in findings {
                run.state().found(finding);
            }
            Ok(())
        },
    );
}
