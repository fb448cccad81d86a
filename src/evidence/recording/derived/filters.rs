//! The filters of captures, as far as the headers that are kept of packets tell whether one passes.

use std::net::IpAddr;

use crate::model::packet::{Body, Packet};
use crate::model::tunnel::Tunnel;

/// Alternatives of one filter; more of them are not looked at.
const MOST: usize = 4096;

/// Alternatives, each of which demands all of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter(Vec<Vec<Part>>);

/// One demand of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Protocol(Protocol),
    /// At either end.
    Port(u16),
    Host(IpAddr),
    /// Something that is only compared with the like of it.
    Other(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Tcp,
    Udp,
    Sctp,
    Arp,
    Icmp,
    Icmp6,
}

const PROTOCOLS: [(&str, Protocol); 6] = [
    ("tcp", Protocol::Tcp),
    ("udp", Protocol::Udp),
    ("sctp", Protocol::Sctp),
    ("arp", Protocol::Arp),
    ("icmp", Protocol::Icmp),
    ("icmp6", Protocol::Icmp6),
];

/// Reads a filter; `None` when its brackets do not close, or it has too many alternatives.
pub(super) fn read(text: &str) -> Option<Filter> {
    let mut rest = text.trim();
    let filter = expression(&mut rest)?;
    rest.is_empty().then_some(filter)
}

/// As pcap has it, `and` and `or` bind alike, from left to right.
fn expression(rest: &mut &str) -> Option<Filter> {
    let mut all = factor(rest)?;
    loop {
        let word = rest.split([' ', '(', ')']).next().unwrap_or_default();
        if !["and", "or"].contains(&word) {
            return Some(all);
        }
        *rest = rest[word.len()..].trim_start();
        let next = factor(rest)?;
        all = if word == "or" { Filter([all.0, next.0].concat()) } else { all.with(&next) };
        if all.0.len() > MOST {
            return None;
        }
    }
}

fn factor(rest: &mut &str) -> Option<Filter> {
    if let Some(inside) = rest.strip_prefix('(') {
        let mut inner = inside.trim_start();
        if let Some(filter) = expression(&mut inner)
            && let Some(behind) = inner.strip_prefix(')')
            && is_end(behind)
        {
            *rest = behind.trim_start();
            return Some(filter);
        }
    }
    // Up to the next `and`, `or` or bracket that closes what was not opened here.
    let mut depth = 0_i32;
    let mut end = rest.len();
    for (at, letter) in rest.char_indices() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if depth < 0 || (depth == 0 && letter == ' ' && is_end(&rest[at..])) {
            end = at;
            break;
        }
    }
    let text = rest[..end].trim();
    *rest = rest[end..].trim_start();
    let unfinished = text.ends_with(" and") || text.ends_with(" or");
    if text.is_empty() || depth > 0 || unfinished { None } else { Some(primitive(text)) }
}

/// Whether nothing more belongs to what was read.
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty()
        || rest.starts_with(')')
        || rest.starts_with("and ")
        || rest.starts_with("or ")
        || rest.starts_with("and(")
        || rest.starts_with("or(")
}

fn primitive(text: &str) -> Filter {
    let words: Vec<&str> = text.split_whitespace().collect();
    let protocol = |word: &str| PROTOCOLS.iter().find(|(name, _)| *name == word).map(|(_, protocol)| Part::Protocol(*protocol));
    let parts = match words.as_slice() {
        [word] => protocol(word).map(|part| vec![part]),
        ["host", address] => address.parse().ok().map(|address| vec![Part::Host(address)]),
        [word, "host", address] => protocol(word).zip(address.parse().ok()).map(|(part, address)| vec![part, Part::Host(address)]),
        [word @ ("tcp" | "udp" | "sctp"), "port", port] => {
            protocol(word).zip(port.parse().ok()).map(|(part, port)| vec![part, Part::Port(port)])
        }
        ["port", port] => {
            if let Ok(port) = port.parse() {
                let any = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
                return Filter(any.map(|protocol| vec![Part::Protocol(protocol), Part::Port(port)]).to_vec());
            }
            None
        }
        _ => None,
    };
    Filter(vec![parts.unwrap_or_else(|| vec![Part::Other(words.join(" "))])])
}

impl Filter {
    /// What passes both.
    fn with(&self, other: &Self) -> Self {
        let both = |one: &Vec<Part>| {
            let one = one.clone();
            other.0.iter().take(MOST).map(move |next| [one.clone(), next.clone()].concat())
        };
        Self(self.0.iter().flat_map(both).take(MOST + 1).collect())
    }

    /// Whether all that passes this passes the other one.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|mine| other.0.iter().any(|theirs| theirs.iter().all(|part| mine.contains(part))))
    }

    /// Whether a packet passes; `None` when its headers do not tell.
    pub(super) fn passes(&self, packet: &Packet) -> Option<bool> {
        let mut unsure = false;
        for alternative in &self.0 {
            let answers: Vec<Option<bool>> = alternative.iter().map(|part| part.holds(packet)).collect();
            if answers.contains(&Some(false)) {
                continue;
            }
            if answers.contains(&None) {
                unsure = true;
            } else {
                return Some(true);
            }
        }
        if unsure { None } else { Some(false) }
    }
}

impl Part {
    fn holds(&self, packet: &Packet) -> Option<bool> {
        if matches!(packet.body, Body::Other) && packet.tunnel.is_none() {
            return None;
        }
        match self {
            Self::Protocol(wanted) => Some(outer_protocol(packet)? == *wanted),
            Self::Host(address) => ends(packet).map(|(one, other)| one == *address || other == *address),
            Self::Port(port) => match &packet.body {
                // The ports of a tunnel's own packets are not kept.
                _ if packet.tunnel.is_some() => None,
                Body::Tcp(segment) => Some([segment.source_port, segment.destination_port].contains(port)),
                Body::Udp(datagram) => Some([datagram.source_port, datagram.destination_port].contains(port)),
                _ => Some(false),
            },
            // What looks into a protocol's bytes holds of no other protocol.
            Self::Other(text) => {
                let of = [("icmp6", Protocol::Icmp6), ("icmp[", Protocol::Icmp), ("tcp[", Protocol::Tcp), ("udp[", Protocol::Udp)];
                let (_, protocol) = of.into_iter().find(|(begin, _)| text.starts_with(begin))?;
                if outer_protocol(packet)? == protocol { None } else { Some(false) }
            }
        }
    }
}

/// The protocol of the packet as it was on the wire, a tunnel's own where it was in one.
fn outer_protocol(packet: &Packet) -> Option<Protocol> {
    match (packet.tunnel, &packet.body) {
        (None, Body::Tcp(_)) => Some(Protocol::Tcp),
        (Some(Tunnel::Vxlan | Tunnel::Geneve | Tunnel::Fou | Tunnel::Gue), _) | (None, Body::Udp(_)) => Some(Protocol::Udp),
        (None, Body::Arp(_)) => Some(Protocol::Arp),
        (None, Body::Ndp { .. }) => Some(Protocol::Icmp6),
        (None, Body::Icmp(message)) => Some(if message.source.is_ipv4() { Protocol::Icmp } else { Protocol::Icmp6 }),
        (Some(_), _) | (None, Body::Other) => None,
    }
}

/// The addresses by which a filter goes, a tunnel's own where the packet was in one.
fn ends(packet: &Packet) -> Option<(IpAddr, IpAddr)> {
    if packet.tunnel.is_some() {
        return packet.outer.as_deref().copied();
    }
    match &packet.body {
        Body::Arp(arp) => Some((arp.sender, arp.target)),
        Body::Tcp(segment) => Some((segment.source, segment.destination)),
        Body::Udp(datagram) => Some((datagram.source, datagram.destination)),
        Body::Icmp(message) => Some((message.source, message.destination)),
        Body::Ndp { .. } | Body::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capture::filter::{client_flow, service_flow};
    use crate::model::service::Protocol as Of;

    fn packet(body: &str) -> Packet {
        serde_json::from_str(&format!(r#"{{"t":7,"i":"mlb","p":"in","b":{body}}}"#)).unwrap()
    }

    fn tcp(source: &str, port: u16) -> Packet {
        packet(&format!(r#"{{"tcp":{{"s":"{source}","d":"10.0.0.9","sp":4711,"dp":{port},"q":1,"a":0,"f":2,"l":0}}}}"#))
    }

    #[test]
    fn what_is_within_another_filter_is_known_by_its_parts() {
        let (vip, pod) = ("10.0.0.9".parse().unwrap(), "10.1.0.1".parse().unwrap());
        let whole = read(&service_flow(vip, 443, Of::Tcp, &[(pod, 8080)])).unwrap();
        for (text, within) in [
            (client_flow(vip, 443, Of::Tcp), true),
            ("tcp port 443 and host 10.0.0.9 and host 10.0.0.7".to_owned(), true),
            ("host 10.0.0.9 and tcp and tcp port 443".to_owned(), true),
            ("(tcp port 8080 and host 10.1.0.1) or (arp host 10.0.0.9)".to_owned(), true),
            ("tcp port 443".to_owned(), false),
            ("host 10.0.0.9".to_owned(), false),
            ("tcp port 443 and host 10.0.0.9 or host 10.0.0.7".to_owned(), false),
            ("not arp".to_owned(), false),
        ] {
            assert_eq!(read(&text).unwrap().is_within(&whole), within, "{text}");
        }
        assert!(whole.is_within(&whole));
        assert_eq!((read("(tcp"), read(""), read("tcp and")), (None, None, None));
    }

    #[test]
    fn a_packet_passes_by_its_headers_or_it_is_not_known() {
        let passes = |text: &str, packet: &Packet| read(text).unwrap().passes(packet);
        let syn = tcp("10.0.0.7", 443);
        assert_eq!(passes("tcp port 443 and host 10.0.0.7", &syn), Some(true));
        assert_eq!(passes("tcp port 443 and host 10.0.0.8", &syn), Some(false));
        assert_eq!(passes("udp port 443 or (arp host 10.0.0.9)", &syn), Some(false));
        assert_eq!(passes("port 4711 and icmp[0] = 3", &syn), Some(false));
        assert_eq!(passes("tcp[13] & 2 != 0", &syn), None);
        assert_eq!(passes("tcp port 443 or tcp[13] & 2 != 0", &syn), Some(true));
        assert_eq!(passes("len > 100", &syn), None);
        let in_a_tunnel = Packet {
            tunnel: Some(Tunnel::Vxlan),
            outer: Some(Box::new(("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()))),
            ..syn
        };
        assert_eq!(passes("tcp port 443", &in_a_tunnel), Some(false));
        assert_eq!(passes("udp and host 10.0.0.2", &in_a_tunnel), Some(true));
        assert_eq!(passes("udp port 4789", &in_a_tunnel), None);
    }
}
