//! Recordings: every question of a run with its answer, in one file, and their replay.

pub mod file;
pub mod recorded;
pub mod recorder;
pub mod tape;
