//! What a log says of the other speakers: who was lost, who came back.

use super::line::Fields;
use crate::model::announcement::SpeakerLog;

/// Takes a line about memberlist. True when it mattered.
pub(super) fn take(log: &mut SpeakerLog, fields: &Fields, msg: &str) -> bool {
    if msg.contains("not starting fast dead node detection") {
        log.memberlist = Some(false);
        return true;
    }
    if msg == "memberlist join successfully" {
        log.memberlist = Some(true);
        return true;
    }
    if msg.starts_with("node event") {
        let member = fields.text("node name");
        if member.is_empty() {
            return false;
        }
        match fields.text("node event") {
            "NodeLeave" => lost(log, member),
            "NodeJoin" => {
                log.memberlist = Some(true);
                log.failed_members.retain(|name| name != member);
            }
            _ => return false,
        }
        return true;
    }
    // `memberlist: Marking n1 as failed, suspect timeout reached (2 peer confirmations)`
    if let Some(rest) = msg.strip_prefix("memberlist: Marking ")
        && let Some((member, _)) = rest.split_once(" as failed")
    {
        lost(log, member);
        return true;
    }
    false
}

fn lost(log: &mut SpeakerLog, member: &str) {
    if !log.failed_members.iter().any(|name| name == member) {
        log.failed_members.push(member.to_owned());
    }
}
