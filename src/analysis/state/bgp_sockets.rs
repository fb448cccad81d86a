//! TCP connections of BGP, as `ss -Htnoi` prints them: two lines a socket, the second with the kernel's own counters.

use std::net::IpAddr;

/// A connection to or from port 179.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BgpSocket {
    /// `ESTAB`, `SYN-SENT` …
    pub state: String,
    pub peer: IpAddr,
    /// Milliseconds since the last data came in; `None` when the kernel does not tell.
    pub last_received_ms: Option<u64>,
    /// Segments that were sent and never acknowledged.
    pub unacknowledged: u64,
    /// How often the oldest of them was sent again, in a row.
    pub backoff: u64,
}

/// All of them.
pub(super) fn bgp_sockets(text: &str) -> Vec<BgpSocket> {
    let mut sockets: Vec<BgpSocket> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with(char::is_whitespace) {
            if let Some(socket) = sockets.last_mut() {
                details(socket, line);
            }
        } else {
            sockets.extend(socket(line));
        }
    }
    sockets
}

fn socket(line: &str) -> Option<BgpSocket> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (peer, _) = words.get(4)?.rsplit_once(':')?;
    let peer = peer.split('%').next()?.trim_matches(['[', ']']).parse().ok()?;
    Some(BgpSocket { state: (*words.first()?).to_owned(), peer, last_received_ms: None, unacknowledged: 0, backoff: 0 })
}

fn details(socket: &mut BgpSocket, line: &str) {
    for word in line.split_whitespace() {
        let Some((key, value)) = word.split_once(':') else { continue };
        let number = value.parse().ok();
        match key {
            "lastrcv" => socket.last_received_ms = number,
            "unacked" => socket.unacknowledged = number.unwrap_or_default(),
            "backoff" => socket.backoff = number.unwrap_or_default(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a node whose router's firewall dropped port 179 for 24 seconds.
    #[test]
    fn a_silent_connection_shows_since_when() {
        let text = "ESTAB 0      152    10.88.64.11:51137 10.88.64.1:179 timer:(on,4.484ms,6)\n\t ts sack bbr rto:13056 backoff:6 rtt:0.055/0.014 \
            send 210618182bps lastsnd:8572 lastrcv:21660 lastack:8320 unacked:1 retrans:1/7 lost:1\n\
            SYN-SENT 0 1 [fd10:88:64::11]:40000 [fd10:88:64::1]:179\n";
        let sockets = bgp_sockets(text);
        assert_eq!((sockets[0].last_received_ms, sockets[0].unacknowledged, sockets[0].backoff), (Some(21_660), 1, 6));
        assert_eq!((sockets[1].state.as_str(), sockets[1].peer), ("SYN-SENT", "fd10:88:64::1".parse().unwrap()));
    }
}
