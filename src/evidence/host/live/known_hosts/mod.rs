//! Reads `known_hosts` files and judges a host's key or certificate by them.
//!
//! As OpenSSH does: patterns with `*`, `?` and `!`, `[host]:port`, hashed names, `@revoked`, `@cert-authority`, and the
//! list of `RevokedHostKeys`.

mod names;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use names::{Names, glob};

use crate::evidence::text_file;

/// One line of a file that names hosts and a key.
struct Entry {
    location: Location,
    marker: Marker,
    names: Names,
    key: PublicKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    Authority,
}

/// All lines of all files that could be read.
#[derive(Default)]
pub(super) struct KnownHosts {
    entries: Vec<Entry>,
    /// The keys of `RevokedHostKeys`.
    revoked: Vec<(KeyData, Location)>,
    /// Why that list cannot be read; then no key can be trusted.
    no_list: Option<String>,
    /// Files that exist and could not be read, and why.
    unreadable: Vec<String>,
}

/// What the files say about a key that a host showed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    /// Not known; where keys of other types for this host stand, if any do.
    Unknown {
        others: Vec<Location>,
    },
    /// Another key of the same type is known for this host.
    Changed(Location),
    Revoked(Location),
    /// A certificate of an authority that is trusted for this host, and what is wrong with it.
    BadCertificate(String, Location),
    /// What is revoked could not be read, and why.
    NoList(String),
}

/// A file and a line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    file: PathBuf,
    line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file.display(), self.line)
    }
}

impl KnownHosts {
    /// Reads the files; one that does not exist says nothing, except that a list of revoked keys has to exist.
    pub(super) fn read(files: &[PathBuf], revoked: Option<&Path>) -> Self {
        let mut known = Self::default();
        for file in files {
            match text_file::bytes(file, text_file::MOST_OF_A_LIST) {
                Ok(bytes) => known.add(file, &String::from_utf8_lossy(&bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => known.unreadable.push(format!("{}: {error}", file.display())),
            }
        }
        if let Some(file) = revoked {
            match text_file::bytes(file, text_file::MOST_OF_A_LIST)
                .map_err(|error| error.to_string())
                .and_then(|bytes| revoked_keys(file, &bytes))
            {
                Ok(keys) => known.revoked = keys,
                Err(reason) => known.no_list = Some(format!("{}: {reason}", file.display())),
            }
        }
        known
    }

    /// Files that exist and could not be read, and why.
    pub(super) fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    fn add(&mut self, file: &Path, text: &str) {
        for (index, line) in text.lines().enumerate() {
            let mut words = line.split_ascii_whitespace().peekable();
            let marker = match words.next_if(|word| word.starts_with('@')) {
                None => Marker::None,
                Some("@revoked") => Marker::Revoked,
                Some("@cert-authority") => Marker::Authority,
                // A marker of the future is not to be guessed at.
                Some(_) => continue,
            };
            let (Some(names), Some(_kind), Some(key)) = (words.next(), words.next(), words.next()) else { continue };
            if names.starts_with('#') {
                continue;
            }
            let (Some(names), Ok(key)) = (Names::parse(names), russh::keys::parse_public_key_base64(key)) else { continue };
            self.entries.push(Entry { location: Location { file: file.to_owned(), line: index + 1 }, marker, names, key });
        }
    }

    /// Judges a key. A host on another port than 22 is looked for as `[host]:port`, and then, as OpenSSH does, a key that
    /// is known for the host without a port is accepted too. An alias is looked for as it is. A node that was reached by
    /// its address may be known by its name: who holds that name's key is that node.
    pub(super) fn judge(&self, lookup: &Lookup, key: &PublicKey) -> Verdict {
        if let Some(reason) = &self.no_list {
            return Verdict::NoList(reason.clone());
        }
        if let Some(location) = self.listed(key.key_data()) {
            return Verdict::Revoked(location);
        }
        let mut verdict = self.judge_name(&lookup.name(), key);
        for name in lookup.other_names() {
            if !matches!(verdict, Verdict::Unknown { .. }) {
                break;
            }
            match self.judge_name(&name, key) {
                // Another key of a host's other port, or of no port at all, says nothing about this one.
                Verdict::Unknown { .. } => {}
                Verdict::Changed(_) if !lookup.is_node(&name) => {}
                better => verdict = better,
            }
        }
        verdict
    }

    fn judge_name(&self, name: &str, key: &PublicKey) -> Verdict {
        let mut changed = None;
        let mut known = false;
        let mut others = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.names.cover(name)) {
            let same = entry.key.key_data() == key.key_data();
            match (entry.marker, same) {
                // Wherever it stands: a revoked key is never good again.
                (Marker::Revoked, true) => return Verdict::Revoked(entry.location.clone()),
                // An authority signs keys; it is none itself.
                (Marker::Revoked, false) | (Marker::Authority, _) => {}
                (Marker::None, true) => known = true,
                (Marker::None, false) if entry.key.algorithm() == key.algorithm() => {
                    changed.get_or_insert(entry.location.clone());
                }
                (Marker::None, false) => others.push(entry.location.clone()),
            }
        }
        match changed {
            _ if known => Verdict::Known,
            Some(location) => Verdict::Changed(location),
            None => Verdict::Unknown { others },
        }
    }

    /// Judges a certificate at a time, in seconds since the epoch. One of an authority that is not trusted for this host
    /// counts as the bare key in it.
    pub(super) fn judge_certificate(&self, lookup: &Lookup, certificate: &Certificate, at: u64) -> Verdict {
        let key = PublicKey::new(certificate.public_key().clone(), "");
        let authority = self.authorities(lookup).find(|entry| entry.key.key_data() == certificate.signature_key());
        let Some(authority) = authority else { return self.judge(lookup, &key) };
        if let Some(reason) = &self.no_list {
            return Verdict::NoList(reason.clone());
        }
        let names = lookup.all_names();
        for revoked in [key.key_data(), certificate.signature_key()] {
            let marked = |entry: &&Entry| {
                entry.marker == Marker::Revoked && entry.key.key_data() == revoked && names.iter().any(|name| entry.names.cover(name))
            };
            if let Some(location) = self.listed(revoked).or_else(|| self.entries.iter().find(marked).map(|entry| entry.location.clone())) {
                return Verdict::Revoked(location);
            }
        }
        match wrong_with(certificate, lookup, at) {
            None => Verdict::Known,
            Some(reason) => Verdict::BadCertificate(reason, authority.location.clone()),
        }
    }

    fn listed(&self, key: &KeyData) -> Option<Location> {
        self.revoked.iter().find(|(revoked, _)| revoked == key).map(|(_, location)| location.clone())
    }

    fn authorities<'a>(&'a self, lookup: &Lookup) -> impl Iterator<Item = &'a Entry> {
        let names = lookup.all_names();
        self.entries.iter().filter(move |entry| entry.marker == Marker::Authority && names.iter().any(|name| entry.names.cover(name)))
    }

    /// Whether a certificate could be judged: only then is a host asked for one.
    pub(super) fn trusts_an_authority(&self, lookup: &Lookup) -> bool {
        self.authorities(lookup).next().is_some()
    }

    /// The types of the keys that are known for a host, to be asked for first: a host with several keys is then judged by
    /// the one that is known.
    pub(super) fn types(&self, lookup: &Lookup) -> Vec<Algorithm> {
        let names = lookup.all_names();
        let covers = |entry: &&Entry| entry.marker == Marker::None && names.iter().any(|name| entry.names.cover(name));
        self.entries.iter().filter(covers).map(|entry| entry.key.algorithm()).collect()
    }
}

/// What is wrong with a certificate that a trusted authority is said to have signed.
fn wrong_with(certificate: &Certificate, lookup: &Lookup, at: u64) -> Option<String> {
    if certificate.cert_type() != CertType::Host {
        return Some("it is a user's, not a host's".to_owned());
    }
    if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None }) {
        return Some("its signature is made with SHA-1".to_owned());
    }
    if at < certificate.valid_after() {
        return Some("it is not valid yet".to_owned());
    }
    if at >= certificate.valid_before() {
        return Some("it has expired".to_owned());
    }
    if certificate.validate_at(at, [&certificate.signature_key().fingerprint(HashAlg::Sha256)]).is_err() {
        return Some("its signature is not the authority's".to_owned());
    }
    if !certificate.critical_options().is_empty() {
        return Some("it demands something that is not known here (critical options)".to_owned());
    }
    let principals = certificate.valid_principals();
    let names = lookup.principals();
    let fits = |principal: &String| names.iter().any(|name| glob(principal.to_lowercase().as_bytes(), name.as_bytes()));
    if principals.is_empty() {
        return Some("it names no host, so it would be good for every one".to_owned());
    }
    (!principals.iter().any(fits)).then(|| format!("it is for {}", principals.join(", ")))
}

/// The keys of a `RevokedHostKeys` file: one public key a line. A binary list (`ssh-keygen -k`) cannot be read here.
fn revoked_keys(file: &Path, bytes: &[u8]) -> Result<Vec<(KeyData, Location)>, String> {
    if bytes.starts_with(b"SSHKRL\n\0") {
        return Err("a binary list of revoked keys is not understood here; list the keys as text".to_owned());
    }
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| {
            let key = line.parse::<PublicKey>().map_err(|_| format!("line {} is no public key", index + 1))?;
            Ok((key.key_data().clone(), Location { file: file.to_owned(), line: index + 1 }))
        })
        .collect()
}

/// Under which names a host is looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup {
    pub(super) host: String,
    pub(super) port: u16,
    /// `HostKeyAlias`.
    pub(super) alias: Option<String>,
    /// A node's name in the cluster.
    pub(super) node: Option<String>,
}

impl Lookup {
    fn name(&self) -> String {
        match &self.alias {
            Some(alias) => alias.to_lowercase(),
            None => self.with_port(&self.host),
        }
    }

    fn with_port(&self, host: &str) -> String {
        if self.port == 22 { host.to_lowercase() } else { format!("[{}]:{}", host.to_lowercase(), self.port) }
    }

    /// Further names, in the order in which they are looked for. An alias is the only name.
    fn other_names(&self) -> Vec<String> {
        if self.alias.is_some() {
            return Vec::new();
        }
        let mut names = vec![self.host.to_lowercase()];
        if let Some(node) = &self.node {
            names.extend([self.with_port(node), node.to_lowercase()]);
        }
        names
    }

    fn all_names(&self) -> Vec<String> {
        std::iter::once(self.name()).chain(self.other_names()).collect()
    }

    fn is_node(&self, name: &str) -> bool {
        self.node.as_ref().is_some_and(|node| self.with_port(node) == name)
    }

    /// The names that a certificate may be for: without a port.
    fn principals(&self) -> Vec<String> {
        match &self.alias {
            Some(alias) => vec![alias.to_lowercase()],
            None => std::iter::once(&self.host).chain(&self.node).map(|name| name.to_lowercase()).collect(),
        }
    }
}

/// Seconds since the epoch.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}

#[cfg(test)]
mod tests;
