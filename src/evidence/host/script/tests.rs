//! How a pod's network namespace is found and proven, run by the real `sh` on trees that look like /proc.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const NAMESPACE: &str = include_str!("../scripts/namespace.sh");
const ID: &str = "4f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c";
const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const UID: &str = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
const UID_: &str = "0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9";
const POD: &str = "net:[4026532001]";
const OTHER_POD: &str = "net:[4026532002]";

/// A machine with a /proc, and with the runtimes' programs where a test wants them.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["proc", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    /// The namespace of this test, which stands for the host's.
    fn host_netns() -> String {
        fs::read_link("/proc/self/ns/net").unwrap().to_str().unwrap().to_owned()
    }

    /// A process in a namespace that holds these addresses, in the cgroup of these lines.
    fn process(&self, pid: u32, cgroup: &str, netns: &str, addresses: &[&str]) {
        let process = self.folder.path().join("proc").join(pid.to_string());
        fs::create_dir_all(process.join("ns")).unwrap();
        fs::create_dir_all(process.join("net")).unwrap();
        fs::write(process.join("cgroup"), cgroup).unwrap();
        // The kernel's link opens the namespace; this one opens a file of its name.
        fs::write(process.join("ns").join(netns), "").unwrap();
        symlink(netns, process.join("ns/net")).unwrap();
        let (mut trie, mut inet6) = (String::from("Main:\n  +-- 0.0.0.0/0 3 0 5\n"), String::new());
        for address in addresses {
            if let Some(address) = address.strip_prefix("routed ") {
                writeln!(trie, "        |-- {address}\n           /32 link UNICAST").unwrap();
            } else if let Ok(v6) = address.parse::<std::net::Ipv6Addr>() {
                writeln!(inet6, "{:032x} 02 40 00 80     eth0", u128::from(v6)).unwrap();
            } else {
                writeln!(trie, "        |-- {address}\n           /32 host LOCAL").unwrap();
            }
        }
        fs::write(process.join("net/fib_trie"), trie).unwrap();
        fs::write(process.join("net/if_inet6"), inet6).unwrap();
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// Enters the pod's place: the status, and what was said.
    fn enter(&self, ids: &str, ips: &str) -> (i32, String) {
        let script =
            format!("{NAMESPACE}\nproc=$4 docker_socket=$5\nenter_place \"$1\" \"$2\" \"$3\"\necho \"IN=$IN PID=$NETNS_PID\" >&2\n");
        // Runtimes of the machine that runs the tests are none of this one's.
        for name in ["crictl", "ctr", "docker"] {
            if !self.folder.path().join("bin").join(name).exists() {
                self.program(name, "exit 1");
            }
        }
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .args(["-c", &script, "lbdiag-test", "pod", ids, ips])
            .args([self.folder.path().join("proc"), self.socket()])
            .env("PATH", path)
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn proves(&self, ids: &str, ips: &str, pid: u32) {
        let (status, said) = self.enter(ids, ips);
        assert_eq!(status, 0, "{said}");
        assert!(said.contains(&format!("lbdiag-proof pid={pid} netns={POD} ip=")), "{said}");
        assert!(said.contains(&format!("IN=nsenter --net=/proc/self/fd/4 PID={pid}")), "{said}");
    }

    fn refuses(&self, ids: &str, ips: &str, why: &str) {
        let (status, said) = self.enter(ids, ips);
        assert_eq!(status, 97, "{said}");
        assert!(said.contains("lbdiag-refused namespace: ") && said.contains(why), "{said}");
    }
}

/// Whether what the scripts need is here at all.
fn has_nsenter() -> bool {
    Path::new("/usr/bin/nsenter").exists() || Path::new("/bin/nsenter").exists()
}

/// Every form in which a container's cgroup is written.
fn forms() -> Vec<String> {
    let burstable = format!("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID_}.slice");
    vec![
        // cgroup v1, a line for each controller; systemd.
        format!("12:pids:/{burstable}/cri-containerd-{ID}.scope\n11:memory:/{burstable}/cri-containerd-{ID}.scope\n1:name=systemd:/\n"),
        // cgroup v2; systemd.
        format!("0::/{burstable}/cri-containerd-{ID}.scope\n"),
        // Guaranteed pods have no level of their own.
        format!("0::/kubepods.slice/kubepods-pod{UID_}.slice/cri-containerd-{ID}.scope\n"),
        format!("0::/{burstable}/crio-{ID}.scope\n"),
        format!("0::/{burstable}/crio-{ID}.scope/container\n"),
        format!("0::/{burstable}/docker-{ID}.scope\n"),
        // cgroupfs.
        format!("4:cpu:/kubepods/burstable/pod{UID}/{ID}\n"),
        format!("0::/kubepods/pod{UID}/{ID}\n"),
        // kubelet says systemd and the runtime says cgroupfs.
        format!("4:cpu:/system.slice/kubepods-burstable-pod{UID_}.slice:cri-containerd:{ID}\n"),
        // kind, or --cgroup-root.
        format!(
            "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{UID_}.slice/cri-containerd-{ID}.scope\n"
        ),
        // Within a cgroup namespace paths are relative.
        format!("0::/../../cri-containerd-{ID}.scope\n"),
        // A static pod's own uid has no dashes.
        format!("0::/kubepods.slice/kubepods-pod{}.slice/cri-containerd-{ID}.scope\n", UID.replace('-', "")),
    ]
}

#[test]
fn a_container_is_found_in_every_form_of_cgroup_path() {
    if !has_nsenter() {
        return;
    }
    for form in forms() {
        let machine = Machine::new();
        machine.process(1, "0::/init.scope\n", &Machine::host_netns(), &["10.88.0.12"]);
        machine.process(733, &form.replace(ID, OTHER), OTHER_POD, &["10.88.130.9"]);
        machine.process(812, &form, POD, &["127.0.0.1", "10.88.130.2"]);
        machine.proves(ID, "10.88.130.2", 812);
    }
}

#[test]
fn cri_o_s_monitor_is_not_the_container() {
    if !has_nsenter() {
        return;
    }
    let machine = Machine::new();
    machine.process(300, &format!("0::/kubepods.slice/crio-conmon-{ID}.scope\n"), &Machine::host_netns(), &["10.88.130.2"]);
    machine.process(812, &format!("0::/kubepods.slice/crio-{ID}.scope\n"), POD, &["10.88.130.2"]);
    machine.proves(ID, "10.88.130.2", 812);
    // Alone it proves nothing, whatever it seems to hold.
    let machine = Machine::new();
    machine.process(300, &format!("0::/kubepods.slice/crio-conmon-{ID}.scope\n"), &Machine::host_netns(), &["10.88.130.2"]);
    machine.refuses(ID, "10.88.130.2", "no process of its containers was found");
}

#[test]
fn runtimes_are_asked_where_no_cgroup_tells() {
    if !has_nsenter() {
        return;
    }
    let asked = |name: &str, script: &str| {
        let machine = Machine::new();
        machine.process(1, "0::/\n", &Machine::host_netns(), &[]);
        machine.process(812, "0::/\n", POD, &["10.88.130.2"]);
        // In the same namespace, and first: only the runtime tells which process is the container's.
        machine.process(700, "0::/\n", OTHER_POD, &["10.88.130.2"]);
        machine.program(name, script);
        machine.proves(ID, "10.88.130.2", 812);
    };
    asked("crictl", &format!("[ \"$1 $6\" = 'inspect {ID}' ] && echo 812"));
    asked("ctr", &format!("echo 'TASK PID STATUS'; echo '{OTHER} 700 RUNNING'; echo '{ID} 812 RUNNING'"));
    asked("docker", &format!("[ \"$1 $4\" = 'inspect {ID}' ] && echo 812"));
}

#[test]
fn docker_s_socket_is_asked_where_its_program_is_missing() {
    if !has_nsenter() || !Path::new("/usr/bin/curl").exists() {
        return;
    }
    let machine = Machine::new();
    machine.process(812, "0::/\n", POD, &["10.88.130.2"]);
    machine.process(700, "0::/\n", OTHER_POD, &["10.88.130.2"]);
    let listener = UnixListener::bind(machine.socket()).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        let body = r#"{"Id":"x","State":{"Status":"running","Pid":812,"ExitCode":0}}"#;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    machine.proves(ID, "10.88.130.2", 812);
    assert!(server.join().unwrap().starts_with(&format!("GET /containers/{ID}/json ")));
}

#[test]
fn an_id_that_is_none_reaches_no_runtime() {
    if !has_nsenter() {
        return;
    }
    let machine = Machine::new();
    machine.program("crictl", "touch \"${0%/*}/../asked\"; echo 812");
    machine.process(812, "0::/\n", OTHER_POD, &["10.88.130.9"]);
    machine.refuses("../../../x?y=$(id)", "10.88.130.2", "no network namespace of this host holds 10.88.130.2");
    assert!(!machine.folder.path().join("asked").exists());
}

#[test]
fn a_restarted_container_is_found_by_the_pod_s_namespace() {
    if !has_nsenter() {
        return;
    }
    let machine = Machine::new();
    machine.process(1, "0::/\n", &Machine::host_netns(), &["10.88.0.12"]);
    // The pause container still holds the namespace; the id that the API told is nobody's any more.
    machine.process(640, &format!("0::/kubepods.slice/cri-containerd-{OTHER}.scope\n"), POD, &["10.88.130.2"]);
    machine.proves(ID, "10.88.130.2", 640);
}

#[test]
fn a_pod_that_is_gone_is_refused_with_the_reason() {
    if !has_nsenter() {
        return;
    }
    let machine = Machine::new();
    machine.process(1, "0::/\n", &Machine::host_netns(), &["10.88.0.12"]);
    machine.process(733, &format!("0::/kubepods.slice/cri-containerd-{OTHER}.scope\n"), OTHER_POD, &["10.88.130.9"]);
    machine.refuses(ID, "10.88.130.2", "no process of its containers was found, and no network namespace of this host holds 10.88.130.2");
    machine.refuses(ID, "", "the pod has no address");
}

#[test]
fn a_process_in_the_host_s_namespace_is_never_the_pod() {
    if !has_nsenter() {
        return;
    }
    let machine = Machine::new();
    machine.process(812, &format!("0::/kubepods.slice/cri-containerd-{ID}.scope\n"), &Machine::host_netns(), &["10.88.130.2"]);
    machine.refuses(ID, "10.88.130.2", "process 812 is in the host's namespace");
}

/// gVisor takes the address from the namespace and keeps it inside the sandbox.
#[test]
fn a_namespace_without_the_pod_s_address_is_not_believed() {
    if !has_nsenter() {
        return;
    }
    let machine = Machine::new();
    machine.process(812, &format!("0::/kubepods.slice/cri-containerd-{ID}.scope\n"), POD, &["127.0.0.1", "routed 10.88.130.2"]);
    machine.refuses(ID, "10.88.130.2", "the namespace of process 812 holds none of 10.88.130.2");
}

#[test]
fn addresses_are_compared_whole_and_in_both_families() {
    if !has_nsenter() {
        return;
    }
    let cgroup = format!("0::/kubepods.slice/cri-containerd-{ID}.scope\n");
    let machine = Machine::new();
    machine.process(812, &cgroup, POD, &["10.88.130.20", "fd10:88:130::20"]);
    for wrong in ["10.88.130.2", "0.88.130.20", "fd10:88:130::2", "::20"] {
        machine.refuses(ID, wrong, "holds none of");
    }
    for right in ["10.88.130.20", "fd10:88:130::20", "FD10:88:130:0:0:0:0:20", "10.88.130.2,fd10:88:130::20"] {
        machine.proves(ID, right, 812);
    }
}

/// What the `state` script prints on this machine, for the part and values.
fn state(part: &str, values: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(super::Script::State.text()).arg("state").args(["host", "", "", part]).args(values).current_dir(folder.path());
    let output = command.output().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a value was run");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_part_of_the_state_is_read_and_nothing_else() {
    let settings = state("sysctl", &["net/ipv4/ip_forward", "net/ipv4/no_such"]);
    assert!(settings.contains("net/ipv4/ip_forward = ") && settings.ends_with("=== end 0\n"), "{settings}");
    assert!(!settings.contains("no_such"), "{settings}");
    let counters = state("counters", &[]);
    assert!(counters.contains("=== counters\n") && counters.contains("TcpExt: ") && counters.contains("=== devices\n"), "{counters}");
    assert_eq!(state("no-such-part", &[]), "");
}

#[test]
fn values_of_the_state_script_are_never_run() {
    for value in ["$(touch here)", "`touch here`", "; touch here", "x\ntouch here", "-4 --help", "* ?"] {
        state("sysctl", &[value]);
        state("route_to", &[value, value, value, value]);
        state("conntrack", &[value, value]);
    }
}
