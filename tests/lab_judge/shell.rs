//! The one bash in which the lines of a fault run.
//!
//! It sources `prelude.sh` while all is well, then takes one line at a time. When the judge dies in the middle of a fault, the
//! shell sees the end of its input and heals by itself.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::process::signal_group;

/// How long one line may take.
pub const LINE_LIMIT: Duration = Duration::from_secs(120);

/// Takes NUL-terminated lines from descriptor 3 and answers each with its status on descriptor 4. The lines themselves see an
/// empty standard input and write to the log. What they define is kept after each, so that a shell that has to be
/// killed can be replaced by one that knows the same.
const DRIVER: &str = r#"
exec 3<&0 4>&1 0</dev/null 1>&2
_judge_kept=$1 _judge_heal=()
[ -z "$2" ] || . "$2" 3<&- 4>&-
while IFS= read -r -d '' _judge_line <&3; do
  eval "$_judge_line" 3<&- 4>&-
  _judge_status=$?
  { declare -p; declare -f; } >"$_judge_kept" 2>/dev/null
  echo "$_judge_status" >&4
done
for _judge_line in "${_judge_heal[@]}"; do echo "the judge is gone; healing: $_judge_line"; eval "$_judge_line"; done
"#;

/// What came of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Its last status.
    Ended(i32),
    /// It took longer than it may, and its shell was killed.
    OutOfTime,
    /// The shell ended in it (`exit`, or a signal).
    ShellGone,
}

impl Line {
    pub fn good(self) -> bool {
        self == Self::Ended(0)
    }
}

/// A running shell. Dropping it ends it without healing.
pub struct Shell {
    child: Child,
    lines: Option<ChildStdin>,
    statuses: Receiver<String>,
    log: PathBuf,
    kept: PathBuf,
    directory: PathBuf,
    tools: PathBuf,
}

impl Shell {
    /// Starts bash in `directory` with `tools` first on the PATH and sources the directory's `prelude.sh`, if there is one. Its
    /// output goes to `log`.
    ///
    /// # Errors
    /// When bash cannot be started or its prelude does not end in time.
    pub fn start(directory: &Path, tools: &Path, log: &Path) -> Result<Self, String> {
        let prelude = directory.join("prelude.sh");
        let first = if prelude.is_file() { prelude.to_string_lossy().into_owned() } else { String::new() };
        let mut shell = Self::spawn(directory, tools, log, &first)?;
        match shell.run_unnoted("true", LINE_LIMIT) {
            Line::Ended(_) => Ok(shell),
            other => Err(format!("the prelude of {} did not end well: {other:?}", directory.display())),
        }
    }

    fn spawn(directory: &Path, tools: &Path, log: &Path, first: &str) -> Result<Self, String> {
        let kept = log.with_extension("kept");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = append(log)?;
        let mut child = Command::new("bash")
            .args(["--noprofile", "--norc", "-c", DRIVER, "fault"])
            .arg(&kept)
            .arg(first)
            .current_dir(directory)
            .env("PATH", format!("{}:{path}", tools.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("start bash: {error}"))?;
        let lines = child.stdin.take();
        let (sender, statuses) = channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for status in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(status).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self { child, lines, statuses, log: log.to_owned(), kept, directory: directory.to_owned(), tools: tools.to_owned() })
    }

    /// Runs one line and notes it in the log.
    pub fn run(&mut self, line: &str, limit: Duration) -> Line {
        // The log is for people; a line that is missing there changes nothing.
        let _ = append(&self.log).and_then(|mut log| writeln!(log, "$ {line}").map_err(|error| error.to_string()));
        let came = self.run_unnoted(line, limit);
        if !came.good() {
            let _ = append(&self.log).and_then(|mut log| writeln!(log, "=> {came:?}").map_err(|error| error.to_string()));
        }
        came
    }

    /// Runs one line of the judge's own, which is no part of the fault.
    fn run_unnoted(&mut self, line: &str, limit: Duration) -> Line {
        let line = line.replace('\0', "");
        let sent =
            self.lines.as_mut().is_some_and(|lines| lines.write_all(format!("{line}\0").as_bytes()).and_then(|()| lines.flush()).is_ok());
        if !sent {
            return Line::ShellGone;
        }
        let came = match self.statuses.recv_timeout(limit) {
            Ok(status) => status.trim().parse().map_or(Line::ShellGone, Line::Ended),
            Err(RecvTimeoutError::Timeout) => Line::OutOfTime,
            Err(RecvTimeoutError::Disconnected) => Line::ShellGone,
        };
        if came == Line::OutOfTime {
            self.kill();
        }
        came
    }

    /// The strings as the shell expands them, as if they stood in double quotes.
    ///
    /// # Errors
    /// When the shell cannot expand them.
    pub fn expand(&mut self, strings: &[String]) -> Result<Vec<String>, String> {
        if strings.is_empty() {
            return Ok(Vec::new());
        }
        let target = self.log.with_extension("expanded");
        let quoted: Vec<String> = strings.iter().map(|text| format!("\"{}\"", text.replace('"', "\\\""))).collect();
        let line = format!("printf '%s\\0' {} >{}", quoted.join(" "), single_quoted(&target.to_string_lossy()));
        let came = self.run_unnoted(&line, LINE_LIMIT);
        let text = std::fs::read_to_string(&target).unwrap_or_default();
        let _ = std::fs::remove_file(&target);
        let expanded: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
        if came.good() && expanded.len() == strings.len() { Ok(expanded) } else { Err(format!("expand {strings:?}: {came:?}")) }
    }

    /// What the shell is to run if the judge goes away before `heal`.
    pub fn promise(&mut self, heal: &[String]) {
        let quoted: Vec<String> = heal.iter().map(|line| single_quoted(line)).collect();
        self.run_unnoted(&format!("_judge_heal=({})", quoted.join(" ")), LINE_LIMIT);
    }

    /// Runs the heal lines, all of them whatever they say; in a new shell that knows the same when this one is gone. True when all succeeded.
    pub fn heal(&mut self, heal: &[String]) -> bool {
        let mut good = true;
        for line in heal {
            let mut came = self.run(line, LINE_LIMIT);
            if came == Line::ShellGone && self.replace().is_ok() {
                came = self.run(line, LINE_LIMIT);
            }
            if came == Line::OutOfTime {
                // The next line needs a shell; without one it says so itself.
                let _ = self.replace();
            }
            good &= came.good();
        }
        self.promise(&[]);
        good
    }

    fn replace(&mut self) -> Result<(), String> {
        self.kill();
        // What was kept holds the read-only variables too; bash says so in the log and goes on.
        let kept = self.kept.with_extension("known");
        let _ = std::fs::copy(&self.kept, &kept);
        *self = Self::spawn(&self.directory, &self.tools, &self.log, &kept.to_string_lossy())?;
        Ok(())
    }

    fn kill(&mut self) {
        self.lines = None;
        signal_group(self.child.id(), "KILL");
        let _ = self.child.wait();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if self.lines.is_some() {
            // Nothing is left to heal by itself: whoever drops the shell has healed, or raises a fresh lab.
            self.run_unnoted("_judge_heal=()", Duration::from_secs(5));
            self.lines = None;
            let _ = self.child.wait();
            for extension in ["kept", "known"] {
                let _ = std::fs::remove_file(self.log.with_extension(extension));
            }
        }
    }
}

fn append(path: &Path) -> Result<File, String> {
    OpenOptions::new().create(true).append(true).open(path).map_err(|error| format!("open {}: {error}", path.display()))
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(prelude: &str) -> (tempfile::TempDir, Shell) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("prelude.sh"), prelude).unwrap();
        let shell = Shell::start(directory.path(), Path::new("/no/tools"), &directory.path().join("inject.log")).unwrap();
        (directory, shell)
    }

    #[test]
    fn lines_share_one_shell_and_give_their_last_status() {
        let (_directory, mut shell) = shell("ANN=n2\nsay() { echo \"said $*\"; }\nfalse\n");
        assert_eq!(shell.run("x=1; false; (exit 3)", LINE_LIMIT), Line::Ended(3));
        assert_eq!(shell.run("[ $x = 1 ] && [ $ANN = n2 ] && say hello", LINE_LIMIT), Line::Ended(0));
        assert_eq!(shell.run("! read -r anything", LINE_LIMIT), Line::Ended(0), "standard input is empty");
        assert_eq!(shell.run("[ \"${PATH%%:*}\" = /no/tools ]", LINE_LIMIT), Line::Ended(0));
        let log = std::fs::read_to_string(&shell.log).unwrap();
        assert!(log.contains("$ x=1; false; (exit 3)") && log.contains("said hello") && log.contains("=> Ended(3)"), "{log}");
    }

    #[test]
    fn only_what_stands_in_double_quotes_is_expanded() {
        let (_directory, mut shell) = shell("ANN=n2\nPOD_FAR='a b'\n");
        let strings = ["node/$ANN", "pod/x/$POD_FAR", "say \"so\"", "*", ""].map(str::to_owned);
        assert_eq!(shell.expand(&strings).unwrap(), ["node/n2", "pod/x/a b", "say \"so\"", "*", ""]);
        assert!(shell.expand(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_line_that_hangs_is_ended_and_healing_still_knows_everything() {
        let (directory, mut shell) = shell("ANN=n2\nmark() { echo \"$1 $ANN $later\" >> marks; }\n");
        assert_eq!(shell.run("later=yes", LINE_LIMIT), Line::Ended(0));
        assert_eq!(shell.run("sleep 60", Duration::from_millis(300)), Line::OutOfTime);
        assert!(shell.heal(&["mark one".to_owned()]));
        assert!(!shell.heal(&["exit 4".to_owned(), "mark two".to_owned()]));
        assert_eq!(std::fs::read_to_string(directory.path().join("marks")).unwrap(), "one n2 yes\ntwo n2 yes\n");
    }

    #[test]
    fn a_shell_whose_judge_is_gone_heals_by_itself() {
        let (directory, mut shell) = shell("");
        shell.promise(&["echo healed \"it's\" > healed".to_owned()]);
        shell.lines = None;
        shell.child.wait().unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join("healed")).unwrap(), "healed it's\n");
    }
}
