//! The kernel's table of IPVS, as `/proc/net/ip_vs` prints it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A virtual server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// `tcp`, `udp` or `sctp`.
    pub(super) protocol: String,
    pub(super) at: SocketAddr,
    /// Where it leads.
    pub(super) real: Vec<SocketAddr>,
}

/// All virtual servers, in the order in which they are printed.
pub(super) fn servers(text: &str) -> Vec<Server> {
    let mut all: Vec<Server> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["->", real, ..] => {
                if let (Some(server), Some(real)) = (all.last_mut(), socket(real)) {
                    server.real.push(real);
                }
            }
            [protocol @ ("TCP" | "UDP" | "SCTP"), at, ..] => {
                if let Some(at) = socket(at) {
                    all.push(Server { protocol: protocol.to_lowercase(), at, real: Vec::new() });
                }
            }
            _ => {}
        }
    }
    all
}

/// `0A584064:01BB`, or `[fd00:0000:…:0001]:01BB`.
fn socket(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once(':')?;
    let address: IpAddr = match address.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        Some(six) => six.parse::<Ipv6Addr>().ok()?.into(),
        None => Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?).into(),
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_servers_of_both_families_with_their_real_ones() {
        let all = servers(
            "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n\
             TCP  0A584064:01BB rr \n  -> 0A588313:1054      Masq    1      0          0         \n  -> 0A588202:1054      Masq    1      0          0\n\
             UDP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0035 rr \n",
        );
        let told: Vec<_> = all.iter().map(|one| (one.protocol.as_str(), one.at.to_string(), one.real.len())).collect();
        assert_eq!(told, [("tcp", "10.88.64.100:443".to_owned(), 2), ("udp", "[fd00::1]:53".to_owned(), 0)]);
        assert_eq!(all[0].real[0].to_string(), "10.88.131.19:4180");
    }
}
