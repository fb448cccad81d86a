//! The scripts that run on hosts. Each is fixed text; what varies comes as positional parameters.

use serde::{Deserialize, Serialize};

/// A script of ours, POSIX sh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Script {
    /// Runs tcpdump in a host's or pod's network namespace and streams the packets.
    Capture,
    /// Asks a Service as its users would.
    Probe,
    /// The same out of a pod's network namespace.
    ProbePod,
    /// Prints the network state of a host's or pod's network namespace.
    Inspect,
    /// Prints one part of that state.
    State,
    /// Asks by ARP, or for IPv6 by neighbour solicitation, who has an address.
    Arping,
    /// Prints the interfaces of a host with their MACs.
    Links,
    /// Waits, so that its guard can be asked for the host's time.
    Clock,
    /// Asks a router's BGP daemon what it knows of some addresses.
    Router,
    /// Prints what a host offers: its user, root, tools, container runtimes.
    Check,
    /// Looks for processes of this run, ends them, and looks again.
    Sweep,
}

impl Script {
    /// Every script.
    pub const ALL: [Self; 11] = [
        Self::Capture,
        Self::Probe,
        Self::ProbePod,
        Self::Inspect,
        Self::State,
        Self::Arping,
        Self::Links,
        Self::Clock,
        Self::Router,
        Self::Check,
        Self::Sweep,
    ];

    /// The name that shows in the process list and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Probe => "probe",
            Self::ProbePod => "probe-pod",
            Self::Inspect => "inspect",
            Self::State => "state",
            Self::Arping => "arping",
            Self::Links => "links",
            Self::Clock => "clock",
            Self::Router => "router",
            Self::Check => "check",
            Self::Sweep => "sweep",
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Capture => concat!(include_str!("scripts/namespace.sh"), include_str!("scripts/capture.sh")),
            Self::Probe => concat!("IN=''\n", include_str!("scripts/probe.sh")),
            Self::ProbePod => {
                concat!(include_str!("scripts/namespace.sh"), "enter_place pod \"$1\" \"$2\"\nshift 2\n", include_str!("scripts/probe.sh"))
            }
            Self::Inspect => {
                concat!(include_str!("scripts/namespace.sh"), include_str!("scripts/section.sh"), include_str!("scripts/inspect.sh"))
            }
            Self::State => {
                concat!(include_str!("scripts/namespace.sh"), include_str!("scripts/section.sh"), include_str!("scripts/state.sh"))
            }
            Self::Arping => include_str!("scripts/arping.sh"),
            Self::Links => include_str!("scripts/links.sh"),
            Self::Clock => include_str!("scripts/clock.sh"),
            Self::Router => include_str!("scripts/router.sh"),
            Self::Check => include_str!("scripts/check.sh"),
            Self::Sweep => include_str!("scripts/sweep.sh"),
        }
    }

    /// What it does to the world: `probe` where it asks for an answer from the network, otherwise `command`.
    #[must_use]
    pub fn touches(self) -> &'static str {
        if matches!(self, Self::Probe | Self::ProbePod | Self::Arping) { "probe" } else { "command" }
    }

    /// Whether it needs root on the host (`sudo -n` when the login is another user).
    #[must_use]
    pub fn needs_root(self) -> bool {
        !matches!(self, Self::Probe | Self::Links | Self::Router | Self::Check | Self::Clock)
    }
}

#[cfg(test)]
mod probe;
#[cfg(test)]
mod tests;
