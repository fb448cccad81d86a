//! What a capture's standard error tells: the interfaces, the proof of the namespace, that it listens, its counters.

use crate::model::capture::Counters;

/// Longest line that is kept, bytes.
const LONGEST_LINE: usize = 4096;
/// Lines of tcpdump's own that are kept for a message.
const MOST_LINES: usize = 20;

/// Everything told so far.
#[derive(Default)]
pub(super) struct Told {
    line: Vec<u8>,
    pub(super) listening: bool,
    pub(super) proof: String,
    pub(super) counters: Counters,
    /// Packets that the kernel had counted and tcpdump had not taken, when it had just begun to listen. They passed between
    /// the opening of its socket and the setting of its filter, and have nothing to do with what is captured.
    pub(super) stray: u64,
    /// Interfaces that were named since the last look.
    pub(super) links: Vec<(u32, String)>,
    /// What else was said, for a message when it goes wrong.
    said: Vec<String>,
}

impl Told {
    /// Takes what came, in whatever pieces.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.read(String::from_utf8_lossy(&line).trim());
            } else if self.line.len() < LONGEST_LINE {
                self.line.push(*byte);
            }
        }
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
            if let Some((index, name)) = link.split_once(' ')
                && let Ok(index) = index.parse()
                && name.len() <= 64
                && self.links.len() < 10_000
            {
                self.links.push((index, name.to_owned()));
            }
        } else if let Some(proof) = line.strip_prefix("lbdiag-proof ") {
            proof.clone_into(&mut self.proof);
        } else if line.contains("listening on ") {
            self.listening = true;
        } else if let Some(counters) = line.strip_prefix("tcpdump: ").filter(|rest| rest.contains(" captured, ")) {
            let mut early = Counters::default();
            for part in counters.split(", ") {
                count(&mut early, part);
            }
            self.stray = early.received_by_filter.unwrap_or(0).saturating_sub(early.captured.unwrap_or(0));
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

    const SAID: &str = "lbdiag-proof pid=812 netns=net:[4026532] ip=10.88.130.2\nlbdiag-link 1 lo\nlbdiag-link 2 eth0\n\
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
            assert_eq!(told.links, [(1, "lo".to_owned()), (2, "eth0".to_owned())]);
            let expected = Counters { captured: Some(1), received_by_filter: Some(3), dropped_by_kernel: Some(2), arrived: 0 };
            assert_eq!(told.counters, expected);
            assert_eq!(told.stray, 2);
            assert_eq!(told.said(), "tcpdump: data link type LINUX_SLL2");
        }
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
    }
}
