//! Every stage of the judgement, in the order in which a packet comes to them.

use super::rule::{Row, Stage};
use super::{
    address, announce, answer_quality, app, bgp, client, elsewhere, endpoints, flow, leaving, node, overlay, pod, translation, wire,
};

const ALL: &[&dyn Stage] = &[
    &address::rules::KIND,
    &address::rules::PENDING,
    &address::rules::IN_ITS_OWN_WORDS,
    &address::rules::HELD,
    &endpoints::rules::NOWHERE,
    &endpoints::rules::SERVING,
    &endpoints::rules::DIFFERENCES,
    &endpoints::rules::OTHER_FAMILY,
    &announce::rules::OBJECTS,
    &announce::rules::CANDIDATES,
    &bgp::rules::SESSIONS,
    &bgp::rules::PREFIX,
    &bgp::rules::NEXT_HOPS,
    &announce::rules::ON_NODES,
    &announce::rules::NOTABLE,
    &elsewhere::ANSWERED,
    &client::rules::AT_CLIENT,
    &client::rules::TRANSLATED,
    &client::rules::NOTED,
    &client::rules::AT_ONCE,
    &client::rules::RANGES,
    &wire::rules::STANDING,
    &wire::rules::BEFORE_NODE,
    &wire::rules::BEFORE_ROUTED_NODE,
    &wire::rules::RESOLUTION,
    &node::taking::TAKING,
    &node::rules::ASTRAY,
    &node::rules::REQUEST_INSIDE,
    &node::taking::SOUGHT,
    &overlay::rules::SIZES,
    &overlay::rules::NOT_SENT,
    &overlay::rules::BETWEEN,
    &overlay::rules::NOT_DECAPSULATED,
    &node::rules::FAR_REQUEST,
    &node::rules::ON_THE_LINK,
    &node::taking::FAR_GONE,
    &node::rules::BEYOND,
    &endpoints::rules::PROVEN,
    &pod::rules::REFUSED,
    &pod::rules::SILENT,
    &app::PROGRAM,
    &answer_quality::QUALITY,
    &node::rules::FAR_REPLY,
    &translation::PAST,
    &leaving::ANOTHER_WAY,
    &node::rules::REPLY_INSIDE,
    &leaving::LEFT,
    &leaving::NOT_TAKEN,
    &client::rules::BACK_AT_CLIENT,
    &client::rules::REFUSED_BY_CLIENT,
    &client::rules::BARRED,
    &client::rules::NOT_MADE,
    &flow::LAST_OF_ALL,
    &node::rules::UNTRIED,
];

/// Every proof at every stage.
pub(super) fn rows() -> Vec<Row> {
    ALL.iter().flat_map(|stage| stage.rows()).collect()
}

#[cfg(test)]
mod tests;
