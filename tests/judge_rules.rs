//! The judge's own tests, which need no lab.
#![expect(clippy::print_stdout, reason = "the judge speaks to whoever started it")]
#![expect(unreachable_pub, reason = "the judge is shared with tests/lab.rs as a module")]

#[path = "lab_judge/mod.rs"]
#[expect(dead_code, reason = "what needs the lab is used by tests/lab.rs alone")]
mod lab_judge;
