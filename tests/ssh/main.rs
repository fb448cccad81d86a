//! Reaching hosts over SSH, against real sshd processes on loopback: who is let in, who is not, and what is said about it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]
#![expect(clippy::print_stderr, reason = "a test that is left out says why")]

mod hostile;
mod logins;
mod nothing;
mod passphrases;
#[path = "../secrets/planted.rs"]
mod planted;
mod refusals;
mod sessions;
mod sshd;
mod stalls;
