//! Commands that mend what a finding names, where it can be mended by one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command for somebody to run who agrees with it; lbdiag runs none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// The finding that it mends.
    pub finding: String,
    /// Where to run it: a host's name.
    pub on: String,
    pub command: String,
}
