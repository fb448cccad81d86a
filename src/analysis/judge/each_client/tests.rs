//! Two clients fail at one point.

use serde_json::json;

use super::parts;
use crate::analysis::judge::Case;
use crate::analysis::judge::case::found;
use crate::analysis::judge::road::Road;
use crate::analysis::read::objects;
use crate::model::catalogue::names;
use crate::model::connection::Connection;
use crate::model::finding::{Finding, Gap};
use crate::model::probe::{Attempt, Vantage};
use crate::model::subject::Subject;

fn connection(client: &str) -> Connection {
    Connection { vantage: Vantage::Ssh(client.to_owned()), attempt: Attempt::sample(), hops: Vec::new(), pod: None, not_joined: None }
}

fn rule(chain: &str) -> Finding {
    found(names::NODE_FIREWALL_DROP, vec![Subject::rule("n2", &format!("filter/{chain}/1"), chain)], "a rule", Vec::new())
}

/// What is said of the tries of two clients: of whom, by how many causes, with how many gaps.
fn said(cause: impl Fn(&[&Road]) -> (Vec<Finding>, Vec<Gap>)) -> Vec<(Vec<String>, usize, usize)> {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"}}));
    let case = Case { service: &service, announcement: None, target: None, flow: None, closer: None, gaps: &[] };
    let connections = [connection("c1"), connection("c2")];
    let roads: Vec<Road> = connections.iter().map(|connection| Road::new(&case, connection, Vec::new())).collect();
    let all: Vec<&Road> = roads.iter().collect();
    parts(&all, cause)
        .iter()
        .map(|part| (part.roads.iter().map(|road| road.client()).collect(), part.causes.len(), part.open.len()))
        .collect()
}

fn is_of(roads: &[&Road], client: &str) -> bool {
    roads.iter().any(|road| road.client() == client)
}

#[test]
fn each_client_has_the_cause_that_holds_for_it() {
    let both = said(|roads| (vec![rule(if is_of(roads, "c1") { "first" } else { "second" })], Vec::new()));
    assert_eq!(both, [(vec!["c1".to_owned()], 1, 0), (vec!["c2".to_owned()], 1, 0)]);
    let open = || Gap::new(names::EVIDENCE_UNDECIDED, Subject::node("n2"), "nothing explains it", "why");
    let one = said(|roads| if is_of(roads, "c1") { (vec![rule("first")], Vec::new()) } else { (Vec::new(), vec![open()]) });
    assert_eq!(one, [(vec!["c1".to_owned()], 1, 0), (vec!["c2".to_owned()], 0, 1)]);
}

#[test]
fn one_cause_of_all_stays_one() {
    let together = vec![(vec!["c1".to_owned(), "c2".to_owned()], 1, 0)];
    assert_eq!(said(|_| (vec![rule("first")], Vec::new())), together);
    // What lies between the clients and the node is named by all of them.
    let between = |roads: &[&Road]| {
        let from = roads.iter().map(|road| road.client()).collect::<Vec<_>>().join("+");
        vec![found(names::WIRE_REQUEST_LOST, vec![Subject::network(&from, "n2")], "lost", Vec::new())]
    };
    assert_eq!(said(|roads| (between(roads), Vec::new())), together);
}
