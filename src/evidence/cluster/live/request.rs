//! The paths of API requests. Whatever a playbook says becomes one segment or one value of a query, never more.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::evidence::cluster::{AccessQuery, Kind, ListQuery, LogQuery, MetricsQuery, ObjectQuery};

/// Objects that are asked for in one request.
const PAGE: u32 = 500;

/// Where the API server is asked what this user may do.
pub(super) const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Bytes that stay as they are in a segment or a value (RFC 3986, unreserved).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A word that cannot be the name of anything in Kubernetes: which part it was to be, and the word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unnameable {
    pub(super) part: &'static str,
    pub(super) word: String,
}

/// The path of one object.
pub(super) fn object(query: &ObjectQuery) -> Result<String, Unnameable> {
    let name = subdomain("name", &query.name)?;
    Ok(format!("{}/{}", collection(&query.kind, query.namespace.as_deref())?, encoded(name)))
}

/// The path of a page of a list; `after` is the mark that the page before gave.
pub(super) fn page(query: &ListQuery, after: Option<&str>) -> Result<String, Unnameable> {
    let mut path = format!("{}?limit={PAGE}", collection(&query.kind, query.namespace.as_deref())?);
    let values = [("labelSelector", query.labels.as_deref()), ("fieldSelector", query.fields.as_deref()), ("continue", after)];
    for (name, value) in values {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            path = format!("{path}&{name}={}", encoded(value));
        }
    }
    Ok(path)
}

/// The path of a container's log, with the kubelet's timestamps.
pub(super) fn log(query: &LogQuery) -> Result<String, Unnameable> {
    let pods = collection(&Kind::core("pods"), Some(&query.namespace))?;
    let (pod, container) = (subdomain("pod", &query.pod)?, label("container", &query.container)?);
    let previous = if query.previous { "&previous=true" } else { "" };
    Ok(format!("{pods}/{}/log?container={}&timestamps=true{previous}", encoded(pod), encoded(container)))
}

/// The path of a pod's metrics, through the API server's proxy.
pub(super) fn metrics(query: &MetricsQuery) -> Result<String, Unnameable> {
    let pods = collection(&Kind::core("pods"), Some(&query.namespace))?;
    let scheme = if query.tls { "https:" } else { "" };
    Ok(format!("{pods}/{scheme}{}:{}/proxy/metrics", encoded(subdomain("pod", &query.pod)?), query.port))
}

/// The review of one permission, as JSON.
pub(super) fn access_review(query: &AccessQuery) -> Vec<u8> {
    let attributes = serde_json::json!({
        "verb": query.verb, "group": query.group, "resource": query.resource, "subresource": query.subresource,
        "namespace": query.namespace.as_deref().unwrap_or_default(),
    });
    serde_json::json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}})
        .to_string()
        .into_bytes()
}

fn collection(kind: &Kind, namespace: Option<&str>) -> Result<String, Unnameable> {
    let (version, plural) = (label("version", &kind.version)?, label("kind", &kind.plural)?);
    let root = if kind.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", encoded(subdomain("group", &kind.group)?)) };
    let within = match namespace {
        Some(namespace) => format!("/namespaces/{}", encoded(label("namespace", namespace)?)),
        None => String::new(),
    };
    Ok(format!("{root}/{}{within}/{}", encoded(version), encoded(plural)))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// A DNS label (RFC 1123): what namespaces, containers, versions and plurals are called.
fn label<'a>(part: &'static str, word: &'a str) -> Result<&'a str, Unnameable> {
    if word.len() <= 63 && is_label(word) { Ok(word) } else { Err(Unnameable { part, word: word.to_owned() }) }
}

/// Labels joined by dots: what most objects are called.
fn subdomain<'a>(part: &'static str, word: &'a str) -> Result<&'a str, Unnameable> {
    if word.len() <= 253 && word.split('.').all(is_label) { Ok(word) } else { Err(Unnameable { part, word: word.to_owned() }) }
}

fn is_label(word: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    word.chars().all(inner) && !word.is_empty() && !word.starts_with('-') && !word.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(namespace: Option<&str>, name: &str) -> Result<String, Unnameable> {
        object(&ObjectQuery { kind: Kind::core("services"), namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }

    #[test]
    fn paths_follow_group_version_and_plural() {
        assert_eq!(get(Some("stacklight"), "web").unwrap(), "/api/v1/namespaces/stacklight/services/web");
        assert_eq!(page(&ListQuery::everywhere(Kind::core("nodes")), None).unwrap(), "/api/v1/nodes?limit=500");
        assert_eq!(
            page(&ListQuery::within(Kind::metallb("l2advertisements"), "m"), None).unwrap(),
            "/apis/metallb.io/v1beta1/namespaces/m/l2advertisements?limit=500"
        );
        let log_query = LogQuery { namespace: "m".into(), pod: "speaker-1".into(), container: "speaker".into(), previous: true };
        assert_eq!(log(&log_query).unwrap(), "/api/v1/namespaces/m/pods/speaker-1/log?container=speaker&timestamps=true&previous=true");
    }

    #[test]
    fn metrics_go_through_the_proxy_to_one_pod_and_port() {
        let query = MetricsQuery { namespace: "m".into(), pod: "speaker-1".into(), port: 9120, tls: true };
        assert_eq!(metrics(&query).unwrap(), "/api/v1/namespaces/m/pods/https:speaker-1:9120/proxy/metrics");
        let plain = MetricsQuery { port: 7472, tls: false, ..query.clone() };
        assert_eq!(metrics(&plain).unwrap(), "/api/v1/namespaces/m/pods/speaker-1:7472/proxy/metrics");
        assert_eq!(metrics(&MetricsQuery { pod: "a/../b".into(), ..query }).unwrap_err().part, "pod");
    }

    #[test]
    fn selectors_and_marks_stay_values() {
        let query = ListQuery::within(Kind::core("pods"), "m").labels("app in (a,b),x!=y&limit=1").fields("spec.nodeName=n2#");
        assert_eq!(
            page(&query, Some("a+/=")).unwrap(),
            "/api/v1/namespaces/m/pods?limit=500&labelSelector=app%20in%20%28a%2Cb%29%2Cx%21%3Dy%26limit%3D1&fieldSelector=spec.nodeName%3Dn2%23&continue=a%2B%2F%3D"
        );
    }

    #[test]
    fn what_cannot_be_a_name_meets_no_path() {
        let long = "a".repeat(254);
        for name in ["", "..", ".", "a/b", "../secrets/x", "a?b", "a%2fb", "A", "a..b", "-a", "a-", "a b", "a\n", "é", &long] {
            assert_eq!(get(Some("m"), name), Err(Unnameable { part: "name", word: name.to_owned() }));
        }
        for namespace in ["", "a.b", "a/../b", &long] {
            assert_eq!(get(Some(namespace), "web").unwrap_err().part, "namespace");
        }
        assert_eq!(page(&ListQuery::everywhere(Kind::of("a/b", "v1", "pods")), None).unwrap_err().part, "group");
        assert_eq!(page(&ListQuery::everywhere(Kind::core("pods/x/log")), None).unwrap_err().part, "kind");
        assert_eq!(get(Some("m"), "a.b-c.d0").unwrap(), "/api/v1/namespaces/m/services/a.b-c.d0");
    }
}
