//! What `lbdiag explain` is given.

use std::path::PathBuf;

use clap::Args;

/// A name to explain.
#[derive(Args, Debug)]
pub(in crate::cli) struct ExplainArguments {
    /// A name such as `announce/split-brain`, an area such as `announce`, a code such as `E0202`, or `codes`; a finding that a playbook
    /// declares, or a playbook, of which all are told; without one, all findings and gaps are listed.
    pub(in crate::cli) finding: Option<String>,
    /// All of them in full, as one Markdown document.
    #[arg(long, conflicts_with = "finding")]
    pub(in crate::cli) markdown: bool,
    /// Why a run did not say it: its report, as `--report json=REPORT` wrote it.
    #[arg(long, value_name = "REPORT", requires = "finding", conflicts_with = "markdown")]
    pub(in crate::cli) why: Option<PathBuf>,
    /// The site, in whose `library` playbooks are looked for as well.
    #[arg(long, value_name = "FILE", env = "LBDIAG_SITE")]
    pub(in crate::cli) site: Option<PathBuf>,
}
