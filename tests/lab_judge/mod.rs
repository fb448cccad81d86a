//! The judge: injects faults into the lab, runs `lbdiag`, and compares what it says with the truth.
//!
//! It knows nothing of how `lbdiag` works: it sees the exit status and the JSON report, as a pipeline would.

pub mod cluster;
pub mod fault;
pub mod health;
pub mod process;
pub mod rule;
pub mod score;
pub mod selection;
pub mod shell;
pub mod trial;
