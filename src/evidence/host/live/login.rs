//! Logs in with keys: those of the site file, of the agent, and of files, in OpenSSH's order. Never with a password.
//!
//! An encrypted key is unlocked only when the server would take it, as OpenSSH does: nobody types for nothing.

use std::collections::HashSet;
use std::path::PathBuf;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};

use super::key_files::{FileKey, certificates, load};
use super::passphrase::Passphrases;
use super::settings::Target;
use super::signers::{Agent, ForCertificate, KeySigner, WouldSign};
use super::watcher::Watcher;
use crate::evidence::error::{ErrorKind, EvidenceError};

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
pub(super) async fn log_in(
    handle: &mut Handle<Watcher>,
    target: &Target,
    name: &str,
    passphrases: &Passphrases,
) -> Result<(), EvidenceError> {
    let mut attempts = Attempts::default();
    let mut seen = HashSet::new();
    let site_keys = load(&target.site_keys, target, true, &mut attempts.unusable);
    let file_keys = load(&target.identity_files, target, false, &mut attempts.unusable);
    for key in &site_keys {
        match try_file(handle, target, key, &mut seen, &mut attempts, passphrases).await {
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
        match try_file(handle, target, key, &mut seen, &mut attempts, passphrases).await {
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
    let mut named: Vec<PublicKey> = file_keys.iter().filter_map(|key| key.public.clone()).collect();
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
async fn rsa_hash(handle: &Handle<Watcher>, target: &Target, key: &Algorithm) -> Option<HashAlg> {
    if !matches!(key, Algorithm::Rsa { .. }) {
        return None;
    }
    if target.no_sha512 {
        return Some(HashAlg::Sha256);
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
    passphrases: &Passphrases,
) -> Next {
    let user = &target.user;
    let shown = file.path.display();
    for certificate in &file.certificates {
        attempts.tried.push(format!("the certificate of {shown}"));
        let hash = rsa_hash(handle, target, &certificate.algorithm()).await;
        if file.key.is_none()
            && let Ok(result) = handle.authenticate_certificate_with(user, certificate.clone(), hash, &mut WouldSign).await
        {
            match attempts.judge(result) {
                Next::Another => continue,
                done => return done,
            }
        }
        let Some(key) = file.unlocked(target, passphrases, &mut attempts.unusable).await else { return Next::Another };
        match attempts.outcome(handle.authenticate_certificate_with(user, certificate.clone(), hash, &mut KeySigner(key)).await) {
            Next::Another => {}
            done => return done,
        }
    }
    if let Some(public) = &file.public {
        if !seen.insert(public.fingerprint(HashAlg::Sha256).to_string()) {
            return Next::Another;
        }
        attempts.tried.push(shown.to_string());
        let hash = rsa_hash(handle, target, &public.algorithm()).await;
        if file.key.is_none()
            && let Ok(result) = handle.authenticate_publickey_with(user, public.clone(), hash, &mut WouldSign).await
        {
            return attempts.judge(result);
        }
    }
    let Some(key) = file.unlocked(target, passphrases, &mut attempts.unusable).await else { return Next::Another };
    let hash = rsa_hash(handle, target, &key.algorithm()).await;
    attempts.outcome(handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await)
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
    let hash = rsa_hash(handle, target, &public.algorithm()).await;
    let user = &target.user;
    if let AgentIdentity::Certificate { certificate, .. } = identity {
        attempts.tried.push(format!("{} of the agent", identity.comment()));
        return attempts.outcome(handle.authenticate_certificate_with(user, certificate.clone(), hash, agent).await);
    }
    if !seen.insert(public.fingerprint(HashAlg::Sha256).to_string()) {
        return Next::Another;
    }
    for certificate in certificates(&[], &public, target) {
        attempts.tried.push(format!("the certificate of {}", identity.comment()));
        let mut signer = ForCertificate { agent, key: public.clone() };
        match attempts.outcome(handle.authenticate_certificate_with(user, certificate, hash, &mut signer).await) {
            Next::Another => {}
            done => return done,
        }
    }
    attempts.tried.push(format!("{} of the agent", identity.comment()));
    attempts.outcome(handle.authenticate_publickey_with(user, public, hash, agent).await)
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
        let hint = if self.unusable.iter().any(|why| why.contains("is encrypted")) {
            match &target.agent {
                Some(_) => "put the encrypted key into the agent: `ssh-add KEY`",
                None => {
                    "start an agent and put the encrypted key into it (`eval $(ssh-agent)`, `ssh-add KEY`); no agent is set (SSH_AUTH_SOCK, IdentityAgent)"
                }
            }
        } else {
            "lbdiag logs in with keys alone: ssh-add the right one, name it in ssh_config or under ssh.keys in the site file"
        };
        EvidenceError::new(ErrorKind::LoginRefused, format!("log in to {name}"), reason).hint(target.with_unread(hint))
    }
}
