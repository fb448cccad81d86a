//! The site file: what differs from place to place. Playbooks are shared verbatim, sites are not forked playbooks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The whole file. Every part may be left out; an unknown key is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    pub ssh: Ssh,
    pub nodes: Nodes,
    pub via: Via,
    pub metallb: MetallbSite,
    /// Defaults of playbook parameters, by name.
    pub defaults: BTreeMap<String, Value>,
    /// Narrows what playbooks may use; `None` leaves it to their headers.
    pub uses: Option<Vec<String>>,
}

/// How hosts are reached, over what `ssh_config` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// A file in `ssh_config` form, in place of `~/.ssh/config`.
    pub config: Option<PathBuf>,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// Private keys, tried before the agent's and before the usual files.
    pub keys: Vec<PathBuf>,
    pub known_hosts: Vec<PathBuf>,
}

/// How a node's name becomes an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nodes {
    /// Node name to what SSH connects to.
    pub addresses: BTreeMap<String, String>,
    /// What SSH connects to for a node that is not among these, with `{name}` or `{address}` (its InternalIP) in it, such
    /// as `{name}.mgmt.example`. Without it `ssh_config` decides by the node's name, or else its InternalIP is taken.
    pub address_pattern: Option<String>,
}

/// How nodes are reached without SSH, when that is asked for (`--via pod`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Via {
    pub pod: Option<PodVia>,
}

/// Pods that are there already, one on each node: privileged, as root, and with `hostPID`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodVia {
    pub namespace: String,
    /// A label selector.
    pub labels: String,
    /// The container; may be left out when there is one.
    pub container: Option<String>,
    #[serde(default)]
    pub tools: PodTools,
}

/// Whose tools are used: sh, tcpdump, ip and the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PodTools {
    /// The node's own, which the pod enters; the pod's where the node has no shell.
    #[default]
    Host,
    /// The pod's own; only the node's network is entered.
    Pod,
}

/// Where MetalLB is, when it is not where it usually is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetallbSite {
    pub namespace: Option<String>,
    /// Label selector of the speakers' pods.
    pub speaker_labels: Option<String>,
}

/// A site file that cannot be used.
#[derive(Clone, Debug)]
pub struct SiteError(pub String);

impl Site {
    /// Reads a site file.
    ///
    /// # Errors
    /// When it cannot be read, is not YAML, or has unknown keys; the message names the file and the place in it.
    pub fn read(path: &Path) -> Result<Self, SiteError> {
        let text = super::text_file::read(path).map_err(|error| SiteError(format!("read site file {}: {error}", path.display())))?;
        let refused = |reason: String| SiteError(format!("site file {}: {reason}", path.display()));
        let site: Self = serde_yaml::from_str(&text).map_err(|error| refused(error.to_string()))?;
        site.nodes.check().map_err(refused)?;
        Ok(site)
    }
}

impl Nodes {
    fn check(&self) -> Result<(), String> {
        let Some(pattern) = &self.address_pattern else { return Ok(()) };
        let rest = pattern.replace("{name}", "").replace("{address}", "");
        if rest == *pattern || rest.contains(['{', '}']) {
            return Err(format!("nodes.address_pattern: `{pattern}` has to hold {{name}} or {{address}} and no other braces"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Site, SiteError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("site.yaml");
        std::fs::write(&file, text).unwrap();
        Site::read(&file)
    }

    #[test]
    fn a_pattern_has_to_tell_nodes_apart() {
        let site = read("nodes: { address_pattern: '{name}.mgmt.example' }").unwrap();
        assert_eq!(site.nodes.address_pattern.as_deref(), Some("{name}.mgmt.example"));
        for wrong in ["bastion", "{nam}.example", "{name", "{name}{x}"] {
            assert!(read(&format!("nodes: {{ address_pattern: '{wrong}' }}")).unwrap_err().0.contains("address_pattern"), "{wrong}");
        }
        assert!(read("nodes: { adresses: {} }").is_err());
    }
}
