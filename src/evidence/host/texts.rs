//! What a command printed, without credentials: nothing of a host leaves `evidence` that has not passed here, live or replayed.

use serde_json::{Map, Value};

use super::Output;
use super::script::Script;
use crate::model::scrub::{scrub, scrub_in};

/// What is read of a router's JSON, beside the objects and lists that hold it.
const OF_A_ROUTER: &[&str] = &[
    "as",
    "remoteAs",
    "pfxRcd",
    "state",
    "prefix",
    "peerId",
    "ip",
    "valid",
    "used",
    "overall",
    "bestpath",
    "multipath",
    "protocol",
    "installed",
    "fib",
];

/// The output of a script without credentials. Of a router's answers only what is read is kept.
pub(in crate::evidence) fn scrubbed(script: Script, mut output: Output) -> Output {
    if script == Script::Router {
        output.stdout = of_a_router(&output.stdout);
    }
    scrub_in(&mut output.stdout);
    scrub_in(&mut output.stderr);
    output
}

/// The sections of the `router` script, each that is JSON cut to what is read; of one that is none the first line tells why.
fn of_a_router(text: &str) -> String {
    let mut out = String::new();
    let mut section = String::new();
    let mut of_json = false;
    for line in text.lines() {
        if line.starts_with("=== ") {
            out.push_str(&if of_json { cut(&section) } else { std::mem::take(&mut section) });
            section.clear();
            of_json = ["=== summary", "=== table ", "=== route "].iter().any(|name| line.starts_with(name));
            out.push_str(line);
            out.push('\n');
        } else {
            section.push_str(line);
            section.push('\n');
        }
    }
    out.push_str(&if of_json { cut(&section) } else { section });
    out
}

fn cut(section: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(section.trim()) {
        return format!("{}\n", taken(value).unwrap_or(Value::Null));
    }
    let first = section.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    format!("{}\n", scrub(&first.chars().take(200).collect::<String>()))
}

fn taken(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) => Some(Value::Object(map.into_iter().filter_map(member).collect::<Map<String, Value>>())),
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(taken).collect())),
        _ => None,
    }
}

fn member((name, value): (String, Value)) -> Option<(String, Value)> {
    let value = if value.is_object() || value.is_array() { taken(value) } else { OF_A_ROUTER.contains(&name.as_str()).then_some(value) };
    Some((name, value?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_router_only_what_is_read_stays() {
        let summary = r#"{"ipv4Unicast":{"as":64512,"password":"hunter2","peers":{"10.0.0.1":{"remoteAs":1,"state":"Up","desc":"hunter2","caps":["hunter2"]}}}}"#;
        let text = format!(
            "\n=== addresses\n2: a inet 10.0.0.1/24\n=== end 0\n\n=== summary\n{summary}\n=== end 0\n\n=== table 10.0.0.9\n% neighbor 1 password hunter2\n password hunter2\n=== end 0\n"
        );
        let output = Output { status: 0, stdout: text, stderr: "vtysh: password=hunter2".to_owned() };
        let once = scrubbed(Script::Router, output);
        assert!(!format!("{once:?}").contains("hunter2"), "{once:?}");
        assert!(
            once.stdout.contains("2: a inet 10.0.0.1/24") && once.stdout.contains(r#""10.0.0.1":{"caps":[],"remoteAs":1,"state":"Up"}"#)
        );
        assert_eq!(scrubbed(Script::Router, once.clone()), once);
    }

    #[test]
    fn what_a_command_prints_passes_the_scrubber() {
        let rules = "-A INPUT -s 10.0.0.1 -m comment --comment \"web/oauth-token:http\" -j DROP\n".to_owned();
        let output = Output {
            status: 1,
            stdout: format!("{rules}Authorization: Bearer abcDEF0123456789xyz\n"),
            stderr: "curl -u a:b7hunter2 x".to_owned(),
        };
        let scrubbed = scrubbed(Script::Inspect, output);
        assert_eq!(scrubbed.stdout, format!("{rules}Authorization: (removed)\n"));
        assert_eq!(scrubbed.stderr, "curl -u a:(removed) x");
    }
}
