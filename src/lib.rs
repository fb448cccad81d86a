//! lbdiag runs a team's own troubleshooting playbooks for Kubernetes load-balancer traffic.
//!
//! The folders are the architecture (see `ARCHITECTURE.md`): questions go down from `cli` to `evidence`,
//! facts come up as plain `model` values, an outcome goes sideways to `report`.

pub mod analysis;
pub mod cli;
pub mod engine;
pub mod evidence;
pub mod language;
pub mod model;
pub mod outcomes;
#[cfg(test)]
mod readers;
pub mod report;
pub mod words;
