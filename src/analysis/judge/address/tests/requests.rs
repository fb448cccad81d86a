//! What Services ask for and cannot get.

use serde_json::{Value, json};

use super::{Cluster, WEB, annotated, cluster, event, holder, merge, pool, service, services_pool};

#[test]
fn an_address_outside_the_pools_is_refused() {
    let mut cluster = cluster(vec![services_pool()]);
    cluster.events = vec![event(
        "AllocationFailed",
        8,
        "2026-11-23T05:33:32Z",
        "Failed to allocate IP for \"web/outside\": [\"10.88.64.99\"] is not allowed in config",
    )];
    let words = ["10.88.64.99 lies in no pool", "services 10.88.64.100-10.88.64.120", "8 times"];
    cluster.says(
        &annotated("outside", &json!({"metallb.io/loadBalancerIPs": "10.88.64.99"})),
        "address/request-refused",
        "service/web/outside",
        &words,
    );
    cluster.says(
        &service("outside", &json!({"spec": {"loadBalancerIP": "10.88.64.99"}})),
        "address/request-refused",
        "service/web/outside",
        &words,
    );
}

#[test]
fn a_pool_that_avoids_the_address_says_so() {
    let cluster = cluster(vec![pool("edge", &["10.88.65.0/24"], &json!({"spec": {"avoidBuggyIPs": true}}))]);
    cluster.says(
        &annotated("late", &json!({"metallb.io/loadBalancerIPs": "10.88.65.255"})),
        "address/request-refused",
        WEB,
        &["pool edge avoids"],
    );
}

#[test]
fn an_unknown_pool_is_named_with_the_nearest() {
    let cluster = cluster(vec![services_pool()]);
    cluster.says(
        &annotated("late", &json!({"metallb.io/address-pool": "service"})),
        "address/request-refused",
        WEB,
        &["no pool service; the nearest is services"],
    );
    cluster.says(
        &annotated("late", &json!({"metallb.universe.tf/address-pool": "missing"})),
        "address/request-refused",
        WEB,
        &["no pool missing"],
    );
    // Address and pool that do not belong together.
    let both = json!({"metallb.io/address-pool": "other", "metallb.io/loadBalancerIPs": "10.88.64.101"});
    cluster.says(
        &annotated("late", &both),
        "address/request-refused",
        WEB,
        &["lies in pool services, and the Service asks for pool other"],
    );
}

#[test]
fn sharing_is_refused_for_its_exact_reason() {
    let ask = |with: Value| {
        let mut value = annotated("clash", &json!({"metallb.io/loadBalancerIPs": "10.88.64.101"}));
        merge(&mut value, &with);
        value
    };
    let check = |holding: Value, asking: Value, words: &[&str]| {
        let mut cluster = cluster(vec![services_pool()]);
        cluster.others = Some(vec![holder("s1", "10.88.64.101", &holding)]);
        cluster.says(&ask(asking), "address/request-refused", "service/web/clash", words);
    };
    let key = |key: &str| json!({"metadata": {"annotations": {"metallb.io/allow-shared-ip": key}}});
    let with = |key: &str, spec: Value| json!({"metadata": {"annotations": {"metallb.io/allow-shared-ip": key}}, "spec": spec});
    check(json!({}), json!({}), &["held by web/s1, which has no allow-shared-ip key"]);
    check(json!({}), key("a"), &["which has no allow-shared-ip key"]);
    check(key("a"), json!({}), &["this Service has no allow-shared-ip key"]);
    check(key("a"), key("b"), &["key is `a`, while this Service's is `b`"]);
    check(key("a"), key("a"), &["the same port TCP/443"]);
    let local = |app: &str| json!({"externalTrafficPolicy": "Local", "selector": {"app": app}, "ports": [{"port": 80}]});
    check(
        with("a", json!({"externalTrafficPolicy": "Local"})),
        with("a", local("other")),
        &["policy Local with selector app=web", "app=other"],
    );
    check(key("a"), with("a", local("web")), &["policy Cluster there, policy Local with selector app=web here"]);
    // The old prefix counts as well, beside the new one.
    check(json!({"metadata": {"annotations": {"metallb.universe.tf/allow-shared-ip": "a"}}}), key("b"), &["key is `a`"]);
}

#[test]
fn what_may_be_shared_is_not_accused() {
    let key = json!({"metadata": {"annotations": {"metallb.io/allow-shared-ip": "a"}}});
    let mut cluster = cluster(vec![services_pool()]);
    cluster.others = Some(vec![holder("s1", "10.88.64.101", &key)]);
    for spec in [json!({"ports": [{"port": 80}]}), json!({"ports": [{"port": 443, "protocol": "UDP"}]})] {
        let mut asking = annotated("late", &json!({"metallb.io/loadBalancerIPs": "10.88.64.101", "metallb.io/allow-shared-ip": "a"}));
        merge(&mut asking, &json!({"spec": spec}));
        cluster.stays_open(&asking, "although pool services");
    }
    let local = json!({"metadata": {"annotations": {"metallb.io/allow-shared-ip": "a"}}, "spec": {"externalTrafficPolicy": "Local"}});
    cluster.others = Some(vec![holder("s1", "10.88.64.101", &local)]);
    let mut asking = annotated("late", &json!({"metallb.io/loadBalancerIPs": "10.88.64.101", "metallb.io/allow-shared-ip": "a"}));
    merge(&mut asking, &json!({"spec": {"externalTrafficPolicy": "Local", "ports": [{"port": 80}]}}));
    cluster.stays_open(&asking, "although pool services");
}

#[test]
fn a_request_that_makes_no_sense_is_told_as_such() {
    let cluster = cluster(vec![services_pool()]);
    let ask = |text: &str| annotated("late", &json!({"metallb.io/loadBalancerIPs": text}));
    cluster.says(&ask("10.88.64.101,10.88.64.102"), "address/request-refused", WEB, &["several addresses of one family"]);
    cluster.says(&ask("10.88.64.101,fd10::1,fd10::2"), "address/request-refused", WEB, &["asks for 3 addresses"]);
    cluster.says(
        &ask("10.88.64.1O1"),
        "address/request-refused",
        WEB,
        &["`10.88.64.1O1` in the annotation loadBalancerIPs is no IP address"],
    );
    cluster.says(&ask("fd10::1"), "address/request-refused", WEB, &["asks for IPv6, and its own families are IPv4"]);
    let mut twice = ask("10.88.64.101");
    merge(&mut twice, &json!({"spec": {"loadBalancerIP": "10.88.64.102"}}));
    cluster.says(&twice, "address/request-refused", WEB, &["both the annotation", "spec.loadBalancerIP (10.88.64.102)"]);
}

#[test]
fn a_dual_stack_service_needs_both_families_of_one_pool() {
    let dual = |policy: &str| service("late", &json!({"spec": {"clusterIPs": ["10.96.0.9", "fd10:96::9"], "ipFamilyPolicy": policy}}));
    let four = || pool("four", &["10.88.64.100/30"], &json!({}));
    let six = || pool("six", &["fd10:88:64::100/126"], &json!({}));
    let one = cluster(vec![four()]);
    one.says(&dual("RequireDualStack"), "address/request-refused", WEB, &["needs IPv4 and IPv6 from one pool", "RequireDualStack"]);
    one.stays_open(&dual("PreferDualStack"), "although pool four");
    cluster(vec![four(), six()]).says(&dual("RequireDualStack"), "address/request-refused", WEB, &["no pool that serves it has both"]);
    // Before 0.14.9 PreferDualStack needed both as well.
    let old = Cluster { version: "0.13.12", ..one.clone() };
    old.says(&dual("PreferDualStack"), "address/request-refused", WEB, &["no pool that serves it has both"]);
    let six_only = service("late", &json!({"spec": {"clusterIPs": ["fd10:96::9"]}}));
    one.says(&six_only, "address/request-refused", WEB, &["needs IPv6, and no pool that serves it has any"]);
    let single = service("late", &json!({"spec": {"ipFamilyPolicy": "RequireDualStack"}}));
    one.says(&single, "address/request-refused", WEB, &["one ClusterIP only"]);
    // One family of a pool of both is full.
    let mut both = cluster(vec![pool("both", &["10.88.64.100/32", "fd10:88:64::100/126"], &json!({}))]);
    both.others = Some(vec![holder("a", "10.88.64.100", &json!({}))]);
    both.says(&dual("RequireDualStack"), "address/pool-exhausted", "pool/both", &["every IPv4 address of pool \"both\""]);
    both.stays_open(&six_only, "although pool both");
    let apart = annotated("late", &json!({"metallb.io/loadBalancerIPs": "10.88.64.101,fd10:88:64::101"}));
    let mut apart_dual = apart;
    merge(&mut apart_dual, &json!({"spec": {"clusterIPs": ["10.96.0.9", "fd10:96::9"]}}));
    cluster(vec![four(), six()]).says(&apart_dual, "address/request-refused", WEB, &["lie in different pools"]);
}

/// Where the objects say nothing, MetalLB's word is quoted; and a newer word takes an older one back.
#[test]
fn metallbs_word_is_quoted_where_the_objects_explain_nothing() {
    let mut cluster = cluster(vec![services_pool()]);
    let failed = "Failed to allocate IP for \"web/late\": no available IPs";
    cluster.events = vec![event("AllocationFailed", 3, "2026-11-23T05:31:51Z", failed)];
    cluster.says(&service("late", &json!({})), "address/request-refused", WEB, &[failed, "pool services has an address for it"]);
    cluster.events.push(event("IPAllocated", 1, "2026-11-23T05:32:05Z", "Assigned IP [\"10.88.64.102\"]"));
    cluster.stays_open(&service("late", &json!({})), "although pool services");
    cluster.events.clear();
    cluster.log = vec![
        r#"{"controller":"ServiceReconciler","level":"info","start reconcile":"web/late"}"#,
        r#"2026-11-23T06:01:01.401242947Z {"error":"no available IPs","level":"error","msg":"IP allocation failed","op":"allocateIPs"}"#,
        r#"{"controller":"ServiceReconciler","end reconcile":"web/late","level":"info"}"#,
    ];
    cluster.says(&service("late", &json!({})), "address/request-refused", WEB, &["no available IPs", "log of controller"]);
}
