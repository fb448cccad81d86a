//! Listening sockets, as `ss -Hltn` and `ss -Hlun` print them.

use std::net::IpAddr;

use serde::Serialize;

use crate::model::service::Protocol;
use crate::model::state::PlaceState;

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// `None` means every address.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// Connections (or bytes, for UDP) that wait for the program.
    pub waiting: u64,
    /// The most that may wait; 0 for UDP.
    pub most: u64,
}

/// The listening sockets of a protocol, or `None` when they could not be read.
#[must_use]
pub fn listeners(state: &PlaceState, protocol: Protocol) -> Option<Vec<Listener>> {
    let section = if protocol == Protocol::Udp { "datagram-sockets" } else { "sockets" };
    state.sections.get(section).map(|text| text.lines().filter_map(listener).collect())
}

fn listener(line: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = words.get(3)?.rsplit_once(':')?;
    let address = address.split('%').next()?.trim_matches(['[', ']']);
    let address = match address {
        "*" | "0.0.0.0" | "::" => None,
        text => Some(text.parse().ok()?),
    };
    Some(Listener { address, port: port.parse().ok()?, waiting: words.get(1)?.parse().ok()?, most: words.get(2)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::listener;

    #[test]
    fn sockets_on_all_and_on_one_address() {
        let all = listener("LISTEN 0      4096               *:4180             *:*").unwrap();
        assert_eq!((all.address, all.port), (None, 4180));
        let one = listener("LISTEN 3      128        127.0.0.1:4180       0.0.0.0:*").unwrap();
        assert_eq!((one.address, one.waiting, one.most), (Some("127.0.0.1".parse().unwrap()), 3, 128));
        assert_eq!(listener("LISTEN 0 128 [::1]:53 [::]:*").unwrap().address, Some("::1".parse().unwrap()));
    }
}
