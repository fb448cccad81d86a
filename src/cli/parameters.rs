//! A playbook's parameters as options of its commands: `--service shop` is `--set service=shop`. They come of the playbook's header, which is
//! read before the command line is, and so does the help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;

use crate::engine::{self, Header, Param, ParamKind, Refusal};
use crate::model::text::one_line;

/// The commands that take a playbook with its parameters.
const COMMANDS: [&str; 3] = ["run", "plan", DOCTOR];

/// The command that is a playbook by itself.
const DOCTOR: &str = "doctor";

/// What is before a parameter's name in the ids of its option and of its place.
const OPTION: &str = "parameter:";
const PLACE: &str = "place:";

/// The parameter that kubectl's `-n` gives, and the option that gives it no value.
const NAMESPACE: &str = "namespace";
pub(super) const EVERYWHERE: &str = "all-namespaces";

/// What kubectl writes before the name of a Service.
const SERVICE_KINDS: [&str; 3] = ["svc", "service", "services"];

/// The playbook that a command line names.
pub(super) struct Named {
    command: &'static str,
    header: Header,
}

/// The playbook of a command line, where one is named.
///
/// # Errors
/// When it cannot be used.
pub(super) fn named(words: &[OsString], command: &Command) -> Option<Result<Named, Refusal>> {
    let at = words.iter().enumerate().skip(1).find(|(_, word)| !word.to_string_lossy().starts_with('-')).map(|(at, _)| at)?;
    let name = *COMMANDS.iter().find(|name| words[at] == **name)?;
    if name == DOCTOR {
        return Some(engine::open(DOCTOR.as_ref()).map(|playbook| Named { command: name, header: playbook.header }));
    }
    let sub = command.find_subcommand(name)?;
    let mut rest = words[at + 1..].iter();
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        if !text.starts_with('-') || text == "-" {
            return Some(engine::open(&PathBuf::from(word)).map(|playbook| Named { command: name, header: playbook.header }));
        }
        if takes_next(sub, &text) {
            rest.next();
        }
    }
    None
}

/// Whether an option's value is the next word.
fn takes_next(command: &Command, word: &str) -> bool {
    let is = |arg: &&Arg| match word.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => word.strip_prefix('-').is_some_and(|short| arg.get_short().is_some_and(|own| short == own.to_string())),
    };
    command.get_arguments().find(is).is_some_and(|arg| arg.get_action().takes_values())
}

impl Named {
    /// The command line that takes the parameters too.
    pub(super) fn offered(&self, command: Command) -> Command {
        command.mut_subcommand(self.command, |sub| {
            let known: Vec<String> = sub.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
            // An option of lbdiag's own keeps its meaning; such a parameter is given by --set.
            let free =
                |param: &&Param| !known.contains(&param.name) && !["help", "version", "ascii", EVERYWHERE].contains(&param.name.as_str());
            let heading = format!("Parameters of {}", one_line(&self.header.name));
            let mut sub = sub;
            for param in self.header.params.iter().filter(free) {
                sub = sub.arg(option(param).help_heading(heading.clone()));
                if param.positional {
                    sub = sub.arg(place(param));
                }
                if param.name == NAMESPACE {
                    let everywhere = Arg::new(EVERYWHERE).short('A').long(EVERYWHERE).action(ArgAction::SetTrue);
                    let everywhere =
                        everywhere.help("In all namespaces, whatever the kubeconfig's context names").help_heading(heading.clone());
                    sub = sub.arg(everywhere.conflicts_with(format!("{OPTION}{NAMESPACE}")));
                }
            }
            sub
        })
    }

    /// The parameters that were given as options, by name.
    pub(super) fn given(&self, matches: &ArgMatches) -> Vec<(String, String)> {
        let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
        let of = |param: &Param| {
            let value = |before: &str| matches.try_get_one::<String>(&format!("{before}{}", param.name)).ok().flatten();
            let value = value(OPTION).or_else(|| value(PLACE))?;
            Some((param.name.clone(), if param.positional { bare(value).to_owned() } else { value.clone() }))
        };
        self.header.params.iter().filter_map(of).collect()
    }

    /// Whether every namespace is meant.
    pub(super) fn everywhere(matches: &ArgMatches) -> bool {
        matches.subcommand().is_some_and(|(_, matches)| matches.try_get_one::<bool>(EVERYWHERE).ok().flatten().copied().unwrap_or(false))
    }
}

/// The name of `svc/NAME`.
fn bare(value: &str) -> &str {
    match value.split_once('/') {
        Some((kind, name)) if SERVICE_KINDS.contains(&kind) => name,
        _ => value,
    }
}

fn option(param: &Param) -> Arg {
    let mut arg =
        Arg::new(format!("{OPTION}{}", param.name)).long(param.name.clone()).help(help(param)).value_name(param.kind.word().to_uppercase());
    if param.name == NAMESPACE {
        arg = arg.short('n');
    }
    if param.kind == ParamKind::Bool {
        return arg.num_args(0..=1).require_equals(true).default_missing_value("true");
    }
    arg.allow_negative_numbers(true)
}

fn place(param: &Param) -> Arg {
    Arg::new(format!("{PLACE}{}", param.name))
        .value_name(param.name.to_uppercase())
        .help(help(param))
        .conflicts_with(format!("{OPTION}{}", param.name))
}

fn help(param: &Param) -> String {
    let default = match &param.default {
        Some(Value::String(default)) => format!(" [default: {default}]"),
        Some(default) => format!(" [default: {default}]"),
        None => String::new(),
    };
    let values = if param.values.is_empty() { String::new() } else { format!(" [{}]", param.values.join(", ")) };
    one_line(&format!("{}{values}{default}", param.help))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::arguments::Arguments;

    fn taken(words: &[&str]) -> Result<(Vec<(String, String)>, bool), String> {
        let words: Vec<OsString> = std::iter::once("lbdiag").chain(words.iter().copied()).map(OsString::from).collect();
        let command = Arguments::command();
        let named = named(&words, &command).and_then(Result::ok).ok_or("no playbook")?;
        let matches = named.offered(command).try_get_matches_from(words).map_err(|error| error.to_string())?;
        Ok((named.given(&matches), Named::everywhere(&matches)))
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_offered_command_line_is_sound() {
        let words = ["lbdiag", "run", "metallb-flow"].map(OsString::from);
        for name in ["metallb-flow", "doctor"] {
            let words = [words[0].clone(), words[1].clone(), name.into()];
            let named = named(&words, &Arguments::command()).unwrap().ok().unwrap();
            named.offered(Arguments::command()).debug_assert();
        }
    }

    #[test]
    fn every_parameter_is_an_option_and_the_service_has_a_place() {
        let expected = pairs(&[("from", "c1,c2"), ("namespace", "web"), ("service", "shop")]);
        for words in [
            &["run", "metallb-flow", "-n", "web", "svc/shop", "--from", "c1,c2"][..],
            &["run", "metallb-flow", "shop", "--namespace=web", "--from=c1,c2"],
            &["run", "--timeout", "5s", "-q", "metallb-flow", "--service", "shop", "-n", "web", "--from", "c1,c2"],
            &["plan", "metallb-flow", "service/shop", "-n", "web", "--from", "c1,c2"],
        ] {
            assert_eq!(taken(words), Ok((expected.clone(), false)), "{words:?}");
        }
        assert_eq!(taken(&["run", "metallb-flow", "-A"]), Ok((Vec::new(), true)));
    }

    #[test]
    fn an_unknown_option_is_told_with_the_nearest() {
        let told = taken(&["run", "metallb-flow", "--servic", "shop"]).unwrap_err();
        assert!(told.contains("--service"), "{told}");
        let told = taken(&["run", "metallb-flow", "shop", "--service", "shop"]).unwrap_err();
        assert!(told.contains("cannot be used with"), "{told}");
    }

    #[test]
    fn help_is_of_the_playbook() {
        let told = taken(&["run", "metallb-flow", "--help"]).unwrap_err();
        assert!(told.contains("Parameters of metallb-flow") && told.contains("--tries <INT>") && told.contains("[default: 8]"), "{told}");
    }
}
