//! What a client's own routes, addresses and filters do, and what the nodes make of them: causes that go by connections alone.

use super::{diverted, entry, firewall, no_route, outside_ranges, overlaps, ports, translated, way};
use crate::analysis::judge::rule::{AllOf, Apply::Each, Apply::One, FirstOf, Proof, Step::Look, Step::Open};
use crate::analysis::judge::tries::{OfTries, Tries};
use crate::analysis::judge::{holders, own_requests, rules};
use crate::model::catalogue::names;
use crate::model::finding::Gap;

/// What keeps every request of one client from leaving it.
pub(in crate::analysis::judge) const AT_CLIENT: FirstOf<OfTries> = FirstOf {
    title: "the client",
    steps: &[
        Look(&OWN_ADDRESS),
        Look(&DIVERTED),
        Look(&ROUTE_SWALLOWS),
        Look(&ROUTE_REFUSES),
        Look(&ROUTE_TO_NEIGHBOURS),
        Look(&DEAD_GATEWAY),
        Look(&WRONG_ENTRY),
        Look(&DETOUR),
        Look(&OWN_FILTER),
        Look(&OWN_ROUTE_REFUSES),
        Look(&OWN_ROUTE_ASTRAY),
    ],
};

/// The requests of one client come to the node with another address than its own.
pub(in crate::analysis::judge) const TRANSLATED: FirstOf<OfTries> =
    FirstOf { title: "the client that is translated", steps: &[Look(&TRANSLATED_TO_ANOTHERS)] };

/// The same of clients that are answered.
pub(in crate::analysis::judge) const NOTED: AllOf<OfTries> =
    AllOf { title: "clients that are answered", proofs: &[&TRANSLATED_AND_ANSWERED] };

const TRANSLATED_TO_ANOTHERS: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_TRANSLATED,
    title: "a client that is translated to another's address",
    needs: "requests that leave the client with one address and come to the node with another, from which somebody else asks and is answered",
    apply: One(|tries| translated::to_anothers(tries.case, tries.roads)),
};

const TRANSLATED_AND_ANSWERED: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_TRANSLATED,
    title: "a client that is translated and answered",
    needs: "answered tries that leave the client with one address and come to the node with another",
    apply: Each(|tries| translated::noted(tries.case)),
};

/// Connecting fails at once.
pub(in crate::analysis::judge) const AT_ONCE: FirstOf<OfTries> = FirstOf { title: "failing at once at", steps: &[Look(&NO_ROUTE)] };

/// The client's address is outside of the source ranges, and no endpoint was come to.
pub(in crate::analysis::judge) const RANGES: FirstOf<OfTries> =
    FirstOf { title: "source ranges and", steps: &[Look(&TRANSLATED_OUT), Look(&OUTSIDE_RANGES)] };

/// The answer comes back to the client, and its program does not get it.
pub(in crate::analysis::judge) const BACK_AT_CLIENT: FirstOf<OfTries> =
    FirstOf { title: "the answer inside the client", steps: &[Look(&FIREWALL), Open(|tries| Some(taken_inside(tries)))] };

/// The client refuses before anything leaves it.
pub(in crate::analysis::judge) const REFUSED_BY_CLIENT: FirstOf<OfTries> =
    FirstOf { title: "the refusal of the client", steps: &[Look(&FIREWALL)] };

/// Clients that can make no connection at all.
pub(in crate::analysis::judge) const BARRED: AllOf<OfTries> = AllOf { title: "clients that can ask nothing", proofs: &[&ROUTE_BARS] };

/// Tries that the client's own kernel could not make, while others from there were made.
pub(in crate::analysis::judge) const NOT_MADE: AllOf<OfTries> = AllOf { title: "tries that were not made", proofs: &[&NO_SOURCE_PORT] };

const NO_SOURCE_PORT: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_SOURCE_PORT,
    title: "a client whose kernel has no source port left",
    needs: "tries from ports that the kernel chooses, which it could not make, others of the same place from ports of their own, which it could, and its range of ports with as many bound as it may choose",
    apply: Each(|tries| ports::none_left(tries.case)),
};

fn taken_inside(tries: &Tries) -> Gap {
    let reason = "the answer comes back to the client, and its program does not get it";
    let subject = &tries.roads[0].connection.vantage;
    Gap::new(names::EVIDENCE_UNDECIDED, subject, reason, "what takes the answer inside the client").decisive()
}

const OWN_ADDRESS: Proof<OfTries> = Proof {
    rule: &rules::DUPLICATE_ADDRESS,
    title: "a client that has the address itself",
    needs: "the address on an interface of the client, from which nothing leaves",
    apply: One(|tries| holders::own_address(tries.case, tries.roads)),
};

const ROUTE_SWALLOWS: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_ROUTE,
    title: "a client's route into an interface that no cable leaves by",
    needs: "the client's way to the address: by a dummy interface, or a bridge without a port to the outside",
    apply: One(|tries| way::swallowed(tries.case, tries.roads)),
};

const ROUTE_REFUSES: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_ROUTE,
    title: "a client's route that refuses",
    needs: "the refusal of `ip route get` on the client, and nothing that leaves it",
    apply: One(|tries| way::refused(tries.case, tries.roads)),
};

const ROUTE_TO_NEIGHBOURS: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_ROUTE,
    title: "a client's route that takes the address for a neighbour's",
    needs: "the client's ARP requests for the address, unanswered, in a network in which no node has an address",
    apply: One(|tries| way::takes_for_neighbour(tries.case, tries.roads)),
};

const DEAD_GATEWAY: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_ROUTE,
    title: "a client's route by a gateway that is nobody",
    needs: "a neighbour entry of that gateway that failed, and another gateway for everybody else",
    apply: One(|tries| way::dead_gateway(tries.case, tries.roads)),
};

const WRONG_ENTRY: Proof<OfTries> = Proof {
    rule: &rules::STALE_NEIGHBOUR,
    title: "a client's own neighbour entry of its router, which has another MAC",
    needs: "the client's way and its neighbour table, requests that leave it and come in on no node while all were watched, no answered try, nothing that came in there from the entry's MAC, and another MAC that answers by ARP for the router",
    apply: One(|tries| entry::wrong(tries.case, tries.roads)),
};

const DETOUR: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_ROUTE,
    title: "a client's route past the network of the address, in which it is",
    needs: "an address of the client in the network of the Service's address, a way to the address by another interface or by a gateway, and requests that come in on no node while all were watched",
    apply: One(|tries| way::detour(tries.case, tries.roads)),
};

const OWN_FILTER: Proof<OfTries> = Proof {
    rule: &rules::FIREWALL_DROP,
    title: "a node whose packet filter takes what it asks itself",
    needs: "tries from a node that leave it nowhere while it is watched, and a rule that surely takes what is for some endpoints, to which the node was not seen to send, while all that it sent to the others was answered",
    apply: One(|tries| own_requests::filtered(tries.case, tries.roads)),
};

const OWN_ROUTE_REFUSES: Proof<OfTries> = Proof {
    rule: &rules::POD_NETWORK_MISSING,
    title: "a node whose own routing refuses what its requests are translated to",
    needs: "tries from a node that leave it nowhere while it is watched, `ip rule` and the routes: what is for some endpoints is refused, and would go on without the rule or the route, the node was not seen to send to these, and all that it sent to the others was answered",
    apply: One(|tries| rules::POD_NETWORK_MISSING.of(own_requests::led_astray(tries.case, tries.roads))),
};

const OWN_ROUTE_ASTRAY: Proof<OfTries> = Proof {
    rule: &rules::POD_NETWORK_WRONG,
    title: "a node whose own routing leads what its requests are translated to to where nobody is",
    needs: "as for one that refuses, with a route that ends at a link that is down or a next hop that is nobody",
    apply: One(|tries| rules::POD_NETWORK_WRONG.of(own_requests::led_astray(tries.case, tries.roads))),
};

const NO_ROUTE: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_ROUTE,
    title: "a client that is told at once that there is no route",
    needs: "`Network is unreachable` from the client's own kernel",
    apply: One(|tries| no_route(tries.case, tries.roads)),
};

const TRANSLATED_OUT: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_TRANSLATED,
    title: "a client that is translated to an address outside of the source ranges",
    needs: "requests that leave the client with an address of loadBalancerSourceRanges, come to the node with one that is in none of them, and come to no endpoint",
    apply: One(|tries| translated::out_of_ranges(tries.case, tries.roads)),
};

const OUTSIDE_RANGES: Proof<OfTries> = Proof {
    rule: &rules::SOURCE_RANGE,
    title: "requests from outside of the source ranges",
    needs: "loadBalancerSourceRanges that do not hold the address that the node sees of the client, and requests that come to no endpoint",
    apply: One(|tries| Some(outside_ranges(tries.case, tries.roads))),
};

const FIREWALL: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_FIREWALL,
    title: "a client's packet filter",
    needs: "a rule of the client that takes these packets or their answers, and that counted",
    apply: One(|tries| firewall(tries.case, tries.roads)),
};

const DIVERTED: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_FIREWALL,
    title: "a client's own rule that leads its requests elsewhere",
    needs: "a rule of the client that these requests surely come to, that counted and gives them another destination, and none for the address that left the client",
    apply: One(|tries| diverted(tries.case, tries.roads)),
};

const ROUTE_BARS: Proof<OfTries> = Proof {
    rule: &rules::CLIENT_NO_ROUTE,
    title: "a client whose route lets it make no connection at all",
    needs: "the refusal of `ip route get` on a client from which no try could be made",
    apply: Each(|tries| way::barred(tries.case)),
};

/// The client lies in a network of the cluster's pods.
pub(in crate::analysis::judge) const IN_POD_NETWORK: Proof<OfTries> = Proof {
    rule: &rules::OVERLAPS_CLUSTER,
    title: "a client whose address lies in a pod network",
    needs: "a pod network around the client's address, and a way of the node to it that leads into the cluster, or is refused",
    apply: One(|tries| overlaps::pods(tries.case, tries.roads, tries.node)),
};
