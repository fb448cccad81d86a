//! Pools that do not exist, do not serve, or are full.

use serde_json::{Value, json};

use super::{WEB, annotated, cluster, event, holder, pool, service, services_pool};

#[test]
fn without_any_pool_nobody_gets_an_address() {
    cluster(Vec::new()).says(&service("late", &json!({})), "address/pool-missing", WEB, &["no IPAddressPool"]);
}

#[test]
fn what_has_an_address_for_it_is_not_accused() {
    cluster(vec![services_pool()]).stays_open(&service("late", &json!({})), "although pool services has one");
}

/// 0.15.2's own words are of no help there: `["<nil>"] is not allowed in config`.
#[test]
fn a_full_pool_is_named_with_those_who_fill_it() {
    let mut cluster = cluster(vec![services_pool(), pool("tiny", &["10.88.64.130/32"], &json!({"spec": {"autoAssign": false}}))]);
    cluster.others = Some(vec![holder("tiny1", "10.88.64.130", &json!({}))]);
    cluster.events = vec![event(
        "AllocationFailed",
        7,
        "2026-11-23T05:33:32Z",
        "Failed to allocate IP for \"web/tiny2\": [\"<nil>\"] is not allowed in config",
    )];
    let wanting = annotated("tiny2", &json!({"metallb.io/address-pool": "tiny"}));
    cluster.says(&wanting, "address/pool-exhausted", "pool/tiny", &["1 of 1 IPv4", "10.88.64.130 by web/tiny1", "7 times"]);
    // The holder may share it: then it is not full.
    let key = json!({"metadata": {"annotations": {"metallb.io/allow-shared-ip": "k"}}, "spec": {"ports": [{"port": 80}]}});
    cluster.others = Some(vec![holder("tiny1", "10.88.64.130", &key)]);
    let sharing = annotated("tiny2", &json!({"metallb.io/address-pool": "tiny", "metallb.io/allow-shared-ip": "k"}));
    assert!(cluster.judged(&sharing).findings.iter().all(|finding| finding.name != "address/pool-exhausted"));
}

#[test]
fn avoided_octets_fill_a_pool_earlier() {
    let mut cluster = cluster(vec![pool("edge", &["10.88.64.254-10.88.65.0"], &json!({"spec": {"avoidBuggyIPs": true}}))]);
    cluster.others = Some(vec![holder("a", "10.88.64.254", &json!({}))]);
    cluster.says(&service("late", &json!({})), "address/pool-exhausted", "pool/edge", &["1 of 1", "avoidBuggyIPs"]);
    cluster.pools = vec![pool("edge", &["10.88.64.254-10.88.65.0"], &json!({}))];
    cluster.stays_open(&service("late", &json!({})), "although pool edge");
}

#[test]
fn the_pools_status_counts_where_the_services_cannot_be_read() {
    let mut cluster = cluster(vec![pool("tiny", &["10.88.64.130/32"], &json!({"status": {"availableIPv4": 0}}))]);
    cluster.others = None;
    cluster.says(&service("late", &json!({})), "address/pool-exhausted", "pool/tiny", &["none of its 1"]);
    cluster.pools = vec![pool("tiny", &["10.88.64.130/32"], &json!({}))];
    cluster.stays_open(&service("late", &json!({})), "which addresses the other Services");
}

#[test]
fn pools_that_give_nothing_by_themselves() {
    let mut cluster = cluster(vec![pool("manual", &["10.88.64.100-10.88.64.120"], &json!({"spec": {"autoAssign": false}}))]);
    cluster.says(&service("late", &json!({})), "address/pool-not-automatic", "pool/manual", &["autoAssign"]);
    cluster.stays_open(&annotated("late", &json!({"metallb.io/address-pool": "manual"})), "although pool manual");
    // A full automatic pool beside it is the nearer cause.
    cluster.pools.push(pool("tiny", &["10.88.64.130/32"], &json!({})));
    cluster.others = Some(vec![holder("tiny1", "10.88.64.130", &json!({}))]);
    cluster.says(&service("late", &json!({})), "address/pool-exhausted", "pool/tiny", &[]);
}

#[test]
fn a_pool_of_another_namespace_is_none() {
    let only = |allocation: Value| cluster(vec![pool("theirs", &["10.88.64.100/30"], &json!({"spec": {"serviceAllocation": allocation}}))]);
    only(json!({"namespaces": ["monitoring"]})).says(
        &service("late", &json!({})),
        "address/pool-missing",
        WEB,
        &["serves only the namespaces monitoring"],
    );
    only(json!({"namespaces": ["web"]})).stays_open(&service("late", &json!({})), "although pool theirs");
    only(json!({"serviceSelectors": [{"matchLabels": {"tier": "public"}}]})).says(
        &service("late", &json!({})),
        "address/pool-missing",
        WEB,
        &["serviceSelectors"],
    );
    only(json!({"serviceSelectors": [{"matchLabels": {"app": "web"}}]})).stays_open(&service("late", &json!({})), "although pool theirs");
    // Asked for by name it is refused just the same (0.13 to 0.16: "not compatible").
    only(json!({"namespaces": ["monitoring"]})).says(
        &annotated("late", &json!({"metallb.io/address-pool": "theirs"})),
        "address/request-refused",
        WEB,
        &["theirs does not serve this Service", "monitoring"],
    );
    only(json!({"namespaces": ["monitoring"]})).says(
        &annotated("late", &json!({"metallb.io/loadBalancerIPs": "10.88.64.101"})),
        "address/request-refused",
        WEB,
        &["lies in pool theirs, which does not serve"],
    );
}

#[test]
fn namespaces_by_label_need_the_labels() {
    let allocation = json!({"spec": {"serviceAllocation": {"namespaceSelectors": [{"matchLabels": {"team": "a"}}]}}});
    let mut cluster = cluster(vec![pool("theirs", &["10.88.64.100/30"], &allocation)]);
    cluster.stays_open(&service("late", &json!({})), "which namespaces the pools' namespaceSelectors select");
    cluster.namespace = Some(json!({"metadata": {"labels": {"team": "b"}}}));
    cluster.says(&service("late", &json!({})), "address/pool-missing", WEB, &["namespaceSelectors do not select"]);
    // Selectors that find no namespace at all leave the pool open to requests; only MetalLB's own word tells that they found one.
    let asking = annotated("late", &json!({"metallb.io/address-pool": "theirs"}));
    cluster.stays_open(&asking, "which namespaces the pools' namespaceSelectors select");
    cluster.events = vec![event(
        "AllocationFailed",
        2,
        "2026-11-23T05:33:32Z",
        "Failed to allocate IP for \"web/late\": pool theirs not compatible for ip assignment",
    )];
    cluster.says(&asking, "address/request-refused", WEB, &["theirs does not serve"]);
    cluster.events.clear();
    cluster.namespace = Some(json!({"metadata": {"labels": {"team": "a"}}}));
    cluster.stays_open(&service("late", &json!({})), "although pool theirs");
}

/// `config.go`: "if no specific namespaces or service selectors are set, match everything", from 0.15.0.
#[test]
fn an_empty_service_allocation_served_nobody_before_0_15() {
    let mut cluster = cluster(vec![pool("odd", &["10.88.64.100/30"], &json!({"spec": {"serviceAllocation": {"priority": 50}}}))]);
    cluster.stays_open(&service("late", &json!({})), "although pool odd");
    cluster.version = "0.14.9";
    cluster.says(&service("late", &json!({})), "address/pool-missing", WEB, &["selects nobody"]);
    cluster.stays_open(&annotated("late", &json!({"metallb.universe.tf/address-pool": "odd"})), "although pool odd");
}

/// 0.14.9: the pool was deleted while in use, and the address was taken away.
#[test]
fn a_pool_deleted_while_in_use_leaves_metallbs_word_about_it() {
    let mut cluster = cluster(vec![pool("tiny", &["10.88.64.130/32"], &json!({"spec": {"autoAssign": false}}))]);
    cluster.events = vec![
        event("IPAllocated", 1, "2026-11-23T05:41:52Z", "Assigned IP [\"10.88.64.107\"]"),
        event(
            "ClearAssignment",
            1,
            "2026-11-23T05:46:11Z",
            "current IP for \"web/bothold\" not allowed by config, will attempt for new IP assignment: [\"10.88.64.107\"] is not allowed in config",
        ),
        event("AllocationFailed", 2, "2026-11-23T05:46:11Z", "Failed to allocate IP for \"web/bothold\": unknown pool \"services\""),
    ];
    let asking = annotated("late", &json!({"metallb.universe.tf/address-pool": "services"}));
    cluster.says(&asking, "address/request-refused", WEB, &["no pool services", "event ClearAssignment", "10.88.64.107"]);
}
