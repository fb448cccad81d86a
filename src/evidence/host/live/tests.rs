//! What runs on this machine, through the same arguments and guard as over SSH.

use super::*;
use crate::evidence::side_by_side::side_by_side;

pub(crate) fn local() -> Host {
    Host { name: "local".to_owned(), address: String::new(), kind: HostKind::Local }
}

fn hosts() -> (tokio::runtime::Runtime, LiveHosts, Interrupt) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let interrupt = Interrupt::default();
    let hosts = LiveHosts::new(runtime.handle().clone(), &Site::default(), interrupt.clone());
    (runtime, hosts, interrupt)
}

fn unreachable() -> Host {
    Host { name: "gone".to_owned(), address: "127.0.0.1".to_owned(), kind: HostKind::Node }
}

fn closed_port() -> Site {
    let mut site = Site::default();
    site.ssh.port = Some(1);
    site.ssh.config = Some("/dev/null".into());
    site
}

fn command(limit: Duration) -> Command {
    Command { script: Script::Probe, args: vec!["one".to_owned(), "it's two".to_owned()], limit, most_bytes: 100_000 }
}

#[test]
fn a_host_that_cannot_be_reached_is_tried_once_and_says_why() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hosts = LiveHosts::new(runtime.handle().clone(), &closed_port(), Interrupt::default());
    hosts.warm(&[unreachable()]);
    let errors = side_by_side(&[(), (), ()], |()| hosts.run(&unreachable(), &command(Duration::from_secs(5))).unwrap_err());
    assert_eq!(errors[0].kind, ErrorKind::HostUnreachable);
    assert!(errors[0].to_string().contains("127.0.0.1:1"), "{}", errors[0]);
    assert!(errors.iter().all(|error| *error == errors[0]));
    assert!(hosts.sweep().is_empty(), "nothing ran there, so nothing is to be swept");
}

#[test]
fn after_an_interrupt_nothing_new_runs_but_the_sweep_does() {
    let (_runtime, hosts, interrupt) = hosts();
    hosts.run(&local(), &command(Duration::from_secs(5))).unwrap();
    interrupt.set(Reason::Signal);
    let error = hosts.run(&local(), &command(Duration::from_secs(5))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted);
    let swept = hosts.sweep();
    assert_eq!(swept.len(), 1);
    swept[0].1.as_ref().unwrap();
}

#[test]
fn the_sweep_ends_what_carries_the_tag() {
    let (_runtime, hosts, _) = hosts();
    let mut child = std::process::Command::new("sleep").arg("60").env("LBDIAG_RUN", hosts.tag()).spawn().unwrap();
    let mut deaf =
        std::process::Command::new("sh").args(["-c", "trap '' INT TERM; while :; do sleep 1; done", &hosts.tag()]).spawn().unwrap();
    lock(&hosts.inner.touched).insert(local(), false);
    let swept = hosts.sweep();
    swept[0].1.as_ref().unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(!deaf.wait().unwrap().success());
}

fn read(status: Option<i32>, began: bool, errors: &str) -> Option<ErrorKind> {
    refusal(&unreachable(), "ops", Script::Capture, status, began, errors).map(|error| error.kind)
}

#[test]
fn refusals_are_told_apart() {
    assert_eq!(read(Some(96), true, "x\nlbdiag-refused tool: tcpdump\n"), Some(ErrorKind::ToolMissing));
    assert_eq!(read(Some(97), true, "lbdiag-refused namespace: no process\n"), Some(ErrorKind::NamespaceUnproven));
    assert_eq!(read(Some(1), false, "sudo: a password is required\n"), Some(ErrorKind::Forbidden));
    assert_eq!(read(Some(127), false, "sh: sudo: not found\n"), Some(ErrorKind::ToolMissing));
    assert_eq!(read(Some(1), true, "the script's own trouble"), None);
    assert_eq!(read(Some(0), true, ""), None);
    let error = refusal(&unreachable(), "ops", Script::Probe, Some(1), false, "This account is currently not available.").unwrap();
    assert_eq!(error.kind, ErrorKind::HostUnreachable);
}
