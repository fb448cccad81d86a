//! The kernel's table of connections, as `conntrack -L` or `/proc/net/nf_conntrack` prints it.

use std::net::IpAddr;

use serde::Serialize;

/// A tracked connection: its addresses as it was asked, and as the answer is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of a row, as a script reads it")]
pub struct Tracked {
    /// `tcp`, `udp`, `icmp`, …
    pub protocol: String,
    /// TCP's state, such as `SYN_SENT`; none for others.
    pub state: Option<String>,
    /// Seconds until it is forgotten.
    pub seconds: Option<u64>,
    pub src: IpAddr,
    pub sport: Option<u16>,
    pub dst: IpAddr,
    pub dport: Option<u16>,
    pub reply_src: IpAddr,
    pub reply_sport: Option<u16>,
    pub reply_dst: IpAddr,
    pub reply_dport: Option<u16>,
    /// No answer has come by yet.
    pub unreplied: bool,
    pub assured: bool,
    pub mark: Option<u64>,
    /// Whether the destination is another to the one who answers: it was translated.
    pub dnat: bool,
    /// Whether the source is another to the one who answers.
    pub snat: bool,
}

/// Which entries are wanted. What is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub address: Option<IpAddr>,
    pub port: Option<u16>,
    pub client: Option<IpAddr>,
    pub protocol: Option<String>,
}

impl Wanted {
    pub(super) fn takes(&self, entry: &Tracked) -> bool {
        let at = |address: IpAddr, port: Option<u16>| {
            self.address.is_none_or(|wanted| wanted == address) && self.port.is_none_or(|wanted| port == Some(wanted))
        };
        let ends = [
            at(entry.dst, entry.dport),
            at(entry.reply_src, entry.reply_sport),
            at(entry.src, entry.sport),
            at(entry.reply_dst, entry.reply_dport),
        ];
        ends.contains(&true)
            && self.client.is_none_or(|client| client == entry.src)
            && self.protocol.as_ref().is_none_or(|protocol| *protocol == entry.protocol)
    }
}

/// Every entry.
pub(super) fn entries(text: &str) -> Vec<Tracked> {
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Tracked> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let first = words.iter().position(|word| word.starts_with("src="))?;
    // In /proc the family and its number stand in front.
    let head: Vec<&str> = words[..first].iter().copied().skip(if matches!(words[0], "ipv4" | "ipv6") { 2 } else { 0 }).collect();
    // A name and its number: a line of which the beginning was cut off would read as something else.
    let [name, number, ..] = head.as_slice() else { return None };
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || number.parse::<u8>().is_err() {
        return None;
    }
    let of = |key: &str| words.iter().filter_map(|word| word.strip_prefix(key)?.strip_prefix('=')).collect::<Vec<_>>();
    let address = |key: &str, at: usize| of(key).get(at).and_then(|text| text.parse::<IpAddr>().ok());
    let port = |key: &str, at: usize| of(key).get(at).and_then(|text| text.parse::<u16>().ok());
    let (src, dst, reply_src, reply_dst) = (address("src", 0)?, address("dst", 0)?, address("src", 1)?, address("dst", 1)?);
    let (sport, dport, reply_sport, reply_dport) = (port("sport", 0), port("dport", 0), port("sport", 1), port("dport", 1));
    Some(Tracked {
        protocol: (*name).to_owned(),
        state: head.last().filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase())).map(|word| (*word).to_owned()),
        // Offloaded entries have none.
        seconds: head.get(2).and_then(|text| text.parse().ok()),
        src,
        sport,
        dst,
        dport,
        reply_src,
        reply_sport,
        reply_dst,
        reply_dport,
        unreplied: words.contains(&"[UNREPLIED]"),
        assured: words.contains(&"[ASSURED]"),
        mark: of("mark").first().and_then(|mark| mark.parse().ok()),
        dnat: (dst, dport) != (reply_src, reply_sport),
        snat: (src, sport) != (reply_dst, reply_dport),
    })
}

#[cfg(test)]
mod tests {
    use super::Wanted;
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{Host, Place};

    const TEXT: &str = "=== conntrack\n\
        tcp      6 431999 ESTABLISHED src=10.88.64.50 dst=10.88.64.100 sport=20001 dport=443 src=10.88.131.21 dst=10.88.131.0 sport=4180 dport=41822 [ASSURED] mark=0 use=1\n\
        tcp      6 117 SYN_SENT src=10.88.192.50 dst=10.88.64.100 sport=20003 dport=443 [UNREPLIED] src=10.88.64.100 dst=10.88.192.50 sport=443 dport=20003 mark=16384 use=1\n\
        ipv4     2 udp      17 29 src=10.88.64.50 dst=10.96.0.10 sport=5353 dport=53 src=10.88.131.9 dst=10.88.64.50 sport=53 dport=5353 mark=0 zone=0 use=2\n\
        conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.\n=== end 0\n";

    fn found(wanted: &Wanted) -> Vec<super::Tracked> {
        place_state(Place::Host(Host::local()), TEXT).tracked(wanted).unwrap().into_iter().cloned().collect()
    }

    #[test]
    fn entries_tell_their_translation() {
        let all = found(&Wanted::default());
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].state.as_deref(), all[0].dnat, all[0].snat, all[0].assured), (Some("ESTABLISHED"), true, true, true));
        assert_eq!((all[0].reply_src, all[0].reply_sport), ("10.88.131.21".parse().unwrap(), Some(4180)));
        assert_eq!((all[1].dnat, all[1].unreplied, all[1].mark, all[1].seconds), (false, true, Some(16_384), Some(117)));
        assert_eq!((all[2].protocol.as_str(), all[2].state.as_deref(), all[2].seconds), ("udp", None, Some(29)));
    }

    #[test]
    fn only_what_is_wanted() {
        let vip = "10.88.64.100".parse().ok();
        assert_eq!(found(&Wanted { address: vip, ..Wanted::default() }).len(), 2);
        assert_eq!(found(&Wanted { address: vip, client: "10.88.192.50".parse().ok(), ..Wanted::default() }).len(), 1);
        assert_eq!(found(&Wanted { address: "10.88.131.21".parse().ok(), port: Some(4180), ..Wanted::default() }).len(), 1);
        assert_eq!(found(&Wanted { address: vip, port: Some(80), ..Wanted::default() }).len(), 0);
        assert_eq!(found(&Wanted { protocol: Some("udp".into()), ..Wanted::default() }).len(), 1);
    }
}
