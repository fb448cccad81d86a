//! What keeps a pod from answering, in the order in which a request meets it.

use super::{
    Reached, back, filtered, led, no_route_back, no_state, not_listening, on_another_address, on_loopback, other_protocol, queue_full,
    spoiled,
};
use crate::analysis::judge::case::Case;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::{Apply::One, FirstOf, Proof, Step::Look, Step::Open, View};
use crate::analysis::judge::rules;
use crate::analysis::judge::translation;

/// Inside a pod that requests reached.
pub(in crate::analysis::judge) struct InPod;

impl View for InPod {
    type Of<'a> = Reached<'a>;

    fn case<'s>(scene: &'s Reached<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Reached<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}

/// The pod refuses the connection itself.
pub(in crate::analysis::judge) const REFUSED: FirstOf<InPod> = FirstOf {
    title: "the refusal of the pod",
    steps: &[
        Look(&LED_ASTRAY),
        Look(&OTHER_PROTOCOL),
        Look(&NOT_LISTENING),
        Look(&ON_LOOPBACK),
        Look(&ON_ANOTHER_ADDRESS),
        Look(&FILTERED),
    ],
};

/// Requests reach the pod and nothing leaves it.
pub(in crate::analysis::judge) const SILENT: FirstOf<InPod> = FirstOf {
    title: "the silence of the pod",
    steps: &[
        Look(&ITS_OWN_PACKET),
        Open(|scene| no_state(scene)),
        Look(&FILTERED),
        Look(&LED_ASTRAY),
        Look(&SPOILED),
        Open(|reached| spoiled(reached)?.err()),
        Look(&NO_ROUTE_BACK),
        Look(&KEPT_INSIDE),
        Look(&ON_LOOPBACK),
        Look(&GATEWAY_SILENT),
        Look(&QUEUE_FULL),
        Look(&FROM_ANOTHER_ADDRESS),
    ],
};

const ITS_OWN_PACKET: Proof<InPod> = Proof {
    rule: &rules::RETURN_ASYMMETRIC,
    title: "a pod that is led to itself and gets its own packet",
    needs: "requests that all come into the pod from its own address, none of them answered, and in its node's rules one that surely ends their way before kube-proxy's masquerade, or what of the masquerade is missing",
    apply: One(|scene| translation::kept_its_address(scene.case, scene.pod, scene.roads)),
};

const OTHER_PROTOCOL: Proof<InPod> = Proof {
    rule: &rules::PROTOCOL_MISMATCH,
    title: "a socket for the other protocol",
    needs: "the pod's sockets: none on the port for the Service's protocol, and one for the other",
    apply: One(|scene| other_protocol(scene)),
};

const NOT_LISTENING: Proof<InPod> = Proof {
    rule: &rules::POD_NOT_LISTENING,
    title: "no socket on the port",
    needs: "the pod's sockets: none of the Service's protocol on the port",
    apply: One(|scene| not_listening(scene)),
};

const ON_LOOPBACK: Proof<InPod> = Proof {
    rule: &rules::POD_LISTENS_ON_LOOPBACK,
    title: "sockets on the loopback address alone",
    needs: "the pod's sockets on the port, every one on a loopback address",
    apply: One(|scene| on_loopback(scene)),
};

const ON_ANOTHER_ADDRESS: Proof<InPod> = Proof {
    rule: &rules::POD_NOT_LISTENING,
    title: "sockets on other addresses than the pod's",
    needs: "the pod's sockets on the port, none of which takes what is sent to the endpoint's address",
    apply: One(|scene| on_another_address(scene)),
};

const FILTERED: Proof<InPod> = Proof {
    rule: &rules::POD_FIREWALL_DROP,
    title: "a packet filter inside the pod",
    needs: "a rule of the pod's namespace that drops these packets or their answers, and that counted",
    apply: One(|scene| filtered(scene)),
};

const LED_ASTRAY: Proof<InPod> = Proof {
    rule: &rules::POD_FIREWALL_DROP,
    title: "a rule inside the pod that leads requests to where nobody takes them",
    needs: "a rule of the pod's namespace that surely translates each of these requests and none that the pod answered, and the pod's sockets: none where it leads",
    apply: One(|scene| led::astray(scene)),
};

const SPOILED: Proof<InPod> = Proof {
    rule: &rules::CHECKSUM,
    title: "packets out of a tunnel with a wrong checksum",
    needs: "checksum errors of the pod that grew by as many as were lost, and requests that came through a tunnel",
    apply: One(|reached| spoiled(reached)?.ok()),
};

const NO_ROUTE_BACK: Proof<InPod> = Proof {
    rule: &rules::POD_NO_WAY_BACK,
    title: "a pod without a route to whom it should answer",
    needs: "the refusal of `ip route get SOURCE` in the pod",
    apply: One(|scene| no_route_back(scene)),
};

const KEPT_INSIDE: Proof<InPod> = Proof {
    rule: &rules::POD_NO_WAY_BACK,
    title: "a pod whose own route keeps its answers inside",
    needs: "`ip route get SOURCE` in the pod: by a link behind which the source is not, and a neighbour entry there that failed or no carrier, or the source's address on the pod itself; for every source of the lost requests and for none that the pod answered",
    apply: One(|scene| back::kept_inside(scene)),
};

const FROM_ANOTHER_ADDRESS: Proof<InPod> = Proof {
    rule: &rules::POD_NO_WAY_BACK,
    title: "a pod that answers from another address than it was asked at",
    needs: "answers in the pod's capture from another address of its own to each lost request of the second round; or UDP, a socket on every address that nobody waits at, another address as the source that its routes prefer, as many datagrams sent as taken, and none seen to leave from the endpoint's address",
    apply: One(|scene| back::from_another_address(scene)),
};

const GATEWAY_SILENT: Proof<InPod> = Proof {
    rule: &rules::POD_NO_WAY_BACK,
    title: "a pod whose next hop does not resolve",
    needs: "a neighbour entry of the pod's gateway that failed",
    apply: One(|scene| back::gateway_silent(scene)),
};

const QUEUE_FULL: Proof<InPod> = Proof {
    rule: &rules::POD_SILENT,
    title: "a socket whose queue nobody empties",
    needs: "the pod's socket on the port, with as much waiting as it takes, or as many overflows counted as requests were lost there",
    apply: One(|scene| queue_full(scene)),
};
