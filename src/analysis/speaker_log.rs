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

impl Fold {
    /// Begins with nothing said.
    #[must_use]
    pub fn new(pod: &str, node: &str, address: IpAddr) -> Self {
        Self {
            address,
            log: SpeakerLog {
                pod: pod.to_owned(),
                node: node.to_owned(),
                state: LogState::Silent,
                at: None,
                protocol: String::new(),
                reason: String::new(),
                unknown_lines: 0,
                gained: 0,
                responders: Vec::new(),
                interface_warning: None,
                failed_members: Vec::new(),
                complete: false,
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
        self.log.state = LogState::Silent;
        self.log.at = None;
        self.log.complete = true;
        self.log.responders.clear();
        self.log.failed_members.clear();
        self.log.interface_warning = None;
    }

    fn announced(&mut self, fields: &serde_json::Map<String, Value>, at: Option<&str>, protocol: &str) -> bool {
        // Up to 0.11 the key is `ip`, from 0.12 `ips`.
        if !names(fields.get("ips"), self.address) && !names(fields.get("ip"), self.address) {
            return false;
        }
        if self.log.state != LogState::Announced {
            self.log.gained += 1;
        }
        self.log.state = LogState::Announced;
        protocol.clone_into(&mut self.log.protocol);
        self.log.reason.clear();
        self.log.at = at.map(str::to_owned);
        true
    }

    fn withdrawn(&mut self, fields: &serde_json::Map<String, Value>, at: Option<&str>, reason: &str) -> bool {
        // With loadBalancerIPChanged `ip` is the withdrawn address and `ips` the new one; before 0.13.10 `ip` may be null.
        let ip = fields.get("ip");
        let says_ip = ip.is_some_and(|ip| match ip {
            Value::Array(all) => !all.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => false,
        });
        let ours = if says_ip { names(ip, self.address) } else { names(fields.get("ips"), self.address) };
        if !ours {
            return false;
        }
        self.log.state = LogState::Withdrawn;
        reason.clone_into(&mut self.log.reason);
        self.log.at = at.map(str::to_owned);
        true
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
pub(super) fn split_timestamp(line: &str) -> (Option<&str>, &str) {
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

#[cfg(test)]
mod tests {
    use super::Fold;
    use crate::model::announcement::LogState;

    fn check(lines: &[&str], expected: LogState) {
        let mut fold = Fold::new("speaker-a", "n1", "10.88.64.100".parse().unwrap());
        for line in lines {
            fold.line(line);
        }
        assert_eq!(fold.finish().state, expected, "{lines:?}");
    }

    const ANNOUNCED: &str = r#"2026-11-22T10:00:00.123456789Z {"caller":"main.go:443","event":"serviceAnnounced","ips":["10.88.64.100"],"level":"info","msg":"service has IP, announcing","pool":"services","protocol":"layer2","ts":"2026-11-22T10:00:00Z"}"#;

    #[test]
    fn announced_then_withdrawn() {
        check(&[ANNOUNCED], LogState::Announced);
        check(
            &[ANNOUNCED, r#"{"event":"serviceWithdrawn","ip":["10.88.64.100"],"ips":["10.88.64.100"],"reason":"notOwner"}"#],
            LogState::Withdrawn,
        );
    }

    /// 0.12 and 0.13.0 to 0.13.9 log a null `ip` (metallb#2005).
    #[test]
    fn a_withdrawal_without_ip_takes_ips() {
        check(&[ANNOUNCED, r#"{"event":"serviceWithdrawn","ip":null,"ips":["10.88.64.100"],"reason":"notOwner"}"#], LogState::Withdrawn);
    }

    /// Seen in every version: `ip` is the old address, `ips` the new one.
    #[test]
    fn a_changed_address_is_not_a_withdrawal_of_the_new_one() {
        check(
            &[ANNOUNCED, r#"{"event":"serviceWithdrawn","ip":["10.88.64.102"],"ips":["10.88.64.100"],"reason":"loadBalancerIPChanged"}"#],
            LogState::Announced,
        );
    }

    #[test]
    fn a_start_forgets_what_was_said() {
        check(&[ANNOUNCED, r#"{"msg":"MetalLB speaker starting version 0.15.2 (commit , branch )"}"#], LogState::Silent);
    }

    /// 0.8 has `ip` as a string and the Service's name.
    #[test]
    fn old_lines_are_read() {
        check(
            &[
                r#"{"caller":"main.go:229","event":"serviceAnnounced","ip":"10.88.64.100","msg":"service has IP, announcing","pool":"default","protocol":"layer2","service":"a/b","ts":"2019-06-26T06:36:35.677084247Z"}"#,
            ],
            LogState::Announced,
        );
    }

    #[test]
    fn lines_that_nothing_explains_are_counted() {
        let mut fold = Fold::new("speaker-a", "n1", "10.88.64.100".parse().unwrap());
        fold.line("W0517 08:18:49.685956 1 warnings.go:70] deprecated");
        fold.line("struct { Version uint8; ASN16 uint16 }{Version:0x4}");
        fold.line("what is this?");
        assert_eq!(fold.finish().unknown_lines, 1);
    }
}
