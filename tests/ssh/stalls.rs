//! Hosts that stop answering at some byte of a session: before the banner, in the key exchange, in the login, before or within an answer,
//! or in the sweep. A run's time limit ends it all the same, and it reports.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::sshd::{Options, Place, Sshd, possible};

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
    clusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\n\
    contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n";

/// Passes a connection on to the server, and of what the server says `most` bytes: then it keeps silent. Gives its port, and how much was
/// passed on so far.
fn passage(server: &Sshd, most: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let passed = Arc::new(AtomicUsize::new(0));
    let (counts, to) = (Arc::clone(&passed), (server.address.clone(), server.port));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect((to.0.as_str(), to.1)) else { continue };
            let (mut up, mut down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut up.0, &mut up.1);
                let _ = up.1.shutdown(Shutdown::Write);
            });
            let counts = Arc::clone(&counts);
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = down.0.read(&mut bytes) {
                    let before = counts.fetch_add(count, Ordering::Relaxed);
                    let part = most.saturating_sub(before).min(count);
                    let _ = down.1.write_all(&bytes[..part]);
                }
            });
        }
    });
    (port, passed)
}

/// A run that asks the host behind that port for its interfaces: its exit code, how long it took, and its report.
fn asked(place: &Place, server: &Sshd, port: u16) -> (Option<i32>, Duration, String) {
    let of = |what: &str| format!("{what}-{port}");
    place.write(
        &of("config"),
        &format!(
            "Host stalls\n HostName 127.0.0.1\n Port {port}\n User root\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n IdentityAgent none\n IdentitiesOnly yes\n IdentityFile {}\n",
            place.text(&of("known")),
            place.text("id"),
        ),
    );
    place.write(&of("known"), &format!("[127.0.0.1]:{port} {}\n", server.host_key));
    place.write(&of("site"), &format!("ssh: {{ config: {} }}\n", place.text(&of("config"))));
    place.write(
        &of("asks.rhai"),
        "//! ---\n//! name: asks\n//! version: 1.0.0\n//! about: b\n//! uses: [cluster.read, node.read]\n//! ---\n\
         step(\"Ask\", || interfaces(\"ssh:stalls\"));\nfinding(\"site/x\", \"info\", \"a\", \"done\");\n",
    );
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
        .args(["run", &place.text(&of("asks.rhai")), "-qv", "--timeout", "3s", "--site", &place.text(&of("site"))])
        .args(["--kubeconfig", &place.text("kubeconfig")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), began.elapsed(), report)
}

#[test]
fn a_host_that_stalls_anywhere_costs_no_more_than_the_time_limit() {
    if !possible() {
        return;
    }
    let place = Place::new();
    place.write("kubeconfig", KUBECONFIG);
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options::default());
    let (port, passed) = passage(&server, usize::MAX);
    let (code, _, report) = asked(&place, &server, port);
    assert_eq!(code, Some(0), "{report}");
    let whole = passed.load(Ordering::Relaxed);
    let cuts = [0, 30, 500].into_iter().chain((4..20).step_by(3).map(|part| whole * part / 20));
    std::thread::scope(|scope| {
        for cut in cuts {
            let (place, server) = (&place, &server);
            scope.spawn(move || {
                let (port, _) = passage(server, cut);
                let (code, took, report) = asked(place, server, port);
                eprintln!("stalled after {cut} of {whole} bytes: {took:?}, exit {code:?}");
                assert!(took < Duration::from_secs(12), "stalled after {cut} of {whole} bytes it took {took:?}: {report}");
                assert!(matches!(code, Some(0 | 5)) && report.contains("run: asks 1.0.0"), "{cut} of {whole}: {code:?} {report}");
            });
        }
    });
}
