//! What a playbook may touch: the capabilities that its header lists and its site allows.

/// Every capability, from what touches least to what touches most.
pub const CAPABILITIES: [&str; 7] = ["cluster.read", "node.read", "node.capture", "pod.capture", "probe", ANY_CAPTURE, PAYLOAD];

/// To capture anything but the flow of a Service: with a filter, or an address, of one's own.
pub const ANY_CAPTURE: &str = "node.capture.any";

/// To keep more of a packet than its headers.
pub const PAYLOAD: &str = "capture.payload";

/// Bytes of a packet that hold its headers: Ethernet's, a tunnel's, IPv6's and TCP's with their options.
pub const HEADERS: u32 = 160;
