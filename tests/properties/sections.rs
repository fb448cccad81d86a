//! What a place's tools printed, section by section, as text that is changed.

use std::fmt::Write;

use lbdiag::evidence::host::Output;

/// The names of the sections of an answer of `inspect`.
pub(super) fn names(stdout: &str) -> Vec<String> {
    let begins = stdout.lines().filter_map(|line| line.strip_prefix("=== ")).filter(|name| !name.starts_with("end "));
    begins.map(str::to_owned).collect()
}

/// The answer with one section's text as the tool's refusal.
pub(super) fn without(output: Output, name: &str) -> Output {
    with(output, name, |_| ("Operation not permitted".to_owned(), "1".to_owned()))
}

/// The answer with one section's text changed, where it was read.
pub(super) fn edited(output: Output, name: &str, edit: impl Fn(&str) -> String) -> Output {
    with(output, name, |text| (edit(text), "0".to_owned()))
}

fn with(output: Output, name: &str, change: impl Fn(&str) -> (String, String)) -> Output {
    let (mut stdout, mut inside) = (String::new(), None::<String>);
    for line in output.stdout.lines() {
        if let Some(status) = line.strip_prefix("=== end ") {
            if let Some(text) = inside.take() {
                let read = status == "0";
                let (text, status) = if read { change(&text) } else { (text, status.to_owned()) };
                stdout.push_str(text.trim_end_matches('\n'));
                // Writing to a string has no way to fail.
                let _ = write!(stdout, "\n=== end {status}\n");
                continue;
            }
        } else if line.strip_prefix("=== ") == Some(name) {
            inside = Some(String::new());
            stdout.push_str(line);
            stdout.push('\n');
            continue;
        }
        let text = inside.as_mut().unwrap_or(&mut stdout);
        text.push_str(line);
        text.push('\n');
    }
    if let Some(text) = inside {
        stdout.push_str(&text);
    }
    Output { stdout, ..output }
}
