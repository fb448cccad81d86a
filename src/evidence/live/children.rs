//! Asks the programs that we started to end when we do: a kubeconfig's credential plugin may wait for a person for ever.
//!
//! What runs on hosts is ended by its guards, and a `ProxyCommand` by its keeper; those need nobody who is still there to ask.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
#[cfg(target_os = "linux")]
use rustix::process::{getpid, set_child_subreaper};

use crate::evidence::host::live::is_keeper;

/// Children that are looked for at most.
const MOST: usize = 1_000;

/// Keeps what programs of ours leave behind when they end among our children, so that it is found: a credential plugin may start others.
pub(super) fn keep_orphans() {
    // Where the kernel knows nothing of it, what is left behind is nobody's, as ever.
    #[cfg(target_os = "linux")]
    let _ = set_child_subreaper(Some(getpid()));
}

/// How long they may take to end by themselves.
const GRACE: Duration = Duration::from_millis(300);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Asks every child of this process, and theirs, to end, and ends those that do not. Where the kernel lists no children, nobody is asked.
pub fn end_children() {
    let asked = all_children();
    signal(&asked, Signal::TERM);
    let began = Instant::now();
    while began.elapsed() < GRACE {
        // Those that ended are listed until somebody waits for them, which nobody will.
        if asked.iter().all(|pid| has_ended(*pid)) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    signal(&all_children(), Signal::KILL);
}

/// The youngest first, so that none is left behind by its parent.
fn signal(pids: &[u32], signal: Signal) {
    for pid in pids.iter().rev().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
        let _ = kill_process(pid, signal);
    }
}

fn has_ended(pid: u32) -> bool {
    let about = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state stands behind the name, which may hold anything, brackets too.
    about.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// The children of this process and theirs, parents first; the keeper left out, which our end ends and no signal.
fn all_children() -> Vec<u32> {
    let mut found = children(std::process::id());
    found.retain(|pid| !is_keeper(*pid));
    let mut next = 0;
    while next < found.len().min(MOST) {
        let below = children(found[next]);
        found.extend(below);
        next += 1;
    }
    found
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<u32>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_of_children_are_found() {
        let mut child = std::process::Command::new("sh").args(["-c", "sleep 30 & wait"]).spawn().unwrap();
        let began = std::time::Instant::now();
        while children(child.id()).is_empty() && began.elapsed() < std::time::Duration::from_secs(10) {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let below = children(child.id());
        assert!(children(std::process::id()).contains(&child.id()) && below.len() == 1, "{below:?}");
        for pid in below {
            let _ = kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::TERM);
        }
        child.wait().unwrap();
    }
}
