//! `interfaces(place)`: the interfaces of a place, with their addresses.

use std::sync::Arc;

use ipnet::IpNet;
use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};
use serde::Serialize;

use super::state::{Look, hand, look};
use crate::analysis::state::network::Link;
use crate::analysis::state::place_state::PlaceState;
use crate::words::manual::node::INTERFACES as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("interfaces", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["links", "addresses"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &WORD, &rows(&state))
    });
}

#[derive(Serialize)]
struct Row {
    name: String,
    up: bool,
    lower_up: bool,
    no_arp: bool,
    master: Option<String>,
    mac: Option<String>,
    mtu: u32,
    kind: Option<String>,
    addresses: Vec<String>,
}

fn rows(state: &PlaceState) -> Vec<Row> {
    let all = state.addresses().unwrap_or_default();
    state.links().unwrap_or_default().iter().map(|link| row(link.clone(), all)).collect()
}

fn row(link: Link, all: &[(String, IpNet)]) -> Row {
    let addresses = all.iter().filter(|(name, _)| *name == link.name).map(|(_, net)| net.to_string()).collect();
    let Link { name, up, lower_up, no_arp, master, mac, mtu, kind, .. } = link;
    Row { name, up, lower_up, no_arp, master, mac: Some(mac).filter(|mac| !mac.is_empty()), mtu, kind, addresses }
}
