//! The page of a run says what its JSON says, in a parser's eyes: verdict, counts of each place, findings; and it asks for nothing.

#![expect(clippy::expect_used, reason = "without the recordings or the binary there is nothing to read")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use serde_json::Value;

/// Recordings of different kinds, and of different playbooks' verdicts.
const RECORDINGS: [&str; 12] = [
    "node-firewall-drops-only-routed-client-network",
    "healthy",
    "alloc-pool-exhausted",
    "ann-split-brain-memberlist-blocked",
    "application-says-503-with-an-expired-certificate",
    "client-by-traffic-dropped-at-the-node",
    "clients-with-a-cause-each",
    "l2-client-stale-arp",
    "log-forbidden",
    "overlay-underlay-drops-large-packets",
    "pod-app-frozen-in-one-pod",
    "udp-healthy",
];

/// The one of them that is of no shipped playbook.
const OWN: &str = "log-forbidden";

/// Attributes by which a page can have something fetched.
const FETCHING: [&str; 14] = [
    "src",
    "srcset",
    "href",
    "xlink:href",
    "style",
    "action",
    "formaction",
    "poster",
    "data",
    "background",
    "ping",
    "manifest",
    "code",
    "codebase",
];

/// An element with its attributes, its own text and that of all below it.
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

fn elements(page: &str) -> Vec<Element> {
    let dom: RcDom = parse_document(RcDom::default(), ParseOpts::default()).one(page);
    let errors: Vec<String> = dom.errors.borrow().iter().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "the page is no sound HTML: {errors:?}");
    let all = Rc::new(RefCell::new(Vec::new()));
    visit(&dom.document, &all);
    Rc::into_inner(all).expect("nobody else has them").into_inner()
}

/// Gives the text below a node, and puts its elements on the list, the outer ones after their inner ones.
fn visit(node: &Handle, all: &Rc<RefCell<Vec<Element>>>) -> String {
    let below: String = node.children.borrow().iter().map(|child| visit(child, all)).collect();
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        NodeData::Element { name, attrs, .. } => {
            let attributes = attrs.borrow().iter().map(|one| (one.name.local.to_string(), one.value.to_string())).collect();
            all.borrow_mut().push(Element { name: name.local.to_string(), attributes, text: below.clone() });
            below
        }
        _ => below,
    }
}

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(format!("{name}.lbdiag"))
}

/// The page and the JSON of a recorded run.
fn rendered(name: &str) -> (String, Value) {
    let place = tempfile::tempdir().expect("a directory");
    let (page, json) = (place.path().join("page.html"), place.path().join("run.json"));
    let told = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
        .arg("report")
        .arg(recording(name))
        .args(if name == OWN { &["--playbook", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/who-announces.rhai")][..] } else { &[] })
        .arg("--report")
        .arg(format!("html={}", page.display()))
        .arg("--report")
        .arg(format!("json={}", json.display()))
        .output()
        .expect("lbdiag runs");
    assert!(told.status.success(), "{name}: {}", String::from_utf8_lossy(&told.stderr));
    let read = |path: &Path| std::fs::read_to_string(path).expect("a report");
    (read(&page), serde_json::from_str(&read(&json)).expect("JSON"))
}

/// As text is shown on one line.
fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn list<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    value.pointer(path).and_then(Value::as_array).map(|all| all.iter().collect()).unwrap_or_default()
}

fn findings_of(json: &Value) -> impl Iterator<Item = &Value> {
    list(json, "/findings").into_iter()
}

#[test]
fn a_page_says_what_the_json_says() {
    for name in RECORDINGS {
        let (page, json) = rendered(name);
        let elements = elements(&page);
        let find = |attribute: &str, value: &str| {
            elements.iter().find(|one| one.attribute(attribute) == Some(value)).unwrap_or_else(|| panic!("{name}: no {attribute}={value}"))
        };
        let verdict = find("id", "verdict");
        assert_eq!(verdict.attribute("data-verdict"), json["verdict"].as_str(), "{name}");
        assert!(verdict.text.starts_with(&plain(&json["verdict"]).to_uppercase()), "{name}: {}", verdict.text);
        for tries in list(&json, "/observed/tries") {
            let row = find("data-place", &plain(&tries["from"]));
            let counts = (tries["answered"].to_string(), tries["tried"].to_string());
            assert_eq!(
                (row.attribute("data-answered"), row.attribute("data-tried")),
                (Some(counts.0.as_str()), Some(counts.1.as_str())),
                "{name}"
            );
            assert!(row.text.contains(&format!("{}/{}", counts.0, counts.1)), "{name}: {}", row.text);
        }
        let found: Vec<&Element> = elements.iter().filter(|one| one.attribute("data-finding").is_some()).collect();
        let findings = list(&json, "/findings");
        assert_eq!(found.len(), findings.len(), "{name}");
        for (shown, finding) in found.iter().zip(findings) {
            assert_eq!(shown.attribute("data-finding").map(str::to_owned), Some(plain(&finding["name"])), "{name}");
            assert_eq!(shown.attribute("data-severity"), finding["severity"].as_str(), "{name}");
            // Code stands as code there, and between backticks in the JSON.
            let text = shown.text.replace('`', "");
            let text = spaced(&text);
            let evidence = list(finding, "/evidence").into_iter().chain([&finding["summary"], &finding["next"]]);
            for wanted in evidence.map(|line| plain(line).replace('`', "")) {
                assert!(text.contains(&wanted), "{name}: {wanted} in {text}");
            }
        }
        // What each rests on is there, and its question with it.
        let based: Vec<&Element> = elements.iter().filter(|one| one.attribute("data-basis").is_some()).collect();
        assert_eq!(based.len(), findings_of(&json).map(|finding| list(finding, "/rests_on").len()).sum::<usize>(), "{name}");
        assert!(based.iter().all(|one| !one.text.contains("not among those of this report")), "{name}");
        let gaps = elements.iter().filter(|one| one.attribute("data-gap").is_some()).count();
        assert_eq!(gaps == 0, list(&json, "/gaps").is_empty(), "{name}");
        let directions = elements.iter().filter(|one| one.attribute("data-direction").is_some()).count();
        let paths = list(&json, "/observed/paths");
        let seen = |way: &str| paths.iter().filter(|path| !list(path, way).is_empty()).count();
        assert_eq!(directions, seen("/request") + seen("/answer"), "{name}");
        let shown: String = elements.iter().find(|one| one.name == "body").map(|one| spaced(&one.text)).unwrap_or_default();
        for hop in paths.iter().flat_map(|path| list(path, "/request").into_iter().chain(list(path, "/answer"))) {
            assert!(shown.contains(&format!("{} → {}", plain(&hop["source"]), plain(&hop["destination"]))), "{name}: {hop}");
        }
        for source in list(&json, "/observed/announcement/sources") {
            assert!(shown.contains(&plain(&source["detail"])), "{name}: {source}");
        }
    }
}

#[test]
fn a_page_asks_for_nothing_and_is_the_same_each_time() {
    for name in RECORDINGS {
        let (page, _) = rendered(name);
        assert_eq!(page, rendered(name).0, "{name}");
        let elements = elements(&page);
        for one in &elements {
            for (attribute, value) in &one.attributes {
                let fetches = FETCHING.contains(&attribute.as_str()) && !value.starts_with('#');
                assert!(!fetches && !attribute.starts_with("on"), "{name}: <{} {attribute}={value}>", one.name);
            }
            let inert = !["link", "img", "iframe", "object", "embed", "base", "form", "video", "audio", "source", "use", "image"]
                .contains(&one.name.as_str());
            assert!(inert, "{name}: <{}>", one.name);
            if ["style", "script"].contains(&one.name.as_str()) {
                assert!(!["http:", "https:", "url(", "@import", "fetch(", "XMLHttp"].iter().any(|bad| one.text.contains(bad)), "{name}");
            }
        }
        let policy = elements.iter().find(|one| one.attribute("http-equiv") == Some("Content-Security-Policy")).expect("a policy");
        assert!(policy.attribute("content").is_some_and(|text| text.starts_with("default-src 'none'; style-src 'sha256-")), "{name}");
        // Every link within the page leads to something of it.
        let ids: Vec<&str> = elements.iter().filter_map(|one| one.attribute("id")).collect();
        for link in elements.iter().filter_map(|one| one.attribute("href")) {
            assert!(ids.contains(&link.trim_start_matches('#')), "{name}: {link}");
        }
        let once: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(once.len(), ids.len(), "{name}: an id stands twice");
    }
}

#[test]
fn what_was_answered_is_one_click_away_from_what_rests_on_it() {
    let (page, _) = rendered(RECORDINGS[0]);
    let elements = elements(&page);
    let finding = elements.iter().find(|one| one.attribute("data-finding") == Some("node/firewall-drop")).expect("the finding");
    // The node's own rules, word for word.
    assert!(finding.text.contains("-A PREROUTING -s 10.88.192.0/24 -i mlb -j DROP\n"), "{}", finding.text);
    let answers = elements.iter().filter(|one| one.attribute("id").is_some_and(|id| id.starts_with("answer-"))).count();
    assert!(answers > 10, "only {answers} answers are shown");
    // The sections that decide, and none of another place's state.
    let of_state: Vec<&str> =
        elements.iter().filter_map(|one| one.attribute("data-basis")).filter(|one| one.ends_with("iptables")).collect();
    assert_eq!(of_state, ["n2 iptables"]);
    // Objects of the API, as the run took them.
    let (page, _) = rendered("alloc-pool-exhausted");
    let elements = self::elements(&page);
    let pools = elements.iter().find(|one| one.attribute("data-basis") == Some("ipaddresspools in metallb-system")).expect("the pools");
    assert!(pools.text.contains("\"addresses\": ["), "{}", pools.text);
}
