//! Who is let in, and how.

use lbdiag::evidence::host::Hosts;

use crate::sshd::{Options, Place, Sshd, is_links, possible};

#[test]
fn root_with_a_key_over_one_connection() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = place.server("n1");
    let live = place.hosts();
    for _ in 0..3 {
        assert!(is_links(&live.links("n1").unwrap()));
        assert_eq!(live.inspect("n1").unwrap().status, 0);
    }
    assert_eq!(server.logins(), 1, "one connection for the whole run");
    for (_, swept) in live.hosts.sweep() {
        swept.unwrap();
    }
    assert_eq!(server.logins(), 1, "the sweep takes the connection that is there");
}

#[test]
fn every_login_shell_will_do() {
    if !possible() {
        return;
    }
    for shell in ["/bin/dash", "/bin/bash", "/usr/bin/zsh", "/usr/bin/ksh", "/usr/bin/fish", "/bin/csh", "/usr/bin/tcsh"] {
        if !std::path::Path::new(shell).exists() {
            eprintln!("left out: {shell} is not installed");
            continue;
        }
        let place = Place::new();
        let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { user: Some(("ops", shell)), ..Options::default() });
        place.block("n1", &server, "");
        place.trust(&server);
        let live = place.hosts();
        assert!(is_links(&live.links("n1").unwrap_or_else(|error| panic!("{shell}: {error}"))), "{shell}");
    }
}

#[test]
fn a_user_with_sudo_becomes_root() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let options = Options { user: Some(("ops", "/bin/sh")), sudoers: "ops ALL=(root) NOPASSWD: ALL", ..Options::default() };
    let server = Sshd::start(&place, "n1", "127.0.0.1", &options);
    place.block("n1", &server, "");
    place.trust(&server);
    let output = place.hosts().inspect("n1").unwrap();
    assert!(output.stdout.contains("=== iptables\n"), "{output:?}");
    assert!(!output.stderr.contains("Permission denied"), "{output:?}");
}
