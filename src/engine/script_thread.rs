//! The script's own thread. It owns what it works with, so that a run can leave it behind when it does not come back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rhai::{AST, Dynamic, EvalAltResult, Scope};
use serde_json::Value;

use super::came_to::CameTo;
use super::modules::Read;
use super::sandbox;
use crate::evidence::panicked;
use crate::evidence::site::Site;
use crate::language::playbook::Playbook;
use crate::words::session::Run;

/// The script's stack. 64 call levels in a debug build need 6 MiB; arrays that hold each other, as many as there may be, are copied and
/// dropped level by level.
const STACK: usize = 64 << 20;
/// How long a script that is interrupted has to come back.
const GRACE: Duration = Duration::from_millis(300);
/// The same while an answer is still to come: captures that are being ended bring theirs.
const GRACE_OF_ANSWERS: Duration = Duration::from_millis(800);
/// How often it is looked whether the run was interrupted.
const LOOK: Duration = Duration::from_millis(20);

/// How the script's thread ended.
pub(super) enum Thread {
    Returned(Result<(), Box<EvalAltResult>>),
    Panicked(String),
    NotStarted(std::io::Error),
    /// It did not come back after the interrupt.
    LeftBehind,
}

/// Runs the script, until its end or until it does not come back.
pub(super) fn run(playbook: &Playbook, run: &Arc<Run>, covered: Option<CameTo>) -> Thread {
    let (ast, modules, working) = (Arc::clone(&playbook.ast), Read(Arc::clone(&playbook.modules)), Arc::clone(run));
    let (give, result) = mpsc::channel();
    let work = move || {
        // Nobody may wait for it any more.
        let _ = give.send(evaluate(&ast, modules, &working, covered));
    };
    let thread = match std::thread::Builder::new().name("playbook".to_owned()).stack_size(STACK).spawn(work) {
        Ok(thread) => thread,
        Err(error) => return Thread::NotStarted(error),
    };
    let mut interrupted: Option<Instant> = None;
    loop {
        match result.recv_timeout(LOOK) {
            Ok(result) => return Thread::Returned(result),
            Err(RecvTimeoutError::Disconnected) => {
                let payload = thread.join().err();
                return Thread::Panicked(payload.map_or_else(String::new, |payload| panicked::message(&*payload)));
            }
            Err(RecvTimeoutError::Timeout) if run.evidence.interrupt.reason().is_some() => {
                let grace = if run.evidence.tape.waits() { GRACE_OF_ANSWERS } else { GRACE };
                if interrupted.get_or_insert_with(Instant::now).elapsed() >= grace {
                    return Thread::LeftBehind;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn evaluate(ast: &AST, modules: Read, run: &Arc<Run>, covered: Option<CameTo>) -> Result<(), Box<EvalAltResult>> {
    let mut engine = sandbox::with_words(run);
    engine.set_module_resolver(modules);
    if let Some(covered) = covered {
        covered.watch(&mut engine);
    }
    let mut scope = Scope::new();
    for (name, value) in &run.constants {
        scope.push_constant(name.as_str(), value.clone());
    }
    engine.run_ast_with_scope(&mut scope, ast)
}

/// What every script finds there: its parameters, and what the site gives.
pub(super) fn constants(params: &BTreeMap<String, Value>, site: &Site) -> BTreeMap<String, Dynamic> {
    let map = |values: rhai::Map| Dynamic::from(values);
    let params = params.iter().map(|(name, value)| (name.as_str().into(), dynamic(value))).collect();
    let data = site.data.iter().map(|(name, datum)| (name.as_str().into(), dynamic(&datum.value))).collect();
    let site = [("data".into(), map(data))].into_iter().collect();
    [("params".to_owned(), map(params)), ("site".to_owned(), map(site))].into_iter().collect()
}

fn dynamic(value: &Value) -> Dynamic {
    if value.is_null() { Dynamic::UNIT } else { rhai::serde::to_dynamic(value).unwrap_or(Dynamic::UNIT) }
}
