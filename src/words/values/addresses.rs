//! `in_cidr(address, cidr)` and `overlaps(one, other)`: addresses and the networks that they lie in.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use rhai::{Engine, ImmutableString, NativeCallContext};

use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, _run: &Arc<Run>) {
    engine.register_fn("in_cidr", |context: NativeCallContext, address: ImmutableString, cidr: ImmutableString| -> Answer<bool> {
        let address: IpAddr =
            address.parse().map_err(|_| Run::refuse(&context, format!("in_cidr: `{address}` is no IP address, such as 10.0.0.1")))?;
        Ok(network(&context, "in_cidr", &cidr)?.contains(&address))
    });
}

/// Gives the word to an engine.
pub fn register_overlaps(engine: &mut Engine, _run: &Arc<Run>) {
    engine.register_fn("overlaps", |context: NativeCallContext, one: ImmutableString, other: ImmutableString| -> Answer<bool> {
        let (one, other) = (network(&context, "overlaps", &one)?, network(&context, "overlaps", &other)?);
        Ok(one.contains(&other.network()) || other.contains(&one.network()))
    });
}

/// A network, or an address as the network of itself.
fn network(context: &NativeCallContext, word: &str, text: &str) -> Answer<IpNet> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| Run::refuse(context, format!("{word}: `{text}` is no network, such as 10.0.0.0/24")))
}
