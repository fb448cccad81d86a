//! What a run may do and what hosts offer, looked at before it matters.

use serde::{Deserialize, Serialize};

/// One permission of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessCheck {
    /// Such as `list pods` or `get pods/log`.
    pub what: String,
    /// `-` for all namespaces.
    pub namespace: String,
    /// `None` when it could not be asked.
    pub allowed: Option<bool>,
    /// Without it a run cannot do its work, or leaves its main questions open.
    pub needed: bool,
    /// What it is needed for.
    pub because: String,
    /// Why it could not be asked.
    pub error: Option<String>,
}

/// What one host offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCheck {
    pub name: String,
    /// What was connected to.
    pub address: String,
    /// Why the host cannot be used at all; everything else is empty then.
    pub unreachable: Option<String>,
    /// The name of the gap that `unreachable` leaves.
    pub gap: Option<String>,
    pub user: String,
    /// `login`, `sudo`, or why not.
    pub root: String,
    pub has_root: bool,
    pub tools: Vec<Tool>,
    /// Tools that a run needs and the host lacks.
    pub missing: Vec<String>,
    /// Tools without which a part of a closer look stays dark.
    pub wanting: Vec<String>,
    /// Container runtimes whose socket is there.
    pub runtimes: Vec<String>,
    pub kernel: String,
    /// `ok`, or why no capture can be made there.
    pub capture: String,
    pub can_capture: bool,
}

/// A program on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub path: String,
    pub version: String,
}
