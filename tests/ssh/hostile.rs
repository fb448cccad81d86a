//! Hosts that answer anything but what they were asked: a clear reason, bounded memory, a clean terminal.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use lbdiag::evidence::error::{ErrorKind, EvidenceError};
use lbdiag::evidence::host::Hosts;
use lbdiag::evidence::host::script::Script;

use crate::sshd::{Options, Place, Sshd, command, is_links, node, possible};

/// What comes of a host whose every command is replaced by another one.
fn asked(instead: &str, limit: Duration) -> Result<lbdiag::evidence::host::Output, EvidenceError> {
    let place = Place::new();
    let options = Options { key_limits: &format!("command=\"{instead}\""), ..Options::default() };
    let server = Sshd::start(&place, "n1", "127.0.0.1", &options);
    place.block("n1", &server, "");
    place.trust(&server);
    place.hosts().hosts.run(&node("n1"), &command(Script::Links, &[], limit))
}

fn clean(error: &EvidenceError) {
    let text = error.to_string();
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t'), "{text:?}");
    assert!(text.len() < 4000, "{} bytes", text.len());
}

#[test]
fn garbage_in_place_of_an_answer() {
    if !possible() {
        return;
    }
    let error = asked("head -c 300000 /dev/urandom; head -c 300000 /dev/urandom >&2; exit 1", Duration::from_secs(20)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::HostUnreachable);
    clean(&error);
}

#[test]
fn escapes_for_the_terminal_are_made_harmless() {
    if !possible() {
        return;
    }
    let error = asked(r"printf '\\033]0;owned\\007\\033[2J\\033[31mred\\r' >&2; exit 1", Duration::from_secs(20)).unwrap_err();
    assert!(error.reason.contains("owned"), "{error}");
    clean(&error);
}

#[test]
fn output_without_end_costs_time_and_no_memory() {
    if !possible() {
        return;
    }
    let before = memory();
    let began = Instant::now();
    let error = asked("yes not-what-was-asked-for", Duration::from_secs(3)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    let grown = memory().saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} KiB more");
    // The same after the script began, as far as one can tell: it stops at the bound of the question.
    let error =
        asked("exec 2>&1; set -- $SSH_ORIGINAL_COMMAND; sh -c \\\"$SSH_ORIGINAL_COMMAND\\\" </dev/null; yes more", Duration::from_secs(10))
            .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Garbled | ErrorKind::TimedOut), "{error}");
    clean(&error);
}

#[test]
fn a_host_that_dies_in_the_middle_of_an_answer() {
    if !possible() {
        return;
    }
    let error = asked("echo half; kill -9 $PPID", Duration::from_secs(10)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::HostUnreachable, "{error}");
    clean(&error);
}

#[test]
fn a_banner_is_not_shown() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let banner = place.write("banner", "\x1b[2J\x1b]0;owned\x07 Authorised use only.\n");
    let config = format!("Banner {}\n", banner.display());
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { config: &config, ..Options::default() });
    place.block("n1", &server, "");
    place.trust(&server);
    let output = place.hosts().links("n1").unwrap();
    assert!(is_links(&output) && !output.stderr.contains("Authorised"), "{output:?}");
}

#[test]
fn no_ssh_at_all_without_end() {
    let place = Place::new();
    for (name, piece) in [
        ("lines", &b"welcome\r\n"[..]),
        ("bytes", &[0xff; 64]),
        ("banner", b"SSH-2.0-OpenSSH_9.9\r\n"),
        ("packets", b"SSH-2.0-x\r\n\xff\xff\xff\xff"),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        place.append(
            "config",
            &format!("Host {name}\n HostName 127.0.0.1\n Port {port}\n UserKnownHostsFile none\n GlobalKnownHostsFile none\n"),
        );
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_millis(10)));
                    let until = Instant::now() + Duration::from_secs(8);
                    while Instant::now() < until && stream.write_all(&piece.repeat(1000)).is_ok() {
                        let _ = stream.read(&mut [0; 4096]);
                    }
                });
            }
        });
    }
    let live = place.hosts();
    let before = memory();
    for name in ["lines", "bytes", "banner", "packets"] {
        let began = Instant::now();
        let error = live.refused(name);
        assert_eq!(error.kind, ErrorKind::HostUnreachable, "{error}");
        assert!(began.elapsed() < Duration::from_secs(8), "{name}: {:?}", began.elapsed());
        clean(&error);
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} KiB more");
}

/// What this process holds in memory, KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
