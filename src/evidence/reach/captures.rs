//! Captures, as far as a site lets a playbook reach: at its hosts alone, and within its bounds.

use std::sync::Arc;

use super::hosts::allowed;
use super::refused;
use crate::evidence::capture::{Captures, OpenCapture};
use crate::evidence::error::EvidenceError;
use crate::model::capture::CaptureRequest;
use crate::model::place::Place;
use crate::model::reach::{CaptureReach, Reach};

/// Captures of which none goes further.
pub(super) struct Narrowed {
    pub(super) all: Arc<dyn Captures>,
    pub(super) reach: Arc<Reach>,
}

impl Captures for Narrowed {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        allowed(&self.reach, request.place.host(), "capture on")?;
        if let Place::Pod { namespace, .. } = &request.place
            && !self.reach.allows_namespace(namespace)
        {
            return Err(refused(format!("capture in pod {}", request.place), &format!("namespace {namespace}"), "namespaces"));
        }
        self.all.open(&within(request, &self.reach.capture))
    }
}

/// The same capture, with no bound above the site's.
fn within(request: &CaptureRequest, most: &CaptureReach) -> CaptureRequest {
    CaptureRequest {
        snaplen: request.snaplen.min(most.snaplen.unwrap_or(u32::MAX)),
        most_packets: request.most_packets.min(most.packets.unwrap_or(u64::MAX)),
        most_seconds: request.most_seconds.min(most.seconds.unwrap_or(u64::MAX)),
        most_bytes: request.most_bytes.min(most.bytes.unwrap_or(u64::MAX)),
        ..request.clone()
    }
}
