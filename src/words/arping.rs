//! `arping(service, from)`: who answers by ARP, or for IPv6 by NDP, for the address, asked from hosts of its network.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic, Engine, NativeCallContext};
use serde_json::{Value, json};

use super::fact::{Fact, Fields};
use super::reference::Word;
use super::run::{Answer, Run};
use super::vantage;
use crate::evidence::error::printable;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::flow::ArpAsk;
use crate::model::place::Host;
use crate::model::service::Service;

pub const WORD: Word = Word {
    name: "arping",
    capability: "probe",
    signature: "arping(service, from) -> array of ArpAsk: host, asked, replies",
    meaning: "Asks by ARP (for IPv6 by neighbour solicitation), from each of the hosts that is on the address's network, who has it, and collects every answer with its MAC. A host that is not on that network asks nothing.",
    register,
};

/// Seconds to listen: every claimant answers within a millisecond on the same network.
const LISTEN: &str = "0.25";

impl Fields for ArpAsk {
    const COMPUTED: &'static [&'static str] = &["macs"];

    fn field(&self, name: &str) -> Option<Value> {
        (name == "macs").then(|| json!(self.replies.iter().map(|(_, mac)| mac).collect::<Vec<_>>()))
    }
}

fn register(engine: &mut Engine, run: &Arc<Run>) {
    super::fact::register::<ArpAsk>(engine, "ArpAsk");
    let run = Arc::clone(run);
    engine.register_fn("arping", move |context: NativeCallContext, service: Fact<Service>, from: Dynamic| -> Answer<Array> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let Some(address) = service.0.addresses.first().copied() else {
            return Err(Run::refuse(&context, "the Service has no address to ask for"));
        };
        let hosts: Vec<Host> = vantage::named(&run, &context, &from)?.iter().map(|vantage| vantage::host(&run, vantage)).collect();
        Ok(ask(&run, &hosts, address).into_iter().map(|ask| Dynamic::from(Fact::new(ask))).collect())
    });
}

/// Asks from all hosts at the same time.
pub fn ask(run: &Run, hosts: &[Host], address: IpAddr) -> Vec<ArpAsk> {
    let how = if address.is_ipv6() { "NDP" } else { "ARP" };
    let asks = side_by_side(hosts, |host| {
        let command = Command {
            script: Script::Arping,
            args: vec![address.to_string(), LISTEN.to_owned()],
            limit: Duration::from_secs(8),
            most_bytes: 1 << 18,
        };
        let mut ask = ArpAsk { host: host.clone(), asked: Vec::new(), replies: Vec::new(), error: None };
        match run.evidence.hosts.run(host, &command) {
            Ok(output) => read(&mut ask, &output.stdout),
            Err(error) => ask.error = Some(error.to_string()),
        }
        ask
    });
    for ask in &asks {
        if !ask.asked.is_empty() {
            let macs: Vec<&str> = ask.replies.iter().map(|(_, mac)| mac.as_str()).collect();
            run.fact(if macs.is_empty() {
                format!("{how} from {}: nobody answers for {address}", ask.host.name)
            } else {
                format!("{how} from {}: {} answers for {address}", ask.host.name, macs.join(" and "))
            });
        }
    }
    asks
}

fn read(ask: &mut ArpAsk, stdout: &str) {
    for line in stdout.lines() {
        let fields: Vec<String> = line.split('\t').map(printable).collect();
        match fields.as_slice() {
            [kind, interface, mac] if kind == "ask" => ask.asked.push((interface.clone(), mac.clone())),
            [kind, interface, mac] if kind == "reply" => ask.replies.push((interface.clone(), mac.clone())),
            [kind, why] if kind == "error" => ask.error = Some(why.clone()),
            _ => {}
        }
    }
    ask.replies.sort();
    ask.replies.dedup();
}
