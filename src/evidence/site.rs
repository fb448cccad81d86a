//! The site file: what differs from place to place. Playbooks are shared verbatim, sites are not forked playbooks.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::site_additions::{Accepted, Data, Fragment, Hook};
use super::{signature, site_keys};
use crate::model::diagnostic::{Diagnostic, Source, codes};
use crate::model::document::{self, Node};
use crate::model::finding::Severity;
use crate::model::reach::Reach;

/// The whole file. Every part may be left out; an unknown key is an error.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
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
    /// It allows so little because only the API is to be read (`--static`).
    #[serde(skip)]
    pub static_only: bool,
    /// How far each playbook may reach: the first entry that is for it holds, and a playbook that none is for does not run. `None` narrows nothing.
    pub allow: Option<Vec<Reach>>,
    /// The entry that holds for the playbook of this run.
    #[serde(skip)]
    pub reach: Option<Reach>,
    /// Steps of its own around those of playbooks.
    pub hooks: Vec<Hook>,
    /// The hooks with what they run.
    #[serde(skip)]
    pub fragments: Vec<Fragment>,
    /// Values of its own.
    pub data: Data,
    /// What findings weigh here, by name.
    pub severities: BTreeMap<String, Severity>,
    /// Findings that it lives with.
    pub accepted: Vec<Accepted>,
    /// Folders with modules that playbooks import, from the folder of the site file.
    pub library: Vec<PathBuf>,
    /// Public keys of those who sign what may run here; with none, everything may.
    pub signers: Vec<String>,
}

/// How hosts are reached, over what `ssh_config` says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nodes {
    /// Node name to what SSH connects to.
    pub addresses: BTreeMap<String, String>,
    /// What SSH connects to for a node that is not among these, with `{name}` or `{address}` (its InternalIP) in it, such
    /// as `{name}.mgmt.example`. Without it `ssh_config` decides by the node's name, or else its InternalIP is taken.
    pub address_pattern: Option<String>,
}

/// How nodes are reached without SSH, when that is asked for (`--via pod`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Via {
    pub pod: Option<PodVia>,
}

/// Pods that are there already, one on each node: privileged, as root, and with `hostPID`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PodTools {
    /// The node's own, which the pod enters; the pod's where the node has no shell.
    #[default]
    Host,
    /// The pod's own; only the node's network is entered.
    Pod,
}

/// Where MetalLB is, when it is not where it usually is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetallbSite {
    pub namespace: Option<String>,
    /// Label selector of the speakers' pods.
    pub speaker_labels: Option<String>,
}

/// A site file that cannot be used, with everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct SiteError(pub Vec<Diagnostic>);

/// A line for each.
impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "site file: {}", lines.join("\n"))
    }
}

impl Site {
    /// Reads a site file.
    ///
    /// # Errors
    /// When it cannot be read, is not YAML, or has unknown keys or values; each at its place.
    pub fn read(path: &Path) -> Result<Self, SiteError> {
        let file = path.display().to_string();
        let text = super::text_file::read(path)
            .map_err(|error| SiteError(vec![Diagnostic::new(codes::UNREADABLE, None, format!("read site file {file}: {error}"))]))?;
        let mut site = Self::parse(&Source { file: &file, text: &text }).map_err(SiteError)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let wrong = |why: String| SiteError(vec![Diagnostic::new(codes::FILE_VALUE, None, format!("{file}: {why}"))]);
        site.fragments =
            site.hooks.iter().map(|hook| hook.read(folder).map_err(|why| wrong(format!("hooks: {why}")))).collect::<Result<_, _>>()?;
        site.library = site.library.iter().map(|one| folder.join(one)).collect();
        Ok(site)
    }

    /// Reads a site from its text.
    ///
    /// # Errors
    /// Every mistake of it.
    pub fn parse(source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let at = |bytes| Some(source.spot(bytes));
        let node = document::read(source.text)
            .map_err(|why| vec![Diagnostic::new(codes::FILE_NOT_YAML, at(why.bytes), format!("the file is not YAML: {}", why.reason))])?;
        if node.value().is_null() {
            return Ok(Self::default());
        }
        let wrong = site_keys::wrong(source, &node);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let site: Self = serde_yaml::from_str(source.text).map_err(|error| {
            let why = document::unreadable(source.text, &error);
            vec![Diagnostic::new(codes::FILE_VALUE, at(why.bytes), format!("a value is not one that its key takes: {}", why.reason))]
        })?;
        site.nodes.check().map_err(|why| vec![Diagnostic::new(codes::FILE_VALUE, at(place(&node, &["nodes", "address_pattern"])), why)])?;
        let additions = site
            .data
            .iter()
            .try_for_each(|(name, datum)| datum.check(name))
            .and_then(|()| site.accepted.iter().try_for_each(Accepted::check));
        let signers = site.signers.iter().try_for_each(|signer| signature::public_key(signer).map(|_| ()));
        signers.map_err(|why| vec![Diagnostic::new(codes::FILE_VALUE, at(place(&node, &["signers"])), why)])?;
        additions.map_err(|why| vec![Diagnostic::new(codes::FILE_VALUE, at(place(&node, &["data"])), why)])?;
        Ok(site)
    }
}

/// The bytes of the value at the end of a way, or of the whole.
fn place(node: &Node, way: &[&str]) -> std::ops::Range<usize> {
    let mut node = node;
    for key in way {
        let Some(entry) = node.entries().unwrap_or_default().iter().find(|entry| entry.key == *key) else { break };
        node = &entry.value;
    }
    node.bytes.clone()
}

impl Site {
    /// The same site as it is for one playbook, known by its name and by the SHA-256 of its text in hexadecimal.
    ///
    /// # Errors
    /// When the site lets some playbooks run, and this one is not among them.
    pub fn for_playbook(mut self, name: &str, sha256: &str) -> Result<Self, String> {
        if let Some(allow) = &self.allow {
            let reach = allow.iter().find(|reach| reach.is_for(name, sha256)).ok_or_else(|| {
                format!("the site file's `allow` has no entry for the playbook {name}; an entry's `playbooks` would have to name it, or sha256:{sha256}")
            })?;
            self.reach = Some(reach.clone());
        }
        if let Some(uses) = self.reach.as_ref().and_then(|reach| reach.uses.clone()) {
            let others = self.uses.take();
            self.uses = Some(uses.into_iter().filter(|one| others.as_ref().is_none_or(|others| others.contains(one))).collect());
        }
        Ok(self)
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
            assert!(
                read(&format!("nodes: {{ address_pattern: '{wrong}' }}")).unwrap_err().to_string().contains("address_pattern"),
                "{wrong}"
            );
        }
        assert!(read("nodes: { adresses: {} }").is_err());
    }

    #[test]
    fn the_first_entry_that_is_for_a_playbook_holds() {
        let text = "uses: [cluster.read, node.read]\nallow:\n- { playbooks: [metallb-flow], uses: [cluster.read, probe], hosts: [n*] }\n- { playbooks: ['*'], namespaces: [web] }\n";
        let of = |name| read(text).unwrap().for_playbook(name, "00").unwrap();
        assert_eq!(of("metallb-flow").uses, Some(vec!["cluster.read".to_owned()]));
        assert!(of("metallb-flow").reach.unwrap().allows_namespace("x"));
        assert!(!of("mtu").reach.unwrap().allows_namespace("x"));
        let refused = read("allow: [{ playbooks: [mtu] }]").unwrap().for_playbook("metallb-flow", "00").unwrap_err();
        assert!(refused.contains("metallb-flow") && refused.contains("sha256:00"), "{refused}");
        let wrong = read("allow: [{ playbooks: [mtu], usess: [], uses: [probee], capture: { second: 1 } }]").unwrap_err().to_string();
        assert!(["usess", "probee", "second"].iter().all(|one| wrong.contains(&format!("`{one}`"))), "{wrong}");
    }

    #[test]
    fn every_mistake_is_told_at_its_place() {
        let text = "ssh: { usr: ops, port: 22 }\nvia: { pod: { namespace: a, label: b } }\nuses: [cluster.reed, probe]\n";
        let wrong = Site::parse(&Source { file: "site.yaml", text }).unwrap_err();
        let told: Vec<(&str, &str)> = wrong
            .iter()
            .map(|one| {
                let span = one.spot.as_ref().unwrap().span;
                (one.code.as_str(), &text[span.start.byte..span.end.byte])
            })
            .collect();
        assert_eq!(told, [("E0403", "usr"), ("E0403", "label"), ("E0404", "cluster.reed")]);
        assert!(wrong[0].to_string().contains("did you mean `user`?"), "{}", wrong[0]);
        let of = |text| Site::parse(&Source { file: "site.yaml", text }).unwrap_err();
        assert_eq!(of("ssh: { port: many }\n")[0].code, "E0404");
        assert_eq!(of("ssh: { user: ops\n")[0].code, "E0402");
        assert!(read("uses: [probe]\ndefaults: { from: local }\n").is_ok() && read("").is_ok());
    }
}
