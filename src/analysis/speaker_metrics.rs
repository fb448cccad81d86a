//! Folds one speaker's metrics, line by line, into what they say about announcements and sessions.
//!
//! The form is Prometheus' text exposition; the names are MetalLB's from 0.8 to 0.16, with the prefix `frrk8s_` for FRR-K8s.

use std::collections::BTreeMap;

use crate::model::announcement::{SessionMetric, SpeakerMetrics};

/// The fold of one speaker's metrics.
pub struct MetricsFold {
    metrics: SpeakerMetrics,
    /// Whether any line was a speaker's.
    known: bool,
}

impl MetricsFold {
    /// Begins with nothing said.
    #[must_use]
    pub fn new(pod: &str, node: &str) -> Self {
        Self { metrics: SpeakerMetrics { pod: pod.to_owned(), node: node.to_owned(), ..SpeakerMetrics::default() }, known: false }
    }

    /// Whether this was a speaker's answer at all: every version shows whether its configuration is stale, whatever it announces. What is
    /// empty, or something else's, proves of no address that it is not announced.
    #[must_use]
    pub fn is_a_speakers(&self) -> bool {
        self.known
    }

    /// Takes one line. True when the line mattered.
    pub fn line(&mut self, line: &str) -> bool {
        let Some((name, labels, value)) = sample(line) else { return false };
        let name = name.trim_start_matches("metallb_").trim_start_matches("frrk8s_");
        let label = |key: &str| labels.get(key).map(String::as_str).unwrap_or_default();
        match name {
            "speaker_announced" => {
                let Ok(address) = label("ip").parse() else { return false };
                if value > 0.0 {
                    self.metrics.announced.push((label("protocol").to_owned(), address));
                }
            }
            "bgp_session_up" => self.session(label("peer")).up = Some(value > 0.0),
            // A count; no router takes as many as would not fit.
            "bgp_announced_prefixes_total" => self.session(label("peer")).prefixes = format!("{value:.0}").parse().ok(),
            "k8s_client_config_stale_bool" => self.metrics.config_stale = Some(value > 0.0),
            _ => return false,
        }
        self.known = true;
        true
    }

    /// What they say, once all lines were taken.
    #[must_use]
    pub fn finish(mut self) -> SpeakerMetrics {
        self.metrics.announced.sort_by_key(|(_, address)| *address);
        self.metrics
    }

    fn session(&mut self, peer: &str) -> &mut SessionMetric {
        let at = self.metrics.sessions.iter().position(|session| session.peer == peer).unwrap_or_else(|| {
            self.metrics.sessions.push(SessionMetric { peer: peer.to_owned(), ..SessionMetric::default() });
            self.metrics.sessions.len() - 1
        });
        &mut self.metrics.sessions[at]
    }
}

/// Name, labels and value of a line; `None` for comments and whatever else is no sample.
fn sample(line: &str) -> Option<(&str, BTreeMap<String, String>, f64)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let name_ends = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, mut rest) = line.split_at(name_ends);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (key, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(key.trim().to_owned(), value);
            rest = after;
        }
    }
    // A timestamp may follow the value.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name, labels, value))
}

/// A label's value up to its closing quote, with `\\`, `\"` and `\n` undone, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MetricsFold, sample};

    fn fold(text: &str) -> crate::model::announcement::SpeakerMetrics {
        let mut fold = MetricsFold::new("speaker-a", "n1");
        for line in text.lines() {
            fold.line(line);
        }
        fold.finish()
    }

    /// From a speaker of 0.15.2 in native BGP mode, the phantom series without a port included.
    #[test]
    fn announcements_and_sessions_are_read() {
        let metrics = fold(
            r#"# HELP metallb_bgp_session_up BGP session state (1 is up, 0 is down)
# TYPE metallb_bgp_session_up gauge
metallb_bgp_announced_prefixes_total{peer="10.88.64.1"} 0
metallb_bgp_announced_prefixes_total{peer="10.88.64.1:179"} 1
metallb_bgp_session_up{peer="10.88.64.1"} 0
metallb_bgp_session_up{peer="10.88.64.1:179"} 1
metallb_k8s_client_config_stale_bool 0
metallb_layer2_requests_received{ip="10.88.64.100"} 1
metallb_speaker_announced{ip="10.88.100.10",node="n1",protocol="bgp",service="web/bgp"} 1"#,
        );
        assert_eq!(metrics.announced, [("bgp".to_owned(), "10.88.100.10".parse().unwrap())]);
        let sessions: Vec<_> = metrics.sessions.iter().map(|session| (session.peer.as_str(), session.up, session.prefixes)).collect();
        assert_eq!(sessions, [("10.88.64.1", Some(false), Some(0)), ("10.88.64.1:179", Some(true), Some(1))]);
        assert_eq!(metrics.config_stale, Some(false));
    }

    /// FRR mode, while the session is not connected.
    #[test]
    fn frr_mode_has_a_label_for_the_vrf() {
        let metrics = fold(r#"metallb_bgp_session_up{peer="10.88.64.1:-1",vrf="default"} 0"#);
        assert_eq!((metrics.sessions[0].peer.as_str(), metrics.sessions[0].up), ("10.88.64.1:-1", Some(false)));
    }

    #[test]
    fn labels_may_hold_anything() {
        let (name, labels, value) = sample(r#"a{b="x\"},y",c="\\n\n"} 2.5e1 1700000000000"#).unwrap();
        assert_eq!((name, labels["b"].as_str(), labels["c"].as_str(), value.to_string()), ("a", "x\"},y", "\\n\n", "25".to_owned()));
        for nonsense in ["", "#", "a", "a{", "a{b}", "a{b=\"", "a{b=\"c\"} x", "{} 1x"] {
            assert!(sample(nonsense).is_none(), "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(line in ".{0,80}") {
            MetricsFold::new("p", "n").line(&line);
        }
    }
}
