//! MetalLB's own parts: class, controller, configuration.

use serde_json::{Value, json};

use super::{WEB, annotated, cluster, holder, merge, part, pool, service, services_pool};
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::model::finding::Severity;

#[test]
fn classes_must_agree_in_both_directions() {
    let classed = service("class", &json!({"spec": {"loadBalancerClass": "example.com/other"}}));
    let mut cluster = cluster(vec![services_pool()]);
    cluster.says(&classed, "address/class-unserved", "service/web/class", &["example.com/other", "started without --lb-class"]);
    cluster.controllers = vec![part("controller-65f7d5c9f-x", &["--lb-class=metallb"])];
    cluster.says(&service("late", &json!({})), "address/class-unserved", WEB, &["names none", "--lb-class=metallb"]);
    cluster.stays_open(&service("late", &json!({"spec": {"loadBalancerClass": "metallb"}})), "although pool services");
    // Without any controller to be seen, what it serves is not known; the speakers' arguments stand for it.
    cluster.controllers.clear();
    cluster.speakers.clear();
    assert!(cluster.judged(&classed).findings.iter().all(|finding| finding.name != "address/class-unserved"));
}

#[test]
fn a_controller_that_does_not_run_is_told_by_how_it_does_not() {
    let mut none = cluster(vec![services_pool()]);
    none.deployment = json!({"metadata": {"namespace": "metallb-system", "name": "controller"}, "spec": {"replicas": 0}, "status": {}});
    none.controllers.clear();
    none.says(&service("late", &json!({})), "address/controller-down", "workload/metallb-system/controller", &["scaled to 0"]);
    let mut crashing = cluster(vec![services_pool()]);
    crashing.deployment = json!({"metadata": {"namespace": "metallb-system", "name": "controller"}, "spec": {"replicas": 1}, "status": {}});
    merge(
        &mut crashing.controllers[0],
        &json!({"status": {"conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "controller", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}),
    );
    crashing.says(
        &service("late", &json!({})),
        "address/controller-down",
        "workload/metallb-system/controller",
        &["CrashLoopBackOff", "restarted 4 times", "0 of 1 ready"],
    );
    // The operator's own manager and a webhook-only controller give no addresses.
    let mut webhook = cluster(vec![services_pool()]);
    webhook.controllers = vec![part("controller-65f7d5c9f-x", &["--webhook-mode=onlywebhook"])];
    webhook.deployment = json!({"metadata": {"namespace": "metallb-system", "name": "controller"}, "spec": {"replicas": 1}, "status": {}});
    webhook.says(&service("late", &json!({})), "address/controller-down", "workload/metallb-system/controller", &[]);
    // What the Service asks wrongly is wrong all the same, after it.
    let judgement = none.judged(&annotated("late", &json!({"metallb.io/address-pool": "missing"})));
    assert_eq!(
        judgement.findings.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
        ["address/controller-down", "address/request-refused"]
    );
}

/// 0.15.2 without the binding of its role: it goes on allocating, and no event comes through either.
#[test]
fn a_controller_that_cannot_write_is_told_by_its_log() {
    let start = r#"{"controller":"ServiceReconciler","level":"info","start reconcile":"web/late"}"#;
    let failed = r#"2026-11-24T12:10:46.544624249Z {"caller":"main.go:133","error":"services \"late\" is forbidden: User \"system:serviceaccount:metallb-system:controller\" cannot update resource \"services/status\"","level":"error","msg":"failed to update service","op":"updateServiceStatus","ts":"2026-11-24T12:10:46Z"}"#;
    let written =
        r#"{"caller":"main.go:136","event":"serviceUpdated","level":"info","msg":"updated service object","ts":"2026-11-24T12:10:49Z"}"#;
    let mut cluster = cluster(vec![services_pool()]);
    cluster.log = vec![start, failed];
    cluster.says(
        &service("late", &json!({})),
        "address/controller-unhealthy",
        "workload/metallb-system/controller",
        &["cannot update resource"],
    );
    cluster.log = vec![start, failed, start, written];
    cluster.stays_open(&service("late", &json!({})), "although pool services");
}

fn overlap() -> Value {
    pool("overlap", &["10.88.64.110-10.88.64.140"], &json!({"metadata": {"creationTimestamp": "2026-11-23T05:28:40Z"}}))
}

/// 0.16.1: the speakers name the pools in the order in which they happened to read them.
#[test]
fn overlapping_pools_are_the_cause_of_whatever_waits_for_them() {
    let mut cluster = cluster(vec![services_pool(), overlap()]);
    let asking = annotated("late", &json!({"metallb.io/address-pool": "overlap"}));
    cluster.says(&asking, "address/config-invalid", "pool/overlap", &["overlaps", "MetalLB refuses such a configuration"]);
    let summary =
        "configuration error: CIDR \"10.88.64.110/31\" in pool \"overlap\" overlaps with already defined CIDR \"10.88.64.104/29\"";
    cluster.states = vec![json!({"metadata": {"name": "controller", "labels": {"metallb.io/component-type": "controller"}},
        "status": {"result": "Invalid", "errorSummary": summary}})];
    let judgement =
        cluster.says(&asking, "address/config-invalid", "pool/overlap", &["the controller refused", "ConfigurationState controller"]);
    assert_eq!(judgement.findings[0].culprits.iter().map(ToString::to_string).collect::<Vec<_>>(), ["pool/overlap", "pool/services"]);
    // The Service's own mistake is not healed by repairing the pools.
    let judgement = cluster.judged(&annotated("late", &json!({"metallb.io/loadBalancerIPs": "10.88.64.1O1"})));
    assert_eq!(judgement.findings[0].name, "address/request-refused");
}

/// What only MetalLB can know is taken from its words, and the object found by its name.
#[test]
fn a_refusal_in_metallbs_words_names_its_object() {
    let mut cluster = cluster(vec![services_pool()]);
    let state = |text: &str| {
        vec![
            json!({"metadata": {"name": "controller", "labels": {"metallb.io/component-type": "controller"}}, "status": {"result": "Invalid", "errorSummary": text}}),
        ]
    };
    cluster.states = state("configuration error: parsing address pool services: invalid service label selector in ip pool services");
    cluster.says(&service("late", &json!({})), "address/config-invalid", "pool/services", &[]);
    cluster.states = state("configuration error: parsing community \"x\": invalid community format");
    cluster.says(&service("late", &json!({})), "address/config-invalid", "workload/metallb-system/controller", &["parsing community"]);
}

/// 0.15.2 has no `ConfigurationState`: its log tells, and tells too when all is well again.
#[test]
fn the_controllers_log_stands_for_the_state() {
    let refused = r#"2026-11-23T05:28:40.460114733Z {"caller":"pool_controller.go:81","controller":"PoolReconciler","error":"parsing community \"x\": invalid community format","level":"error","ts":"2026-11-23T05:28:40Z"}"#;
    let start = r#"{"controller":"PoolReconciler","level":"info","start reconcile":"metallb-system/overlap"}"#;
    let end = r#"{"controller":"PoolReconciler","end reconcile":"metallb-system/overlap","level":"info"}"#;
    let mut cluster = cluster(vec![services_pool()]);
    cluster.log = vec![start, refused, end];
    cluster.says(&service("late", &json!({})), "address/config-invalid", "workload/metallb-system/controller", &["log of controller"]);
    cluster.log = vec![start, refused, end, start, end];
    cluster.stays_open(&service("late", &json!({})), "although pool services");
    // A controller that logs errors only never says that it is well again.
    cluster.log = vec![start, refused, end];
    cluster.controllers = vec![part("controller-65f7d5c9f-x", &["--log-level=error"])];
    cluster.stays_open(&service("late", &json!({})), "although pool services");
}

#[test]
fn broken_pools_are_found_without_any_words() {
    let check = |broken: Value, words: &[&str]| {
        cluster(vec![broken]).says(&service("late", &json!({})), "address/config-invalid", "pool/broken", words);
    };
    check(pool("broken", &["10.88.64.300-10.88.64.310"], &json!({})), &["invalid start IP"]);
    check(pool("broken", &["10.88.64.0/33"], &json!({})), &["invalid CIDR"]);
    check(pool("broken", &[], &json!({})), &["no addresses"]);
    check(pool("broken", &["10.88.64.100/30", "10.88.64.101/32"], &json!({})), &["overlaps"]);
    check(pool("broken", &["10.88.64.100/30"], &json!({"spec": {"serviceAllocation": {"namespaces": ["a", "a"]}}})), &["twice"]);
}

/// An advertisement matters to the speakers alone, and one of an unknown pool to nobody.
#[test]
fn an_advertisement_does_not_keep_the_controller_from_giving() {
    let cluster = cluster(vec![services_pool()]);
    let service = objects::service(&service("late", &json!({})));
    let mut metallb = cluster.metallb(&service);
    let ad = |pools: &[&str]| read_metallb::advertisement(&json!({"metadata": {"name": "l2"}, "spec": {"ipAddressPools": pools}}));
    metallb.l2_advertisements = Some(vec![ad(&["services", "services"])]);
    assert!(!super::super::configuration::controller_refuses(&metallb) && super::super::configuration::speakers_refuse(&metallb));
    assert_eq!(super::super::configuration::invalid(&metallb).unwrap().culprits[0].to_string(), "advertisement/l2/l2");
    metallb.l2_advertisements = Some(vec![ad(&["gone"])]);
    assert_eq!(super::super::configuration::invalid(&metallb), None);
}

#[test]
fn speakers_of_another_class_announce_nothing() {
    let mut cluster = cluster(vec![services_pool()]);
    cluster.speakers = vec![part("speaker-a", &["--lb-class=internal"])];
    let judgement = cluster.says(
        &holder("late", "10.88.64.101", &json!({})),
        "address/class-unserved",
        WEB,
        &["speakers: started with --lb-class=internal"],
    );
    // Nobody announces it, and no log says otherwise: that is the reason, and stands as a failure.
    assert_eq!(judgement.findings[0].severity, Severity::Fail);
}
