//! Commands within a time limit. Each gets a process group of its own, so that all of it can be ended by its number.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a command left.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// `None` when it was ended by a signal, or by its time limit.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    pub fn good(&self) -> bool {
        self.status == Some(0)
    }
}

/// Runs a command to its end, or ends its group after `limit`.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &mut Command, limit: Duration) -> Result<Done, String> {
    let what = format!("{}", command.get_program().display());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("start {what}: {error}"))?;
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let status = wait(&mut child, limit);
    let text = |thread: std::thread::JoinHandle<Vec<u8>>| String::from_utf8_lossy(&thread.join().unwrap_or_default()).into_owned();
    Ok(Done { status, stdout: text(stdout), stderr: text(stderr) })
}

fn reader(source: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut source) = source {
            // What came before an error is still worth showing.
            let _ = source.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Waits for a child that leads its own process group; after `limit` the group gets TERM, and ten seconds later KILL.
pub fn wait(child: &mut Child, limit: Duration) -> Option<i32> {
    for (patience, signal) in [(limit, "TERM"), (Duration::from_secs(10), "KILL")] {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if let Ok(Some(status)) = child.try_wait() {
                return if signal == "TERM" { status.code() } else { None };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        signal_group(child.id(), signal);
    }
    let _ = child.wait();
    None
}

/// Sends a signal to the process group that this child of ours leads.
pub fn signal_group(leader: u32, signal: &str) {
    // It may have ended in the meantime, which is what was wanted.
    let _ = Command::new("kill").args([&format!("-{signal}"), "--", &format!("-{leader}")]).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gives_its_output_and_status() {
        let done = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 7"]), Duration::from_secs(5)).unwrap();
        assert_eq!((done.status, done.stdout.as_str(), done.stderr.as_str()), (Some(7), "out\n", "err\n"));
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let began = Instant::now();
        let done = run(Command::new("sh").args(["-c", "sleep 60 & echo begun; wait"]), Duration::from_millis(300)).unwrap();
        assert_eq!((done.status, done.stdout.as_str()), (None, "begun\n"));
        assert!(began.elapsed() < Duration::from_secs(9));
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        assert!(run(&mut Command::new("/no/such/program"), Duration::from_secs(1)).unwrap_err().contains("/no/such/program"));
    }
}
