//! Whether the pods that were captured in are still the ones that they were. A pod that was replaced leaves its old network
//! namespace silent, and what was not seen there says nothing about the new one.

use crate::analysis::read::objects;
use crate::evidence::cluster::{Kind, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::side_by_side;
use crate::model::capture::{Capture, CaptureEnd};
use crate::model::kubernetes::Pod;
use crate::model::place::Place;
use crate::words::session::Run;

/// Asks for each captured pod once more; a capture in one that is gone or was replaced is no longer believed.
pub fn check(run: &Run, captures: &mut [Capture]) {
    let mut watched: Vec<&mut Capture> = captures.iter_mut().filter(|capture| capture.request.place.pod_name().is_some()).collect();
    let places: Vec<Place> = watched.iter().map(|capture| capture.request.place.clone()).collect();
    let answers = side_by_side(&places, |place| now(run, place));
    for ((capture, place), answer) in watched.iter_mut().zip(&places).zip(answers) {
        match answer {
            Ok(pod) => match changed(place, pod.as_ref()) {
                Some(Change::Namespace(why)) => capture.end = CaptureEnd::Broken(why),
                Some(Change::Container(note)) => run.fact(note),
                None => {}
            },
            // An older recording does not hold the question, and an interrupted run is told of elsewhere.
            Err(error) if matches!(error.kind, ErrorKind::NotRecorded | ErrorKind::Interrupted) => {}
            Err(error) => run.gap(error.gap(place, format!("whether {place} was replaced while it was watched"))),
        }
    }
}

fn now(run: &Run, place: &Place) -> Result<Option<Pod>, EvidenceError> {
    let Place::Pod { namespace, name, .. } = place else { return Ok(None) };
    let query = ObjectQuery { kind: Kind::core("pods"), namespace: Some(namespace.clone()), name: name.clone() };
    Ok(run.evidence.cluster.get(&query)?.as_ref().map(objects::pod))
}

/// What became of a pod.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    /// Its network namespace is another one now, or none.
    Namespace(String),
    /// A container was started anew; the namespace stayed.
    Container(String),
}

fn changed(place: &Place, pod: Option<&Pod>) -> Option<Change> {
    let Place::Pod { ips, container_ids, .. } = place else { return None };
    let Some(pod) = pod else { return Some(Change::Namespace(format!("{place} is gone: its namespace ended while it was watched"))) };
    if pod.terminating {
        return Some(Change::Namespace(format!("{place} is being deleted: its namespace may have ended while it was watched")));
    }
    if !ips.is_empty() && !ips.iter().any(|ip| pod.ips.contains(ip)) {
        return Some(Change::Namespace(format!("{place} was replaced while it was watched: its address is another one now")));
    }
    let same = container_ids.iter().all(|id| pod.containers.iter().any(|container| container.id == *id));
    (!same).then(|| Change::Container(format!("a container of {place} was started anew while it was watched")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::place::{Host, HostKind};

    fn place() -> Place {
        Place::Pod {
            host: Host { name: "n2".to_owned(), address: String::new(), kind: HostKind::Node },
            namespace: "stacklight".to_owned(),
            name: "web-1".to_owned(),
            ips: vec!["10.88.130.2".parse().unwrap()],
            container_ids: vec!["abc".to_owned()],
        }
    }

    fn check(ip: &str, id: &str, deleted: bool) -> Option<Change> {
        let mut object = json!({"metadata": {"namespace": "stacklight", "name": "web-1"}, "spec": {"containers": [{"name": "app"}]},
            "status": {"podIP": ip, "containerStatuses": [{"name": "app", "containerID": format!("containerd://{id}")}]}});
        if deleted {
            object["metadata"]["deletionTimestamp"] = json!("2026-11-23T16:00:00Z");
        }
        changed(&place(), Some(&objects::pod(&object)))
    }

    #[test]
    fn a_pod_that_stayed_changes_nothing() {
        assert_eq!(check("10.88.130.2", "abc", false), None);
    }

    #[test]
    fn a_restarted_container_keeps_the_namespace() {
        assert!(matches!(check("10.88.130.2", "def", false), Some(Change::Container(_))));
    }

    #[test]
    fn a_pod_that_was_replaced_deleted_or_is_gone_is_not_believed() {
        for change in [check("10.88.130.9", "def", false), check("10.88.130.2", "abc", true), changed(&place(), None)] {
            assert!(matches!(change, Some(Change::Namespace(_))), "{change:?}");
        }
    }
}
