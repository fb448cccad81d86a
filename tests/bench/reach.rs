//! Asks many hosts several things over SSH, from nothing, and says nothing: what `tests/bench/ssh` takes the time of.
//!
//!     reach SSH-CONFIG COMMANDS HOST…

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lbdiag::evidence::host::live::LiveHosts;
use lbdiag::evidence::host::script::Script;
use lbdiag::evidence::host::{Command, Hosts};
use lbdiag::evidence::interrupt::Interrupt;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::evidence::site::Site;
use lbdiag::model::place::{Host, HostKind};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [config, commands, hosts @ ..] = words.as_slice() else { return ExitCode::SUCCESS };
    let Ok(commands) = commands.parse::<usize>() else { return ExitCode::from(2) };
    let mut site = Site::default();
    site.ssh.config = Some(PathBuf::from(config));
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let live = LiveHosts::new(runtime.handle().clone(), &site, Interrupt::default());
    let hosts: Vec<Host> = hosts.iter().map(|name| Host { name: name.clone(), address: name.clone(), kind: HostKind::Node }).collect();
    live.warm(&hosts);
    let failures: usize = side_by_side(&hosts, |host| {
        let command = Command { script: Script::Links, args: Vec::new(), limit: Duration::from_secs(60), most_bytes: 1 << 20 };
        (0..commands).filter(|_| !live.run(host, &command).is_ok_and(|output| output.stdout.contains("lo:"))).count()
    })
    .into_iter()
    .sum();
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
