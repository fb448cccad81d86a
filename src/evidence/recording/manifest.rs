//! The first line of a recording: what made it, and what its questions depend on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tape::LeftOut;
use crate::evidence::site::{MetallbSite, Nodes, Site};
use crate::evidence::site_additions::{Accepted, Data, Fragment};
use crate::model::finding::Severity;
use crate::model::reach::Reach;
use crate::model::scrub::scrub_params;

/// What every recording says it is.
pub const FORMAT: &str = "lbdiag-recording";

/// The newest version of the format, the one that is written.
pub const VERSION: u32 = 1;

/// What made a recording, and with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: String,
    pub version: u32,
    /// The version of lbdiag.
    pub lbdiag: String,
    pub playbook: Playbook,
    /// When the run began, RFC 3339 in UTC with seconds.
    pub started: String,
    pub took_ms: u64,
    /// The parameters as the run used them, defaults included.
    pub params: BTreeMap<String, Value>,
    #[serde(default)]
    pub site: RecordedSite,
    /// What the recording had no room for.
    #[serde(default, skip_serializing_if = "LeftOut::is_empty")]
    pub left_out: LeftOut,
    /// The number of answers before the place where the file was cut off, when it was. It stands in no file.
    #[serde(skip)]
    pub cut_after: Option<usize>,
}

/// The playbook that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playbook {
    pub name: String,
    pub version: String,
    /// Of its text, in hexadecimal.
    pub sha256: String,
}

/// The parts of a site file that decide what a playbook asks. How hosts are logged in to is not among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordedSite {
    pub addresses: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metallb_namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker_labels: Option<String>,
    pub defaults: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<Vec<String>>,
    /// How far the site let the playbook reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<Fragment>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: Data,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub severities: BTreeMap<String, Severity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
}

fn scrubbed(mut params: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    scrub_params(&mut params);
    params
}

impl Manifest {
    /// The manifest of a run by this version of lbdiag.
    #[must_use]
    pub fn new(playbook: Playbook, started: String, took_ms: u64, params: BTreeMap<String, Value>, site: &Site) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            lbdiag: env!("CARGO_PKG_VERSION").to_owned(),
            playbook,
            started,
            took_ms,
            params: scrubbed(params),
            site: RecordedSite::of(site),
            left_out: LeftOut::default(),
            cut_after: None,
        }
    }
}

impl RecordedSite {
    /// What a recording keeps of a site.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        Self {
            addresses: site.nodes.addresses.clone(),
            metallb_namespace: site.metallb.namespace.clone(),
            speaker_labels: site.metallb.speaker_labels.clone(),
            defaults: scrubbed(site.defaults.clone()),
            uses: site.uses.clone(),
            reach: site.reach.clone(),
            fragments: site.fragments.clone(),
            data: site.data.clone(),
            severities: site.severities.clone(),
            accepted: site.accepted.clone(),
        }
    }

    /// Another site in the recorded world: where nodes and MetalLB are is as it was, unless the site says otherwise.
    #[must_use]
    pub fn under(&self, site: Site) -> Site {
        let recorded = self.site();
        let addresses = if site.nodes.addresses.is_empty() { recorded.nodes.addresses } else { site.nodes.addresses };
        Site {
            nodes: Nodes { addresses, ..site.nodes },
            metallb: MetallbSite {
                namespace: site.metallb.namespace.or(recorded.metallb.namespace),
                speaker_labels: site.metallb.speaker_labels.or(recorded.metallb.speaker_labels),
            },
            ..site
        }
    }

    /// The site that a replay runs with.
    #[must_use]
    pub fn site(&self) -> Site {
        Site {
            nodes: Nodes { addresses: self.addresses.clone(), ..Nodes::default() },
            metallb: MetallbSite { namespace: self.metallb_namespace.clone(), speaker_labels: self.speaker_labels.clone() },
            defaults: self.defaults.clone(),
            uses: self.uses.clone(),
            reach: self.reach.clone(),
            fragments: self.fragments.clone(),
            data: self.data.clone(),
            severities: self.severities.clone(),
            accepted: self.accepted.clone(),
            ..Site::default()
        }
    }
}
