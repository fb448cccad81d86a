//! What a capture's script is told, and what its refusals mean.

use super::operation;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::capture::CaptureRequest;

/// The kernel's buffer where nobody asks for another, KiB: in immediate mode the usual 2 MiB lose packets in bursts.
const BUFFER_KIB: u32 = 32 * 1024;

/// The script's positional parameters.
pub(in crate::evidence) fn arguments(request: &CaptureRequest, tag: &str) -> Vec<String> {
    let mut arguments = request.place.as_arguments().to_vec();
    arguments.extend([
        request.interface.clone(),
        request.filter.clone(),
        request.snaplen.to_string(),
        request.most_packets.to_string(),
        tag.to_owned(),
        request.direction.word().to_owned(),
        request.buffer_kib.unwrap_or(BUFFER_KIB).to_string(),
    ]);
    arguments
}

/// What tcpdump said when it did not even begin.
pub(super) fn refused(request: &CaptureRequest, said: &str) -> Option<EvidenceError> {
    if said.is_empty() {
        return None;
    }
    let error = EvidenceError::new(ErrorKind::CaptureRefused, operation(request), said.replace('\n', "; "));
    Some(if said.contains("No such device") {
        error.hint(format!("there is no interface {} there", request.interface))
    } else if said.contains("permission to") || said.contains("not permitted") {
        error.hint("tcpdump needs root or CAP_NET_RAW there")
    } else {
        error
    })
}
