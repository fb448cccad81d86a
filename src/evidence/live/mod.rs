//! The live world: the one place that makes connections. Everything async stays below here.

mod signals;

use std::path::PathBuf;
use std::time::Duration;

pub use signals::{limit, watch_signals};

use super::site::Site;
use super::{Evidence, EvidenceError};

/// What the command line says about reaching the world.
#[derive(Clone, Debug, Default)]
pub struct LiveOptions {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    pub site: Site,
    /// Keep the answers for a recording, not only the list of what was touched.
    pub keep_answers: bool,
    /// Bound on one API request.
    pub api_limit: Duration,
}

/// Opens the live world. Makes no connection yet, except that the kubeconfig is read.
///
/// # Errors
/// When there is no kubeconfig, or it cannot be used.
pub fn open(_options: &LiveOptions) -> Result<Evidence, EvidenceError> {
    todo!()
}
