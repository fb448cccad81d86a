//! Why a Service has no address, and what is notable about the one that it has, the first cause first.

use super::{Giving, broadcast, claimed, class, competing, configuration, controller, held, latent, of_another_type, pending, refusal};
use crate::analysis::allocation::Answer;
use crate::analysis::judge::case::Case;
use crate::analysis::judge::rule::{AllOf, Apply::One, Proof, View};
use crate::analysis::judge::rules;
use crate::analysis::judge::tries::OfTries;
use crate::model::finding::Finding;

/// What MetalLB gives the Service.
pub(in crate::analysis::judge) struct Gives;

impl View for Gives {
    type Of<'a> = Giving<'a>;

    fn case<'s>(scene: &'s Giving<'_>) -> &'s Case<'s> {
        scene.case
    }
}

/// Whether the Service is one that gets an address at all.
pub(in crate::analysis::judge) const KIND: AllOf<OfTries> = AllOf { title: "the Service", proofs: &[&OTHER_TYPE] };

/// The Service has no address.
pub(in crate::analysis::judge) const PENDING: AllOf<Gives> = AllOf {
    title: "the address that is not given",
    proofs: &[
        &CLASS,
        &CONTROLLER_DOWN,
        &COMPETING,
        &UNHEALTHY,
        &OWN_MISTAKE,
        &CONFIG_INVALID,
        &NO_POOL,
        &NOT_AUTOMATIC,
        &EXHAUSTED,
        &REFUSED,
    ],
};

/// Nothing of the objects says why, and MetalLB does.
pub(in crate::analysis::judge) const IN_ITS_OWN_WORDS: AllOf<Gives> = AllOf { title: "MetalLB's own words", proofs: &[&QUOTED] };

/// The Service has an address.
pub(in crate::analysis::judge) const HELD: AllOf<Gives> = AllOf {
    title: "the address",
    proofs: &[
        &HELD_CLASS,
        &HELD_COMPETING,
        &HELD_REFUSED,
        &HELD_CONTROLLER_DOWN,
        &HELD_NO_POOL,
        &HELD_NOT_AUTOMATIC,
        &HELD_EXHAUSTED,
        &HELD_CONFIG_INVALID,
        &LAST_OCTET,
        &BROADCAST,
        &CLAIMED,
    ],
};

const OTHER_TYPE: Proof<OfTries> = Proof {
    rule: &rules::NOT_A_LOAD_BALANCER,
    title: "a Service of another type than LoadBalancer",
    needs: "the Service's type",
    apply: One(|tries| of_another_type(tries.case)),
};

const CLASS: Proof<Gives> = Proof {
    rule: &rules::CLASS_UNSERVED,
    title: "a class that the controller does not serve",
    needs: "the Service's loadBalancerClass against the --lb-class of MetalLB's parts",
    apply: One(|giving| class::unserved(giving.case, giving.metallb)),
};

const CONTROLLER_DOWN: Proof<Gives> = Proof {
    rule: &rules::CONTROLLER_DOWN,
    title: "a controller that is not there or not ready",
    needs: "MetalLB's Deployment and pods",
    apply: One(|giving| controller::down(giving.metallb).filter(|_| giving.served)),
};

const COMPETING: Proof<Gives> = Proof {
    rule: &rules::COMPETING_CONTROLLER,
    title: "somebody else who gives this Service addresses",
    needs: "an address or host name in its status that MetalLB cannot have given, and a mark of somebody else, or one that is written again",
    apply: One(|giving| competing::other(giving.case, giving.metallb).filter(|_| giving.served)),
};

const UNHEALTHY: Proof<Gives> = Proof {
    rule: &rules::CONTROLLER_UNHEALTHY,
    title: "a controller that cannot write the Service's status",
    needs: "the controller's log: an address that it could not write, and no later success",
    apply: One(|giving| controller::unhealthy(giving.metallb).filter(|_| giving.served && !is_refused(giving))),
};

fn is_refused(giving: &Giving) -> bool {
    matches!(giving.answer, Answer::Refused(_)) && giving.served
}

/// What MetalLB refuses of what the Service asks for.
fn refused(giving: &Giving) -> Option<Finding> {
    match &giving.answer {
        Answer::Refused(refused) if giving.served => Some(refusal::finding(giving.case, giving.metallb, refused)),
        _ => None,
    }
}

/// Whether what is refused is the Service's own mistake. Until the configuration is taken up no change of a pool counts; this one is a mistake
/// in any case.
fn own_mistake(giving: &Giving) -> bool {
    matches!(&giving.answer, Answer::Refused(refused) if refused.is_the_requests_own())
}

const OWN_MISTAKE: Proof<Gives> = Proof {
    rule: &rules::REQUEST_REFUSED,
    title: "a wish that no configuration could grant",
    needs: "what the Service asks for, its families, and who holds the address that it wants",
    apply: One(|giving| rules::REQUEST_REFUSED.of(refused(giving).filter(|_| own_mistake(giving)))),
};

const CONFIG_INVALID: Proof<Gives> = Proof {
    rule: &rules::CONFIG_INVALID,
    title: "a configuration that the controller refuses",
    needs: "the controller's state or log, or objects that MetalLB always refuses",
    apply: One(|giving| {
        configuration::invalid(giving.metallb).filter(|_| giving.served && configuration::controller_refuses(giving.metallb))
    }),
};

const NO_POOL: Proof<Gives> = Proof {
    rule: &rules::POOL_MISSING,
    title: "no pool that serves the Service",
    needs: "the IPAddressPools, with their namespaces and selectors",
    apply: One(|giving| rules::POOL_MISSING.of(refused(giving))),
};

const NOT_AUTOMATIC: Proof<Gives> = Proof {
    rule: &rules::POOL_NOT_AUTOMATIC,
    title: "pools that give nothing unless they are asked",
    needs: "autoAssign: false of every pool that would fit, and a Service that asks for no address",
    apply: One(|giving| rules::POOL_NOT_AUTOMATIC.of(refused(giving))),
};

const EXHAUSTED: Proof<Gives> = Proof {
    rule: &rules::POOL_EXHAUSTED,
    title: "pools without a free address",
    needs: "the pools' ranges, and the Services that hold their addresses",
    apply: One(|giving| rules::POOL_EXHAUSTED.of(refused(giving))),
};

const REFUSED: Proof<Gives> = Proof {
    rule: &rules::REQUEST_REFUSED,
    title: "a wish that the pools cannot grant",
    needs: "what the Service asks for against the pools",
    apply: One(|giving| rules::REQUEST_REFUSED.of(refused(giving).filter(|_| !own_mistake(giving)))),
};

const QUOTED: Proof<Gives> = Proof {
    rule: &rules::REQUEST_REFUSED,
    title: "a refusal in MetalLB's own words",
    needs: "an event or a log line of the controller about the Service, newer than any that gives an address",
    apply: One(|giving| pending::quoting(giving)),
};

const HELD_CLASS: Proof<Gives> = Proof {
    rule: &rules::CLASS_UNSERVED,
    title: "a class that the speakers do not serve",
    needs: CLASS.needs,
    apply: One(|giving| held::unserved(giving)),
};

const HELD_COMPETING: Proof<Gives> = Proof {
    rule: &rules::COMPETING_CONTROLLER,
    title: "somebody else who gives this Service addresses beside the one that it has",
    needs: COMPETING.needs,
    apply: One(|giving| {
        let other = competing::other(giving.case, giving.metallb).filter(|_| giving.served)?;
        Some(latent(other, "it bites whenever the other one writes last"))
    }),
};

/// Why the Service has another address, or another pool, than it asks for.
fn other_than_wanted(giving: &Giving) -> Option<Finding> {
    held::other_than_wanted(giving).filter(|_| giving.served)
}

const HELD_REFUSED: Proof<Gives> = Proof {
    rule: &rules::REQUEST_REFUSED,
    title: "another address than the Service asks for",
    needs: "what the Service asks for and what it has, and MetalLB's answer to it or its own words",
    apply: One(|giving| rules::REQUEST_REFUSED.of(other_than_wanted(giving))),
};

const HELD_CONTROLLER_DOWN: Proof<Gives> = Proof {
    rule: &rules::CONTROLLER_DOWN,
    title: "a controller that is not there to grant a new wish",
    needs: CONTROLLER_DOWN.needs,
    apply: One(|giving| rules::CONTROLLER_DOWN.of(other_than_wanted(giving))),
};

const HELD_NO_POOL: Proof<Gives> = Proof {
    rule: &rules::POOL_MISSING,
    title: "another address than the Service asks for, since no pool serves it",
    needs: NO_POOL.needs,
    apply: One(|giving| rules::POOL_MISSING.of(other_than_wanted(giving))),
};

const HELD_NOT_AUTOMATIC: Proof<Gives> = Proof {
    rule: &rules::POOL_NOT_AUTOMATIC,
    title: "another address than the Service asks for, since its pools have to be asked",
    needs: NOT_AUTOMATIC.needs,
    apply: One(|giving| rules::POOL_NOT_AUTOMATIC.of(other_than_wanted(giving))),
};

const HELD_EXHAUSTED: Proof<Gives> = Proof {
    rule: &rules::POOL_EXHAUSTED,
    title: "another address than the Service asks for, since its pools are full",
    needs: EXHAUSTED.needs,
    apply: One(|giving| rules::POOL_EXHAUSTED.of(other_than_wanted(giving))),
};

const HELD_CONFIG_INVALID: Proof<Gives> = Proof {
    rule: &rules::CONFIG_INVALID,
    title: "a configuration that MetalLB refuses, while an older one works",
    needs: CONFIG_INVALID.needs,
    apply: One(|giving| {
        let invalid = configuration::invalid(giving.metallb).filter(|_| giving.served)?;
        Some(latent(invalid, "it bites with the next change, and when a part of MetalLB restarts"))
    }),
};

const LAST_OCTET: Proof<Gives> = Proof {
    rule: &rules::LAST_OCTET,
    title: "an address that ends in .0 or .255",
    needs: "the Service's address",
    apply: One(|giving| held::last_octet(giving.metallb, giving.case.address()?)),
};

const BROADCAST: Proof<Gives> = Proof {
    rule: &rules::BROADCAST,
    title: "an address that is a network's own or its broadcast address",
    needs: "the addresses and netmasks of a node or a client that was looked at, and a try that failed",
    apply: One(|giving| broadcast::finding(giving.case)),
};

const CLAIMED: Proof<Gives> = Proof {
    rule: &rules::CLAIMED,
    title: "another Service that lists the address, or an endpoint's, in its externalIPs",
    needs: "spec.externalIPs and ports of all Services, beside the Service's address and its endpoints",
    apply: One(|giving| claimed::latent(giving.case, giving.metallb)),
};
