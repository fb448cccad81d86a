//! A pod that took requests, by what its own network is like: what is said of it, and what is not.

use serde_json::json;

use super::{no_reply, refused};
use crate::analysis::judge::Case;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::Log;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::analysis::target::target;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::finding::{Finding, Gap};
use crate::model::flow::Flow;
use crate::model::packet::{Body, Datagram, Packet, Passage};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending};

const OWN: &str = "10.88.131.10";
const VIP: &str = "10.0.0.1";

/// What is known of the pod: `%` stands for what a counter of its rules shows.
struct Given {
    dumps: String,
    /// Whom it saw lost requests from, and requests that it answered.
    lost: Vec<&'static str>,
    answered: Vec<&'static str>,
    /// Whether it refused the lost ones.
    refuses: bool,
    udp: bool,
    /// Whether the pod saw the clients' own addresses.
    from_clients: bool,
    /// Whence the pod's capture shows answers to as many of the lost requests.
    elsewhere: (&'static str, usize),
}

impl Given {
    fn new(sections: &str) -> Self {
        Self {
            dumps: sections.to_owned(),
            lost: vec!["10.88.130.255", "10.88.131.1"],
            answered: Vec::new(),
            refuses: true,
            udp: false,
            from_clients: false,
            elsewhere: ("", 0),
        }
    }

    /// It says nothing to these.
    fn silent(lost: &[&'static str], sections: String) -> Self {
        Self { dumps: sections, lost: lost.to_vec(), refuses: false, from_clients: true, ..Self::new("") }
    }
}

/// What is said of the pod's lost tries.
fn judged(given: &Given) -> (Vec<Finding>, Vec<Gap>) {
    let protocol = if given.udp { "UDP" } else { "TCP" };
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"name": "https", "port": 443, "targetPort": 4180, "protocol": protocol}]}, "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}));
    let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "https", "port": 4180, "protocol": protocol}], "endpoints": [
        {"addresses": [OWN], "nodeName": "n3", "targetRef": {"kind": "Pod", "name": "web-1"}, "conditions": {"ready": true, "serving": true}}]});
    let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
    let place = Place::Pod {
        host: Host { name: "n3".into(), address: String::new(), kind: HostKind::Node },
        namespace: "a".into(),
        name: "web-1".into(),
        ips: vec![OWN.parse().unwrap()],
        container_ids: Vec::new(),
    };
    let read = |count: &str| place_state(place.clone(), &given.dumps.replace('%', count));
    let connection = |(number, source, ending): (usize, &str, Ending)| {
        let port = 20_000 + u16::try_from(number).unwrap();
        let client = if given.from_clients { source } else { "10.9.9.9" };
        let (client, seen) = ((client.parse().unwrap(), port), (source.parse().unwrap(), port));
        let request = Hop::sample("a/web-1", Passage::In, seen, (OWN.parse().unwrap(), 4180));
        let mut hops = vec![Hop::sample("n2", Passage::In, client, (VIP.parse().unwrap(), 443)), request.clone()];
        if given.refuses && ending != Ending::Answered {
            hops.push(Hop { passage: Passage::Out, what: Sighting::Reset, ..request.back() });
        }
        Connection::sample(Attempt { source: Some(client.0), source_port: port, ending, ..Attempt::sample() }, hops)
    };
    let ending = if given.refuses { Ending::Refused } else { Ending::ConnectTimeout };
    let lost = given.lost.iter().map(|source| (*source, ending));
    let all = lost.chain(given.answered.iter().map(|source| (*source, Ending::Answered)));
    let connections = all.enumerate().map(|(number, (source, ending))| connection((number, source, ending))).collect();
    let answer = |port: u16, source: &str| Packet {
        at: 0,
        interface: "eth0".into(),
        passage: Passage::Out,
        source_mac: None,
        body: Body::Udp(Datagram {
            source: given.elsewhere.0.parse().unwrap(),
            destination: source.parse().unwrap(),
            source_port: 4180,
            destination_port: port,
            identification: 1,
            payload_hash: 7,
            length: 12,
        }),
        tunnel: None,
        outer: None,
        ttl: None,
    };
    let packets = given.lost.iter().zip(20_000..).take(given.elsewhere.1).map(|(source, port)| answer(port, source)).collect();
    let captures = vec![Capture { packets, ..Capture::sample(CaptureRequest::sample(place.clone()), 9, 0) }];
    let states = vec![StatePair { before: read("1"), after: read("9") }];
    let closer = Closer { states, again: Flow { captures, connections, ..Flow::default() }, ..Closer::default() };
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: None, closer: Some(&closer), gaps: &[] };
    let roads = case.roads();
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    let judge = if given.refuses { refused } else { no_reply };
    judge(&case, &Log::default(), &failing)
}

/// The one finding.
fn only(given: &Given) -> Finding {
    let (mut findings, gaps) = judged(given);
    assert!(findings.len() == 1 && gaps.is_empty(), "{findings:#?} {gaps:#?}");
    findings.remove(0)
}

fn nat(rules: &[&str]) -> String {
    let chains = ":PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:ISTIO_INBOUND - [0:0]\n:ISTIO_IN_REDIRECT - [0:0]\n";
    let rules = rules.iter().map(|rule| format!("[%:60] -A {rule}\n")).collect::<Vec<_>>().concat();
    format!(
        "=== iptables\n*nat\n{chains}{rules}COMMIT\n=== end 0\n=== nft\n\n=== end 0\n=== addresses\n2: eth0    inet {OWN}/24 scope global eth0\n=== end 0\n"
    )
}

fn sockets(ports: &[u16]) -> String {
    let lines = ports.iter().map(|port| format!("LISTEN 0      4096   *:{port} *:*\n")).collect::<Vec<_>>().concat();
    format!("=== sockets\n{lines}=== end 0\n")
}

#[test]
fn a_rule_leads_requests_to_a_port_on_which_nobody_listens() {
    let direct = nat(&["PREROUTING -p tcp -m tcp --dport 4180 -j REDIRECT --to-ports 15006"]);
    let of_a_mesh = nat(&[
        "PREROUTING -p tcp -j ISTIO_INBOUND",
        "ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN",
        "ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT",
        "ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006",
    ]);
    let by_nft = "=== iptables\n=== end missing\n=== nft\ntable ip mesh {\n chain in {\n type nat hook prerouting priority dstnat; policy accept;\n \
        tcp dport 4180 counter packets % bytes 60 redirect to :15006\n }\n}\n=== end 0\n";
    for rules in [direct.as_str(), of_a_mesh.as_str(), by_nft] {
        let found = only(&Given::new(&format!("{rules}{}", sockets(&[4180]))));
        assert_eq!((found.name.as_str(), found.culprits[0].to_string().as_str()), ("pod/firewall-drop", "pod/a/web-1"), "{rules}");
        assert!(found.summary.contains("for port 4180 to port 15006, on which nobody listens"), "{}", found.summary);
        assert!(found.next.contains("15006 in web-1"), "{}", found.next);
    }
}

#[test]
fn a_rule_leads_requests_out_of_the_pod() {
    let away = nat(&["PREROUTING -p tcp -j DNAT --to-destination 10.88.9.9:80"]);
    let found = only(&Given { refuses: false, ..Given::new(&format!("{away}{}", sockets(&[4180]))) });
    assert!(found.summary.contains("10.88.9.9:80, out of the pod"), "{}", found.summary);
}

/// Each beside it: no cause, and what is left open says what was read.
#[test]
fn a_rule_that_leads_nobody_astray_is_not_named() {
    let rule = |rule: &str| nat(&[rule]);
    let redirect = "PREROUTING -p tcp -m tcp --dport 4180 -j REDIRECT --to-ports 15006";
    let given = |rules: &str, ports: &[u16]| Given::new(&format!("{rules}{}", sockets(ports)));
    let beside = [
        // Somebody listens there.
        given(&rule(redirect), &[4180, 15006]),
        // It means other ports, other sources, or some by chance.
        given(&rule("PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 15006"), &[4180]),
        given(&rule("PREROUTING -s 10.9.0.0/16 -p tcp -j REDIRECT --to-ports 15006"), &[4180]),
        given(&rule("PREROUTING -p tcp -m statistic --mode random --probability 0.5 -j REDIRECT --to-ports 15006"), &[4180]),
        // It counted nothing.
        given(&rule(redirect).replace('%', "5"), &[4180]),
        // The pod answered requests that come to it alike.
        Given { answered: vec!["10.88.131.1"], ..given(&rule(redirect), &[4180]) },
    ];
    for (number, given) in beside.iter().enumerate() {
        let (findings, gaps) = judged(given);
        assert!(findings.is_empty(), "{number}: {findings:#?}");
        assert!(gaps[0].reason.contains("although its program listens on *:4180"), "{number}: {}", gaps[0].reason);
        assert_eq!(gaps[0].undecided, "why web-1 refuses the connection");
    }
}

#[test]
fn sockets_that_were_not_read_are_not_called_listening() {
    let (findings, gaps) = judged(&Given::new(&nat(&[])));
    assert!(findings.is_empty());
    assert_eq!(gaps[0].reason, "web-1 refuses the connection, and its sockets could not be read");
}

/// A pod with a link of its own beside eth0: its routes, the kernel's answers for one client, and what its neighbour table says of it.
fn linked(route: &str, way: &str, neighbour: &str) -> String {
    format!(
        "=== routes\ndefault via 10.88.131.1 dev eth0\n{route}\n=== end 0\n\
         === route-get\n10.88.192.50,, => {way}\n10.9.9.9,, => 10.9.9.9 via 10.88.131.1 dev eth0 src {OWN} uid 0\n=== end 0\n\
         === neighbours\n10.88.131.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE\n{neighbour}\n=== end 0\n\
         === links\n2: eth0@if9: <UP,LOWER_UP> mtu 1450\n3: docker0: <NO-CARRIER,UP> mtu 1500\n4: net1: <UP,LOWER_UP> mtu 1500\n=== end 0\n\
         === addresses\n2: eth0    inet {OWN}/24 scope global eth0\n3: docker0    inet 10.88.192.1/24 scope global docker0\n=== end 0\n\
         === iptables\n=== end 0\n=== nft\n=== end 0\n{}",
        sockets(&[4180])
    )
}

#[test]
fn a_link_of_the_pods_own_keeps_answers_inside() {
    let docker = "10.88.192.0/24 dev docker0 proto kernel scope link src 10.88.192.1";
    let by_docker = "10.88.192.50 dev docker0 src 10.88.192.1 uid 0";
    let all = [
        (linked(docker, by_docker, "10.88.192.50 dev docker0 INCOMPLETE"), "docker0", "ip route del 10.88.192.0/24 dev docker0"),
        // Its entry has gone already, and the bridge has no port.
        (linked(docker, by_docker, ""), "docker0", "ip route del 10.88.192.0/24 dev docker0"),
        // A second network whose mask is too wide.
        (
            linked("10.88.0.0/16 dev net1 scope link", "10.88.192.50 dev net1 src 10.88.1.1 uid 0", "10.88.192.50 dev net1 FAILED"),
            "net1",
            "ip route del 10.88.0.0/16 dev net1",
        ),
        // The same of eth0 itself: no client is behind a pod's link.
        (
            linked("10.0.0.0/8 dev eth0 scope link", "10.88.192.50 dev eth0 src 10.88.131.10 uid 0", "10.88.192.50 dev eth0 FAILED"),
            "eth0",
            "ip route del 10.0.0.0/8 dev eth0",
        ),
    ];
    for (sections, device, mend) in all {
        let found = only(&Given { answered: vec!["10.9.9.9"], ..Given::silent(&["10.88.192.50"; 2], sections) });
        assert_eq!(found.name, "pod/no-way-back");
        assert!(found.summary.contains(&format!("to its own {device}, by its route")), "{}", found.summary);
        assert!(found.next.contains(mend), "{}", found.next);
    }
    let held =
        linked(docker, "local 10.88.192.50 dev lo src 10.88.192.50 uid 0", "").replace("10.88.192.1/24 scope", "10.88.192.50/24 scope");
    let found = only(&Given::silent(&["10.88.192.50"], held));
    assert!(found.evidence.iter().any(|line| line.contains("docker0 has 10.88.192.50/24 itself")), "{:?}", found.evidence);
}

#[test]
fn a_link_by_which_the_pod_answers_others_keeps_nothing_inside() {
    let docker = "10.88.192.0/24 dev docker0 proto kernel scope link src 10.88.192.1";
    let by_docker = "10.88.192.50 dev docker0 src 10.88.192.1 uid 0";
    // Nothing shows that nobody is there; or one of the lost tries is of somebody else.
    let unknown = linked(docker, "10.88.192.50 dev net1 src 10.88.192.1 uid 0", "");
    let mixed = linked(docker, by_docker, "10.88.192.50 dev docker0 INCOMPLETE");
    for given in [Given::silent(&["10.88.192.50"], unknown), Given::silent(&["10.9.9.9", "10.9.9.9"], mixed)] {
        let (findings, gaps) = judged(&given);
        assert!(findings.is_empty(), "{findings:#?}");
        assert!(gaps[0].reason.contains("nothing leaves it from 10.88.131.10;"), "{}", gaps[0].reason);
    }
}

#[test]
fn a_gateway_that_does_not_answer_is_no_missing_default_route() {
    let sections = linked("", "10.88.192.50 via 10.88.131.1 dev eth0 src 10.88.131.10 uid 0", "");
    let silent = sections.replace("10.88.131.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE", "10.88.131.1 dev eth0 FAILED");
    let found = only(&Given::silent(&["10.88.192.50"], silent));
    assert!(found.summary.contains("next hop 10.88.131.1") && found.next.starts_with("The pod has its routes."), "{found:#?}");
}

/// A pod with a second address: the source that its route prefers, and how many datagrams it took and sent in each reading.
fn second_address(route: &str, preferred: &str, socket: &str, took: &str, sent: &str) -> String {
    let counters = format!("Udp: InDatagrams NoPorts InErrors OutDatagrams\nUdp: {took} 0 0 {sent}\n");
    format!(
        "=== routes\n{route}\n=== end 0\n=== route-get\n10.88.192.50,, => 10.88.192.50 via 10.88.131.1 dev eth0 src {preferred} uid 0\n\
         10.9.9.9,, => 10.9.9.9 via 10.88.131.1 dev eth0 src {OWN} uid 0\n=== end 0\n\
         === addresses\n2: eth0    inet {OWN}/24 scope global eth0\n2: eth0    inet 10.88.131.240/24 scope global secondary eth0\n=== end 0\n\
         === datagram-sockets\nUNCONN 0      0      {socket}:4180 *:*\n=== end 0\n=== counters\n{counters}=== end 0\n\
         === iptables\n=== end 0\n=== nft\n=== end 0\n"
    )
}

#[test]
fn an_answer_from_the_pods_other_address_matches_no_connection() {
    let given = |sections: String| Given { udp: true, ..Given::silent(&["10.88.192.50"; 4], sections) };
    let route = "default via 10.88.131.1 dev eth0 src 10.88.131.240";
    let found = only(&given(second_address(route, "10.88.131.240", "*", "%", "%")));
    assert_eq!(found.name, "pod/no-way-back");
    assert!(
        found.summary.contains("answers from 10.88.131.240, which its route prefers, and was asked at 10.88.131.10"),
        "{}",
        found.summary
    );
    assert!(found.evidence.iter().any(|line| line.contains(route)), "{:?}", found.evidence);
    // Without a word in the route the kernel's own answer is told.
    let found = only(&given(second_address("default via 10.88.131.1 dev eth0", "10.88.131.240", "*", "%", "%")));
    assert!(
        found.evidence.iter().any(|line| line.contains("`ip route get 10.88.192.50` in web-1 gives src 10.88.131.240")),
        "{:?}",
        found.evidence
    );
    let beside = [
        // It is asked and answers at the one address; it listens on that alone; it sent nothing, or something else besides.
        second_address(route, OWN, "*", "%", "%"),
        second_address(route, "10.88.131.240", OWN, "%", "%"),
        second_address(route, "10.88.131.240", "*", "%", "1"),
        second_address(route, "10.88.131.240", "*", "%", "%0"),
        // The address is none of the pod's.
        second_address(route, "10.88.131.250", "*", "%", "%"),
    ];
    for sections in beside {
        let (findings, gaps) = judged(&given(sections.clone()));
        assert!(findings.is_empty() && gaps.len() == 1, "{sections}\n{findings:#?}");
    }
}

/// What the capture shows needs neither counters nor routes; less than an answer to each request shows nothing.
#[test]
fn answers_from_another_address_are_seen_to_leave() {
    let busy = |preferred: &str| second_address("default via 10.88.131.1 dev eth0", preferred, "*", "%", "%0");
    let given = |preferred: &str, elsewhere| Given { udp: true, elsewhere, ..Given::silent(&["10.88.192.50"; 4], busy(preferred)) };
    let found = only(&given("10.88.131.240", ("10.88.131.240", 4)));
    assert!(found.summary.contains("10.88.131.240, which its route prefers, and was asked"), "{}", found.summary);
    assert!(found.evidence.iter().any(|line| line.contains("from 10.88.131.240:4180 to each of the 4 requests")), "{:?}", found.evidence);
    let found = only(&given(OWN, ("10.88.131.240", 4)));
    assert!(found.summary.contains("answers from 10.88.131.240 and was asked at 10.88.131.10"), "{}", found.summary);
    assert!(found.next.starts_with("See what gave the pod 10.88.131.240"), "{}", found.next);
    for elsewhere in [("10.88.131.240", 3), ("10.88.131.250", 4)] {
        assert!(judged(&given("10.88.131.240", elsewhere)).0.is_empty(), "{elsewhere:?}");
    }
}
