//! The policies that the closer look compares rules with.

use rhai::NativeCallContext;

use crate::analysis::read::policies::{calicos as calicos_policy, network_policy};
use crate::analysis::state::place_state::PlaceState;
use crate::analysis::state::plugin_rules;
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::evidence::error::ErrorKind;
use crate::evidence::side_by_side::side_by_side;
use crate::model::policy::{Held, NetworkPolicy};
use crate::model::service::Service;
use crate::words::session::{Answer, Run};

/// The NetworkPolicies of the Service's namespace; `None` where they could not be read, as in a recording of before they were asked for.
pub(super) fn kubernetes(run: &Run, context: &NativeCallContext, service: &Service) -> Answer<Option<Vec<NetworkPolicy>>> {
    let query = ListQuery::within(Kind::of("networking.k8s.io", "v1", "networkpolicies"), &service.namespace);
    // Of policies that could not all be read, another one may allow what these refuse.
    match run.evidence.cluster.list(&query).and_then(List::all) {
        Ok(list) => Ok(Some(list.iter().map(network_policy).collect())),
        Err(error) if error.kind == ErrorKind::NotRecorded => Ok(None),
        Err(error) => {
            run.failed_look(context, &error, service, "whether a NetworkPolicy keeps requests from the pods")?;
            Ok(None)
        }
    }
}

/// Calico's own policies, of the Service's namespace and of the whole cluster, where a place has rules of such; `None` where they could not all
/// be read. It only adds to the proof: whoever may not read them learns less, and nothing is undecided by it.
pub(super) fn calicos<'a>(run: &Run, service: &Service, mut states: impl Iterator<Item = &'a PlaceState>) -> Option<Vec<Held>> {
    if !run.evidence.hosts.assumes() && !states.any(plugin_rules::of_calicos_own) {
        return None;
    }
    let kind = |plural: &str| Kind::of("crd.projectcalico.org", "v1", plural);
    let all = [
        ListQuery::within(kind("networkpolicies"), &service.namespace),
        ListQuery::everywhere(kind("globalnetworkpolicies")),
        ListQuery::everywhere(kind("clusterinformations")),
    ];
    let answers = side_by_side(&all, |query| run.evidence.cluster.list(query).and_then(List::all));
    let lists: Vec<_> = answers.into_iter().collect::<Result<_, _>>().ok()?;
    let [within, of_cluster, information] = lists.as_slice() else { return None };
    // Calico keeps this one object wherever it keeps the rest: without it the rest may be in etcd.
    (!information.is_empty()).then(|| within.iter().chain(of_cluster).map(calicos_policy).collect())
}
