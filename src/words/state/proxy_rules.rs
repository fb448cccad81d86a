//! `proxy_rules(place, address, port)`: what kube-proxy programmed on a node for an address and port.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::options::{address, family};
use super::{CAPABILITY, Look, hand, look, missing};
use crate::analysis::state::ruleset::proxy::programme;
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::words::capture_options::whole_number;
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "proxy_rules",
    capability: CAPABILITY,
    signature: "proxy_rules(place, address, port, protocol) -> #{ mode, endpoints, rules, reached }",
    meaning: concat!(
        "What the node's own proxy does with the address and port, by its rules of iptables or nftables or by IPVS: `endpoints` are where it leads to, each as ADDRESS:PORT, `rules` are #{ path, text, packets }, `reached` tells whether a packet from outside comes to them and is translated. `mode` is () where no programme of kube-proxy's was found. `protocol` is tcp when left out. ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let tcp = Arc::clone(run);
    engine.register_fn("proxy_rules", move |context: NativeCallContext, place: ImmutableString, to: Dynamic, port: Dynamic| {
        ask(&tcp, &context, &place, &to, &port, "tcp")
    });
    let run = Arc::clone(run);
    engine.register_fn(
        "proxy_rules",
        move |context: NativeCallContext, place: ImmutableString, to: Dynamic, port: Dynamic, protocol: ImmutableString| {
            ask(&run, &context, &place, &to, &port, &protocol)
        },
    );
}

fn ask(run: &Run, context: &NativeCallContext, place: &str, to: &Dynamic, port: &Dynamic, protocol: &str) -> Answer<Dynamic> {
    let to = address(context, WORD.name, to)?;
    let port = u16::try_from(whole_number(context, "port", port, 65_535)?).unwrap_or_default();
    let protocol = protocol.to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(Run::refuse(context, format!("proxy_rules: the protocol is tcp, udp or sctp, not `{protocol}`")));
    }
    let Some(state) = look(run, context, &Look { word: &WORD, place, values: vec![family(to)], needed: &[] })? else {
        return Ok(Dynamic::UNIT);
    };
    let found = programme(&state, to, port, &protocol);
    if found.open {
        let what = format!("all that kube-proxy programmed on {place} for {to}:{port}");
        run.gap(Gap::new(names::EVIDENCE_UNDECIDED, &state.place, "there are more rules than are followed", what));
    }
    // An absence is told only where the tools that would show a programme were there.
    let unread = ["iptables", "nft"].into_iter().find(|section| !state.sections.contains_key(*section));
    if let Some(section) = unread.filter(|_| found.rules.is_empty() && found.mode.is_none()) {
        run.gap(missing(&state, section, &state.place, format!("what kube-proxy programmed on {place} for {to}:{port}")));
        return Ok(Dynamic::UNIT);
    }
    hand(context, &found)
}
