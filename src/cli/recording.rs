//! `lbdiag recording`: what a recording holds, and whether it is whole.

use std::fmt::Write;
use std::path::Path;

use super::arguments::recording::RecordingCommand;
use super::exit::Exit;
use super::{files, print, refuse, reports};
use crate::engine;
use crate::evidence::recording::contents::{Contents, Held};
use crate::model::text::one_line;
use crate::report;

/// Does what was asked of a recording.
pub(super) fn recording(command: &RecordingCommand) -> Exit {
    match command {
        RecordingCommand::Show { recording } => told(recording, |contents| (show(contents), Exit::Good)),
        RecordingCommand::Verify { recording } => told(recording, verify),
        RecordingCommand::Redact { recording, output, map, playbook } => redact(recording, output, map.as_deref(), playbook.as_deref()),
    }
}

/// Writes a recording with other names and addresses, and what stands for what.
fn redact(recording: &Path, output: &Path, map: Option<&Path>, playbook: Option<&Path>) -> Exit {
    if let Err(error) = files::check_redacted(recording, output, map) {
        return refuse(Exit::Usage, &error);
    }
    let reworded = match engine::redact(recording, playbook) {
        Ok(reworded) => reworded,
        Err(error) => return refuse(Exit::CouldNotWork, &format!("redact {}: {error}", recording.display())),
    };
    let replaced = reworded.by.map();
    let written = reworded.recording.write(output).map_err(|error| error.to_string()).and_then(|()| {
        let all = serde_json::json!({"format": "lbdiag-redaction/1", "map": replaced});
        map.map_or(Ok(()), |file| reports::write_text(file, &report::json(&all)))
    });
    match written {
        Ok(()) => print(&format!(
            "{} means the same, with {} names and addresses replaced; times, ports, MACs, ids and what is inside certificates stay as they are\n",
            output.display(),
            replaced.len()
        )),
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

fn told(path: &Path, tell: impl FnOnce(&Contents) -> (String, Exit)) -> Exit {
    match Contents::read(path) {
        Ok(contents) => {
            let (text, exit) = tell(&contents);
            match print(&text) {
                Exit::Good => exit,
                failed => failed,
            }
        }
        Err(error) => refuse(Exit::CouldNotWork, &error.to_string()),
    }
}

fn show(contents: &Contents) -> String {
    let manifest = &contents.manifest;
    let mut text = format!(
        "{} {}, recorded by lbdiag {} from {} on, {:.1} s (format {} version {})\n",
        one_line(&manifest.playbook.name),
        one_line(&manifest.playbook.version),
        one_line(&manifest.lbdiag),
        one_line(&manifest.started),
        seconds(manifest.took_ms),
        one_line(&manifest.format),
        manifest.version,
    );
    for (name, value) in &manifest.params {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "  {}: {}", one_line(name), one_line(&value.to_string()));
    }
    let _ = writeln!(text, "{}\n", state(contents));
    for held in &contents.held {
        let Held { at_ms, took_ms, channel, question, result, bytes, .. } = held;
        let _ = writeln!(
            text,
            "{:8.3} +{:7.3}  {channel:15}  {}  {bytes} bytes: {}",
            seconds(*at_ms),
            seconds(*took_ms),
            one_line(question),
            one_line(result)
        );
    }
    text
}

fn verify(contents: &Contents) -> (String, Exit) {
    let broken: Vec<&Held> = contents.held.iter().filter(|held| held.unreadable.is_some()).collect();
    let mut text = format!("{}\n", state(contents));
    for held in &broken {
        let why = held.unreadable.as_deref().unwrap_or_default();
        let _ = writeln!(text, "the answer to {} {} cannot be read: {}", held.channel, one_line(&held.question), one_line(why));
    }
    let exit = match (broken.is_empty(), contents.manifest.cut_after) {
        (false, _) => Exit::CouldNotWork,
        (true, Some(_)) => Exit::Warn(4),
        (true, None) => Exit::Good,
    };
    (text, exit)
}

/// Whether it is whole, in one line.
fn state(contents: &Contents) -> String {
    let (manifest, answers) = (&contents.manifest, contents.held.len());
    let left_out = manifest.left_out.too_large + manifest.left_out.too_many;
    match manifest.cut_after {
        Some(_) => format!("cut off: {answers} complete answers stand before the place where it ends"),
        None if left_out > 0 => format!("whole: {answers} answers; there was no room for {left_out} more"),
        None => format!("whole: {answers} answers"),
    }
}

fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}
