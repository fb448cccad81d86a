//! What a capture's standard error tells: the interfaces, the proof of the namespace, that it listens, its counters.

use crate::model::capture::Counters;
use crate::model::packet::Mac;
use crate::model::text::one_line;

/// Longest line that is kept, bytes.
const LONGEST_LINE: usize = 4096;
/// Lines of tcpdump's own that are kept for a message.
const MOST_LINES: usize = 20;
/// Longest name of an interface that is believed, bytes; Linux allows 15.
const LONGEST_NAME: usize = 64;
/// Interfaces whose names are kept.
const MOST_LINKS: usize = 10_000;
/// Bytes that a capture may say altogether: the names of that many interfaces, and tcpdump's few lines.
const MOST_BYTES: usize = 2 << 20;

/// An interface of the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) mac: Option<[u8; 6]>,
    /// The bridge or bond that it is a part of.
    pub(super) master: Option<String>,
}

/// The MACs to which an interface's frames for this host are addressed: its own, and that of the bridge that it is a port of.
/// None when its own is not known.
pub(super) fn own_macs(links: &[Link], name: &str) -> Vec<[u8; 6]> {
    let named = |name: &str| links.iter().find(|link| link.name == name);
    let Some((link, mac)) = named(name).and_then(|link| Some((link, link.mac?))) else { return Vec::new() };
    let master = link.master.as_deref().and_then(named).and_then(|master| master.mac);
    std::iter::once(mac).chain(master).collect()
}

/// Everything told so far.
#[derive(Default)]
pub(super) struct Told {
    line: Vec<u8>,
    bytes: usize,
    pub(super) listening: bool,
    pub(super) proof: String,
    pub(super) counters: Counters,
    /// Packets that the kernel had counted and tcpdump had not taken, when it had just begun to listen: the fewest of all counts.
    /// They passed between the opening of its socket and the setting of its filter, and have nothing to do with what is captured.
    pub(super) stray: Option<u64>,
    /// How often it gave its counters since it began.
    pub(super) counts: u32,
    /// What it had taken, and what had passed its filter, when it gave them last.
    pub(super) taken: u64,
    pub(super) passed: u64,
    /// Interfaces that were named since the last look.
    pub(super) links: Vec<Link>,
    /// The interface that the place's routes chose.
    pub(super) chosen: Option<String>,
    /// What else was said, for a message when it goes wrong.
    said: Vec<String>,
}

impl Told {
    /// Takes what came, in whatever pieces.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.read(String::from_utf8_lossy(&line).trim());
            } else if self.line.len() < LONGEST_LINE {
                self.line.push(*byte);
            }
        }
    }

    /// Whether it says more than any capture has to say.
    pub(super) fn babbles(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    /// The last line may have no end.
    pub(super) fn finish(&mut self) {
        self.take(b"\n");
    }

    /// What was said and is no counter, proof or interface.
    pub(super) fn said(&self) -> String {
        self.said.join("\n")
    }

    fn read(&mut self, line: &str) {
        if let Some(link) = line.strip_prefix("lbdiag-link ") {
            let mut words = link.split(' ');
            if let (Some(index), Some(name)) = (words.next(), words.next())
                && let Ok(index) = index.parse()
                && name.len() <= LONGEST_NAME
                && self.links.len() < MOST_LINKS
            {
                let mac = words.next().and_then(|text| text.parse().ok()).map(|Mac(bytes)| bytes);
                let master = words.next().filter(|master| master.len() <= LONGEST_NAME).map(one_line);
                self.links.push(Link { index, name: one_line(name), mac, master });
            }
        } else if let Some(name) = line.strip_prefix("lbdiag-interface ") {
            self.chosen = (!name.is_empty() && name.len() <= LONGEST_NAME).then(|| one_line(name));
        } else if let Some(proof) = line.strip_prefix("lbdiag-proof ") {
            proof.clone_into(&mut self.proof);
        } else if line.contains("listening on ") {
            self.listening = true;
        } else if let Some(counters) = line.strip_prefix("tcpdump: ").filter(|rest| rest.contains(" captured, ")) {
            let mut early = Counters::default();
            for part in counters.split(", ") {
                count(&mut early, part);
            }
            (self.taken, self.passed) = (early.captured.unwrap_or(0), early.received_by_filter.unwrap_or(0));
            let stray = self.passed.saturating_sub(self.taken);
            self.stray = Some(self.stray.map_or(stray, |fewest| fewest.min(stray)));
            self.counts = self.counts.saturating_add(1);
        } else if !count(&mut self.counters, line) && !line.is_empty() && self.said.len() < MOST_LINES {
            self.said.push(line.to_owned());
        }
    }
}

/// `12 packets captured`, `1 packet received by filter`, `0 packets dropped by kernel`.
fn count(counters: &mut Counters, line: &str) -> bool {
    let Some((number, what)) = line.split_once(' ') else { return false };
    let Ok(number) = number.parse::<u64>() else { return false };
    let slot = match what.trim_start_matches("packets ").trim_start_matches("packet ") {
        "captured" => &mut counters.captured,
        "received by filter" => &mut counters.received_by_filter,
        "dropped by kernel" => &mut counters.dropped_by_kernel,
        "dropped by interface" => return true,
        _ => return false,
    };
    *slot = Some(number);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "lbdiag-proof pid=812 netns=net:[4026532] ip=10.88.130.2\nlbdiag-link 1 lo\nlbdiag-link 2 eth0 66:00:00:00:00:01 br0\n\
        lbdiag-interface eth0\n\
        tcpdump: data link type LINUX_SLL2\n\
        tcpdump: listening on any, link-type LINUX_SLL2 (Linux cooked v2), snapshot length 128 bytes\n\
        tcpdump: 0 packets captured, 2 packets received by filter, 0 packets dropped by kernel\n\
        1 packet captured\n3 packets received by filter\n2 packets dropped by kernel\n4 packets dropped by interface\n";

    #[test]
    fn all_is_read_however_it_is_cut() {
        for cut in 0..SAID.len() {
            let mut told = Told::default();
            told.take(&SAID.as_bytes()[..cut]);
            told.take(&SAID.as_bytes()[cut..]);
            assert!(told.listening);
            assert_eq!(told.proof, "pid=812 netns=net:[4026532] ip=10.88.130.2");
            let link = |index, name: &str, mac, master: Option<&str>| Link {
                index,
                name: name.to_owned(),
                mac,
                master: master.map(str::to_owned),
            };
            assert_eq!(told.links, [link(1, "lo", None, None), link(2, "eth0", Some([0x66, 0, 0, 0, 0, 1]), Some("br0"))]);
            assert_eq!(told.chosen.as_deref(), Some("eth0"));
            let expected = Counters { captured: Some(1), received_by_filter: Some(3), dropped_by_kernel: Some(2), arrived: 0 };
            assert_eq!(told.counters, expected);
            assert_eq!((told.stray, told.counts), (Some(2), 1));
            assert_eq!(told.said(), "tcpdump: data link type LINUX_SLL2");
        }
    }

    #[test]
    fn a_bridge_s_port_is_addressed_by_the_bridge_s_mac_too() {
        let mut told = Told::default();
        told.take(b"lbdiag-link 1 lo\nlbdiag-link 3 cni0 66:00:00:00:00:03\nlbdiag-link 4 veth1 66:00:00:00:00:04 cni0\n");
        told.take(b"lbdiag-link 5 veth2 66:00:00:00:00:05 gone\n");
        let mac = |last| [0x66, 0, 0, 0, 0, last];
        assert_eq!(own_macs(&told.links, "veth1"), [mac(4), mac(3)]);
        assert_eq!(own_macs(&told.links, "veth2"), [mac(5)]);
        assert_eq!(own_macs(&told.links, "cni0"), [mac(3)]);
        assert!(own_macs(&told.links, "lo").is_empty() && own_macs(&told.links, "eth9").is_empty());
    }

    #[test]
    fn packets_that_only_wait_are_no_strays() {
        let mut told = Told::default();
        let count = |taken, received| {
            format!("tcpdump: {taken} packets captured, {received} packets received by filter, 0 packets dropped by kernel\n")
        };
        told.take(count(0, 42).as_bytes());
        assert_eq!(told.stray, Some(42));
        told.take(count(40, 42).as_bytes());
        told.take(count(40, 90).as_bytes());
        assert_eq!((told.stray, told.counts), (Some(2), 3));
    }

    #[test]
    fn endless_lines_cost_no_memory() {
        let mut told = Told::default();
        told.take(&vec![b'x'; 1_000_000]);
        assert!(told.line.len() <= LONGEST_LINE);
        for _ in 0..1000 {
            told.take(b"\nnonsense");
        }
        assert!(told.said.len() <= MOST_LINES);
        assert!(!told.babbles());
        for _ in 0..200 {
            told.take(&[b'y'; 10_000]);
        }
        assert!(told.babbles());
    }

    #[test]
    fn a_name_cannot_drive_a_terminal() {
        let mut told = Told::default();
        told.take(b"lbdiag-link 3 \x1b[2Jeth0\nlbdiag-interface \x9b31m\n");
        assert!(!told.links[0].name.contains('\u{1b}'));
        assert!(told.chosen.is_some_and(|name| !name.chars().any(char::is_control)));
    }

    #[test]
    fn whatever_a_capture_says_is_read() {
        crate::readers::hold("tcpdump_stderr", crate::readers::all(&[SAID]), |_, is| {
            let mut told = Told::default();
            is.chunks(7).for_each(|piece| told.take(piece));
            told.finish();
            own_macs(&told.links, "eth0");
        });
    }
}
