//! How much memory the packets of one run may take, all captures together.
//!
//! Captures have bounds of their own; many of them on busy nodes would still be more than a machine next to a cluster
//! has to spare. What is given out is not taken back: whoever asked for the packets may hold them to the end.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::packet::{Body, Packet};

/// What one run keeps of packets, bytes. With the program itself, its connections and the judgement a run stays below 64 MiB.
pub(in crate::evidence) const MOST: usize = 14 << 20;
/// What the heap takes for something small that a packet owns.
const APART: usize = 64;

/// The memory that is left.
#[derive(Debug)]
pub(in crate::evidence) struct PacketMemory {
    left: AtomicUsize,
}

impl PacketMemory {
    pub(in crate::evidence) fn new(most: usize) -> Self {
        Self { left: AtomicUsize::new(most) }
    }

    /// Takes what a packet needs; `false` when there is no room for it.
    pub(super) fn take(&self, packet: &Packet) -> bool {
        let bytes = weight(packet);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

fn weight(packet: &Packet) -> usize {
    let quotes = matches!(&packet.body, Body::Icmp(icmp) if icmp.quoted.is_some());
    // The name of an interface that nobody had named before.
    let own = usize::from(!packet.interface.is_shared()) + usize::from(packet.outer.is_some()) + usize::from(quotes);
    size_of::<Packet>() + own * APART
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::Passage;

    #[test]
    fn the_packets_of_all_captures_share_one_bound() {
        let packet = Packet {
            at: 0,
            interface: "mlb".into(),
            passage: Passage::In,
            source_mac: None,
            body: Body::Other,
            tunnel: None,
            outer: None,
            ttl: None,
        };
        let memory = PacketMemory::new(10 * weight(&packet) + 5);
        let kept = (0..100).filter(|_| memory.take(&packet)).count();
        assert_eq!(kept, 10);
    }
}
