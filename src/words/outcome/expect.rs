//! `expect(condition, name, message, #{…})`: what has to hold; a finding when it does not, and a line of the step when it does.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::finding::paths;
use super::weight::weight;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::subject::Subject;
use crate::words::fits::in_words;
use crate::words::manual::outcome::EXPECT as WORD;
use crate::words::mistake::Mistake;
use crate::words::options::Options;
use crate::words::printed;
use crate::words::room;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("expect", move |context: NativeCallContext, condition: Dynamic, name: ImmutableString, message: ImmutableString| {
        expect(&plain, &context, &condition, &name, &message, Map::new())
    });
    let run = Arc::clone(run);
    engine.register_fn(
        "expect",
        move |context: NativeCallContext, condition: Dynamic, name: ImmutableString, message: ImmutableString, options: Map| {
            expect(&run, &context, &condition, &name, &message, options)
        },
    );
}

fn expect(run: &Run, context: &NativeCallContext, condition: &Dynamic, name: &str, message: &str, options: Map) -> Answer<Dynamic> {
    run.enter(WORD.name);
    let options = Options::read(run, context, &WORD, options)?;
    let weight = weight(run, context, name, options.one_of("severity"))?;
    let culprits = match options.given("culprit") {
        Some(culprit) => paths(context, culprit.clone())?,
        None => vec![step(run)],
    };
    let seen = options.given("seen").map(|seen| format!(" (seen: {})", printed::shown(seen))).unwrap_or_default();
    if condition.is_unit() {
        run.state().open_expectation.get_or_insert_with(|| format!("it is not known whether it holds: {}", room::text(message)));
        let subject = culprits.into_iter().next().unwrap_or(Subject::Run);
        let reason = format!("what was looked at gave nothing{seen}");
        run.gap(Gap::new(names::EVIDENCE_UNREADABLE, subject, reason, format!("whether it holds: {message}")).decisive());
        return Ok(Dynamic::UNIT);
    }
    let kind = in_words(context.engine().map_type_name(condition.type_name())).to_owned();
    let holds = condition.as_bool().map_err(|_| {
        Mistake::argument(WORD.name, &format!("expect: the condition is true, false or (), and this is {kind}")).raised(context)
    })?;
    let mut state = run.state();
    state.checked = true;
    state.expected += 1;
    if holds {
        drop(state);
        run.note(format!("holds: {message}{seen}"));
    } else {
        state.failed += 1;
        state.found(Finding {
            name: room::name(name),
            severity: weight.severity,
            culprits,
            summary: room::text(&format!("does not hold: {message}{seen}")),
            because: None,
            scope: None,
            from: Vec::new(),
            evidence: Vec::new(),
            rests_on: Vec::new(),
            next: weight.next,
        });
    }
    Ok(Dynamic::from(holds))
}

/// The step that is under way, where the playbook blames nothing else.
fn step(run: &Run) -> Subject {
    run.state().open.last().map_or(Subject::Run, |step| Subject::Step(step.title.clone()))
}
