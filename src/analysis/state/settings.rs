//! Kernel settings, and the few processes whose state matters.

use std::collections::BTreeMap;

/// Kernel settings by their path below /proc/sys, such as `net/ipv4/ip_forward`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    pub(super) fn read(text: &str) -> Self {
        let mut all = BTreeMap::new();
        for (name, value) in text.lines().filter_map(|line| line.split_once(" = ")) {
            all.entry(name.to_owned()).or_insert_with(|| value.trim().to_owned());
        }
        Self(all)
    }

    /// The value as it is written.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    #[must_use]
    pub fn number(&self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    /// A setting of one interface, by the name of its file; a dot in the interface's name may be written as a slash.
    #[must_use]
    pub fn of_interface(&self, family: &str, interface: &str, name: &str) -> Option<i64> {
        let value = |interface: &str| self.number(&format!("net/{family}/conf/{interface}/{name}"));
        value(&interface.replace('.', "/")).or_else(|| value(interface))
    }

    /// The reverse path filter in force on an interface: the larger of its own and `all`'s.
    #[must_use]
    pub fn reverse_path_filter(&self, interface: &str) -> i64 {
        let all = self.number("net/ipv4/conf/all/rp_filter").unwrap_or_default();
        all.max(self.of_interface("ipv4", interface, "rp_filter").unwrap_or_default())
    }
}

/// A process whose state matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) name: String,
    /// The kernel's letter for its state.
    pub(super) letter: char,
    /// Its number; recordings of before it was asked for have none.
    pub(super) pid: Option<u32>,
}

/// Each process with the kernel's letter for its state.
pub(super) fn processes(text: &str) -> Vec<Process> {
    let each = text.lines().map(|line| line.split(' '));
    each.filter_map(|mut words| {
        let (name, letter) = (words.next()?.to_owned(), words.next()?.chars().next()?);
        Some(Process { name, letter, pid: words.next().and_then(|pid| pid.parse().ok()) })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_reverse_path_filter_is_in_force() {
        let settings = Settings::read(
            "net/ipv4/ip_forward = 1\nnet/ipv4/conf/all/rp_filter = 1\nnet/ipv4/conf/eth0/5/rp_filter = 2\nnet/ipv4/conf/mlb/rp_filter = 0\n\
             net/ipv4/tcp_congestion_control = cubic\n",
        );
        assert_eq!((settings.reverse_path_filter("eth0.5"), settings.reverse_path_filter("mlb")), (2, 1));
        assert_eq!((settings.number("net/ipv4/ip_forward"), settings.number("net/ipv4/tcp_congestion_control")), (Some(1), None));
        assert_eq!((settings.text("net/ipv4/tcp_congestion_control"), settings.text("net/ipv4/other")), (Some("cubic"), None));
    }

    #[test]
    fn processes_have_their_letter() {
        let process = |name: &str, letter, pid| Process { name: name.to_owned(), letter, pid };
        assert_eq!(
            processes("kube-proxy S\nspeaker T 4711\nodd\n"),
            [process("kube-proxy", 'S', None), process("speaker", 'T', Some(4711))]
        );
    }
}
