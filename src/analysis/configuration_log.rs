//! Folds the log of a part of MetalLB into what it last said of its configuration, and the controller's of one Service.
//!
//! The line that refuses a configuration carries the reason alone: the logger's second `error` takes the place of
//! "failed to parse the configuration". A configuration that is the same as before the mistake is taken up without any line but
//! the end of its reconcile (and the metric of a stale one stays at 1), so that the brackets are followed, not the successes.

use serde_json::Value;

use super::speaker_log::split_timestamp;
use crate::model::metallb::{ConfigurationWord, ControllerLog, Reader};
use crate::model::service::Service;

/// What a line must hold to be looked at: most lines of a log are none of these, and parsing them would cost more than reading.
const MATTER: [&str; 4] = ["ConfigReconciler", "PoolReconciler", "\"setConfig\"", " starting version "];

/// The length of `2026-11-23T05:28:40`.
const TO_THE_SECOND: usize = 19;

/// What one part says of its configuration.
pub struct ConfigurationFold {
    reader: Reader,
    pod: String,
    word: Option<ConfigurationWord>,
    /// Whether the reconcile that goes on was refused.
    refusing: bool,
}

impl ConfigurationFold {
    /// Begins with nothing said.
    #[must_use]
    pub fn new(reader: Reader, pod: &str) -> Self {
        Self { reader, pod: pod.to_owned(), word: None, refusing: false }
    }

    /// Takes one line, with or without the kubelet's timestamp. True when the line changed what is known.
    pub fn line(&mut self, line: &str) -> bool {
        if !MATTER.iter().any(|mark| line.contains(mark)) {
            return false;
        }
        let (at, rest) = split_timestamp(line.trim_end());
        let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(rest) else { return false };
        let get = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        if get("msg").starts_with("MetalLB ") && get("msg").contains(" starting version ") {
            self.refusing = false;
            return self.word.take().is_some();
        }
        let reconciles = matches!(get("controller"), "ConfigReconciler" | "PoolReconciler");
        let error = get("error");
        if !error.is_empty() && get("level") == "error" && (get("op") == "setConfig" || (reconciles && get("message").is_empty())) {
            self.refusing = true;
            return self.say(Some(error.to_owned()), at);
        }
        if !reconciles {
            return false;
        }
        if fields.contains_key("start reconcile") {
            // Only where something was refused does the bracket matter.
            return std::mem::take(&mut self.refusing);
        }
        let done = fields.contains_key("end reconcile") && !self.refusing;
        if done || get("event") == "config reloaded" {
            return self.say(None, at);
        }
        false
    }

    fn say(&mut self, refused: Option<String>, at: Option<&str>) -> bool {
        let known = self.word.as_ref().map(|word| &word.refused);
        if known == Some(&refused) {
            return false;
        }
        self.word = Some(ConfigurationWord {
            reader: self.reader.clone(),
            refused,
            at: at.map(str::to_owned),
            source: format!("log of {}", self.pod),
        });
        true
    }

    /// What the log says, once all lines were taken; `None` when it holds no word about it.
    #[must_use]
    pub fn finish(self) -> Option<ConfigurationWord> {
        self.word
    }
}

/// The controller's whole log, for one Service.
pub struct ControllerFold {
    configuration: ConfigurationFold,
    /// The Service as `NAMESPACE/NAME`, as brackets name it.
    service: String,
    quoted: String,
    /// To the second: what was said before is about another Service of that name.
    created: String,
    log: ControllerLog,
    ours: bool,
}

impl ControllerFold {
    #[must_use]
    pub fn new(pod: &str, service: &Service) -> Self {
        let name = service.path();
        Self {
            configuration: ConfigurationFold::new(Reader::Controller, pod),
            quoted: format!("\"{name}\""),
            service: name,
            created: service.created.get(..TO_THE_SECOND).unwrap_or_default().to_owned(),
            log: ControllerLog { pod: pod.to_owned(), ..ControllerLog::default() },
            ours: false,
        }
    }

    /// Takes one line. True when it changed what is known.
    pub fn line(&mut self, line: &str) -> bool {
        let configuration = self.configuration.line(line);
        self.about_service(line) || configuration
    }

    /// The errors between the start and the end of our Service's reconcile, and those of a reprocessing that name it.
    fn about_service(&mut self, line: &str) -> bool {
        let bracket = line.contains(&self.quoted) && line.contains("reconcile\"");
        if !bracket && !self.ours {
            return false;
        }
        let (at, rest) = split_timestamp(line.trim_end());
        if at.is_some_and(|at| at.get(..TO_THE_SECOND).is_some_and(|second| second < self.created.as_str())) {
            return false;
        }
        let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(rest) else { return false };
        let get = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        if get("start reconcile") == self.service {
            self.ours = true;
            self.log.mentions_service = true;
            return true;
        }
        if get("end reconcile") == self.service {
            self.ours = false;
            return true;
        }
        let at = at.unwrap_or_default().to_owned();
        match (get("op"), get("event")) {
            ("allocateIPs", _) | (_, "loadbalancerIP") if !get("error").is_empty() => {
                self.log.about_service = Some((at, get("error").to_owned()));
            }
            ("updateServiceStatus", _) if !get("error").is_empty() => self.log.write_failed = Some((at, get("error").to_owned())),
            (_, "ipAllocated") => self.log.about_service = None,
            (_, "serviceUpdated") => self.log.write_failed = None,
            _ => return false,
        }
        true
    }

    /// What was said of the configuration, and of the Service.
    #[must_use]
    pub fn finish(self) -> (Option<ConfigurationWord>, ControllerLog) {
        (self.configuration.finish(), self.log)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConfigurationFold, ControllerFold};
    use crate::analysis::read::objects::service;
    use crate::model::metallb::Reader;
    use serde_json::json;

    /// The last word: `None` when there is none, otherwise whether it was refused and why.
    fn configuration(lines: &[&str]) -> Option<Result<(), String>> {
        let mut fold = ConfigurationFold::new(Reader::Controller, "controller-x");
        for line in lines {
            fold.line(line);
        }
        fold.finish().map(|word| word.refused.map_or(Ok(()), Err))
    }

    // A speaker's and the controller's log of MetalLB 0.15.2 while a second pool overlapped the first.
    const START: &str = r#"2026-11-23T05:28:40.460068847Z {"caller":"pool_controller.go:48","controller":"PoolReconciler","level":"info","start reconcile":"metallb-system/overlap","ts":"2026-11-23T05:28:40Z"}"#;
    const REFUSED: &str = r#"2026-11-23T05:28:40.460114733Z {"caller":"pool_controller.go:81","controller":"PoolReconciler","error":"CIDR \"10.88.64.110/31\" in pool \"overlap\" overlaps with already defined CIDR \"10.88.64.104/29\"","level":"error","ts":"2026-11-23T05:28:40Z"}"#;
    const END: &str = r#"2026-11-23T05:28:40.460115834Z {"caller":"pool_controller.go:82","controller":"PoolReconciler","end reconcile":"metallb-system/overlap","level":"info","ts":"2026-11-23T05:28:40Z"}"#;
    const RELOADED: &str = r#"2026-11-23T05:28:48.138070491Z {"caller":"pool_controller.go:112","controller":"PoolReconciler","event":"config reloaded","level":"info","ts":"2026-11-23T05:28:48Z"}"#;

    #[test]
    fn a_refusal_stands_until_a_reconcile_ends_without_one() {
        assert!(configuration(&[START, REFUSED]).unwrap().unwrap_err().contains("overlaps"));
        assert!(configuration(&[START, REFUSED, END]).unwrap().is_err());
        assert_eq!(configuration(&[START, REFUSED, END, START, RELOADED, END]), Some(Ok(())));
    }

    /// The pool was deleted again: the configuration is the old one, and nothing says "config reloaded".
    #[test]
    fn going_back_to_the_old_configuration_is_told_by_the_bracket_alone() {
        assert_eq!(configuration(&[START, REFUSED, END, START, END]), Some(Ok(())));
    }

    #[test]
    fn a_new_start_forgets() {
        let starting = r#"{"msg":"MetalLB controller starting version 0.15.2 (commit v0.15.2, branch HEAD)","version":"0.15.2"}"#;
        assert_eq!(configuration(&[START, REFUSED, END, starting]), None);
    }

    /// 0.13.12, when a pool is deleted whose addresses are in use.
    #[test]
    fn a_configuration_that_does_not_fit_the_services_is_refused_too() {
        let line = r#"{"caller":"main.go:125","error":"new config not compatible with assigned IPs: service \"web/s6\" cannot own [\"10.88.64.106\"] under new config","level":"error","msg":"applying new configuration failed","op":"setConfig","ts":"2026-11-23T06:13:23Z"}"#;
        assert!(configuration(&[START, line, END]).unwrap().unwrap_err().contains("cannot own"));
    }

    /// The webhook refused an object: it never became part of the configuration.
    #[test]
    fn what_the_webhook_refused_is_not_the_configuration() {
        let line = r#"{"action":"create","caller":"ipaddresspool_webhook.go:110","error":"CIDR \"10.88.64.110/31\" in pool \"overlap\" overlaps with already defined CIDR \"10.88.64.104/29\"","level":"error","name":"overlap","namespace":"metallb-system","webhook":"ipAddress"}"#;
        assert_eq!(configuration(&[line]), None);
    }

    /// A recording keeps only the lines that mattered; they must tell the same.
    #[test]
    fn the_lines_that_mattered_tell_the_same_again() {
        for lines in
            [vec![START, REFUSED, END], vec![START, REFUSED, END, START, END], vec![START, REFUSED, END, START, REFUSED, END, START, END]]
        {
            let mut fold = ConfigurationFold::new(Reader::Controller, "controller-x");
            let kept: Vec<&str> = lines.iter().filter(|line| fold.line(line)).copied().collect();
            assert_eq!(configuration(&kept), fold.finish().map(|word| word.refused.map_or(Ok(()), Err)), "{lines:?}");
        }
    }

    #[test]
    fn an_error_belongs_to_the_service_in_whose_bracket_it_stands() {
        let lines = [
            r#"2026-11-23T06:01:01.401142947Z {"caller":"service_controller.go:64","controller":"ServiceReconciler","level":"info","start reconcile":"web/outside","ts":"2026-11-23T06:01:01Z"}"#,
            r#"2026-11-23T06:01:01.401242947Z {"caller":"service.go:179","error":"[\"10.88.64.99\"] is not allowed in config","level":"error","msg":"IP allocation failed","op":"allocateIPs","ts":"2026-11-23T06:01:01Z"}"#,
            r#"2026-11-23T06:01:01.401342947Z {"caller":"service_controller.go:113","controller":"ServiceReconciler","end reconcile":"web/outside","level":"info","ts":"2026-11-23T06:01:01Z"}"#,
        ];
        let about = |name: &str, created: &str| {
            let service = service(&json!({"metadata": {"namespace": "web", "name": name, "creationTimestamp": created}}));
            let mut fold = ControllerFold::new("controller-x", &service);
            for line in &lines {
                fold.line(line);
            }
            fold.finish().1.about_service.map(|(_, text)| text)
        };
        assert_eq!(about("outside", "2026-11-23T06:01:01Z").as_deref(), Some("[\"10.88.64.99\"] is not allowed in config"));
        assert_eq!(about("nopool", "2026-11-23T06:01:01Z"), None);
        // A Service of that name that was deleted since.
        assert_eq!(about("outside", "2026-11-23T06:02:00Z"), None);
    }
}
