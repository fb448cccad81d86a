//! Recordings: every question of a run with its answer, in one file, and their replay.

mod answer;
pub mod contents;
mod derived;
pub mod file;
mod kept;
pub mod manifest;
mod question;
pub mod recorded;
pub mod recorder;
pub mod redaction;
mod shown;
pub mod tape;

#[cfg(test)]
mod tests;
