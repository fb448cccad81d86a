//! What the rules inside a node look at.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::packets::Packets;
use crate::analysis::judge::case::Case;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::View;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;

/// The packets that were lost on a node, and its state around them.
pub(in crate::analysis::judge) struct Scene<'a> {
    pub case: &'a Case<'a>,
    pub roads: &'a [&'a Road<'a>],
    pub node: &'a str,
    pub pair: &'a StatePair,
    pub packets: &'a Packets,
    /// The lost packets, as packet filters see them.
    pub fields: &'a [Fields],
    /// The same as frames of the bridge between the node and its pods, where there is one.
    pub frames: &'a [Fields],
    /// The interface by which they came in.
    pub input: Option<&'a str>,
    /// The interface towards the client, or the one that they came in by.
    pub queue: Option<&'a str>,
    /// The interfaces whose traffic control may have taken them: those that they come in by, and those that they leave by.
    pub queues: &'a BTreeSet<String>,
    /// Whom they came from.
    pub sources: &'a BTreeSet<IpAddr>,
}

/// Inside a node.
pub(in crate::analysis::judge) struct Inside;

impl View for Inside {
    type Of<'a> = Scene<'a>;

    fn case<'s>(scene: &'s Scene<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Scene<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}
