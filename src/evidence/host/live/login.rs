//! Logs in with keys: those of the site file, of the agent, and of files, in OpenSSH's order. Never with a password.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};

use super::connection::Watcher;
use super::settings::Target;
use crate::evidence::error::{ErrorKind, EvidenceError};

type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// A key of a file, with the certificate that belongs to it.
struct FileKey {
    path: PathBuf,
    key: Arc<PrivateKey>,
    certificates: Vec<Certificate>,
}

/// What was tried, for the message when nothing worked.
#[derive(Default)]
struct Attempts {
    tried: Vec<String>,
    unusable: Vec<String>,
    offered: Option<MethodSet>,
    second_factor: bool,
}

/// Whether to go on trying.
enum Next {
    In,
    Another,
    NoUse,
}

/// Logs in, or says what was tried and what the server would take.
///
/// # Errors
/// `HostUnreachable`; the hint says what to do.
pub(super) async fn log_in(handle: &mut Handle<Watcher>, target: &Target, name: &str) -> Result<(), EvidenceError> {
    let mut attempts = Attempts::default();
    let mut seen = HashSet::new();
    let site_keys = load(&target.site_keys, target, true, &mut attempts);
    let file_keys = load(&target.identity_files, target, false, &mut attempts);
    for key in &site_keys {
        match try_file(handle, target, key, &mut seen, &mut attempts).await {
            Next::In => return Ok(()),
            Next::Another => {}
            Next::NoUse => return Err(attempts.refused(target, name)),
        }
    }
    if let Some(mut agent) = agent_of(target, &mut attempts).await {
        for identity in agent_identities(&mut agent, target, &file_keys, &mut attempts).await {
            match try_agent(handle, target, &identity, &mut agent, &mut seen, &mut attempts).await {
                Next::In => return Ok(()),
                Next::Another => {}
                Next::NoUse => return Err(attempts.refused(target, name)),
            }
        }
    }
    for key in &file_keys {
        match try_file(handle, target, key, &mut seen, &mut attempts).await {
            Next::In => return Ok(()),
            Next::Another => {}
            Next::NoUse => break,
        }
    }
    if attempts.offered.is_none()
        && let Ok(result) = handle.authenticate_none(target.user.clone()).await
        && let Next::In = attempts.judge(result)
    {
        return Ok(());
    }
    Err(attempts.refused(target, name))
}

/// Reads key files. A missing one matters only when the site names it; an encrypted one may still be in the agent.
fn load(paths: &[PathBuf], target: &Target, named: bool, attempts: &mut Attempts) -> Vec<FileKey> {
    let mut keys = Vec::new();
    for path in paths {
        match russh::keys::load_secret_key(path, None) {
            Ok(key) => {
                let certificates = certificates(path, &key, target);
                keys.push(FileKey { path: path.clone(), key: Arc::new(key), certificates });
            }
            Err(russh::keys::Error::KeyIsEncrypted) => attempts.unusable.push(format!("{} is encrypted", path.display())),
            Err(russh::keys::Error::IO(error)) if error.kind() == std::io::ErrorKind::NotFound && !named => {}
            Err(error) => attempts.unusable.push(format!("{}: {error}", path.display())),
        }
    }
    keys
}

/// The certificates for a key: `KEY-cert.pub` and what `CertificateFile` names.
fn certificates(path: &Path, key: &PrivateKey, target: &Target) -> Vec<Certificate> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-cert.pub");
    let files = std::iter::once(PathBuf::from(beside)).chain(target.certificate_files.iter().cloned());
    let read = files.filter_map(|file| russh::keys::load_openssh_certificate(file).ok());
    read.filter(|certificate| certificate.public_key() == key.public_key().key_data()).collect()
}

async fn agent_of(target: &Target, attempts: &mut Attempts) -> Option<Agent> {
    let socket = target.agent.as_ref()?;
    match AgentClient::connect_uds(socket).await {
        Ok(agent) => Some(agent.dynamic()),
        Err(error) => {
            attempts.unusable.push(format!("the agent at {}: {error}", socket.display()));
            None
        }
    }
}

/// The agent's keys: first those that `ssh_config` names, then the others unless `IdentitiesOnly` is set.
async fn agent_identities(agent: &mut Agent, target: &Target, file_keys: &[FileKey], attempts: &mut Attempts) -> Vec<AgentIdentity> {
    let identities = match agent.request_identities().await {
        Ok(identities) => identities,
        Err(error) => {
            attempts.unusable.push(format!("the agent: {error}"));
            return Vec::new();
        }
    };
    let mut named: Vec<PublicKey> = file_keys.iter().map(|key| key.key.public_key().clone()).collect();
    for path in target.identity_files.iter().chain(&target.site_keys) {
        let mut public = path.as_os_str().to_owned();
        public.push(".pub");
        named.extend(russh::keys::load_public_key(PathBuf::from(public)).ok());
        // IdentityFile may name the public half itself, when the agent has the private one.
        named.extend(russh::keys::load_public_key(path).ok());
    }
    let is_named = |identity: &AgentIdentity| named.iter().any(|key| key.key_data() == identity.public_key().key_data());
    let (mut first, others): (Vec<_>, Vec<_>) = identities.into_iter().partition(is_named);
    if !target.identities_only {
        first.extend(others);
    }
    first
}

/// The signature's hash for an RSA key: SHA-2 always, unless the server knows nothing of it.
async fn rsa_hash(handle: &Handle<Watcher>, key: &PublicKey) -> Option<HashAlg> {
    if !matches!(key.algorithm(), Algorithm::Rsa { .. }) {
        return None;
    }
    match handle.best_supported_rsa_hash().await {
        Ok(Some(best)) => best,
        _ => Some(HashAlg::Sha512),
    }
}

async fn try_file(
    handle: &mut Handle<Watcher>,
    target: &Target,
    file: &FileKey,
    seen: &mut HashSet<String>,
    attempts: &mut Attempts,
) -> Next {
    let public = file.key.public_key();
    for certificate in &file.certificates {
        attempts.tried.push(format!("the certificate of {}", file.path.display()));
        let result = handle.authenticate_openssh_cert(target.user.clone(), Arc::clone(&file.key), certificate.clone()).await;
        match attempts.outcome(result) {
            Next::Another => {}
            done => return done,
        }
    }
    if !seen.insert(public.fingerprint(HashAlg::Sha256).to_string()) {
        return Next::Another;
    }
    attempts.tried.push(file.path.display().to_string());
    let hash = rsa_hash(handle, public).await;
    let result = handle.authenticate_publickey(target.user.clone(), PrivateKeyWithHashAlg::new(Arc::clone(&file.key), hash)).await;
    attempts.outcome(result)
}

async fn try_agent(
    handle: &mut Handle<Watcher>,
    target: &Target,
    identity: &AgentIdentity,
    agent: &mut Agent,
    seen: &mut HashSet<String>,
    attempts: &mut Attempts,
) -> Next {
    let public = identity.public_key().into_owned();
    let hash = rsa_hash(handle, &public).await;
    attempts.tried.push(format!("{} of the agent", identity.comment()));
    let result = match identity {
        AgentIdentity::Certificate { certificate, .. } => {
            handle.authenticate_certificate_with(target.user.clone(), certificate.clone(), hash, agent).await
        }
        AgentIdentity::PublicKey { .. } => {
            if !seen.insert(public.fingerprint(HashAlg::Sha256).to_string()) {
                return Next::Another;
            }
            handle.authenticate_publickey_with(target.user.clone(), public, hash, agent).await
        }
    };
    attempts.outcome(result)
}

impl Attempts {
    fn outcome<E: std::fmt::Display>(&mut self, result: Result<AuthResult, E>) -> Next {
        match result {
            Ok(result) => self.judge(result),
            Err(error) => {
                self.unusable.push(error.to_string());
                Next::Another
            }
        }
    }

    fn judge(&mut self, result: AuthResult) -> Next {
        match result {
            AuthResult::Success => Next::In,
            AuthResult::Failure { remaining_methods, partial_success } => {
                let more = remaining_methods.contains(&MethodKind::PublicKey) && !partial_success;
                self.second_factor |= partial_success;
                self.offered = Some(remaining_methods);
                if more { Next::Another } else { Next::NoUse }
            }
        }
    }

    /// What is said when no key was taken.
    fn refused(&self, target: &Target, name: &str) -> EvidenceError {
        let offered: Vec<&str> = self.offered.iter().flat_map(|set| set.iter()).map(<&str>::from).collect();
        let offers = if offered.is_empty() {
            "the server said nothing about what it takes".to_owned()
        } else {
            format!("the server takes {}", offered.join(", "))
        };
        let tried = if self.tried.is_empty() { "there was no key to try".to_owned() } else { format!("tried {}", self.tried.join(", ")) };
        let mut reason = if self.second_factor {
            format!("{} wants more than a key from {} ({offers})", target.hostname, target.user)
        } else if !offered.is_empty() && !offered.contains(&"publickey") {
            format!("{} does not let {} in with a key: {offers}", target.hostname, target.user)
        } else {
            format!("{} refused {}: {tried}; {offers}", target.hostname, target.user)
        };
        if !self.unusable.is_empty() {
            reason = format!("{reason}; not usable: {}", self.unusable.join(", "));
        }
        let hint = if self.unusable.iter().any(|why| why.ends_with("is encrypted")) {
            "use an agent: ssh-add the encrypted key"
        } else {
            "lbdiag logs in with keys alone: ssh-add the right one, name it in ssh_config or under ssh.keys in the site file"
        };
        EvidenceError::new(ErrorKind::HostUnreachable, format!("log in to {name}"), reason).hint(hint)
    }
}
