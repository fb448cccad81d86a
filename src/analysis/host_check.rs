//! Reads what a host said of itself into what a run can do there.

use crate::model::check::{HostCheck, Tool};

/// What captures, namespaces and bounds need.
const NEEDED: [&str; 4] = ["tcpdump", "nsenter", "ip", "timeout"];

/// What a closer look reads; any one of a group does.
const WANTED: [&[&str]; 4] = [&["ss"], &["iptables-save", "nft"], &["conntrack"], &["python3", "curl", "bash"]];

/// Reads the answer of the `check` script. `printable` lines of tab-separated fields; what is not understood is left out.
#[must_use]
pub fn host_check(name: &str, address: &str, answer: &str) -> HostCheck {
    let mut check = HostCheck { name: name.to_owned(), address: address.to_owned(), ..HostCheck::default() };
    for line in answer.lines() {
        match line.split('\t').collect::<Vec<_>>().as_slice() {
            ["user", user, _] => (*user).clone_into(&mut check.user),
            ["root", how @ ("login" | "sudo")] => {
                (*how).clone_into(&mut check.root);
                check.has_root = true;
            }
            ["root", "no", why] => check.root = format!("no: {why}"),
            ["tool", name, path, version] => {
                check.tools.push(Tool { name: (*name).to_owned(), path: (*path).to_owned(), version: (*version).to_owned() });
            }
            ["runtime", name, _] => check.runtimes.push((*name).to_owned()),
            ["kernel", release] => (*release).clone_into(&mut check.kernel),
            _ => {}
        }
    }
    let has = |wanted: &str| check.tools.iter().any(|tool| tool.name == wanted);
    let missing = NEEDED.iter().filter(|tool| !has(tool)).map(|tool| (*tool).to_owned()).collect();
    let wanting = WANTED.iter().filter(|any| !any.iter().any(|tool| has(tool))).map(|any| any.join(" or ")).collect();
    check.missing = missing;
    check.wanting = wanting;
    check
}

#[cfg(test)]
mod tests {
    use super::host_check;

    #[test]
    fn a_host_says_what_it_has() {
        let answer = "user\tops\t1000\nroot\tsudo\ntool\tip\t/usr/sbin/ip\tip utility, iproute2-6.1.0\ntool\ttimeout\t/usr/bin/timeout\t\n\
            tool\ttcpdump\t/usr/bin/tcpdump\ttcpdump version 4.99.3\nruntime\tcontainerd\t/run/containerd/containerd.sock\nkernel\t6.1.0\nnoise\n";
        let check = host_check("n1", "10.88.0.11", answer);
        assert!(check.has_root && check.root == "sudo" && check.user == "ops");
        assert_eq!(check.missing, ["nsenter"]);
        assert_eq!(check.wanting, ["ss", "iptables-save or nft", "conntrack", "python3 or curl or bash"]);
        assert_eq!((check.runtimes[0].as_str(), check.kernel.as_str(), check.tools.len()), ("containerd", "6.1.0", 3));
    }

    #[test]
    fn without_root_it_says_why() {
        let check = host_check("n1", "", "user\tops\t1000\nroot\tno\tsudo: a password is required\n");
        assert!(!check.has_root);
        assert_eq!(check.root, "no: sudo: a password is required");
    }
}
