//! What keeps an address from being announced, and what is odd about an announcement that works.

use super::interfaces::interfaces;
use super::{cut_off, no_advertisement, no_candidate, no_pool, no_speaker, nobody, notable, several};
use crate::analysis::judge::meant::{Announcing, Meant};
use crate::analysis::judge::rule::{AllOf, Apply::One, Proof};
use crate::analysis::judge::{holders, rules};
use crate::model::finding::Finding;

/// What the objects lack: a pool, an advertisement, speakers.
pub(in crate::analysis::judge) const OBJECTS: AllOf<Announcing> =
    AllOf { title: "what an announcement needs", proofs: &[&POOL_GONE, &NO_ADVERTISEMENT, &NO_SPEAKER] };

/// Nothing lacks, and no node may announce.
pub(in crate::analysis::judge) const CANDIDATES: AllOf<Announcing> =
    AllOf { title: "who may announce", proofs: &[&NO_CANDIDATE, &NO_LOCAL_POD, &NO_WORKING_SPEAKER, &OTHER_CLASS] };

/// What the nodes and the wire show of an address that is announced on layer 2.
pub(in crate::analysis::judge) const ON_NODES: AllOf<Announcing> = AllOf {
    title: "the announcement on the nodes",
    proofs: &[&INTERFACE_MISSING, &INTERFACE_OFF_LINK, &ADDRESS_OFF_LINK, &SPLIT_BRAIN, &FROZEN, &STRAY, &CUT_OFF, &MUTE, &NOBODY],
};

/// What explains no failure by itself.
pub(in crate::analysis::judge) const NOTABLE: AllOf<Announcing> =
    AllOf { title: "what is odd about the announcement", proofs: &[&FLAPPING, &CRASHING, &UNEXPECTED, &STALE_SOURCE] };

const POOL_GONE: Proof<Announcing> = Proof {
    rule: &rules::POOL_MISSING,
    title: "an address that lies in no pool any more",
    needs: "the IPAddressPools, none of which holds the Service's address, and no agreement on who announces",
    apply: One(|meant| no_pool(meant.case, meant.announcement)),
};

const NO_ADVERTISEMENT: Proof<Announcing> = Proof {
    rule: &rules::NO_ADVERTISEMENT,
    title: "a pool that no advertisement selects, or a Service that none does",
    needs: "the address's pool and all advertisements of both kinds; from 0.16 on the Service's labels",
    apply: One(|meant| no_advertisement(meant.case, meant.announcement)),
};

const NO_SPEAKER: Proof<Announcing> = Proof {
    rule: &rules::SPEAKER_MISSING,
    title: "a MetalLB without any speaker",
    needs: "the pods of MetalLB's namespace, none of which is a speaker that stays",
    apply: One(|meant| no_speaker(meant.announcement)),
};

/// Why no node may announce, by what keeps most of them out.
fn candidate(meant: &Meant) -> Option<Finding> {
    no_candidate(meant.case, meant.announcement)
}

const NO_CANDIDATE: Proof<Announcing> = Proof {
    rule: &rules::NO_CANDIDATE,
    title: "selectors, labels or conditions that leave no node",
    needs: "for each node why it may not announce: the advertisement's selectors, its labels and conditions, or memberlist",
    apply: One(|meant| rules::NO_CANDIDATE.of(candidate(meant))),
};

const NO_LOCAL_POD: Proof<Announcing> = Proof {
    rule: &rules::NO_LOCAL_ENDPOINT,
    title: "policy Local, and no pod on a node that may announce",
    needs: "the external traffic policy Local, and no ready endpoint on any node that may announce otherwise",
    apply: One(|meant| rules::NO_LOCAL_ENDPOINT.of(candidate(meant))),
};

const NO_WORKING_SPEAKER: Proof<Announcing> = Proof {
    rule: &rules::SPEAKER_MISSING,
    title: "nodes that may announce and run no working speaker",
    needs: "for each node whether a speaker runs there, is ready, and is not lost to the others",
    apply: One(|meant| rules::SPEAKER_MISSING.of(candidate(meant))),
};

const OTHER_CLASS: Proof<Announcing> = Proof {
    rule: &rules::CLASS_UNSERVED,
    title: "speakers that serve another load balancer class",
    needs: "the speakers' --lb-class against the Service's loadBalancerClass",
    apply: One(|meant| rules::CLASS_UNSERVED.of(candidate(meant))),
};

/// What is wrong with the interfaces or networks of the announcement.
fn on_interfaces(meant: &Meant) -> Option<Finding> {
    interfaces(meant.case, meant.announcement)
}

const INTERFACE_MISSING: Proof<Announcing> = Proof {
    rule: &rules::ANNOUNCED_INTERFACE_MISSING,
    title: "an advertisement for interfaces that the announcer does not have",
    needs: "the advertisement's interfaces, and the announcing node's links",
    apply: One(|meant| rules::ANNOUNCED_INTERFACE_MISSING.of(on_interfaces(meant))),
};

const INTERFACE_OFF_LINK: Proof<Announcing> = Proof {
    rule: &rules::ANNOUNCED_INTERFACE_OFF_LINK,
    title: "an advertisement for interfaces of another network than the address's",
    needs: "the advertisement's interfaces, and the announcing node's addresses",
    apply: One(|meant| rules::ANNOUNCED_INTERFACE_OFF_LINK.of(on_interfaces(meant))),
};

const ADDRESS_OFF_LINK: Proof<Announcing> = Proof {
    rule: &rules::OFF_LINK,
    title: "an address in no network of any node that may announce it",
    needs: "the addresses of the nodes that may announce, and no request that came in on one",
    apply: One(|meant| rules::OFF_LINK.of(on_interfaces(meant))),
};

const SPLIT_BRAIN: Proof<Announcing> = Proof {
    rule: &rules::SPLIT_BRAIN,
    title: "several nodes that announce one address",
    needs: "answers by ARP from MACs of several nodes that are meant to announce",
    apply: One(|meant| rules::SPLIT_BRAIN.of(several(meant.case, meant.announcement))),
};

const FROZEN: Proof<Announcing> = Proof {
    rule: &rules::SPEAKER_UNHEALTHY,
    title: "a speaker that claims the address and is stopped",
    needs: "the process speaker in state T on a node that claims the address",
    apply: One(|meant| rules::SPEAKER_UNHEALTHY.of(several(meant.case, meant.announcement))),
};

const STRAY: Proof<Announcing> = Proof {
    rule: &rules::DUPLICATE_ADDRESS,
    title: "a node that has the address and does not announce it",
    needs: "an answer by ARP of a node whose speaker does not announce, while another one's does",
    apply: One(|meant| holders::stray(meant.case)),
};

const CUT_OFF: Proof<Announcing> = Proof {
    rule: &rules::SPEAKER_UNHEALTHY,
    title: "a speaker that cannot list what it works by",
    needs: "the elected node, nobody who announces or answers by ARP, and that speaker's log from its start: it was refused a list or did not reach the API server, and has said nothing of a Service since",
    apply: One(|meant| rules::SPEAKER_UNHEALTHY.of(cut_off::finding(meant.case, meant.announcement))),
};

const MUTE: Proof<Announcing> = Proof {
    rule: &rules::SPEAKER_UNHEALTHY,
    title: "a speaker that has nothing to answer with",
    needs: "the elected node's speaker, whose log from its start says that it could not make a responder of the address's family on any of the interfaces, or closed the one that it had; nobody answers",
    apply: One(|meant| rules::SPEAKER_UNHEALTHY.of(cut_off::mute(meant.case, meant.announcement))),
};

const NOBODY: Proof<Announcing> = Proof {
    rule: &rules::NOBODY_ANNOUNCES,
    title: "a node that should announce and does not",
    needs: "the elected node, every source read, none that names an announcer, and nobody who answers by ARP",
    apply: One(|meant| nobody(meant.case, meant.announcement)),
};

const FLAPPING: Proof<Announcing> = Proof {
    rule: &rules::FLAPPING,
    title: "an announcement that moves again and again",
    needs: "six moves within ten minutes in the speakers' logs, that no restart explains",
    apply: One(|meant| notable::flapping(meant.case, meant.announcement)),
};

const CRASHING: Proof<Announcing> = Proof {
    rule: &rules::SPEAKER_UNHEALTHY,
    title: "a speaker that crashes",
    needs: "a speaker's pod on a node that should take part, whose container does not run and was started again twice",
    apply: One(|meant| notable::crashing(meant.announcement)),
};

const UNEXPECTED: Proof<Announcing> = Proof {
    rule: &rules::UNEXPECTED_NODE,
    title: "another announcer than the elected one",
    needs: "the election from the objects, and sources that agree on another node",
    apply: One(|meant| notable::unexpected(meant.announcement)),
};

const STALE_SOURCE: Proof<Announcing> = Proof {
    rule: &rules::STALE_SOURCE,
    title: "a status or an event that names another announcer",
    needs: "a ServiceL2Status or the newest event that names another node than the one that announces",
    apply: One(|meant| notable::stale(meant.announcement)),
};
