//! Places from which a probe starts, as a person writes them.

use rhai::{Dynamic, NativeCallContext};

use super::pod_netns_capture;
use super::run::{Answer, Run, Stop};
use crate::analysis::read::objects;
use crate::evidence::cluster::{Kind, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::Vantage;

/// What can be written.
const FORMS: &str = "write local, ssh:HOST, node:NAME or pod:NAMESPACE/NAME";

/// Reads `local`, `ssh:HOST`, `node:NAME` or `pod:NAMESPACE/NAME`, one or several by comma.
///
/// # Errors
/// When a part is none of these; the text says what is known.
pub fn parse(text: &str) -> Result<Vec<Vantage>, String> {
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let vantage = match part.split_once(':') {
            None if part == "local" => Vantage::Local,
            Some(("ssh", host)) if plain(host) => Vantage::Ssh(host.to_owned()),
            Some(("node", name)) if plain(name) => Vantage::Node(name.to_owned()),
            Some(("pod", name)) if name.split_once('/').is_some_and(|(namespace, name)| plain(namespace) && plain(name)) => {
                Vantage::Pod(name.to_owned())
            }
            _ => return Err(format!("`{part}` is no vantage point: {FORMS}")),
        };
        if !all.contains(&vantage) {
            all.push(vantage);
        }
    }
    if all.is_empty() { Err(format!("no vantage point is named: {FORMS}")) } else { Ok(all) }
}

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

/// A host's name that no program can take for an option.
fn plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:@[]%".contains(c))
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

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::model::probe::Vantage;

    #[test]
    fn vantage_points_are_read() {
        let all = [Vantage::Local, Vantage::Ssh("c1".into()), Vantage::Node("n2".into()), Vantage::Pod("web/a-1".into())];
        assert_eq!(parse("local, ssh:c1,node:n2,pod:web/a-1").unwrap(), all);
        assert_eq!(all.map(|one| one.text()), ["local", "ssh:c1", "node:n2", "pod:web/a-1"]);
        for wrong in ["", "ssh:", "ssh:-oProxyCommand=x", "pod", "pod:web", "pod:web/", "pod:a/b/c", "ssh:a b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
