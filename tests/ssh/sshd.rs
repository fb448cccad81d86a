//! Real sshd processes on this machine's loopback addresses, each with keys, users and settings of its own.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use lbdiag::evidence::host::live::{Asker, LiveHosts, Ways};
use lbdiag::evidence::host::script::Script;
use lbdiag::evidence::host::{Command as HostCommand, Hosts, Output};
use lbdiag::evidence::interrupt::Interrupt;
use lbdiag::evidence::{EvidenceError, site::Site};
use lbdiag::model::place::{Host, HostKind};

pub(crate) const SSHD: &str = "/usr/sbin/sshd";

/// Whether these tests can run here; says in one line why not.
pub(crate) fn possible() -> bool {
    let missing = if !Path::new(SSHD).exists() {
        "sshd is not installed (Debian: openssh-server)"
    } else if !root() {
        "they need root, to run sshd for users of their own"
    } else {
        // sshd refuses to start without it; packages make it at boot only.
        let _ = std::fs::create_dir_all("/run/sshd");
        return true;
    };
    eprintln!("left out: {missing}");
    false
}

fn root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A directory with what one test needs: keys, an `ssh_config`, a `known_hosts`.
pub(crate) struct Place {
    pub(crate) directory: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        // sshd reads the keys of other users as these users.
        run("chmod", &["755", place.text(".").as_str()]);
        place.key("id", "ed25519", "");
        place.write("known_hosts", "");
        place.write("config", "");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let before = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        self.write(name, &(before + text));
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Makes a key pair.
    pub(crate) fn key(&self, name: &str, kind: &str, passphrase: &str) {
        run("ssh-keygen", &["-q", "-t", kind, "-N", passphrase, "-C", name, "-f", &self.text(name)]);
    }

    /// The site file that uses this directory and nothing of the person who runs the tests.
    pub(crate) fn site(&self) -> Site {
        let mut site = Site::default();
        site.ssh.config = Some(self.path("config"));
        site
    }

    pub(crate) fn hosts(&self) -> Live {
        Live::new(&self.site())
    }

    /// A block of `ssh_config` for a server, with the usual key.
    pub(crate) fn block(&self, name: &str, server: &Sshd, more: &str) {
        let block = format!(
            "Host {name}\n HostName {}\n Port {}\n User {}\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n IdentityAgent none\n IdentitiesOnly yes\n{more}{}",
            server.address,
            server.port,
            server.user,
            self.text("known_hosts"),
            if more.contains("IdentityFile") { String::new() } else { format!(" IdentityFile {}\n", self.text("id")) },
        );
        self.append("config", &block);
    }

    pub(crate) fn trust(&self, server: &Sshd) {
        self.append("known_hosts", &format!("[{}]:{} {}\n", server.address, server.port, server.host_key));
    }

    /// A server that is known and has a block of its own.
    pub(crate) fn server(&self, name: &str) -> Sshd {
        let server = Sshd::start(self, name, "127.0.0.1", &Options::default());
        self.block(name, &server, "");
        self.trust(&server);
        server
    }
}

/// What differs between servers.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// Lines of `sshd_config`, read before the usual ones.
    pub(crate) config: &'a str,
    /// A user of this server's own, with this login shell.
    pub(crate) user: Option<(&'a str, &'a str)>,
    /// The file `sudoers` of this server's own; without one, nobody may.
    pub(crate) sudoers: &'a str,
    /// Options of `authorized_keys` in front of the key.
    pub(crate) key_limits: &'a str,
    /// The public key that is let in; empty for the usual one.
    pub(crate) key: &'a str,
}

/// A server; it ends with the test.
pub(crate) struct Sshd {
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) host_key: String,
    child: Child,
    log: PathBuf,
}

impl Sshd {
    pub(crate) fn start(place: &Place, name: &str, address: &str, options: &Options<'_>) -> Self {
        let of = |what: &str| format!("{name}.{what}");
        if !place.path(&of("host")).exists() {
            place.key(&of("host"), "ed25519", "");
        }
        let host_key = place.read(&of("host.pub"));
        let key = if options.key.is_empty() { place.read("id.pub") } else { options.key.to_owned() };
        let allowed = place.write(&of("authorized"), &format!("{} {key}", options.key_limits));
        let port = free_port(address);
        // Told that it is no first shell, bash leaves out the start file of whoever runs the tests.
        let mut config = format!("{}\n", options.config);
        let _ = write!(
            config,
            "Port {port}\nListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 200\nSetEnv SHLVL=5\n",
            place.text(&of("host")),
            allowed.display(),
        );
        let config = place.write(&of("sshd_config"), &config);
        let log = place.path(&of("log"));
        let server = [SSHD, "-D", "-f", config.to_str().unwrap(), "-E", log.to_str().unwrap()].map(str::to_owned);
        let argv = match options.user {
            None => server.to_vec(),
            Some((user, shell)) => in_a_world_of_its_own(place, name, user, shell, options.sudoers, &server),
        };
        let child =
            Command::new(&argv[0]).args(&argv[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let user = options.user.map_or("root", |(user, _)| user).to_owned();
        let mut server = Self { address: address.to_owned(), port, user, host_key, child, log };
        // Its own log says so: a connection that succeeds may have met somebody else.
        until("sshd listens", || {
            let log = server.log();
            assert!(!matches!(server.child.try_wait(), Ok(Some(_))), "sshd ended: {log}");
            // A server of that name before this one has written to the same log.
            log.lines().any(|line| line.starts_with("Server listening on") && line.ends_with(&format!(" port {port}.")))
        });
        server
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Logins that it has accepted so far.
    pub(crate) fn logins(&self) -> usize {
        self.log().lines().filter(|line| line.contains("Accepted ")).count()
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The same server where /etc holds one more user, and a `sudoers` of its own: a mount namespace, seen by nobody else.
fn in_a_world_of_its_own(place: &Place, name: &str, user: &str, shell: &str, sudoers: &str, server: &[String]) -> Vec<String> {
    let mut script = String::new();
    let home = place.path(&format!("{name}.home"));
    std::fs::create_dir_all(&home).unwrap();
    run("chown", &["4242:4242", home.to_str().unwrap()]);
    for (file, line, mode) in [
        ("passwd", format!("{user}:x:4242:4242::{}:{shell}\n", home.display()), "644"),
        ("shadow", format!("{user}:*:19000:0:99999:7:::\n"), "640"),
        ("group", format!("{user}:x:4242:\n"), "644"),
    ] {
        let text = std::fs::read_to_string(format!("/etc/{file}")).unwrap() + line.as_str();
        let copy = place.write(&format!("{name}.{file}"), &text);
        let _ = writeln!(script, "chmod {mode} {0} && mount --bind {0} /etc/{file} || exit 1", copy.display());
    }
    if Path::new("/etc/sudoers").exists() {
        let copy = place.write(&format!("{name}.sudoers"), &format!("root ALL=(ALL) ALL\n{sudoers}\n"));
        let _ = writeln!(script, "chmod 440 {0} && mount --bind {0} /etc/sudoers || exit 1", copy.display());
    }
    script.push_str("exec \"$@\"\n");
    let before = ["unshare", "-m", "--propagation", "private", "sh", "-c", &script, "sh"].map(str::to_owned);
    before.into_iter().chain(server.iter().cloned()).collect()
}

/// Hosts with a runtime of their own.
pub(crate) struct Live {
    pub(crate) hosts: Arc<LiveHosts>,
    _runtime: tokio::runtime::Runtime,
}

impl Live {
    pub(crate) fn new(site: &Site) -> Self {
        Self::asking(site, None)
    }

    pub(crate) fn asking(site: &Site, asker: Option<Asker>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self {
            hosts: Arc::new(LiveHosts::reaching(runtime.handle().clone(), site, Interrupt::default(), Ways::asking(asker))),
            _runtime: runtime,
        }
    }

    /// Asks a host for its interfaces: a look that needs no root.
    pub(crate) fn links(&self, name: &str) -> Result<Output, EvidenceError> {
        self.hosts.run(&node(name), &command(Script::Links, &[], Duration::from_secs(10)))
    }

    /// Asks a host for its network state: a look that needs root.
    pub(crate) fn inspect(&self, name: &str) -> Result<Output, EvidenceError> {
        self.hosts.run(&node(name), &command(Script::Inspect, &["host", "", "", ""], Duration::from_secs(10)))
    }

    pub(crate) fn refused(&self, name: &str) -> EvidenceError {
        self.links(name).expect_err("it is to be refused")
    }
}

pub(crate) fn node(name: &str) -> Host {
    Host { name: name.to_owned(), address: name.to_owned(), kind: HostKind::Node }
}

pub(crate) fn command(script: Script, args: &[&str], limit: Duration) -> HostCommand {
    HostCommand { script, args: args.iter().map(|arg| (*arg).to_owned()).collect(), limit, most_bytes: 4 << 20 }
}

/// Whether the answer is what the script prints.
pub(crate) fn is_links(output: &Output) -> bool {
    output.status == 0 && output.stdout.contains("=== links") && output.stdout.contains("lo:")
}

pub(crate) fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
}

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(10), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A port on which nobody listens. It lies below those that the kernel hands out itself: between the look and its use it becomes nobody's
/// source port, and no connection to it can meet itself.
pub(crate) fn free_port(address: &str) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 200).unwrap() * 100;
    (0..2_000)
        .map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000)
        .find(|port| TcpListener::bind((address, *port)).is_ok())
        .expect("one of 2,000 ports is free")
}
