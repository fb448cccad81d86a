//! Takes the ways of a packet through one chain of a hook and all that it leads to.
//!
//! What a chain does to a packet is found out once: whoever leads the same packet there again gets the same answer. Chains lead to
//! each other as deep as they like, on a stack of their own; only as many steps are taken as a host's rules need, and what is left out
//! beyond that is told.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::met::{MOST_PACKETS, Met, Packets, Way};
use super::{Action, Chain, Hook, Line, Ruleset, Taker, Turn, tool};
use crate::analysis::state::netfilter::{Fields, Match};

/// Ways that are followed through a chain at the same time; with more the answer is "maybe".
const MOST_WAYS: usize = 64;
/// What it costs to follow a chain for a packet, beside its rules.
const CHAIN_STEPS: usize = 4;

/// What a chain does to a packet.
#[derive(Default)]
struct Visit {
    /// The ways that come back to the caller; none while they are still followed.
    ends: Option<Vec<Way>>,
    /// The visits to other chains that it made, and the turns that it met.
    visits: Vec<usize>,
    turns: Vec<usize>,
    /// Whether the packet came here more than once.
    again: bool,
}

/// Something that a rule does with a way.
enum Job<'a> {
    Next(Way),
    Accept(Way),
    Take { sure: bool },
    Back(Way),
    Call(Call<'a>),
    Unclear(Way),
}

/// A jump of one way into another chain.
struct Call<'a> {
    chain: &'a str,
    way: Way,
    /// Whether there is no other way than this one.
    alone: bool,
    /// Whether what comes out there leaves this chain too.
    goes: bool,
}

/// A chain that is being followed.
struct Frame<'a> {
    name: &'a str,
    chain: &'a Chain,
    /// `None` for the chain of the hook itself.
    visit: Option<usize>,
    alone: bool,
    /// The rule that is asked, and what is still to be done of it.
    line: usize,
    jobs: VecDeque<Job<'a>>,
    /// Whether what the chain that was called gives leaves this one too.
    goes: bool,
    /// The ways that come to the rule, those that come to the next one, and those that leave the chain.
    here: Vec<Way>,
    next: Vec<Way>,
    back: Vec<Way>,
}

/// The walk of one packet's ways through the chains that one chain of a hook leads to.
pub(super) struct Walk<'a, 'm> {
    ruleset: &'a Ruleset,
    hook: Hook,
    /// Whether the chain of the hook translates.
    pub(super) translates: bool,
    met: &'m mut Met<'a>,
    packets: Packets,
    accepted: Vec<Way>,
    visits: Vec<Visit>,
    visit_of: HashMap<(&'a str, Way), usize>,
    stack: Vec<Frame<'a>>,
}

impl<'a, 'm> Walk<'a, 'm> {
    pub(super) fn new(ruleset: &'a Ruleset, hook: Hook, met: &'m mut Met<'a>) -> Self {
        Self {
            ruleset,
            hook,
            translates: false,
            met,
            packets: Packets::default(),
            accepted: Vec::new(),
            visits: Vec::new(),
            visit_of: HashMap::new(),
            stack: Vec::new(),
        }
    }

    /// Takes the ways through a chain of the hook; gives those that come out. `beside` are those that do not come by it.
    pub(super) fn pass(mut self, name: &'a str, chain: &'a Chain, through: Vec<Fields>, beside: Vec<Fields>) -> Vec<Fields> {
        self.translates = chain.translates;
        let alone = beside.is_empty();
        self.accepted = self.numbers(beside);
        let through = self.numbers(through);
        if through.is_empty() || !self.met.may(CHAIN_STEPS) {
            for way in through {
                self.accept(way);
            }
            return self.ends();
        }
        let ends = self.follow(name, chain, through, alone);
        match &chain.refuses {
            Some((path, text, packets)) if !ends.is_empty() => {
                self.take((name, usize::MAX), true, || (path.clone(), text.clone(), *packets));
            }
            _ => ends.into_iter().for_each(|way| self.accept(way)),
        }
        self.ends()
    }

    /// The packets that the hook lets pass.
    fn ends(&self) -> Vec<Fields> {
        self.accepted.iter().map(|way| Fields::clone(&self.packets.get(*way))).collect()
    }

    fn numbers(&mut self, packets: Vec<Fields>) -> Vec<Way> {
        packets.into_iter().filter_map(|packet| self.number(packet)).collect()
    }

    fn number(&mut self, packet: Fields) -> Option<Way> {
        let number = self.packets.number(packet);
        if number.is_none() {
            self.met.leave_open(|| format!("not every way was followed: the rules make more than {MOST_PACKETS} different packets of one"));
        }
        number
    }

    fn follow(&mut self, name: &'a str, chain: &'a Chain, ways: Vec<Way>, alone: bool) -> Vec<Way> {
        self.stack.push(Frame::new(name, chain, None, ways, alone));
        while let Some(mut frame) = self.stack.pop() {
            if let Some(call) = self.proceed(&mut frame) {
                self.stack.push(frame);
                self.call(&call);
                continue;
            }
            let ends = self.leave(frame);
            if self.stack.is_empty() {
                return ends;
            }
            self.give(&ends);
        }
        Vec::new()
    }

    /// Goes on in a chain up to its end or to the next jump, which it gives.
    fn proceed(&mut self, frame: &mut Frame<'a>) -> Option<Call<'a>> {
        loop {
            while let Some(job) = frame.jobs.pop_front() {
                match job {
                    Job::Next(way) => self.add(&mut frame.next, way),
                    Job::Back(way) => self.add(&mut frame.back, way),
                    Job::Accept(way) => self.accept(way),
                    Job::Take { sure } => self.take_by_rule(frame, sure),
                    Job::Call(call) => {
                        frame.goes = call.goes;
                        return Some(call);
                    }
                    Job::Unclear(way) => {
                        self.take_by_rule(frame, false);
                        self.accept(way);
                        self.add(&mut frame.next, way);
                    }
                }
            }
            if frame.asks() {
                frame.here = std::mem::take(&mut frame.next);
            }
            frame.line = frame.line.wrapping_add(1);
            if !self.ask(frame) {
                return None;
            }
        }
    }

    /// Asks the next rule of a chain what it does with the ways that come to it. False at the chain's end.
    fn ask(&mut self, frame: &mut Frame<'a>) -> bool {
        let Some(line) = frame.chain.rules.get(frame.line).filter(|_| !frame.here.is_empty()) else { return false };
        if !self.met.may(line.weight(frame.name, self.ruleset).saturating_mul(frame.here.len())) {
            return false;
        }
        let alone = frame.alone && frame.back.is_empty() && self.accepted.is_empty();
        let decided: Vec<(Way, Rc<Fields>, Match, Vec<Action>)> = frame
            .here
            .iter()
            .map(|way| {
                let packet = self.packets.get(*way);
                let (matched, actions) = line.decide(&packet, frame.name, self.ruleset);
                (*way, packet, matched, actions)
            })
            .collect();
        self.note(frame, line, &decided, alone);
        let only = alone && decided.len() == 1;
        for (way, _, matched, actions) in decided {
            if matched != Match::Yes {
                frame.jobs.push_back(Job::Next(way));
            }
            let sure = matched == Match::Yes && actions.len() == 1;
            for action in actions.into_iter().filter(|_| matched != Match::No) {
                frame.jobs.extend(self.job(way, action, sure, only));
            }
        }
        true
    }

    fn job(&mut self, way: Way, action: Action, sure: bool, only: bool) -> Option<Job<'a>> {
        let call = |chain: &str, goes: bool| {
            let (chain, _) = self.ruleset.chains.get_key_value(chain)?;
            Some(Job::Call(Call { chain, way, alone: only && sure, goes }))
        };
        match action {
            Action::Next(packet) => self.number(packet).map(Job::Next),
            Action::Accept(packet) => self.number(packet).map(Job::Accept),
            Action::Take => Some(Job::Take { sure }),
            Action::Return => Some(Job::Back(way)),
            Action::Jump(to) => Some(call(&to, false).unwrap_or(Job::Unclear(way))),
            Action::Goto(to) => Some(call(&to, true).unwrap_or(Job::Unclear(way))),
            Action::Unclear => Some(Job::Unclear(way)),
        }
    }

    /// Follows a way into another chain, or gives what is known of that already.
    fn call(&mut self, call: &Call<'a>) {
        let key = (call.chain, call.way);
        let (visit, known) = match self.visit_of.get(&key) {
            Some(visit) => (*visit, true),
            None => (self.visits.len(), false),
        };
        if known {
            if let Some(ends) = self.visits[visit].ends.clone() {
                self.visited_by(visit);
                self.came_again(visit);
                self.give(&ends);
            } else {
                self.met.leave_open(|| format!("chain {} leads a packet back to itself, which no kernel takes", call.chain));
                self.give(&[call.way]);
            }
            return;
        }
        let chain = self.ruleset.chains.get(call.chain).filter(|_| self.met.may(CHAIN_STEPS));
        let Some(chain) = chain else { return self.give(&[call.way]) };
        self.visited_by(visit);
        self.visits.push(Visit::default());
        self.visit_of.insert(key, visit);
        self.stack.push(Frame::new(call.chain, chain, Some(visit), vec![call.way], call.alone));
    }

    /// Notes at the caller that it led there.
    fn visited_by(&mut self, visit: usize) {
        if let Some(caller) = self.stack.last().and_then(|frame| frame.visit) {
            self.visits[caller].visits.push(visit);
        }
    }

    /// A packet that comes to a chain again comes to all of its turns again.
    fn came_again(&mut self, visit: usize) {
        let mut todo = vec![visit];
        while let Some(visit) = todo.pop() {
            let visit = &mut self.visits[visit];
            if !std::mem::replace(&mut visit.again, true) {
                visit.turns.iter().for_each(|turn| self.met.turns[*turn].certain = false);
                todo.extend(&visit.visits);
            }
        }
    }

    /// Gives the caller on top of the stack what came out of the chain that it called.
    fn give(&mut self, ends: &[Way]) {
        let Some(mut caller) = self.stack.pop() else { return };
        for way in ends {
            let goes = caller.goes;
            self.add(if goes { &mut caller.back } else { &mut caller.next }, *way);
        }
        self.stack.push(caller);
    }

    /// What comes out at a chain's end, or where it is not followed any further.
    fn leave(&mut self, frame: Frame<'a>) -> Vec<Way> {
        let mut ends = frame.here;
        for way in frame.next.into_iter().chain(frame.back) {
            self.add(&mut ends, way);
        }
        if let Some(visit) = frame.visit {
            self.visits[visit].ends = Some(ends.clone());
        }
        ends
    }

    fn add(&mut self, ways: &mut Vec<Way>, way: Way) {
        if ways.contains(&way) {
            return;
        }
        if ways.len() == MOST_WAYS {
            self.met.leave_open(|| format!("not every way was followed: a packet has more than {MOST_WAYS} through one chain"));
        } else {
            ways.push(way);
        }
    }

    fn accept(&mut self, way: Way) {
        let mut ways = std::mem::take(&mut self.accepted);
        self.add(&mut ways, way);
        self.accepted = ways;
    }

    fn take_by_rule(&mut self, frame: &Frame<'a>, sure: bool) {
        if let Some(line) = frame.chain.rules.get(frame.line) {
            self.take((frame.name, frame.line), sure, || (line.path(), line.text(), line.packets()));
        }
    }

    /// A rule, or the policy behind the last one, takes the packet or may. `told` gives its path, its text and what it counted.
    fn take(&mut self, (chain, line): (&'a str, usize), sure: bool, told: impl FnOnce() -> (String, String, Option<u64>)) {
        let next = self.met.takers.len();
        let at = *self.met.taker_of.entry((self.hook, chain, line)).or_insert(next);
        if let Some(known) = self.met.takers.get_mut(at) {
            known.sure |= sure;
            return;
        }
        let (path, text, packets) = told();
        self.met.takers.push(Taker { path, tool: tool(chain), text, packets, hook: self.hook, sure });
    }

    /// Notes what a rule does with the ways that come to it. `alone` when there are no others.
    fn note(&mut self, frame: &Frame<'a>, line: &Line, decided: &[(Way, Rc<Fields>, Match, Vec<Action>)], alone: bool) {
        let ways = decided.iter().map(|(_, packet, matched, actions)| (&**packet, *matched, actions.as_slice()));
        let Some(turn) = Turn::of(line, &ways, (self.hook, self.translates), frame.visit.is_none(), alone, frame.name) else { return };
        let next = self.met.turns.len();
        let at = *self.met.turn_of.entry((self.hook, frame.name, frame.line)).or_insert(next);
        match self.met.turns.get_mut(at) {
            // Where the ways of a packet come to it one after another, it is not one that all of them take together.
            Some(known) => known.certain = false,
            None => self.met.turns.push(turn),
        }
        if let Some(visit) = frame.visit {
            self.visits[visit].turns.push(at);
        }
    }
}

impl<'a> Frame<'a> {
    fn new(name: &'a str, chain: &'a Chain, visit: Option<usize>, here: Vec<Way>, alone: bool) -> Self {
        // Before the first rule, which is asked next.
        let line = usize::MAX;
        Self { name, chain, visit, alone, line, jobs: VecDeque::new(), goes: false, here, next: Vec::new(), back: Vec::new() }
    }

    /// Whether a rule was asked, so that its jobs have led to the next one.
    fn asks(&self) -> bool {
        self.line != usize::MAX
    }
}
