//! Who is let in, and how.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lbdiag::evidence::error::ErrorKind;
use lbdiag::evidence::host::Hosts;
use lbdiag::evidence::host::live::Asker;

use crate::sshd::{Live, Options, Place, Sshd, is_links, node, possible, run};

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
        for (_, swept) in live.hosts.sweep() {
            swept.unwrap_or_else(|error| panic!("{shell}: {error}"));
        }
    }
}

#[test]
fn each_kind_of_key_is_taken() {
    if !possible() {
        return;
    }
    let place = Place::new();
    for (kind, only) in [("ed25519", ""), ("ecdsa", ""), ("rsa", "PubkeyAcceptedAlgorithms rsa-sha2-256\n"), ("rsa", "")] {
        let name = format!("{kind}{}", only.len());
        place.key(&name, kind, "");
        let key = place.read(&format!("{name}.pub"));
        let server = Sshd::start(&place, &format!("{name}-host"), "127.0.0.1", &Options { key: &key, config: only, ..Options::default() });
        place.block(&name, &server, &format!(" IdentityFile {}\n {only}", place.text(&name)));
        place.trust(&server);
        assert!(is_links(&place.hosts().links(&name).unwrap_or_else(|error| panic!("{name}: {error}"))), "{name}");
        if kind == "rsa" {
            assert!(!server.log().contains("ssh-rsa "), "no signature with SHA-1: {}", server.log());
        }
    }
}

#[test]
fn jump_hosts_one_behind_another_are_connected_to_once() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let outer = place.server("outer");
    let inner = Sshd::start(&place, "inner", "127.0.0.1", &Options::default());
    place.trust(&inner);
    place.block("inner", &inner, " ProxyJump outer\n");
    let nodes: Vec<Sshd> = (0..3)
        .map(|number| {
            let name = format!("n{number}");
            let server = Sshd::start(&place, &name, "127.0.0.1", &Options::default());
            place.trust(&server);
            place.block(&name, &server, " ProxyJump inner\n");
            server
        })
        .collect();
    let live = place.hosts();
    std::thread::scope(|scope| {
        for number in 0..nodes.len() {
            let live = &live;
            scope.spawn(move || assert!(is_links(&live.links(&format!("n{number}")).unwrap())));
        }
    });
    assert_eq!((outer.logins(), inner.logins()), (1, 1));
    assert!(nodes.iter().all(|node| node.logins() == 1));
}

#[test]
fn a_jump_host_that_is_not_known_is_refused_by_name() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let jump = Sshd::start(&place, "jump", "127.0.0.1", &Options::default());
    place.block("jump", &jump, "");
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options::default());
    place.trust(&server);
    place.block("n1", &server, " ProxyJump jump\n");
    let refused = place.hosts().refused("n1");
    assert_eq!(refused.kind, ErrorKind::HostKey);
    assert!(refused.operation.contains("(jump host)"), "{refused}");
}

#[test]
fn a_proxy_command_carries_the_connection_and_says_why_it_does_not() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let proxy = place.write("proxy.py", include_str!("proxy.py"));
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options::default());
    place.trust(&server);
    place.block("n1", &server, &format!(" ProxyCommand python3 {} %h %p\n", proxy.display()));
    assert!(is_links(&place.hosts().links("n1").unwrap()));

    place.block("n2", &server, " ProxyCommand echo 'no \x1b[31mway' >&2; exit 1\n");
    let refused = place.hosts().refused("n2");
    assert!(refused.reason.contains("no \u{fffd}[31mway"), "{refused}");
    assert!(refused.reason.contains("ProxyCommand"), "{refused}");
}

/// An agent of the test's own.
struct Agent {
    socket: String,
    process: std::process::Child,
}

impl Agent {
    fn start(place: &Place) -> Self {
        let socket = place.text("agent");
        let process = Command::new("ssh-agent").args(["-D", "-a", &socket]).stdout(std::process::Stdio::null()).spawn().unwrap();
        crate::sshd::until("the agent listens", || std::path::Path::new(&socket).exists());
        Self { socket, process }
    }

    /// Puts an encrypted key into it, as a person would.
    fn add(&self, place: &Place, key: &str, passphrase: &str) {
        let answer = place.write("answer", &format!("#!/bin/sh\necho '{passphrase}'\n"));
        run("chmod", &["755", answer.to_str().unwrap()]);
        let added = Command::new("setsid")
            .args(["ssh-add", "-q", &place.text(key)])
            .env("SSH_AUTH_SOCK", &self.socket)
            .env("SSH_ASKPASS", answer)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .output()
            .unwrap();
        assert!(added.status.success(), "{added:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that takes one key, which is encrypted.
fn locked(place: &Place, more: &str) -> Sshd {
    locked_by(place, "open sesame", more)
}

pub(crate) fn locked_by(place: &Place, passphrase: &str, more: &str) -> Sshd {
    place.key("locked", "ed25519", passphrase);
    let key = place.read("locked.pub");
    let server = Sshd::start(place, "n1", "127.0.0.1", &Options { key: &key, ..Options::default() });
    place.block("n1", &server, &format!(" IdentityFile {}\n{more}", place.text("locked")));
    place.trust(&server);
    server
}

#[test]
fn an_encrypted_key_through_an_agent() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let agent = Agent::start(&place);
    place.append("config", &format!("Host n1\n IdentityAgent {}\n", agent.socket));
    let _server = locked(&place, "");
    let refused = place.hosts().refused("n1");
    assert!(refused.reason.contains("is encrypted") && refused.hint.contains("ssh-add"), "{refused}");
    agent.add(&place, "locked", "open sesame");
    assert!(is_links(&place.hosts().links("n1").unwrap()));
}

#[test]
fn a_passphrase_is_asked_for_once_and_never_unattended() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = locked(&place, "");
    let refused = place.hosts().refused("n1");
    assert!(refused.reason.contains("no terminal") && refused.hint.contains("agent"), "{refused}");

    let asked = Arc::new(AtomicUsize::new(0));
    let asking = |asked: &Arc<AtomicUsize>| {
        let count = Arc::clone(asked);
        Asker::new(move |question| {
            assert!(question.contains("locked"), "{question}");
            count.fetch_add(1, Ordering::Relaxed);
            // A person takes a while; that costs no host its time.
            std::thread::sleep(std::time::Duration::from_millis(300));
            Some("open sesame".to_owned())
        })
    };
    place.block("n2", &server, &format!(" IdentityFile {}\n", place.text("locked")));
    let live = Live::asking(&place.site(), Some(asking(&asked)));
    live.hosts.warm(&[node("n1"), node("n2")]);
    assert!(is_links(&live.links("n1").unwrap()) && is_links(&live.links("n2").unwrap()));
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    // A server that would not take the key does not make anybody type.
    let other = Sshd::start(&place, "n3", "127.0.0.1", &Options::default());
    place.block("n3", &other, &format!(" IdentityFile {}\n", place.text("locked")));
    place.trust(&other);
    place.block("batch", &server, &format!(" IdentityFile {}\n BatchMode yes\n", place.text("locked")));
    let asked = Arc::new(AtomicUsize::new(0));
    let live = Live::asking(&place.site(), Some(asking(&asked)));
    live.refused("n3");
    assert!(live.refused("batch").reason.contains("BatchMode"));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn certificates_of_users_and_of_hosts() {
    if !possible() {
        return;
    }
    let place = Place::new();
    place.key("ca", "ed25519", "");
    run("ssh-keygen", &["-q", "-s", &place.text("ca"), "-I", "me", "-n", "root", &place.text("id.pub")]);
    place.key("rsa", "rsa", "");
    run("ssh-keygen", &["-q", "-s", &place.text("ca"), "-I", "rsa", "-n", "root", &place.text("rsa.pub")]);
    // The server knows the authority, not the key; and its own key is vouched for by the same authority.
    let config = format!("TrustedUserCAKeys {}\nHostCertificate {}\n", place.text("ca.pub"), place.text("n1.host-cert.pub"));
    place.key("other", "ed25519", "");
    let other = place.read("other.pub");
    place.key("n1.host", "ed25519", "");
    run("ssh-keygen", &["-q", "-s", &place.text("ca"), "-h", "-I", "n1", "-n", "127.0.0.1", &place.text("n1.host.pub")]);
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { key: &other, config: &config, ..Options::default() });
    place.block("n1", &server, "");
    assert_eq!(place.hosts().refused("n1").kind, ErrorKind::HostKey, "nothing is known yet");
    place.write("known_hosts", &format!("@cert-authority 127.0.0.* {}", place.read("ca.pub")));
    assert!(is_links(&place.hosts().links("n1").unwrap()));
    assert!(server.log().contains("CERT"), "{}", server.log());
    // The same by an RSA key, and by one that only the agent has.
    place.block("rsa", &server, &format!(" IdentityFile {}\n", place.text("rsa")));
    assert!(is_links(&place.hosts().links("rsa").unwrap_or_else(|error| panic!("{error}: {}", server.log()))));
    let agent = Agent::start(&place);
    place.key("held", "ed25519", "secret");
    run("ssh-keygen", &["-q", "-s", &place.text("ca"), "-I", "held", "-n", "root", &place.text("held.pub")]);
    std::fs::rename(place.path("held-cert.pub"), place.path("apart-cert.pub")).unwrap();
    agent.add(&place, "held", "secret");
    place.append("config", &format!("Host held\n IdentityAgent {}\n CertificateFile {}\n", agent.socket, place.text("apart-cert.pub")));
    place.block("held", &server, &format!(" IdentityFile {}\n", place.text("held.pub")));
    assert!(is_links(&place.hosts().links("held").unwrap_or_else(|error| panic!("{error}: {}", server.log()))));
    place.append("known_hosts", &format!("@revoked * {}", place.read("ca.pub")));
    assert!(place.hosts().refused("n1").reason.contains("revoked"));
    run("ssh-keygen", &["-q", "-s", &place.text("ca"), "-h", "-I", "n1", "-n", "elsewhere", &place.text("n1.host.pub")]);
    place.write("known_hosts", &format!("@cert-authority 127.0.0.* {}", place.read("ca.pub")));
    drop(server);
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { key: &other, config: &config, ..Options::default() });
    place.block("moved", &server, "");
    let refused = place.hosts().refused("moved").reason;
    assert!(refused.contains("it is for elsewhere"), "{refused}: {}", server.log());
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
    let live = place.hosts();
    let output = live.inspect("n1").unwrap();
    assert!(output.stdout.contains("=== iptables\n"), "{output:?}");
    assert!(!output.stderr.contains("Permission denied"), "{output:?}");
    for (_, swept) in live.hosts.sweep() {
        swept.unwrap();
    }
}
