//! The causes in a node's connection table, each with its proof.

use super::scene::Inside;
use crate::analysis::judge::rule::{Apply::One, Proof};
use crate::analysis::judge::{conntrack, rules, translation};

pub(super) const CONNTRACK_STALE: Proof<Inside> = Proof {
    rule: &rules::CONNTRACK_STALE,
    title: "an old entry of the connection table",
    needs: "an entry of one of these connections from before they were repeated, that leads to no endpoint",
    apply: One(|scene| conntrack::stale(scene.case, scene.pair, scene.node, scene.roads)),
};

pub(super) const CONNTRACK_FULL: Proof<Inside> = Proof {
    rule: &rules::CONNTRACK_FULL,
    title: "a connection table that is full",
    needs: "nf_conntrack_count at 99 in 100 of nf_conntrack_max or more, or at 90 and as many packets dropped by the table as were lost while the probe was repeated",
    apply: One(|scene| conntrack::full(scene.pair, scene.node, scene.roads)),
};

pub(super) const CONNTRACK_CLASH: Proof<Inside> = Proof {
    rule: &rules::CONNTRACK_CLASH,
    title: "connections that the connection table cannot enter",
    needs: "the kernel's count of connections that could not be entered, that grew by as many as were lost while the probe was repeated",
    apply: One(|scene| conntrack::clash(scene.pair, scene.node, scene.roads)),
};

pub(super) const FORGOTTEN: Proof<Inside> = Proof {
    rule: &rules::CONNTRACK_TIMEOUT,
    title: "connections that are forgotten before their answers come",
    needs: "the timeout of the node's connection table for such connections, read twice alike, and a longer silence before each lost answer than it and before none that came through",
    apply: One(|scene| conntrack::forgotten::forgotten(scene.case, scene.pair, scene.node, scene.roads, true)),
};

/// Behind the node that translates, an answer of a forgotten connection is lost by a rule against invalid packets alone.
pub(super) const FORGOTTEN_AND_TAKEN: Proof<Inside> = Proof {
    rule: &rules::CONNTRACK_TIMEOUT,
    title: "forgotten connections whose answers are dropped as invalid",
    needs: "the same, and kube-proxy's rule against invalid packets that counted as many as were lost",
    apply: One(|scene| {
        let taken = translation::refused(scene.pair, scene.fields, scene.roads);
        conntrack::forgotten::forgotten(scene.case, scene.pair, scene.node, scene.roads, taken)
    }),
};
