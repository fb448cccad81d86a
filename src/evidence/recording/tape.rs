//! The list of what was touched, and the answers that a recording keeps.
//!
//! Every question passes here, live or replayed. Live: the question is asked, timed and noted; its answer is kept when
//! a recording was wanted. Replayed: the answer and its times come from the recording.

/// The tape of one run.
#[derive(Default)]
pub struct Tape {}
