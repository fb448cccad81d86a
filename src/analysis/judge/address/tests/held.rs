//! Services that have an address, and another one than they ask for, or one that somebody else gave.

use serde_json::{Value, json};

use super::super::super::case::{Case, found};
use super::{Cluster, WEB, cluster, event, holder, pool, service, services_pool};
use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::read::objects;
use crate::model::finding::{Finding, Severity};
use crate::model::flow::Flow;

fn kept(annotations: &Value) -> Value {
    holder("late", "10.88.64.101", &json!({"metadata": {"annotations": annotations}}))
}

#[test]
fn an_address_that_is_not_the_wanted_one_is_worth_a_warning() {
    let mut cluster = cluster(vec![services_pool(), pool("other", &["10.88.64.140/30"], &json!({}))]);
    let warns = |cluster: &Cluster, value: &Value, words: &[&str]| {
        let judgement = cluster.says(value, "address/request-refused", WEB, words);
        assert_eq!(judgement.findings[0].severity, Severity::Warn);
        assert!(judgement.findings[0].scope.as_ref().unwrap().contains("keeps 10.88.64.101"));
    };
    warns(&cluster, &kept(&json!({"metallb.io/loadBalancerIPs": "10.88.64.101,10.88.64.102"})), &["one family"]);
    warns(&cluster, &kept(&json!({"metallb.io/loadBalancerIPs": "10.88.64.200"})), &["lies in no pool"]);
    // The new prefix means nothing to 0.13.
    let old = Cluster { version: "0.13.12", ..cluster.clone() };
    warns(
        &old,
        &kept(&json!({"metallb.io/loadBalancerIPs": "10.88.64.102"})),
        &["does not know the annotation metallb.io/loadBalancerIPs"],
    );
    // What it does not know and has all the same is nothing to talk about.
    assert_eq!(old.judged(&kept(&json!({"metallb.io/loadBalancerIPs": "10.88.64.101"}))).findings, Vec::new());
    // Without a controller nobody looks at the wish.
    cluster.deployment = json!({"metadata": {"namespace": "metallb-system", "name": "controller"}, "spec": {"replicas": 0}, "status": {}});
    cluster.controllers.clear();
    let judgement = cluster.says(
        &kept(&json!({"metallb.io/address-pool": "other"})),
        "address/controller-down",
        "workload/metallb-system/controller",
        &[],
    );
    assert_eq!(judgement.findings[0].severity, Severity::Warn);
}

#[test]
fn an_address_as_it_was_wanted_is_nothing_to_talk_about() {
    let cluster = cluster(vec![services_pool()]);
    for annotations in
        [json!({}), json!({"metallb.universe.tf/loadBalancerIPs": "10.88.64.101"}), json!({"metallb.io/address-pool": "services"})]
    {
        assert_eq!(cluster.judged(&kept(&annotations)).findings, Vec::new(), "{annotations}");
    }
}

#[test]
fn a_wish_that_could_be_met_and_is_not_stays_open() {
    let judgement = cluster(vec![services_pool()]).judged(&kept(&json!({"metallb.io/loadBalancerIPs": "10.88.64.105"})));
    assert_eq!(judgement.findings, Vec::new());
    assert!(judgement.gaps.iter().any(|gap| gap.reason.contains("asks for 10.88.64.105") && !gap.decisive), "{:?}", judgement.gaps);
}

#[test]
fn a_last_octet_of_255_is_only_information_until_a_client_fails() {
    let cluster = cluster(vec![pool("edge", &["10.88.65.0/24"], &json!({}))]);
    let judgement =
        cluster.says(&holder("late", "10.88.65.255", &json!({})), "address/last-octet", "address/10.88.65.255", &["avoidBuggyIPs: false"]);
    assert_eq!(judgement.findings[0].severity, Severity::Info);
}

/// Two probes: what c1 got, and what c2 got.
fn asked(address: &str, endings: [&str; 2]) -> Flow {
    let probe = |from: &str, ending: &str| {
        json!({"vantage": {"ssh": from}, "address": address, "port": 443, "speech": "https", "tool": "python3", "error": null,
            "attempts": [{"number": 1, "size": "small", "source": null, "source_port": 40000, "ending": ending, "status": null,
                "connect_ms": null, "total_ms": 1, "detail": ""}]})
    };
    let probes = [probe("c1", endings[0]), probe("c2", endings[1])];
    serde_json::from_value(json!({"probes": probes, "captures": [], "connections": [], "arp": []})).unwrap()
}

#[test]
fn a_last_octet_becomes_a_warning_when_nothing_else_explains_a_client() {
    let cluster = cluster(vec![pool("edge", &["10.88.65.0/24"], &json!({}))]);
    let service = objects::service(&holder("late", "10.88.65.255", &json!({})));
    let announcement = announcement(Gathered::of_objects(&service, cluster.metallb(&service)));
    let severity = |flow: &Flow, others: &[Finding]| {
        let case = Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(flow), closer: None, gaps: &[] };
        let mut findings: Vec<Finding> = super::super::findings(&case, &crate::analysis::judge::rule::Log::default())
            .into_iter()
            .chain(others.iter().cloned())
            .collect();
        super::super::weigh_unexplained(&case, &mut findings);
        findings[0].severity
    };
    assert_eq!(severity(&asked("10.88.65.255", ["answered", "answered"]), &[]), Severity::Info);
    assert_eq!(severity(&asked("10.88.65.255", ["answered", "connect-timeout"]), &[]), Severity::Warn);
    let explained = found("node/firewall-drop", Vec::new(), "a packet filter drops it", Vec::new());
    assert_eq!(severity(&asked("10.88.65.255", ["answered", "connect-timeout"]), &[explained]), Severity::Info);
}

#[test]
fn somebody_else_who_gives_addresses_leaves_marks() {
    // k3s' ServiceLB beside MetalLB: node addresses in the status, its finalizer, its DaemonSet.
    let mut both = cluster(vec![services_pool()]);
    both.daemon_sets = vec![
        json!({"metadata": {"namespace": "kube-system", "name": "svclb-late-3f2a"}}),
        json!({"metadata": {"namespace": "kube-system", "name": "svclb-other-1"}}),
    ];
    let marked = holder("late", "10.88.0.11", &json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}}));
    let judgement =
        both.says(&marked, "address/competing-controller", "workload/kube-system/svclb-late-3f2a", &["10.88.0.11", "finalizer"]);
    assert_eq!(judgement.findings[0].culprits.len(), 2);
    // A cloud's controller writes names.
    let named = service(
        "late",
        &json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}, "status": {"loadBalancer": {"ingress": [{"hostname": "x.elb.example.com"}]}}}),
    );
    both.says(&named, "address/competing-controller", "workload/kube-system/svclb-late-3f2a", &["x.elb.example.com"]);
    // Nobody's mark: MetalLB clears the same foreign address again and again.
    let mut fight = cluster(vec![services_pool()]);
    let cleared =
        "current IP for \"web/late\" not allowed by config, will attempt for new IP assignment: [\"192.0.2.7\"] is not allowed in config";
    fight.events = vec![event("ClearAssignment", 12, "2026-11-23T05:46:11Z", cleared)];
    fight.says(&holder("late", "10.88.64.101", &json!({})), "address/competing-controller", WEB, &["cleared 192.0.2.7 12 times"]);
    // It was over before anybody asked.
    fight.events = vec![event("ClearAssignment", 12, "2026-11-23T05:20:11Z", cleared)];
    assert_eq!(fight.judged(&holder("late", "10.88.64.101", &json!({}))).findings, Vec::new());
}

/// Seen in the lab: the proxy's rules went with the address, and 32 requests ended on the announcing node.
#[test]
fn a_fight_that_goes_on_is_the_cause_of_what_nothing_else_explains() {
    let mut cluster = cluster(vec![services_pool()]);
    let cleared =
        "current IP for \"web/late\" not allowed by config, will attempt for new IP assignment: [\"192.0.2.7\"] is not allowed in config";
    let service = objects::service(&holder("late", "10.88.64.101", &json!({})));
    let weighed = |cluster: &Cluster, endings: [&str; 2], other: &str| {
        let announcement = announcement(Gathered::of_objects(&service, cluster.metallb(&service)));
        let flow = asked("10.88.64.101", endings);
        let case = Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(&flow), closer: None, gaps: &[] };
        let mut findings = super::super::findings(&case, &crate::analysis::judge::rule::Log::default());
        findings.push(found(other, Vec::new(), "seen at a node", Vec::new()));
        super::super::weigh_unexplained(&case, &mut findings);
        (findings[0].severity, findings[1].severity, findings[1].because.is_some())
    };
    let severity = |cluster: &Cluster, endings: [&str; 2]| weighed(cluster, endings, "announce/stale-source").0;
    cluster.events = vec![event("ClearAssignment", 9, "2026-11-23T05:46:58Z", cleared)];
    assert_eq!(severity(&cluster, ["connect-timeout", "host-unreachable"]), Severity::Fail);
    assert_eq!(severity(&cluster, ["answered", "answered"]), Severity::Warn);
    let failing = ["connect-timeout", "host-unreachable"];
    assert_eq!(weighed(&cluster, failing, "node/not-programmed"), (Severity::Fail, Severity::Info, true), "the rule went with the address");
    assert_eq!(weighed(&cluster, failing, "client/firewall"), (Severity::Warn, Severity::Fail, false), "that has nothing to do with it");
    cluster.events = vec![event("ClearAssignment", 9, "2026-11-23T05:40:58Z", cleared)];
    assert_eq!(severity(&cluster, ["connect-timeout", "host-unreachable"]), Severity::Warn);
}

#[test]
fn a_mark_or_a_foreign_address_alone_proves_nothing() {
    let competing = |cluster: &Cluster, value: &Value| {
        cluster.judged(value).findings.iter().any(|finding| finding.name == "address/competing-controller")
    };
    let mut cluster = cluster(vec![services_pool()]);
    let marked = json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}});
    assert!(!competing(&cluster, &holder("late", "10.88.64.101", &marked)));
    assert!(!competing(&cluster, &holder("late", "10.88.0.11", &json!({}))));
    // MetalLB gave it, from a pool that is gone.
    cluster.events = vec![event("IPAllocated", 1, "2026-11-23T05:22:53Z", "Assigned IP [\"10.88.0.11\"]")];
    assert!(!competing(&cluster, &holder("late", "10.88.0.11", &marked)));
    // A Service of another class is the other controller's own.
    let classed =
        json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}, "spec": {"loadBalancerClass": "cloud"}});
    assert!(!competing(&cluster, &holder("late", "10.88.0.12", &classed)));
    // What cannot be written is cleared again and again by MetalLB alone.
    let cleared =
        "current IP for \"web/late\" not allowed by config, will attempt for new IP assignment: [\"192.0.2.7\"] is not allowed in config";
    cluster.events = vec![event("ClearAssignment", 12, "2026-11-23T05:46:11Z", cleared)];
    cluster.log = vec![
        r#"{"controller":"ServiceReconciler","level":"info","start reconcile":"web/late"}"#,
        r#"2026-11-23T06:01:01Z {"error":"services \"late\" is forbidden","level":"error","msg":"failed to update service","op":"updateServiceStatus"}"#,
    ];
    assert!(!competing(&cluster, &holder("late", "10.88.64.101", &json!({}))));
}
