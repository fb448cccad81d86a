//! `proxy_rules(place, address, port)`: what kube-proxy programmed on a node for an address and port.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::state::{Look, address, family, hand, look, missing};
use crate::analysis::state::ruleset::proxy::programme;
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::words::manual::node::PROXY_RULES as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
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
    let port = u16::try_from(port.as_int().unwrap_or_default()).unwrap_or_default();
    if port == 0 {
        return Err(Run::refuse(context, "proxy_rules: the port is a number from 1 to 65535"));
    }
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
    let unread = ["iptables", "nft"].into_iter().find(|section| !state.is_read(section));
    if let Some(section) = unread.filter(|_| found.rules.is_empty() && found.mode.is_none()) {
        run.gap(missing(&state, section, &state.place, format!("what kube-proxy programmed on {place} for {to}:{port}")));
        return Ok(Dynamic::UNIT);
    }
    hand(context, &WORD, &found)
}
