//! Makes values of answers, all on one thread.
//!
//! The system's allocator gives each thread that takes memory a region of its own, and keeps what was freed in it for that thread alone.
//! A run asks on two dozen threads: with values made on each of them, lists of some MiB kept several hundred.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{LazyLock, Mutex};

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::evidence::memory;
use crate::evidence::side_by_side::lock;

type Work = Box<dyn FnOnce() + Send>;

/// What is to be done on the thread, which lasts as long as the process. `None` where no thread could be started.
static WORK: LazyLock<Option<Mutex<Sender<Work>>>> = LazyLock::new(|| {
    let (sender, queue) = mpsc::channel::<Work>();
    let started = std::thread::Builder::new().name("answers".to_owned()).spawn(move || queue.into_iter().for_each(|work| work()));
    started.ok().map(|_| Mutex::new(sender))
});

/// An answer as what is made of it.
///
/// # Errors
/// When it has another shape; one of input and output when there is no room for it.
pub(super) async fn parsed<A, B>(json: Vec<u8>, made: impl FnOnce(A) -> B + Send + 'static) -> Result<B, serde_json::Error>
where
    A: DeserializeOwned,
    B: Send + 'static,
{
    let (told, answer) = oneshot::channel();
    let work = move || memory::parsed_of_an_api(&json).map(made);
    match &*WORK {
        None => return work(),
        // Nobody who waits any more is no harm: the run was interrupted.
        Some(queue) => drop(lock(queue).send(Box::new(|| drop(told.send(catch_unwind(AssertUnwindSafe(work))))))),
    }
    match answer.await {
        Ok(Ok(parsed)) => parsed,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(serde::de::Error::custom("it was not read")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    #[test]
    fn an_answer_is_made_into_what_is_wanted_and_a_panic_is_the_askers() {
        assert_eq!(wait(parsed(b"[1, 2]".to_vec(), |list: Vec<u8>| list.len())).unwrap(), 2);
        assert!(wait(parsed(b"<html>".to_vec(), |value: Value| value)).unwrap_err().is_syntax());
        let panicked = std::panic::catch_unwind(|| wait(parsed(b"1".to_vec(), |_: Value| std::panic::panic_any("inside"))));
        assert!(panicked.is_err());
        assert_eq!(wait(parsed(b"3".to_vec(), |number: u8| number)).unwrap(), 3, "the thread goes on");
    }
}
