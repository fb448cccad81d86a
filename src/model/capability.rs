//! What a playbook may touch: the capabilities that its header lists and its site allows.

/// Every capability, from what touches least to what touches most.
pub const CAPABILITIES: [&str; 5] = ["cluster.read", "node.read", "node.capture", "pod.capture", "probe"];
