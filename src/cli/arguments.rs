//! What can be written on the command line.

pub(super) mod explain;
pub(super) mod record;
pub(super) mod recording;
pub(super) mod report;
pub(super) mod test;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use self::explain::ExplainArguments;
use super::diff::Form;
use super::exit::Exit;
use super::parameters::{self, Named};
use super::refusal::tell;
use super::reports::{self, Wanted};
use super::streams;
use crate::model::text::one_line;

const EXIT_CODES: &str = "Exit codes of run:
  0    pass
  1    lbdiag could not do its work
  2    bad usage, or a broken playbook
  3    fail
  4    warn (--warn-exit)
  5    inconclusive
  130  interrupted";

/// Runs troubleshooting playbooks for Kubernetes load-balancer traffic.
#[derive(Debug, Parser)]
#[command(name = "lbdiag", version, after_help = EXIT_CODES, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// Nothing but ASCII is printed.
    #[arg(long, global = true)]
    pub(super) ascii: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a playbook and give its verdict with the proof.
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArguments>),
    /// Can it work here? The API verb by verb, and SSH, root, tools and a capture on every node.
    #[command(after_help = EXIT_CODES)]
    Doctor(Box<RunOptions>),
    /// Say what a run would do, exactly: hosts, arguments, API requests, bounds. Touches no host.
    Plan(Box<PlanArguments>),
    /// Tell the mistakes of playbooks that can be seen before anybody runs them, all with their places. Touches no cluster and no host.
    Check(CheckArguments),
    /// Run the tests of playbooks: what NAME.tests.yaml beside NAME.rhai expects of it. Touches no cluster and no host.
    #[command(after_help = test::EXIT_CODES)]
    Test(test::TestArguments),
    /// Make a playbook, a check, a module, a site file or tests to begin with. Replaces nothing.
    New(super::new::NewArguments),
    /// Bring playbooks into the one style: spaces and indents. Comments, texts and what they mean stay.
    #[command(after_help = super::fmt::EXIT_CODES)]
    Fmt(super::fmt::FmtArguments),
    /// Follow connections through capture files, across translation: hops, addresses, times, and what is missing where.
    Trace(TraceArguments),
    /// Say what a finding, a gap or the code of a mistake means, what it looks like, and what to do.
    Explain(ExplainArguments),
    /// List the words of the language, or say what one means.
    Words {
        /// A word such as `find_announcer`; without one, all are listed.
        word: Option<String>,
        /// All of them in full, as one Markdown document.
        #[arg(long, conflicts_with = "word")]
        markdown: bool,
        /// All of them as declarations for editors (`.d.rhai`).
        #[arg(long, conflicts_with_all = ["word", "markdown"])]
        definitions: bool,
    },
    /// Record a world: whatever playbooks may ask of a cluster, its nodes and its Services, to try and test playbooks on without them.
    Record(Box<record::RecordArguments>),
    /// Write the reports of a run that was kept: a recording, of which it is made again, or an outcome.
    Report(report::ReportArguments),
    /// Open the page of a run that was kept in a browser, or say where it is.
    View(report::KeptArguments),
    /// Say what changed between two runs that means anything. Exit codes: 0 the same, 3 worse, 4 otherwise changed.
    Diff {
        /// The earlier run: an outcome (--report json=FILE) or a recording (--record FILE).
        before: PathBuf,
        /// The later one.
        after: PathBuf,
        /// How it is written.
        #[arg(long, value_enum, default_value_t = Form::Text)]
        report: Form,
        /// The exit code where something changed for no worse.
        #[arg(long, value_name = "CODE", default_value_t = 4)]
        changed_exit: u8,
    },
    /// Print the JSON Schema of what lbdiag writes or reads.
    Schema(report::SchemaArguments),
    /// Print the version.
    Version,
    /// Print what completes the commands and options in a shell: bash, zsh, fish, powershell or elvish.
    Completions { shell: clap_complete::Shell },
    /// Write the manual pages into a directory, one a command.
    Man { directory: PathBuf },
    /// Look into a recording: what made it, what it holds, and whether it is whole.
    Recording {
        #[command(subcommand)]
        command: recording::RecordingCommand,
    },
    /// Show a playbook's name, version, parameters and capabilities.
    Show {
        /// A file, or the name of a shipped playbook.
        playbook: PathBuf,
        /// Its text too, on standard output alone, so that it can be taken home: `lbdiag show metallb-flow --source > my-flow.rhai`.
        #[arg(long)]
        source: bool,
        /// The site, whose hooks at the playbook's steps are listed beside the titles of all its steps.
        #[arg(long, value_name = "FILE", env = "LBDIAG_SITE")]
        site: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(super) struct RunArguments {
    /// A file, or the name of a shipped playbook.
    pub(super) playbook: PathBuf,
    #[command(flatten)]
    pub(super) options: RunOptions,
}

#[derive(Args, Debug)]
pub(super) struct PlanArguments {
    /// A file, or the name of a shipped playbook.
    pub(super) playbook: PathBuf,
    #[command(flatten)]
    pub(super) given: Given,
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = Wanted::plan, help = reports::help("The plan", |format| format.plan.is_some()))]
    pub(super) reports: Vec<Wanted>,
    /// Print the text of every script too.
    #[arg(long)]
    pub(super) scripts: bool,
}

#[derive(Args, Debug)]
pub(super) struct CheckArguments {
    /// Playbooks: files, folders with all that is below them, names of shipped ones, or `-` for standard input; site files by their ending .yaml.
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = Wanted::checked, help = reports::help("The mistakes", reports::tells_mistakes))]
    pub(super) reports: Vec<Wanted>,
}

#[derive(Args, Debug)]
pub(super) struct TraceArguments {
    /// Files of pcap or pcapng, packed by gzip or not; `-` is standard input. Order does not matter.
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Tell only of connections of which a packet is missing somewhere, or that could not be joined everywhere.
    #[arg(long)]
    pub(super) odd: bool,
    /// Write a line for each packet: its connection's number, and everywhere that it was seen as `FILE:FRAME`, with
    /// tabs between, and with the bytes of it that the frame holds when these are not all.
    #[arg(long, value_name = "FILE")]
    pub(super) pairs: Option<PathBuf>,
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = Wanted::trace, help = reports::help("A report", |format| format.trace.is_some()))]
    pub(super) reports: Vec<Wanted>,
}

/// What a playbook is given, and how the world is reached.
#[derive(Args, Debug)]
pub(super) struct Given {
    /// A parameter of the playbook, before all other sources; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub(super) set: Vec<(String, String)>,
    /// Parameters from a YAML or JSON file.
    #[arg(long, value_name = "FILE")]
    pub(super) params: Option<PathBuf>,
    /// What differs from place to place: SSH, addresses of nodes, defaults of parameters.
    #[arg(long, value_name = "FILE", env = "LBDIAG_SITE")]
    pub(super) site: Option<PathBuf>,
    /// How nodes are reached: over SSH, or by the pods that the site file names (`via.pod`).
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Way::Ssh)]
    pub(super) via: Way,
    /// The API alone is read: no host is logged in to, nothing is asked of the Service, nothing is captured.
    #[arg(long = "static")]
    pub(super) static_only: bool,
    /// Whether every namespace is meant, whatever the kubeconfig's context names.
    #[arg(skip)]
    pub(super) everywhere: bool,
    /// The kubeconfig's context.
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// The kubeconfig; otherwise KUBECONFIG or ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Ask the API as this user, as kubectl does.
    #[arg(long = "as", value_name = "USER")]
    pub(super) impersonate: Option<String>,
    /// The bound on one request to the API, such as 5s.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) request_timeout: Option<Duration>,
    /// Take all answers from a recording; nothing is touched, and the recording's own site is used.
    #[arg(long, value_name = "FILE")]
    pub(super) replay: Option<PathBuf>,
    /// Look at a world that `lbdiag record --world` wrote, in place of a cluster: nothing is touched.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(super) world: Option<PathBuf>,
    /// The run's time limit, such as 90s or 5m.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub(super) timeout: Duration,
    /// No progress on standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// How a playbook is run, whichever it is.
#[derive(Args, Debug)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub(super) given: Given,
    /// Keep every question and its answer in a file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["replay", "world"])]
    pub(super) record: Option<PathBuf>,
    /// Write the headers of the captured packets (nothing that they carry) as pcapng into a new directory: a file for each capture
    /// point, and merged.pcapng.
    #[arg(long, value_name = "DIR")]
    pub(super) pcap: Option<PathBuf>,
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = Wanted::parse, help = reports::help("A report", |format| format.outcome.is_some()))]
    pub(super) reports: Vec<Wanted>,
    /// Tell more: the whole proof and every step, and with -vv every question.
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// An earlier run, as an outcome (--report json=FILE) or a recording: what it had found already counts no more, and only what is new fails.
    #[arg(long, value_name = "RUN")]
    pub(super) baseline: Option<PathBuf>,
    /// The exit code of a run that ends with warnings only.
    #[arg(long, value_name = "CODE", default_value_t = 4)]
    pub(super) warn_exit: u8,
    /// Tell on standard error what each step gave, and of an error the steps and calls that led to it.
    #[arg(long)]
    pub(super) trace_steps: bool,
}

impl Command {
    /// Adds the parameters that were given as options of a playbook's own.
    fn take(&mut self, named: &Named, matches: &ArgMatches) {
        let given = match self {
            Self::Run(run) => &mut run.options.given,
            Self::Doctor(options) => &mut options.given,
            Self::Plan(plan) => &mut plan.given,
            _ => return,
        };
        given.set.extend(named.given(matches));
        given.everywhere = Named::everywhere(matches);
    }
}

/// How nodes are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Way {
    Ssh,
    Pod,
}

/// Reads the arguments; help and errors have been printed when there is nothing to do.
pub(super) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, Exit> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut command = Arguments::command();
    if words.first().is_some_and(is_plugin) {
        // kubectl starts its plugins under this name; help should say what was typed.
        command = command.bin_name("kubectl lbdiag");
    }
    let named = parameters::named(&words, &command);
    if let Some(Ok(named)) = &named {
        command = named.offered(command);
    }
    // An error quotes what was typed: it is read once more with every argument in one harmless line, so that what is quoted is one.
    let quoted: Vec<OsString> = words.iter().map(|word| one_line(&word.to_string_lossy()).into()).collect();
    let again = command.clone();
    let read = command.try_get_matches_from_mut(words).and_then(|matches| {
        let mut arguments = Arguments::from_arg_matches(&matches)?;
        if let Some(Ok(named)) = &named {
            arguments.command.take(named, &matches);
        }
        Ok(arguments)
    });
    read.map_err(|error| {
        if error.use_stderr() {
            if let Some(Err(refusal)) = named
                && error.kind() == ErrorKind::UnknownArgument
            {
                // What a playbook takes is not known where it cannot be read: that is what has to be told.
                return tell(refusal, &[]);
            }
            let error = again.try_get_matches_from(quoted).err().unwrap_or(error);
            streams::say(&error.render().to_string());
            Exit::Usage
        } else {
            // Help or version, as asked for.
            match streams::show(&error.render().to_string()) {
                Ok(()) => Exit::Good,
                Err(_) => Exit::CouldNotWork,
            }
        }
    })
}

fn is_plugin(first: &OsString) -> bool {
    Path::new(first).file_stem().is_some_and(|name| name == "kubectl-lbdiag")
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(24 * 3600);
    let wanted = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok()).ok_or("write it as 90s, 5m or 1h")?
        }
    };
    if wanted.is_zero() || wanted > LONGEST { Err("it must be more than nothing and at most 24h".to_owned()) } else { Ok(wanted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str]) -> Result<RunArguments, Exit> {
        let words = ["lbdiag", "run", "metallb-flow"].iter().chain(words).map(OsString::from);
        parse(words).map(|arguments| match arguments.command {
            Command::Run(run) => *run,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn clap_finds_the_definition_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn settings_keep_everything_after_the_first_equals_sign() {
        let run = run(&["--set", "a=b=c", "--set", "empty=", "--set", "from=ssh:c1,ssh:c2"]).unwrap();
        let expected = [("a", "b=c"), ("empty", ""), ("from", "ssh:c1,ssh:c2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(run.options.given.set, expected);
        assert_eq!(run.options.given.timeout, Duration::from_secs(120));
        assert_eq!(run.options.warn_exit, 4);
    }

    #[test]
    fn bad_usage_ends_with_two() {
        for words in [
            &["--set", "alone"][..],
            &["--set", "=x"],
            &["--timeout", "soon"],
            &["--timeout", "0"],
            &["--timeout", "-5s"],
            &["--timeout", "3 days"],
            &["--report", "pdf"],
            &["--warn-exit", "300"],
            &["--record", "a", "--replay", "b"],
            &["--via", "carrier-pigeon"],
            &["--no-such-option"],
        ] {
            assert_eq!(run(words).err(), Some(Exit::Usage), "{words:?}");
        }
        for words in [["lbdiag", "explain", "bgp", "--markdown"], ["lbdiag", "words", "probe", "--markdown"]] {
            assert_eq!(parse(words.map(OsString::from)).err(), Some(Exit::Usage), "{words:?}");
        }
        assert_eq!(parse(["lbdiag"].map(OsString::from)).err(), Some(Exit::Usage));
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("2m", 120), ("1m 30s", 90), ("1h", 3600)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn it_is_a_plugin_of_kubectl_too() {
        assert!(is_plugin(&OsString::from("/usr/local/bin/kubectl-lbdiag")));
        assert!(!is_plugin(&OsString::from("lbdiag")));
    }
}
