//! How the live world is to be reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::evidence::capture::pcapng::PcapDirectory;
use crate::evidence::host::live::Asker;
use crate::evidence::site::Site;

/// What the command line says about reaching the world.
#[derive(Clone, Default)]
pub struct LiveOptions {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    /// The user as whom the API is asked, when that is another.
    pub impersonate: Option<String>,
    pub site: Site,
    /// Nodes are reached by the pods that the site file names, not over SSH.
    pub via_pods: bool,
    /// Somebody who can be asked for the passphrases of keys.
    pub asker: Option<Asker>,
    /// Keep the answers for a recording, not only the list of what was touched.
    pub keep_answers: bool,
    /// Bound on one API request; zero is the usual ten seconds.
    pub api_limit: Duration,
    /// Where packets' bytes go, when they are wanted.
    pub pcap: Option<Arc<PcapDirectory>>,
}
