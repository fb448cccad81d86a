//! What is written down, and what is assumed.

use std::time::Duration;

use tokio::runtime::Runtime;

use super::*;
use crate::evidence::host::live::LiveHosts;
use crate::evidence::interrupt::Interrupt;
use crate::evidence::site::Site;
use crate::model::place::Place;
use crate::model::plan::Argument;

fn host(name: &str) -> Host {
    // Nobody has this address (RFC 5737): a connection to it would take its time.
    Host { name: name.to_owned(), address: "192.0.2.1".to_owned(), kind: HostKind::Node }
}

fn planned(runtime: &Runtime) -> Planned {
    let hosts = LiveHosts::new(runtime.handle().clone(), &Site::default(), Interrupt::default());
    Planned::new(hosts)
}

fn command(script: Script, args: &[&str]) -> Command {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Command { script, args, limit: Duration::from_millis(2_500), most_bytes: 9 }
}

#[test]
fn commands_are_written_down_with_their_arguments_and_bounds() {
    let runtime = Runtime::new().unwrap();
    let planned = planned(&runtime);
    planned.step("One");
    for _ in 0..2 {
        assert_eq!(planned.run(&host("n1"), &command(Script::Links, &["a b"])).unwrap().stdout, "");
    }
    let intents = planned.intents();
    let [intent] = intents.as_slice() else { panic!("{intents:?}") };
    assert_eq!((intent.step.as_str(), intent.host.as_str(), intent.kind, intent.times), ("One", "n1", "command", 2));
    assert_eq!((intent.seconds, intent.bytes, intent.root), (3, 9, false));
    assert_eq!(intent.argv.last(), Some(&Argument::Text("a b".to_owned())));
    let scripts: Vec<&Argument> = intent.argv.iter().filter(|argument| matches!(argument, Argument::Script(_))).collect();
    let named = ["wrap-user", "guard", "links"].map(|name| Argument::Script(name.to_owned()));
    assert_eq!(scripts, named.iter().collect::<Vec<_>>());
    assert!(named.iter().all(|name| matches!(name, Argument::Script(name) if !Planned::scripts()[name].is_empty())));
}

#[test]
fn what_comes_after_failing_tries_is_for_when_it_is_needed() {
    let runtime = Runtime::new().unwrap();
    let planned = planned(&runtime);
    planned.step("Ask");
    let answer = planned.run(&host("c1"), &command(Script::Probe, &["10.88.64.100", "443", "https", "3", "4", "3000"])).unwrap();
    assert_eq!(answer.stdout.lines().filter(|line| line.contains("connect-timeout")).count(), 6);
    planned.begin(&host("c1"));
    planned.step("Look closer");
    let seen = planned.run(&host("n1"), &command(Script::Inspect, &["host", "", "", "fd00::5"])).unwrap();
    assert!(seen.stdout.contains("inet6 fd00::5/64"), "{}", seen.stdout);
    assert!(planned.sweep().iter().all(|(_, proof)| proof.is_ok()));
    let told: Vec<(String, bool)> = planned.intents().into_iter().map(|intent| (intent.step, intent.only_when_needed)).collect();
    let of = |step: &str| told.iter().filter(|(name, _)| name == step).map(|(_, needed)| *needed).collect::<Vec<_>>();
    assert_eq!((of("Ask"), of("Look closer")), (vec![false, false], vec![true]));
    assert_eq!(of("At the end, whatever happened"), [false, false]);
}

#[test]
fn captures_are_refused_where_a_run_would_refuse_them() {
    let runtime = Runtime::new().unwrap();
    let planned = planned(&runtime);
    let captures = PlannedCaptures { planned: planned.clone(), places: Places::default() };
    let request = CaptureRequest::sample(Place::Host(host("n1")));
    if cfg!(feature = "libpcap") {
        assert!(captures.open(&CaptureRequest { filter: "no such filter".to_owned(), ..request.clone() }).is_err());
    }
    let mut open: Vec<_> = (0..8).map(|_| captures.open(&request).unwrap()).collect();
    assert!(captures.open(&request).is_err());
    let one = open.pop().unwrap().stop().unwrap();
    assert!(one.tells_absence() && one.packets.is_empty());
    drop(captures.open(&request).unwrap());
    let intents = planned.intents();
    let [intent] = intents.as_slice() else { panic!("{intents:?}") };
    assert_eq!((intent.kind, intent.times, intent.packets, intent.seconds), ("capture", 9, Some(20_000), 90));
    assert!(intent.argv.contains(&Argument::Text("tcp port 443".to_owned())));
}

/// A playbook that goes through the rows of a place goes on, and plans the rest.
#[test]
fn a_place_whose_state_would_be_read_has_nothing_to_show() {
    let runtime = Runtime::new().unwrap();
    let state = planned(&runtime).run(&host("n1"), &command(Script::State, &["host", "", "", "routes"])).unwrap();
    assert!(state.stdout.contains("=== routes\n\n=== end 0"), "{}", state.stdout);
}
