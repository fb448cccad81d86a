//! Several blocking looks at once, within a bound, answers in the order of the questions.

use std::sync::Mutex;

use super::lane;
use super::panicked::joined;

/// How many looks go on at the same time.
const AT_ONCE: usize = 24;

/// Runs `look` for every item at the same time and gives the answers in the items' order.
pub fn side_by_side<T: Sync, A: Send>(items: &[T], look: impl Fn(&T) -> A + Sync) -> Vec<A> {
    at_most(AT_ONCE, items, look)
}

/// Two different looks at the same time.
pub fn both<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    let lane = lane::current();
    std::thread::scope(|scope| {
        let looking = scope.spawn(move || lane::within(lane, one));
        let second = other();
        (joined(looking), second)
    })
}

/// As `side_by_side`, with at most so many at the same time.
pub fn at_most<T: Sync, A: Send>(most: usize, items: &[T], look: impl Fn(&T) -> A + Sync) -> Vec<A> {
    if items.len() < 2 {
        return items.iter().map(look).collect();
    }
    let lane = lane::current();
    workers(most, None, items, |_, item| lane::within(lane, || look(item)))
}

/// As `at_most`, and tells which of the threads looks, each with a stack of so many bytes where that is told; the first items are begun first.
pub fn workers<T: Sync, A: Send>(most: usize, stack: Option<usize>, items: &[T], look: impl Fn(usize, &T) -> A + Sync) -> Vec<A> {
    let next = Mutex::new(0_usize);
    let answers: Vec<Mutex<Option<A>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let ask = |worker: usize| {
        loop {
            let index = {
                let mut next = lock(&next);
                *next += 1;
                *next - 1
            };
            let Some(item) = items.get(index) else { return };
            *lock(&answers[index]) = Some(look(worker, item));
        }
    };
    std::thread::scope(|scope| {
        let ask = &ask;
        let begin = |worker: usize| {
            let builder = std::thread::Builder::new();
            let builder = if let Some(stack) = stack { builder.stack_size(stack) } else { builder };
            builder.spawn_scoped(scope, move || ask(worker)).ok()
        };
        // Where no thread can be had the work is done on this one.
        let looking: Vec<_> = (0..items.len().min(most.max(1))).filter_map(begin).collect();
        if looking.is_empty() {
            ask(0);
        }
        for thread in looking {
            let () = joined(thread);
        }
    });
    answers.into_iter().filter_map(|answer| answer.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)).collect()
}

/// A lock that survives the panic of another look.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
