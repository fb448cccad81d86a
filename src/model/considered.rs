//! The rules that a judgement tried, in order, and what came of each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule that was tried at a point of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Considered {
    /// What the rule looks for.
    pub rule: String,
    /// The names that it may say.
    pub names: Vec<String>,
    /// Where it was tried, such as `the request inside n2`.
    pub point: String,
    /// What it needs to be proven.
    pub needs: String,
    /// The name that it said; without one, it was not proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}
