//! Places from which a probe starts, as a person writes them.

use rhai::{Dynamic, NativeCallContext};

use crate::analysis::read::objects;
use crate::evidence::cluster::{Kind, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::Vantage;
use crate::model::vantage_text::parse;
use crate::words::capture::pod_netns_capture;
use crate::words::session::{Answer, Run, Stop};

/// The vantage points that a script names: a text with commas, or an array.
///
/// # Errors
/// Ends the run as a usage error when one is none.
pub fn named(run: &Run, context: &NativeCallContext, value: &Dynamic) -> Answer<Vec<Vantage>> {
    let text = match value.clone().into_array() {
        Ok(parts) => parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Err(_) => value.to_string(),
    };
    parse(&text).map_err(|error| run.end(context, Stop::Usage(error)))
}

/// The machines that vantage points mean. A pod is none, and a client whose traffic is watched neither.
#[must_use]
pub fn hosts(run: &Run, vantages: &[Vantage]) -> Vec<Host> {
    vantages.iter().filter_map(|vantage| host(run, vantage)).collect()
}

/// The machine that the vantage point means; `None` for a pod and for a client whose traffic is watched.
#[must_use]
pub fn host(run: &Run, vantage: &Vantage) -> Option<Host> {
    Some(match vantage {
        Vantage::Local => Host::local(),
        Vantage::Ssh(name) => Host { name: name.clone(), address: name.clone(), kind: HostKind::Client },
        Vantage::Node(name) => run.node_host(name),
        Vantage::Pod(_) | Vantage::Client(_) => return None,
    })
}

/// Where the vantage point is: a machine, or a pod's network namespace on its node. A pod is read once a run.
///
/// # Errors
/// When the pod cannot be read, does not exist, or runs nowhere.
pub fn place(run: &Run, vantage: &Vantage) -> Result<Place, EvidenceError> {
    let Vantage::Pod(full) = vantage else {
        return host(run, vantage).map(Place::Host).ok_or_else(|| no_such(vantage, "it is no machine"));
    };
    if let Some(known) = run.state().asking_pods.get(full) {
        return known.clone();
    }
    let (namespace, name) = full.split_once('/').unwrap_or(("", full));
    let query = ObjectQuery { kind: Kind::core("pods"), namespace: Some(namespace.to_owned()), name: name.to_owned() };
    let found = run.evidence.cluster.get(&query).and_then(|object| {
        let pod = object.as_ref().map(objects::pod).ok_or_else(|| no_such(vantage, "there is no such pod"))?;
        pod_netns_capture::place_of(run, &pod).ok_or_else(|| no_such(vantage, "it runs on no node"))
    });
    run.state().asking_pods.insert(full.clone(), found.clone());
    found
}

fn no_such(vantage: &Vantage, reason: &str) -> EvidenceError {
    EvidenceError::new(ErrorKind::NotFound, format!("ask from {}", vantage.text()), reason)
}
