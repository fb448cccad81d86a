//! `api_access()`: what this user may do with the API, verb by verb.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, NativeCallContext};

use super::cluster_facts::metallb_namespace;
use crate::evidence::cluster::AccessQuery;
use crate::evidence::error::ErrorKind;
use crate::evidence::side_by_side::side_by_side;
use crate::model::check::AccessCheck;
use crate::model::subject::Subject;
use crate::words::fact::{Fact, Fields};
use crate::words::session::{Answer, Run};

use crate::words::manual::cluster::API_ACCESS as WORD;
use crate::words::manual::records;
use crate::words::word::Record;

/// A permission: verb, group, resource, subresource, in MetalLB's namespace alone or in all, needed or not, and what for.
type Wanted = (&'static str, &'static str, &'static str, &'static str, bool, bool, &'static str);

const WANTED: &[Wanted] = &[
    ("get", "", "services", "", false, true, "the Service itself"),
    ("list", "", "services", "", false, false, "finding a Service by its address, and who holds an address that one waits for"),
    ("list", "discovery.k8s.io", "endpointslices", "", false, true, "where a port ends"),
    ("list", "", "pods", "", false, true, "why a pod is not an endpoint, and its network namespace"),
    ("list", "", "nodes", "", false, true, "which nodes may announce, and how they are reached"),
    ("list", "", "events", "", false, false, "what MetalLB said of the Service"),
    ("list", "", "namespaces", "", false, false, "naming the nearest namespace when one is mistyped"),
    ("list", "networking.k8s.io", "networkpolicies", "", false, false, "whether a policy keeps requests from the pods"),
    ("get", "", "pods", "", false, false, "naming a pod to ask from, or to capture in"),
    ("list", "apps", "deployments", "", false, false, "which workload a selector misses"),
    ("list", "apps", "daemonsets", "", false, false, "which workload a selector misses"),
    ("list", "apps", "statefulsets", "", false, false, "which workload a selector misses"),
    ("list", "", "pods", "", true, true, "MetalLB's speakers"),
    ("get", "", "pods", "log", true, true, "who announces, in the speakers' own words"),
    ("get", "", "pods", "proxy", true, false, "the speakers' metrics, when their logs leave something open"),
    ("list", "apps", "deployments", "", true, false, "whether MetalLB's controller runs"),
    ("list", "apps", "daemonsets", "", true, false, "whether speakers are missing"),
    ("list", "metallb.io", "ipaddresspools", "", true, true, "which pool holds an address"),
    ("list", "metallb.io", "l2advertisements", "", true, true, "who should announce at layer 2"),
    ("list", "metallb.io", "bgpadvertisements", "", true, true, "who should announce over BGP"),
    ("list", "metallb.io", "bgppeers", "", true, false, "with which routers the speakers talk"),
    ("list", "metallb.io", "configurationstates", "", true, false, "what MetalLB says of its own configuration"),
    ("list", "metallb.io", "servicel2statuses", "", false, false, "what ServiceL2Status says"),
    ("list", "metallb.io", "servicebgpstatuses", "", false, false, "what ServiceBGPStatus says"),
];

impl Fields for AccessCheck {
    const RECORD: &'static Record = &records::place::ACCESS_CHECK;
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<AccessCheck>(engine);
    let run = Arc::clone(run);
    engine.register_fn("api_access", move |context: NativeCallContext| -> Answer<Array> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let checks = ask(&run, &context)?;
        run.state().checked = true;
        Ok(checks.into_iter().map(|check| Dynamic::from(Fact::new(check))).collect())
    });
}

fn ask(run: &Run, context: &NativeCallContext) -> Answer<Vec<AccessCheck>> {
    let namespace = metallb_namespace(run);
    let answers = side_by_side(WANTED, |(verb, group, resource, subresource, within, ..)| {
        run.evidence.cluster.may(&AccessQuery {
            verb: (*verb).to_owned(),
            group: (*group).to_owned(),
            resource: (*resource).to_owned(),
            subresource: (*subresource).to_owned(),
            namespace: within.then(|| namespace.clone()),
        })
    });
    // One review that fails says nothing of the others; the API is out of reach when none of them came.
    let silent = answers.iter().all(|answer| matches!(answer, Err(error) if error.kind == ErrorKind::ApiUnreachable));
    let mut checks = Vec::new();
    for ((verb, group, resource, subresource, within, needed, because), answer) in WANTED.iter().zip(answers) {
        if let Err(error) = &answer
            && (silent || error.kind == ErrorKind::Interrupted)
        {
            run.failed_look(context, error, Subject::Api("access".to_owned()), "what this user may do")?;
        }
        // An older recording was not asked.
        if answer.as_ref().is_err_and(|error| error.kind == ErrorKind::NotRecorded) {
            continue;
        }
        let part = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        checks.push(AccessCheck {
            what: format!("{verb} {resource}{part}{group}"),
            namespace: if *within { namespace.clone() } else { "-".to_owned() },
            allowed: answer.as_ref().ok().copied(),
            needed: *needed,
            because: (*because).to_owned(),
            error: answer.err().map(|error| error.to_string()),
        });
    }
    Ok(checks)
}
