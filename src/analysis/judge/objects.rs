//! What of the API a cause is read from: kinds of objects, and what MetalLB's own parts say. A rule names them, since facts of many objects are
//! joined before anything is judged, and no longer tell of which they came.

use super::case::Case;
use crate::model::announcement::Announcement;
use crate::model::basis::Basis;
use crate::model::finding::Finding;

/// Objects of one kind that a cause may be read from. Those that a run did not ask for are left out at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objects {
    /// The Service itself.
    Service,
    /// Every Service, for the addresses that they hold.
    AllServices,
    /// The labels of the Service's namespace.
    Namespace,
    Slices,
    /// The pods of the Service's namespace, and their events where those were asked for.
    Pods,
    /// Every pod, for the addresses that they have.
    AllPods,
    /// What makes the pods of the Service's namespace.
    Workloads,
    Nodes,
    NetworkPolicies,
    Pools,
    /// Advertisements of both kinds.
    Advertisements,
    BgpAdvertisements,
    Peers,
    SessionStates,
    /// MetalLB's Deployment and `DaemonSet`.
    Parts,
    /// `DaemonSet`s of the whole cluster: others that give addresses.
    DaemonSets,
    MetallbPods,
    ConfigurationStates,
    /// `ServiceL2Status` and `ServiceBGPStatus`.
    Statuses,
    /// The events of the Service.
    Events,
    Leases,
    ControllerLog,
    /// The logs of the speakers on the blamed nodes, or of all speakers where no node is blamed.
    SpeakerLogs,
    /// The metrics of the same speakers.
    SpeakerMetrics,
}

impl Objects {
    /// The questions that asked for them.
    pub(super) fn asked(self, case: &Case, finding: &Finding) -> Vec<Basis> {
        let own = case.service.namespace.as_str();
        let announcement = case.announcement;
        let metallb = announcement.map_or("", |announcement| announcement.metallb.namespace.as_str());
        let within = |namespace: &str, kinds: &[&str]| kinds.iter().map(|plural| Basis::objects(plural, namespace)).collect();
        match self {
            Self::Service => within(own, &["services"]),
            Self::AllServices => within("", &["services"]),
            Self::Namespace => within(own, &["namespaces"]),
            Self::Slices => within(own, &["endpointslices"]),
            Self::Pods if case.target.is_some_and(|target| !target.pod_events.is_empty()) => within(own, &["pods", "events"]),
            Self::Pods => within(own, &["pods"]),
            Self::AllPods => within("", &["pods"]),
            Self::Workloads => within(own, &["deployments", "statefulsets", "daemonsets"]),
            Self::Nodes => within("", &["nodes"]),
            // Calico's own are asked for only where a node has rules of such.
            Self::NetworkPolicies => [within(own, &["networkpolicies"]), within("", &["globalnetworkpolicies"])].concat(),
            Self::Pools => within(metallb, &["ipaddresspools", "addresspools"]),
            Self::Advertisements => within(metallb, &["l2advertisements", "bgpadvertisements"]),
            Self::BgpAdvertisements => within(metallb, &["bgpadvertisements"]),
            Self::Peers => within(metallb, &["bgppeers"]),
            Self::SessionStates => within("", &["bgpsessionstates"]),
            Self::Parts => within(metallb, &["deployments", "daemonsets"]),
            Self::DaemonSets => within("", &["daemonsets"]),
            Self::MetallbPods => within(metallb, &["pods"]),
            Self::ConfigurationStates => within(metallb, &["configurationstates"]),
            Self::Statuses => within("", &["servicel2statuses", "servicebgpstatuses"]),
            Self::Events => within(own, &["events"]),
            Self::Leases => {
                let leases = announcement.and_then(|announcement| announcement.metallb.instead.as_ref()?.leases.as_deref());
                leases.unwrap_or_default().iter().map(|lease| Basis::objects("leases", &lease.namespace)).collect()
            }
            Self::ControllerLog => {
                let log = announcement.and_then(|announcement| announcement.metallb.controller_log.as_ref());
                log.map(|log| Basis::log(metallb, &log.pod)).into_iter().collect()
            }
            Self::SpeakerLogs => speakers(announcement, finding).map(|pod| Basis::log(metallb, pod)).collect(),
            Self::SpeakerMetrics => speakers(announcement, finding).map(|pod| Basis::metrics(metallb, pod)).collect(),
        }
    }
}

/// The speakers' pods on the nodes that are blamed, or all of them.
fn speakers<'a>(announcement: Option<&'a Announcement>, finding: &'a Finding) -> impl Iterator<Item = &'a str> {
    let blamed = || finding.culprits.iter().filter_map(|culprit| culprit.on_node());
    let all = announcement.into_iter().flat_map(|announcement| announcement.metallb.speakers.iter());
    all.filter(move |pod| blamed().next().is_none() || blamed().any(|node| pod.node.as_deref() == Some(node))).map(|pod| pod.name.as_str())
}
