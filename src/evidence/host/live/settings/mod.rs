//! Where a host is and how to log in to it: what OpenSSH's own client says (`ssh -G`, which reads Include, Match and
//! every other rule of `ssh_config`), with the site file on top. Without that client: the site file and the usual places.

mod answer;
mod place;

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::keeper::KeptGroup;
use super::known_hosts::Lookup;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::site::Site;
use crate::model::place::{Host, HostKind};
use answer::Answer;
use place::Surroundings;

/// Jump hosts one behind another; more is a loop.
const MOST_HOPS: usize = 8;
/// How long `ssh -G` may take: `Match exec` runs the user's own commands.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// Bytes that it may say. An answer has some 5 KiB, but the user's own commands may complain without an end.
const MOST_SAID: u64 = 1 << 20;
/// A name that no rule of an `ssh_config` is about, unless it is about every name.
const NOBODY: &str = "nobody-has-this-name.invalid";

/// One machine to log in to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) hostname: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// Keys that the site file names: tried first, and an error when they are not there.
    pub(super) site_keys: Vec<PathBuf>,
    pub(super) identity_files: Vec<PathBuf>,
    pub(super) certificate_files: Vec<PathBuf>,
    pub(super) identities_only: bool,
    /// `PubkeyAcceptedAlgorithms` leaves out RSA with SHA-512.
    pub(super) no_sha512: bool,
    /// The agent's socket.
    pub(super) agent: Option<PathBuf>,
    /// `BatchMode`: nobody may be asked for anything.
    pub(super) unattended: bool,
    pub(super) known_hosts: Vec<PathBuf>,
    /// `RevokedHostKeys`.
    pub(super) revoked: Option<PathBuf>,
    pub(super) host_key_alias: Option<String>,
    /// A node's name in the cluster: its key may be known under that too.
    pub(super) node_name: Option<String>,
    pub(super) family: Family,
    /// `BindAddress`.
    pub(super) from: Option<String>,
    /// `ProxyCommand` with its tokens replaced, in place of a connection of our own.
    pub(super) proxy_command: Option<String>,
    /// A file of settings that nobody could read, because OpenSSH's client is not here.
    pub(super) unread: Option<PathBuf>,
}

/// `AddressFamily`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Family {
    #[default]
    Any,
    Four,
    Six,
}

impl Target {
    /// A hint, preceded by what nobody could read.
    pub(super) fn with_unread(&self, hint: &str) -> String {
        match &self.unread {
            Some(file) => format!("{} was not read: only OpenSSH's client can, and there is no `ssh` on the PATH; {hint}", file.display()),
            None => hint.to_owned(),
        }
    }

    /// Under which names its key is looked for.
    pub(super) fn lookup(&self) -> Lookup {
        Lookup { host: self.hostname.clone(), port: self.port, alias: self.host_key_alias.clone(), node: self.node_name.clone() }
    }
}

/// The machines to go through, the host itself last.
///
/// # Errors
/// When `ssh_config` cannot be used, or its jump hosts form a loop.
pub(super) async fn route(host: &Host, site: &Site) -> Result<Vec<Target>, EvidenceError> {
    let place = Surroundings::of_this_process();
    let Some((asked, answer)) = answer_for(host, site).await? else {
        return without_a_client(host, site, &place).map(|target| vec![target]);
    };
    let mut hops = Vec::new();
    let mut jump = answer.one("proxyjump").map(str::to_owned);
    let mut target = answer.target(&asked, site, &place).map_err(|reason| settings_error(&host.name, reason))?;
    target.node_name = (host.kind == HostKind::Node).then(|| host.name.clone());
    // The last of several jump hosts is nearest to the host; only the first is reached by its own rules.
    while let Some(list) = jump.take() {
        let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        for (index, name) in names.iter().enumerate().rev() {
            if hops.len() >= MOST_HOPS {
                return Err(settings_error(&host.name, format!("its jump hosts do not end ({MOST_HOPS} at most)")));
            }
            let name = name.strip_prefix("ssh://").unwrap_or(name);
            let (asked, port) = split_port(name);
            let Some(mut answer) = ask(&asked, site, false).await? else { continue };
            if let Some(port) = port {
                answer.set("port", &port.to_string());
            }
            let mut hop = answer.target(&asked, site, &place).map_err(|reason| settings_error(&asked, reason))?;
            if index == 0 {
                jump = answer.one("proxyjump").map(str::to_owned);
            } else {
                hop.proxy_command = None;
            }
            hops.push(hop);
        }
    }
    hops.reverse();
    hops.push(target);
    Ok(hops)
}

fn settings_error(name: &str, reason: impl std::fmt::Display) -> EvidenceError {
    EvidenceError::new(ErrorKind::HostUnreachable, format!("read the ssh settings of {name}"), reason)
}

/// What the site file says about where a node is, if it does.
fn mapped(host: &Host, site: &Site) -> Option<String> {
    let named = site.nodes.addresses.get(&host.name).cloned();
    named.or_else(|| {
        let pattern = site.nodes.address_pattern.as_deref().filter(|_| host.kind == HostKind::Node)?;
        Some(pattern.replace("{name}", &host.name).replace("{address}", &host.address))
    })
}

/// What the client says about a host, and under which name it was asked for. `None` when there is no client.
///
/// A node is known by a name and by an address, and people write `Host` blocks by either. A block that gives the name an
/// address of its own decides; otherwise the one of the two that `ssh_config` has something to say about; otherwise the
/// address, which needs nobody to resolve it. Other hosts are named by a person.
async fn answer_for(host: &Host, site: &Site) -> Result<Option<(String, Answer)>, EvidenceError> {
    let found = |asked: &str, answer: Option<Answer>| answer.map(|answer| (asked.to_owned(), answer));
    if let Some(address) = mapped(host, site) {
        return Ok(found(&address, ask(&address, site, true).await?));
    }
    if host.kind != HostKind::Node || host.name == host.address {
        return Ok(found(&host.address, ask(&host.address, site, true).await?));
    }
    let (by_name, by_address) = tokio::join!(ask(&host.name, site, true), ask(&host.address, site, true));
    let (Ok(Some(mut by_name)), Ok(Some(by_address))) = (by_name.clone(), by_address.clone()) else {
        // Whatever is wrong with the one, the other may still do.
        return match (by_name, by_address) {
            (Ok(Some(answer)), Err(_)) => Ok(Some((host.name.clone(), answer))),
            (_, answer) => Ok(found(&host.address, answer?)),
        };
    };
    if by_name.one("hostname").is_some_and(|found| !found.eq_ignore_ascii_case(&host.name)) {
        return Ok(Some((host.name.clone(), by_name)));
    }
    if by_name.says_the_same(&by_address) || !by_address.says_the_same(&ask(NOBODY, site, true).await?.unwrap_or_default()) {
        return Ok(Some((host.address.clone(), by_address)));
    }
    let resolved = tokio::time::timeout(ASK_LIMIT, tokio::net::lookup_host((host.name.as_str(), 22))).await;
    if !matches!(resolved, Ok(Ok(_))) {
        by_name.set("hostname", &host.address);
    }
    Ok(Some((host.name.clone(), by_name)))
}

/// What `ssh -G` says about a name, or `None` when there is no such client.
async fn ask(name: &str, site: &Site, is_host: bool) -> Result<Option<Answer>, EvidenceError> {
    let mut command = tokio::process::Command::new("ssh");
    command.arg("-G");
    if let Some(config) = &site.ssh.config {
        command.arg("-F").arg(config);
    }
    if is_host && let Some(user) = &site.ssh.user {
        command.arg("-l").arg(user);
    }
    if is_host && let Some(port) = site.ssh.port {
        command.arg("-p").arg(port.to_string());
    }
    command.arg("--").arg(name).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that what `Match exec` started ends with it.
    command.process_group(0).kill_on_drop(true);
    let asked = async {
        let mut child = command.spawn()?;
        let _kept = KeptGroup::of(&child);
        let (stdout, stderr) = tokio::try_join!(all_of(child.stdout.take()), all_of(child.stderr.take()))?;
        std::io::Result::Ok(Output { status: child.wait().await?, stdout, stderr })
    };
    let output = match tokio::time::timeout(ASK_LIMIT, asked).await {
        Err(_) => return Err(settings_error(name, format!("`ssh -G` gave no answer within {} s", ASK_LIMIT.as_secs()))),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(Err(error)) => return Err(settings_error(name, error)),
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(settings_error(name, said.trim()).hint("try `ssh -G` by hand"));
    }
    Ok(Some(Answer::parse(&String::from_utf8_lossy(&output.stdout))))
}

/// All that a program says, which a `Match exec` may make more than anybody can read.
async fn all_of(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut said = Vec::new();
    let Some(stream) = stream else { return Ok(said) };
    stream.take(MOST_SAID + 1).read_to_end(&mut said).await?;
    if u64::try_from(said.len()).is_ok_and(|length| length <= MOST_SAID) {
        return Ok(said);
    }
    Err(std::io::Error::new(std::io::ErrorKind::InvalidData, format!("it said more than {} MiB", MOST_SAID >> 20)))
}

/// The settings when no ssh client is there to be asked: the site file's, and the usual places.
fn without_a_client(host: &Host, site: &Site, place: &Surroundings) -> Result<Target, EvidenceError> {
    if let Some(config) = &site.ssh.config {
        let reason = format!("only OpenSSH's client reads {}, and there is no `ssh` on the PATH", config.display());
        return Err(settings_error(&host.name, reason).hint("install openssh-client, or take ssh.config out of the site file"));
    }
    let address = mapped(host, site).unwrap_or_else(|| host.address.clone());
    let mut target = usual(&address, site, place);
    target.node_name = (host.kind == HostKind::Node).then(|| host.name.clone());
    target.unread = ["config"].map(|name| place.home.join(".ssh").join(name)).into_iter().find(|file| file.exists());
    Ok(target)
}

fn usual(address: &str, site: &Site, place: &Surroundings) -> Target {
    let (named_user, address) = address.rsplit_once('@').map_or((None, address), |(user, rest)| (Some(user), rest));
    let home = |name: &str| place.home.join(".ssh").join(name);
    let known_hosts = if site.ssh.known_hosts.is_empty() {
        vec![home("known_hosts"), home("known_hosts2"), PathBuf::from("/etc/ssh/ssh_known_hosts")]
    } else {
        site.ssh.known_hosts.iter().map(|path| place.expand_home(path)).collect()
    };
    Target {
        hostname: address.to_owned(),
        port: site.ssh.port.unwrap_or(22),
        user: site.ssh.user.clone().or(named_user.map(str::to_owned)).unwrap_or_else(|| place.user.clone()),
        site_keys: site.ssh.keys.iter().map(|path| place.expand_home(path)).collect(),
        identity_files: ["id_ed25519", "id_ecdsa", "id_rsa"].map(home).to_vec(),
        agent: place.agent.clone(),
        known_hosts,
        ..Target::default()
    }
}

/// `user@host:port` and `user@[v6]:port` of a jump host, as a name and a port; a bare IPv6 address has no port.
fn split_port(name: &str) -> (String, Option<u16>) {
    let (user, host) = name.rsplit_once('@').map_or(("", name), |(_, host)| (&name[..name.len() - host.len()], host));
    if let Some((host, rest)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (format!("{user}{host}"), rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match host.split_once(':') {
        Some((host, port)) if !port.contains(':') => (format!("{user}{host}"), port.parse().ok()),
        _ => (name.to_owned(), None),
    }
}

#[cfg(test)]
mod tests;
