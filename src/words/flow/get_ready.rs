//! `get_ready(service, from)`: connects to the hosts on a request's way while the API is still being asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use crate::analysis::read::metallb::l2_status;
use crate::model::place::{Host, HostKind};
use crate::model::probe::Vantage;
use crate::model::service::Service;
use crate::words::cluster::cluster_facts::{ask, listed, of, questions};
use crate::words::cluster::metallb;
use crate::words::cluster::target_of_port;
use crate::words::fact::Fact;
use crate::words::manual::flow::GET_READY as WORD;
use crate::words::probe::vantage;
use crate::words::session::{Answer, Run};

/// Nodes that are connected to in advance; a path may have more.
const MOST_NODES: usize = 8;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("get_ready", move |context: NativeCallContext, service: Fact<Service>, from: Dynamic| -> Answer<()> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let service = &service.0;
        if service.kind != "LoadBalancer" || service.addresses.is_empty() || service.translated().is_err() {
            return Ok(());
        }
        let (nodes, others): (Vec<Vantage>, Vec<Vantage>) =
            vantage::named(&run, &context, &from)?.into_iter().partition(|vantage| matches!(vantage, Vantage::Node(_)));
        run.evidence.hosts.warm(&vantage::hosts(&run, &others));
        ask(&run, &questions(&run, service));
        // Where a node is reached stands in the list of nodes.
        metallb::nodes(&run, &context)?;
        run.evidence.hosts.warm(&vantage::hosts(&run, &nodes));
        run.evidence.hosts.warm(&on_the_way(&run, service));
        Ok(())
    });
}

/// The nodes of the announcer and of the endpoints that serve, where the playbook may capture there.
fn on_the_way(run: &Run, service: &Service) -> Vec<Host> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    if run.uses.contains("node.capture") {
        names.extend(announcer(run, service));
    }
    if (run.uses.contains("pod.capture") || run.uses.contains("node.capture"))
        && let Some(port) = service.ports.first()
    {
        let target = target_of_port::computed(run, service, port);
        names.extend(target.serving().iter().filter_map(|endpoint| endpoint.node.clone()));
    }
    let known = |host: &Host| host.kind == HostKind::Node && run.state().nodes.contains_key(&host.name);
    names.iter().map(|name| run.node_host(name)).filter(known).take(MOST_NODES).collect()
}

/// The node that the only ServiceL2Status names. It may be wrong: then one connection was made in vain.
fn announcer(run: &Run, service: &Service) -> Option<String> {
    let statuses = listed(run, &of(service, "l2statuses"));
    let [status] = (*statuses).as_ref().ok()?.as_slice() else { return None };
    Some(l2_status(status).status_node).filter(|node| !node.is_empty())
}
