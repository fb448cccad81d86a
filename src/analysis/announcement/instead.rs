//! What other load balancers leave in the API of a cluster that has no MetalLB: the Leases by which their nodes agree on who announces.

use crate::analysis::timestamps::second;
use crate::model::metallb::Lease;
use crate::model::service::Service;

/// How a load balancer names the Lease by which its nodes agree on who announces.
struct Named {
    of: &'static str,
    /// The name, in which `NS` and `NAME` stand for the Service's.
    name: &'static str,
}

const LEASES: [Named; 3] = [
    Named { of: "Cilium's L2 announcements", name: "cilium-l2announce-NS-NAME" },
    Named { of: "kube-vip", name: "kubevip-NAME" },
    // One for all Services, where kube-vip holds no election for each.
    Named { of: "kube-vip", name: "plndr-svcs-lock" },
];

/// Whose Lease it is, when it is one that tells who announces the Service.
#[must_use]
pub fn whose(service: &Service, lease: &str) -> Option<&'static str> {
    let is = |named: &&Named| named.name.replace("NS", &service.namespace).replace("NAME", &service.name) == lease;
    LEASES.iter().find(is).map(|named| named.of)
}

/// Whether it is held now: nobody renews the Lease of a node that is gone.
pub(super) fn held(lease: &Lease, now: &str) -> bool {
    let runs_out = second(&lease.renewed).map(|renewed| renewed + i64::try_from(lease.lasts_s).unwrap_or(i64::MAX / 2));
    !lease.holder.is_empty() && runs_out.zip(second(now)).is_none_or(|(end, now)| now <= end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::announcement::{Gathered, announcement};
    use crate::analysis::read::objects;
    use crate::model::announcement::Agreement;
    use crate::model::metallb::{Instead, Metallb};
    use serde_json::json;

    fn service() -> Service {
        objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}))
    }

    /// Agreement and nodes by Leases of a holder and the time at which each was last renewed, a minute before which it is asked.
    fn told(leases: &[(&str, &str)]) -> (Agreement, Vec<String>) {
        let service = service();
        let lease = |(holder, renewed): &(&str, &str)| Lease {
            namespace: "kube-system".to_owned(),
            name: "cilium-l2announce-a-web".to_owned(),
            of: "Cilium's L2 announcements".to_owned(),
            holder: (*holder).to_owned(),
            renewed: (*renewed).to_owned(),
            lasts_s: 15,
        };
        let metallb = Metallb { instead: Some(Instead { leases: Some(leases.iter().map(lease).collect()) }), ..Metallb::default() };
        let nodes = ["n1", "n2"].map(|name| objects::node(&json!({"metadata": {"name": name}}))).to_vec();
        let gathered = Gathered { nodes: nodes.into(), now: "2026-11-24T11:00:10Z".to_owned(), ..Gathered::of_objects(&service, metallb) };
        let found = announcement(gathered);
        (found.agreement, found.nodes)
    }

    #[test]
    fn a_lease_names_its_service_and_whose_it_is() {
        let of = |name: &str| whose(&service(), name);
        assert_eq!(of("cilium-l2announce-a-web"), Some("Cilium's L2 announcements"));
        assert_eq!((of("kubevip-web"), of("plndr-svcs-lock")), (Some("kube-vip"), Some("kube-vip")));
        assert_eq!((of("cilium-l2announce-b-web"), of("kube-scheduler")), (None, None));
    }

    #[test]
    fn who_holds_the_lease_announces_as_long_as_it_is_renewed() {
        let now = "2026-11-24T11:00:00.5Z";
        assert_eq!(told(&[("n2", now)]), (Agreement::Agree, vec!["n2".to_owned()]));
        assert_eq!(told(&[("n2", "2026-11-24T10:58:00Z")]), (Agreement::Unknown, vec![]), "nobody renews it");
        assert_eq!(told(&[("", now)]), (Agreement::Unknown, vec![]));
        assert_eq!(told(&[("n2", now), ("n1", now)]).0, Agreement::Several);
        assert_eq!(told(&[]), (Agreement::Unknown, vec![]));
    }
}
