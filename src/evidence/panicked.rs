//! What is said of a panic: a mistake of lbdiag itself, which ends the work of one thread and never the report of what was found.

use std::any::Any;

/// The words that a thread panicked with.
#[must_use]
pub fn message(payload: &(dyn Any + Send)) -> String {
    let words = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("a mistake of lbdiag itself: {}", words.unwrap_or("no reason was given"))
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
    fn the_panic_of_a_thread_is_the_panic_of_who_waits_for_it() {
        let waited = std::panic::catch_unwind(|| std::thread::scope(|scope| joined(scope.spawn(|| std::panic::panic_any("inside")))));
        assert!(message(&*waited.unwrap_err()).ends_with("inside"));
    }
}
