//! The client against an API server that lives in this process.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use futures::StreamExt;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use serde_json::json;
use tokio::runtime::Runtime;

use super::failure::Refusal;
use super::*;
use crate::evidence::cluster::Kind;
use crate::evidence::error::ErrorKind;
use crate::evidence::interrupt::Reason;

type AnyError = Box<dyn std::error::Error + Send + Sync>;
type AnyBody = UnsyncBoxBody<Bytes, AnyError>;

struct Server {
    runtime: Runtime,
    cluster: LiveCluster,
    asked: Arc<Mutex<Vec<String>>>,
    interrupt: Interrupt,
}

fn body(text: impl Into<Bytes>) -> AnyBody {
    AnyBody::new(Full::new(text.into()).map_err(|never| match never {}))
}

fn pieces(pieces: Vec<Result<&'static [u8], &'static str>>) -> AnyBody {
    let frames =
        pieces.into_iter().map(|piece| piece.map(|bytes| http_body::Frame::data(Bytes::from_static(bytes))).map_err(AnyError::from));
    AnyBody::new(StreamBody::new(futures::stream::iter(frames)))
}

/// An API server that gives the answers in turn; `None` never answers.
fn server(limit: Duration, answer: impl Fn(usize, &str) -> Option<(u16, AnyBody)> + Send + Sync + 'static) -> Server {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let path = request.uri().to_string();
        let number = {
            let mut log = log.lock().unwrap();
            log.push(path.clone());
            log.len() - 1
        };
        let answer = answer(number, &path);
        async move {
            match answer {
                Some((code, body)) => Ok::<_, AnyError>(Response::builder().status(code).body(body)?),
                None => std::future::pending().await,
            }
        }
    });
    let guard = runtime.enter();
    let client = Client::new(service, "default");
    drop(guard);
    let interrupt = Interrupt::default();
    let cluster = LiveCluster {
        client,
        runtime: runtime.handle().clone(),
        interrupt: interrupt.clone(),
        limit,
        server: "https://api:6443".to_owned(),
        reached: AtomicBool::new(false),
        silent: std::sync::Mutex::default(),
    };
    Server { runtime, cluster, asked, interrupt }
}

const LONG: Duration = Duration::from_secs(10);

fn get_service(server: &Server, name: &str) -> Result<Option<Value>, EvidenceError> {
    server.cluster.get(&ObjectQuery { kind: Kind::core("services"), namespace: Some("stacklight".to_owned()), name: name.to_owned() })
}

fn list(server: &Server) -> Result<List, EvidenceError> {
    server.cluster.list(&ListQuery::within(Kind::core("pods"), "stacklight").labels("app=x"))
}

/// The pods, of a list that has to be whole.
fn list_pods(server: &Server) -> Result<Vec<Value>, EvidenceError> {
    list(server)?.all()
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "stacklight"}})
}

#[expect(clippy::unnecessary_wraps, reason = "it is what the server takes")]
fn page(more: &str, items: &[Value]) -> Option<(u16, AnyBody)> {
    Some((200, body(json!({"metadata": {"continue": more}, "items": items}).to_string())))
}

fn read_log(server: &Server) -> (Vec<String>, Result<(), EvidenceError>) {
    let query = LogQuery { namespace: "m".to_owned(), pod: "speaker-1".to_owned(), container: "speaker".to_owned(), previous: false };
    let mut lines = Vec::new();
    let end = server.cluster.read_log(&query, &mut |line| {
        lines.push(line.to_owned());
        Keep::No
    });
    (lines, end)
}

#[test]
fn of_an_object_comes_what_is_listed() {
    let server = server(LONG, |_, _| {
        Some((200, body(json!({"metadata": {"name": "web", "namespace": "stacklight", "managedFields": [1]}, "spec": {"type": "NodePort", "volumes": [], "containers": [{"env": [{"name": "A", "value": "s"}]}]}}).to_string())))
    });
    assert_eq!(
        get_service(&server, "web").unwrap().unwrap(),
        json!({"metadata": {"name": "web", "namespace": "stacklight"}, "spec": {"type": "NodePort"}})
    );
    assert_eq!(*server.asked.lock().unwrap(), ["/api/v1/namespaces/stacklight/services/web"]);
}

#[test]
fn a_missing_object_is_none_and_an_impossible_one_is_not_even_asked_for() {
    let missing =
        r#"{"kind":"Status","message":"services \"x\" not found","reason":"NotFound","details":{"name":"x","kind":"services"},"code":404}"#;
    let server = server(LONG, move |_, _| Some((404, body(missing))));
    assert_eq!(get_service(&server, "web"), Ok(None));
    assert_eq!(get_service(&server, "../../secrets/x"), Ok(None));
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[test]
fn kinds_that_hold_secrets_are_not_asked_for() {
    let server = server(LONG, |_, _| Some((200, body("{}"))));
    let error = server.cluster.list(&ListQuery::everywhere(Kind::core("secrets"))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(server.cluster.get(&ObjectQuery { kind: Kind::core("configmaps"), namespace: None, name: "x".to_owned() }).is_err());
    assert!(server.asked.lock().unwrap().is_empty());
}

#[test]
fn a_list_comes_page_by_page() {
    let server = server(LONG, |number, _| {
        let more = ["a+b", "c", ""][number];
        page(more, &[json!({"metadata": {"name": format!("pod-{number}"), "namespace": "stacklight", "managedFields": []}})])
    });
    let expected = [0, 1, 2].map(|number| pod(&format!("pod-{number}")));
    assert_eq!(list_pods(&server).unwrap(), expected);
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked[0], "/api/v1/namespaces/stacklight/pods?limit=500&labelSelector=app%3Dx");
    assert!(asked[1].ends_with("&continue=a%2Bb"), "{asked:?}");
    assert_eq!(asked.len(), 3);
}

#[test]
fn a_list_without_items_is_empty_and_an_expired_one_begins_again() {
    let empty = server(LONG, |_, _| Some((200, body(r#"{"metadata":{},"items":null}"#))));
    assert_eq!(list_pods(&empty), Ok(Vec::new()));
    let expired = server(LONG, |number, _| match number {
        0 => page("x", &[pod("a")]),
        1 => Some((410, body(r#"{"kind":"Status","message":"expired"}"#))),
        _ => page("", &[pod("a"), pod("b")]),
    });
    assert_eq!(list_pods(&expired).unwrap().len(), 2);
    let forever = server(LONG, |_, _| Some((410, body(r#"{"kind":"Status","message":"expired"}"#))));
    assert!(list_pods(&forever).unwrap_err().reason.contains("410"));
}

#[test]
fn refusals_have_their_kinds() {
    let forbidden = server(LONG, |_, _| Some((403, body(r#"{"kind":"Status","message":"pods is forbidden"}"#))));
    assert_eq!(list_pods(&forbidden).unwrap_err().kind, ErrorKind::Forbidden);
    let unknown = server(LONG, |_, _| Some((404, body("404 page not found\n"))));
    assert_eq!(list_pods(&unknown).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(get_service(&unknown, "web").unwrap_err().kind, ErrorKind::NotFound);
    let broken = server(LONG, |_, _| Some((500, body("<h1>no</h1>"))));
    let error = list_pods(&broken).unwrap_err();
    assert_eq!(
        (error.kind, error.to_string().as_str()),
        (ErrorKind::Garbled, "list pods in stacklight: https://api:6443 answered 500: <h1>no</h1>")
    );
    assert_eq!(broken.asked.lock().unwrap().len(), 1, "nothing is retried");
    let nonsense = server(LONG, |_, _| Some((200, body("<html>captive portal</html>"))));
    assert_eq!(list_pods(&nonsense).unwrap_err().kind, ErrorKind::Garbled);
}

#[test]
fn an_answer_without_end_is_bounded() {
    let server = server(LONG, |_, _| {
        let endless = futures::stream::repeat_with(|| Ok::<_, AnyError>(http_body::Frame::data(Bytes::from(vec![b' '; 1 << 20]))));
        Some((200, AnyBody::new(StreamBody::new(endless.boxed()))))
    });
    assert!(get_service(&server, "web").unwrap_err().reason.contains("larger than 24 MiB"));
}

#[test]
fn a_server_that_never_answers_ends_by_the_limit() {
    let server = server(Duration::from_millis(100), |_, _| None);
    let begun = Instant::now();
    assert_eq!(list_pods(&server).unwrap_err().kind, ErrorKind::TimedOut);
    assert_eq!(read_log(&server).1.unwrap_err().kind, ErrorKind::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_interrupt_ends_a_request_at_once_and_refuses_further_ones() {
    let server = server(LONG, |_, _| None);
    let interrupt = server.interrupt.clone();
    server.runtime.spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        interrupt.set(Reason::Signal);
    });
    let begun = Instant::now();
    assert_eq!(list_pods(&server).unwrap_err().kind, ErrorKind::Interrupted);
    assert_eq!(get_service(&server, "web").unwrap_err().kind, ErrorKind::Interrupted);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[test]
fn a_log_comes_line_by_line_however_it_is_cut() {
    let server = server(LONG, |_, _| Some((200, pieces(vec![Ok(b"2026 on"), Ok(b"e\n2026 two\n2026 thr"), Ok(b"ee")]))));
    let (lines, end) = read_log(&server);
    assert_eq!(lines, ["2026 one", "2026 two", "2026 three"]);
    assert_eq!(end, Ok(()));
    assert_eq!(*server.asked.lock().unwrap(), ["/api/v1/namespaces/m/pods/speaker-1/log?container=speaker&timestamps=true"]);
}

#[test]
fn a_log_that_breaks_off_gives_its_whole_lines_and_an_error() {
    let server = server(LONG, |_, _| Some((200, pieces(vec![Ok(b"one\nha"), Err("connection reset")]))));
    let (lines, end) = read_log(&server);
    assert_eq!(lines, ["one"]);
    assert_eq!(end.unwrap_err().kind, ErrorKind::ApiUnreachable);
}

#[test]
fn a_log_that_is_not_there_is_not_found() {
    let status = |message: &str| body(json!({"kind": "Status", "message": message, "details": {"name": "speaker-1"}}).to_string());
    let gone = server(LONG, move |_, _| Some((404, status("pods \"speaker-1\" not found"))));
    assert_eq!(read_log(&gone).1.unwrap_err().kind, ErrorKind::NotFound);
    let waiting = server(LONG, move |_, _| Some((400, status("container \"speaker\" is waiting to start"))));
    assert_eq!(read_log(&waiting).1.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(Refusal::new(StatusCode::FORBIDDEN, b"").log_error("x", "s").kind, ErrorKind::Forbidden);
}

#[test]
fn many_threads_may_ask_at_once() {
    let server = server(LONG, |_, path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        Some((
            200,
            body(json!({"metadata": {"name": name, "namespace": "stacklight", "uid": path}, "spec": {"type": "LoadBalancer"}}).to_string()),
        ))
    });
    let names: Vec<String> = (0..60).map(|number| format!("s{number}")).collect();
    let answers = crate::evidence::side_by_side::side_by_side(&names, |name| get_service(&server, name).unwrap().unwrap());
    for (name, answer) in names.iter().zip(answers) {
        assert!(answer["metadata"]["uid"].as_str().unwrap().ends_with(&format!("/{name}")));
    }
}

#[test]
fn unreachable_servers_say_why() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let reason = |server: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text = format!(
            "clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
        );
        std::fs::write(&path, text).unwrap();
        let options = LiveOptions { kubeconfig: Some(path), api_limit: Duration::from_secs(2), ..LiveOptions::default() };
        let cluster = LiveCluster::connect(runtime.handle().clone(), &options, Interrupt::default()).unwrap().unwrap();
        let error = cluster.list(&ListQuery::everywhere(Kind::core("nodes"))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ApiUnreachable, "{error}");
        assert!(!error.hint.is_empty());
        error.reason
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(
        reason(&format!("https://user:pass@127.0.0.1:{port}")),
        format!("https://127.0.0.1:{port} refused the connection: nothing listens there")
    );
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in plain.incoming().flatten() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nthis is not TLS");
        }
    });
    let tls = reason(&format!("https://127.0.0.1:{port}"));
    assert!(tls.starts_with(&format!("TLS with https://127.0.0.1:{port} failed")), "{tls}");
}

#[test]
fn metrics_come_line_by_line_and_a_pods_refusal_is_told_from_the_api_servers() {
    let query = MetricsQuery { namespace: "m".to_owned(), pod: "speaker-1".to_owned(), port: 9120, tls: true };
    let ask = |code: u16, text: &'static str| {
        let server = server(LONG, move |_, _| Some((code, body(text))));
        let mut lines = Vec::new();
        let end = server.cluster.read_metrics(&query, &mut |line| {
            lines.push(line.to_owned());
            Keep::No
        });
        (lines, end.map_err(|error| error.kind))
    };
    assert_eq!(ask(200, "# HELP a\na{b=\"c\"} 1\n"), (vec!["# HELP a".to_owned(), "a{b=\"c\"} 1".to_owned()], Ok(())));
    // What MetalLB 0.16 answers without and with a token.
    assert_eq!(ask(401, "Unauthorized").1, Err(ErrorKind::Forbidden));
    assert_eq!(ask(500, "Authentication failed").1, Err(ErrorKind::Forbidden));
    let closed = r#"{"kind":"Status","status":"Failure","message":"error trying to reach service: dial tcp 10.88.0.12:7472: connect: connection refused","reason":"ServiceUnavailable","code":503}"#;
    assert_eq!(ask(503, closed).1, Err(ErrorKind::NotFound));
    let denied =
        r#"{"kind":"Status","message":"pods \"speaker-1\" is forbidden","reason":"Forbidden","details":{"name":"speaker-1"},"code":403}"#;
    assert_eq!(ask(403, denied).1, Err(ErrorKind::Forbidden));
}

#[test]
fn what_a_user_may_do_is_asked_as_a_review() {
    let server = server(LONG, |_, _| Some((201, body(r#"{"kind":"SelfSubjectAccessReview","status":{"allowed":true}}"#))));
    let query = AccessQuery {
        verb: "get".to_owned(),
        group: String::new(),
        resource: "pods".to_owned(),
        subresource: "log".to_owned(),
        namespace: Some("m".to_owned()),
    };
    assert_eq!(server.cluster.may(&query), Ok(true));
    assert_eq!(*server.asked.lock().unwrap(), ["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"]);
    let review: Value = serde_json::from_slice(&request::access_review(&query)).unwrap();
    assert_eq!(review["spec"]["resourceAttributes"]["subresource"], "log");
}

/// A page that comes with the code of success.
#[expect(clippy::unnecessary_wraps, reason = "it is what the server takes")]
fn text(text: &'static str) -> Option<(u16, AnyBody)> {
    Some((200, body(text)))
}

#[expect(clippy::unnecessary_wraps, reason = "it is what the server takes")]
fn broken() -> Option<(u16, AnyBody)> {
    Some((200, reset(&[b"{\"metadata\":{},\"items\":["])))
}

/// What came, and then the reset of a connection.
fn reset(came: &[&'static [u8]]) -> AnyBody {
    let came: Vec<Result<&'static [u8], std::io::ErrorKind>> = came.iter().map(|bytes| Ok(*bytes)).collect();
    let frames = came.into_iter().chain([Err(std::io::ErrorKind::ConnectionReset)]).map(|piece| {
        let frame = piece.map(|bytes| http_body::Frame::data(Bytes::from_static(bytes)));
        frame.map_err(|kind| AnyError::from(std::io::Error::from(kind)))
    });
    AnyBody::new(StreamBody::new(futures::stream::iter(frames.collect::<Vec<_>>())))
}

#[test]
fn a_list_without_end_is_cut_by_its_pages_and_keeps_what_came() {
    let endless = server(LONG, |number, _| page(&format!("x{number}"), &[pod(&format!("p{number}"))]));
    let cut = list(&endless).unwrap();
    assert_eq!((cut.objects.len(), endless.asked.lock().unwrap().len()), (200, 200));
    let error = cut.all().unwrap_err();
    assert_eq!((error.kind, error.gap_name()), (ErrorKind::LeftOut, "evidence/bounded"));
    assert!(error.reason.contains("no end within 200 pages"), "{error}");
    // The same page again and again is seen at once, also when nothing is on it.
    let round = server(LONG, |_, _| page("abc", &[]));
    assert!(list(&round).unwrap().all().unwrap_err().reason.contains("the same one follows"));
    assert_eq!(round.asked.lock().unwrap().len(), 2);
    let many: Vec<Value> = (0..500).map(|number| pod(&format!("p{number}"))).collect();
    let large = server(LONG, move |number, _| page(&format!("x{number}"), &many));
    assert!(list(&large).unwrap().all().unwrap_err().reason.contains("more than 50000"));
    assert_eq!(large.asked.lock().unwrap().len(), 100);
}

#[test]
fn a_list_that_breaks_off_later_keeps_what_came_and_lacks_the_rest() {
    let server = server(LONG, |number, _| if number == 0 { page("more", &[pod("a")]) } else { broken() });
    let cut = list(&server).unwrap();
    assert_eq!(cut.objects, [pod("a")]);
    assert_eq!(cut.all().unwrap_err().kind, ErrorKind::Disconnected);
    assert_eq!(server.asked.lock().unwrap().len(), 3, "the page that broke is asked for twice");
    let expiring = self::server(LONG, |number, _| match number {
        0 | 2 => page("more", &[pod("a")]),
        _ => Some((410, body(r#"{"kind":"Status","message":"expired"}"#))),
    });
    let cut = list(&expiring).unwrap();
    assert_eq!(cut.objects, [pod("a")]);
    assert!(cut.all().unwrap_err().reason.contains("410"));
    assert_eq!(expiring.asked.lock().unwrap().len(), 4, "it begins again once");
}

#[test]
fn a_connection_that_breaks_is_made_once_more_and_the_run_goes_on() {
    let once = server(LONG, |number, _| if number == 0 { broken() } else { page("", &[pod("a")]) });
    assert_eq!(list_pods(&once).unwrap(), [pod("a")]);
    let always = server(LONG, |_, _| broken());
    assert_eq!(list_pods(&always).unwrap_err().kind, ErrorKind::ApiUnreachable, "nothing was ever heard of it");
    assert_eq!(always.asked.lock().unwrap().len(), 2);
    let later = server(LONG, |number, _| if number == 0 { page("", &[]) } else { broken() });
    list_pods(&later).unwrap();
    let error = list_pods(&later).unwrap_err();
    assert_eq!((error.kind, error.gap_name()), (ErrorKind::Disconnected, "evidence/unreadable"));
    let between = server(LONG, |number, _| if number == 0 { page("", &[]) } else { Some((502, body("<html>bad gateway</html>"))) });
    list_pods(&between).unwrap();
    assert_eq!(list_pods(&between).unwrap_err().kind, ErrorKind::Disconnected);
}

#[test]
fn a_log_is_asked_for_again_only_while_no_line_was_given() {
    let once = server(LONG, |number, _| Some((200, if number == 0 { reset(&[b"ha"]) } else { body("2026 one\n") })));
    assert_eq!(read_log(&once), (vec!["2026 one".to_owned()], Ok(())));
    let later = server(LONG, |_, _| Some((200, reset(&[b"2026 one\n2026 tw"]))));
    let (lines, end) = read_log(&later);
    assert_eq!(lines, ["2026 one"]);
    assert!(end.unwrap_err().reason.starts_with("it was cut after 1 lines: "));
    assert_eq!(later.asked.lock().unwrap().len(), 1);
}

#[test]
fn a_page_for_people_is_neither_a_log_nor_a_list() {
    let portal = server(LONG, |_, _| text("<html>log in, please</html>"));
    assert_eq!(list(&portal).unwrap_err().kind, ErrorKind::Garbled);
    for (answer, told) in [
        (r#"{"kind":"Status","metadata":{},"status":"Failure","code":500}"#, "`Status`"),
        (r#"{"kind":"NodeList","metadata":{},"items":[]}"#, "`NodeList`"),
        (r#"{"kind":"Table","metadata":{},"items":[]}"#, "`Table`"),
        (r#"{"metadata":{}}"#, "something without items"),
    ] {
        let server = server(LONG, move |_, _| text(answer));
        let error = list(&server).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Garbled, "{error}");
        assert!(error.reason.ends_with(&format!("is no list of pods: {told}")), "{error}");
    }
    for answer in [r#"{"kind":"PodList","metadata":{},"items":[]}"#, r#"{"kind":"List","metadata":{},"items":null}"#] {
        assert_eq!(list_pods(&server(LONG, move |_, _| text(answer))), Ok(Vec::new()));
    }
    // A missing path in another's words is no proof that the cluster lacks the kind.
    let other = server(LONG, |_, _| Some((404, body("<html>not here</html>"))));
    assert_eq!(list(&other).unwrap_err().kind, ErrorKind::Garbled);
}

#[test]
fn garbage_among_objects_is_left_out_and_named() {
    let server = server(LONG, |_, _| page("", &[pod("a"), json!({}), json!({"metadata": {"name": 7, "namespace": "stacklight"}})]));
    let sifted = list(&server).unwrap();
    assert_eq!(sifted.objects, [pod("a")]);
    let error = sifted.all().unwrap_err();
    assert_eq!((error.kind, error.gap_name()), (ErrorKind::Garbled, "evidence/unreadable"));
    assert!(error.reason.starts_with("2 of 3 cannot be pods: "), "{error}");
    let other = self::server(LONG, |_, _| Some((200, body(pod("another").to_string()))));
    assert_eq!(get_service(&other, "web").unwrap_err().kind, ErrorKind::Garbled);
}

#[test]
fn a_review_that_does_not_say_it_is_no_refusal() {
    let server = server(LONG, |_, _| Some((201, body(r#"{"kind":"SelfSubjectAccessReview","status":{}}"#))));
    let query = AccessQuery {
        verb: "get".to_owned(),
        group: String::new(),
        resource: "pods".to_owned(),
        subresource: String::new(),
        namespace: None,
    };
    assert_eq!(server.cluster.may(&query).unwrap_err().kind, ErrorKind::Garbled);
}
