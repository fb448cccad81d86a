//! The places of a closer look, and what is read of each.

use std::time::Duration;

use crate::analysis::closer::Plan;
use crate::analysis::state::place_state::PlaceState;
use crate::analysis::state::sections::place_state;
use crate::analysis::state::ways::RouteQuestion;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::endpoint::Target;
use crate::model::place::{HostKind, Place};
use crate::model::service::Service;
use crate::words::capture::pod_netns_capture::place as pod_place;
use crate::words::probe::vantage;
use crate::words::session::Run;

/// The places to look at, with the questions to their routing.
pub(super) fn places(run: &Run, plan: &Plan, target: &Target) -> Vec<(Place, Vec<String>)> {
    let mut places: Vec<(Place, Vec<String>)> =
        plan.nodes.iter().map(|(name, questions)| (Place::Host(run.node_host(name)), keys(questions))).collect();
    places.extend(plan.pods.iter().filter_map(|(name, questions)| match pod_place(run, target, name)? {
        Place::Host(_) => None,
        place @ Place::Pod { .. } => Some((place, keys(questions))),
    }));
    places.extend(plan.again.iter().filter_map(|from| Some((vantage::place(run, from).ok()?, Vec::new()))));
    places
}

/// The links and addresses of nodes that are not on the path. A recording of before they were asked for has none.
pub(super) fn others(run: &Run, plan: &Plan) -> Vec<PlaceState> {
    let places: Vec<Place> = plan.others.iter().map(|name| Place::Host(run.node_host(name))).collect();
    let answers = side_by_side(&places, |place| state(run, place, &[], ""));
    let mut states = Vec::new();
    for (place, answer) in places.iter().zip(answers) {
        match answer {
            Ok(state) => states.push(state),
            Err(error) if error.kind == ErrorKind::NotRecorded => {}
            Err(error) => {
                run.gap(error.gap(place, format!("which MAC addresses {place} has")));
            }
        }
    }
    states
}

/// The state of every place, side by side; `None` where it could not be read, which is a gap.
pub(super) fn states(run: &Run, service: &Service, places: &[(Place, Vec<String>)]) -> Vec<Option<PlaceState>> {
    let address = service.addresses.first().map(ToString::to_string).unwrap_or_default();
    let answers = side_by_side(places, |(place, questions)| state(run, place, questions, &address));
    places
        .iter()
        .zip(answers)
        .map(|((place, _), answer)| match answer {
            Ok(state) => Some(state),
            Err(error) => {
                run.gap(error.gap(place, format!("the network state of {place}")));
                None
            }
        })
        .collect()
}

fn state(run: &Run, place: &Place, questions: &[String], address: &str) -> Result<PlaceState, EvidenceError> {
    let mut args = place.as_arguments().to_vec();
    args.push(address.to_owned());
    args.extend(questions.iter().cloned());
    let command = Command { script: Script::Inspect, args, limit: Duration::from_secs(20), most_bytes: 16 << 20 };
    let output = run.evidence.hosts.run(place.host(), &command)?;
    Ok(place_state(place.clone(), &output.stdout))
}

/// The questions to a place's routing that go by what came in there, as the script takes them.
fn by_packets(run: &Run, plan: &Plan, place: &Place) -> Vec<String> {
    let (asked, about) = match place {
        Place::Host(host) if host.kind == HostKind::Node => (plan.nodes.contains_key(&host.name), plan.forwarded.get(&host.name)),
        Place::Host(_) => return Vec::new(),
        Place::Pod { .. } => place.pod_name().map_or((false, None), |name| (plan.pods.contains_key(name), plan.answering.get(name))),
    };
    if run.evidence.hosts.assumes() {
        // What is asked depends on packets, and none was seen.
        return asked.then(|| RouteQuestion::FORM.to_owned()).into_iter().collect();
    }
    keys(about.map(Vec::as_slice).unwrap_or_default())
}

fn keys(questions: &[RouteQuestion]) -> Vec<String> {
    questions.iter().map(RouteQuestion::key).collect()
}

/// Asks the nodes' kernels which way they forward what came in, as it came in, and the pods' which way they answer. Where it cannot be asked,
/// less is known, and nothing is lost.
pub(super) fn forwarding(run: &Run, plan: &Plan, places: &[(Place, Vec<String>)]) -> Vec<(Place, PlaceState)> {
    let asked: Vec<(&Place, Vec<String>)> =
        places.iter().map(|(place, _)| (place, by_packets(run, plan, place))).filter(|(_, questions)| !questions.is_empty()).collect();
    let answers = side_by_side(&asked, |(place, questions)| {
        let mut args = place.as_arguments().to_vec();
        args.push("forwarded".to_owned());
        args.extend(questions.iter().cloned());
        let command = Command { script: Script::State, args, limit: Duration::from_secs(20), most_bytes: 1 << 20 };
        run.evidence.hosts.run(place.host(), &command).map(|output| place_state((*place).clone(), &output.stdout))
    });
    asked.iter().zip(answers).filter_map(|((place, _), answer)| Some(((*place).clone(), answer.ok()?))).collect()
}
