//! Clients: what is wrong on the asking side, or keeps one client out.

use super::pages;
use crate::model::catalogue::Property;
use crate::model::finding::Severity;

entries! {
    CLIENT_NO_ROUTE = "client/no-route" {
        severity: Severity::Fail,
        culprit: "the client",
        meaning: "The client has no usable route to the address: none at all, or one that leads nowhere, so none of its requests leaves its own network.",
        decided_by: "The probe's error \"network is unreachable\", when the client was watched and nothing left it, or its routing table has neither a default route nor one for the address. Or its kernel's answer to `ip route get`: it refuses; it names a dummy interface; it names no gateway, while the client's ARP requests leave it and come in on no node where the address is announced, the client has no address in a node's network there, and neither knows the other's MAC; or it names a gateway whose MAC nobody tells, which is not the default route's; or the client is in the address's own network, its way leads there by another interface or by a gateway, and what it sends so comes in on no node while all were watched. Of a default gateway that does not answer it is not decided who is wrong.",
        seen: "curl says `Network is unreachable` (or Python OSError 101) at once, without any wait, and tcpdump on the client shows no packet: a host without a default route, or with IPv4 only for an IPv6 address. Or `No route to host` after three seconds, and tcpdump shows ARP requests for the address, or for a gateway, that nobody answers: a netmask that is too wide, or a static route that is wrong.",
        next: "Add a default route or a route to the address's network on the client, or remove the one that leads astray; see its netmask.",
        alike: &[
            (
                "wire/request-lost",
                "There the request leaves the client, or its ARP request leaves for a network that is the node's, too; a router may then say the same words by ICMP.",
            ),
            ("client/firewall", "There the route is right, and a rule of the client drops or rejects."),
            ("bgp/filtered", "There the client's router answers by ICMP that it has no route."),
        ],
        references: &["RFC 1812 §4.3.3.1", "ip-route(8)"],
    },
    CLIENT_NO_SOURCE_PORT = "client/no-source-port" {
        severity: Severity::Fail,
        culprit: "the client",
        meaning: "The client's kernel has no port left from which it could make another connection, so that its programs connect to nobody while nothing on the way is wrong.",
        decided_by: "Tries that leave the choice of their port to the kernel fail with EADDRNOTAVAIL or EADDRINUSE, those of the same place from ports of their own are made, and the kernel's range (net.ipv4.ip_local_port_range without net.ipv4.ip_local_reserved_ports) has no more ports than are bound.",
        seen: "Programs say `Cannot assign requested address` (EADDRNOTAVAIL) at once, tcpdump shows no packet of them, and ss -tan is full of connections from ports of that range, many of them in TIME-WAIT or never closed: a connection pool that leaks, or a range that somebody made small.",
        next: "Widen the range (sysctl -w net.ipv4.ip_local_port_range='32768 60999') or end what holds the ports (ss -tanp on the client).",
        alike: &[
            ("client/no-route", "There the kernel knows no way, whatever the port."),
            ("node/conntrack-full", "There a node has no room for connections that did leave the client."),
        ],
        references: &["ip(7)", "connect(2)"],
    },
    CLIENT_OVERLAPS_CLUSTER = "client/overlaps-cluster" {
        severity: Severity::Fail,
        culprit: "the client's network",
        meaning: "The client's address lies inside a network that the nodes use themselves (pods, Services, an on-link range), so their answers never leave towards the client.",
        decided_by: "The client's address against the podCIDRs of the node objects; of a client that was asked from, its address inside these, or inside the node's route to an endpoint of the Service or to another node's bridge of pods, and the node's way to it, which leads there. Or its answers end in the node, which has an address of the client's network on an interface, takes the client for a neighbour there and asks for its MAC in vain, knows nobody else of that network there (or the interface is a bridge of pods or containers), while the client's requests come through a router. The networks of Services are not compared.",
        seen: "The clients of one network fail and all others work. tcpdump on the node shows their requests coming in, and the answers go to a pod's interface or vanish: ip route get CLIENT on the node names cni0, a cali interface, docker0 or blackhole.",
        next: "Take the address off the node's interface when it does not belong there; otherwise use another network for these clients, or renumber the cluster's.",
        alike: &[
            ("route/return-missing", "There the node has no route to the client, or one by hand that lacks a gateway."),
            ("route/return-asymmetric", "There the answer leaves the node, by another interface."),
            ("client/source-range", "There the Service's own list leaves the client out."),
        ],
        references: &[pages::KUBERNETES_SERVICE, pages::KUBERNETES_VIRTUAL_IPS],
    },
    CLIENT_TRANSLATED = "client/translated" {
        severity: Severity::Fail,
        culprit: "the router that translates the client's address, and the client",
        meaning: "Somebody between the client and the node translates the client's address to one that another machine has, so its answers go to that machine. Of a client that is answered it is told for information.",
        decided_by: "The same request, by its TCP sequence number, seen to leave the client with one source address and to come to the node with another; and another place that asks with that other address itself and is answered.",
        seen: "One client times out, and tcpdump on the node shows no request with its address. Another host of the network gets SYN-ACKs that it did not ask for and resets them. The router has a SNAT or MASQUERADE rule for what goes to the Service's address, with a pool that overlaps addresses in use.",
        next: "Do not translate what goes to the Service's address, or translate it to an address that nobody else has.",
        alike: &[
            ("wire/client-address-duplicate", "There the client's own address is held by a second machine, and nothing translates."),
            ("client/source-range", "There kube-proxy drops the request, by the address that it comes with."),
            ("wire/reply-lost", "There the answer goes to the right address and is lost on the way."),
        ],
        references: &["RFC 3022 §2", "iptables-extensions(8)"],
    },
    CLIENT_SOURCE_RANGE = "client/source-range" {
        severity: Severity::Fail,
        culprit: "the Service",
        meaning: "loadBalancerSourceRanges is set and leaves the client out, so kube-proxy drops its packets.",
        decided_by: "The client's address against spec.loadBalancerSourceRanges, and its requests, none of which was translated to a pod; of a client that cannot be asked from, the address alone.",
        seen: "Clients of listed networks work and all others time out, without a refusal. The iptables rule KUBE-PROXY-FIREWALL (in old versions KUBE-MARK-DROP) counts, with the comment `traffic not accepted by KUBE-FW-...`. Behind NAT the node sees the NAT's address, not the client's.",
        next: "Add the client's network to loadBalancerSourceRanges, or remove the list.",
        alike: &[
            ("node/firewall-drop", "There another rule of the node drops, which is none of kube-proxy's."),
            ("policy/denied", "There the request reaches the pod's node, and a policy stops it."),
            ("client/overlaps-cluster", "There the request is taken, and the answer stays in the cluster."),
        ],
        references: &[
            pages::KUBERNETES_SERVICE,
            pages::KUBERNETES_VIRTUAL_IPS,
            "kubernetes/kubernetes#109575",
            "kubernetes/kubernetes#88698",
        ],
    },
    CLIENT_WRONG_PORT = "client/wrong-port" {
        severity: Severity::Fail,
        culprit: "the client",
        meaning: "The client asks for a port or protocol that the Service does not have.",
        decided_by: "The port that was asked for, a number, against spec.ports of the Service. A name that the Service does not have is a mistake in the command, and no finding.",
        seen: "One port of the address works and another does not: ping or curl shows `Redirect Host (New nexthop: ...)` or `Destination Host Unreachable`, or the TTL runs out between router and node. In IPVS mode a process of the node itself may answer.",
        next: "Use a port of the Service, or add the port to it.",
        alike: &[
            ("node/not-programmed", "There the Service has the port, and the node no rule for it."),
            ("endpoints/protocol-mismatch", "There the port is the Service's, and its protocol is not the pods'."),
            ("pod/not-listening", "There the port leads to a pod where nobody listens."),
        ],
        references: &[pages::KUBERNETES_SERVICE, "metallb/metallb#469", "metallb/metallb#1930", "cilium/cilium#14118"],
        properties: &[Property::SaidBy("resolve_target_port")],
    },
    CLIENT_FIREWALL = "client/firewall" {
        severity: Severity::Fail,
        culprit: "the client",
        meaning: "The client's own packet filter drops the requests or the answers, or leads the requests to another address.",
        decided_by: "A drop or reject rule of the client's iptables that fits the flow and whose counter grew while it was asked, when nothing left the client, or when the answer came back to its interface. Or a rule of its own that these requests surely come to and that gives them another destination, when none for the address left it.",
        seen: "The Service answers everybody else; on the client the connection times out, or fails with `Operation not permitted` or `Permission denied`. tcpdump on the client shows no request, or an answer that its program never gets.",
        next: "Change the named rule on the client.",
        alike: &[
            ("wire/request-lost", "There the request is seen to leave the client's interface."),
            ("wire/reply-lost", "There no answer comes in at the client's interface."),
            ("client/no-route", "There the client has no route."),
        ],
        references: &[pages::KUBERNETES_DEBUG_SERVICE, "iptables(8)"],
    },
}
