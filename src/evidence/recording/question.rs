//! Questions as a recording knows them: a channel, the question as canonical JSON, and what asking it touches.
//!
//! A question's key holds what decides its answer and nothing else. Limits on time and bytes, and the address at which
//! a host was reached, are left out: a replay at another place asks the same question.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::evidence::cluster::{AccessQuery, Kind, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::model::capture::CaptureRequest;
use crate::model::place::{Host, HostKind, Place};
use crate::model::plan::typed;
use crate::model::scrub::{scrub, scrub_value};
use crate::model::text::one_line;

/// What a report calls the cluster's API.
const API_SERVER: &str = "api server";

/// Longest description of a command in the list of what was touched. Characters.
const LONGEST_WHAT: usize = 400;

/// Kinds without a namespace, for the wording alone.
const CLUSTER_WIDE: [&str; 4] = ["nodes", "namespaces", "customresourcedefinitions", "bgpsessionstates"];

/// Where a question goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Channel {
    #[serde(rename = "cluster.get")]
    Get,
    #[serde(rename = "cluster.list")]
    List,
    #[serde(rename = "cluster.log")]
    Log,
    #[serde(rename = "cluster.metrics")]
    Metrics,
    #[serde(rename = "cluster.may")]
    May,
    #[serde(rename = "host.run")]
    Run,
    #[serde(rename = "host.sweep")]
    Sweep,
    #[serde(rename = "capture")]
    Capture,
    #[serde(rename = "clock")]
    Clock,
    #[serde(rename = "host.clock")]
    HostClock,
}

/// The key of a question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Asked {
    pub(super) channel: Channel,
    /// JSON with its members in order.
    pub(super) text: String,
}

impl Asked {
    pub(super) fn new(channel: Channel, question: &Value) -> Self {
        let mut question = question.clone();
        scrub_value(&mut question);
        Self { channel, text: canonical(&question) }
    }
}

/// A question with what it does to the world.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) asked: Asked,
    pub(super) touches: Vec<Touched>,
}

/// What a question touches, without its time.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    pub(super) kind: &'static str,
    pub(super) host: String,
    pub(super) what: String,
}

impl Question {
    fn new(channel: Channel, question: &Value, touches: Vec<Touched>) -> Self {
        Self { asked: Asked::new(channel, question), touches }
    }

    fn api(channel: Channel, question: &Value, what: &str) -> Self {
        Self::new(channel, question, vec![Touched { kind: "api", host: API_SERVER.to_owned(), what: scrub(&one_line(what)).into_owned() }])
    }

    pub(super) fn get(query: &ObjectQuery) -> Self {
        let what = match &query.namespace {
            Some(namespace) => format!("get {} {namespace}/{}", singular(&query.kind.plural), query.name),
            None => format!("get {} {}", singular(&query.kind.plural), query.name),
        };
        Self::api(Channel::Get, &json!({"kind": kind(&query.kind), "namespace": query.namespace, "name": query.name}), &what)
    }

    pub(super) fn list(query: &ListQuery) -> Self {
        let plural = &query.kind.plural;
        let mut what = match &query.namespace {
            Some(namespace) => format!("list {plural} in {namespace}"),
            None if CLUSTER_WIDE.contains(&plural.as_str()) => format!("list {plural}"),
            None => format!("list {plural} in all namespaces"),
        };
        let selectors: Vec<String> = [("labels", &query.labels), ("fields", &query.fields)]
            .iter()
            .filter_map(|(name, selector)| selector.as_ref().map(|selector| format!("{name} {selector}")))
            .collect();
        if !selectors.is_empty() {
            what = format!("{what} ({})", selectors.join(", "));
        }
        let question = json!({"kind": kind(&query.kind), "namespace": query.namespace, "labels": query.labels, "fields": query.fields});
        Self::api(Channel::List, &question, &what)
    }

    pub(super) fn log(query: &LogQuery) -> Self {
        let previous = if query.previous { " (before its last restart)" } else { "" };
        let what = format!("read log {}/{}/{}{previous}", query.namespace, query.pod, query.container);
        let question = json!({"namespace": query.namespace, "pod": query.pod, "container": query.container, "previous": query.previous});
        Self::api(Channel::Log, &question, &what)
    }

    pub(super) fn metrics(query: &MetricsQuery) -> Self {
        let what = format!("read metrics of {}/{}:{}", query.namespace, query.pod, query.port);
        let question = json!({"namespace": query.namespace, "pod": query.pod, "port": query.port, "tls": query.tls});
        Self::api(Channel::Metrics, &question, &what)
    }

    pub(super) fn may(query: &AccessQuery) -> Self {
        let part = if query.subresource.is_empty() { String::new() } else { format!("/{}", query.subresource) };
        let within = query.namespace.as_ref().map_or_else(|| "in all namespaces".to_owned(), |namespace| format!("in {namespace}"));
        let what = format!("ask whether this user may {} {}{part} {within}", query.verb, query.resource);
        let question = json!({
            "verb": query.verb, "group": query.group, "resource": query.resource, "subresource": query.subresource, "namespace": query.namespace,
        });
        Self::api(Channel::May, &question, &what)
    }

    pub(super) fn run(host: &Host, command: &Command) -> Self {
        let words: Vec<String> =
            std::iter::once(command.script.name().to_owned()).chain(command.args.iter().map(|arg| typed(arg))).collect();
        // From which ports a probe asks, and how long it waits for nothing, decides nothing of what it is answered.
        let decides = |arg: &&String| !(command.script.touches() == "probe" && (arg.starts_with("ports=") || arg.starts_with("quiet=")));
        let question =
            json!({"host": host_key(host), "script": command.script, "args": command.args.iter().filter(decides).collect::<Vec<_>>()});
        Self::new(
            Channel::Run,
            &question,
            vec![Touched { kind: command.script.touches(), host: host.name.clone(), what: shortened(&words.join(" ")) }],
        )
    }

    /// The sweep of all hosts; which hosts those are is known when it is answered.
    pub(super) fn sweep() -> Self {
        Self::new(Channel::Sweep, &Value::Null, Vec::new())
    }

    /// The sweep of one host, for the list of what was touched.
    pub(super) fn swept(host: &str) -> Self {
        Self::new(
            Channel::Sweep,
            &Value::Null,
            vec![Touched { kind: "command", host: host.to_owned(), what: Script::Sweep.name().to_owned() }],
        )
    }

    pub(super) fn capture(request: &CaptureRequest) -> Self {
        let host = request.place.host();
        let place = match &request.place {
            Place::Host(_) => Value::Null,
            Place::Pod { namespace, name, .. } => json!({"namespace": namespace, "name": name}),
        };
        let inside = request.place.pod_name().map_or_else(String::new, |_| format!(" in pod {}", request.place));
        let way = if request.direction.is_both() { String::new() } else { format!(" {}", request.direction.word()) };
        let what = format!("capture {}{way} '{}'{inside}", request.interface, request.filter);
        // The bounds are what a person wants to see of it, whatever the filter's length.
        let what = format!("{} ({})", shortened(&what), request.bounds());
        let mut question = json!({
            "host": host_key(host), "pod": place, "interface": request.interface, "filter": request.filter, "snaplen": request.snaplen,
        });
        if !request.direction.is_both() {
            question["direction"] = json!(request.direction);
        }
        Self::new(Channel::Capture, &question, vec![Touched { kind: "capture", host: host.name.clone(), what }])
    }

    /// How far a host's clock is ahead of ours.
    pub(super) fn host_clock(host: &Host) -> Self {
        let touches = match host.kind {
            HostKind::Local => Vec::new(),
            HostKind::Node | HostKind::Client => {
                vec![Touched { kind: "command", host: host.name.clone(), what: Script::Clock.name().to_owned() }]
            }
        };
        Self::new(Channel::HostClock, &json!({"host": host_key(host)}), touches)
    }

    pub(super) fn clock(label: &str) -> Self {
        Self::new(Channel::Clock, &json!(label), Vec::new())
    }
}

fn kind(kind: &Kind) -> Value {
    let mut key = json!({"group": kind.group, "version": kind.version, "plural": kind.plural});
    if !kind.reads.is_empty() {
        key["reads"] = json!(kind.reads);
    }
    key
}

fn host_key(host: &Host) -> Value {
    match host.kind {
        // This machine has another name wherever a recording is replayed.
        HostKind::Local => json!({"kind": host.kind}),
        HostKind::Node | HostKind::Client => json!({"kind": host.kind, "name": host.name}),
    }
}

/// The same JSON always as the same text, whatever order its members came in.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            let members: Vec<String> = members.iter().map(|(name, value)| format!("{}:{}", json!(name), canonical(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

/// A kind's name for one object, for people.
fn singular(plural: &str) -> String {
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let es = ["sses", "uses", "xes"].iter().any(|end| plural.ends_with(end));
    plural.strip_suffix(if es { "es" } else { "s" }).unwrap_or(plural).to_owned()
}

/// One line of bounded length that may meet a terminal.
fn shortened(text: &str) -> String {
    let text = scrub(&one_line(text)).into_owned();
    if text.chars().count() <= LONGEST_WHAT {
        return text;
    }
    text.chars().take(LONGEST_WHAT - 1).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn what(question: &Question) -> (&'static str, &str, &str) {
        let touched = &question.touches[0];
        (touched.kind, &touched.host, &touched.what)
    }

    fn command(script: Script, args: &[&str]) -> Command {
        Command { script, args: args.iter().map(|arg| (*arg).to_owned()).collect(), limit: Duration::from_secs(1), most_bytes: 1 }
    }

    fn host(kind: HostKind, name: &str, address: &str) -> Host {
        Host { name: name.to_owned(), address: address.to_owned(), kind }
    }

    #[test]
    fn api_requests_read_as_sentences() {
        let get = |kind: Kind, namespace: Option<&str>| {
            let query = ObjectQuery { kind, namespace: namespace.map(str::to_owned), name: "web".to_owned() };
            Question::get(&query).touches[0].what.clone()
        };
        assert_eq!(get(Kind::core("services"), Some("stacklight")), "get service stacklight/web");
        assert_eq!(get(Kind::core("nodes"), None), "get node web");
        assert_eq!(get(Kind::metallb("servicel2statuses"), Some("m")), "get servicel2status m/web");
        assert_eq!(get(Kind::of("networking.k8s.io", "v1", "networkpolicies"), Some("m")), "get networkpolicy m/web");
        let list = ListQuery::within(Kind::core("pods"), "stacklight").labels("app=x");
        assert_eq!(what(&Question::list(&list)), ("api", "api server", "list pods in stacklight (labels app=x)"));
        assert_eq!(Question::list(&ListQuery::everywhere(Kind::core("nodes"))).touches[0].what, "list nodes");
        let events = ListQuery::everywhere(Kind::core("events")).labels("a").fields("b=c");
        assert_eq!(Question::list(&events).touches[0].what, "list events in all namespaces (labels a, fields b=c)");
        let log = LogQuery { namespace: "m".into(), pod: "speaker-abc".into(), container: "speaker".into(), previous: false };
        assert_eq!(Question::log(&log).touches[0].what, "read log m/speaker-abc/speaker");
    }

    #[test]
    fn commands_show_their_arguments_harmlessly() {
        let client = host(HostKind::Client, "c1", "10.88.0.201");
        let probe = Question::run(&client, &command(Script::Probe, &["https", "10.88.64.100", "443", "a b", "it's", "\u{1b}[31m\n", ""]));
        assert_eq!(what(&probe), ("probe", "c1", "probe https 10.88.64.100 443 'a b' 'it'\\''s' '\u{fffd}[31m ' ''"));
        let long = Question::run(&client, &command(Script::Inspect, &[&"x".repeat(9999)]));
        assert_eq!(long.touches[0].what.chars().count(), LONGEST_WHAT);
        assert_eq!(long.touches[0].kind, "command");
    }

    #[test]
    fn a_question_is_the_same_at_another_address_and_with_other_limits() {
        let one = Question::run(&host(HostKind::Node, "n1", "10.0.0.1"), &command(Script::Inspect, &["all"]));
        let mut other = command(Script::Inspect, &["all"]);
        other.limit = Duration::from_secs(99);
        assert_eq!(one.asked, Question::run(&host(HostKind::Node, "n1", "192.0.2.7"), &other).asked);
        assert_ne!(one.asked, Question::run(&host(HostKind::Node, "n2", "10.0.0.1"), &other).asked);
        assert_ne!(one.asked, Question::run(&host(HostKind::Client, "n1", "10.0.0.1"), &other).asked);
        let here = |name| Question::run(&host(HostKind::Local, name, ""), &command(Script::Probe, &[])).asked;
        assert_eq!(here("laptop"), here("builder"));
    }

    #[test]
    fn canonical_json_sorts_members_at_every_depth() {
        let text = r#"{"b":[{"d":1,"c":"\""}],"a":null}"#;
        assert_eq!(canonical(&serde_json::from_str(text).unwrap()), r#"{"a":null,"b":[{"c":"\"","d":1}]}"#);
    }
}
