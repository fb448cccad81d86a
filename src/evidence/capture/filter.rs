//! Capture filters, built from values alone, and compiled here before anything is sent to a host.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::super::error::{ErrorKind, EvidenceError};
use crate::model::service::Protocol;

/// Endpoints that one filter names. The kernel takes 4,096 instructions; this stays far below.
const MOST_ENDPOINTS: usize = 50;
/// Further addresses of a pod that one filter names.
const MOST_ADDRESSES: usize = 8;
/// Longest filter that is sent to a host, bytes.
const MOST_BYTES: usize = 32 * 1024;

/// What a node may see of a Service's traffic: its address and port, its endpoints (also inside VXLAN, Geneve and
/// IPIP, for IPv4), who answers for the address, and ICMP errors about any of it. Of more than 50 endpoints the first
/// 50 are taken.
#[must_use]
pub fn service_flow(vip: IpAddr, port: u16, protocol: Protocol, endpoints: &[(IpAddr, u16)]) -> String {
    let endpoints = &endpoints[..endpoints.len().min(MOST_ENDPOINTS)];
    let mut parts = vec![host_port(vip, port, protocol)];
    parts.extend(endpoints.iter().map(|(address, port)| host_port(*address, *port, protocol)));
    parts.push(neighbour(vip));
    let addresses: Vec<IpAddr> = std::iter::once(vip).chain(endpoints.iter().map(|(address, _)| *address)).collect();
    parts.push(errors(&addresses));
    parts.extend(tunnels(&addresses[1..]));
    parts.join(" or ")
}

/// What a pod's network namespace may see: its port, who asks for its address, and ICMP errors.
#[must_use]
pub fn pod_flow(pod_ip: IpAddr, port: u16, protocol: Protocol) -> String {
    let neighbours = match pod_ip {
        IpAddr::V4(_) => "arp".to_owned(),
        IpAddr::V6(_) => "(icmp6 and (ip6[40] = 135 or ip6[40] = 136))".to_owned(),
    };
    [host_port(pod_ip, port, protocol), neighbours, any_error(pod_ip)].join(" or ")
}

/// What leaves a pod from its port by other addresses of its own: an answer from there matches no connection. `None` where it has no others.
#[must_use]
pub fn from_other_addresses(others: &[IpAddr], port: u16, protocol: Protocol) -> Option<String> {
    let hosts: Vec<String> = others.iter().take(MOST_ADDRESSES).map(|address| format!("src host {address}")).collect();
    (!hosts.is_empty()).then(|| format!("({} src port {port} and ({}))", word(protocol), hosts.join(" or ")))
}

/// What a client may see of a Service: its address and port, who answers for the address, and ICMP errors about it.
#[must_use]
pub fn client_flow(vip: IpAddr, port: u16, protocol: Protocol) -> String {
    [host_port(vip, port, protocol), neighbour(vip), errors(&[vip])].join(" or ")
}

/// Whatever a client and the address send each other, also at other ports, and who asks for the client.
#[must_use]
pub fn between(vip: IpAddr, client: IpAddr) -> String {
    format!("(host {vip} and host {client}) or {}", neighbour(client))
}

/// Everything from or to an address, and who answers for it.
#[must_use]
pub fn all_of(address: IpAddr) -> String {
    format!("(host {address}) or {}", neighbour(address))
}

fn host_port(address: IpAddr, port: u16, protocol: Protocol) -> String {
    format!("({} port {port} and host {address})", word(protocol))
}

fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

/// ARP or neighbour discovery about one address.
fn neighbour(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("(arp host {v4})"),
        // The target follows the 40 bytes of IPv6 and 8 of ICMPv6.
        IpAddr::V6(v6) => format!("(icmp6 and (ip6[40] = 135 or ip6[40] = 136) and {})", words("ip6", 48, &v6.octets())),
    }
}

/// ICMP errors that quote a packet from or to one of the addresses. For IPv6 all errors: sixteen bytes an address
/// would make the filter too long, and errors are few.
fn errors(addresses: &[IpAddr]) -> String {
    let mut quoted = String::new();
    for address in addresses {
        if let IpAddr::V4(v4) = address {
            let value = u32::from(*v4);
            let separator = if quoted.is_empty() { "" } else { " or " };
            // The quoted header begins behind the 8 bytes of ICMP; source at 12, destination at 16.
            let _ = write!(quoted, "{separator}icmp[20:4] = {value:#x} or icmp[24:4] = {value:#x}");
        }
    }
    let v4 = (!quoted.is_empty()).then(|| format!("({V4_ERRORS} and ({quoted}))"));
    let v6 = addresses.iter().any(IpAddr::is_ipv6).then(|| V6_ERRORS.to_owned());
    v4.into_iter().chain(v6).collect::<Vec<_>>().join(" or ")
}

/// Unreachable, redirect, time exceeded, parameter problem.
const V4_ERRORS: &str = "(icmp[0] = 3 or icmp[0] = 5 or icmp[0] = 11 or icmp[0] = 12)";
/// Unreachable, packet too big, time exceeded, parameter problem.
const V6_ERRORS: &str = "(icmp6 and ip6[40] >= 1 and ip6[40] <= 4)";

fn any_error(address: IpAddr) -> String {
    if address.is_ipv4() { V4_ERRORS } else { V6_ERRORS }.to_owned()
}

/// Tunnelled packets from or to one of the IPv4 addresses, between nodes that speak IPv4.
fn tunnels(addresses: &[IpAddr]) -> Option<String> {
    let values: Vec<u32> =
        addresses.iter().filter_map(|address| if let IpAddr::V4(v4) = address { Some(u32::from(*v4)) } else { None }).collect();
    if values.is_empty() {
        return None;
    }
    let either = |source: &str, destination: &str| {
        let pairs: Vec<String> = values.iter().map(|value| format!("{source} = {value:#x} or {destination} = {value:#x}")).collect();
        pairs.join(" or ")
    };
    // UDP 8, VXLAN 8, Ethernet 14: the inner header begins at 30, source at 12 of it, destination at 16.
    let vxlan = format!("((udp port 4789 or udp port 8472) and ({}))", either("udp[42:4]", "udp[46:4]"));
    // Geneve has options between, counted in words by the low bits of its first byte.
    let words = "((udp[8] & 0x3f) << 2)";
    let geneve = format!("(udp port 6081 and ({}))", either(&format!("udp[42 + {words}:4]"), &format!("udp[46 + {words}:4]")));
    let ipip = format!("(ip proto 4 and ({}))", either("ip[32:4]", "ip[36:4]"));
    Some(format!("{vxlan} or {geneve} or {ipip}"))
}

/// Sixteen bytes compared word by word.
fn words(base: &str, at: usize, bytes: &[u8; 16]) -> String {
    let parts: Vec<String> = bytes
        .chunks_exact(4)
        .enumerate()
        .map(|(index, word)| {
            let value = word.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
            format!("{base}[{}:4] = {value:#x}", at + 4 * index)
        })
        .collect();
    parts.join(" and ")
}

/// Refuses a filter that tcpdump would refuse, before a host is touched. Without the `libpcap` feature only its form is
/// looked at, and the host's tcpdump is the judge.
///
/// # Errors
/// `CaptureRefused` with libpcap's own words.
pub fn compile(filter: &str, link_type: u32) -> Result<(), EvidenceError> {
    let refused = |reason: String| {
        EvidenceError::new(ErrorKind::CaptureRefused, "compile the capture filter", reason)
            .hint("see pcap-filter(7) for the language of filters")
    };
    if filter.len() > MOST_BYTES {
        return Err(refused(format!("it is {} bytes long, {MOST_BYTES} at most", filter.len())));
    }
    if filter.contains(|c: char| c.is_control() || !c.is_ascii()) {
        return Err(refused("it has control characters or characters beyond ASCII".to_owned()));
    }
    compiled(filter, link_type).map_err(refused)
}

#[cfg(feature = "libpcap")]
fn compiled(filter: &str, link_type: u32) -> Result<(), String> {
    let link_type = i32::try_from(link_type).map_err(|error| error.to_string())?;
    let dead = pcap::Capture::dead(pcap::Linktype(link_type)).map_err(|error| error.to_string())?;
    dead.compile(filter, true).map(drop).map_err(|error| format!("{error}: {}", shortened(filter)))
}

#[cfg(not(feature = "libpcap"))]
fn compiled(_filter: &str, _link_type: u32) -> Result<(), String> {
    Ok(())
}

/// Enough of a filter to recognise it.
#[cfg(feature = "libpcap")]
fn shortened(filter: &str) -> String {
    if filter.len() <= 200 { filter.to_owned() } else { format!("{}…", &filter[..200]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capture::decode::{EN10MB, SLL2};

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([10, 88, 130, last])
    }

    fn v6(last: u16) -> IpAddr {
        format!("fd10:88:130::{last:x}").parse().unwrap()
    }

    fn all() -> Vec<String> {
        let many4: Vec<_> = (0..200).map(|last| (v4(last), 4180)).collect();
        let many6: Vec<_> = (0..200).map(|last| (v6(last), 4180)).collect();
        let mixed = [(v4(2), 4180), (v6(3), 4181)];
        let mut filters = vec![];
        for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
            for vip in ["10.88.64.100".parse().unwrap(), "fd10:88:64::100".parse().unwrap()] {
                filters.push(client_flow(vip, 443, protocol));
                filters.push(pod_flow(vip, 443, protocol));
                filters.push(all_of(vip));
                let others: Vec<IpAddr> = (0..20).map(|last| if vip.is_ipv4() { v4(last) } else { v6(u16::from(last)) }).collect();
                filters.push(format!("{} or {}", pod_flow(vip, 443, protocol), from_other_addresses(&others, 443, protocol).unwrap()));
                for endpoints in [&[][..], &many4, &many6, &mixed] {
                    filters.push(service_flow(vip, 443, protocol, endpoints));
                }
            }
        }
        filters
    }

    #[test]
    fn every_filter_that_is_built_compiles() {
        for filter in all() {
            for link_type in [SLL2, EN10MB] {
                compile(&filter, link_type).unwrap();
            }
        }
    }

    #[test]
    fn a_service_s_filter_reads_as_it_is_meant() {
        let filter = client_flow("10.88.64.100".parse().unwrap(), 443, Protocol::Tcp);
        assert_eq!(
            filter,
            "(tcp port 443 and host 10.88.64.100) or (arp host 10.88.64.100) or \
             ((icmp[0] = 3 or icmp[0] = 5 or icmp[0] = 11 or icmp[0] = 12) and (icmp[20:4] = 0xa584064 or icmp[24:4] = 0xa584064))"
        );
    }

    #[test]
    fn only_the_first_fifty_endpoints_are_named() {
        let many: Vec<_> = (0..200).map(|last| (v4(last), 4180)).collect();
        let filter = service_flow("10.88.64.100".parse().unwrap(), 443, Protocol::Tcp, &many);
        assert!(filter.contains("host 10.88.130.49)"));
        assert!(!filter.contains("host 10.88.130.50)"));
    }

    #[test]
    #[cfg(feature = "libpcap")]
    fn a_bad_filter_is_refused_with_its_reason() {
        let error = compile("tcp port 99999", SLL2).unwrap_err();
        assert_eq!(error.kind, ErrorKind::CaptureRefused);
        assert!(error.reason.contains("99999"), "{error}");
        compile("tcp prot 443", SLL2).unwrap_err();
    }

    #[test]
    fn a_filter_with_strange_characters_is_refused() {
        for filter in ["tcp\u{0}", "tcp\nport 1", "tcp pört 1"] {
            assert_eq!(compile(filter, SLL2).unwrap_err().kind, ErrorKind::CaptureRefused);
        }
    }

    /// The filter, run by libpcap itself over frames that it should and should not take.
    #[test]
    #[cfg(feature = "libpcap")]
    fn the_filter_takes_tunnelled_packets_of_endpoints_only() {
        let filter = service_flow("10.88.64.100".parse().unwrap(), 443, Protocol::Tcp, &[(v4(2), 4180)]);
        let dead = pcap::Capture::dead(pcap::Linktype(276)).unwrap();
        let program = dead.compile(&filter, true).unwrap();
        let takes = |protocol: u8, payload: &[u8]| {
            let mut frame = vec![8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];
            let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
            frame.extend([0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, protocol, 0, 0, 10, 88, 0, 12, 10, 88, 0, 13]);
            frame.extend(payload);
            program.filter(&frame)
        };
        let inner = |last: u8| {
            let mut ip = vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 10, 88, 192, 10, 10, 88, 130, last];
            ip.extend([0; 20]);
            ip
        };
        let udp = |port: u16, between: &[u8], last: u8| {
            let mut datagram = vec![0x30, 0x39, port.to_be_bytes()[0], port.to_be_bytes()[1], 0, 0, 0, 0];
            datagram.extend(between);
            datagram.extend([0; 14]);
            datagram.extend(inner(last));
            datagram
        };
        let vxlan = [8, 0, 0, 0, 0, 0, 1, 0];
        let geneve = [2, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        for (wanted, last) in [(true, 2), (false, 3)] {
            assert_eq!(takes(17, &udp(4789, &vxlan, last)), wanted);
            assert_eq!(takes(17, &udp(8472, &vxlan, last)), wanted);
            assert_eq!(takes(17, &udp(6081, &geneve, last)), wanted);
            assert_eq!(takes(17, &udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 1, 0], last)), wanted);
            assert_eq!(takes(4, &inner(last)), wanted);
            assert!(!takes(17, &udp(5353, &vxlan, last)));
        }
    }
}
