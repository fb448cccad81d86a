//! `firewall(place, packet)`: which rule of a packet filter takes this packet.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::options::{Options, PROTOCOLS, family};
use super::{CAPABILITY, Look, hand, look, missing};
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::ruleset::{Hook, walk};
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "firewall",
    capability: CAPABILITY,
    signature: "firewall(place, #{ source, destination, protocol, source_port, destination_port, iif, oif, length, state, mark, hook }) -> #{ taken, rule, rules, translated, hooks, unread }",
    meaning: concat!(
        "Follows one packet through the place's own rules of iptables and nftables, with kube-proxy's translation: `taken` is yes, no or maybe (it depends on chance, an ipset, or rules that could not be read, or not all be followed: `unread`); `rule` takes it, or is the first that may, as #{ path, text, packets, hook, sure }; `rules` are all of those; `translated` is where it may be sent on to. A packet comes in by `iif` (and leaves by `oif`, or goes to the place itself when it holds the destination), is sent by the place itself with `oif` alone, or meets one `hook` only: prerouting, input, forward, output, postrouting. `protocol` is tcp, `state` NEW and `mark` 0 when left out; whatever else is left out is not known. ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("firewall", move |context: NativeCallContext, place: ImmutableString, packet: Map| {
        ask(&run, &context, &place, packet)
    });
}

const KEYS: [&str; 11] =
    ["source", "destination", "protocol", "source_port", "destination_port", "iif", "oif", "length", "state", "mark", "hook"];

fn ask(run: &Run, context: &NativeCallContext, place: &str, options: Map) -> Answer<Dynamic> {
    let options = Options::new(context, WORD.name, options, &KEYS)?;
    let hook = options.one_of("hook", &["prerouting", "input", "forward", "output", "postrouting"])?.and_then(|name| Hook::named(&name));
    let packet = Fields {
        source: options.address("source")?,
        destination: options.address("destination")?,
        protocol: options.one_of("protocol", &PROTOCOLS)?.unwrap_or_else(|| "tcp".to_owned()),
        source_port: options.port("source_port")?,
        destination_port: options.port("destination_port")?,
        input: options.interface("iif")?,
        output: options.interface("oif")?,
        length: options.length("length")?.map(|bytes| (bytes, bytes)),
        state: options
            .one_of("state", &["new", "established", "related", "invalid", "untracked"])?
            .or(Some("new".to_owned()))
            .map(|state| state.to_uppercase()),
        translated: false,
        mark: Some(options.mark("mark")?.unwrap_or(0)),
    };
    if hook.is_none() && packet.input.is_none() && packet.output.is_none() {
        return Err(Run::refuse(context, "firewall needs `iif`, `oif` or `hook`: where the packet is met"));
    }
    let Some(end) = packet.destination.or(packet.source) else {
        return Err(Run::refuse(context, "firewall needs `destination` or `source`"));
    };
    let Some(state) = look(run, context, &Look { word: &WORD, place, values: vec![family(end)], needed: &["addresses"] })? else {
        return Ok(Dynamic::UNIT);
    };
    if !["iptables", "iptables-legacy", "nft"].iter().any(|section| state.sections.contains_key(*section)) {
        run.gap(missing(&state, "nft", &state.place, format!("which rule of {place} takes a packet")));
        return Ok(Dynamic::UNIT);
    }
    hand(context, &walk(&state, &packet, hook))
}
