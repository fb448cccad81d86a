//! Where bridges and tunnels send what is for a MAC, as `bridge fdb` prints it.

use std::net::IpAddr;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// In lower case.
    pub mac: String,
    pub device: String,
    /// The other end of a tunnel.
    pub destination: Option<IpAddr>,
    /// As it is printed.
    pub text: String,
}

pub(super) fn entries(text: &str) -> Vec<Forwarding> {
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Forwarding> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let device = words.iter().position(|word| *word == "dev").and_then(|at| words.get(at + 1))?;
    Some(Forwarding {
        mac: words.first()?.to_lowercase(),
        device: (*device).to_owned(),
        destination: words.iter().find_map(|word| word.parse().ok()),
        text: line.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_a_tunnel_tells_its_other_end() {
        let all = entries(
            "66:A0:c1:00:00:01 dev vxlan.calico dst 10.88.0.12 self permanent\n33:33:00:00:00:01 dev mlb self permanent\nnothing\n",
        );
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].mac.as_str(), all[0].device.as_str()), ("66:a0:c1:00:00:01", "vxlan.calico"));
        assert_eq!((all[0].destination, all[1].destination), ("10.88.0.12".parse().ok(), None));
    }
}
