//! Private keys in files, locked or not, with the certificates that belong to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::{Certificate, PrivateKey, PublicKey};

use super::passphrase::Passphrases;
use super::settings::Target;
use crate::evidence::text_file;

/// A key of a file.
pub(super) struct FileKey {
    pub(super) path: PathBuf,
    /// `None` for one that a passphrase protects.
    pub(super) key: Option<Arc<PrivateKey>>,
    /// `None` when only the protected part of the file would tell.
    pub(super) public: Option<PublicKey>,
    pub(super) certificates: Vec<Certificate>,
}

impl FileKey {
    /// The key itself; asks for the passphrase when there is somebody to ask.
    pub(super) async fn unlocked(&self, target: &Target, passphrases: &Passphrases, unusable: &mut Vec<String>) -> Option<Arc<PrivateKey>> {
        if let Some(key) = &self.key {
            return Some(Arc::clone(key));
        }
        match passphrases.unlock(&self.path, target.unattended).await {
            Ok(key) => Some(key),
            Err(reason) => {
                unusable.push(format!("{} {reason}", self.path.display()));
                None
            }
        }
    }
}

/// Reads key files. A missing one matters only when the site names it.
pub(super) fn load(paths: &[PathBuf], target: &Target, named: bool, unusable: &mut Vec<String>) -> Vec<FileKey> {
    let mut keys = Vec::new();
    for path in paths {
        let (key, public) = match russh::keys::load_secret_key(path, None) {
            Ok(key) => {
                let public = key.public_key().clone();
                (Some(Arc::new(key)), Some(public))
            }
            Err(russh::keys::Error::KeyIsEncrypted) => (None, public_half(path)),
            Err(russh::keys::Error::IO(error)) if error.kind() == std::io::ErrorKind::NotFound && !named => continue,
            // The public half itself may be named, when the agent has the private one.
            Err(_) if russh::keys::load_public_key(path).is_ok() => continue,
            Err(error) => {
                unusable.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        let certificates = public.as_ref().map(|public| certificates(&[beside(path, "-cert.pub")], public, target)).unwrap_or_default();
        keys.push(FileKey { path: path.clone(), key, public, certificates });
    }
    keys
}

/// The public half of a locked key: OpenSSH's own form carries it in the open, other forms have a file beside them.
fn public_half(path: &Path) -> Option<PublicKey> {
    let text = text_file::read(path).ok()?;
    let in_the_open = PrivateKey::from_openssh(&text).ok().map(|key| key.public_key().clone());
    in_the_open.or_else(|| russh::keys::load_public_key(beside(path, ".pub")).ok())
}

/// The certificates for a key: of the files named, and what `CertificateFile` names.
pub(super) fn certificates(files: &[PathBuf], public: &PublicKey, target: &Target) -> Vec<Certificate> {
    let read = files.iter().chain(&target.certificate_files).filter_map(|file| russh::keys::load_openssh_certificate(file).ok());
    read.filter(|certificate| certificate.public_key() == public.key_data()).collect()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(ending);
    PathBuf::from(beside)
}
