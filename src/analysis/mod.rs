//! Pure reasoning: reads what evidence brought up, elects, folds, joins and judges. No input, no output, nothing async.

pub mod addresses;
pub mod allocation;
pub mod announcement;
pub mod client_traffic;
pub mod clock_skew;
pub mod closer;
pub mod configuration;
pub mod configuration_log;
pub mod drawing;
pub mod election;
pub mod follow;
pub mod history;
pub mod host_check;
pub mod judge;
pub mod paths;
pub mod read;
pub mod resent;
pub mod sparing;
pub mod speaker;
pub mod speaker_log;
pub mod speaker_metrics;
pub mod state;
pub mod target;
pub mod timestamps;
pub mod trace;
