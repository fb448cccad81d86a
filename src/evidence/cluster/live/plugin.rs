//! Credential plugins of a kubeconfig: programs of others whose answer the client reads whole, so that it must come to an end.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use kube::config::{ExecConfig, ExecInteractiveMode, Kubeconfig};

/// Bytes that a plugin may answer. A credential is a token of some KiB, or a certificate with its key.
pub(super) const MOST: usize = 1 << 20;

/// How it is run.
const BOUNDED: &str = include_str!("plugin.sh");

/// Has every plugin run within its bound. What it says beside its answer is for a person: without one at the terminal nobody gets it.
pub(super) fn bound(kubeconfig: &mut Kubeconfig, path: Option<&OsStr>) {
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let users = kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut());
    for exec in users.filter_map(|user| user.exec.as_mut()) {
        bound_one(exec, path, somebody);
    }
}

/// A program that is not there is left as it is: what the system says of it is the best that can be said.
fn bound_one(exec: &mut ExecConfig, path: Option<&OsStr>, somebody: bool) {
    let Some(command) = exec.command.take_if(|command| is_there(command, path)) else { return };
    // Where it may ask a person, its words go to the terminal as they come: a question has no line end.
    let talks = somebody && exec.interactive_mode != Some(ExecInteractiveMode::Never);
    let quiet = if talks { "" } else { "exec 2>/dev/null\n" };
    let own = ["-c".to_owned(), format!("{quiet}{BOUNDED}"), "sh".to_owned(), MOST.to_string(), command];
    let arguments = exec.args.take().unwrap_or_default();
    exec.command = Some("/bin/sh".to_owned());
    exec.args = Some(own.into_iter().chain(arguments).collect());
}

fn is_there(command: &str, path: Option<&OsStr>) -> bool {
    if command.contains('/') {
        return Path::new(command).is_file();
    }
    let mut places = path.into_iter().flat_map(std::env::split_paths);
    !command.is_empty() && places.any(|place: PathBuf| place.join(command).is_file())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    fn exec(command: &str, arguments: &[&str]) -> ExecConfig {
        ExecConfig {
            command: Some(command.to_owned()),
            args: Some(arguments.iter().map(|&text| text.to_owned()).collect()),
            interactive_mode: Some(ExecInteractiveMode::Never),
            ..serde_json::from_str("{}").unwrap()
        }
    }

    fn run(mut exec: ExecConfig) -> Output {
        bound_one(&mut exec, std::env::var_os("PATH").as_deref(), true);
        Command::new(exec.command.unwrap()).args(exec.args.unwrap()).output().unwrap()
    }

    #[test]
    fn an_answer_and_a_status_are_the_plugins_own() {
        let answered = run(exec("printf", &["%s|%s", "a b", "$(id) 'c'"]));
        assert_eq!((answered.status.code(), answered.stdout.as_slice()), (Some(0), &b"a b|$(id) 'c'"[..]));
        let failed = run(exec("sh", &["-c", "echo token; echo secret >&2; exit 7"]));
        assert_eq!((failed.status.code(), failed.stdout.as_slice(), failed.stderr.len()), (Some(7), &b"token\n"[..], 0));
    }

    #[test]
    fn output_without_an_end_is_cut_and_the_plugin_ended() {
        for (program, arguments) in
            [("yes", &[][..]), ("sh", &["-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxx; done"]), ("cat", &["/dev/zero"])]
        {
            let answered = run(exec(program, arguments));
            assert_eq!(answered.stdout.len(), MOST, "{program}");
            assert!(!answered.status.success(), "{program}: {:?}", answered.status);
        }
        for (somebody, mode) in [(true, ExecInteractiveMode::Never), (false, ExecInteractiveMode::IfAvailable)] {
            let mut exec = exec("sh", &["-c", "head -c 50000000 /dev/zero >&2"]);
            exec.interactive_mode = Some(mode);
            bound_one(&mut exec, std::env::var_os("PATH").as_deref(), somebody);
            let complaints = Command::new(exec.command.unwrap()).args(exec.args.unwrap()).output().unwrap();
            assert_eq!((complaints.status.code(), complaints.stderr.len()), (Some(0), 0));
        }
    }

    #[test]
    fn a_plugin_that_is_not_there_is_said_to_be_missing() {
        for missing in ["/nowhere/aws", "lbdiag-no-such-plugin", ""] {
            let mut left = exec(missing, &["x"]);
            bound_one(&mut left, std::env::var_os("PATH").as_deref(), true);
            assert_eq!(left.command.as_deref(), Some(missing));
        }
    }
}
