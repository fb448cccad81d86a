//! What kube-proxy refuses because it knows of no endpoint.

use std::net::IpAddr;

use super::{Family, ServicePort, table};
use crate::analysis::state::netfilter::words;
use crate::analysis::state::place_state::PlaceState;

/// Why kube-proxy refuses, as it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The Service has no endpoint at all.
    None,
    /// It has none on this node, and its policy is Local.
    NoneHere,
}

/// Why a rule of kube-proxy's refuses the packets of a Service, by its own comment: `NAMESPACE/NAME:PORT has no local endpoints`.
#[must_use]
pub fn refused_for(rule: &str, owner: &str) -> Option<Refused> {
    let words = words(rule);
    let comment = words.windows(2).find(|pair| pair[0] == "--comment").map(|pair| pair[1].as_str())?;
    let (port, why) = if let Some(port) = comment.strip_suffix(" has no local endpoints") {
        (port, Refused::NoneHere)
    } else {
        (comment.strip_suffix(" has no endpoints")?, Refused::None)
    };
    (port.split(':').next() == Some(owner)).then_some(why)
}

/// The element of the table's map `no-endpoint-services` for an address and port, with why: it drops where none is here, and rejects where there is none.
#[must_use]
pub fn refused_by_table(state: &PlaceState, address: IpAddr, port: ServicePort) -> Option<(Refused, String)> {
    let table = table(state.section("nft"), Family::of(address).table)?;
    let map = &table[table.find("map no-endpoint-services {")?..];
    let map = map.find("\n\t}").map_or(map, |end| &map[..end]);
    let key = format!("{address} . {} . {} ", port.protocol, port.port);
    let whole = |at: &usize| !map[..*at].ends_with(|before: char| before.is_ascii_alphanumeric() || matches!(before, '.' | ':'));
    let at = map.match_indices(&key).map(|(at, _)| at).find(whole)?;
    // What a comment holds is in quotes; the next element begins behind a comma or the map's end.
    let mut quoted = false;
    let end = map[at..].find(|letter: char| {
        quoted ^= letter == '"';
        !quoted && matches!(letter, ',' | '}' | '\n')
    });
    let element = end.map_or(&map[at..], |end| &map[at..at + end]).trim();
    let why = match element.rsplit(" : ").next()? {
        "drop" => Refused::NoneHere,
        verdict if verdict.starts_with("goto reject") => Refused::None,
        _ => return None,
    };
    Some((why, element.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{Host, Place};

    fn port(number: u16) -> ServicePort<'static> {
        ServicePort { namespace: "web", service: "shop", protocol: "tcp", name: "https", port: number }
    }

    #[test]
    fn a_comment_says_whose_packets_are_refused_and_why() {
        let rule = |comment: &str| format!("-A KUBE-EXTERNAL-SERVICES -d 10.0.0.1/32 -m comment --comment \"{comment}\" -j DROP");
        assert_eq!(refused_for(&rule("web/shop:https has no local endpoints"), "web/shop"), Some(Refused::NoneHere));
        assert_eq!(refused_for(&rule("web/shop:https has no endpoints"), "web/shop"), Some(Refused::None));
        assert_eq!(refused_for(&rule("web/shop2:https has no endpoints"), "web/shop"), None);
        assert_eq!(refused_for(&rule("web/shop:https loadbalancer IP"), "web/shop"), None);
    }

    #[test]
    fn an_element_is_of_its_own_address_and_port_alone() {
        let nft = "table ip kube-proxy {\n\tmap no-endpoint-services {\n\t\telements = { 10.0.0.1 . tcp . 443 comment \"web/shop:a, b\" : drop,\n\t\t\t     110.0.0.2 . tcp . 443 : drop,\n\t\t\t     10.0.0.3 . tcp . 80 : goto reject-chain }\n\t}\n\n\tmap service-ips {\n\t\telements = { 10.0.0.4 . tcp . 443 : drop }\n\t}\n}";
        let state = place_state(Place::Host(Host::local()), &format!("=== nft\n{nft}\n=== end 0\n"));
        let of = |address: &str, number| refused_by_table(&state, address.parse().unwrap(), port(number)).map(|(why, _)| why);
        assert_eq!(of("10.0.0.1", 443), Some(Refused::NoneHere));
        assert_eq!(of("10.0.0.3", 80), Some(Refused::None));
        assert_eq!((of("10.0.0.2", 443), of("10.0.0.1", 80), of("10.0.0.4", 443)), (None, None, None));
    }
}
