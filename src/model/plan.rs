//! What a run would do to the world, without having done it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::outcome::Ran;
use super::place::HostKind;
use super::scrub::{REMOVED, names_a_secret, scrub_in, scrub_value};

/// Everything that a run would do, as the JSON report holds it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Plan {
    pub format: String,
    pub lbdiag: String,
    pub playbook: String,
    pub playbook_version: String,
    /// The scripts that would run: the playbook, the modules that it imports, and the site's hooks at its steps.
    pub ran: Vec<Ran>,
    pub params: BTreeMap<String, PlannedParam>,
    /// What the playbook's header and the site both allow.
    pub uses: Vec<String>,
    /// Bound on the whole run, seconds.
    pub seconds: u64,
    /// API requests, as a run makes them too; they were made for the plan.
    pub api: Vec<String>,
    pub hosts: Vec<PlannedHost>,
    /// In the order of the steps, of hosts, and of their kind.
    pub intents: Vec<Intent>,
    /// The text of every script that the arguments name.
    pub scripts: BTreeMap<String, String>,
    /// What could not be read for the plan, so that a run may do more or something else.
    pub open: Vec<String>,
}

/// A parameter's value and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PlannedParam {
    pub value: Value,
    /// `--set`, `LBDIAG_NAME`, `--params`, `recording`, `site` or `default`; empty when it has no value.
    pub from: String,
}

/// A host that would be reached.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PlannedHost {
    pub name: String,
    pub kind: HostKind,
    /// The machines to go through, the host itself last: `USER@ADDRESS:PORT`, or the pod.
    pub way: Vec<String>,
    /// Why no way is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_way: Option<String>,
}

/// One thing that would be done on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Intent {
    /// Where its step stands among the steps.
    #[serde(skip)]
    pub order: usize,
    /// The playbook's step; empty outside of any.
    pub step: String,
    pub host: String,
    /// `command`, `capture`, `probe` or `wait`.
    pub kind: &'static str,
    /// A pod whose network namespace is looked into, as `NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Done only when tries go unanswered or the answers are odd.
    pub only_when_needed: bool,
    pub root: bool,
    pub argv: Vec<Argument>,
    /// Bound on its time, seconds.
    pub seconds: u64,
    /// Bound on what is read of it, bytes.
    pub bytes: u64,
    /// Bound on a capture's packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    /// How often exactly this is done within the step.
    pub times: u32,
}

/// The kind of an intent that only waits for somebody else's traffic: its host is the client, its one argument what that client is asked.
pub const WAIT: &str = "wait";

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Argument {
    /// The text of the script of that name, see `Plan::scripts`.
    Script(String),
    #[serde(untagged)]
    Text(String),
}

impl Plan {
    /// Takes the credentials out of every text that came from outside, so that no report has to.
    pub fn scrub(&mut self) {
        for (name, param) in &mut self.params {
            if names_a_secret(name) && !param.value.is_null() {
                param.value = Value::String(REMOVED.to_owned());
            }
            scrub_value(&mut param.value);
        }
        let ways = self.hosts.iter_mut().flat_map(|host| host.way.iter_mut().chain(&mut host.no_way));
        ways.chain(&mut self.api).chain(&mut self.open).for_each(scrub_in);
        self.ran.iter_mut().map(|one| &mut one.path).for_each(scrub_in);
        self.intents.iter_mut().map(|intent| &mut intent.step).for_each(scrub_in);
        for argument in self.intents.iter_mut().flat_map(|intent| &mut intent.argv) {
            if let Argument::Text(text) = argument {
                scrub_in(text);
            }
        }
    }
}

impl fmt::Display for Argument {
    /// As one would type it; a script by its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(name) => write!(f, "<{name}>"),
            Self::Text(text) => f.write_str(&typed(text)),
        }
    }
}

/// An argument as one would type it: quoted where a shell would read anything in a way of its own.
#[must_use]
pub fn typed(argument: &str) -> String {
    let plain = !argument.is_empty() && argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c));
    if plain { argument.to_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) }
}
