//! How many captures are under way on each host: a host has one connection, and that carries eight of them at most.
//!
//! Who is left out is decided by the order of asking, so that the same playbook always leaves out the same places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::lock;
use crate::model::capture::CaptureRequest;
use crate::model::place::Host;

/// Captures on one host at a time. An sshd allows ten sessions on a connection unless told otherwise, and commands need some.
const MOST: usize = 8;

/// The captures that are under way.
#[derive(Clone, Default)]
pub(in crate::evidence) struct Places {
    by_host: Arc<Mutex<HashMap<Host, usize>>>,
}

/// One capture's place; dropping it frees it.
pub(in crate::evidence) struct Slot {
    places: Places,
    host: Host,
}

impl Places {
    /// Takes a place on the capture's host, or says that it is left out.
    pub(in crate::evidence) fn take(&self, request: &CaptureRequest) -> Result<Slot, EvidenceError> {
        let host = request.place.host();
        let mut by_host = lock(&self.by_host);
        let taken = by_host.entry(host.clone()).or_default();
        if *taken >= MOST {
            let reason = format!("left out: {} has eight captures under way, which is all that its one connection carries", host.name);
            return Err(EvidenceError::new(ErrorKind::LeftOut, format!("capture {} at {}", request.interface, request.place), reason)
                .hint("capture at fewer places of that host at a time"));
        }
        *taken += 1;
        Ok(Slot { places: self.clone(), host: host.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(taken) = lock(&self.places.by_host).get_mut(&self.host) {
            *taken = taken.saturating_sub(1);
        }
    }
}
