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
    /// Node name to what SSH connects to; a node without an entry is reached at its InternalIP.
    pub addresses: BTreeMap<String, String>,
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
        let text = std::fs::read_to_string(path).map_err(|error| SiteError(format!("read site file {}: {error}", path.display())))?;
        serde_yaml::from_str(&text).map_err(|error| SiteError(format!("site file {}: {error}", path.display())))
    }
}
