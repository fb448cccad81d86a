//! Reads `known_hosts` files and judges a host's key by them.
//!
//! As OpenSSH does: patterns with `*`, `?` and `!`, `[host]:port`, hashed names, `@revoked`. Certificate authorities are
//! passed over: a host that is known only by one is unknown here, never accepted by mistake.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use russh::keys::{Algorithm, PublicKey};
use sha1::Sha1;

/// One line of a file that names hosts and a key.
struct Entry {
    file: PathBuf,
    line: usize,
    revoked: bool,
    names: Names,
    key: PublicKey,
}

/// The hosts of one line.
enum Names {
    /// Patterns, and whether each is negated.
    Patterns(Vec<(bool, String)>),
    Hashed {
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

/// All lines of all files that could be read.
#[derive(Default)]
pub(super) struct KnownHosts {
    entries: Vec<Entry>,
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
    /// Reads the files; one that does not exist says nothing.
    pub(super) fn read(files: &[PathBuf]) -> Self {
        let mut known = Self::default();
        for file in files {
            match std::fs::read(file) {
                Ok(bytes) => known.add(file, &String::from_utf8_lossy(&bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => known.unreadable.push(format!("{}: {error}", file.display())),
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
            let marker = words.next_if(|word| word.starts_with('@'));
            // An authority signs keys; it is none itself. A marker of the future is not to be guessed at.
            if marker.is_some_and(|marker| marker != "@revoked") {
                continue;
            }
            let (Some(names), Some(_kind), Some(key)) = (words.next(), words.next(), words.next()) else { continue };
            if names.starts_with('#') {
                continue;
            }
            let (Some(names), Ok(key)) = (Names::parse(names), russh::keys::parse_public_key_base64(key)) else { continue };
            self.entries.push(Entry { file: file.to_owned(), line: index + 1, revoked: marker.is_some(), names, key });
        }
    }

    /// Judges a key. A host on another port than 22 is looked for as `[host]:port`, and then, as OpenSSH does, a key that
    /// is known for the host without a port is accepted too. An alias is looked for as it is.
    pub(super) fn judge(&self, lookup: &Lookup, key: &PublicKey) -> Verdict {
        let name = lookup.name();
        let verdict = self.judge_name(&name, key);
        let without_port = lookup.without_port();
        match (&verdict, without_port) {
            (Verdict::Unknown { .. }, Some(plain)) if self.judge_name(&plain, key) == Verdict::Known => Verdict::Known,
            (Verdict::Unknown { .. }, Some(plain)) => match self.judge_name(&plain, key) {
                revoked @ Verdict::Revoked(_) => revoked,
                _ => verdict,
            },
            _ => verdict,
        }
    }

    fn judge_name(&self, name: &str, key: &PublicKey) -> Verdict {
        let mut changed = None;
        let mut known = false;
        let mut others = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.names.cover(name)) {
            let location = Location { file: entry.file.clone(), line: entry.line };
            let same = entry.key.key_data() == key.key_data();
            match (entry.revoked, same) {
                // Wherever it stands: a revoked key is never good again.
                (true, true) => return Verdict::Revoked(location),
                (true, false) => {}
                (false, true) => known = true,
                (false, false) if entry.key.algorithm() == key.algorithm() => {
                    changed.get_or_insert(location);
                }
                (false, false) => others.push(location),
            }
        }
        match changed {
            _ if known => Verdict::Known,
            Some(location) => Verdict::Changed(location),
            None => Verdict::Unknown { others },
        }
    }

    /// The types of the keys that are known for a host, to be asked for first: a host with several keys is then judged by
    /// the one that is known.
    pub(super) fn types(&self, lookup: &Lookup) -> Vec<Algorithm> {
        let names: Vec<String> = std::iter::once(lookup.name()).chain(lookup.without_port()).collect();
        let covers = |entry: &&Entry| !entry.revoked && names.iter().any(|name| entry.names.cover(name));
        self.entries.iter().filter(covers).map(|entry| entry.key.algorithm()).collect()
    }
}

/// Under which name a host is looked for.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) host: String,
    pub(super) port: u16,
    /// `HostKeyAlias`.
    pub(super) alias: Option<String>,
}

impl Lookup {
    fn name(&self) -> String {
        match (&self.alias, self.port) {
            (Some(alias), _) => alias.to_lowercase(),
            (None, 22) => self.host.to_lowercase(),
            (None, port) => format!("[{}]:{port}", self.host.to_lowercase()),
        }
    }

    fn without_port(&self) -> Option<String> {
        (self.alias.is_none() && self.port != 22).then(|| self.host.to_lowercase())
    }
}

impl Names {
    fn parse(text: &str) -> Option<Self> {
        if let Some(hashed) = text.strip_prefix("|1|") {
            let (salt, hash) = hashed.split_once('|')?;
            return Some(Self::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? });
        }
        // Another kind of hash is nothing that could be compared.
        if text.starts_with('|') {
            return None;
        }
        let pattern = |part: &str| match part.strip_prefix('!') {
            Some(rest) => (true, rest.to_lowercase()),
            None => (false, part.to_lowercase()),
        };
        Some(Self::Patterns(text.split(',').filter(|part| !part.is_empty()).map(pattern).collect()))
    }

    fn cover(&self, name: &str) -> bool {
        match self {
            // One negated pattern that fits takes the whole line away.
            Self::Patterns(patterns) => {
                let fits = |wanted: bool| {
                    patterns.iter().any(|(negated, pattern)| *negated == wanted && glob(pattern.as_bytes(), name.as_bytes()))
                };
                fits(false) && !fits(true)
            }
            Self::Hashed { salt, hash } => {
                Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mac| mac.chain_update(name.as_bytes()).verify_slice(hash).is_ok())
            }
        }
    }
}

/// `*` and `?`, nothing else: brackets are part of `[host]:port`. Linear in both lengths, so that no file can hang it.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((star_at, from)) => {
                    star = Some((star_at, from + 1));
                    at = star_at + 1;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMxBTpMIGvo7CnordO7wP0QQRqpBwUjOLl4eMhfucfE1sjTYyK5wmTl1UqoSDS1PtRVTBdl+0+9pquFb46U7fwg=";

    fn key(line: &str) -> PublicKey {
        russh::keys::parse_public_key_base64(line.split(' ').nth(1).unwrap()).unwrap()
    }

    fn known(text: &str) -> KnownHosts {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("known_hosts");
        std::fs::write(&file, text).unwrap();
        KnownHosts::read(&[directory.path().join("missing"), file])
    }

    fn at(host: &str, port: u16) -> Lookup {
        Lookup { host: host.to_owned(), port, alias: None }
    }

    fn judge(text: &str, lookup: &Lookup, shown: &str) -> Verdict {
        known(text).judge(lookup, &key(shown))
    }

    fn line_of(verdict: &Verdict) -> usize {
        match verdict {
            Verdict::Changed(location) | Verdict::Revoked(location) => location.line,
            other => panic!("{other:?}"),
        }
    }

    const NOTHING: Verdict = Verdict::Unknown { others: Vec::new() };

    #[test]
    fn plain_names_and_addresses() {
        let text = format!("# comment\n\nn2,10.88.0.12 {ONE} a comment\n");
        for host in ["n2", "N2", "10.88.0.12"] {
            assert_eq!(judge(&text, &at(host, 22), ONE), Verdict::Known, "{host}");
        }
        assert_eq!(judge(&text, &at("n3", 22), ONE), NOTHING);
        assert_eq!(judge("", &at("n3", 22), ONE), NOTHING);
    }

    #[test]
    fn a_changed_key_names_file_and_line() {
        let text = format!("# comment\nn1 {ONE}\nn2 {ONE}\n");
        let verdict = judge(&text, &at("n2", 22), TWO);
        assert_eq!(line_of(&verdict), 3);
        let Verdict::Changed(location) = verdict else { panic!() };
        assert!(location.to_string().ends_with("known_hosts line 3"));
    }

    #[test]
    fn a_second_good_line_wins_over_a_changed_one() {
        let text = format!("n2 {ONE}\nn2 {TWO}\n");
        assert_eq!(judge(&text, &at("n2", 22), TWO), Verdict::Known);
    }

    #[test]
    fn a_key_of_another_type_is_unknown_and_says_where_the_other_stands() {
        let verdict = judge(&format!("n2 {ONE}\n"), &at("n2", 22), ECDSA);
        assert!(matches!(verdict, Verdict::Unknown { others } if others.len() == 1));
    }

    #[test]
    fn ports_stand_in_brackets_and_a_plain_line_serves_every_port() {
        let text = format!("[n2]:2222 {ONE}\n");
        assert_eq!(judge(&text, &at("n2", 2222), ONE), Verdict::Known);
        assert_eq!(judge(&text, &at("n2", 22), ONE), NOTHING);
        assert_eq!(judge(&text, &at("n2", 2223), ONE), NOTHING);
        assert_eq!(judge(&format!("n2 {ONE}\n"), &at("n2", 2222), ONE), Verdict::Known);
        assert_eq!(judge(&format!("n2 {ONE}\n"), &at("n2", 2222), TWO), NOTHING);
        assert_eq!(judge(&format!("[*]:2222 {ONE}\n"), &at("n2", 2222), ONE), Verdict::Known);
    }

    #[test]
    fn wildcards_and_negation() {
        let text = format!("*.lab,!bad.lab,node-? {ONE}\n");
        for (host, expected) in
            [("a.lab", true), ("a.b.lab", true), ("bad.lab", false), ("node-7", true), ("node-77", false), ("lab", false)]
        {
            assert_eq!(judge(&text, &at(host, 22), ONE) == Verdict::Known, expected, "{host}");
        }
        assert_eq!(judge(&format!("!n2 {ONE}\n"), &at("n3", 22), ONE), NOTHING);
    }

    #[test]
    fn hashed_names() {
        let hashed = |name: &str| {
            let salt = [7_u8; 20];
            let hash = Hmac::<Sha1>::new_from_slice(&salt).unwrap().chain_update(name).finalize().into_bytes();
            format!("|1|{}|{} {ONE}\n", STANDARD.encode(salt), STANDARD.encode(hash))
        };
        assert_eq!(judge(&hashed("n2"), &at("n2", 22), ONE), Verdict::Known);
        assert_eq!(judge(&hashed("[n2]:2222"), &at("n2", 2222), ONE), Verdict::Known);
        assert_eq!(line_of(&judge(&hashed("n2"), &at("n2", 22), TWO)), 1);
        assert_eq!(judge(&hashed("n2"), &at("n3", 22), ONE), NOTHING);
    }

    #[test]
    fn what_ssh_keygen_hashes_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("known_hosts");
        std::fs::write(&file, format!("node.example {ONE}\n")).unwrap();
        let Ok(status) = std::process::Command::new("ssh-keygen").arg("-q").arg("-H").arg("-f").arg(&file).status() else { return };
        assert!(status.success());
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("|1|"));
        assert_eq!(KnownHosts::read(&[file]).judge(&at("node.example", 22), &key(ONE)), Verdict::Known);
    }

    #[test]
    fn a_revoked_key_is_refused_wherever_its_line_stands() {
        for text in [format!("@revoked * {ONE}\nn2 {ONE}\n"), format!("n2 {ONE}\n@revoked n2 {ONE}\n")] {
            assert!(matches!(judge(&text, &at("n2", 22), ONE), Verdict::Revoked(_)));
        }
        let text = format!("n2 {TWO}\n@revoked * {ONE}\n");
        assert_eq!(judge(&text, &at("n2", 22), TWO), Verdict::Known);
        assert!(matches!(judge(&format!("@revoked n2 {ONE}\nn2 {ONE}\n"), &at("n2", 2222), ONE), Verdict::Revoked(_)));
    }

    #[test]
    fn an_authority_s_key_is_not_taken_for_a_host_s() {
        assert_eq!(judge(&format!("@cert-authority * {ONE}\n"), &at("n2", 22), ONE), NOTHING);
        assert_eq!(judge(&format!("@future n2 {ONE}\n"), &at("n2", 22), ONE), NOTHING);
    }

    #[test]
    fn an_alias_is_the_only_name() {
        let lookup = Lookup { host: "n2".to_owned(), port: 2222, alias: Some("Rack-7".to_owned()) };
        assert_eq!(judge(&format!("rack-7 {ONE}\n"), &lookup, ONE), Verdict::Known);
        assert_eq!(judge(&format!("n2,[n2]:2222 {ONE}\n"), &lookup, ONE), NOTHING);
    }

    #[test]
    fn broken_lines_are_passed_over() {
        let text = format!("n2\nn2 ssh-ed25519\nn2 ssh-ed25519 !!!!\n|1|x|y {ONE}\n|2|a|b {ONE}\n\u{0}\nn2\t{}\n", ONE.replace(' ', "\t"));
        assert_eq!(judge(&text, &at("n2", 22), ONE), Verdict::Known);
    }

    #[test]
    fn known_types_are_told_and_unreadable_files_too() {
        let known = known(&format!("n2 {ECDSA}\n[n2]:2222 {ONE}\n@revoked n2 {TWO}\n"));
        assert_eq!(known.types(&at("n2", 22)), vec![key(ECDSA).algorithm()]);
        assert_eq!(known.types(&at("n2", 2222)).len(), 2);
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(KnownHosts::read(&[directory.path().to_owned()]).unreadable().len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_file_makes_it_panic_or_hang(text in ".{0,400}", name in "[a-z*?.]{0,40}") {
            let mut known = KnownHosts::default();
            known.add(Path::new("f"), &text);
            let _ = known.judge(&at(&name, 22), &key(ONE));
            let _ = glob(text.as_bytes(), name.as_bytes());
        }
    }
}
