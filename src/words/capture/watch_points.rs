//! `watch_points(announcer, target)`: the nodes and pods that a request passes, within bounds.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};

use crate::model::announcement::Announcement;
use crate::model::endpoint::Target;
use crate::model::place::Place;
use crate::words::fact::Fact;
use crate::words::manual::capture::WATCH_POINTS as WORD;
use crate::words::probe::vantage;
use crate::words::session::{Answer, Run};

/// Pods that are looked into at the same time.
const MOST_PODS: usize = 6;
/// Nodes that are logged in to for captures.
const MOST_NODES: usize = 8;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    for name in [WORD.name].into_iter().chain(WORD.formerly.iter().copied()) {
        let plain = Arc::clone(run);
        engine.register_fn(name, move |announcer: Fact<Announcement>, target: Fact<Target>| map(points(&plain, &announcer.0, &target.0)));
        let run = Arc::clone(run);
        engine.register_fn(name, move |context: NativeCallContext, announcer: Fact<Announcement>, target: Fact<Target>, from: Dynamic| {
            with_askers(&run, &context, &announcer.0, &target.0, &from)
        });
    }
}

fn with_askers(run: &Run, context: &NativeCallContext, announcer: &Announcement, target: &Target, from: &Dynamic) -> Answer<Map> {
    let (mut nodes, pods) = points(run, announcer, target);
    for vantage in vantage::named(run, context, from)? {
        // A pod that cannot be found is told of where it is asked from.
        if let Ok(place @ Place::Pod { .. }) = vantage::place(run, &vantage)
            && !nodes.contains(&place.host().name)
        {
            nodes.push(place.host().name.clone());
        }
    }
    Ok(map((nodes, pods)))
}

fn map((nodes, pods): (Vec<String>, Vec<String>)) -> Map {
    let array = |names: Vec<String>| names.into_iter().map(Dynamic::from).collect::<Array>();
    [("nodes".into(), array(nodes).into()), ("pods".into(), array(pods).into())].into_iter().collect()
}

fn points(run: &Run, announcer: &Announcement, target: &Target) -> (Vec<String>, Vec<String>) {
    let serving: Vec<(String, Option<String>)> = target
        .serving()
        .into_iter()
        .filter_map(|endpoint| Some((endpoint.pod.clone()?, endpoint.node.clone())))
        .filter(|(pod, _)| target.pod(pod).is_some_and(|pod| pod.node.is_some()))
        .collect();
    let mut pods: Vec<String> = Vec::new();
    let mut nodes = announcer.entrances();
    if nodes.is_empty() {
        nodes.extend(announcer.may_announce().into_iter().take(4).map(str::to_owned));
    }
    if nodes.len() > MOST_NODES {
        run.fact(format!("{} nodes may take a request; these are not watched: {}", nodes.len(), nodes[MOST_NODES..].join(", ")));
        nodes.truncate(MOST_NODES);
    }
    // Pods on different nodes first: each stands for its node's part of the path.
    let mut ordered: Vec<&(String, Option<String>)> = Vec::new();
    for entry in &serving {
        if !ordered.iter().any(|known| known.1 == entry.1) {
            ordered.push(entry);
        }
    }
    ordered.extend(serving.iter().filter(|entry| !ordered.contains(entry)).collect::<Vec<_>>());
    for (pod, node) in ordered {
        if pods.len() == MOST_PODS {
            break;
        }
        let known = node.as_ref().is_some_and(|node| nodes.contains(node));
        if !known && nodes.len() == MOST_NODES {
            continue;
        }
        nodes.extend(node.clone().filter(|_| !known));
        pods.push(pod.clone());
    }
    if pods.len() < serving.len() {
        run.fact(format!("of {} serving pods {} are looked into; left out: {}", serving.len(), pods.len(), left_out(&serving, &pods)));
    }
    (nodes, pods)
}

fn left_out(serving: &[(String, Option<String>)], pods: &[String]) -> String {
    let names: Vec<&str> = serving.iter().map(|(pod, _)| pod.as_str()).filter(|pod| !pods.iter().any(|taken| taken == pod)).collect();
    let shown = names.len().min(10);
    let more = if names.len() > shown { format!(" and {} more", names.len() - shown) } else { String::new() };
    format!("{}{more}", names[..shown].join(", "))
}
