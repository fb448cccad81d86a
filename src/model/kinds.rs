//! Every kind of the API's objects that lbdiag knows, with the version in which it asks for them. It asks for nothing itself.

/// A kind by its place in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
}

/// All of them: what words ask for by themselves, and what a playbook may name by the plural alone.
pub const KINDS: &[Known] = &[
    known("", "v1", "namespaces"),
    known("", "v1", "nodes"),
    known("", "v1", "services"),
    known("", "v1", "pods"),
    known("", "v1", "events"),
    known("discovery.k8s.io", "v1", "endpointslices"),
    known("coordination.k8s.io", "v1", "leases"),
    known("apps", "v1", "deployments"),
    known("apps", "v1", "daemonsets"),
    known("apps", "v1", "statefulsets"),
    known("networking.k8s.io", "v1", "networkpolicies"),
    known("metallb.io", "v1beta1", "ipaddresspools"),
    known("metallb.io", "v1beta1", "l2advertisements"),
    known("metallb.io", "v1beta1", "bgpadvertisements"),
    known("metallb.io", "v1beta1", "servicel2statuses"),
    known("metallb.io", "v1beta1", "servicebgpstatuses"),
    known("metallb.io", "v1beta1", "configurationstates"),
    known("metallb.io", "v1beta1", "addresspools"),
    known("metallb.io", "v1beta2", "bgppeers"),
    known("frrk8s.metallb.io", "v1beta1", "bgpsessionstates"),
    known("crd.projectcalico.org", "v1", "ippools"),
    known("cilium.io", "v2", "ciliumnodes"),
];

const fn known(group: &'static str, version: &'static str, plural: &'static str) -> Known {
    Known { group, version, plural }
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn a_plural_names_one_kind() {
        let plurals: std::collections::BTreeSet<&str> = KINDS.iter().map(|kind| kind.plural).collect();
        assert_eq!(plurals.len(), KINDS.len());
    }
}
