//! `lbdiag report` and `lbdiag view`: a run that somebody kept, told later as it would have been told at once.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::arguments::report::{KeptArguments, ReportArguments};
use super::exit::Exit;
use super::{files, kept, print, refuse, reports, run};
use crate::evidence::output::temporary;
use crate::model::outcome::Outcome;
use crate::model::text::one_line;
use crate::report as formats;

/// What opens a file in whatever shows files of its kind: on macOS, and elsewhere.
const OPENERS: [&str; 2] = ["open", "xdg-open"];

/// What says that there is a screen to open something on, where it is not macOS.
const SCREENS: [&str; 2] = ["WAYLAND_DISPLAY", "DISPLAY"];

/// Writes the reports of a kept run.
pub(super) fn report(arguments: &ReportArguments) -> Exit {
    let wanted = &arguments.reports;
    if let Err(error) = files::check_kept(&arguments.kept.run, wanted).and_then(|()| reports::check(wanted, None)) {
        return refuse(Exit::Usage, &error);
    }
    match outcome(&arguments.kept) {
        Err(error) => refuse(Exit::Usage, &error),
        Ok(outcome) => match reports::write_kept(wanted, &outcome, run::detail(arguments.verbose)) {
            Ok(()) => Exit::Good,
            Err(error) => refuse(Exit::CouldNotWork, &error),
        },
    }
}

/// Opens the page of a kept run, or says where it is.
pub(super) fn view(arguments: &KeptArguments) -> Exit {
    let outcome = match outcome(arguments) {
        Ok(outcome) => outcome,
        Err(error) => return refuse(Exit::Usage, &error),
    };
    let page = match temporary::written("lbdiag-", ".html", &formats::page(&outcome)) {
        Ok(page) => page,
        Err(error) => {
            return refuse(
                Exit::CouldNotWork,
                &format!("write the page to a temporary file: {error}; lbdiag report … --report html=FILE writes it elsewhere"),
            );
        }
    };
    let shown = one_line(&page.display().to_string());
    match opened(&page) {
        Ok(()) => print(&format!("opened {shown}\n")),
        Err(why) => print(&format!("the page is {shown}\n({why}; it stays there until somebody removes it)\n")),
    }
}

fn outcome(arguments: &KeptArguments) -> Result<Outcome, String> {
    kept::outcome_of(&arguments.run, arguments.playbook.as_deref())
}

/// Has it opened by what the desktop has for it.
fn opened(page: &Path) -> Result<(), String> {
    let [on_macos, elsewhere] = OPENERS;
    let opener = if cfg!(target_os = "macos") { on_macos } else { elsewhere };
    let screen = SCREENS.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !cfg!(target_os = "macos") && !screen {
        return Err("there is no screen to open it on".to_owned());
    }
    let ended = Command::new(opener).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{opener} ended with {status}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!("there is no {opener} here")),
        Err(error) => Err(format!("start {opener}: {error}")),
    }
}
