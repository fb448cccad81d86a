//! Hosts over SSH, nodes by a pod where that is wanted, and this machine by a shell of its own: the one place that knows
//! russh.
//!
//! One connection a host for the whole run, shared by commands and captures, a channel each. What runs there is one of
//! our fixed scripts under a guard (`scripts/guard.sh`) that ends it when we are gone.

mod carrier;
mod chatter;
mod command_line;
mod connection;
mod dial;
mod host_key;
mod keeper;
mod key_files;
mod known_hosts;
mod login;
mod passphrase;
mod pod;
mod process;
mod quoting;
mod refusals;
mod settings;
mod signers;
mod standing;
mod sweep;
mod to_the_end;
mod watcher;
mod way;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use kube::Client;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::script::Script;
use super::{Command, Hosts, Output};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::{Interrupt, Reason};
use crate::evidence::side_by_side::lock;
use crate::evidence::site::Site;
use crate::model::place::{Host, HostKind};
use carrier::Carrier;
use command_line::{Call, RunTag};
pub(in crate::evidence) use command_line::{argv, script_texts};
use connection::Connection;
pub(in crate::evidence) use keeper::is_keeper;
pub use passphrase::Asker;
use passphrase::Passphrases;
use pod::Pods;
pub(in crate::evidence) use process::{Piece, Process};
use refusals::{refusal, runs_no_commands};
use settings::Target;
pub(in crate::evidence) use way::{planned_sweep, planned_tag};

/// Connections that are being made at the same time.
const AT_ONCE: usize = 20;
/// After this a host that is slow to answer costs nobody anything but itself, and no longer counts among these.
const SLOW: Duration = Duration::from_secs(1);
/// Bound on the sweep of all hosts together.
const SWEEP_LIMIT: Duration = Duration::from_secs(10);
/// A connection being made or made. Whoever asks again gets the same answer, the same error too.
type Connecting = Shared<BoxFuture<'static, Result<Arc<Connection>, EvidenceError>>>;
/// The same for whatever carries our scripts to a host.
type Reaching = Shared<BoxFuture<'static, Result<Carrier, EvidenceError>>>;

/// How hosts are reached besides what the site file says.
#[derive(Default)]
pub struct Ways {
    /// Who can be asked for the passphrases of keys.
    asker: Option<Asker>,
    /// Nodes are reached by the pods that the site file names, in this cluster.
    pods: Option<Client>,
}

impl Ways {
    /// With somebody who can be asked, and nobody in a cluster.
    #[must_use]
    pub fn asking(asker: Option<Asker>) -> Self {
        Self { asker, pods: None }
    }

    pub(in crate::evidence) fn new(asker: Option<Asker>, pods: Option<Client>) -> Self {
        Self { asker, pods }
    }
}

/// Hosts as they are now.
#[derive(Clone)]
pub struct LiveHosts {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Handle,
    site: Site,
    interrupt: Interrupt,
    tag: RunTag,
    dials: Arc<Semaphore>,
    /// Hosts whose settings are being read at the same time.
    routes: Semaphore,
    passphrases: Passphrases,
    /// For nodes, in place of SSH.
    pods: Option<Pods>,
    by_host: Mutex<HashMap<Host, Reaching>>,
    /// Connections by the way they take, so that a jump host is connected to once.
    by_way: Mutex<HashMap<Vec<Target>, Connecting>>,
    /// Hosts where something of ours ran, and whether any of it ran as root.
    touched: Mutex<BTreeMap<Host, bool>>,
    /// Those of which it was proven since that nothing is left.
    swept: Mutex<BTreeSet<Host>>,
    local_captures: Arc<Semaphore>,
}

impl LiveHosts {
    /// Connects to nothing yet.
    #[must_use]
    pub fn new(runtime: Handle, site: &Site, interrupt: Interrupt) -> Self {
        Self::reaching(runtime, site, interrupt, Ways::default())
    }

    /// The same, by further ways.
    #[must_use]
    pub fn reaching(runtime: Handle, site: &Site, interrupt: Interrupt, ways: Ways) -> Self {
        let pods = ways.pods.zip(site.via.pod.as_ref()).map(|(client, via)| Pods::new(client, via));
        let inner = Inner {
            runtime,
            site: site.clone(),
            interrupt,
            tag: RunTag::new(),
            dials: Arc::new(Semaphore::new(AT_ONCE)),
            routes: Semaphore::new(AT_ONCE),
            passphrases: Passphrases::new(ways.asker),
            pods,
            by_host: Mutex::default(),
            by_way: Mutex::default(),
            touched: Mutex::default(),
            swept: Mutex::default(),
            local_captures: Arc::new(Semaphore::new(8)),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(in crate::evidence) fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    pub(in crate::evidence) fn interrupt(&self) -> &Interrupt {
        &self.inner.interrupt
    }

    /// What stands in the arguments of every process of this run.
    pub(in crate::evidence) fn tag(&self) -> String {
        self.inner.tag.text()
    }

    /// Waits for the connection to a host, which whoever asks it next then finds made.
    pub(in crate::evidence) async fn reach(&self, host: &Host) -> Result<(), EvidenceError> {
        self.inner.connected(host).await.map(drop)
    }

    /// Whether a person may be asked for a passphrase, which takes as long as it takes.
    pub(in crate::evidence) fn may_ask(&self) -> bool {
        self.inner.passphrases.may_ask()
    }

    /// Waits until every connection that was begun is made or has failed.
    pub(in crate::evidence) async fn reach_all(&self) {
        let begun: Vec<Reaching> = lock(&self.inner.by_host).values().cloned().collect();
        futures::future::join_all(begun).await;
    }

    /// Starts a capture: like a command, but at most eight of them on one host.
    pub(in crate::evidence) async fn start_capture(
        &self,
        host: &Host,
        args: &[String],
        seconds: u64,
    ) -> Result<(Process, OwnedSemaphorePermit), EvidenceError> {
        let connection = self.inner.connected(host).await?;
        let slots = connection.as_ref().map_or(&self.inner.local_captures, |connection| &connection.captures);
        let slot = Arc::clone(slots).try_acquire_owned().map_err(|_| {
            EvidenceError::new(ErrorKind::CaptureRefused, format!("capture on {}", host.name), "eight captures are under way there already")
                .hint("capture at fewer places at a time")
        })?;
        let process = self.inner.start(host, connection, Script::Capture, args, seconds, Script::Capture.needs_root()).await?;
        Ok((process, slot))
    }

    /// Starts a script that is talked to while it runs.
    pub(in crate::evidence) async fn start_script(
        &self,
        host: &Host,
        script: Script,
        args: &[String],
        seconds: u64,
    ) -> Result<Process, EvidenceError> {
        let connection = self.inner.connected(host).await?;
        self.inner.start(host, connection, script, args, seconds, script.needs_root()).await
    }

    /// Why a script that ended did not do what it was to do, when the reason is not the script's own.
    pub(in crate::evidence) async fn refusal(&self, host: &Host, script: Script, process: &Process, errors: &str) -> Option<EvidenceError> {
        let connection = match self.inner.connected(host).await {
            Ok(Some(connection)) if process.status().is_none() => return Some(connection.broken()),
            Ok(connection) => connection,
            Err(_) => None,
        };
        let user = connection.as_ref().map_or("this user", |connection| connection.user.as_str());
        let refusal = refusal(host, user, script, process.status(), process.began(), &format!("{}{errors}", process.chatter()));
        if let (Some(connection), true) = (&connection, process.began()) {
            connection.ran();
        }
        if process.refused() {
            let refusal = runs_no_commands(host, script, user);
            if let Some(connection) = &connection {
                connection.refused_all(&refusal, true);
            }
            return Some(refusal);
        }
        if let (Some(refusal), Some(connection)) = (&refusal, &connection)
            && !process.began()
        {
            if script.needs_root() {
                connection.refused_root(refusal);
            } else {
                connection.refused_all(refusal, false);
            }
        }
        refusal
    }
}

impl Hosts for LiveHosts {
    fn warm(&self, hosts: &[Host]) {
        if self.inner.interrupt.reason().is_some() {
            return;
        }
        for host in hosts.iter().filter(|host| host.kind != HostKind::Local) {
            drop(self.inner.connecting(host));
        }
    }

    fn run(&self, host: &Host, command: &Command) -> Result<Output, EvidenceError> {
        let operation = format!("run {} on {}", command.script.name(), host.name);
        if let Some(reason) = self.inner.interrupt.reason() {
            return Err(interrupted(&operation, reason));
        }
        self.inner.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.inner.interrupt.wait() => Err(interrupted(&operation, self.inner.interrupt.reason().unwrap_or(Reason::Signal))),
                result = self.run_to_its_end(host, command, &operation) => result,
            }
        })
    }

    fn unswept(&self) -> Vec<String> {
        let swept = lock(&self.inner.swept);
        lock(&self.inner.touched).keys().filter(|host| !swept.contains(*host)).map(|host| host.name.clone()).collect()
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        let touched: Vec<(Host, bool)> = lock(&self.inner.touched).iter().map(|(host, root)| (host.clone(), *root)).collect();
        self.inner.runtime.block_on(futures::future::join_all(touched.into_iter().map(|(host, root)| async move {
            let result = self.inner.sweep_in_time(&host, root).await;
            if result.is_ok() {
                lock(&self.inner.swept).insert(host.clone());
            }
            let name = host.name.clone();
            (name, result.map_err(|error| error.hint("its guard ends what is left there within 15 s of the last heartbeat")))
        })))
    }
}

impl Inner {
    /// The connection to a host, or `None` for this machine. The first who asks begins it.
    async fn connected(self: &Arc<Self>, host: &Host) -> Result<Option<Carrier>, EvidenceError> {
        if host.kind == HostKind::Local { Ok(None) } else { self.connecting(host).await.map(Some) }
    }

    fn connecting(self: &Arc<Self>, host: &Host) -> Reaching {
        let mut by_host = lock(&self.by_host);
        if let Some(connecting) = by_host.get(host) {
            return connecting.clone();
        }
        let (inner, asked) = (Arc::clone(self), host.clone());
        let connecting = self.begun(async move {
            if let Some(pods) = inner.pods.as_ref().filter(|_| asked.kind == HostKind::Node) {
                return pods.link(&asked).await.map(|link| Carrier::Pod(Arc::new(link)));
            }
            let permit = inner.routes.acquire().await;
            let way = settings::route(&asked, &inner.site).await?;
            drop(permit);
            inner.by_way(way, asked.name).await.map(Carrier::Ssh)
        });
        by_host.insert(host.clone(), connecting.clone());
        connecting
    }

    fn by_way(self: &Arc<Self>, way: Vec<Target>, name: String) -> Connecting {
        let mut by_way = lock(&self.by_way);
        if let Some(connecting) = by_way.get(&way) {
            return connecting.clone();
        }
        let (inner, steps) = (Arc::clone(self), way.clone());
        let connecting = self.begun(async move { inner.open(&steps, &name).await });
        by_way.insert(way, connecting.clone());
        connecting
    }

    /// Begins at once, on a task of its own: nobody has to wait for it, and nobody who stops waiting ends it.
    fn begun<T: Clone + Send + Sync + 'static>(
        &self,
        work: impl Future<Output = Result<T, EvidenceError>> + Send + 'static,
    ) -> Shared<BoxFuture<'static, Result<T, EvidenceError>>> {
        let task = self.runtime.spawn(work);
        async move {
            let ended = |_| EvidenceError::new(ErrorKind::Interrupted, "connect", "the run is ending");
            task.await.map_err(ended)?
        }
        .boxed()
        .shared()
    }

    async fn open(self: &Arc<Self>, way: &[Target], name: &str) -> Result<Arc<Connection>, EvidenceError> {
        let Some((target, before)) = way.split_last() else {
            return Err(EvidenceError::new(ErrorKind::HostUnreachable, format!("connect to {name}"), "there is no way to it"));
        };
        let via = match before.last() {
            Some(hop) => Some(self.by_way(before.to_vec(), format!("{} (jump host)", hop.hostname)).await?),
            None => None,
        };
        // Only now: whoever waits for a jump host must not keep it from connecting.
        let permit = self.dials.acquire().await;
        let opening = Connection::open(target, via, name, &self.passphrases);
        tokio::pin!(opening);
        if let Ok(opened) = tokio::time::timeout(SLOW, &mut opening).await {
            return opened.map(Arc::new);
        }
        drop(permit);
        opening.await.map(Arc::new)
    }

    async fn start(
        &self,
        host: &Host,
        carrier: Option<Carrier>,
        script: Script,
        args: &[String],
        seconds: u64,
        root: bool,
    ) -> Result<Process, EvidenceError> {
        let call = Call { script, args, root, seconds, tag: &self.tag };
        if script != Script::Sweep {
            carrier
                .as_ref()
                .map_or(Ok(()), |carrier| if carrier.is_closed() { Err(carrier.broken()) } else { carrier.worth_asking(root) })?;
            *lock(&self.touched).entry(host.clone()).or_default() |= root;
        }
        let Some(carrier) = carrier else { return Process::local(&call) };
        let session = Arc::clone(&carrier.sessions).acquire_owned().await.map_err(|_| carrier.broken())?;
        let started = carrier.start(&call, session).await;
        if let Err(error) = &started {
            carrier.was_not_started(error);
        }
        started
    }
}

/// The error for a run that is to stop.
pub(in crate::evidence) fn interrupted(operation: &str, reason: Reason) -> EvidenceError {
    EvidenceError::new(ErrorKind::Interrupted, operation, reason.told())
}

#[cfg(test)]
mod tests;
