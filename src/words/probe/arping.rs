//! `arping(service, from)`: who answers by ARP, or for IPv6 by NDP, for the address, asked from hosts of its network.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic, Engine, NativeCallContext};
use serde_json::{Value, json};

use super::vantage;
use crate::evidence::error::EvidenceError;
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::flow::ArpAsk;
use crate::model::place::Host;
use crate::model::service::Service;
use crate::model::text::one_line;
use crate::words::fact::{Fact, Fields};
use crate::words::manual::probe::ARPING as WORD;
use crate::words::manual::records;
use crate::words::session::{Answer, Run};
use crate::words::word::Record;

/// Seconds to listen: every claimant answers within a millisecond on the same network.
const LISTEN: &str = "0.25";

impl Fields for ArpAsk {
    const RECORD: &'static Record = &records::flow::ARP_ASK;

    fn field(&self, name: &str) -> Option<Value> {
        (name == "macs").then(|| json!(self.replies.iter().map(|(_, mac)| mac).collect::<Vec<_>>()))
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<ArpAsk>(engine);
    let run = Arc::clone(run);
    engine.register_fn("arping", move |context: NativeCallContext, service: Fact<Service>, from: Dynamic| -> Answer<Array> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let Some(address) = service.0.addresses.first().copied() else {
            return Err(Run::refuse(&context, "the Service has no address to ask for"));
        };
        let hosts = vantage::hosts(&run, &vantage::named(&run, &context, &from)?);
        Ok(ask(&run, &hosts, address).into_iter().map(|ask| Dynamic::from(Fact::new(ask))).collect())
    });
}

/// Asks from all hosts at the same time, and tells who answers.
pub fn ask(run: &Run, hosts: &[Host], address: IpAddr) -> Vec<ArpAsk> {
    let asks = asked(run, hosts, address);
    tell(run, address, &asks);
    asks
}

/// Tells who answers.
pub fn tell(run: &Run, address: IpAddr, asks: &[ArpAsk]) {
    let how = if address.is_ipv6() { "NDP" } else { "ARP" };
    for ask in asks.iter().filter(|ask| !ask.asked.is_empty()) {
        let macs: Vec<&str> = ask.replies.iter().map(|(_, mac)| mac.as_str()).collect();
        run.fact(if macs.is_empty() {
            format!("{how} from {}: nobody answers for {address}", ask.host.name)
        } else {
            format!("{how} from {}: {} answers for {address}", ask.host.name, macs.join(" and "))
        });
    }
}

/// Asks from all hosts at the same time, and tells nothing.
pub fn asked(run: &Run, hosts: &[Host], address: IpAddr) -> Vec<ArpAsk> {
    side_by_side(hosts, |host| match ask_from(run, host, &[address]) {
        Ok(asks) => asks,
        Err(error) => vec![ArpAsk { error: Some(error.to_string()), ..unasked(host) }],
    })
    .into_iter()
    .flatten()
    .collect()
}

/// As `asked`, from hosts of which nobody wanted to know: one that cannot ask is no gap, and one that is not answered may be the one that answers.
pub fn asked_beside(run: &Run, hosts: &[Host], address: IpAddr) -> Vec<ArpAsk> {
    let asks: Vec<ArpAsk> = side_by_side(hosts, |host| ask_from(run, host, &[address]).unwrap_or_default()).into_iter().flatten().collect();
    asks.into_iter().filter(|ask| ask.error.is_none() && !ask.replies.is_empty()).collect()
}

/// Asks from one host for all addresses at once; the answers are in their order.
///
/// # Errors
/// When the host cannot be asked at all.
pub fn ask_from(run: &Run, host: &Host, addresses: &[IpAddr]) -> Result<Vec<ArpAsk>, EvidenceError> {
    let listed = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let command =
        Command { script: Script::Arping, args: vec![listed, LISTEN.to_owned()], limit: Duration::from_secs(8), most_bytes: 1 << 20 };
    let output = run.evidence.hosts.run(host, &command)?;
    let one = |address: &IpAddr| {
        let mut ask = unasked(host);
        read(&mut ask, *address, &output.stdout);
        ask
    };
    Ok(addresses.iter().map(one).collect())
}

/// In a run that only plans: that each of these hosts would be asked who its router is, whose address nobody knows before.
pub fn planned_for_router(run: &Run, hosts: &[Host]) {
    for host in hosts {
        let args = vec!["ROUTER".to_owned(), LISTEN.to_owned()];
        let command = Command { script: Script::Arping, args, limit: Duration::from_secs(8), most_bytes: 1 << 20 };
        // What is planned gives no answer.
        let _ = run.evidence.hosts.run(host, &command);
    }
}

fn unasked(host: &Host) -> ArpAsk {
    ArpAsk { host: host.clone(), asked: Vec::new(), replies: Vec::new(), error: None }
}

/// Reads the lines about one address. Lines that name none are of recordings in which one alone could be asked for.
fn read(ask: &mut ArpAsk, address: IpAddr, stdout: &str) {
    for line in stdout.lines() {
        let fields: Vec<String> = line.split('\t').map(one_line).collect();
        let about = |rest: &[String]| rest.first().is_none_or(|named| named.parse() == Ok(address));
        match fields.as_slice() {
            [kind, interface, mac, rest @ ..] if kind == "ask" && about(rest) => ask.asked.push((interface.clone(), mac.clone())),
            [kind, interface, mac, rest @ ..] if kind == "reply" && about(rest) => ask.replies.push((interface.clone(), mac.clone())),
            [kind, why] if kind == "error" => ask.error = Some(why.clone()),
            _ => {}
        }
    }
    ask.replies.sort();
    ask.replies.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::place::HostKind;

    fn told(address: &str, stdout: &str) -> ArpAsk {
        let host = Host { kind: HostKind::Client, name: "c1".to_owned(), address: "10.88.0.201".to_owned() };
        let mut ask = unasked(&host);
        read(&mut ask, address.parse().unwrap(), stdout);
        ask
    }

    #[test]
    fn each_address_gets_its_own_answers() {
        let stdout = "ask\teth0\t66:00:00:00:00:50\t10.88.64.130\nask\teth0\t66:00:00:00:00:50\t10.88.64.131\n\
                      reply\teth0\t66:00:00:00:00:02\t10.88.64.131\nreply\teth0\t66:00:00:00:00:03\t10.88.64.131\n";
        assert_eq!(told("10.88.64.131", stdout).replies.len(), 2);
        let silent = told("10.88.64.130", stdout);
        assert!(silent.asked.len() == 1 && silent.replies.is_empty());
        assert!(told("10.88.64.132", stdout).asked.is_empty(), "nobody asked for it");
    }

    #[test]
    fn lines_without_an_address_are_about_the_one_that_was_asked_for() {
        let ask = told("fd10:88:64::100", "ask\teth0\t66:00:00:00:00:50\nreply\teth0\t66:00:00:00:00:02\nerror\tno \u{1b}[1m root\n");
        assert_eq!((ask.asked.len(), ask.replies.len()), (1, 1));
        assert!(!ask.error.unwrap().contains('\u{1b}'));
    }

    #[test]
    fn whatever_is_answered_is_read() {
        crate::readers::hold("arping_answers", crate::readers::of("arping"), |_, is| {
            told("10.88.64.100", &String::from_utf8_lossy(is));
        });
    }
}
