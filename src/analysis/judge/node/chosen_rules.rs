//! The causes inside a node that are policy rules by mark, protocol or port, each with its proof.

use super::scene::Inside;
use crate::analysis::judge::rule::{Apply::One, Proof};
use crate::analysis::judge::{chosen, rules};

pub(super) const REQUESTS_CHOSEN_MISSING: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a policy rule that refuses the requests by their mark, protocol or port",
    needs: "`ip rule` and the routes: the rule takes every lost request as the node routes it, and no answered one; without it they would go on",
    apply: One(|scene| rules::POD_NETWORK_MISSING.of(chosen::request(scene))),
};

pub(super) const REQUESTS_CHOSEN_WRONG: Proof<Inside> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a policy rule that leads the requests to where nobody is, by their mark, protocol or port",
    needs: "`ip rule` and the routes: the rule takes every lost request and no answered one, and its route ends at a link that is down or a next hop that is nobody",
    apply: One(|scene| rules::POD_NETWORK_WRONG.of(chosen::request(scene))),
};

pub(super) const ANSWERS_CHOSEN: Proof<Inside> = Proof {
    rule: &rules::RETURN_MISSING,
    title: "a policy rule that refuses the answers, or leads them to where nobody is, by their mark, protocol or port",
    needs: "`ip rule` and the routes: the rule takes every lost answer as the node routes it, and no answered one's; without it they would go on",
    apply: One(|scene| chosen::reply(scene)),
};
