//! Reads what `ssh -G` printed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::place::{Surroundings, Tokens};
use super::{Family, Target};
use crate::evidence::site::Site;

/// Values by key, in order.
#[derive(Clone, Default)]
pub(super) struct Answer {
    values: BTreeMap<String, Vec<String>>,
}

impl Answer {
    pub(super) fn parse(text: &str) -> Self {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text.lines() {
            if let Some((key, value)) = line.split_once(' ') {
                values.entry(key.to_lowercase()).or_default().push(value.trim().to_owned());
            }
        }
        Self { values }
    }

    /// The value, unless it is `none`.
    pub(super) fn one(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.first().map(String::as_str).filter(|value| !value.is_empty() && *value != "none")
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.values.insert(key.to_owned(), vec![value.to_owned()]);
    }

    /// Whether two hosts are reached by the same rules.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let rules = |answer: &Self| -> Vec<(String, Vec<String>)> {
            let about_the_host = |key: &str| matches!(key, "host" | "hostname" | "originalhost");
            answer.values.iter().filter(|(key, _)| !about_the_host(key)).map(|(key, values)| (key.clone(), values.clone())).collect()
        };
        rules(self) == rules(other)
    }

    /// The machine that is meant.
    ///
    /// # Errors
    /// When it is to be reached in a way that is not known here.
    pub(super) fn target(&self, asked: &str, site: &Site, place: &Surroundings) -> Result<Target, String> {
        let hostname = self.one("hostname").unwrap_or(asked).to_owned();
        let port = self.one("port").and_then(|port| port.parse().ok()).unwrap_or(22);
        let user = self.one("user").map_or_else(|| place.user.clone(), str::to_owned);
        let alias = self.one("hostkeyalias").map(str::to_owned);
        let tokens = Tokens { hostname: &hostname, asked, user: &user, port, key_name: alias.as_deref().unwrap_or(asked), place };
        let each_line = |key: &str| -> Vec<PathBuf> {
            let values = self.values.get(key).into_iter().flatten();
            values.filter(|value| *value != "none").map(|value| tokens.path(value)).collect()
        };
        let each_word = |key: &str| -> Vec<PathBuf> {
            let words = self.one(key).into_iter().flat_map(str::split_ascii_whitespace);
            words.map(|value| tokens.path(value)).collect()
        };
        let mut known_hosts = site.ssh.known_hosts.iter().map(|path| place.expand_home(path)).collect::<Vec<_>>();
        if known_hosts.is_empty() {
            known_hosts = each_word("userknownhostsfile");
            known_hosts.extend(each_word("globalknownhostsfile"));
        }
        let yes = |key: &str| matches!(self.one(key), Some("yes" | "true"));
        if yes("proxyusefdpass") {
            return Err("ssh_config says ProxyUseFdpass, which is not supported".to_owned());
        }
        let proxy_command = self.one("proxycommand").map(|command| tokens.command(command)).transpose()?;
        Ok(Target {
            site_keys: site.ssh.keys.iter().map(|path| place.expand_home(path)).collect(),
            identity_files: each_line("identityfile"),
            certificate_files: each_line("certificatefile"),
            identities_only: yes("identitiesonly"),
            no_sha512: self.one("pubkeyacceptedalgorithms").is_some_and(|list| !list.split(',').any(|one| one == "rsa-sha2-512")),
            agent: self.agent(&tokens),
            unattended: yes("batchmode"),
            known_hosts,
            revoked: self.one("revokedhostkeys").map(|path| tokens.path(path)),
            family: match self.one("addressfamily") {
                Some("inet") => Family::Four,
                Some("inet6") => Family::Six,
                _ => Family::Any,
            },
            from: self.one("bindaddress").map(str::to_owned),
            node_name: None,
            unread: None,
            proxy_command,
            port,
            host_key_alias: alias,
            hostname,
            user,
        })
    }

    fn agent(&self, tokens: &Tokens<'_>) -> Option<PathBuf> {
        match self.values.get("identityagent").and_then(|values| values.first()).map(String::as_str) {
            Some("none") => None,
            None | Some("SSH_AUTH_SOCK") => tokens.place.agent.clone(),
            Some(named) => match named.strip_prefix('$').filter(|name| !name.contains('/')) {
                Some(variable) => std::env::var_os(variable.trim_matches(['{', '}'])).map(PathBuf::from),
                None => Some(tokens.path(named)),
            },
        }
    }
}
