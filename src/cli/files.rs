//! Which files a run reads and which it writes: none of the second may be one of the first.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::arguments::Given;
use super::reports::{self, Wanted};
use crate::engine;
use crate::evidence::output;
use crate::evidence::output::apart::{Named, apart};
use crate::evidence::output::earlier;
use crate::evidence::site::Site;
use crate::evidence::text_file;

/// What a person's SSH reads, below the home.
const USUAL: [&str; 7] =
    [".ssh/config", ".ssh/known_hosts", ".ssh/known_hosts2", ".ssh/id_rsa", ".ssh/id_ecdsa", ".ssh/id_ed25519", ".ssh/authorized_keys"];
/// Members of a kubeconfig that name further files.
const NAMING: [&str; 4] = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/// What a run writes besides its reports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written<'a> {
    pub(super) record: Option<&'a Path>,
    pub(super) pcap: Option<&'a Path>,
}

/// Refuses outputs that are inputs or each other, before anything is opened.
///
/// # Errors
/// Names the two options.
pub(super) fn check(playbook: &Path, given: &Given, wanted: &[Wanted], written: Written<'_>) -> Result<(), String> {
    against(&inputs(playbook, given), wanted, written)
}

/// As `check`, for a run that was kept and is read.
///
/// # Errors
/// Names the two.
pub(super) fn check_kept(run: &Path, wanted: &[Wanted]) -> Result<(), String> {
    against(&[Named::new("the run", run)], wanted, Written::default())
}

/// As `check`, for a recording that is written with other names.
///
/// # Errors
/// Names the two.
pub(super) fn check_redacted(recording: &Path, output: &Path, map: Option<&Path>) -> Result<(), String> {
    let mut outputs = vec![Named::new("the redacted recording", output)];
    outputs.extend(map.map(|path| Named::new("--map", path)));
    apart(&[Named::new("the recording", recording)], &outputs, None)?;
    outputs.iter().try_for_each(replaces_nothing_of_others)
}

/// As `check`, for what the site file names.
///
/// # Errors
/// Names the two.
pub(super) fn check_site(site: &Site, wanted: &[Wanted], written: Written<'_>) -> Result<(), String> {
    let named = site.ssh.config.iter().chain(&site.ssh.keys).chain(&site.ssh.known_hosts);
    let inputs: Vec<Named> = named.map(|path| Named::new("the site file's ssh:", &at_home(path))).collect();
    against(&inputs, wanted, written)
}

fn against(inputs: &[Named], wanted: &[Wanted], written: Written<'_>) -> Result<(), String> {
    let mut outputs = reports::outputs(wanted);
    outputs.extend(written.record.map(|path| Named::new("--record", path)));
    apart(inputs, &outputs, written.pcap.map(|path| Named::new("--pcap", path)).as_ref())?;
    outputs.iter().try_for_each(replaces_nothing_of_others)
}

/// What a run reads is not all known before it: `ssh_config` includes files and names keys. So only an earlier output is replaced.
fn replaces_nothing_of_others(named: &Named) -> Result<(), String> {
    let Some(target) = output::replaced(&named.path) else { return Ok(()) };
    match earlier::may_be_replaced(&target) {
        // What cannot be read is for the check of what can be written.
        Ok(true) | Err(_) => Ok(()),
        Ok(false) => Err(format!(
            "{}: the file is there already and is no recording and no report of lbdiag, so it is not replaced; name another, or remove it first",
            named.option
        )),
    }
}

fn inputs(playbook: &Path, given: &Given) -> Vec<Named> {
    let mut all: Vec<Named> = engine::file(playbook).iter().map(|file| Named::new("the playbook", file)).collect();
    for (option, path) in [
        ("--params", &given.params),
        ("--site", &given.site),
        ("--kubeconfig", &given.kubeconfig),
        ("--replay", &given.replay),
        ("--world", &given.world),
    ] {
        all.extend(path.iter().map(|path| Named::new(option, path)));
    }
    let kubeconfigs = kubeconfigs(given);
    for file in &kubeconfigs {
        all.push(Named::new("the kubeconfig", file));
        all.extend(named_in(file).iter().map(|path| Named::new("the kubeconfig's", path)));
    }
    all.extend(USUAL.iter().map(|name| Named::new("SSH:", &at_home(&Path::new("~").join(name)))));
    all
}

fn kubeconfigs(given: &Given) -> Vec<PathBuf> {
    match (&given.kubeconfig, std::env::var_os("KUBECONFIG")) {
        (Some(file), _) => vec![file.clone()],
        (None, Some(listed)) if !listed.is_empty() => std::env::split_paths(&listed).collect(),
        _ => vec![at_home(Path::new("~/.kube/config"))],
    }
}

/// Certificates, keys and tokens that a kubeconfig names. What it is otherwise is for the cluster's part to read and to refuse.
fn named_in(kubeconfig: &Path) -> Vec<PathBuf> {
    // What is no file can be read but once, and that is for the cluster's part.
    let text = Some(kubeconfig).filter(|path| path.is_file()).and_then(|path| text_file::bytes(path, text_file::MOST_OF_A_LIST).ok());
    let text = String::from_utf8(text.unwrap_or_default()).unwrap_or_default();
    let Ok(value) = serde_yaml::from_str::<Value>(&text) else { return Vec::new() };
    let entries = ["clusters", "users"].iter().filter_map(|list| value.get(list)?.as_array()).flatten();
    let parts = entries.flat_map(|entry| ["cluster", "user"].iter().filter_map(move |part| entry.get(part)));
    let names = parts.flat_map(|part| NAMING.iter().filter_map(move |key| part.get(key)?.as_str()));
    names.map(|name| kubeconfig.parent().unwrap_or(Path::new("")).join(name)).collect()
}

fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}
