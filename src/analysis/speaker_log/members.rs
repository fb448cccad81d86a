//! What a log says of the other speakers: who was lost, who came back.

use super::NAME_LENGTH;
use super::line::{Fields, Said, shortened};
use crate::model::announcement::SpeakerLog;

/// Members that are remembered as lost.
const MOST_MEMBERS: usize = 5_000;

/// Takes a line about memberlist; `None` when it is about something else.
pub(super) fn take(log: &mut SpeakerLog, fields: &Fields, msg: &str) -> Option<Said> {
    // 0.9.0 to 0.9.3 begin with a capital letter.
    if msg.contains("ot starting fast dead node detection") {
        log.memberlist = Some(false);
        return Some(Said::Something);
    }
    if msg.starts_with("memberlist join succes") {
        log.memberlist = Some(true);
        return Some(Said::Something);
    }
    // `Node event` until 0.9.3, then `node event - forcing sync`.
    if msg.starts_with("node event") || msg.starts_with("Node event") {
        let member = fields.text("node name");
        match fields.text("node event") {
            _ if member.is_empty() => return Some(Said::Nonsense),
            "NodeLeave" => lost(log, member),
            "NodeJoin" => {
                log.memberlist = Some(true);
                log.failed_members.retain(|name| name != member);
            }
            "" => return Some(Said::Nonsense),
            _ => return Some(Said::Nothing),
        }
        return Some(Said::Something);
    }
    // `memberlist: Marking n1 as failed, suspect timeout reached (2 peer confirmations)`. Until 0.12 a level stands in front of it, until
    // 0.9.3 the line of memberlist's source, too.
    if let Some((_, rest)) = msg.split_once("memberlist: Marking ")
        && let Some((member, _)) = rest.split_once(" as failed")
    {
        lost(log, member);
        return Some(Said::Something);
    }
    None
}

fn lost(log: &mut SpeakerLog, member: &str) {
    let member = shortened(member, NAME_LENGTH);
    if log.failed_members.len() < MOST_MEMBERS && !log.failed_members.contains(&member) {
        log.failed_members.push(member);
    }
}
