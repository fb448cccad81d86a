//! What closures that run side by side tell: each on a state of its own, which are put together in the order of the closures.

use std::sync::atomic::Ordering;

use super::session::{OpenStep, Run, State};
use crate::evidence::side_by_side::lock;

impl State {
    /// The state of one of several closures that run side by side: what was read so far is known to it, and nothing is told yet. What has a
    /// bound is shared.
    #[must_use]
    pub fn apart(&self, index: usize, of: usize, second: u64) -> Self {
        let within = self.open.last().map(|step| OpenStep { title: step.title.clone(), started_ms: step.started_ms, around: Vec::new() });
        Self {
            open: within.into_iter().collect(),
            room: self.room.clone(),
            source_ports: self.source_ports.apart(index, of, second),
            clocks: self.clocks.clone(),
            in_hook: self.in_hook,
            around: self.around,
            nodes: self.nodes.clone(),
            all_nodes: self.all_nodes.clone(),
            metallb_pods: self.metallb_pods.clone(),
            metallb_sought: self.metallb_sought.clone(),
            asking_pods: self.asking_pods.clone(),
            metallb_namespace: self.metallb_namespace.clone(),
            logs: self.logs.clone(),
            earlier_logs: self.earlier_logs.clone(),
            metrics: self.metrics.clone(),
            router: self.router.clone(),
            lists: self.lists.clone(),
            parts: self.parts.clone(),
            ..Self::default()
        }
    }

    /// Takes in what such a closure told, behind what there is, and what it read.
    pub fn absorb(&mut self, other: Self, now_ms: u64) {
        if !other.steps.is_empty() {
            self.close_notes(now_ms);
        }
        if other.judged.is_some() {
            self.found_by_then = self.findings.len() + other.found_by_then;
            (self.judged, self.observed, self.remedies) = (other.judged, other.observed, other.remedies);
            self.considered.extend(other.considered);
            self.witnesses.extend(other.witnesses);
        }
        self.steps.extend(other.steps);
        self.facts.extend(other.facts);
        self.notes.extend(other.notes);
        self.findings.extend(other.findings);
        let new: Vec<_> = other.gaps.into_iter().filter(|gap| !self.gaps.contains(gap)).collect();
        self.gaps.extend(new);
        self.tables.extend(other.tables);
        self.attachments.extend(other.attachments);
        self.captures.extend(other.captures);
        self.clocks.0.extend(other.clocks.0);
        self.source_ports.follow(&other.source_ports);
        self.checked |= other.checked;
        self.expected += other.expected;
        self.failed += other.failed;
        if self.stop.is_none() {
            (self.stop, self.stopped_at) = (other.stop, other.stopped_at);
        }
        self.open_expectation = self.open_expectation.take().or(other.open_expectation);
        self.old_names.extend(other.old_names);
        self.nodes.extend(other.nodes);
        self.all_nodes = self.all_nodes.take().or(other.all_nodes);
        self.metallb_pods = self.metallb_pods.take().or(other.metallb_pods);
        self.metallb_sought = self.metallb_sought.take().or(other.metallb_sought);
        self.asking_pods.extend(other.asking_pods);
        self.metallb_namespace = self.metallb_namespace.take().or(other.metallb_namespace);
        self.logs = self.logs.take().or(other.logs);
        self.earlier_logs = self.earlier_logs.take().or(other.earlier_logs);
        self.metrics = self.metrics.take().or(other.metrics);
        self.router = self.router.take().or(other.router);
        self.lists.extend(other.lists);
        self.parts.extend(other.parts);
    }
}

impl Run {
    /// Closures are about to run beside each other: how many did before. `None` when there would be more of them than so many.
    #[must_use]
    pub fn begin_lanes(&self, count: usize, most: usize) -> Option<usize> {
        let before = self.lanes.fetch_add(count, Ordering::Relaxed);
        (before + count <= most).then_some(before)
    }

    /// What a closure tells from now on, which runs in that slot.
    pub fn in_slot(&self, slot: usize, state: State) {
        *lock(&self.states[slot]) = state;
    }

    /// What it told.
    #[must_use]
    pub fn out_of_slot(&self, slot: usize) -> State {
        std::mem::take(&mut *lock(&self.states[slot]))
    }
}
