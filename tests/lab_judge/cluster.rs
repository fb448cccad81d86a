//! The lab as the judge needs it: raised, known to be healthy, and searched for leftovers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::health::{Serving, Wanted, objects_healthy, over_bgp};
use super::process::{self, Done};

/// `lab up` may have to build Kubernetes first.
const UP_LIMIT: Duration = Duration::from_secs(45 * 60);
const LOOK_LIMIT: Duration = Duration::from_secs(30);
/// How long healing may take to show: a kubelet's heartbeat, a roll-out, MetalLB's election.
const PATIENCE: Duration = Duration::from_secs(75);

/// The lab's command and what is known of the running lab.
pub struct Cluster {
    /// The repository.
    root: PathBuf,
    /// Where the output of `up` and `down` goes.
    log: PathBuf,
}

impl Cluster {
    pub fn new(root: &Path, log: &Path) -> Self {
        Self { root: root.to_owned(), log: log.to_owned() }
    }

    /// The directory of the `lab` command.
    pub fn tools(&self) -> PathBuf {
        self.root.join("tests/lab")
    }

    /// A call of the lab's command. What the environment says of lbdiag (cargo's variables) does not go along, because machines
    /// that are raised would inherit it, and the search for leftovers would find it.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.tools().join("lab"));
        command.args(words).current_dir(&self.root);
        clean_environment(&mut command);
        command
    }

    fn look(&self, words: &[&str]) -> Result<Done, String> {
        process::run(&mut self.command(words), LOOK_LIMIT)
    }

    /// Why the judge cannot work here, in one line.
    pub fn hindrance(&self) -> Option<String> {
        if !self.tools().join("lab").is_file() {
            return Some(format!("there is no lab at {}", self.tools().display()));
        }
        let id = process::run(Command::new("id").arg("-u"), LOOK_LIMIT).map(|done| done.stdout.trim().to_owned());
        if id.as_deref() != Ok("0") {
            return Some("it needs root, because the lab is made of network namespaces".to_owned());
        }
        let go = process::run(Command::new("go").arg("version"), LOOK_LIMIT).is_ok_and(|done| done.good());
        if !go && !self.is_up() {
            return Some("it needs Go 1.24 or newer on the PATH, which builds the lab's Kubernetes".to_owned());
        }
        None
    }

    pub fn is_up(&self) -> bool {
        self.look(&["status"]).is_ok_and(|done| done.good())
    }

    /// Raises the lab; does nothing when it is up.
    ///
    /// # Errors
    /// When it cannot be raised; its log is named.
    pub fn up(&self) -> Result<(), String> {
        self.long("up", &BTreeMap::new())
    }

    /// Raises the lab afresh, as it was: a running lab's settings need not be those of the environment.
    ///
    /// # Errors
    /// When it cannot be removed or raised; its log is named.
    pub fn renew(&self) -> Result<(), String> {
        let settings = self.settings();
        self.down()?;
        self.long("up", &settings)
    }

    /// Removes the lab.
    ///
    /// # Errors
    /// When something of it stays; its log is named.
    pub fn down(&self) -> Result<(), String> {
        self.long("down", &BTreeMap::new())
    }

    fn long(&self, word: &str, settings: &BTreeMap<String, String>) -> Result<(), String> {
        // A file, not a pipe: the lab's own processes keep the output open for as long as they live.
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(|error| format!("open {}: {error}", self.log.display()))?;
        let second = log.try_clone().map_err(|error| error.to_string())?;
        let mut command = self.command(&[word]);
        let mut child = command
            .envs(settings.iter().filter(|(name, _)| name.starts_with("LAB_")))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(second)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("start lab {word}: {error}"))?;
        match process::wait(&mut child, UP_LIMIT) {
            Some(0) => Ok(()),
            status => Err(format!("`lab {word}` ended with {status:?}; its output is in {}", self.log.display())),
        }
    }

    /// What `up` uses when the environment does not say.
    pub fn usual_settings(&self) -> BTreeMap<String, String> {
        default_settings(&std::fs::read_to_string(self.tools().join("lib/settings.sh")).unwrap_or_default())
    }

    /// The settings of the running lab or, when none is up, those that `up` would use.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let mut settings = self.usual_settings();
        for (name, value) in &mut settings {
            if let Ok(wanted) = std::env::var(name) {
                *value = wanted;
            }
        }
        if let Ok(done) = self.look(&["status"])
            && done.good()
        {
            settings.extend(status_settings(&done.stdout));
        }
        settings
    }

    /// The machines that can be searched: nodes and clients.
    fn machines(&self) -> Result<Vec<String>, String> {
        let done = self.look(&["status"])?;
        let machines = status_machines(&done.stdout);
        if machines.is_empty() { Err(format!("the lab's status names no machine: {}{}", done.stdout, done.stderr)) } else { Ok(machines) }
    }

    /// Waits until the healthy state is there.
    ///
    /// # Errors
    /// What is missing from it after a while.
    pub fn wait_healthy(&self) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        let bgp = over_bgp(&self.settings());
        loop {
            let unhealthy = match self.healthy(&bgp) {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            if Instant::now() > end {
                return Err(unhealthy);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// The healthy state: nodes and workloads ready, one Service with one announcer, one pod on it and one elsewhere, in a lab that
    /// speaks BGP others with a route from every candidate, and both clients answered by every pod.
    fn healthy(&self, bgp: &[Wanted]) -> Result<(), String> {
        let done = self.look(&["kubectl", "get", "nodes,services,pods,deployments,daemonsets", "-A", "-o", "json"])?;
        let list: Value =
            serde_json::from_str(&done.stdout).map_err(|_| format!("the API server does not answer: {}", done.stderr.trim()))?;
        let state = objects_healthy(&list, bgp)?;
        let macs = self.answering_macs(&state.layer2.address)?;
        let announcers: Vec<&String> = macs.iter().filter(|mac| self.has_mac(&state.layer2.pods, mac)).collect();
        if macs.len() != 1 || announcers.len() != 1 {
            return Err(format!("{} is not announced by one node with a pod: answered by {macs:?}", state.layer2.address));
        }
        for routed in &state.bgp {
            self.routed(routed, state.candidates)?;
        }
        for serving in std::iter::once(&state.layer2).chain(&state.bgp) {
            for client in ["c1", "c2"] {
                self.answered_by_all(client, serving)?;
            }
        }
        Ok(())
    }

    /// The router has as many next hops as there are candidates; MetalLB v0.13 has one more, because it ignores the label that excludes n0.
    fn routed(&self, serving: &Serving, candidates: usize) -> Result<(), String> {
        let done = self.look(&["in", "rt", "ip", "route", "get", "fibmatch", &serving.address])?;
        let hops = done.stdout.matches("via ").count();
        if hops >= candidates { Ok(()) } else { Err(format!("the router has {hops} next hops for {}, not {candidates}", serving.address)) }
    }

    fn answering_macs(&self, address: &str) -> Result<BTreeSet<String>, String> {
        let done = self.look(&["in", "c1", "arping", "-c", "2", "-w", "1", "-I", "eth0", address])?;
        Ok(macs_in(&done.stdout))
    }

    fn has_mac(&self, pods: &BTreeMap<String, String>, mac: &str) -> bool {
        pods.values()
            .any(|node| self.look(&["node", node, "cat", "/sys/class/net/mlb/address"]).is_ok_and(|done| done.stdout.trim() == mac))
    }

    fn answered_by_all(&self, client: &str, state: &Serving) -> Result<(), String> {
        // Asks until every pod has answered; the chance that one of two is missed forty times is nothing. One failure is one too many.
        let ask = "url=$1; shift; for try in $(seq 40); do got=$(curl -skm2 \"$url\") || { echo \"no answer ($?)\"; exit 1; }; seen=\"$seen ${got%% *}\"; \
                   all=1; for pod; do case \" $seen \" in *\" $pod \"*) ;; *) all= ;; esac; done; [ -z \"$all\" ] || exit 0; done; echo \"answered by$seen only\"; exit 1";
        let url = if state.address.contains(':') { format!("https://[{}]/", state.address) } else { format!("https://{}/", state.address) };
        let mut words = vec!["in", client, "bash", "-c", ask, "ask", &url];
        words.extend(state.pods.keys().map(String::as_str));
        let done = self.look(&words)?;
        if done.good() { Ok(()) } else { Err(format!("{client}: {}", done.stdout.trim())) }
    }

    /// Whatever of ours is left on any node or client: processes by their arguments or environment, tcpdump, files, namespaces.
    ///
    /// # Errors
    /// When the machines cannot be listed.
    pub fn leftovers(&self) -> Result<Vec<String>, String> {
        // Words that name the lab's own directory or this repository are the lab's, not ours. In the environment everything that lbdiag
        // starts carries LBDIAG_RUN; a machine that a fault restarts inherits the judge's other variables.
        let search = r#"for p in /proc/[0-9]*; do
            read -r name <"$p/comm" || continue
            words=$(tr '\0' '\n' <"$p/cmdline" | grep -vF -e "$1" -e "$2")
            if [ "$name" = tcpdump ] || printf '%s\n' "$words" | grep -q '[l]bdiag' || tr '\0' '\n' <"$p/environ" | grep -q '^LBDIAG_RUN='
            then echo "process ${p#/proc/}: $(printf '%s' "$words" | tr '\n' ' ' | cut -c1-200)"; fi
            done 2>/dev/null
            for file in /tmp/l""bdiag* /run/l""bdiag* /dev/shm/l""bdiag* /run/netns/l""bdiag*; do [ ! -e "$file" ] || echo "file $file"; done"#;
        let lab_directory = std::env::var("LAB_DIR").unwrap_or_else(|_| "/var/tmp/lbdiag-lab".to_owned());
        let root = self.root.to_string_lossy().into_owned();
        let mut found = Vec::new();
        for machine in self.machines()? {
            // A machine that a fault has switched off holds nothing.
            let done = self.look(&["node", &machine, "sh", "-c", search, "search", &lab_directory, &root])?;
            found.extend(done.stdout.lines().map(|line| format!("{machine}: {line}")));
        }
        Ok(found)
    }
}

/// Takes out of a command's environment what names `lbdiag`, except the lab's own settings.
pub fn clean_environment(command: &mut Command) {
    for (name, value) in std::env::vars_os() {
        let named = name.to_string_lossy().into_owned();
        let text = format!("{named}={}", value.to_string_lossy()).to_ascii_lowercase();
        let kept = named == "PATH" || named == "HOME" || named.starts_with("LAB");
        if !kept && (text.contains("lbdiag") || named.starts_with("CARGO") || named == "LD_LIBRARY_PATH") {
            command.env_remove(name);
        }
    }
}

/// What `up` uses when the environment does not say: the `NAME=${NAME:-value}` lines of the lab's settings.
fn default_settings(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once("=${")?;
            let value = rest.strip_prefix(name)?.strip_prefix(":-")?.strip_suffix('}')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn status_settings(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.trim().split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn status_machines(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(" on").map(|(name, _)| name.to_owned())).collect()
}

fn macs_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_hexdigit() || c == ':'))
        .filter(|word| word.len() == 17 && word.split(':').count() == 6)
        .map(str::to_ascii_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_the_status_of_the_lab_and_its_defaults() {
        let defaults = default_settings("LAB=${LAB:-lab}\nLAB_PROXY=${LAB_PROXY:-iptables}\nK8S=v1.34.3\nPATH=$PATH:/sbin\n");
        assert_eq!(defaults.get("LAB_PROXY").map(String::as_str), Some("iptables"));
        assert_eq!(defaults.len(), 2);
        let status = "lab lab: up\n  LAB_PROXY=nftables\n  n0 on, 10.88.0.10\n  n3 off\n  c1 on, 10.88.0.201\n";
        assert_eq!(status_settings(status)["LAB_PROXY"], "nftables");
        assert_eq!(status_machines(status), ["n0", "c1"]);
    }

    #[test]
    fn macs_are_found_once_whatever_their_case() {
        let said = "ARPING 10.88.64.100\n60 bytes from 66:00:00:AB:00:02 (10.88.64.100): index=0\nUnicast reply from 10.88.64.100 [66:00:00:ab:00:02]\n";
        assert_eq!(macs_in(said).into_iter().collect::<Vec<_>>(), ["66:00:00:ab:00:02"]);
        assert!(macs_in("Timeout\n").is_empty());
    }
}
