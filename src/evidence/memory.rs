//! How much memory this process holds, and how much it may: one measure for everything that grows with what lbdiag is given.
//!
//! The measure is of the heap alone. The program itself, its threads' stacks and what the allocator keeps back take the rest of
//! the 256 MiB that a process stays below.

use std::alloc::System;
use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use cap::Cap;
use serde::de::DeserializeOwned;

use super::error::{ErrorKind, EvidenceError};

/// Counts what is taken from the system's allocator and given back. It refuses nothing: a refusal there ends a process without a report.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes that the process may hold for answers to be taken and kept.
pub const MOST: usize = 128 << 20;

/// Bytes that it may hold for another answer of an API to be taken: what is made of the answers takes as much again and more.
pub const MOST_OF_AN_API: usize = 48 << 20;

/// Bytes that a playbook's values, and what its words keep for it, may take. A copy of all of it may come on top before it is seen.
pub const MOST_OF_A_PLAYBOOK: usize = 148 << 20;

/// Bytes that the process holds now.
#[must_use]
pub fn held() -> usize {
    HEAP.allocated()
}

/// Runs of this process at the moment: more than one only where lbdiag is a library.
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// Recordings that this process has open, each of which some run reads or is about to.
static RECORDINGS: AtomicUsize = AtomicUsize::new(0);

/// An open recording, as long as anybody holds it.
#[derive(Debug)]
pub struct Opened(());

impl Opened {
    #[must_use]
    pub fn begin() -> Self {
        RECORDINGS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        RECORDINGS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A run, as long as it is there. What is held is known of the whole process, so that several at once share the sum of their bounds.
#[derive(Debug)]
pub struct UnderWay(());

impl UnderWay {
    #[must_use]
    pub fn begin() -> Self {
        RUNS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

/// Whether a playbook's values still fit, of which the process held `before` when the playbook began.
#[must_use]
pub fn playbook_fits(before: usize) -> bool {
    held().saturating_sub(before) <= shared(MOST_OF_A_PLAYBOOK)
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        RUNS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A bound of one run, as large as it is for all that are under way.
fn shared(most: usize) -> usize {
    most.saturating_mul(RUNS.load(Ordering::Relaxed).max(RECORDINGS.load(Ordering::Relaxed)).max(1))
}

/// Whether so many bytes more would still be within the bound.
#[must_use]
pub fn has_room(bytes: usize) -> bool {
    fits(bytes, MOST)
}

/// The same for what an API gives.
#[must_use]
pub fn api_has_room() -> bool {
    fits(0, MOST_OF_AN_API)
}

fn fits(bytes: usize, most: usize) -> bool {
    held().saturating_add(bytes) <= bound(most)
}

#[cfg(not(test))]
fn bound(most: usize) -> usize {
    shared(most)
}

/// A test has a bound of its own: others beside it hold memory too.
#[cfg(test)]
fn bound(_most: usize) -> usize {
    tests::BOUND.get()
}

/// Bytes of JSON that are parsed at once: what becomes of them is a few MiB at the most.
const SHORT: usize = 64 << 10;

/// JSON as a value, which may be many times as large: `[{},{}]` has 3 bytes an item, and takes 32.
///
/// # Errors
/// When it has another shape; one of input and output when there is no room for it.
pub fn parsed<A: DeserializeOwned>(json: &[u8]) -> Result<A, serde_json::Error> {
    parsed_within(json, MOST)
}

/// The same for an answer of an API.
///
/// # Errors
/// As `parsed`.
pub fn parsed_of_an_api<A: DeserializeOwned>(json: &[u8]) -> Result<A, serde_json::Error> {
    parsed_within(json, MOST_OF_AN_API)
}

fn parsed_within<A: DeserializeOwned>(json: &[u8], most: usize) -> Result<A, serde_json::Error> {
    if json.len() <= SHORT { serde_json::from_slice(json) } else { serde_json::from_reader(BufReader::new(Metered(json, most))) }
}

/// Ends what is read as soon as the process holds more than so many bytes.
pub struct Metered<R>(pub R, pub usize);

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if fits(0, self.1) { self.0.read(buffer) } else { Err(io::Error::new(io::ErrorKind::OutOfMemory, "there is no room for it")) }
    }
}

/// Why something is not taken: the process has no room for it.
#[must_use]
pub fn full(operation: &str) -> EvidenceError {
    over(operation, MOST)
}

/// The same for what an API gives.
#[must_use]
pub fn api_full(operation: &str) -> EvidenceError {
    over(operation, MOST_OF_AN_API)
}

fn over(operation: &str, most: usize) -> EvidenceError {
    let reason = format!("with it lbdiag would hold more than {} MiB, so it was left out", most >> 20);
    EvidenceError::new(ErrorKind::LeftOut, operation, reason).hint("ask for less at a time: one Service, one namespace")
}

#[cfg(test)]
pub(in crate::evidence) mod tests {
    use std::cell::Cell;

    use serde_json::Value;

    use super::*;

    thread_local! {
        pub(super) static BOUND: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Does something on this thread with room for so many bytes more.
    pub(in crate::evidence) fn with_room_for<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
        BOUND.set(held() + bytes);
        let done = work();
        BOUND.set(usize::MAX);
        done
    }

    #[test]
    fn what_is_taken_is_counted_until_it_is_given_back() {
        const MUCH: usize = 1 << 30;
        let before = held();
        let much: Vec<u8> = Vec::with_capacity(MUCH);
        // Other tests run beside this one, and none of them takes or gives back as much.
        assert!(held() > before + MUCH / 2);
        drop(much);
        assert!(held() < before + MUCH / 2);
    }

    #[test]
    fn small_text_of_large_values_ends_within_the_bound() {
        let text = format!("[{}1]", "[[]],".repeat(200_000));
        assert!(parsed::<Value>(text.as_bytes()).is_ok());
        assert!(with_room_for(4 << 20, || parsed::<Value>(text.as_bytes())).unwrap_err().is_io());
        assert!(with_room_for(1 << 20, || (has_room(0), has_room(1 << 30))) == (true, false));
    }
}
