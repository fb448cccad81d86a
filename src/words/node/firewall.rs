//! `firewall(place, packet)`: which rule of a packet filter takes this packet.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::state::{Look, family, hand, look, missing};
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::ruleset::{Hook, walk};
use crate::words::manual::node::FIREWALL as WORD;
use crate::words::mistake::Mistake;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("firewall", move |context: NativeCallContext, place: ImmutableString, packet: Map| {
        ask(&run, &context, &place, packet)
    });
}

fn ask(run: &Run, context: &NativeCallContext, place: &str, options: Map) -> Answer<Dynamic> {
    let options = Options::read(run, context, &WORD, options)?;
    let hook = options.one_of("hook").and_then(Hook::named);
    let packet = Fields {
        untranslated: false,
        bridge: None,
        source_mac: None,
        destination_mac: None,
        zone: None,
        source: options.address("source"),
        destination: options.address("destination"),
        protocol: options.text("protocol").unwrap_or_default().to_ascii_lowercase(),
        source_port: options.whole("source_port"),
        destination_port: options.whole("destination_port"),
        input: options.text("iif"),
        output: options.text("oif"),
        length: options.whole("length").map(|bytes| (bytes, bytes)),
        state: options.text("state").map(|state| state.to_uppercase()),
        translated: false,
        mark: options.mark("mark"),
    };
    if hook.is_none() && packet.input.is_none() && packet.output.is_none() {
        return Err(
            Mistake::argument(WORD.name, "firewall needs the option `iif`, `oif` or `hook`: where the packet is met").raised(context)
        );
    }
    let Some(end) = packet.destination.or(packet.source) else {
        return Err(Mistake::argument(WORD.name, "firewall needs the option `destination` or `source`").raised(context));
    };
    let Some(state) = look(run, context, &Look { word: &WORD, place, values: vec![family(end)], needed: &["addresses"] })? else {
        return Ok(Dynamic::UNIT);
    };
    if !["iptables", "iptables-legacy", "nft"].iter().any(|section| state.is_read(section)) {
        run.gap(missing(&state, "nft", &state.place, format!("which rule of {place} takes a packet")));
        return Ok(Dynamic::UNIT);
    }
    hand(context, &WORD, &walk(&state, &packet, hook))
}
