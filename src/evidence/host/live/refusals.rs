//! What stands between us and a script, read from how it ended and what was said: the SSH server, the login shell, sudo, missing tools.

use std::time::Duration;

use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::script::Script;
use crate::model::place::Host;

/// How long the first script on a host may take to begin: a login shell reads its profile, and sudo may ask a directory service.
pub(super) const BEGIN_LIMIT: Duration = Duration::from_secs(8);
/// What an error quotes of what a host said, letters.
const MOST_QUOTED: usize = 400;

/// The server takes our login and runs no command.
pub(super) fn runs_no_commands(host: &Host, script: Script, user: &str) -> EvidenceError {
    let reason = format!("its SSH server refuses to run any command for {user}");
    EvidenceError::new(ErrorKind::LoginRefused, format!("run {} on {}", script.name(), host.name), reason).hint(
        "log in as another user, or see whether this account is for file transfers or forwarding alone (ForceCommand, authorized_keys)",
    )
}

/// The server took a command, and our script did not begin.
pub(super) fn never_began(host: &Host, script: Script, said: &str) -> EvidenceError {
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = if said.is_empty() { "nothing was said".to_owned() } else { format!("it said: {}", shortened(&said.join("; "))) };
    let reason = format!("the command was taken, and nothing of it began within {} s; {said}", BEGIN_LIMIT.as_secs());
    EvidenceError::new(ErrorKind::LoginRefused, format!("run {} on {}", script.name(), host.name), reason)
        .hint("something else runs there in its place (ForceCommand, a subsystem for file transfers alone), or its login shell hangs")
}

/// Reads what stands between us and a script: the login shell, sudo, missing tools, a namespace that could not be proven.
pub(super) fn refusal(host: &Host, user: &str, script: Script, status: Option<i32>, began: bool, errors: &str) -> Option<EvidenceError> {
    let operation = format!("run {} on {}", script.name(), host.name);
    let refused = |what: &str| errors.lines().find_map(|line| line.split_once(what)).map(|(_, why)| why.trim().to_owned());
    match status {
        Some(96) => {
            let tool = refused("lbdiag-refused tool: ")?;
            let hint = format!("install {tool} on {}", host.name);
            return Some(EvidenceError::new(ErrorKind::ToolMissing, operation, format!("{tool} is missing there")).hint(hint));
        }
        Some(97) => {
            let why = refused("lbdiag-refused namespace: ")?;
            return Some(EvidenceError::new(ErrorKind::NamespaceUnproven, operation, why));
        }
        Some(98) => {
            let why = refused("lbdiag-refused node: ")?;
            let hint = "via.pod in the site file has to name privileged pods with hostPID, whose container runs as root";
            return Some(EvidenceError::new(ErrorKind::Forbidden, operation, format!("out of {user}: {why}")).hint(hint));
        }
        _ if began => return None,
        _ => {}
    }
    let said: Vec<&str> = errors.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = if said.is_empty() { format!("nothing was said, status {status:?}") } else { shortened(&said.join("; ")) };
    if !script.needs_root() {
        return Some(EvidenceError::new(ErrorKind::HostUnreachable, operation, format!("the login shell of {user} ran nothing: {said}")));
    }
    if status == Some(127) {
        let hint = format!("install sudo on {}, or log in as root", host.name);
        return Some(EvidenceError::new(ErrorKind::ToolMissing, operation, format!("{user} is not root there, and: {said}")).hint(hint));
    }
    let hint = format!("let {user} use sudo without a password there (`{user} ALL=(root) NOPASSWD: ALL`), or log in as root");
    Some(EvidenceError::new(ErrorKind::Forbidden, operation, format!("{user} may not become root: {said}")).hint(hint))
}

/// The beginning of what a host said, which may be anything and have no end.
fn shortened(said: &str) -> String {
    match said.char_indices().nth(MOST_QUOTED) {
        Some((at, _)) => format!("{}…", &said[..at]),
        None => said.to_owned(),
    }
}
