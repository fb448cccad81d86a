//! How a run may stop before its end, and what it tells whoever watches it until then.

/// Why a run stopped before its playbook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The question itself is wrong (an unknown Service): exit 2, with what to write instead.
    Usage(String),
    /// Nothing was asked for: the Services, as commands ready to run.
    Listed(String),
    /// lbdiag could not do its work.
    CouldNotWork(String),
    /// What the run is about could not be read, which is a gap already: nothing else can be asked.
    Unread(String),
    Interrupted,
}

/// Told to whoever shows progress.
pub enum Progress {
    Step(String),
    Note(String),
    /// What a step gave or why it failed, in a run that traces its steps.
    Traced(String),
    /// A client's own traffic is waited for from now on: what its user is to be asked.
    Await {
        client: String,
        text: String,
        seconds: u64,
    },
    /// How much is left of a wait, seconds.
    Left {
        what: String,
        seconds: u64,
        of: u64,
    },
}
