//! Who signs a login: nobody, to find out what would be taken; a key of a file; or an agent for a certificate that it
//! does not hold itself.

use std::sync::Arc;

use russh::Signer;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKey, PublicKey, signature};

/// An agent that holds keys.
pub(super) type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// Signs nothing: it only finds out that the server wants a signature, which means that it would take the key.
pub(super) struct WouldSign;

/// No signature was given.
pub(super) struct Unsigned(pub(super) String);

impl std::fmt::Display for Unsigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<russh::SendError> for Unsigned {
    fn from(_: russh::SendError) -> Self {
        Self("the connection broke".to_owned())
    }
}

impl Signer for WouldSign {
    type Error = Unsigned;

    async fn auth_sign(&mut self, _: &AgentIdentity, _: Option<HashAlg>, _: Vec<u8>) -> Result<Vec<u8>, Unsigned> {
        Err(Unsigned("a signature is wanted".to_owned()))
    }
}

/// A key of a file, for its certificate.
pub(super) struct KeySigner(pub(super) Arc<PrivateKey>);

impl Signer for KeySigner {
    type Error = Unsigned;

    async fn auth_sign(&mut self, _: &AgentIdentity, hash: Option<HashAlg>, mut data: Vec<u8>) -> Result<Vec<u8>, Unsigned> {
        let signed = match self.0.key_data() {
            KeypairData::Rsa(pair) => signature::Signer::try_sign(&(pair, hash), &data),
            other => signature::Signer::try_sign(other, &data),
        };
        let failed = |reason: &dyn std::fmt::Display| Unsigned(reason.to_string());
        let blob = signed.map_err(|error| failed(&error))?.encode_vec().map_err(|error| failed(&error))?;
        blob.encode(&mut data).map_err(|error| failed(&error))?;
        Ok(data)
    }
}

/// A key of the agent, for a certificate that is in a file.
pub(super) struct ForCertificate<'a> {
    pub(super) agent: &'a mut Agent,
    pub(super) key: PublicKey,
}

impl Signer for ForCertificate<'_> {
    type Error = Unsigned;

    async fn auth_sign(&mut self, _: &AgentIdentity, hash: Option<HashAlg>, data: Vec<u8>) -> Result<Vec<u8>, Unsigned> {
        let identity = AgentIdentity::from(self.key.clone());
        self.agent.sign_request(&identity, hash, data).await.map_err(|error| Unsigned(error.to_string()))
    }
}
