//! A cluster without MetalLB: whether it is one, and what its own load balancer leaves in the API.

use rhai::NativeCallContext;

use super::cluster_facts::{ask, listed};
use crate::analysis::announcement::instead::whose;
use crate::analysis::read::{number, text};
use crate::evidence::cluster::{Kind, ListQuery};
use crate::evidence::error::ErrorKind;
use crate::model::metallb::{Instead, Lease};
use crate::model::service::Service;
use crate::model::subject::Subject;
use crate::words::session::{Answer, Run};

/// Where cluster-wide load balancers keep their Leases.
const THEIRS: &str = "kube-system";

/// Whether the API knows none of MetalLB's kinds. Before 0.13 it was configured by a ConfigMap: its pods tell of that.
pub fn kinds_are_unknown(run: &Run) -> bool {
    let unknown = |name: &str| matches!(&*listed(run, name), Err(error) if error.kind == ErrorKind::NotFound);
    ["pools", "l2advertisements", "bgpadvertisements"].into_iter().all(unknown)
}

/// Reads what tells who announces.
///
/// # Errors
/// When the run ends.
pub fn read(run: &Run, context: &NativeCallContext, service: &Service) -> Answer<Instead> {
    let mut namespaces = vec![THEIRS];
    namespaces.extend(Some(service.namespace.as_str()).filter(|own| *own != THEIRS));
    let named = |namespace: &str| format!("leases of {namespace}");
    let of = |namespace: &&str| (named(namespace), ListQuery::within(Kind::of("coordination.k8s.io", "v1", "leases"), namespace));
    ask(run, &namespaces.iter().map(of).collect::<Vec<_>>());
    let mut leases = None;
    for namespace in namespaces {
        match &*listed(run, &named(namespace)) {
            Ok(list) => {
                let told = list.iter().filter_map(|value| {
                    let name = text(value, "/metadata/name");
                    Some(Lease {
                        of: whose(service, &name)?.to_owned(),
                        name,
                        namespace: namespace.to_owned(),
                        holder: text(value, "/spec/holderIdentity"),
                        renewed: text(value, "/spec/renewTime"),
                        lasts_s: number(value, "/spec/leaseDurationSeconds").unwrap_or_default(),
                    })
                });
                leases.get_or_insert_with(Vec::new).extend(told);
            }
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotRecorded) => {}
            Err(error) => run.failed_look(
                context,
                error,
                Subject::Api(named(namespace)),
                "which node another load balancer has announce the address",
            )?,
        }
    }
    Ok(Instead { leases })
}
