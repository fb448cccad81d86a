//! What is said of a panic: a mistake of lbdiag itself, which ends the work of one thread and never the report of what was found.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The words that a thread panicked with.
#[must_use]
pub fn message(payload: &(dyn Any + Send)) -> String {
    format!("a mistake of lbdiag itself: {}", words(payload))
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is one that a library is known for, and told of by whoever called it.
#[must_use]
pub fn is_quiet() -> bool {
    QUIET.get()
}

/// Does what a library may panic at, where it should give an error: by what it was given, and by no mistake of ours.
///
/// # Errors
/// The words of the panic.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    done.map_err(|payload| words(&*payload).to_owned())
}

fn words(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given")
}

/// Waits for a thread and goes on with its panic as with one of our own, so that its words are not lost.
#[must_use]
pub fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_panic_are_kept() {
        let of = |work: fn()| message(&*std::panic::catch_unwind(work).unwrap_err());
        assert_eq!(of(|| std::panic::panic_any("a table too wide")), "a mistake of lbdiag itself: a table too wide");
        assert_eq!(of(|| std::panic::panic_any(format!("{} too many", 3))), "a mistake of lbdiag itself: 3 too many");
        assert_eq!(of(|| std::panic::panic_any(7)), "a mistake of lbdiag itself: no reason was given");
    }

    #[test]
    fn what_a_library_panics_at_is_an_error() {
        assert_eq!(quietly(|| 7), Ok(7));
        assert_eq!(quietly(|| -> u8 { std::panic::panic_any(format!("is {}", "quiet")) }), Err("is quiet".to_owned()));
        assert!(!is_quiet());
    }

    #[test]
    fn the_panic_of_a_thread_is_the_panic_of_who_waits_for_it() {
        let waited = std::panic::catch_unwind(|| std::thread::scope(|scope| joined(scope.spawn(|| std::panic::panic_any("inside")))));
        assert!(message(&*waited.unwrap_err()).ends_with("inside"));
    }
}
