//! What ends a run early: a signal, or its time limit. Both only set the flag; whoever looks at the world minds it.

use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::{Interrupt, Reason};

/// Signals that come this close together are one: `timeout` sends its own to the process and to its group, a terminal to both too.
const ONE_SIGNAL: Duration = Duration::from_millis(100);

/// From now on Ctrl-C, SIGTERM and SIGHUP interrupt the run, which then cleans up. Whoever sends Ctrl-C or SIGTERM once more does not
/// want to wait for that: then `again` is called, and has to end the process. A hangup alone never does, because it comes by itself and
/// more than once. SIGHUP stays ignored where it was (`nohup`).
///
/// # Errors
/// When the handlers cannot be installed.
pub fn watch_signals(interrupt: Interrupt, again: impl Fn() + Send + 'static) -> Result<(), EvidenceError> {
    let failed = |error: std::io::Error| EvidenceError::new(ErrorKind::Interrupted, "watch for signals", error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let signals = {
        // Installed before this returns, so that no signal falls between.
        let _guard = runtime.enter();
        Signals::install(!hangup_is_ignored()).map_err(failed)?
    };
    // A runtime of its own: signals are minded in a replay too, where there is no other.
    thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(signals.mind(&interrupt, &again))).map_err(failed)?;
    Ok(())
}

/// Interrupts the run when `limit` has passed.
///
/// # Errors
/// When no thread can be started.
pub fn limit(interrupt: Interrupt, limit: Duration) -> Result<(), EvidenceError> {
    let sleeping = move || {
        thread::sleep(limit);
        interrupt.set(Reason::TimeLimit);
    };
    let started = thread::Builder::new().name("time limit".to_owned()).spawn(sleeping);
    started.map(|_| ()).map_err(|error| EvidenceError::new(ErrorKind::Interrupted, "start the time limit", error))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn install(hangup: bool) -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if hangup { Some(signal(SignalKind::hangup())?) } else { None },
        })
    }

    async fn mind(mut self, interrupt: &Interrupt, again: &(impl Fn() + Send)) {
        let mut first: Option<Instant> = None;
        loop {
            let asked = tokio::select! {
                came = self.interrupt.recv() => came.map(|()| true),
                came = self.terminate.recv() => came.map(|()| true),
                came = next(self.hangup.as_mut()) => came.map(|()| false),
            };
            // The sources never end while the process lives.
            let Some(asked) = asked else { return };
            if asked && first.is_some_and(|first| first.elapsed() > ONE_SIGNAL) {
                again();
            }
            first.get_or_insert_with(Instant::now);
            interrupt.set(Reason::Signal);
        }
    }
}

async fn next(signal: Option<&mut Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether whoever started us wants the run to outlive the terminal. Where /proc cannot say, nobody does.
fn hangup_is_ignored() -> bool {
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    ignored.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & HANGUP != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_interrupts() {
        let interrupt = Interrupt::default();
        limit(interrupt.clone(), Duration::from_millis(20)).unwrap();
        assert_eq!(interrupt.reason(), None);
        let begun = Instant::now();
        while interrupt.reason().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(interrupt.reason(), Some(Reason::TimeLimit));
    }

    #[test]
    fn a_hangup_interrupts() {
        // A hangup and not Ctrl-C: other tests of this process must live on if something goes wrong.
        let interrupt = Interrupt::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _guard = runtime.enter();
        let signals = Signals::install(true).unwrap();
        let flag = interrupt.clone();
        runtime.block_on(async {
            let kill = tokio::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status().await.unwrap();
            assert!(kill.success());
            tokio::select! {
                () = signals.mind(&flag, &|| {}) => {}
                () = flag.wait() => {}
                () = tokio::time::sleep(Duration::from_secs(10)) => {}
            }
        });
        assert_eq!(interrupt.reason(), Some(Reason::Signal));
    }
}
