//! What is assumed to come of what is not done: the answers that make a run do the most.

use std::fmt::Write;
use std::net::IpAddr;

use crate::evidence::host::Command;
use crate::evidence::host::script::Script;

/// An interface that only the host knows the name of.
const INTERFACE: &str = "INTERFACE-OF-THE-ADDRESS";

/// What a host is assumed to print.
pub(super) fn answer(command: &Command) -> String {
    match command.script {
        Script::Probe => no_answer(&command.args),
        // After what names the pod.
        Script::ProbePod => no_answer(command.args.get(2..).unwrap_or_default()),
        Script::Inspect => on_the_network(&command.args),
        Script::Check => every_tool(),
        Script::State => nothing_there(),
        Script::Capture | Script::Arping | Script::Links | Script::Clock | Script::Router | Script::Sweep => String::new(),
    }
}

/// Every try of a probe (see `probe.sh` for its arguments and lines) waits in vain for a connection.
fn no_answer(args: &[String]) -> String {
    let speech = args.get(2).map_or("", String::as_str);
    let tries: u32 = args.get(3).and_then(|tries| tries.parse().ok()).unwrap_or(0);
    let sizes: &[&str] = if matches!(speech, "https" | "http") { &["small", "large"] } else { &["small"] };
    let mut text = String::new();
    for size in sizes {
        for number in 1..=tries {
            // Writing to a string has no way to fail.
            let _ = writeln!(text, "try\t{number}\t{size}\t\t0\tconnect-timeout\t\t\t0\t");
        }
    }
    text
}

/// A host that has an interface on the network of the address that it is asked about (see `inspect.sh`).
fn on_the_network(args: &[String]) -> String {
    let Some(address) = args.get(3).and_then(|text| text.parse::<IpAddr>().ok()) else { return String::new() };
    let (family, prefix) = if address.is_ipv6() { ("inet6", 64) } else { ("inet", 24) };
    format!("\n=== addresses\n1: {INTERFACE}    {family} {address}/{prefix} scope global {INTERFACE}\n\n=== end 0\n")
}

/// A host that can be read and has nothing to show (see `state.sh`) but a way to every address, so that a playbook goes on.
fn nothing_there() -> String {
    let parts = [
        "links",
        "addresses",
        "routes",
        "routes6",
        "route-get",
        "neighbours",
        "rules",
        "rules6",
        "settings",
        "conntrack",
        "iptables",
        "nft",
        "sockets",
        "datagram-sockets",
        "counters",
        "counters6",
        "devices",
    ];
    parts.map(|part| format!("\n=== {part}\n{}\n=== end 0\n", if part == "route-get" { "ADDRESS dev INTERFACE" } else { "" })).concat()
}

/// A host that lacks nothing (see `check.sh`), so that it would be asked everything.
fn every_tool() -> String {
    let tools = ["tcpdump", "nsenter", "ip", "timeout", "ss", "iptables-save", "conntrack", "python3"];
    let lines: Vec<String> = tools.iter().map(|tool| format!("tool\t{tool}\t\t")).collect();
    format!("root\tlogin\n{}\n", lines.join("\n"))
}
