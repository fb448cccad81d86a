//! What in a place's state makes its packets or its processes as they are.

use super::PlaceState;
use crate::analysis::state::settings;

impl PlaceState {
    /// The first rule of a packet filter that sets the hop limit of packets, with the section that has it.
    #[must_use]
    pub fn sets_hop_limit(&self) -> Option<(&'static str, &str)> {
        const SETS: [&str; 4] = ["TTL --ttl-", "HL --hl-", "ip ttl set ", "ip6 hoplimit set "];
        let of = |section: &'static str| {
            let line = self.section(section).lines().find(|line| SETS.iter().any(|sets| line.contains(sets)))?;
            Some((section, line.trim()))
        };
        ["iptables", "iptables-legacy", "ip6tables", "nft"].into_iter().find_map(of)
    }

    /// How a process of that name that is stopped is let go on; `None` when none is.
    #[must_use]
    pub fn wake(&self, name: &str) -> Option<String> {
        let all = self.part(&self.parts.processes, "processes", settings::processes)?;
        let stopped = || all.iter().filter(|process| process.name == name && process.letter == 'T');
        stopped().next()?;
        let pids: Vec<String> = stopped().filter_map(|process| process.pid).map(|pid| pid.to_string()).collect();
        let which = if pids.is_empty() { format!("$(pidof {name})") } else { pids.join(" ") };
        Some(format!(
            "On {}: {name} was stopped and has not ended; kill -CONT {which} lets it go on. See who stopped it (SIGSTOP, a debugger).",
            self.place.host().name
        ))
    }
}
