//! Logs of every format, and the traps that real ones hold.

use proptest::prelude::*;

use super::*;
use crate::model::announcement::{LogState, TroubleMeaning};

const ADDRESS: &str = "10.88.64.100";

fn fold(lines: &[&str]) -> SpeakerLog {
    let mut fold = Fold::new("speaker-a", "n1", &[ADDRESS.parse().unwrap()]);
    for line in lines {
        fold.line(line);
    }
    fold.finish()
}

fn state(lines: &[&str]) -> LogState {
    let log = fold(lines);
    let words = &log.addresses[0].protocols;
    if words.iter().any(|word| word.state == LogState::Announced) {
        LogState::Announced
    } else {
        words.first().map_or(LogState::Silent, |word| word.state)
    }
}

fn check(lines: &[&str], expected: LogState) {
    assert_eq!(state(lines), expected, "{lines:?}");
}

const START: &str = r#"2026-11-22T09:59:00.000000001Z {"branch":"","caller":"main.go:108","commit":"lab","goversion":"gc / go1.26.8 / amd64","level":"info","msg":"MetalLB speaker starting version 0.15.2 (commit lab, branch )","ts":"2026-11-22T09:59:00Z","version":"0.15.2"}"#;
const ANNOUNCED: &str = r#"2026-11-22T10:00:00.123456789Z {"caller":"main.go:443","event":"serviceAnnounced","ips":["10.88.64.100"],"level":"info","msg":"service has IP, announcing","pool":"services","protocol":"layer2","ts":"2026-11-22T10:00:00Z"}"#;
const WITHDRAWN: &str = r#"2026-11-22T10:01:00.5Z {"event":"serviceWithdrawn","ip":["10.88.64.100"],"ips":["10.88.64.100"],"level":"info","msg":"withdrawing service announcement","pool":"services","protocol":"layer2","reason":"notOwner"}"#;

#[test]
fn announced_then_withdrawn() {
    check(&[ANNOUNCED], LogState::Announced);
    check(&[ANNOUNCED, WITHDRAWN], LogState::Withdrawn);
    let log = fold(&[START, ANNOUNCED, WITHDRAWN, ANNOUNCED]);
    let words = &log.addresses[0];
    assert_eq!(words.protocols[0].since.as_deref(), Some("2026-11-22T10:00:00.123456789Z"));
    assert_eq!(words.moves.iter().map(|step| step.gained).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((log.version.as_deref(), log.complete, log.lines), (Some("0.15.2"), true, 4));
}

/// 0.12 and 0.13.0 to 0.13.9 log a null `ip` (metallb#2005).
#[test]
fn a_withdrawal_without_ip_takes_ips() {
    check(&[ANNOUNCED, r#"{"event":"serviceWithdrawn","ip":null,"ips":["10.88.64.100"],"reason":"notOwner"}"#], LogState::Withdrawn);
}

/// 0.12.0 to 0.13.9: the entry was gone before it was logged, so that neither field has an address. 0.12 names the Service.
#[test]
fn a_withdrawal_without_any_address_is_its_services() {
    let announced = r#"{"caller":"level.go:63","event":"serviceAnnounced","ips":["10.88.64.100"],"protocol":"layer2","service":"a/web"}"#;
    let gone = |service: &str| format!(r#"{{"event":"serviceWithdrawn","ip":null,"reason":"serviceDeleted","service":"{service}"}}"#);
    check(&[announced, &gone("a/web")], LogState::Withdrawn);
    check(&[announced, &gone("a/other")], LogState::Announced);
}

/// 0.13.0 to 0.13.9 do not name it: it is the one that is being reconciled.
#[test]
fn a_withdrawal_that_names_nothing_is_of_the_service_under_reconciliation() {
    let start = |service: &str| format!(r#"{{"controller":"ServiceReconciler","level":"info","start reconcile":"{service}","ts":"x"}}"#);
    let end = r#"{"controller":"ServiceReconciler","end reconcile":"a/web","level":"info"}"#;
    let nodes = r#"{"controller":"NodeReconciler","level":"info","start reconcile":"/n2"}"#;
    let gone = r#"{"event":"serviceWithdrawn","ip":null,"level":"info","reason":"serviceDeleted"}"#;
    check(&[&start("a/web"), ANNOUNCED, end, &start("a/web"), nodes, gone], LogState::Withdrawn);
    check(&[&start("a/web"), ANNOUNCED, end, &start("a/other"), gone], LogState::Announced);
    check(&[&start("a/web"), ANNOUNCED, end, gone], LogState::Announced);
}

/// Seen in every version: `ip` is the old address, `ips` the new one.
#[test]
fn a_changed_address_is_not_a_withdrawal_of_the_new_one() {
    let changed = r#"{"event":"serviceWithdrawn","ip":["10.88.64.102"],"ips":["10.88.64.100"],"reason":"loadBalancerIPChanged"}"#;
    check(&[ANNOUNCED, changed], LogState::Announced);
    let away = r#"{"event":"serviceWithdrawn","ip":["10.88.64.100"],"ips":["10.88.64.118"],"reason":"loadBalancerIPChanged"}"#;
    check(&[ANNOUNCED, away], LogState::Withdrawn);
}

/// Several Services share one address: one of them going leaves it announced.
#[test]
fn a_shared_address_is_announced_until_the_last_service_is_gone() {
    let start = |service: &str| format!(r#"{{"controller":"ServiceReconciler","start reconcile":"{service}"}}"#);
    let (a, b) = (start("a/one"), start("a/two"));
    check(&[&a, ANNOUNCED, &b, ANNOUNCED, &a, WITHDRAWN], LogState::Announced);
    check(&[&a, ANNOUNCED, &b, ANNOUNCED, &a, WITHDRAWN, &b, WITHDRAWN], LogState::Withdrawn);
    // It is not told which one went: two announced it, so that one still does.
    let reload = r#"{"controller":"ServiceReconciler - reprocessAll","start reconcile":"metallbreload/reload"}"#;
    let end = r#"{"controller":"ServiceReconciler","end reconcile":"a/two"}"#;
    check(&[&a, ANNOUNCED, &b, ANNOUNCED, end, reload, WITHDRAWN], LogState::Announced);
}

/// A reload reconciles everything without saying for whom: the same Service, announced by name, is withdrawn without one.
#[test]
fn a_withdrawal_in_a_reload_is_of_a_service_that_announces() {
    let start = |service: &str| format!(r#"{{"controller":"ServiceReconciler","start reconcile":"{service}"}}"#);
    let reload = r#"{"controller":"ServiceReconciler - reprocessAll","start reconcile":"metallbreload/reload"}"#;
    let end = r#"{"controller":"ServiceReconciler","end reconcile":"a/one"}"#;
    check(&[&start("a/one"), ANNOUNCED, end, reload, ANNOUNCED, reload, WITHDRAWN], LogState::Withdrawn);
    check(&[reload, ANNOUNCED, &start("a/one"), WITHDRAWN], LogState::Withdrawn);
    // Two Services, both withdrawn in one reload.
    check(&[&start("a/one"), ANNOUNCED, &start("a/two"), ANNOUNCED, end, reload, WITHDRAWN, WITHDRAWN], LogState::Withdrawn);
}

#[test]
fn the_same_address_over_two_protocols() {
    let bgp = ANNOUNCED.replace("layer2", "bgp");
    let log = fold(&[ANNOUNCED, &bgp]);
    let protocols: Vec<&str> = log.addresses[0].protocols.iter().map(|word| word.protocol.as_str()).collect();
    assert_eq!(protocols, ["layer2", "bgp"]);
    // It is logged once the last protocol is gone.
    check(&[ANNOUNCED, &bgp, WITHDRAWN], LogState::Withdrawn);
}

#[test]
fn a_start_forgets_what_was_said() {
    let log = fold(&[ANNOUNCED, r#"{"event":"createARPResponder","interface":"mlb"}"#, START]);
    assert!(log.addresses[0].protocols.is_empty() && log.responders.is_empty() && log.complete);
    assert!(!fold(&[ANNOUNCED]).complete, "a log without its start is no whole log");
}

/// metallb#430: `ip` as a text, and the Service's name. metallb#1292: 0.12 over BGP.
#[test]
fn old_lines_are_read() {
    check(
        &[
            r#"{"caller":"main.go:229","event":"serviceAnnounced","ip":"10.88.64.100","msg":"service has IP, announcing","pool":"default","protocol":"layer2","service":"metallb-system/test","ts":"2019-06-26T06:36:35.677084247Z"}"#,
        ],
        LogState::Announced,
    );
    let bgp = r#"{"caller":"level.go:63","event":"serviceAnnounced","ips":["10.88.64.100"],"level":"info","msg":"service has IP, announcing","pool":"default","protocol":"bgp","service":"default/my-nginx","ts":"2022-03-29T13:22:27.599653775Z"}"#;
    assert_eq!(fold(&[bgp]).addresses[0].protocols[0].protocol, "bgp");
    // Up to 0.11 the withdrawal's address is empty.
    let gone = r#"{"event":"serviceWithdrawn","ip":"","msg":"withdrawing service announcement","reason":"notOwner","service":"metallb-system/test"}"#;
    check(
        &[r#"{"event":"serviceAnnounced","ip":"10.88.64.100","protocol":"layer2","service":"metallb-system/test"}"#, gone],
        LogState::Withdrawn,
    );
}

#[test]
fn logfmt_is_read() {
    check(
        &[
            r#"2022-03-29T13:22:27.5Z caller=main.go:229 event=serviceAnnounced ips=["10.88.64.100"] msg="service has IP, announcing" pool=default protocol=layer2"#,
        ],
        LogState::Announced,
    );
    let log = fold(&[r#"level=info ts=2022-03-29T13:22:27.5Z msg="nothing of interest""#]);
    assert_eq!(log.unknown_lines, 0);
}

#[test]
fn what_kubectl_stern_and_runtimes_put_in_front_is_cut_off() {
    let (time, json) = ANNOUNCED.split_once(' ').unwrap();
    for line in [json.to_owned(), format!("[pod/speaker-a/speaker] {ANNOUNCED}"), format!("{time} stdout F {json}")] {
        check(&[&line], LogState::Announced);
    }
}

#[test]
fn addresses_are_compared_as_addresses() {
    let mut fold = Fold::new("speaker-a", "n1", &["fd10:88:64::100".parse().unwrap()]);
    fold.line(r#"{"event":"serviceAnnounced","ips":["10.88.64.101","fd10:88:64:0::100"],"protocol":"layer2"}"#);
    assert_eq!(fold.finish().addresses[0].protocols[0].state, LogState::Announced);
}

#[test]
fn lines_that_nothing_explains_are_counted_and_shown() {
    let log = fold(&[
        "W0517 08:18:49.685956 1 warnings.go:70] deprecated",
        "struct { Version uint8; ASN16 uint16 }{Version:0x4}",
        r#"{"level":"info","ts":"x","msg":"Starting EventSource","controller":"service"}"#,
        "what is this?\u{1b}[31m",
        "Defaulted container \"frr\" out of: frr, speaker",
        "{\"event\":\"serviceAnnounced\", cut off",
    ]);
    assert_eq!(log.unknown_lines, 2);
    assert_eq!(log.unknown_samples, ["what is this? [31m", "{\"event\":\"serviceAnnounced\", cut off"]);
}

#[test]
fn members_that_are_lost_and_come_back() {
    let event = |event: &str| {
        format!(r#"{{"level":"info","msg":"node event - forcing sync","node addr":"10.88.0.13","node event":"{event}","node name":"n3"}}"#)
    };
    assert_eq!(fold(&[&event("NodeLeave")]).failed_members, ["n3"]);
    assert!(fold(&[&event("NodeLeave"), &event("NodeJoin")]).failed_members.is_empty());
    let marking = r#"{"caller":"state.go:1245","component":"Memberlist","level":"info","msg":"memberlist: Marking n1 as failed, suspect timeout reached (2 peer confirmations)"}"#;
    assert_eq!(fold(&[marking]).failed_members, ["n1"]);
    // Suspicion is no loss, and a join that waits for pods is no fault.
    let suspect = r#"{"component":"Memberlist","msg":"memberlist: Suspect n3 has failed, no acks received"}"#;
    let partial = r#"{"error":null,"expected":1,"joined":0,"level":"error","msg":"partial join","op":"memberDiscovery"}"#;
    assert!(fold(&[suspect, partial]).failed_members.is_empty());
    let off = r#"{"level":"info","msg":"not starting fast dead node detection (memberlist), need ml-bindaddr / ml-labels config","op":"startup"}"#;
    assert_eq!(fold(&[off]).memberlist, Some(false));
}

/// A wrong local AS number: up and down, thirty times a second.
#[test]
fn sessions_are_told_with_their_reason() {
    let up = |second: u32| {
        format!(
            r#"2026-11-23T05:36:{second:02}.6Z {{"caller":"native.go:121","event":"sessionUp","level":"info","localASN":64501,"msg":"BGP session established","peer":"10.88.64.1","peerASN":64512}}"#
        )
    };
    let notified = r#"2026-11-23T05:36:55.6Z {"caller":"native.go:441","error":"got BGP notification code 0x0202 (Bad peer AS)","event":"peerNotification","level":"error","localASN":64501,"msg":"peer sent notification, closing session","peer":"10.88.64.1","peerASN":64512}"#;
    let down = r#"2026-11-23T05:36:55.6Z {"caller":"native.go:127","event":"sessionDown","level":"warn","localASN":64501,"msg":"BGP session down","peer":"10.88.64.1","peerASN":64512}"#;
    let log = fold(&[&up(50), notified, down, &up(56), notified, down]);
    let session = &log.sessions[0];
    assert_eq!((session.up, session.changes, session.changes_last_minute), (Some(false), 4, 4));
    assert_eq!(session.error.as_deref(), Some("got BGP notification code 0x0202 (Bad peer AS)"));
    let refused = r#"{"caller":"native.go:113","error":"unexpected peer ASN 64512, want 64513","level":"error","localASN":64500,"msg":"failed to connect to peer","op":"connect","peer":"10.88.64.1","peerASN":64513}"#;
    let log = fold(&[refused]);
    assert_eq!((log.sessions[0].up, log.sessions[0].changes), (Some(false), 0));
    let removed = r#"{"event":"peerRemoved","msg":"peer deconfigured, closing BGP session","peer":"10.88.64.1"}"#;
    assert!(fold(&[refused, removed]).sessions.is_empty());
}

#[test]
fn a_failed_reload_of_frr_is_told_until_one_succeeds() {
    let reload = r#"{"caller":"frr.go:492","error":"exit status 1","level":"error","op":"reload-validate","ts":"x"}"#;
    assert_eq!(fold(&[reload]).reload_error.as_deref(), Some("exit status 1"));
    assert_eq!(fold(&[reload, r#"{"op":"reload-validate","success":"reloaded config"}"#]).reload_error, None);
}

#[test]
fn interfaces_that_answer_and_that_do_not_exist() {
    let log = fold(&[
        r#"{"event":"createARPResponder","interface":"eth0"}"#,
        r#"{"event":"createARPResponder","interface":"mlb"}"#,
        r#"{"event":"deleteARPResponder","interface":"eth0"}"#,
    ]);
    let arp = |interface: &str| Responder { interface: interface.to_owned(), ndp: false };
    assert_eq!((&log.responders, &log.closed), (&vec![arp("mlb")], &vec![arp("eth0")]));
    let address = ADDRESS.parse().unwrap();
    let to = |interfaces: &[&str]| log.refuses_to_answer(address, &interfaces.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(to(&[]), None, "mlb is left");
    assert_eq!(to(&["mlb"]), None);
    assert_eq!(to(&["eth0"]), None, "the log lost its beginning");
    let log = SpeakerLog { complete: true, ..log.clone() };
    let why = log.refuses_to_answer(address, &["eth0".to_owned()]).unwrap();
    assert!(why.contains("deleted ARP responder for interface eth0"), "{why}");
    assert_eq!(log.refuses_to_answer(address, &["mlb".to_owned()]), None);
    let warning = |lines: &[&str]| fold(lines).addresses[0].interface_warning.clone();
    let of = |address: &str| {
        format!(
            r#"{{"IPAdvertisement":{{}},"ips":["{address}"],"level":"warn","localIfs":["eth0","mlb","vxlan.calico"],"msg":"the specified interfaces used to announce LB IP don't exist","op":"SetBalancer"}}"#
        )
    };
    // The speaker says that it announces, all the same.
    assert_eq!(warning(&[&of(ADDRESS), ANNOUNCED]).as_deref(), Some("eth0, mlb, vxlan.calico"));
    assert_eq!(warning(&[&of("10.88.64.106"), ANNOUNCED]), None, "another address");
    assert_eq!(warning(&[&of(ADDRESS), ANNOUNCED, ANNOUNCED]), None, "the advertisement was put right");
    assert_eq!(warning(&[&of(ADDRESS), ANNOUNCED, WITHDRAWN]), None);
    let nowhere = |lines: &[&str]| fold(lines).addresses[0].announces_nowhere;
    assert!(nowhere(&[START, &of(ADDRESS), ANNOUNCED]));
    assert!(nowhere(&[START, ANNOUNCED, WITHDRAWN, &of(ADDRESS), ANNOUNCED]), "it let go of what it had");
    assert!(!nowhere(&[START, ANNOUNCED, &of(ADDRESS), ANNOUNCED]), "it goes on where it announced before");
    assert!(!nowhere(&[&of(ADDRESS), ANNOUNCED]), "what was before the log begins is not known");
}

/// What a speaker answers with is of one family: where NDP is refused, ARP may work, and the other way round.
#[test]
fn a_responder_of_one_family_says_nothing_of_the_other() {
    let made = |kind: &str| {
        format!(r#"{{"event":"create{kind}Responder","interface":"mlb","level":"info","msg":"created {kind} responder for interface"}}"#)
    };
    let refused = |kind: &str| {
        format!(
            r#"{{"error":"bind: cannot assign requested address","interface":"mlb","level":"error","msg":"failed to create {kind} responder","op":"create{kind}Responder"}}"#
        )
    };
    let (four, six) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
    for (kind, other, works, fails) in [("ARP", "NDP", four, six), ("NDP", "ARP", six, four)] {
        let log = fold(&[START, &made(kind), &refused(other)]);
        assert_eq!(log.refuses_to_answer(works, &[]), None, "{kind}");
        assert!(log.refuses_to_answer(fails, &[]).is_some_and(|why| why.contains(other)), "{kind}");
        let log = fold(&[START, &made(kind), &refused(other), &made(other)]);
        assert_eq!(log.refuses_to_answer(fails, &[]), None, "it came after all");
    }
}

/// What client-go says by klog is no line of MetalLB's, and is why a speaker says nothing.
#[test]
fn lists_that_are_refused_are_told_until_a_service_is_looked_at() {
    let refused = r#"E1202 18:22:19.518345       1 reflector.go:200] "Failed to watch" err="failed to list *v1.EndpointSlice: endpointslices.discovery.k8s.io is forbidden: User \"system:serviceaccount:metallb-system:speaker\" cannot list resource \"endpointslices\"" logger="UnhandledError""#;
    let mut whole = Fold::new("speaker-a", "n1", &[ADDRESS.parse().unwrap()]);
    assert_eq!([START, refused, refused].map(|line| whole.line(line)), [Worth::Something, Worth::Something, Worth::Nothing]);
    let log = whole.finish();
    assert_eq!((log.troubles.len(), log.troubles[0].meaning), (1, TroubleMeaning::Api));
    assert!(log.troubles[0].text.contains("system:serviceaccount:metallb-system:speaker"), "{:?}", log.troubles);
    let later = fold(&[START, refused, r#"{"controller":"ServiceReconciler","start reconcile":"a/one"}"#]);
    assert!(later.troubles.is_empty(), "{:?}", later.troubles);
}

/// What a recording keeps must tell the same as the whole log.
#[test]
fn the_lines_that_matter_tell_everything_but_their_number() {
    let heartbeat = r#"2026-11-22T10:00:30Z {"controller":"NodeReconciler","level":"info","start reconcile":"/n2"}"#;
    let one = r#"{"controller":"ServiceReconciler","start reconcile":"a/one"}"#;
    let two = r#"{"controller":"ServiceReconciler","start reconcile":"a/two"}"#;
    let lines = [START, heartbeat, two, one, ANNOUNCED, heartbeat, two, ANNOUNCED, one, WITHDRAWN, "what is this?", two, ANNOUNCED];
    let mut whole = Fold::new("speaker-a", "n1", &[ADDRESS.parse().unwrap()]);
    // As the recorder keeps them.
    let (mut kept, mut context) = (Vec::new(), None);
    for line in lines {
        match whole.line(line) {
            Worth::Something | Worth::Strange => kept.extend(context.take().into_iter().chain([line])),
            Worth::Context => context = Some(line),
            Worth::Nothing => {}
        }
    }
    assert!(!kept.contains(&heartbeat) && kept.len() == 10, "{kept:?}");
    let (whole, part) = (whole.finish(), fold(&kept));
    assert_eq!(SpeakerLog { lines: 0, ..part }, SpeakerLog { lines: 0, ..whole });
}

#[test]
fn moves_are_bounded() {
    let lines: Vec<&str> = [ANNOUNCED, WITHDRAWN].into_iter().cycle().take(500).collect();
    let words = &fold(&lines).addresses[0];
    assert_eq!((words.moves.len(), words.moves_dropped), (64, 436));
}

proptest! {
    #[test]
    fn no_text_breaks_it(lines in proptest::collection::vec(prop_oneof![".{0,120}", "[{\"a-z:,\\[\\]= ]{0,80}", Just(ANNOUNCED.to_owned())], 0..20)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let log = fold(&lines);
        prop_assert!(log.unknown_samples.len() <= 3);
    }
}
