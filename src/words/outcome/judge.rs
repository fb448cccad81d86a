//! `judge(service, announcer, target, flow, closer)`: the verdict, from evidence.

use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, NativeCallContext};
use serde_json::{Value, json};

use crate::analysis::advice::advise;
use crate::analysis::clock_skew;
use crate::analysis::closer::needless;
use crate::analysis::judge::{judge, judge_without};
use crate::analysis::observed::observed;
use crate::analysis::remedy::remedies;
use crate::analysis::state::closer::Closer;
use crate::model::finding::{Finding, Severity};
use crate::model::service::Service;
use crate::words::case::{Facts, Given};
use crate::words::cluster::find_announcer;
use crate::words::fact::{Fact, Fields, whole};
use crate::words::flow::question::step;
use crate::words::flow::reads_suffice::suffice;
use crate::words::manual::outcome::JUDGE as WORD;
use crate::words::manual::records;
use crate::words::node::look_closer::look_or_compare;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};
use crate::words::word::Record;

impl Fields for Closer {
    const RECORD: &'static Record = &records::flow::CLOSER;

    fn field(&self, name: &str) -> Option<Value> {
        (name == "again").then(|| whole(&self.again))
    }

    fn shown(&self) -> Result<Value, serde_json::Error> {
        let Self { states, again, policies, policies_read: _, calicos: _, next_hops: _ } = self;
        Ok(json!({"states": states, "again": again.shown()?, "policies": policies}))
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Closer>(engine);
    let four = Arc::clone(run);
    engine.register_fn(
        "judge",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic| {
            look_and_weigh(&four, &context, &service, announcer, target, flow, Map::new())
        },
    );
    let run = Arc::clone(run);
    engine.register_fn(
        "judge",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic, closer: Dynamic| {
            match closer.try_cast_result::<Map>() {
                Ok(options) => look_and_weigh(&run, &context, &service, announcer, target, flow, options),
                // Whoever hands it over has looked as it likes.
                Err(closer) => weigh(&run, &context, &service, Given { announcer, target, flow, closer }),
            }
        },
    );
}

/// Reads what was deferred and looks closer where the verdict needs it, and weighs.
fn look_and_weigh(
    run: &Run,
    context: &NativeCallContext,
    service: &Fact<Service>,
    mut announcer: Dynamic,
    target: Dynamic,
    flow: Dynamic,
    options: Map,
) -> Answer<()> {
    let options = Options::read(run, context, &WORD, options)?;
    let told = |name: &str| options.flag(name).unwrap_or(true);
    let given =
        |announcer: &Dynamic| Given { announcer: announcer.clone(), target: target.clone(), flow: flow.clone(), closer: Dynamic::UNIT };
    if told("read_deferred") && !suffice(&Facts::gathered(run, context, service, given(&announcer))?.case()) {
        announcer = step(run, "Ask what was spared", || find_announcer::all_of(run, context, &service.0).map(Dynamic::from))?;
    }
    let mut closer = Dynamic::UNIT;
    if told("look_closer") && !flow.is_unit() && run.uses.contains("node.read") {
        // What is only assumed of hosts says nothing of what they would say.
        let needless =
            if run.evidence.hosts.assumes() { None } else { needless(&Facts::gathered(run, context, service, given(&announcer))?.case()) };
        closer = step(run, "Look closer where it is needed", || match needless {
            Some(why) => {
                run.fact(format!("not looked closer: {why}"));
                Ok(Dynamic::UNIT)
            }
            None => look_or_compare(run, context, service, announcer.clone(), target.clone(), flow.clone()),
        })?;
    }
    if let Some(client) = options.given("client") {
        context.call_native_fn::<()>("client_side", (service.clone(), announcer.clone(), client.clone()))?;
    }
    weigh(run, context, service, Given { announcer, target, flow, closer })
}

fn weigh(run: &Run, context: &NativeCallContext, service: &Fact<Service>, given: Given) -> Answer<()> {
    run.enter(WORD.name);
    let facts = Facts::gathered(run, context, service, given)?;
    let case = facts.case();
    let mut judgement = match &run.judged_without {
        Some(proof) => judge_without(&case, proof),
        None => judge(&case),
    };
    let seen = observed(&case, &judgement.witnesses);
    let remedies = remedies(&case, &judgement.findings);
    advise(&case, &mut judgement.findings);
    let clocks = run.state().clocks.clone();
    let skewed =
        case.announcement.zip(case.address()).map(|(announcement, address)| clock_skew::gaps(address, &announcement.logs, &clocks));
    let mut state = run.state();
    // What an earlier word proved is the answer, where the judgement itself proves nothing.
    let failing = |findings: &[Finding]| findings.iter().find(|finding| finding.severity == Severity::Fail).cloned();
    let earlier = failing(&state.findings).filter(|_| failing(&judgement.findings).is_none());
    let summary = earlier.map_or(judgement.summary, |finding| format!("{}: {}", service.0.path(), finding.summary));
    for finding in judgement.findings {
        state.found(finding);
    }
    state.considered = judgement.considered;
    state.witnesses = judgement.witnesses;
    state.observed = seen;
    state.remedies = remedies;
    state.gaps = judgement.gaps;
    for gap in skewed.unwrap_or_default() {
        state.gap(gap);
    }
    state.judged = Some(summary);
    state.found_by_then = state.findings.len();
    Ok(())
}
