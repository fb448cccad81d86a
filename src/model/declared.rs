//! Findings that a playbook declares in its header: its own, beside those of the catalogue.

use super::finding::Severity;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// `site/short-name`
    pub name: String,
    pub severity: Severity,
    /// What it means.
    pub meaning: String,
    /// What to do; empty when nothing is told.
    pub next: String,
}
