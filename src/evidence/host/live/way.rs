//! How a host would be reached, told without reaching it.

use super::command_line::RunTag;
use super::settings::{self, Target};
use super::to_the_end::MOST_ERRORS;
use super::{LiveHosts, SWEEP_LIMIT};
use crate::evidence::error::EvidenceError;
use crate::model::place::{Host, HostKind};

impl LiveHosts {
    /// The machines to go through, the host itself last. Connects to none of them; where pods are used in place of SSH, they are listed.
    ///
    /// # Errors
    /// When `ssh_config` cannot be used, or no pod is there for the node.
    pub(in crate::evidence) async fn way(&self, host: &Host) -> Result<Vec<String>, EvidenceError> {
        if host.kind == HostKind::Local {
            return Ok(vec!["this machine".to_owned()]);
        }
        if let Some(pods) = self.inner.pods.as_ref().filter(|_| host.kind == HostKind::Node) {
            let link = pods.link(host).await?;
            return Ok(vec![format!("exec in {} by the API", link.standing.user)]);
        }
        let permit = self.inner.routes.acquire().await;
        let way = settings::route(host, &self.inner.site).await?;
        drop(permit);
        Ok(way.iter().map(described).collect())
    }
}

/// The tag in the arguments of a run to come.
pub(in crate::evidence) fn planned_tag() -> String {
    RunTag::of_a_run_to_come().text()
}

/// A sweep's arguments, and its bounds in seconds and bytes.
pub(in crate::evidence) fn planned_sweep() -> (Vec<String>, u64, u64) {
    let args = RunTag::of_a_run_to_come().halves().map(str::to_owned).to_vec();
    (args, SWEEP_LIMIT.as_secs(), u64::try_from(MOST_ERRORS).unwrap_or(u64::MAX))
}

fn described(target: &Target) -> String {
    let hostname = if target.hostname.contains(':') { format!("[{}]", target.hostname) } else { target.hostname.clone() };
    let by = if target.proxy_command.is_some() { " by its ProxyCommand" } else { "" };
    format!("{}@{hostname}:{}{by}", target.user, target.port)
}
