//! One flag for "stop now": Ctrl-C, a signal or the run's time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Why a run is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Ctrl-C, SIGTERM or SIGHUP.
    Signal,
    /// The total `--timeout` passed.
    TimeLimit,
}

impl Reason {
    /// As errors tell it.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Signal => "the run was interrupted",
            Self::TimeLimit => "the run's time limit passed",
        }
    }

    /// The reason that an error tells of: a replay has none of its own.
    #[must_use]
    pub fn heard(text: &str) -> Self {
        if text.contains(Self::TimeLimit.told()) { Self::TimeLimit } else { Self::Signal }
    }
}

/// A cheap handle on the flag. Once set it stays set.
#[derive(Clone)]
pub struct Interrupt {
    sender: Arc<watch::Sender<Option<Reason>>>,
    signalled: Arc<AtomicBool>,
}

impl Default for Interrupt {
    fn default() -> Self {
        Self { sender: Arc::new(watch::channel(None).0), signalled: Arc::default() }
    }
}

impl Interrupt {
    /// Sets the flag; the first reason stays.
    pub fn set(&self, reason: Reason) {
        if reason == Reason::Signal {
            self.signalled.store(true, Ordering::Relaxed);
        }
        self.sender.send_if_modified(|now| {
            let first = now.is_none();
            if first {
                *now = Some(reason);
            }
            first
        });
    }

    /// Why, once it is set.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        *self.sender.borrow()
    }

    /// Whether somebody asked for the end, be it after the time limit.
    #[must_use]
    pub fn signalled(&self) -> bool {
        self.signalled.load(Ordering::Relaxed)
    }

    /// Waits until it is set.
    pub(in crate::evidence) async fn wait(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so the wait can only end by the flag.
        let _ = receiver.wait_for(Option::is_some).await;
    }
}
