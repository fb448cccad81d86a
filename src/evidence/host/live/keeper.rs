//! Ends the programs of others that we start (`ssh -G`, a `ProxyCommand`) by whatever end is ours, `kill -9` included.
//!
//! A small shell waits on a pipe of which we alone hold the other side, and is told which process groups are under way. The pipe
//! breaks when we end, however that is, and then it ends the groups that are left.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::evidence::side_by_side::lock;

/// What the shell does. It is in a process group of its own, and no signal from a terminal ends it before us.
const KEEPER: &str = include_str!("../scripts/keeper.sh");

/// The one of this process, started when it is needed first.
static STARTED: Mutex<Option<Keeper>> = Mutex::new(None);

/// Every keeper that this process started.
static PIDS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Whether a child of this process is a keeper: it has to be there when we are gone, so nobody asks it to end or waits until it did.
pub(in crate::evidence) fn is_keeper(pid: u32) -> bool {
    lock(&PIDS).contains(&pid)
}

struct Keeper {
    stdin: ChildStdin,
}

/// A process group that does not outlive us. It is ended when this is dropped.
pub(super) struct KeptGroup(Option<Pid>);

impl KeptGroup {
    /// Of a child that leads a process group of its own.
    pub(super) fn of(child: &tokio::process::Child) -> Self {
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            tell('+', group);
        }
        Self(group)
    }
}

impl Drop for KeptGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Whatever the program started and did not end itself; mostly there is nobody left.
            let _ = kill_process_group(group, Signal::KILL);
            tell('-', group);
        }
    }
}

/// Tells the keeper of a group. Where no shell can be started, the group is ended by us alone.
fn tell(sign: char, group: Pid) {
    let mut started = lock(&STARTED);
    if started.is_none() {
        *started = Keeper::start().map(|(keeper, _)| keeper);
    }
    let line = format!("{sign}{}\n", group.as_raw_nonzero());
    if let Some(keeper) = started.as_mut()
        && keeper.stdin.write_all(line.as_bytes()).is_err()
    {
        // Somebody ended it: the next group gets a new one.
        *started = None;
    }
}

impl Keeper {
    /// The keeper and its shell, which our end reaps.
    fn start() -> Option<(Self, Child)> {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().ok()?;
        let stdin = child.stdin.take()?;
        lock(&PIDS).push(child.id());
        Some((Self { stdin }, child))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Starts the keeper's shell as it is started, tells it these lines, and lets its pipe break.
    fn kept(lines: &str) {
        let (mut keeper, _) = Keeper::start().unwrap();
        keeper.stdin.write_all(lines.as_bytes()).unwrap();
    }

    fn sleeper(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).process_group(0).spawn().unwrap()
    }

    /// Whether the child ends by itself within the time.
    fn ends(child: &mut Child, within: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < within {
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    #[test]
    fn the_keeper_is_not_asked_to_end_and_does_with_its_pipe() {
        let (keeper, mut shell) = Keeper::start().unwrap();
        assert!(is_keeper(shell.id()) && !is_keeper(std::process::id()));
        drop(keeper);
        assert!(ends(&mut shell, Duration::from_secs(10)));
    }

    #[test]
    fn groups_end_with_the_pipe_unless_they_were_taken_off() {
        let mut left: Vec<Child> = (0..3).map(|_| sleeper("sleep 60")).collect();
        let stubborn = sleeper("trap '' TERM; while :; do sleep 1; done");
        let ids: Vec<u32> = left.iter().map(Child::id).collect();
        kept(&format!("+{}\n+{}\n+{}\n-{}\n+{}\n", ids[0], ids[1], ids[2], ids[1], stubborn.id()));
        let mut stubborn = stubborn;
        assert!(ends(&mut left[0], Duration::from_secs(10)) && ends(&mut left[2], Duration::from_secs(10)));
        assert!(ends(&mut stubborn, Duration::from_secs(10)), "it ignores TERM, and KILL comes after it");
        assert!(!ends(&mut left[1], Duration::from_millis(100)), "it was taken off");
        left[1].kill().unwrap();
        left[1].wait().unwrap();
    }
}
