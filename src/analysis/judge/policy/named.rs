//! A policy as a sentence names it, and how it is shown.

use crate::analysis::state::plugin_rules::Enforced;
use crate::model::policy::NetworkPolicy;
use crate::model::subject::Subject;

/// A policy that does not let requests in.
pub(super) struct Policy {
    pub subject: Subject,
    /// As a sentence names it.
    pub named: String,
    /// What it does with these requests.
    pub does: &'static str,
    /// How it is shown.
    pub command: String,
    /// The object.
    pub enforced: Enforced,
}

impl Policy {
    pub(super) fn of(policy: &NetworkPolicy, does: &'static str) -> Self {
        let enforced = Enforced::Kubernetes { namespace: Some(policy.namespace.clone()), name: policy.name.clone() };
        Self::named(&enforced, &policy.namespace, does)
    }

    /// By what the plugin wrote into its rule; `pods` is the pod's own namespace.
    pub(super) fn named(enforced: &Enforced, pods: &str, does: &'static str) -> Self {
        let of = |subject: Subject, kind: &str, resource: &str, name: &str, within: &str| Self {
            subject,
            named: format!("{kind} {name}"),
            does,
            command: format!("kubectl get {resource}{within} {name} -o yaml"),
            enforced: enforced.clone(),
        };
        let in_namespace = |kind: &str, namespace: &str, name: &str, resource: &str| {
            of(Subject::network_policy(namespace, name), kind, resource, name, &format!(" -n {namespace}"))
        };
        let of_cluster =
            |kind: &str, path: &str, resource: &str, name: &str| of(Subject::from(format!("{path}/{name}")), kind, resource, name, "");
        match enforced {
            Enforced::Kubernetes { namespace, name } => {
                in_namespace("NetworkPolicy", namespace.as_deref().unwrap_or(pods), name, "networkpolicies.networking.k8s.io")
            }
            Enforced::Calico { namespace, name } => {
                in_namespace("Calico NetworkPolicy", namespace, name, "networkpolicies.crd.projectcalico.org")
            }
            Enforced::Global(name) => {
                of_cluster("GlobalNetworkPolicy", "globalnetworkpolicy", "globalnetworkpolicies.crd.projectcalico.org", name)
            }
            Enforced::Admin(name) => {
                of_cluster("AdminNetworkPolicy", "adminnetworkpolicy", "adminnetworkpolicies.policy.networking.k8s.io", name)
            }
        }
    }
}
