//! Standard streams: the result goes to standard output, everything else to standard error.

use std::io::{ErrorKind, IsTerminal, Write};

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

/// Writes for the person at the terminal. Whatever text of strangers is in it drives no terminal and tells no credential.
pub(super) fn say(text: &str) {
    // When nobody can be told, there is nobody to tell that to either.
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(&scrub(text.trim_end())));
}

/// How text on standard output is dressed.
pub(super) fn style() -> Style {
    Style { colour: std::io::stdout().is_terminal() && colour_wanted(), ..Style::PLAIN }
}

/// How text on standard error is dressed.
pub(super) fn error_style() -> Style {
    Style { colour: std::io::stderr().is_terminal() && colour_wanted(), ..Style::PLAIN }
}

/// Whether there is a person at standard error.
pub(super) fn somebody_watches() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn colour_wanted() -> bool {
    // https://no-color.org: present and not empty, whatever its value.
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
