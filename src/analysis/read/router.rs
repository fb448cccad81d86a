//! A router's view, from the JSON of FRR's `vtysh`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::{array, flag, number, optional_text, text};
use crate::analysis::state::place_state::PlaceState;
use crate::model::bgp::{Neighbour, Router, RouterPath, RouterRoute};

/// Reads the sections of the `router` script. What is no JSON was not read, which is told apart from what is not there.
#[must_use]
pub fn router(host: &str, state: &PlaceState, addresses: &[IpAddr]) -> Router {
    let json = |name: &str| state.text_of(name).and_then(|text| serde_json::from_str::<Value>(text.trim()).ok());
    let summary = json("summary");
    let families: Vec<&Value> = summary.iter().filter_map(Value::as_object).flat_map(serde_json::Map::values).collect();
    let mut neighbours: BTreeMap<IpAddr, Neighbour> = BTreeMap::new();
    for (name, peer) in families.iter().filter_map(|family| family.get("peers")?.as_object()).flatten() {
        let Ok(address) = name.parse::<IpAddr>() else { continue };
        let entry = neighbours.entry(address).or_insert_with(|| Neighbour {
            address,
            remote_asn: number(peer, "/remoteAs"),
            state: text(peer, "/state"),
            received: None,
        });
        if let Some(received) = number::<u64>(peer, "/pfxRcd") {
            entry.received = Some(entry.received.unwrap_or_default().saturating_add(received));
        }
    }
    Router {
        host: host.to_owned(),
        asn: families.iter().find_map(|family| number(family, "/as")),
        addresses: state.addresses().unwrap_or_default().iter().map(|(_, net)| net.addr()).collect(),
        neighbours: neighbours.into_values().collect(),
        neighbours_read: summary.as_ref().is_some_and(Value::is_object),
        routes: addresses
            .iter()
            .map(|address| RouterRoute {
                address: *address,
                paths: json(&format!("table {address}")).map(|table| paths(&table)),
                installed: json(&format!("route {address}")).map(|routes| installed(&routes)),
            })
            .collect(),
    }
}

/// Older FRR has one `paths` for the prefix asked for, with its `prefix` beside; others a `routes` map.
fn paths(table: &Value) -> Vec<RouterPath> {
    let read = |prefix: &str, path: &Value| RouterPath {
        prefix: prefix.to_owned(),
        from: optional_text(path, "/peer/peerId").or_else(|| optional_text(path, "/peerId")).unwrap_or_default(),
        next_hops: array(path, "/nexthops").iter().map(|hop| text(hop, "/ip")).collect(),
        valid: flag(path, "/valid"),
        used: flag(path, "/bestpath/overall") || flag(path, "/bestpath") || flag(path, "/multipath"),
    };
    let prefix = text(table, "/prefix");
    let mut all: Vec<RouterPath> = array(table, "/paths").iter().map(|path| read(&prefix, path)).collect();
    for (prefix, paths) in table.get("routes").and_then(Value::as_object).into_iter().flatten() {
        all.extend(paths.as_array().into_iter().flatten().map(|path| read(prefix, path)));
    }
    all
}

fn installed(routes: &Value) -> Vec<IpAddr> {
    let all = routes.as_object().into_iter().flat_map(serde_json::Map::values).filter_map(Value::as_array).flatten();
    all.filter(|route| text(route, "/protocol") == "bgp" && flag(route, "/installed"))
        .flat_map(|route| array(route, "/nexthops"))
        .filter(|hop| flag(hop, "/fib"))
        .filter_map(|hop| text(hop, "/ip").parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::router;
    use crate::analysis::state::place_state::PlaceState;
    use crate::model::place::{HostKind, Place};

    /// From FRR 8.4.4, cut down to two of four neighbours.
    #[test]
    fn a_routers_view_is_read() {
        let summary = r#"{"ipv4Unicast":{"routerId":"10.88.64.1","as":64512,"peers":{"10.88.64.10":{"remoteAs":64500,"pfxRcd":0,"state":"Established"},"10.88.64.11":{"remoteAs":64500,"pfxRcd":1,"state":"Established"}}}}"#;
        let table = r#"{"prefix":"10.88.100.10/32","paths":[{"valid":true,"bestpath":{"overall":true},"nexthops":[{"ip":"10.88.64.11","used":true}],"peer":{"peerId":"10.88.64.11"}}]}"#;
        let route = r#"{"10.88.100.10/32":[{"prefix":"10.88.100.10/32","protocol":"bgp","installed":true,"nexthops":[{"fib":true,"ip":"10.88.64.11"},{"ip":"10.88.64.12"}]}]}"#;
        let sections = [
            ("summary", summary),
            ("table 10.88.100.10", table),
            ("route 10.88.100.10", route),
            ("addresses", "2: svc0    inet 10.88.64.1/24 brd x"),
        ];
        let place = Place::sample("rt", HostKind::Client);
        let sections = sections.map(|(name, text)| (name.to_owned(), text.to_owned())).into_iter().collect();
        let state = PlaceState::new(place.clone(), sections, BTreeMap::new());
        let address = "10.88.100.10".parse().unwrap();
        let read = router("rt", &state, &[address]);
        assert_eq!((read.asn, read.neighbours.len(), read.neighbours[1].received), (Some(64_512), 2, Some(1)));
        assert!(read.holds("10.88.64.1") && !read.holds("10.88.64.2") && read.neighbours_read);
        let route = read.route(address).unwrap();
        assert_eq!(route.installed.as_deref(), Some(&["10.88.64.11".parse().unwrap()][..]));
        let path = &route.paths.as_ref().unwrap()[0];
        assert!(path.valid && path.used && path.from == "10.88.64.11");
        let nothing = router("rt", &PlaceState::new(place, BTreeMap::new(), BTreeMap::new()), &[address]);
        assert!(!nothing.neighbours_read && nothing.route(address).unwrap().paths.is_none());
    }
}
