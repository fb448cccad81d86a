//! `services()`: the load-balanced Services of the cluster.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, NativeCallContext};

use super::service::{all_services, empty_of};
use crate::words::fact::Fact;
use crate::words::manual::cluster::SERVICES as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("services", move |context: NativeCallContext, namespace: Dynamic| -> Answer<Array> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let namespace = namespace.into_immutable_string().ok();
        let (mut services, _) = all_services(&run, &context, namespace.as_deref())?;
        if services.is_empty() {
            empty_of(&run, &context, namespace.as_deref())?;
        }
        services.retain(|service| service.kind == "LoadBalancer");
        services.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        run.state().checked = true;
        Ok(services.into_iter().map(|service| Dynamic::from(Fact::new(service))).collect())
    });
}
