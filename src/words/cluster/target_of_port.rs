//! Where one port of a Service ends, from lists that are asked once a run.

use rhai::NativeCallContext;

use super::cluster_facts::{ask, listed, of, questions};
use crate::analysis::read::objects;
use crate::analysis::target::target;
use crate::model::endpoint::Target;
use crate::model::kubernetes::Pod;
use crate::model::service::{Service, ServicePort};
use crate::words::session::{Answer, Run};

/// The target of one port, from lists that are asked once a run, without whatever a closer look at the endpoints would add.
///
/// # Errors
/// When the run ends.
pub fn read(run: &Run, context: &NativeCallContext, service: &Service, port: &ServicePort) -> Answer<Target> {
    ask(run, &questions(run, service));
    if let Err(error) = &*listed(run, &of(service, "slices")) {
        run.failed_look(context, error, service, "which endpoints the Service has")?;
    }
    if let Err(error) = &*listed(run, &of(service, "pods")) {
        run.failed_look(context, error, service, "which pods the selector matches, and why one is not an endpoint")?;
    }
    Ok(computed(run, service, port))
}

/// The target from the lists as they are now.
#[must_use]
pub fn computed(run: &Run, service: &Service, port: &ServicePort) -> Target {
    let (slices, pods) = (listed(run, &of(service, "slices")), listed(run, &of(service, "pods")));
    let pods: Option<Vec<Pod>> = (*pods).as_ref().ok().map(|list| list.iter().map(objects::pod).collect());
    target(service, port, (*slices).as_ref().ok().map(Vec::as_slice), pods.as_deref())
}
