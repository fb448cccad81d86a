//! One watch over a whole command. Its work goes on on a thread of its own, so that a signal or the time limit ends the command
//! whatever that work is doing: reading a file that never comes, computing, or drawing a report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::exit::Exit;
use super::{refuse, streams};
use crate::evidence::host::Hosts;
use crate::evidence::interrupt::{Interrupt, Reason};
use crate::evidence::{live, panicked};
use crate::model::text::one_line;

/// The work's stack: what is read may be nested deeply.
const STACK: usize = 16 << 20;
/// How often it is looked whether the command is to end.
const LOOK: Duration = Duration::from_millis(20);
/// How long last words may keep the process.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a command is doing, which tells how long it has for that once it is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Reading what it was given, or reaching the world: there is nothing to be lost yet.
    Opening,
    /// The run has bounds of its own for everything in it, the sweep of ten seconds included.
    Running,
    /// Following connections through files.
    Following,
    /// A recording loses nothing, however large it is.
    Recording,
    Reporting,
    /// Somebody reads what is printed, and may take all the time in the world.
    Printing,
}

impl Work {
    /// How long it may still take after `reason`; `None` as long as it likes.
    fn grace(self, reason: Reason) -> Option<Duration> {
        match self {
            Self::Printing if reason == Reason::TimeLimit => None,
            Self::Opening | Self::Printing => Some(Duration::from_millis(300)),
            Self::Following => Some(Duration::from_secs(1)),
            Self::Reporting => Some(Duration::from_secs(3)),
            Self::Recording => Some(Duration::from_secs(10)),
            Self::Running => Some(Duration::from_secs(15)),
        }
    }
}

/// The watch over one command.
pub(super) struct Watch {
    pub(super) interrupt: Interrupt,
    limit: Option<Duration>,
    doing: Mutex<Doing>,
    /// What is reached, for who asks what may be left there.
    hosts: Mutex<Option<Arc<dyn Hosts>>>,
}

struct Doing {
    work: Work,
    /// In words, such as `reading the recording x`.
    what: String,
    since: Instant,
}

/// Does a command's work under a watch; `limit` counts from now.
pub(super) fn over(limit: Option<Duration>, work: impl FnOnce(&Watch) -> Exit + Send + 'static) -> Exit {
    let watch = Arc::new(Watch::new(limit));
    let ending = Arc::clone(&watch);
    let watching = live::watch_signals(watch.interrupt.clone(), move || ending.end_at_once());
    let watching = watching.and_then(|()| limit.map_or(Ok(()), |limit| live::limit(watch.interrupt.clone(), limit)));
    if let Err(error) = watching {
        return refuse(Exit::CouldNotWork, &error.to_string());
    }
    let (give, exit) = mpsc::channel();
    let working = Arc::clone(&watch);
    let work = move || {
        let exit = catch_unwind(AssertUnwindSafe(|| work(&working)));
        // Nobody may wait for it any more.
        let _ = give.send(exit.unwrap_or_else(|payload| refuse(Exit::CouldNotWork, &panicked::message(&*payload))));
    };
    match std::thread::Builder::new().name("command".to_owned()).stack_size(STACK).spawn(work) {
        Ok(_) => {
            let exit = watch.wait(&exit);
            live::end_children();
            exit
        }
        Err(error) => refuse(Exit::CouldNotWork, &format!("start the command's thread: {error}")),
    }
}

impl Watch {
    fn new(limit: Option<Duration>) -> Self {
        let doing = Doing { work: Work::Opening, what: "beginning".to_owned(), since: Instant::now() };
        Self { interrupt: Interrupt::default(), limit, doing: Mutex::new(doing), hosts: Mutex::default() }
    }

    /// Says what is done from here on, in words that follow on *while*.
    pub(super) fn doing(&self, work: Work, what: impl Into<String>) {
        *lock(&self.doing) = Doing { work, what: what.into(), since: Instant::now() };
    }

    /// Says what is reached from here on.
    pub(super) fn reaches(&self, hosts: &Arc<dyn Hosts>) {
        *lock(&self.hosts) = Some(Arc::clone(hosts));
    }

    /// Waits for the work. When it does not end by itself after a signal or the time limit, it is left behind.
    fn wait(&self, exit: &mpsc::Receiver<Exit>) -> Exit {
        let mut interrupted: Option<Instant> = None;
        loop {
            match exit.recv_timeout(LOOK) {
                Ok(exit) => return exit,
                // It sends before it ends.
                Err(RecvTimeoutError::Disconnected) => return Exit::CouldNotWork,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let Some(first) = self.interrupt.reason() else { continue };
            // Whoever is asked to end while it is over time already ends as by a signal.
            let reason = if self.interrupt.signalled() { Reason::Signal } else { first };
            let since = *interrupted.get_or_insert_with(Instant::now);
            if let Some(exit) = self.overdue(reason, since) {
                return exit;
            }
        }
    }

    /// The exit of work that took too long after `reason`.
    fn overdue(&self, reason: Reason, since: Instant) -> Option<Exit> {
        let doing = lock(&self.doing);
        if since.max(doing.since).elapsed() < doing.work.grace(reason)? {
            return None;
        }
        let (what, limit) = (one_line(&doing.what), self.limit.unwrap_or_default());
        let (exit, why) = match reason {
            Reason::Signal => (Exit::Interrupted, "interrupted".to_owned()),
            Reason::TimeLimit => (Exit::CouldNotWork, format!("the time limit of {limit:?} ran out (--timeout)")),
        };
        last_words(format!("lbdiag: {why} while {what}, which did not end by itself{}", self.left()));
        Some(exit)
    }

    /// Ends the process: somebody asked a second time.
    fn end_at_once(&self) {
        last_words(format!("lbdiag: interrupted again, so it ends without waiting for anything{}", self.left()));
        live::end_children();
        std::process::exit(Exit::Interrupted.number());
    }

    /// What may be left on hosts, and what becomes of it.
    fn left(&self) -> String {
        let hosts = lock(&self.hosts).as_ref().map(|hosts| hosts.unswept()).unwrap_or_default();
        if hosts.is_empty() {
            return "; nothing of it runs on any host".to_owned();
        }
        let names: Vec<String> = hosts.iter().map(|host| one_line(host)).collect();
        format!("; captures and commands may be left on {}, where their own watchdog ends them within 15 seconds", names.join(" "))
    }
}

/// Does one part of the end: a panic in it is its error, and the other parts still come.
pub(super) fn guarded(what: &str, part: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(part)).unwrap_or_else(|payload| Err(format!("{what}: {}", panicked::message(&*payload))))
}

/// Says a line, unless nobody takes it.
fn last_words(line: String) {
    let (told, said) = mpsc::channel();
    std::thread::spawn(move || {
        streams::say(&line);
        let _ = told.send(());
    });
    let _ = said.recv_timeout(LAST_WORDS);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interrupted(reason: Reason) -> Watch {
        let watch = Watch::new(Some(Duration::from_secs(3)));
        watch.interrupt.set(reason);
        watch
    }

    fn long_ago() -> Instant {
        Instant::now().checked_sub(Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn work_that_does_not_end_is_left_behind() {
        for (reason, exit) in [(Reason::Signal, Exit::Interrupted), (Reason::TimeLimit, Exit::CouldNotWork)] {
            let watch = interrupted(reason);
            assert_eq!(watch.overdue(reason, Instant::now()), None);
            lock(&watch.doing).since = long_ago();
            assert_eq!(watch.overdue(reason, long_ago()), Some(exit));
        }
    }

    #[test]
    fn each_work_has_its_time_from_when_it_began() {
        let watch = interrupted(Reason::TimeLimit);
        watch.doing(Work::Reporting, "writing the report");
        assert_eq!(watch.overdue(Reason::TimeLimit, long_ago()), None);
    }

    #[test]
    fn whoever_reads_what_is_printed_may_take_longer_than_the_limit() {
        let watch = interrupted(Reason::TimeLimit);
        watch.doing(Work::Printing, "printing the report");
        lock(&watch.doing).since = long_ago();
        assert_eq!(watch.overdue(Reason::TimeLimit, long_ago()), None);
        assert_eq!(watch.overdue(Reason::Signal, long_ago()), Some(Exit::Interrupted));
    }
}
