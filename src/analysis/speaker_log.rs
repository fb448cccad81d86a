//! Folds one speaker's log into what it last said about an address.
//!
//! Formats: go-kit JSON of MetalLB 0.9 to 0.16, with the kubelet's timestamp in front; the table of differences is in
//! the code below where each is met. The fold is per container start: a start resets what was said.

use std::net::IpAddr;

use serde_json::Value;

use crate::model::announcement::{LogState, SpeakerLog};

/// The fold of one container's log for one address.
pub struct Fold {
    address: IpAddr,
    log: SpeakerLog,
}
// provisional

impl Fold {
    /// Begins with nothing said.
    #[must_use]
    pub fn new(pod: &str, node: &str, addresses: &[IpAddr]) -> Self {
        Self {
            address: addresses[0],
            log: SpeakerLog {
                pod: pod.to_owned(),
                node: node.to_owned(),
                addresses: addresses
                    .iter()
                    .map(|address| crate::model::announcement::AddressLog {
                        address: *address,
                        protocols: vec![],
                        moves: vec![],
                        moves_dropped: 0,
                    })
                    .collect(),
                ..SpeakerLog::default()
            },
        }
    }

    /// Takes one line, with or without the kubelet's timestamp. True when the line mattered.
    pub fn line(&mut self, line: &str) -> bool {
        let (at, rest) = split_timestamp(line.trim_end());
        if rest.is_empty() {
            return false;
        }
        let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(rest) else {
            // klog lines and Go struct dumps of native BGP are known not to be JSON.
            let unknown = !known_raw(rest);
            self.log.unknown_lines += u64::from(unknown);
            return unknown;
        };
        let get = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let msg = get("msg");
        if msg.starts_with("MetalLB speaker starting") {
            self.restart();
            return true;
        }
        match get("event") {
            "serviceAnnounced" => self.announced(&fields, at, get("protocol")),
            "serviceWithdrawn" => self.withdrawn(&fields, at, get("reason")),
            "createARPResponder" | "createNDPResponder" => {
                let interface = get("interface").to_owned();
                if !self.log.responders.contains(&interface) {
                    self.log.responders.push(interface);
                }
                true
            }
            "deleteARPResponder" | "deleteNDPResponder" => {
                self.log.responders.retain(|interface| interface != get("interface"));
                true
            }
            _ => self.other(msg, &fields, get("node event"), get("node name")),
        }
    }

    /// What the log says, once all lines were taken.
    #[must_use]
    pub fn finish(self) -> SpeakerLog {
        self.log
    }

    fn restart(&mut self) {
        for a in &mut self.log.addresses {
            a.protocols.clear();
        }
        self.log.complete = true;
        self.log.responders.clear();
        self.log.failed_members.clear();
        self.log.interface_warning = None;
    }

    fn announced(&mut self, fields: &serde_json::Map<String, Value>, at: Option<&str>, protocol: &str) -> bool {
        let mut hit = false;
        for a in &mut self.log.addresses {
            if names(fields.get("ips"), a.address) || names(fields.get("ip"), a.address) {
                hit = true;
                a.protocols.retain(|p| p.protocol != protocol);
                a.protocols.push(crate::model::announcement::ProtocolLog {
                    protocol: protocol.to_owned(),
                    state: LogState::Announced,
                    at: at.map(str::to_owned),
                    since: None,
                    reason: String::new(),
                    service: None,
                });
            }
        }
        hit
    }

    fn withdrawn(&mut self, fields: &serde_json::Map<String, Value>, at: Option<&str>, reason: &str) -> bool {
        let ip = fields.get("ip");
        let says_ip = ip.is_some_and(|ip| match ip {
            Value::Array(all) => !all.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => false,
        });
        let mut hit = false;
        for a in &mut self.log.addresses {
            let ours = if says_ip { names(ip, a.address) } else { names(fields.get("ips"), a.address) };
            if ours {
                hit = true;
                for p in &mut a.protocols {
                    p.state = LogState::Withdrawn;
                    p.reason = reason.to_owned();
                    p.at = at.map(str::to_owned);
                }
            }
        }
        hit
    }

    fn other(&mut self, msg: &str, fields: &serde_json::Map<String, Value>, event: &str, member: &str) -> bool {
        if msg.contains("interfaces used to announce LB IP don't exist") {
            self.log.interface_warning = Some(fields.get("localIfs").map(ToString::to_string).unwrap_or_default());
            return true;
        }
        if msg.starts_with("node event") && !member.is_empty() {
            match event {
                "NodeLeave" if !self.log.failed_members.iter().any(|name| name == member) => {
                    self.log.failed_members.push(member.to_owned());
                }
                "NodeJoin" => self.log.failed_members.retain(|name| name != member),
                _ => {}
            }
            return true;
        }
        false
    }
}

/// Whether an `ip` or `ips` field names the address: a string or an array of strings.
fn names(field: Option<&Value>, address: IpAddr) -> bool {
    let is = |value: &Value| value.as_str().and_then(|text| text.parse::<IpAddr>().ok()) == Some(address);
    match field {
        Some(Value::Array(all)) => all.iter().any(is),
        Some(value) => is(value),
        None => false,
    }
}

/// The kubelet's RFC 3339 timestamp in front of a line, and the rest.
fn split_timestamp(line: &str) -> (Option<&str>, &str) {
    match line.split_once(' ') {
        Some((stamp, rest)) if stamp.len() >= 20 && stamp.as_bytes()[4] == b'-' && stamp.as_bytes()[10] == b'T' => {
            (Some(stamp), rest.trim_start())
        }
        _ => (None, line),
    }
}

/// Lines that are known not to be JSON: klog's, and the Go struct that native BGP prints at every OPEN.
fn known_raw(line: &str) -> bool {
    let bytes = line.as_bytes();
    let klog = bytes.len() > 5 && matches!(bytes[0], b'I' | b'W' | b'E' | b'F') && bytes[1..5].iter().all(u8::is_ascii_digit);
    klog || line.starts_with("struct {")
}
