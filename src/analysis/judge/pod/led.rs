//! A rule of the pod's own network that leads its requests elsewhere: to a port on which nobody listens, or out of the pod.

use std::net::{IpAddr, SocketAddr};

use super::back::arriving;
use super::{Reached, port, protocol};
use crate::analysis::judge::case::found;
use crate::analysis::judge::road::Road;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{Hook, Kind, Turn, trail};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::service::Protocol;

/// The rule that surely gives every request of the road another destination.
fn turned(pair: &StatePair, road: &Road, pod: &str, protocol: Protocol) -> Option<Turn> {
    let hop = arriving(road, pod)?;
    let packet = Fields {
        source: Some(hop.source.0),
        destination: Some(hop.destination.0),
        destination_port: Some(hop.destination.1),
        protocol: protocol.name().to_lowercase(),
        input: Some(hop.interface.clone()),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    };
    let trail = trail(pair, &packet, None);
    let leads = |turn: &Turn| turn.hook == Hook::Prerouting && turn.certain && turn.counted() && matches!(turn.kind, Kind::Destination(..));
    trail.turns.into_iter().find(leads).filter(|_| trail.open.is_empty())
}

/// Every request that was lost there meets one rule that leads it to where nobody takes it, and none that was answered by the pod does.
pub(super) fn astray(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, roads, seen } = reached;
    let (pair, number) = (case.pod_state(pod)?, port(case, pod)?);
    let own = case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod))?.ip;
    let all: Vec<Turn> = roads.iter().map(|road| turned(pair, road, pod, protocol(case))).collect::<Option<_>>()?;
    let turn = all.first()?;
    let same = |other: &Turn| (other.tool, &other.path) == (turn.tool, &turn.path);
    let answered = case.roads();
    let mut answered = answered.iter().filter(|road| road.connection.attempt.answered());
    let spares = !answered.any(|road| turned(pair, road, pod, protocol(case)).as_ref().is_some_and(same));
    let Kind::Destination(to, Some(led)) = turn.kind else { return None };
    if !all.iter().all(same) || !spares {
        return None;
    }
    let here = to.is_none_or(|to| to == own || to.is_loopback() || pair.after.has_address(to));
    let listens =
        |at: IpAddr| Some(pair.after.listeners(protocol(case))?.iter().any(|listener| listener.port == led && listener.takes(at)));
    let (whither, lacking) = match to {
        _ if here && listens(to.unwrap_or(own))? => return None,
        _ if here => (format!("port {led}, on which nobody listens"), format!("no socket of {pod} listens on {led}")),
        Some(to) => (format!("{}, out of the pod", SocketAddr::new(to, led)), format!("{to} is no address of {pod}")),
        None => return None,
    };
    let counted = turn.grown.map(|grown| format!(", and counted {grown} more while the probe was repeated")).unwrap_or_default();
    let mend = if here {
        format!(
            "See why nobody listens on {led} in {pod}, such as the proxy of a service mesh's sidecar. If none is meant to, delete the pod"
        )
    } else {
        format!("See who wrote that rule into {pod}, and whether it is meant. If it is not, delete the pod")
    };
    Some(Finding {
        next: format!("{mend}: it is made anew without the rule, unless an init container writes it; then correct that."),
        ..found(
            names::POD_FIREWALL_DROP,
            vec![reached.subject()],
            format!("a rule inside the pod's namespace leads what is for port {number} to {whither}: {}", turn.text),
            vec![seen.clone(), format!("{} {} in {pod} leads all of these requests there{counted}", turn.tool, turn.path), lacking],
        )
    })
}
