//! What is spoken at a port, when nobody says.

use crate::model::probe::Speech;
use crate::model::service::{Protocol, ServicePort};

/// What the port's users speak, by appProtocol, the port's name and its number, in this order.
#[must_use]
pub fn speech(port: &ServicePort) -> Speech {
    if port.protocol == Protocol::Udp {
        return Speech::Udp;
    }
    let told = port.app_protocol.as_deref().map(|protocol| protocol.rsplit('/').next().unwrap_or_default().to_lowercase());
    match told.as_deref() {
        Some("https") => return Speech::Https,
        Some("http" | "h2c" | "ws") => return Speech::Http,
        Some(_) => return Speech::Tcp,
        None => {}
    }
    let name = port.name.to_lowercase();
    let is = |prefix: &str| name == prefix || name.starts_with(&format!("{prefix}-")) || name.ends_with(&format!("-{prefix}"));
    if is("https") {
        Speech::Https
    } else if is("http") || is("web") {
        Speech::Http
    } else {
        match port.port {
            443 | 8443 => Speech::Https,
            80 | 8080 => Speech::Http,
            _ => Speech::Tcp,
        }
    }
}
