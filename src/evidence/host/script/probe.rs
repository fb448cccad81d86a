//! What the probe script sends with each of the tools that it may find, by the real `sh`, to servers of this test.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PROBE: &str = include_str!("../scripts/probe.sh");
/// What the script needs beside the tool that asks.
const AROUND: [&str; 9] = ["sh", "date", "tr", "awk", "printf", "timeout", "dd", "sed", "cat"];

/// The script's lines on a host that has these tools; `None` where one of them is not here.
fn probe(tools: &[&str], arguments: &[&str]) -> Option<Vec<String>> {
    let bin = tempfile::tempdir().unwrap();
    let paths = std::env::var_os("PATH").unwrap();
    for tool in tools.iter().chain(&AROUND) {
        // The shim of a version manager is no tool where its own surroundings are missing.
        let works = |path: &PathBuf| {
            let version = Command::new(path).arg("--version").env("PATH", bin.path()).output();
            path.is_file() && version.is_ok_and(|version| version.status.success() || AROUND.contains(tool))
        };
        let found = std::env::split_paths(&paths).map(|path| path.join(tool)).find(works)?;
        symlink(found, bin.path().join(tool)).unwrap();
    }
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("IN=''\n{PROBE}"), "lbdiag-test"])
        .args(arguments)
        .env("PATH", bin.path())
        .output()
        .unwrap();
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// Answers every request with this status, and gives what each asked for.
fn http(status: u16) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(count) if count > 0 => request.extend(&piece[..count]),
                    _ => break,
                }
            }
            let _ = stream.write_all(format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes());
            if told.send(String::from_utf8_lossy(&request).into_owned()).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

fn next(requests: &Receiver<String>) -> String {
    requests.recv_timeout(Duration::from_secs(10)).unwrap()
}

/// The fields of every try.
fn fields(lines: &[String]) -> Vec<Vec<&str>> {
    let tries = lines.iter().map(|line| line.split('\t').collect::<Vec<_>>());
    tries.filter(|fields| fields[0] == "try").collect()
}

#[test]
fn host_path_and_size_arrive_as_they_were_told() {
    for tool in ["python3", "curl"] {
        let (port, requests) = http(503);
        let port = port.to_string();
        let hostile = "path=/a?b='$(id)'&c=;[1-3]";
        let arguments = ["127.0.0.1", &port, "http", "1", "3", "3000", "host=web.example:81", hostile, "sizes=400,1500"];
        let Some(lines) = probe(&[tool], &arguments) else { continue };
        assert_eq!(lines[0], format!("tool\t{tool}"));
        let tries = fields(&lines);
        assert_eq!(tries.len(), 2, "{tool}: {lines:?}");
        for fields in &tries {
            assert_eq!((fields[3], fields[5], fields[6]), ("127.0.0.1", "answered", "503"), "{tool}: {lines:?}");
        }
        let mut asked = vec![next(&requests), next(&requests)];
        asked.sort_by_key(String::len);
        assert_eq!(asked.iter().map(String::len).collect::<Vec<_>>(), [400, 1500], "{tool}: {asked:?}");
        for request in asked {
            assert!(request.starts_with("GET /a?b='$(id)'&c=;[1-3]&lbdiag=xxx"), "{tool}: {request}");
            assert!(request.contains("\r\nHost: web.example:81\r\n"), "{tool}: {request}");
        }
    }
}

#[test]
fn what_bash_cannot_ask_is_said() {
    let (port, _requests) = http(200);
    let port = port.to_string();
    let Some(lines) = probe(&["bash"], &["127.0.0.1", &port, "http", "1", "3", "3000", "path=/health"]) else { return };
    assert!(lines[0].starts_with("error\tan HTTP request needs python3 or curl"), "{lines:?}");
    let lines = probe(&["bash"], &["127.0.0.1", &port, "http", "2", "3", "3000"]).unwrap();
    assert_eq!(fields(&lines).iter().map(|fields| fields[5]).collect::<Vec<_>>(), ["answered", "answered"]);
    let lines = probe(&["bash"], &["127.0.0.1", &port, "tls", "1", "3", "3000"]).unwrap();
    assert!(lines[0].contains("needs python3 or openssl"), "{lines:?}");
    assert!(probe(&[], &["127.0.0.1", &port, "tcp", "1", "3", "3000"]).unwrap()[0].contains("none of python3, curl and bash"));
}

#[test]
fn a_datagram_holds_what_was_told() {
    for tool in ["python3", "bash"] {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let port = socket.local_addr().unwrap().port().to_string();
        let server = std::thread::spawn(move || {
            let mut datagram = [0; 100];
            let (count, from) = loop {
                match socket.recv_from(&mut datagram) {
                    // A signal of a child that ended ends a wait that has a limit.
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other.ok()?,
                }
            };
            socket.send_to(b"yes", from).ok()?;
            Some(datagram[..count].to_vec())
        });
        let Some(lines) = probe(&[tool], &["127.0.0.1", &port, "udp", "1", "3", "3000", "payload=00ff250a27"]) else { continue };
        assert_eq!(lines[0], format!("tool\t{tool}"));
        assert_eq!(fields(&lines)[0][5], "answered", "{tool}: {lines:?}");
        assert_eq!(server.join().unwrap().as_deref(), Some(&[0, 0xff, 0x25, 0x0a, 0x27][..]), "{tool}");
    }
}

/// Answers every request with these pieces, a fifth of a second apart, and then closes, or stays silent.
fn pieces(answer: &'static [&'static str], closes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            for piece in answer {
                let _ = stream.write_all(piece.as_bytes());
                std::thread::sleep(Duration::from_millis(200));
            }
            if !closes {
                open.push(stream);
            }
        }
    });
    port.to_string()
}

#[test]
fn an_answer_is_whole_when_all_that_it_announces_has_come() {
    const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    const CHUNKS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases: [(&[&str], bool, &str); 10] = [
        (&[LENGTH, "01234", "56789"], false, "answered"),
        (&[LENGTH, "01234"], true, "answer-cut"),
        (&[LENGTH, "01234"], false, "answer-stalls"),
        (&["HTTP/1.1 200 OK\r\n"], true, "answer-cut"),
        // Without a length the end of the connection is that of the answer, and nothing is promised.
        (&["HTTP/1.1 200 OK\r\n\r\n", "something"], false, "answered"),
        (&["HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n"], false, "answered"),
        (&[CHUNKS, "5\r\n01234\r\n", "0\r\n\r\n"], false, "answered"),
        // A stream of events ends nowhere: after a whole chunk nothing is missing.
        (&[CHUNKS, "5\r\n01234\r\n"], false, "answered"),
        (&[CHUNKS, "ff\r\n01234"], false, "answer-stalls"),
        (&[CHUNKS, "ff\r\n01234"], true, "answer-cut"),
    ];
    for (answer, closes, ending) in cases {
        let port = pieces(answer, closes);
        let Some(lines) = probe(&["python3"], &["127.0.0.1", &port, "http", "1", "2", "3000"]) else { return };
        let tries = fields(&lines);
        assert_eq!(tries.iter().map(|fields| fields[5]).collect::<Vec<_>>(), [ending, ending], "{answer:?}: {lines:?}");
        assert!(tries.iter().all(|fields| fields[11].parse::<usize>().is_ok_and(|bytes| bytes > 0)), "{answer:?}: {lines:?}");
    }
    for (answer, ending) in [(&[LENGTH, "01234", "56789"][..], "answered"), (&[LENGTH, "01234"], "answer-cut")] {
        let port = pieces(answer, true);
        let Some(lines) = probe(&["curl"], &["127.0.0.1", &port, "http", "1", "3", "3000"]) else { return };
        assert_eq!(fields(&lines)[0][5], ending, "{answer:?}: {lines:?}");
    }
}
