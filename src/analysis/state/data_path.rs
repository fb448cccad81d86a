//! Network plugins that lead packets by programmes of their own: what they translate and drop stands in no packet filter that is read.

use super::place_state::PlaceState;
use crate::model::packet::Passage;

/// A plugin, and how it is known on a node.
#[derive(Debug, PartialEq, Eq)]
pub struct Plugin {
    pub name: &'static str,
    /// Its agent's process, where that one tells; empty where the same agent may lead packets in another way.
    process: &'static str,
    /// An interface that it makes on every node.
    interface: &'static str,
    /// Its tunnels' interfaces, of which its programmes take packets before the kernel asks whose MAC they are for.
    tunnels: &'static [&'static str],
    /// What tells there what it dropped, and why.
    pub drops: &'static str,
}

const PLUGINS: [Plugin; 4] = [
    Plugin {
        name: "Cilium",
        process: "cilium-agent",
        interface: "cilium_host",
        tunnels: &["cilium_vxlan", "cilium_geneve"],
        drops: "cilium-dbg monitor -t drop",
    },
    Plugin { name: "Antrea", process: "antrea-agent", interface: "antrea-gw0", tunnels: &[], drops: "antctl trace-packet" },
    // The pair of interfaces through which its programmes hand packets to the kernel's own path.
    Plugin { name: "Calico's eBPF data path", process: "", interface: "bpfin.cali", tunnels: &[], drops: "calico-node -bpf counters dump" },
    Plugin { name: "OVN-Kubernetes", process: "ovnkube", interface: "ovn-k8s-mp0", tunnels: &[], drops: "ovs-appctl ofproto/trace" },
];

/// What runs kube-proxy: itself, or a distribution that holds it in its own process.
const KUBE_PROXIES: [&str; 6] = ["kube-proxy", "k3s", "k3s-server", "k3s-agent", "kubelite", "kubesolo"];

/// The plugin of a node that leads packets by itself, by its interface or its process.
#[must_use]
pub fn plugin(state: &PlaceState) -> Option<&'static Plugin> {
    let has_link = |name: &str| state.links().unwrap_or_default().iter().any(|link| link.name == name);
    let runs = |name: &str| state.processes(name).is_some_and(|states| !states.is_empty());
    PLUGINS.iter().find(|plugin| has_link(plugin.interface) || runs(plugin.process))
}

/// The process in which kube-proxy runs on a node, with the kernel's letter for each of that name; kube-proxy itself, with none, where nothing
/// runs it. `None` when the processes were not read.
#[must_use]
pub fn kube_proxy(state: &PlaceState) -> Option<(&'static str, Vec<char>)> {
    let of = |name: &'static str| Some((name, state.processes(name)?));
    let none = of(KUBE_PROXIES[0])?;
    Some(KUBE_PROXIES.into_iter().filter_map(of).find(|(_, states)| !states.is_empty()).unwrap_or(none))
}

/// Whether kube-proxy runs on a node; `None` when the processes were not read.
#[must_use]
pub fn kube_proxy_runs(state: &PlaceState) -> Option<bool> {
    kube_proxy(state).map(|(_, states)| !states.is_empty())
}

/// How a frame passed, as its taker sees it: what a plugin's tunnel gives its programmes need not carry the MAC of that interface.
#[must_use]
pub fn passage(interface: &str, passage: Passage) -> Passage {
    let of_a_plugin = PLUGINS.iter().any(|plugin| plugin.tunnels.contains(&interface));
    if passage == Passage::Other && of_a_plugin { Passage::In } else { passage }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{HostKind, Place};

    fn state(links: &[&str], processes: &str) -> PlaceState {
        let links = links.iter().map(|name| format!("2: {name}: <UP> mtu 1500 state UP\n")).collect::<Vec<_>>().concat();
        place_state(Place::sample("n1", HostKind::Node), &format!("=== links\n{links}=== end 0\n=== processes\n{processes}=== end 0\n"))
    }

    #[test]
    fn a_plugin_is_known_by_its_interface_or_its_agent() {
        let named = |links: &[&str], processes: &str| plugin(&state(links, processes)).map(|plugin| plugin.name);
        assert_eq!(named(&["eth0", "cilium_host"], "kubelet S\n"), Some("Cilium"));
        assert_eq!(named(&["eth0"], "cilium-agent S\n"), Some("Cilium"));
        assert_eq!(named(&["antrea-gw0"], ""), Some("Antrea"));
        assert_eq!(named(&["eth0", "bpfin.cali"], "calico-node S\n"), Some("Calico's eBPF data path"));
        assert_eq!(named(&["eth0", "vxlan.calico"], "kube-proxy S\ncalico-node S\n"), None);
    }

    #[test]
    fn kube_proxy_runs_by_itself_or_within_a_distribution() {
        assert_eq!(kube_proxy_runs(&state(&[], "kube-proxy S\n")), Some(true));
        assert_eq!(kube_proxy_runs(&state(&[], "k3s-server S\n")), Some(true));
        assert_eq!(kube_proxy_runs(&state(&[], "cilium-agent S\n")), Some(false));
        assert_eq!(kube_proxy_runs(&place_state(Place::sample("n1", HostKind::Node), "")), None);
    }

    #[test]
    fn what_comes_out_of_a_plugins_tunnel_came_in() {
        assert_eq!(passage("cilium_vxlan", Passage::Other), Passage::In);
        assert_eq!((passage("vxlan.calico", Passage::Other), passage("cilium_vxlan", Passage::Out)), (Passage::Other, Passage::Out));
    }
}
