//! A recorded world that is changed while it is asked.

use std::sync::{Arc, Mutex, PoisonError};

use lbdiag::evidence::Evidence;
use lbdiag::evidence::capture::{Captures, News, OpenCapture};
use lbdiag::evidence::clocks::Clocks;
use lbdiag::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use lbdiag::evidence::error::{ErrorKind, EvidenceError};
use lbdiag::evidence::host::{Command, Hosts, Output};
use lbdiag::model::capture::{Capture, CaptureRequest};
use lbdiag::model::clock::ClockOffset;
use lbdiag::model::place::Host;
use serde_json::Value;

type Answer<T> = Result<T, EvidenceError>;

type ChangeList = dyn Fn(&ListQuery, Answer<List>) -> Answer<List> + Send + Sync;
type ChangeLog = dyn Fn(&LogQuery, Vec<String>) -> Answer<Vec<String>> + Send + Sync;
type ChangeOutput = dyn Fn(&Host, &Command, Answer<Output>) -> Answer<Output> + Send + Sync;
type RefuseCapture = dyn Fn(&CaptureRequest, usize) -> Option<EvidenceError> + Send + Sync;
type ChangeCapture = dyn Fn(&mut Capture) + Send + Sync;
type RefuseClock = dyn Fn(&Host) -> Option<EvidenceError> + Send + Sync;

/// What of a world's answers is another one. What a change does not name stays as it is.
#[derive(Default)]
pub(super) struct Change {
    pub title: String,
    /// Words of which one stands in the gaps, or in the evidence of the whole run, when a removal matters.
    pub about: Vec<String>,
    pub list: Option<Box<ChangeList>>,
    pub log: Option<Box<ChangeLog>>,
    pub run: Option<Box<ChangeOutput>>,
    /// Why a capture does not begin.
    pub refuse: Option<Box<RefuseCapture>>,
    pub capture: Option<Box<ChangeCapture>>,
    pub clock: Option<Box<RefuseClock>>,
}

/// What was asked of a world: in a changed one other questions come up, and are answered by what was asked at the same place.
#[derive(Default)]
pub(super) struct Asked {
    pub runs: Vec<(Host, Command)>,
    pub captures: Vec<CaptureRequest>,
    pub logs: Vec<LogQuery>,
    pub lists: Vec<ListQuery>,
}

pub(super) struct Changed {
    inner: Evidence,
    change: Arc<Change>,
    known: Arc<Asked>,
    asked: Mutex<Asked>,
}

/// The world with that change; `asked` tells afterwards what was asked.
pub(super) fn changed(inner: Evidence, change: Arc<Change>, known: Arc<Asked>) -> (Evidence, Arc<Changed>) {
    let shared = Arc::new(Changed { inner: inner.clone(), change, known, asked: Mutex::default() });
    let evidence = Evidence {
        cluster: Arc::<Changed>::clone(&shared),
        hosts: Arc::<Changed>::clone(&shared),
        captures: Arc::<Changed>::clone(&shared),
        clocks: Arc::<Changed>::clone(&shared),
        ..inner
    };
    (evidence, shared)
}

impl Changed {
    pub(super) fn asked(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, note: impl FnOnce(&mut Asked)) {
        note(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was asked at the same place with other questions.
    fn near(&self, host: &Host, command: &Command) -> Option<&Command> {
        let place = |command: &Command| command.args.iter().take(3).cloned().collect::<Vec<_>>();
        let same = |known: &Command| known.script == command.script && place(known) == place(command);
        self.known.runs.iter().find(|(at, known)| at.name == host.name && same(known)).map(|(_, command)| command)
    }

    fn near_capture(&self, request: &CaptureRequest) -> Option<&CaptureRequest> {
        let same = |known: &&CaptureRequest| known.place == request.place && (known.interface == "any") == (request.interface == "any");
        self.known.captures.iter().find(same)
    }
}

impl Cluster for Changed {
    fn get(&self, query: &ObjectQuery) -> Answer<Option<Value>> {
        self.inner.cluster.get(query)
    }

    fn list(&self, query: &ListQuery) -> Answer<List> {
        self.note(|asked| asked.lists.push(query.clone()));
        let answer = self.inner.cluster.list(query);
        match &self.change.list {
            Some(change) => change(query, answer),
            None => answer,
        }
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Answer<()> {
        self.note(|asked| asked.logs.push(query.clone()));
        let Some(change) = &self.change.log else { return self.inner.cluster.read_log(query, line) };
        let mut lines = Vec::new();
        let end = self.inner.cluster.read_log(query, &mut |text| {
            lines.push(text.to_owned());
            Keep::Yes
        });
        for text in change(query, lines)? {
            line(&text);
        }
        end
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Answer<()> {
        self.inner.cluster.read_metrics(query, line)
    }

    fn may(&self, query: &AccessQuery) -> Answer<bool> {
        self.inner.cluster.may(query)
    }
}

impl Hosts for Changed {
    fn warm(&self, hosts: &[Host]) {
        self.inner.hosts.warm(hosts);
    }

    fn run(&self, host: &Host, command: &Command) -> Answer<Output> {
        self.note(|asked| asked.runs.push((host.clone(), command.clone())));
        let answer = match self.inner.hosts.run(host, command) {
            Err(error) if error.kind == ErrorKind::NotRecorded => match self.near(host, command) {
                Some(near) => self.inner.hosts.run(host, near),
                None => Err(error),
            },
            answer => answer,
        };
        match &self.change.run {
            Some(change) => change(host, command, answer),
            None => answer,
        }
    }

    fn sweep(&self) -> Vec<(String, Answer<()>)> {
        self.inner.hosts.sweep()
    }
}

impl Captures for Changed {
    fn open(&self, request: &CaptureRequest) -> Answer<Box<dyn OpenCapture>> {
        let mut before = 0;
        self.note(|asked| {
            before = asked.captures.iter().filter(|known| known.place == request.place && known.interface == request.interface).count();
            asked.captures.push(request.clone());
        });
        if let Some(error) = self.change.refuse.as_ref().and_then(|refuse| refuse(request, before)) {
            return Err(error);
        }
        let inner = match self.inner.captures.open(request) {
            Err(error) if error.kind == ErrorKind::NotRecorded => match self.near_capture(request) {
                Some(near) => self.inner.captures.open(near)?,
                None => return Err(error),
            },
            answer => answer?,
        };
        Ok(Box::new(Open { inner, change: Arc::clone(&self.change) }))
    }
}

struct Open {
    inner: Box<dyn OpenCapture>,
    change: Arc<Change>,
}

impl OpenCapture for Open {
    fn wait_listening(&mut self) -> Answer<String> {
        self.inner.wait_listening()
    }

    fn news(&mut self) -> News {
        self.inner.news()
    }

    fn stop(self: Box<Self>) -> Answer<Capture> {
        let mut capture = self.inner.stop()?;
        if let Some(change) = &self.change.capture {
            change(&mut capture);
        }
        Ok(capture)
    }
}

impl Clocks for Changed {
    fn begin(&self, host: &Host) {
        self.inner.clocks.begin(host);
    }

    fn offset(&self, host: &Host) -> Answer<ClockOffset> {
        match self.change.clock.as_ref().and_then(|refuse| refuse(host)) {
            Some(error) => Err(error),
            None => self.inner.clocks.offset(host),
        }
    }
}
