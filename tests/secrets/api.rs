//! An API server on loopback whose every answer holds secrets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use crate::planted::Planted;

/// Status, and body.
pub(crate) type Answer = (u16, String);

/// A server that lives as long as the process.
pub(crate) struct Server {
    pub(crate) port: u16,
}

impl Server {
    /// Answers every request by `answer`, which is given its head (with the path in its first line).
    pub(crate) fn new(planted: &Arc<Planted>, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (planted, answer) = (Arc::clone(planted), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (planted, answer) = (Arc::clone(&planted), Arc::clone(&answer));
                std::thread::spawn(move || serve(&stream, &planted, &*answer));
            }
        });
        Self { port }
    }
}

/// A web server whose every answer holds secrets, in its headers, its cookies and its body; its port.
pub(crate) fn web(planted: &Arc<Planted>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let planted = Arc::clone(planted);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut asked = [0; 4096];
            if stream.read(&mut asked).unwrap_or(0) == 0 {
                continue;
            }
            let at = |place: &str| planted.at(&format!("answer to a probe: {place}"));
            let body = format!("{{\"password\":\"{}\"}} {}", at("password in its body"), at("body"));
            let answer = format!(
                "HTTP/1.1 200 {}\r\nSet-Cookie: session={}; HttpOnly\r\nX-Auth-Token: {}\r\nServer: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                at("reason"),
                at("cookie"),
                at("token"),
                at("name of the server"),
                body.len()
            );
            planted.gave(answer.as_bytes());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn serve(stream: &TcpStream, planted: &Planted, answer: &dyn Fn(&str) -> Answer) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            let end = line == "\r\n";
            head.push_str(&line);
            if end {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let (status, body) = answer(&head);
        let kind = if body.starts_with('{') { "application/json" } else { "text/plain" };
        let headers = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nSet-Cookie: session={}; Path=/\r\nX-Debug: {}\r\nContent-Length: {}\r\n\r\n",
            planted.at("cookie of the API"),
            planted.at("header of the API"),
            body.len()
        );
        // What lbdiag sends itself, such as its token, was given to it as well.
        planted.gave(head.as_bytes());
        planted.gave(headers.as_bytes());
        planted.gave(body.as_bytes());
        let mut out = stream;
        if out.write_all(headers.as_bytes()).and_then(|()| out.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}
