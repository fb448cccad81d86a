//! Standard streams: the result goes to standard output, everything else to standard error.

use std::io::{ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::time::Duration;

use rustix::termios::tcgetwinsize;

use crate::evidence::side_by_side::lock;
use crate::model::scrub::scrub;
use crate::model::text::harmless;
use crate::report::Style;

/// Writes the result. A reader that went away (`| head`) is no error.
///
/// # Errors
/// When standard output cannot be written to.
pub(super) fn show(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("write to standard output: {error}")),
        _ => Ok(()),
    }
}

/// How long a line may take to be told. Longer waits nobody for a reader of standard error: the work and its report matter more.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line, and where it is said that it was told.
type Line = (String, mpsc::Sender<()>);

/// Who writes to standard error, on a thread that a pipe which nobody reads may hold up for ever. `None` where there is no such thread.
static TELLER: LazyLock<Option<Mutex<mpsc::Sender<Line>>>> = LazyLock::new(|| {
    let (sender, lines) = mpsc::channel::<Line>();
    let tell = move || {
        for (line, told) in lines {
            write_line(&line);
            // Nobody may wait for it any more.
            let _ = told.send(());
        }
    };
    std::thread::Builder::new().name("told".to_owned()).spawn(tell).ok().map(|_| Mutex::new(sender))
});

/// Nobody took a line in time.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Writes for the person at the terminal. Whatever text of strangers is in it drives no terminal and tells no credential.
pub(super) fn say(text: &str) {
    let line = harmless(&scrub(text.trim_end()));
    let Some(teller) = &*TELLER else { return write_line(&line) };
    if UNREAD.load(Ordering::Relaxed) {
        return;
    }
    let (told, heard) = mpsc::channel();
    let _ = lock(teller).send((line, told));
    if heard.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
        UNREAD.store(true, Ordering::Relaxed);
    }
}

fn write_line(line: &str) {
    // When nobody can be told, there is nobody to tell that to either.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Whether nothing but ASCII is printed.
static ASCII: AtomicBool = AtomicBool::new(false);

/// From now on nothing but ASCII is printed, where that is wanted.
pub(super) fn restrict(ascii: bool) {
    ASCII.store(ascii, Ordering::Relaxed);
}

/// How text in files is dressed.
pub(super) fn plain() -> Style {
    Style { ascii: ASCII.load(Ordering::Relaxed), ..Style::PLAIN }
}

/// How text on standard output is dressed.
pub(super) fn style() -> Style {
    let out = std::io::stdout();
    Style { colour: out.is_terminal() && colour_wanted(), width: width(&out), ..plain() }
}

/// How text on standard error is dressed.
pub(super) fn error_style() -> Style {
    let error = std::io::stderr();
    Style { colour: error.is_terminal() && colour_wanted(), width: width(&error), ..plain() }
}

/// The columns of text: what `COLUMNS` says, or the terminal, within reason.
fn width(stream: &impl AsFd) -> usize {
    const LEAST: usize = 60;
    const MOST: usize = 200;
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok()).filter(|columns| *columns > 0);
    let terminal = || tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    told.or_else(terminal).map_or(Style::PLAIN.width, |columns| columns.clamp(LEAST, MOST))
}

/// Whether there is a person at standard error.
pub(super) fn somebody_watches() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn colour_wanted() -> bool {
    // https://no-color.org: present and not empty, whatever its value.
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
