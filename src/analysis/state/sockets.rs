//! Listening sockets, as `ss -Hltn` and `ss -Hlun` print them.

use std::net::IpAddr;

use serde::Serialize;

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// `None` means every address.
    pub address: Option<IpAddr>,
    /// The only family of addresses that it takes, where it takes every address of one family: whether that is IPv6.
    #[serde(skip)]
    pub only_v6: Option<bool>,
    pub port: u16,
    /// Connections (or bytes, for UDP) that wait for the program.
    pub waiting: u64,
    /// The most that may wait; 0 for UDP.
    pub most: u64,
}

impl Listener {
    /// Whether it takes what comes to an address.
    #[must_use]
    pub fn takes(&self, address: IpAddr) -> bool {
        self.address.map_or_else(|| self.only_v6.is_none_or(|six| six == address.is_ipv6()), |own| own == address)
    }

    /// What it takes, as a person writes it.
    #[must_use]
    pub fn text(&self) -> String {
        match (self.address, self.only_v6) {
            (Some(address), _) => std::net::SocketAddr::new(address, self.port).to_string(),
            (None, Some(true)) => format!("[::]:{} (IPv6 alone)", self.port),
            (None, Some(false)) => format!("0.0.0.0:{} (IPv4 alone)", self.port),
            (None, None) => format!("*:{}", self.port),
        }
    }
}

/// All of them.
pub(super) fn listeners(text: &str) -> Vec<Listener> {
    text.lines().filter_map(listener).collect()
}

fn listener(line: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = words.get(3)?.rsplit_once(':')?;
    let address = address.split('%').next()?.trim_matches(['[', ']']);
    // A socket of both families is `*`; of IPv6 alone, `[::]`. Before the kernel told that to ss, it was `:::` for both.
    let bracketed = words[3].starts_with('[');
    let (address, only_v6) = match address {
        "0.0.0.0" => (None, Some(false)),
        "::" if bracketed => (None, Some(true)),
        "*" | "::" => (None, None),
        text => (Some(text.parse().ok()?), None),
    };
    Some(Listener { address, only_v6, port: port.parse().ok()?, waiting: words.get(1)?.parse().ok()?, most: words.get(2)?.parse().ok()? })
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

    #[test]
    fn what_a_socket_takes() {
        let (four, six) = ("10.88.130.3".parse().unwrap(), "fd10::3".parse().unwrap());
        let takes = |line: &str| {
            let listener = listener(line).unwrap();
            (listener.takes(four), listener.takes(six))
        };
        assert_eq!(takes("LISTEN 0 128 *:4180 *:*"), (true, true));
        assert_eq!(takes("LISTEN 0 128 :::4180 :::*"), (true, true));
        assert_eq!(takes("LISTEN 0 128 0.0.0.0:4180 0.0.0.0:*"), (true, false));
        assert_eq!(takes("LISTEN 0 128 [::]:4180 [::]:*"), (false, true));
        assert_eq!(takes("LISTEN 0 128 10.88.130.3:4180 0.0.0.0:*"), (true, false));
    }
}
