//! The lab as the judge needs it: raised, known to be healthy, and searched for leftovers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{self, Done};

/// `lab up` may have to build Kubernetes first.
const UP_LIMIT: Duration = Duration::from_secs(45 * 60);
const LOOK_LIMIT: Duration = Duration::from_secs(30);
/// How long healing may take to show: a kubelet's heartbeat, a roll-out, MetalLB's election.
const PATIENCE: Duration = Duration::from_secs(75);

const NAMESPACE: &str = "stacklight";
const SERVICE: &str = "iam-proxy-alertmanager";

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
        self.long("up")
    }

    /// Removes the lab.
    ///
    /// # Errors
    /// When something of it stays; its log is named.
    pub fn down(&self) -> Result<(), String> {
        self.long("down")
    }

    fn long(&self, word: &str) -> Result<(), String> {
        // A file, not a pipe: the lab's own processes keep the output open for as long as they live.
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(|error| format!("open {}: {error}", self.log.display()))?;
        let second = log.try_clone().map_err(|error| error.to_string())?;
        let mut command = self.command(&[word]);
        let mut child = command
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
        loop {
            let unhealthy = match self.healthy() {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            if Instant::now() > end {
                return Err(unhealthy);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// The healthy state: nodes and workloads ready, one Service with one announcer, one pod on it and one elsewhere, and both clients
    /// answered by every pod.
    fn healthy(&self) -> Result<(), String> {
        let done = self.look(&["kubectl", "get", "nodes,services,pods,deployments,daemonsets", "-A", "-o", "json"])?;
        let list: Value =
            serde_json::from_str(&done.stdout).map_err(|_| format!("the API server does not answer: {}", done.stderr.trim()))?;
        let state = objects_healthy(&list)?;
        let macs = self.answering_macs(&state.address)?;
        let announcers: Vec<&String> = macs.iter().filter(|mac| self.has_mac(&state.pods, mac)).collect();
        if macs.len() != 1 || announcers.len() != 1 {
            return Err(format!("{} is not announced by one node with a pod: answered by {macs:?}", state.address));
        }
        for client in ["c1", "c2"] {
            self.answered_by_all(client, &state)?;
        }
        Ok(())
    }

    fn answering_macs(&self, address: &str) -> Result<BTreeSet<String>, String> {
        let done = self.look(&["in", "c1", "arping", "-c", "2", "-w", "1", "-I", "eth0", address])?;
        Ok(macs_in(&done.stdout))
    }

    fn has_mac(&self, pods: &BTreeMap<String, String>, mac: &str) -> bool {
        pods.values()
            .any(|node| self.look(&["node", node, "cat", "/sys/class/net/mlb/address"]).is_ok_and(|done| done.stdout.trim() == mac))
    }

    fn answered_by_all(&self, client: &str, state: &Healthy) -> Result<(), String> {
        // Asks until every pod has answered; the chance that one of two is missed forty times is nothing. One failure is one too many.
        let ask = "url=$1; shift; for try in $(seq 40); do got=$(curl -skm2 \"$url\") || { echo \"no answer ($?)\"; exit 1; }; seen=\"$seen ${got%% *}\"; \
                   all=1; for pod; do case \" $seen \" in *\" $pod \"*) ;; *) all= ;; esac; done; [ -z \"$all\" ] || exit 0; done; echo \"answered by$seen only\"; exit 1";
        let url = format!("https://{}/", state.address);
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

/// The address of the one Service, and its pods with their nodes.
#[derive(Debug)]
struct Healthy {
    address: String,
    pods: BTreeMap<String, String>,
}

fn objects_healthy(list: &Value) -> Result<Healthy, String> {
    let none = Vec::new();
    let items = list["items"].as_array().unwrap_or(&none);
    let of = |kind: &'static str| items.iter().filter(move |item| item["kind"] == kind);
    let name = |item: &Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    for node in of("Node") {
        if !condition(node, "Ready") || node["spec"]["unschedulable"] == true {
            return Err(format!("node {} is not ready", name(node)));
        }
    }
    for item in of("Deployment") {
        let want = item["spec"]["replicas"].as_u64().unwrap_or(1);
        if want == 0 || item["status"]["readyReplicas"].as_u64() != Some(want) || item["status"]["updatedReplicas"].as_u64() != Some(want) {
            return Err(format!("deployment {} is not ready", name(item)));
        }
    }
    let nodes = of("Node").count() as u64;
    for item in of("DaemonSet") {
        if item["status"]["numberReady"].as_u64() != Some(nodes) || item["status"]["updatedNumberScheduled"].as_u64() != Some(nodes) {
            return Err(format!("daemonset {} is not ready on every node", name(item)));
        }
    }
    if let Some(pod) = of("Pod").find(|pod| !pod["metadata"]["deletionTimestamp"].is_null() || !condition(pod, "Ready")) {
        return Err(format!("pod {} is not ready or not gone", name(pod)));
    }
    let balancers: Vec<&Value> = of("Service").filter(|service| service["spec"]["type"] == "LoadBalancer").collect();
    let [service] = balancers[..] else {
        return Err(format!("{} Services of type LoadBalancer instead of one", balancers.len()));
    };
    if service["metadata"]["namespace"] != NAMESPACE || name(service) != SERVICE {
        return Err(format!("the Service is {}, not {SERVICE}", name(service)));
    }
    let Some(address) = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str() else {
        return Err("the Service has no address".to_owned());
    };
    let pods: BTreeMap<String, String> = of("Pod")
        .filter(|pod| pod["metadata"]["namespace"] == NAMESPACE && pod["metadata"]["labels"]["app"] == SERVICE)
        .map(|pod| (name(pod), pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned()))
        .collect();
    if pods.len() != 2 || pods.values().collect::<BTreeSet<_>>().len() != 2 {
        return Err(format!("the pods are not two on two nodes: {pods:?}"));
    }
    Ok(Healthy { address: address.to_owned(), pods })
}

fn condition(item: &Value, kind: &str) -> bool {
    item["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == kind && one["status"] == "True"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    fn healthy_list() -> Value {
        let ready = json!([{ "type": "Ready", "status": "True" }]);
        let pod = |name: &str, node: &str| json!({ "kind": "Pod", "metadata": { "name": name, "namespace": NAMESPACE, "labels": { "app": SERVICE } }, "spec": { "nodeName": node }, "status": { "conditions": ready } });
        json!({ "items": [
            { "kind": "Node", "metadata": { "name": "n2" }, "spec": {}, "status": { "conditions": ready } },
            { "kind": "Service", "metadata": { "name": SERVICE, "namespace": NAMESPACE }, "spec": { "type": "LoadBalancer" },
              "status": { "loadBalancer": { "ingress": [{ "ip": "10.88.64.100" }] } } },
            { "kind": "Deployment", "metadata": { "name": "controller" }, "spec": { "replicas": 1 }, "status": { "readyReplicas": 1, "updatedReplicas": 1 } },
            { "kind": "DaemonSet", "metadata": { "name": "speaker" }, "spec": {}, "status": { "numberReady": 1, "updatedNumberScheduled": 1 } },
            pod("a", "n2"), pod("b", "n3"),
        ] })
    }

    #[test]
    fn the_healthy_state_is_recognised() {
        let healthy = objects_healthy(&healthy_list()).unwrap();
        assert_eq!(healthy.address, "10.88.64.100");
        assert_eq!(healthy.pods.len(), 2);
    }

    #[test]
    fn every_departure_from_the_healthy_state_is_seen() {
        let changes: [(&str, Value, &str); 7] = [
            ("/items/0/status/conditions/0/status", json!("Unknown"), "node n2"),
            ("/items/0/spec", json!({ "unschedulable": true }), "node n2"),
            ("/items/1/status", json!({}), "no address"),
            ("/items/2/spec/replicas", json!(0), "controller"),
            ("/items/3/status/numberReady", json!(0), "speaker"),
            ("/items/4/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"), "pod a"),
            ("/items/5/spec/nodeName", json!("n2"), "two nodes"),
        ];
        for (path, value, named) in changes {
            let mut list = healthy_list();
            match list.pointer_mut(path) {
                Some(place) => *place = value,
                None => list["items"][4]["metadata"]["deletionTimestamp"] = value,
            }
            assert!(objects_healthy(&list).unwrap_err().contains(named), "{path}");
        }
    }
}
