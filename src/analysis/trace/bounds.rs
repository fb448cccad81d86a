//! How much is held of what was seen, and for how long.

/// How much is held. All bounds are always on.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long a packet waits for its counterparts, nanoseconds, and how long when every point has seen it already.
    pub window: i64,
    pub seen_everywhere: i64,
    /// Packets that wait, of all connections and of one.
    pub packets: usize,
    pub packets_of_one: u32,
    /// Connections that are open.
    pub connections: usize,
    /// How long a connection stays open in which nothing passes, nanoseconds.
    pub idle: i64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            window: 30_000_000_000,
            seen_everywhere: 1_000_000_000,
            packets: 1 << 17,
            packets_of_one: 1 << 15,
            connections: 40_000,
            idle: 600_000_000_000,
        }
    }
}
