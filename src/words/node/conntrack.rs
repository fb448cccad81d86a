//! `conntrack(place, options)`: the kernel's entries of one flow.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::state::{Look, family, hand, look};
use crate::analysis::state::conntrack::Wanted;
use crate::words::manual::node::CONNTRACK as WORD;
use crate::words::mistake::Mistake;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("conntrack", move |context: NativeCallContext, place: ImmutableString, options: Map| {
        ask(&run, &context, &place, options)
    });
}

fn ask(run: &Run, context: &NativeCallContext, place: &str, options: Map) -> Answer<Dynamic> {
    let options = Options::read(run, context, &WORD, options)?;
    let wanted = Wanted {
        address: options.address("address"),
        port: options.whole("port"),
        client: options.address("client"),
        protocol: options.one_of("protocol").map(|name| if name == "ipv6-icmp" { "icmpv6" } else { name }.to_owned()),
    };
    let Some(address) = wanted.address.or(wanted.client) else {
        return Err(Mistake::argument(WORD.name, "conntrack needs the option `address` or `client`: a node's whole table may be large")
            .raised(context));
    };
    let look_at = Look { word: &WORD, place, values: vec![address.to_string(), family(address)], needed: &["conntrack"] };
    let Some(state) = look(run, context, &look_at)? else { return Ok(Dynamic::UNIT) };
    hand(context, &WORD, &state.tracked(&wanted))
}
