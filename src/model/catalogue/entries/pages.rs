//! Documentation that several entries refer to, each address in one place.

pub(super) const METALLB_TROUBLESHOOTING: &str = "https://metallb.io/troubleshooting/";
pub(super) const METALLB_LAYER2: &str = "https://metallb.io/concepts/layer2/";
pub(super) const METALLB_BGP: &str = "https://metallb.io/concepts/bgp/";
pub(super) const METALLB_USAGE: &str = "https://metallb.io/usage/";
pub(super) const METALLB_INSTALLATION: &str = "https://metallb.io/installation/";
pub(super) const METALLB_CLOUDS: &str = "https://metallb.io/installation/clouds/";
pub(super) const METALLB_ADVANCED_POOLS: &str = "https://metallb.io/configuration/_advanced_ipaddresspool_configuration/";
pub(super) const METALLB_ADVANCED_L2: &str = "https://metallb.io/configuration/_advanced_l2_configuration/";
pub(super) const METALLB_ADVANCED_BGP: &str = "https://metallb.io/configuration/_advanced_bgp_configuration/";
pub(super) const METALLB_CALICO: &str = "https://metallb.io/configuration/calico/";
pub(super) const METALLB_K3S: &str = "https://metallb.io/configuration/k3s/";
pub(super) const METALLB_METRICS: &str = "https://metallb.io/prometheus-metrics/";
pub(super) const METALLB_RELEASE_NOTES: &str = "https://metallb.io/release-notes/";

pub(super) const KUBERNETES_SERVICE: &str = "https://kubernetes.io/docs/concepts/services-networking/service/";
pub(super) const KUBERNETES_ENDPOINT_SLICES: &str = "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/";
pub(super) const KUBERNETES_DUAL_STACK: &str = "https://kubernetes.io/docs/concepts/services-networking/dual-stack/";
pub(super) const KUBERNETES_NETWORK_POLICIES: &str = "https://kubernetes.io/docs/concepts/services-networking/network-policies/";
pub(super) const KUBERNETES_VIRTUAL_IPS: &str = "https://kubernetes.io/docs/reference/networking/virtual-ips/";
pub(super) const KUBERNETES_LABELS: &str = "https://kubernetes.io/docs/reference/labels-annotations-taints/";
pub(super) const KUBERNETES_RBAC: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/";
pub(super) const KUBERNETES_NODES: &str = "https://kubernetes.io/docs/concepts/architecture/nodes/";
pub(super) const KUBERNETES_POD_LIFECYCLE: &str = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/";
pub(super) const KUBERNETES_RUNTIME_CLASS: &str = "https://kubernetes.io/docs/concepts/containers/runtime-class/";
pub(super) const KUBERNETES_LOGGING: &str = "https://kubernetes.io/docs/concepts/cluster-administration/logging/";
pub(super) const KUBERNETES_DEBUG_SERVICE: &str = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/";
pub(super) const KUBERNETES_DEBUG_PODS: &str = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/";

pub(super) const IP_SYSCTL: &str = "https://docs.kernel.org/networking/ip-sysctl.html";
pub(super) const CONNTRACK_SYSCTL: &str = "https://docs.kernel.org/networking/nf_conntrack-sysctl.html";
pub(super) const NFTABLES_TRACE: &str = "https://wiki.nftables.org/wiki-nftables/index.php/Ruleset_debug/tracing";
