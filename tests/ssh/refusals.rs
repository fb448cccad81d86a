//! Hosts that are not to be trusted, that refuse, or that never answer: each says why, and costs the others nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use lbdiag::evidence::error::{ErrorKind, EvidenceError};
use lbdiag::evidence::host::Hosts;
use lbdiag::evidence::host::script::Script;

use crate::sshd::{Live, Options, Place, Sshd, command, free_port, is_links, node, possible};

#[test]
fn an_unknown_key_shows_its_fingerprint_and_what_to_do() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options::default());
    // Whoever says so in ssh_config does not mean this tool.
    place.block("n1", &server, " StrictHostKeyChecking no\n");
    let refused = place.hosts().refused("n1");
    assert_eq!(refused.kind, ErrorKind::HostKey);
    let fingerprint = std::process::Command::new("ssh-keygen").args(["-lf", &place.text("n1.host.pub")]).output().unwrap();
    let fingerprint = String::from_utf8(fingerprint.stdout).unwrap().split(' ').nth(1).unwrap().to_owned();
    assert!(refused.reason.contains(&fingerprint), "{refused}");
    assert!(refused.hint.contains(&format!("ssh-keyscan -p {} 127.0.0.1", server.port)), "{refused}");
    assert_eq!(server.logins(), 0);
}

#[test]
fn a_changed_key_is_refused() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options::default());
    place.key("earlier", "ed25519", "");
    place.append("known_hosts", &format!("[127.0.0.1]:{} {}", server.port, place.read("earlier.pub")));
    place.block("n1", &server, "");
    let refused = place.hosts().refused("n1");
    assert_eq!(refused.kind, ErrorKind::HostKey);
    assert!(refused.reason.contains("has changed") && refused.reason.contains("known_hosts line 1"), "{refused}");
    assert_eq!(server.logins(), 0);
}

#[test]
fn hashed_names_and_nodes_known_by_their_name() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options::default());
    place.block("n1", &server, "");
    place.trust(&server);
    crate::sshd::run("ssh-keygen", &["-q", "-H", "-f", &place.text("known_hosts")]);
    assert!(place.read("known_hosts").starts_with("|1|"));
    assert!(is_links(&place.hosts().links("n1").unwrap()));
    place.write("known_hosts", &format!("n1 {}", server.host_key));
    assert!(is_links(&place.hosts().links("n1").unwrap()));
    place.write("known_hosts", &format!("n2 {}", server.host_key));
    assert_eq!(place.hosts().refused("n1").kind, ErrorKind::HostKey);
}

#[test]
fn a_server_that_takes_passwords_only_says_so() {
    if !possible() {
        return;
    }
    let place = Place::new();
    for (name, config, method) in [
        ("password", "PubkeyAuthentication no\nPasswordAuthentication yes\n", "password"),
        ("keyboard", "PubkeyAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes\n", "keyboard-interactive"),
    ] {
        let server = Sshd::start(&place, name, "127.0.0.1", &Options { config, ..Options::default() });
        place.block(name, &server, "");
        place.trust(&server);
        let refused = place.hosts().refused(name);
        assert!(refused.reason.contains("with a key") && refused.reason.contains(method), "{refused}");
        assert!(refused.hint.contains("keys alone"), "{refused}");
    }
}

#[test]
fn a_second_factor_is_told_apart() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let config = "AuthenticationMethods publickey,password\nPasswordAuthentication yes\n";
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { config, ..Options::default() });
    place.block("n1", &server, "");
    place.trust(&server);
    let refused = place.hosts().refused("n1");
    assert!(refused.reason.contains("wants more than a key"), "{refused}");
}

#[test]
fn a_user_without_sudo_is_found_out_once() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let options = Options { user: Some(("ops", "/bin/sh")), config: "LogLevel VERBOSE\n", ..Options::default() };
    let server = Sshd::start(&place, "n1", "127.0.0.1", &options);
    place.block("n1", &server, "");
    place.trust(&server);
    let live = place.hosts();
    let commands = || server.log().matches("Starting session: command").count();
    let refused = live.inspect("n1").unwrap_err();
    assert!(matches!(refused.kind, ErrorKind::Forbidden | ErrorKind::ToolMissing), "{refused}");
    assert!(refused.reason.contains("ops"), "{refused}");
    let before = commands();
    assert!(before > 0, "{}", server.log());
    assert_eq!(live.inspect("n1").unwrap_err(), refused);
    assert_eq!(commands(), before, "it is not tried again");
    assert!(is_links(&live.links("n1").unwrap()), "what needs no root goes on");
    for (_, swept) in live.hosts.sweep() {
        swept.unwrap();
    }
}

#[test]
fn a_missing_tool_is_named() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let bare = place.path("bin");
    std::fs::create_dir(&bare).unwrap();
    for tool in ["sh", "id", "timeout", "readlink", "sleep", "kill", "grep", "tr"] {
        let found = ["/bin", "/usr/bin"].iter().map(|dir| format!("{dir}/{tool}")).find(|path| std::path::Path::new(path).exists());
        std::os::unix::fs::symlink(found.unwrap(), bare.join(tool)).unwrap();
    }
    let config = format!("SetEnv PATH={}\n", bare.display());
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { config: &config, ..Options::default() });
    place.block("n1", &server, "");
    place.trust(&server);
    let live = place.hosts();
    let named = |error: EvidenceError, tool: &str| {
        assert_eq!(error.kind, ErrorKind::ToolMissing, "{error}");
        assert!(error.reason.contains(tool) && error.hint.contains("n1"), "{error}");
    };
    named(live.links("n1").unwrap_err(), "ip");
    let ask = |script, args: &[&str]| live.hosts.run(&node("n1"), &command(script, args, Duration::from_secs(10))).unwrap_err();
    named(ask(Script::Inspect, &["pod", "abc", "10.0.0.1", ""]), "nsenter");
    named(ask(Script::Capture, &["host", "", "", "any", "", "96", "10", "tag"]), "tcpdump");
    std::fs::remove_file(bare.join("timeout")).unwrap();
    named(ask(Script::Links, &[]), "timeout");
}

#[test]
fn an_account_without_a_shell_says_what_its_host_said() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = Sshd::start(&place, "n1", "127.0.0.1", &Options { user: Some(("ops", "/usr/sbin/nologin")), ..Options::default() });
    place.block("n1", &server, "");
    place.trust(&server);
    let refused = place.hosts().refused("n1");
    assert_eq!(refused.kind, ErrorKind::HostUnreachable);
    assert!(refused.reason.contains("not available"), "{refused}");
}

/// A listener that does something to whoever connects, and the block of `ssh_config` for it.
fn listener(place: &Place, name: &str, serve: impl Fn(std::net::TcpStream) + Send + Clone + 'static) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    place.append("config", &format!("Host {name}\n HostName 127.0.0.1\n Port {port}\n"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
}

#[test]
fn hosts_that_hang_refuse_or_hang_up_do_not_slow_the_others() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let _good = place.server("good");
    for number in 0..30 {
        // Accepts and never answers.
        listener(&place, &format!("hangs{number}"), |stream| {
            std::thread::sleep(Duration::from_secs(20));
            drop(stream);
        });
    }
    listener(&place, "hangs-up", drop);
    listener(&place, "no-ssh", |mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 100]);
    });
    let port = free_port("127.0.0.1");
    place.append("config", &format!("Host refuses\n HostName 127.0.0.1\n Port {port}\n"));
    let live = place.hosts();
    let hanging: Vec<_> = (0..30).map(|number| node(&format!("hangs{number}"))).collect();
    live.hosts.warm(&hanging);
    let began = Instant::now();
    assert!(is_links(&live.links("good").unwrap()));
    // The hanging ones are given up after 5 s: nobody waited for them.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for (name, reason) in [("hangs-up", "conn"), ("no-ssh", ""), ("refuses", "refused")] {
        let refused = live.refused(name);
        assert_eq!(refused.kind, ErrorKind::HostUnreachable);
        assert!(refused.reason.to_lowercase().contains(reason), "{refused}");
    }
    let refused = live.refused("hangs29");
    assert!(refused.reason.contains("takes the connection and says nothing within 5 s"), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[test]
fn a_host_that_falls_silent_is_given_up_after_one_command() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = place.server("n1");
    let live = place.hosts();
    assert!(is_links(&live.links("n1").unwrap()));
    // The whole of the host stops, as by a kernel that hangs: its sshd neither answers nor closes.
    let stop = |signal: &str| {
        let session = std::process::Command::new("pgrep").args(["-P", &server.pid().to_string()]).output().unwrap();
        for pid in String::from_utf8(session.stdout).unwrap().split_whitespace() {
            crate::sshd::run("kill", &[signal, pid]);
        }
        crate::sshd::run("kill", &[signal, &server.pid().to_string()]);
    };
    stop("-STOP");
    let ask = || {
        let began = Instant::now();
        (live.hosts.run(&node("n1"), &command(Script::Links, &[], Duration::from_secs(2))).unwrap_err(), began.elapsed())
    };
    let (first, took) = ask();
    assert_eq!(first.kind, ErrorKind::TimedOut);
    assert!(took < Duration::from_secs(6), "{took:?}");
    let (second, took) = ask();
    assert!(second.reason.contains("does not answer any more"), "{second}");
    assert!(took < Duration::from_millis(100), "{took:?}");
    stop("-CONT");
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_told() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let server = place.server("n1");
    let live = place.hosts();
    assert!(is_links(&live.links("n1").unwrap()));
    let session = std::process::Command::new("pgrep").args(["-P", &server.pid().to_string()]).output().unwrap();
    for pid in String::from_utf8(session.stdout).unwrap().split_whitespace() {
        crate::sshd::run("kill", &["-9", pid]);
    }
    std::thread::sleep(Duration::from_millis(200));
    let refused = live.refused("n1");
    assert_eq!(refused.kind, ErrorKind::HostUnreachable);
    assert!(refused.operation.contains("n1"), "{refused}");
    assert!(is_links(&place.hosts().links("n1").unwrap()), "the next run connects anew");
}

#[test]
fn neither_of_two_runs_sweeps_what_is_the_other_s() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let _server = place.server("n1");
    let (one, other) = (place.hosts(), place.hosts());
    // A look that takes a while: an address that nobody has is asked for.
    let slow = |live: &Live| live.hosts.run(&node("n1"), &command(Script::Arping, &["127.0.0.9", "3"], Duration::from_secs(10)));
    one.links("n1").unwrap();
    std::thread::scope(|scope| {
        let under_way = scope.spawn(|| slow(&other));
        std::thread::sleep(Duration::from_millis(800));
        for (_, swept) in one.hosts.sweep() {
            swept.unwrap();
        }
        assert_eq!(under_way.join().unwrap().unwrap().status, 0);
    });
    for (_, swept) in other.hosts.sweep() {
        swept.unwrap();
    }
}

#[test]
fn twenty_hosts_at_once() {
    if !possible() {
        return;
    }
    let place = Place::new();
    let servers: Vec<Sshd> = (1..=20)
        .map(|number| {
            let server = Sshd::start(&place, &format!("n{number}"), &format!("127.0.0.{number}"), &Options::default());
            place.block(&format!("n{number}"), &server, "");
            place.trust(&server);
            server
        })
        .collect();
    let live = place.hosts();
    live.hosts.warm(&(1..=20).map(|number| node(&format!("n{number}"))).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for number in 1..=20 {
            let live = &live;
            scope.spawn(move || {
                for _ in 0..5 {
                    let links = command(Script::Links, &[], Duration::from_secs(60));
                    assert!(is_links(&live.hosts.run(&node(&format!("n{number}")), &links).unwrap()));
                }
            });
        }
    });
    assert!(servers.iter().all(|server| server.logins() == 1));
    let swept = live.hosts.sweep();
    assert_eq!(swept.len(), 20);
    for (_, swept) in swept {
        swept.unwrap();
    }
}
