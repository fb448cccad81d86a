//! No secret leaves: everything that lbdiag is answered holds some, and nothing that it writes does.
//!
//! The values are random in every run. Each is proven to have been given to lbdiag (by the server that stands in for the API, by a file,
//! an argument or a variable, or by a recording), and is looked for in all that was written, however it might be encoded.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod api;
mod objects;
mod planted;
mod runs;

use std::fmt::Write;
use std::sync::Arc;

use planted::Planted;
use runs::Lbdiag;
use serde_json::{Value, json};

/// The fewest secrets that must have been given for the test to mean anything.
const LEAST: usize = 80;

fn assert_none(planted: &Planted, written: &[(String, Vec<u8>)], least: usize) {
    let found: Vec<String> = written.iter().flat_map(|(name, bytes)| planted.found_in(name, bytes)).collect();
    assert!(found.is_empty(), "{} secrets came out:\n{}", found.len(), found.join("\n"));
    let given = planted.count_given();
    assert!(given >= least, "only {given} secrets were given; never: {:?}", planted.never_given());
}

/// What the API answers to a request that is allowed.
fn answer(planted: &Planted, head: &str) -> (u16, String) {
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let (place, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = place.trim_matches('/').split('/').collect();
    let plural = parts.iter().rev().find(|part| !["web", "speaker", "controller", "log"].contains(*part)).copied().unwrap_or_default();
    if place.ends_with("/log") {
        return (200, objects::log(planted));
    }
    if place.contains("/proxy/") {
        let secret = planted.at("metrics");
        return (
            200,
            format!("# HELP x password={secret}\nmetallb_speaker_announced{{node=\"n1\",ip=\"10.88.64.100\",token=\"{secret}\"}} 1\n"),
        );
    }
    if place.ends_with("selfsubjectaccessreviews") {
        return (201, json!({"status": {"allowed": true, "reason": planted.at("reason of a review")}}).to_string());
    }
    if place.ends_with("/services/web") {
        return (200, objects::service(planted).to_string());
    }
    let mut items = objects::items(planted, plural, &format!("{place} {query}"));
    let namespace = parts.iter().position(|part| *part == "namespaces").and_then(|at| parts.get(at + 1)).unwrap_or(&"web");
    for item in &mut items {
        item["metadata"]["namespace"] = if plural == "nodes" { Value::Null } else { json!(namespace) };
    }
    (200, json!({"metadata": {}, "items": items}).to_string())
}

/// A run against an API whose every object, event and log line holds secrets: recorded, reported in both formats, at its most talkative.
#[test]
fn nothing_of_what_the_api_answers() {
    let planted = Arc::new(Planted::default());
    let giving = Arc::clone(&planted);
    let server = api::Server::new(&planted, move |head| answer(&giving, head));
    let lbdiag = Lbdiag::new(&planted);
    lbdiag.kubeconfig(server.port, &json!({"token": planted.at("kubeconfig: token")}));
    let mut written = Vec::new();
    for playbook in ["metallb-flow", "examples/who-announces.rhai"] {
        written.extend(lbdiag.run(playbook, &["--static", "--set", "namespace=web", "--set", "service=web"]));
    }
    written.extend(lbdiag.others(&["plan", "metallb-flow", "--set", "namespace=web", "--set", "service=web", "--report", "json"]));
    written.extend(lbdiag.others(&["doctor", "--timeout", "20s"]));
    assert!(written.iter().any(|(name, bytes)| name.ends_with("unpacked") && String::from_utf8_lossy(bytes).contains("cluster.log")));
    let text = written.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect::<String>();
    assert!(text.contains("(removed)") && text.contains("CreateContainerError"), "the texts are there, without their secrets");
    assert_none(&planted, &written, LEAST);
}

/// An API that refuses, and repeats in its refusal whatever it was asked with, for every way to log in.
#[test]
fn nothing_of_how_the_api_is_logged_in_to() {
    let planted = Arc::new(Planted::default());
    let giving = Arc::clone(&planted);
    let server = api::Server::new(&planted, move |head| {
        let told = head.lines().filter(|line| line.to_ascii_lowercase().starts_with("authorization")).collect::<String>();
        let message = format!(
            "no: {told}; tried password={} as https://u:{}@login",
            giving.at("body of a refusal"),
            giving.at("address in a refusal")
        );
        if head.contains("nodes") {
            return (500, format!("<html>{message}</html>"));
        }
        (403, json!({"kind": "Status", "message": message, "reason": "Forbidden", "code": 403}).to_string())
    });
    let lbdiag = Lbdiag::new(&planted);
    let plugin = lbdiag.file(
        "plugin",
        &format!(
            "#!/bin/sh\necho 'plugin: secret={0}' >&2\necho '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{1}\"}}}}'\n",
            planted.at("standard error of a plugin"), planted.at("token of a plugin")
        ),
    );
    let broken =
        lbdiag.file("broken", &format!("#!/bin/sh\necho 'token: {0}'\necho '{0}' >&2\nexit 3\n", planted.at("output of a broken plugin")));
    let token = lbdiag.file("token", &planted.at("token in a file"));
    let exec = |path: &str| {
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": path, "interactiveMode": "Never",
                        "args": ["--password", planted.at("argument of a plugin")], "env": [{"name": "X", "value": planted.at("variable of a plugin")}]}})
    };
    let pem = |place: &str| {
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", planted.at(place)),
        )
    };
    let users = [
        json!({"token": planted.at("token of a user")}),
        json!({"username": "bob", "password": planted.at("password of a user")}),
        exec(&plugin),
        exec(&broken),
        json!({"tokenFile": token}),
        json!({"client-key-data": pem("key of a client"), "client-certificate-data": pem("certificate of a client")}),
        json!({"auth-provider": {"name": "oidc", "config": {"id-token": planted.at("id token of a provider"), "refresh-token": planted.at("refresh token of a provider"),
                                                            "client-secret": planted.at("client secret of a provider"), "idp-issuer-url": "http://127.0.0.1:1"}}}),
    ];
    let mut written = Vec::new();
    for user in &users {
        lbdiag.kubeconfig(server.port, user);
        written.extend(lbdiag.run("metallb-flow", &["--static", "--set", "namespace=web", "--set", "service=web"]));
    }
    written.extend(lbdiag.others(&["doctor", "--timeout", "20s"]));
    lbdiag.kubeconfig_with(server.port, &json!({"token": "x"}), &format!("http://user:{}@127.0.0.1:1", planted.at("user of a proxy")));
    written.extend(lbdiag.run("metallb-flow", &["--static", "--set", "namespace=web", "--set", "service=web"]));
    assert_none(&planted, &written, 14);
}

/// Secrets that its user gives: parameters, variables, the site file, what a broken playbook holds.
#[test]
fn nothing_of_what_the_user_gives() {
    let planted = Arc::new(Planted::default());
    let giving = Arc::clone(&planted);
    let server = api::Server::new(&planted, move |head| answer(&giving, head));
    let lbdiag = Lbdiag::new(&planted);
    lbdiag.kubeconfig(server.port, &json!({"token": planted.at("token")}));
    let playbook = lbdiag.file("own.rhai", concat!(
        "//! ---\n//! name: own\n//! version: 1.0.0\n//! about: Has a password.\n//! uses: [cluster.read]\n//! params:\n",
        "//!   password: { type: string, required: false, help: \"x\" }\n//!   api_token: { type: string, required: false, help: \"x\" }\n",
        "//!   secret: { type: string, required: false, help: \"x\" }\n//!   url: { type: string, required: false, help: \"x\" }\n//! ---\n",
        "let svc = service(\"web\", \"web\", ());\nnote(`asked with password=${params.password} at ${params.url}`);\n",
    ));
    let site = lbdiag.file("site.yaml", &format!("defaults:\n  secret: \"{}\"\n", planted.at("default of the site")));
    let params = lbdiag.file("params.yaml", &format!("api_token: \"{}\"\n", planted.at("file of parameters")));
    let given = [
        format!("password={}", planted.at("--set of a password")),
        format!("url=https://bob:{}@web.example.com/?token={}", planted.at("address that is set"), planted.at("query that is set")),
    ];
    planted.gave(given.concat().as_bytes());
    let mut arguments = vec!["--site", &site, "--params", &params];
    for one in &given {
        arguments.extend(["--set", one]);
    }
    let mut written = lbdiag.run(&playbook, &arguments);
    let environment = planted.at("variable LBDIAG_API_TOKEN");
    planted.gave(environment.as_bytes());
    written.extend(lbdiag.run_with(&playbook, &["--site", &site], &[("LBDIAG_API_TOKEN", &environment)]));
    let plan = [vec!["plan", &playbook, "--report", "json"], arguments].concat();
    written.extend(lbdiag.others(&plan));
    assert_none(&planted, &written, 7);
}

/// A way to a host that is full of secrets (arguments of its `ProxyCommand`, what that says on both its outputs, the banner), and a Service whose
/// answers to live probes hold some: headers, cookies, bodies.
#[test]
fn nothing_of_how_hosts_and_services_answer() {
    let planted = Arc::new(Planted::default());
    let web = api::web(&planted);
    let giving = Arc::clone(&planted);
    let server = api::Server::new(&planted, move |head| {
        if head.contains("/services/web") {
            let mut service = objects::service(&giving);
            service["spec"]["ports"][0]["port"] = json!(web);
            service["status"]["loadBalancer"]["ingress"] = json!([{"ip": "127.0.0.1"}]);
            return (200, service.to_string());
        }
        answer(&giving, head)
    });
    let lbdiag = Lbdiag::new(&planted);
    lbdiag.kubeconfig(server.port, &json!({"token": planted.at("token")}));
    let mut config = String::new();
    // One breaks off with a word on its standard error, one greets before the protocol, one is a server that greets and hangs up.
    for (host, says) in [
        ("h1", "echo \"proxy: password=$S\" >&2; exit 1"),
        ("h2", "printf 'Welcome, your token=%s\\r\\nSSH-2.0-x_%s\\r\\n' \"$S\" \"secret=$S\"; exit 0"),
        ("h3", "printf 'SSH-2.0-x password=%s\\r\\n' \"$S\"; echo \"https://u:$S@login\" >&2; exit 3"),
    ] {
        let secret = planted.at(&format!("what the ProxyCommand of {host} says"));
        let proxy = lbdiag.file(&format!("proxy-{host}"), &format!("#!/bin/sh\nS={secret}\n{says}\n"));
        let argument = planted.at(&format!("argument of the ProxyCommand of {host}"));
        // Writing to a string has no way to fail.
        let _ = writeln!(
            config,
            "Host {host}\n HostName 127.0.0.1\n User root\n ProxyCommand {proxy} --password {argument} https://u:{argument}@x/"
        );
    }
    let config = lbdiag.file("ssh-config", &config);
    let site = lbdiag.file("ssh-site.yaml", &format!("ssh: {{ config: {config} }}\n"));
    let playbook = lbdiag.file(
        "asks.rhai",
        concat!(
            "//! ---\n//! name: asks\n//! version: 1.0.0\n//! about: Asks.\n//! uses: [cluster.read, node.read, probe]\n//! params:\n",
            "//!   from: { type: vantages, default: local, help: \"x\" }\n//! ---\n",
            "let svc = service(\"web\", \"web\", ());\nstep(\"Ask\", || probe(svc, #{ from: params.from }));\n",
            "for host in [\"ssh:h1\", \"ssh:h2\", \"ssh:h3\"] { step(`Look at ${host}`, || interfaces(host)); }\n",
        ),
    );
    let mut written = lbdiag.run(&playbook, &["--site", &site]);
    let text = written.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect::<String>();
    assert!(text.contains("it said: proxy: password=(removed)"), "what it said is there, without its secret");
    assert!(text.contains("tries answered"), "{text}");
    written.extend(lbdiag.others(&["plan", &playbook, "--site", &site, "--report", "json"]));
    assert_none(&planted, &written, 10);
}

/// Runs of the lab with secrets put into every text that a host, a router, a log or a capture gave, replayed into both reports.
#[test]
fn nothing_of_what_hosts_say() {
    let planted = Arc::new(Planted::default());
    let lbdiag = Lbdiag::new(&planted);
    let mut written = Vec::new();
    for name in ["pod-app-frozen-in-one-pod", "app-never-accepts", "node-firewall-drops-only-routed-client-network", "client-could-not-ask"]
    {
        let recording = lbdiag.poisoned(name, |channel, answer| runs::poison(&planted, name, channel, answer));
        written.extend(lbdiag.replay(&recording));
    }
    assert_none(&planted, &written, 8);
}

/// The same recordings give what they gave before: the verdict and the findings do not depend on what was taken out.
#[test]
fn a_poisoned_recording_has_the_same_verdict() {
    let planted = Arc::new(Planted::default());
    let lbdiag = Lbdiag::new(&planted);
    for name in ["pod-app-frozen-in-one-pod", "app-never-accepts"] {
        let poisoned = lbdiag.poisoned(name, |channel, answer| runs::poison(&planted, name, channel, answer));
        let verdict = |path: &str| {
            let written = lbdiag.replay(path);
            let (_, json) = written.iter().find(|(name, _)| name.ends_with("JSON")).unwrap();
            let outcome: Value = serde_json::from_slice(json).unwrap();
            (outcome["verdict"].clone(), outcome["findings"][0]["name"].clone(), outcome["findings"][0]["culprits"].clone())
        };
        assert_eq!(verdict(&poisoned), verdict(&runs::recording(name)));
    }
}
