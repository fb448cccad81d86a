//! Which of a pod's containers is MetalLB's speaker, and whether it runs. FRR and its helpers have containers of their own beside it, and
//! charts give it other names.

use crate::model::kubernetes::{Container, Pod};

/// The container that is the speaker itself: in FRR mode the pod's first one is not.
#[must_use]
pub fn container(pod: &Pod) -> Option<&Container> {
    let with = |is: fn(&Container) -> bool| pod.containers.iter().find(|container| is(container));
    // Every flavour of a speaker has this variable, whatever its name is.
    with(|container| container.env.contains_key("METALLB_NODE_NAME"))
        .or_else(|| with(|container| ["speaker", "metallb-speaker"].contains(&container.name.as_str())))
        .or_else(|| with(|container| container.image.contains("speaker")))
        .or_else(|| pod.containers.first())
}

/// Whether the speaker's process runs.
#[must_use]
pub fn runs(pod: &Pod) -> bool {
    pod.phase == "Running" && container(pod).is_some_and(|container| container.running)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::analysis::read::objects;

    /// A pod whose first container, FRR's, runs, beside one that does or does not.
    fn pod(speaker: &Value, runs: bool) -> Pod {
        let state = if runs { json!({"running": {}}) } else { json!({"waiting": {"reason": "CrashLoopBackOff"}}) };
        objects::pod(
            &json!({"metadata": {"name": "speaker-1"}, "spec": {"containers": [{"name": "frr", "image": "quay.io/frrouting/frr"}, speaker]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "frr", "state": {"running": {}}}, {"name": speaker["name"], "state": state}]}}),
        )
    }

    fn check(speaker: &Value) {
        assert_eq!(container(&pod(speaker, true)).map(|container| container.name.as_str()), speaker["name"].as_str());
        assert!(runs(&pod(speaker, true)), "{speaker}");
        assert!(!runs(&pod(speaker, false)), "{speaker}: another container of the pod is not the speaker");
    }

    #[test]
    fn a_speaker_is_known_whatever_its_container_is_called() {
        check(&json!({"name": "speaker", "image": "registry.example/lb/agent"}));
        check(&json!({"name": "metallb-speaker", "image": "registry.example/lb/agent"}));
        check(&json!({"name": "agent", "image": "registry.example/metallb/speaker:v0.15.2"}));
        check(&json!({"name": "agent", "image": "registry.example/lb/agent", "env": [{"name": "METALLB_NODE_NAME"}]}));
    }

    #[test]
    fn a_pod_of_which_nothing_is_known_runs_by_its_first_container() {
        let one = |state: Value| {
            objects::pod(&json!({"metadata": {"name": "s"}, "spec": {"containers": [{"name": "x", "image": "y"}]},
                "status": {"phase": "Running", "containerStatuses": [{"name": "x", "state": state}]}}))
        };
        assert!(runs(&one(json!({"running": {}}))) && !runs(&one(json!({"waiting": {}}))));
        assert!(!runs(&objects::pod(&json!({"metadata": {"name": "s"}, "status": {"phase": "Running"}}))));
    }
}
