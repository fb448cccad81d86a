//! `conntrack(place, options)`: the kernel's entries of one flow.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::options::{Options, PROTOCOLS, family};
use super::{CAPABILITY, Look, hand, look};
use crate::analysis::state::conntrack::{Wanted, tracked};
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "conntrack",
    capability: CAPABILITY,
    signature: "conntrack(place, #{ address, port, client, protocol }) -> array of #{ protocol, state, seconds, src, sport, dst, dport, reply_src, reply_sport, reply_dst, reply_dport, unreplied, assured, mark, dnat, snat }",
    meaning: concat!(
        "The connections that the kernel tracks and that name `address` (and `port`) at either end, as they were asked or as the answer is expected; `client` is the address that asked. `dnat` and `snat` tell whether destination and source were translated, `seconds` is the time until the entry is forgotten. At most 2000 entries. ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("conntrack", move |context: NativeCallContext, place: ImmutableString, options: Map| {
        ask(&run, &context, &place, options)
    });
}

fn ask(run: &Run, context: &NativeCallContext, place: &str, options: Map) -> Answer<Dynamic> {
    let options = Options::new(context, WORD.name, options, &["address", "port", "client", "protocol"])?;
    let wanted = Wanted {
        address: options.address("address")?,
        port: options.port("port")?,
        client: options.address("client")?,
        protocol: options.one_of("protocol", &PROTOCOLS)?.map(|name| if name == "ipv6-icmp" { "icmpv6".to_owned() } else { name }),
    };
    let Some(address) = wanted.address.or(wanted.client) else {
        return Err(Run::refuse(context, "conntrack needs `address` or `client`: a node's whole table may be large"));
    };
    let look_at = Look { word: &WORD, place, values: vec![address.to_string(), family(address)], needed: &["conntrack"] };
    let Some(state) = look(run, context, &look_at)? else { return Ok(Dynamic::UNIT) };
    hand(context, &tracked(&state, &wanted))
}
