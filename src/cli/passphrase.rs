//! Asks the person at the terminal for a passphrase, without showing it. Never asks where there is none.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::progress::Shown;
use crate::evidence::host::live::Asker;
use crate::evidence::interrupt::Interrupt;
use crate::model::text::one_line;

/// How often it is looked whether the run was interrupted.
const LOOK: Duration = Duration::from_millis(100);

/// Somebody to ask, when standard input and standard error are a terminal: a run in a pipeline or by a timer has nobody.
pub(super) fn asker(interrupt: Interrupt, shown: Arc<Shown>) -> Option<Asker> {
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    somebody.then(|| Asker::new(move |question| shown.aside(|| ask(Path::new("/dev/tty"), question, &interrupt))))
}

/// Asks at a terminal. `None` when it is none, or when the run was interrupted meanwhile.
fn ask(terminal: &Path, question: &str, interrupt: &Interrupt) -> Option<String> {
    let mut terminal = File::options().read(true).write(true).open(terminal).ok()?;
    let _quiet = Quiet::make(terminal.try_clone().ok()?)?;
    write!(terminal, "{}: ", one_line(question)).ok()?;
    let (give, answers) = mpsc::channel();
    let mut lines = BufReader::new(terminal.try_clone().ok()?);
    // The read cannot be called off; the thread is left behind when nobody waits for it any more, and the run is over then.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = lines.read_line(&mut line);
        let _ = give.send(read.is_ok_and(|bytes| bytes > 0).then_some(line));
    });
    let answer = loop {
        match answers.recv_timeout(LOOK) {
            Ok(answer) => break answer,
            Err(mpsc::RecvTimeoutError::Timeout) if interrupt.reason().is_none() => {}
            Err(_) => break None,
        }
    };
    // The line end that was typed was not shown either.
    let _ = writeln!(terminal);
    answer.map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn make(terminal: File) -> Option<Self> {
        let before = tcgetattr(&terminal).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &quiet).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_terminal_nobody_is_asked() {
        assert_eq!(ask(Path::new("/dev/null"), "passphrase of x", &Interrupt::default()), None);
        assert_eq!(ask(Path::new("/no/such/terminal"), "passphrase of x", &Interrupt::default()), None);
    }
}
