//! `lbdiag completions` and `lbdiag man`: made of the definitions of the command line themselves.

use std::io::Write;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::arguments::Arguments;
use super::exit::Exit;
use super::{print, refuse};
use crate::evidence::output::Output;

/// Prints what a shell completes by.
pub(super) fn completions(shell: Shell) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "lbdiag", &mut text);
    print(&String::from_utf8_lossy(&text))
}

/// Writes a page for lbdiag and one for each command.
pub(super) fn pages(directory: &Path) -> Exit {
    let mut command = Arguments::command();
    command.build();
    let written = write(&command, "lbdiag", directory)
        .and_then(|()| command.get_subcommands().try_for_each(|sub| write(sub, &format!("lbdiag-{}", sub.get_name()), directory)));
    match written {
        Ok(()) => Exit::Good,
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

fn write(command: &Command, name: &str, directory: &Path) -> Result<(), String> {
    let path = directory.join(format!("{name}.1"));
    let failed = |error: std::io::Error| format!("write the manual page {}: {error}", path.display());
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut text).map_err(failed)?;
    let mut output = Output::create(&path).map_err(failed)?;
    output.write_all(&text).and_then(|()| output.finish()).map_err(failed)
}
