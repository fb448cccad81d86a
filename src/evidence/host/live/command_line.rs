//! What runs on a host: one of our scripts under its guard, as arguments.
//!
//! A script and its values are separate arguments all the way down; over SSH they are quoted exactly once (`quoting`), for
//! the login shell on the other side. Without such a shell the same arguments are passed as they are.

use super::super::script::Script;
use super::quoting::{line_for_any_shell, line_to_read};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::plan::Argument;

/// Becomes root, if it is not, without ever asking for a password.
const WRAP_ROOT: &str = include_str!("../scripts/wrap-root.sh");
const WRAP_USER: &str = include_str!("../scripts/wrap-user.sh");
const GUARD: &str = include_str!("../scripts/guard.sh");

/// Longest command line. Linux takes 128 KiB for one argument, and the login shell gets the line as one.
const MOST_BYTES: usize = 120_000;

/// What tells this run's processes from everybody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::evidence) struct RunTag {
    hex: String,
}

impl RunTag {
    /// A tag that no other run has.
    pub(super) fn new() -> Self {
        use std::hash::{BuildHasher, Hasher};
        // The standard library's hash keys are the system's random numbers; unique is all that is asked of them.
        let half = || {
            let mut hasher = std::hash::RandomState::new().build_hasher();
            hasher.write_u32(std::process::id());
            hasher.finish()
        };
        Self { hex: format!("{:016x}{:016x}", half(), half()) }
    }

    /// A tag that stands for the one of a run to come.
    pub(super) fn of_a_run_to_come() -> Self {
        Self { hex: "X".repeat(32) }
    }

    /// The tag as it stands in argument lists and environments.
    pub(in crate::evidence) fn text(&self) -> String {
        format!("lbdiag-{}", self.hex)
    }

    /// The tag in halves, for the sweep: it must not carry what it looks for.
    pub(super) fn halves(&self) -> [&str; 2] {
        let (one, other) = self.hex.split_at(self.hex.len() / 2);
        [one, other]
    }
}

/// What a script's start would look like, with the texts of our scripts by their names.
pub(in crate::evidence) fn argv(script: Script, args: &[String], root: bool, seconds: u64) -> Vec<Argument> {
    let texts = script_texts();
    let named = |text: String| match texts.iter().find(|(_, known)| *known == text) {
        Some((name, _)) => Argument::Script((*name).to_owned()),
        None => Argument::Text(text),
    };
    let tag = RunTag::of_a_run_to_come();
    Call { script, args, root, seconds, tag: &tag }.argv().into_iter().map(named).collect()
}

/// Every text of ours that may run on a host, by its name.
pub(in crate::evidence) fn script_texts() -> Vec<(&'static str, &'static str)> {
    let wrappers = [("wrap-root", WRAP_ROOT), ("wrap-user", WRAP_USER), ("guard", GUARD)];
    wrappers.into_iter().chain(Script::ALL.map(|script| (script.name(), script.text()))).collect()
}

/// A script about to run.
pub(super) struct Call<'a> {
    pub(super) script: Script,
    pub(super) args: &'a [String],
    /// Whether it must become root first.
    pub(super) root: bool,
    /// Bound on its time, in whole seconds.
    pub(super) seconds: u64,
    pub(super) tag: &'a RunTag,
}

impl Call<'_> {
    /// What the wrappers print before the script runs, on both outputs: everything before it is a login shell's chatter.
    pub(super) fn mark(&self) -> String {
        if self.script == Script::Sweep { "lbdiag-sweep".to_owned() } else { self.tag.text() }
    }

    /// The arguments, the program first.
    pub(super) fn argv(&self) -> Vec<String> {
        let mark = self.mark();
        let name = if self.script == Script::Sweep { mark.clone() } else { format!("lbdiag-{}-{}", self.script.name(), self.tag.hex) };
        let wrap = if self.root { WRAP_ROOT } else { WRAP_USER };
        let seconds = self.seconds.max(1).to_string();
        let mut argv: Vec<String> = ["sh", "-c", wrap, &mark, "sh", "-c", GUARD, &mark, &seconds, "sh", "-c", self.script.text(), &name]
            .map(str::to_owned)
            .to_vec();
        argv.extend_from_slice(self.args);
        argv
    }

    /// The arguments as one line for whatever login shell is on the other side.
    ///
    /// # Errors
    /// When a value holds a zero byte, which no argument can, or the line is too long for the other side.
    pub(super) fn line(&self) -> Result<Vec<u8>, EvidenceError> {
        self.by(line_for_any_shell)
    }

    /// The same for a shell of ours that reads it from its standard input.
    ///
    /// # Errors
    /// As `line`.
    pub(super) fn line_to_read(&self) -> Result<Vec<u8>, EvidenceError> {
        self.by(line_to_read)
    }

    fn by(&self, quoting: fn(&[&[u8]]) -> Option<Vec<u8>>) -> Result<Vec<u8>, EvidenceError> {
        let refused = |reason: String| EvidenceError::new(ErrorKind::Garbled, format!("build the {} command", self.script.name()), reason);
        let argv = self.argv();
        let words: Vec<&[u8]> = argv.iter().map(String::as_bytes).collect();
        let line = quoting(&words).ok_or_else(|| refused("a value holds a zero byte".to_owned()))?;
        if line.len() > MOST_BYTES {
            return Err(refused(format!("it is {} bytes long, {MOST_BYTES} at most", line.len())));
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_zero_byte_is_refused_rather_than_cut() {
        let tag = RunTag::new();
        let args = ["a\0b".to_owned()];
        let call = Call { script: Script::Capture, args: &args, root: true, seconds: 1, tag: &tag };
        assert_eq!(call.line().unwrap_err().kind, ErrorKind::Garbled);
    }

    #[test]
    fn a_line_that_no_kernel_takes_is_refused() {
        let tag = RunTag::new();
        let args = ["x".repeat(130_000)];
        let call = Call { script: Script::Capture, args: &args, root: true, seconds: 1, tag: &tag };
        assert!(call.line().unwrap_err().reason.contains("at most"));
    }

    #[test]
    fn the_sweep_does_not_carry_the_tag_that_it_looks_for() {
        let tag = RunTag::new();
        let args = tag.halves().map(str::to_owned);
        let call = Call { script: Script::Sweep, args: &args, root: true, seconds: 9, tag: &tag };
        assert!(!String::from_utf8(call.line().unwrap()).unwrap().contains(&tag.hex));
        assert_ne!(RunTag::new(), tag);
    }

    /// Runs a script text under the guard, as the other side would, with the given standard input.
    fn guarded(script: &str, seconds: &str, input: &[u8], hold: std::time::Duration) -> (Option<i32>, String, std::time::Duration) {
        let began = std::time::Instant::now();
        let mut child = Command::new("sh")
            .args(["-c", GUARD, "lbdiag-test", seconds, "sh", "-c", script, "lbdiag-script"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input).unwrap();
        std::thread::sleep(hold);
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), began.elapsed())
    }

    #[test]
    fn the_guard_passes_output_and_status_on() {
        let (status, output, _) = guarded("echo hello; exit 7", "9", b"", std::time::Duration::from_millis(300));
        assert_eq!((status, output.as_str()), (Some(7), "lbdiag-test\nhello\n"));
    }

    #[test]
    fn the_guard_ends_a_script_when_its_input_ends_or_says_stop() {
        for input in [&b""[..], b"go\ngo\nstop\n"] {
            let (status, _, took) = guarded("sleep 30", "40", input, std::time::Duration::from_millis(50));
            assert_ne!(status, Some(0));
            // A stop that comes before `timeout` is up has to wait for TERM, 1 s later.
            assert!(took < std::time::Duration::from_secs(3), "{took:?}");
        }
    }

    #[test]
    fn the_guard_ends_a_script_that_ignores_signals() {
        let (_, _, took) = guarded("trap '' INT TERM; while :; do sleep 1; done", "40", b"", std::time::Duration::from_millis(50));
        assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    }

    #[test]
    fn the_guard_s_time_limit_holds() {
        let (status, _, took) = guarded("sleep 30", "1", b"", std::time::Duration::from_millis(1500));
        assert_eq!(status, Some(124));
        assert!(took < std::time::Duration::from_secs(3), "{took:?}");
    }
}
