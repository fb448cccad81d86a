//! Every reader of text and bytes that come from outside, each on real inputs that are changed at random.
//!
//! A new reader is a line of this table. Readers that nothing outside of their folder may call have theirs beside them, by the same
//! `hold`. What is promised: no panic, an end, bounded memory.

#![expect(unused_must_use, reason = "that it is read is all that is asked for")]

mod hold;
mod mutation;
mod seeds;
mod written;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::IpAddr;

use serde_json::Value;

use crate::analysis::configuration_log::ConfigurationFold;
use crate::analysis::history::{Starts, history};
use crate::analysis::read::{certificate, metallb, objects, policies, router};
use crate::analysis::speaker_log::Fold;
use crate::analysis::speaker_metrics::MetricsFold;
use crate::analysis::state::conntrack::Wanted;
use crate::analysis::state::kube_proxy::ServicePort;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::state::ruleset::{drops, proxy, refused_by_kube_proxy, trail, undecided, walk};
use crate::analysis::state::ways::RouteQuestion;
use crate::analysis::state::{kube_proxy, netfilter, sections};
use crate::analysis::trace::{Bounds, Joiner, clocks};
use crate::analysis::{addresses, host_check, timestamps};
use crate::evidence::capture::decode::{self, Links};
use crate::evidence::capture::file::{CaptureFile, Frame};
use crate::evidence::cluster::Kind;
use crate::model::headers::Headers;
use crate::model::metallb::Reader as Whose;
use crate::model::place::{Host, Place};
use crate::model::service::Protocol;
pub(crate) use hold::hold;
pub(crate) use seeds::{files, of};
pub(crate) use written::all;

/// One test a line: its name, where its inputs come from, and what reads them (the input as it was, and changed).
macro_rules! readers {
    ($($name:ident: $seeds:expr, $read:expr;)*) => {
        $(#[test]
        fn $name() {
            hold(stringify!($name), $seeds, $read);
        })*
    };
}

readers! {
    iptables_save: seeds::of_sections(&["iptables", "iptables-legacy"]), |was, is| filters("iptables", was, is);
    ip6tables_save: seeds::of_sections(&["ip6tables"]), |was, is| filters("ip6tables", was, is);
    nft_list_ruleset: seeds::of_sections(&["nft"]), |was, is| filters("nft", was, is);
    ip_links: seeds::of_sections(&["links"]), |_, is| interfaces(&place("links", is));
    ip_addresses: seeds::of_sections(&["addresses"]), |_, is| interfaces(&place("addresses", is));
    ip_routes: seeds::of_sections(&["routes", "routes6"]), |_, is| ways(&place("routes", is));
    ip_rules: seeds::of_sections(&["rules"]), |_, is| drop(place("rules", is).policy_rules());
    ip_neighbours: seeds::of_sections(&["neighbours"]), |_, is| neighbour_entries(is);
    bridge_fdb: seeds::of_sections(&["fdb"]), |_, is| forwarding_entries(is);
    ip_route_get: seeds::of_sections(&["route-get", "route-to-address"]), |_, is| asked_ways(is);
    settings: seeds::of_sections(&["settings"]), |_, is| kernel_settings(&place("settings", is));
    processes: seeds::of_sections(&["processes"]), |_, is| drop(place("processes", is).processes("kube-proxy"));
    conntrack_list: seeds::of_sections(&["conntrack"]), |_, is| connection_table(is);
    ss_listeners: seeds::of_sections(&["sockets", "datagram-sockets"]), |_, is| listeners(is);
    ss_of_bgp: all(&[written::BGP_SOCKETS]), |_, is| connections_of_bgp(is);
    kernel_counters: seeds::of_sections(&["counters"]), kernel_counters_read;
    device_counters: all(&[written::DEVICES]), |_, is| drop(place("devices", is).traffic());
    tc_queues: seeds::of_sections(&["traffic-control"]), |was, is| drop(pair("traffic-control", was, is).queues_worked());
    ip_xfrm: all(&[written::XFRM]), xfrm;
    ipvsadm: all(&[written::IPVS]), |was, is| filters("ipvs", was, is);
    ipvs_table: all(&[written::IPVS_TABLE]), |was, is| filters("ipvs-table", was, is);
    script_sections: of("inspect"), |_, is| drop(sections::place_state(Place::Host(Host::local()), &text(is)));
    check_answer: all(&[written::CHECK]), |_, is| drop(host_check::host_check("n1", "10.0.0.1", &text(is)));
    speaker_logs: of("cluster.log"), |_, is| speaker_log(&text(is));
    configuration_logs: of("cluster.log"), |_, is| configuration_log(&text(is));
    speaker_metrics: of("cluster.metrics"), |_, is| metrics(&text(is));
    frr_json: all(&[written::FRR]), |_, is| frr(is);
    certificates: of("certificate"), |_, is| certificate_read(is);
    pods: of("pods"), |_, is| json(is, |value| drop(objects::pod(value)));
    nodes: of("nodes"), |_, is| json(is, |value| drop(objects::node(value)));
    services: of("services"), |_, is| json(is, |value| drop(objects::service(value)));
    workloads: of("daemonsets"), |_, is| json(is, |value| drop(objects::workload("DaemonSet", value)));
    events: of("events"), |_, is| json(is, |value| drop(objects::event(value)));
    address_pools: of("ipaddresspools"), |_, is| json(is, pools);
    advertisements: of("l2advertisements"), |_, is| json(is, |value| drop(metallb::advertisement(value)));
    announcement_states: all(&written::STATES), |_, is| json(is, states);
    policies_read: all(&[written::POLICY]), |_, is| json(is, |value| drop(policies::network_policy(value)));
    pcap_files: seeds::files("tests/captures", "pcap"), |_, is| capture_file(is);
    frames_decoded: frames(), |_, is| frame(is);
    versions_and_times: all(&[written::WORDS]), |_, is| moments(&text(is));
    playbook_headers: written::playbooks(), |_, is| drop(crate::language::read_header::read(&crate::model::diagnostic::Source { file: "a.rhai", text: &text(is) }));
    site_files: all(&[written::SITE]), |_, is| site(is);
    recordings: recordings_unpacked(), |_, is| recording(is);
}

const CLIENT: &str = "10.88.192.50";
const SERVICE: &str = "10.88.64.100";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn place(section: &str, bytes: &[u8]) -> PlaceState {
    let sections = BTreeMap::from([(section.to_owned(), text(bytes))]);
    PlaceState::new(Place::Host(Host::local()), sections, BTreeMap::new())
}

fn pair(section: &str, was: &[u8], is: &[u8]) -> StatePair {
    StatePair { before: place(section, was), after: place(section, is) }
}

fn packet(from: &str, to: &str) -> Fields {
    Fields {
        source: Some(address(from)),
        destination: Some(address(to)),
        protocol: "tcp".to_owned(),
        source_port: Some(40_000),
        destination_port: Some(443),
        input: Some("mlb".to_owned()),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    }
}

fn filters(section: &str, was: &[u8], is: &[u8]) {
    let packets = [packet(CLIENT, SERVICE), packet("fd10:88:192::50", "fd10:88:64::100")];
    let pair = pair(section, was, is);
    for packet in &packets {
        walk(&pair.after, packet, None);
        trail(&pair, packet, Some((address(SERVICE), 443)));
    }
    drops(&pair, &packets);
    undecided(&pair, &packets);
    refused_by_kube_proxy(&pair, &packets);
    for to in [SERVICE, "fd10:88:64::100"] {
        proxy::programme(&pair.after, address(to), 443, "tcp");
        let port = ServicePort { namespace: "a", service: "web", protocol: "tcp", name: "https", port: 443 };
        kube_proxy::programme(&pair.after, address(to), Some(port));
        kube_proxy::other_ports(&pair.after, address(to));
        kube_proxy::by_mode(&pair.after, address(to), port);
    }
    kube_proxy::masquerade_lacks(&pair.after, true);
    for rule in netfilter::rules(&text(is)) {
        rule.matches(&packets[0]);
        rule.path();
    }
}

fn interfaces(state: &PlaceState) {
    for link in state.links().unwrap_or_default().iter().take(8) {
        state.is_inner_bridge(&link.name);
        state.has_mac(&link.mac);
    }
    state.on_link(address(SERVICE));
}

fn ways(state: &PlaceState) {
    if let Some(routes) = state.routes() {
        routes.default();
        routes.specific(address(CLIENT));
    }
}

fn asked_ways(is: &[u8]) {
    let state = place("route-get", is);
    state.refusal(&RouteQuestion::to(address(CLIENT)));
    state.only_way();
    place("route-to-address", is).way_to_address();
}

fn neighbour_entries(is: &[u8]) {
    place("neighbours", is).neighbours();
}

fn forwarding_entries(is: &[u8]) {
    place("fdb", is).forwarding();
}

fn connection_table(is: &[u8]) {
    place("conntrack", is).tracked(&Wanted::default());
}

fn connections_of_bgp(is: &[u8]) {
    place("bgp-sockets", is).bgp_sockets();
}

fn kernel_settings(state: &PlaceState) {
    if let Some(settings) = state.settings() {
        settings.reverse_path_filter("mlb");
        settings.of_interface("ipv4", "mlb", "forwarding");
        settings.number("net/ipv4/ip_forward");
    }
}

fn listeners(is: &[u8]) {
    for (section, protocol) in [("sockets", Protocol::Tcp), ("datagram-sockets", Protocol::Udp)] {
        for listener in place(section, is).listeners(protocol).into_iter().flatten() {
            listener.takes(address(SERVICE));
            listener.text();
        }
    }
}

fn kernel_counters_read(was: &[u8], is: &[u8]) {
    pair("counters", was, is).grown("TcpExt", "ListenDrops");
    pair("counters", is, was).grown("TcpExt", "IPReversePathFilter");
    place("counters", is).nstat();
    let six = [("counters", was), ("counters6", is)].map(|(section, bytes)| (section.to_owned(), text(bytes)));
    PlaceState::new(Place::Host(Host::local()), six.into(), BTreeMap::new()).nstat();
}

fn xfrm(was: &[u8], is: &[u8]) {
    pair("ipsec", was, is).ipsec_dropped();
}

fn speaker_log(log: &str) {
    let mut fold = Fold::new("speaker-1", "n1", &[address(SERVICE)]).held_by(address(SERVICE), "a/b");
    log.lines().for_each(|line| {
        fold.line(line);
    });
    let log = fold.finish();
    let starts = Starts { pod: "speaker-1".to_owned(), newest: log.last_at.clone(), restarts: u32::MAX };
    history(address(SERVICE), &[&log], &[starts], "2026-11-23T17:50:13Z");
}

fn configuration_log(log: &str) {
    let mut fold = ConfigurationFold::new(Whose::Controller, "controller-1");
    log.lines().for_each(|line| {
        fold.line(line);
    });
    fold.finish();
}

fn metrics(told: &str) {
    let mut fold = MetricsFold::new("speaker-1", "n1");
    told.lines().for_each(|line| {
        fold.line(line);
    });
    fold.finish();
}

fn frr(told: &[u8]) {
    let Ok(Value::Object(members)) = serde_json::from_slice(told) else { return };
    let sections = members.into_iter().map(|(name, value)| (name, value.to_string())).collect();
    let state = PlaceState::new(Place::Host(Host::local()), sections, BTreeMap::new());
    router::router("r1", &state, &[address(SERVICE)]);
}

fn certificate_read(der: &[u8]) {
    if let Some(shown) = certificate::read(der) {
        certificate::is_for(&shown, "web.example.");
        certificate::sentence(&shown, "2026-11-23T17:50:13Z");
    }
}

fn json(bytes: &[u8], read: fn(&Value)) {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        read(&value);
        for kind in [Kind::core("pods"), Kind::core("services"), Kind::core("nodes"), Kind::metallb("ipaddresspools")] {
            if let Ok(taken) = crate::evidence::cluster::projection::Projection::of_list(&kind) {
                read(&taken.take(value.clone()));
            }
        }
    }
}

fn pools(value: &Value) {
    let pool = metallb::pool(value);
    addresses::holds(&pool, address(SERVICE));
    addresses::gives(&pool, address("fd10:88:64::100"));
    addresses::capacity(&pool, addresses::Family::V4);
    addresses::capacity(&pool, addresses::Family::V6);
    for one in &pool.addresses {
        let _ = addresses::range(one);
    }
}

fn states(value: &Value) {
    metallb::l2_status(value);
    metallb::bgp_status(value);
    metallb::session_state(value);
    metallb::configuration_state(value);
    metallb::peer(value);
}

/// As `lbdiag trace` reads them, with itself as the second point.
fn capture_file(bytes: &[u8]) {
    let mut joiner = Joiner::new(Bounds::default(), true);
    let mut early: Vec<Vec<Headers>> = Vec::new();
    for name in ["a", "b"] {
        let Ok(mut file) = CaptureFile::read(name, Box::new(Cursor::new(bytes.to_vec()))) else { return };
        let point = joiner.point(name, true, if name == "a" { 0 } else { i64::MAX });
        let mut known = Vec::new();
        while let Ok(Some(frame)) = file.advance() {
            let (number, headers) = (frame.number, frame.headers());
            known.extend(headers.ok());
            match &headers {
                Ok(headers) => joiner.take(point, number, headers),
                Err(hidden) => joiner.pass(point, *hidden),
            }
        }
        joiner.end(point, file.points().iter().find_map(|point| point.dropped).map(|lost| lost.to_string()));
        early.push(known);
    }
    clocks::ahead(&early);
    let summary = joiner.finish();
    let (traced, _) = joiner.done();
    for format in crate::report::FORMATS.iter().filter_map(|format| format.trace) {
        for traced in &traced {
            (format.connection)(traced, true, crate::report::Style::PLAIN);
        }
        (format.end)(&summary);
    }
}

fn frame(bytes: &[u8]) {
    let links = Links { names: BTreeMap::new(), own: vec![[2, 0, 0, 0, 0, 1]] };
    for link_type in [decode::EN10MB, decode::SLL, decode::SLL2, 101, 228, 229] {
        decode::decode(link_type, bytes, u32::MAX, i64::MAX, &links);
        Frame { point: 0, number: 1, at: i64::MIN, timed: true, original_len: 0, data: bytes, link_type }.headers().ok();
    }
}

fn moments(told: &str) {
    for line in told.lines() {
        timestamps::second(line);
        timestamps::age_s(Some(line), "2026-11-23T17:50:13Z");
        timestamps::age_s(Some("2026-11-23T17:50:13Z"), line);
        crate::model::version::version(line);
        let _ = addresses::range(line);
    }
}

fn site(bytes: &[u8]) {
    with_file(bytes, |path| drop(crate::evidence::site::Site::read(path)));
}

fn recording(bytes: &[u8]) {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(bytes).expect("memory");
    with_file(&packed.finish().expect("memory"), |path| drop(crate::evidence::recording::recorded::open(path)));
}

pub(crate) fn with_file(bytes: &[u8], read: impl FnOnce(&std::path::Path)) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("a file");
    read(file.path());
}

fn frames() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for bytes in files("tests/captures", "pcap") {
        let Ok(mut file) = CaptureFile::read("seed", Box::new(Cursor::new(bytes))) else { continue };
        while let Ok(Some(frame)) = file.advance() {
            all.push(frame.data.to_vec());
        }
    }
    all
}

fn recordings_unpacked() -> Vec<Vec<u8>> {
    ["tests/recordings/ann-no-l2advertisement.lbdiag", "tests/recordings/alloc-pool-exhausted.lbdiag"].map(seeds::recording).to_vec()
}
