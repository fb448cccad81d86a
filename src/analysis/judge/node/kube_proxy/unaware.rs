//! kube-proxy that refuses requests although a pod is ready: it does not know of it, or takes it for another node's.

use super::{service_port, within};
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::scene::Scene;
use crate::analysis::judge::translation;
use crate::analysis::state::data_path;
use crate::analysis::state::kube_proxy::{Refused, refused_by_table, refused_for};
use crate::model::catalogue::names;
use crate::model::endpoint::Endpoint;
use crate::model::finding::Finding;
use crate::model::service::TrafficPolicy;
use crate::model::subject::Subject;

/// The endpoints that the rules would have to know of, to refuse nothing.
fn ready<'c>(case: &Case<'c>, node: &str) -> Vec<&'c Endpoint> {
    let Some(target) = case.target.filter(|target| target.slices_read) else { return Vec::new() };
    let local = case.service.external_policy == TrafficPolicy::Local;
    target.serving().into_iter().filter(|endpoint| !local || endpoint.node.as_deref() == Some(node)).collect()
}

/// `web-1 (10.88.130.3 on n2)`
fn shown_as(endpoint: &Endpoint) -> String {
    let on = endpoint.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
    match &endpoint.pod {
        Some(pod) => format!("{pod} ({}{on})", endpoint.ip),
        None => format!("{}{on}", endpoint.ip),
    }
}

/// kube-proxy refuses what it should lead to a pod that is ready.
pub(in crate::analysis::judge) fn unaware(scene: &Scene) -> Option<Finding> {
    let Scene { case, pair, node, .. } = *scene;
    let (address, port) = (case.address()?, service_port(case)?);
    let ready = ready(case, node);
    let first = ready.first()?;
    let owner = format!("{}/{}", port.namespace, port.service);
    let (refused, shown) = translation::by_kube_proxy(pair, scene.fields, scene.roads)
        .find_map(|(drop, grown)| {
            let refused = refused_for(&drop.text, &owner)?;
            Some((refused, filters::took(node, drop.tool, &drop.path, &drop.text, Some(grown))))
        })
        .or_else(|| {
            let (refused, element) = refused_by_table(&pair.after, address, port)?;
            Some((refused, format!("nft on {node}: kube-proxy's map no-endpoint-services holds {element}")))
        })?;
    let pods = ready.iter().map(|endpoint| shown_as(endpoint)).collect::<Vec<_>>().join(" and ");
    let what = match refused {
        Refused::NoneHere => format!("as if no ready pod were on {node}"),
        Refused::None => "as if no pod were ready".to_owned(),
    };
    let evidence = vec![shown, format!("the EndpointSlices hold as ready: {pods}")];
    let mut finding = found(
        names::NODE_PROXY_STALE,
        vec![Subject::kube_proxy(node)],
        format!("kube-proxy on {node} refuses the requests {what}, and {} is", shown_as(first)),
        evidence,
    );
    finding.next = match refused {
        // It knows pods of its own node by that name alone.
        Refused::NoneHere => format!(
            "Compare the name by which kube-proxy on {node} knows its node (--hostname-override, hostnameOverride in its configuration, or the host's name) with `{node}`: it takes pods of another name for another node's. If they are the same, restart it, and see whether it can reach the API server."
        ),
        Refused::None => finding.next,
    };
    if let Some((name, states)) = data_path::kube_proxy(&pair.after) {
        within(&mut finding, name, node);
        finding.next = pair.after.wake(name).unwrap_or(finding.next);
        if states.contains(&'T') {
            finding.evidence.push(format!("the kernel shows {name} on {node} in state T"));
        }
    }
    Some(finding)
}
