//! Watches over a connection while it is made and when it ends.

use std::sync::{Arc, Mutex};

use russh::client::{DisconnectReason, Handler};
use russh::keys::PublicKeyOrCertificate;

use super::host_key::judged;
use super::known_hosts::{KnownHosts, Lookup};
use super::standing::Seen;
use crate::evidence::side_by_side::lock;

/// Judges the host's key and remembers why a connection ended.
pub(super) struct Watcher {
    pub(super) known: KnownHosts,
    pub(super) lookup: Lookup,
    pub(super) name: String,
    pub(super) seen: Arc<Mutex<Seen>>,
}

impl Handler for Watcher {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        match judged(&self.known, &self.lookup, shown, &self.name) {
            Ok(()) => Ok(true),
            Err(refusal) => {
                lock(&self.seen).refusal = Some(refusal);
                Ok(false)
            }
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        let (said, result) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => (info.message, Ok(())),
            DisconnectReason::Error(error) => (error.to_string(), Err(error)),
        };
        lock(&self.seen).end = Some(said);
        result
    }
}
