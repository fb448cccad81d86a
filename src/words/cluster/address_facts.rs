//! What has to be known of the cluster only when a Service has no address, or not the one it asks for, or when MetalLB's
//! configuration looks wrong: the other Services, the namespace's labels, the controller's log.

use rhai::NativeCallContext;

use super::cluster_facts::{ask, every_service, listed};
use crate::analysis::allocation::class::controller_serves;
use crate::analysis::allocation::wish::unmet;
use crate::analysis::configuration;
use crate::analysis::configuration_log::ControllerFold;
use crate::analysis::judge::another_giver_suspected;
use crate::analysis::read::{map, metallb as read_metallb, objects, text};
use crate::evidence::cluster::{Keep, Kind, ListQuery, LogQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::catalogue::names;
use crate::model::metallb::Metallb;
use crate::model::service::Service;
use crate::model::subject::Subject;
use crate::model::version::version;
use crate::words::session::{Answer, Run};

/// Asks what the state of the Service's address calls for, and adds it.
///
/// # Errors
/// When the run ends.
pub fn add(run: &Run, context: &NativeCallContext, service: &Service, metallb: &mut Metallb) -> Answer<()> {
    // Events outlive their object: those of a Service of the same name that was there before say nothing of this one.
    if let Some(events) = metallb.events.as_mut().filter(|_| !service.uid.is_empty()) {
        events.retain(|event| event.object_uid.is_empty() || event.object_uid == service.uid);
    }
    metallb.asked_at = run.evidence.clock.started();
    match &*listed(run, "services") {
        Ok(list) => metallb.claims = list.iter().flat_map(objects::claims).filter(|claim| claim.service != service.path()).collect(),
        Err(error) => unread(
            run,
            context,
            error,
            Subject::Api("services".to_owned()),
            "whether another Service lists the address in its externalIPs",
        )?,
    }
    if service.kind != "LoadBalancer" {
        return Ok(());
    }
    states(run, context, metallb)?;
    let pending = service.addresses.is_empty() && controller_serves(metallb, service) != Some(false);
    let wanting = pending || unmet(service, metallb).is_some();
    let foreign = another_giver_suspected(service, metallb);
    let mut questions = Vec::new();
    if wanting {
        questions.push(every_service());
        if metallb.version.as_deref().is_some_and(|text| version(text) < (0, 14, 0)) {
            // The AddressPools of before, which 0.13 still reads.
            questions.push(("addresspools".to_owned(), ListQuery::within(Kind::metallb("addresspools"), &metallb.namespace)));
        }
    }
    if metallb.pools.as_ref().is_some_and(Vec::is_empty) {
        questions.push(("every-pool".to_owned(), ListQuery::everywhere(Kind::metallb("ipaddresspools"))));
    }
    if foreign {
        questions.push(("every-daemonset".to_owned(), ListQuery::everywhere(Kind::of("apps", "v1", "daemonsets"))));
    }
    ask(run, &questions);
    if wanting {
        old_pools(run, context, metallb)?;
        holders(run, context, service, metallb)?;
        namespace_labels(run, context, service, metallb)?;
    }
    if let Ok(list) = &*listed(run, "every-pool") {
        metallb.strayed_pools =
            list.iter().map(|value| format!("{}/{}", text(value, "/metadata/namespace"), text(value, "/metadata/name"))).collect();
    }
    if foreign && let Ok(list) = &*listed(run, "every-daemonset") {
        metallb.daemon_sets = Some(list.iter().map(|value| objects::workload("DaemonSet", value)).collect());
    }
    let refused = !configuration::refused(metallb).is_empty() || metallb.configuration.iter().any(|word| word.refused.is_some());
    if wanting || foreign || refused {
        controller_log(run, context, service, metallb)?;
    }
    if metallb.configuration.iter().filter_map(|word| word.refused.as_ref()).any(|refused| refused.contains("peer ")) {
        ask(run, &[("bgppeers".to_owned(), ListQuery::within(Kind::of("metallb.io", "v1beta2", "bgppeers"), &metallb.namespace))]);
        if let Ok(list) = &*listed(run, "bgppeers") {
            metallb.peers = Some(list.iter().map(read_metallb::peer).collect());
        }
    }
    Ok(())
}

/// The `ConfigurationState` objects (from 0.15.3; before, there are none).
fn states(run: &Run, context: &NativeCallContext, metallb: &mut Metallb) -> Answer<()> {
    match &*listed(run, "configurationstates") {
        Ok(list) => metallb.configuration.extend(list.iter().filter_map(read_metallb::configuration_state)),
        Err(error) => {
            unread(run, context, error, Subject::Api("configurationstates".to_owned()), "what MetalLB's parts say of the configuration")?;
        }
    }
    Ok(())
}

fn old_pools(run: &Run, context: &NativeCallContext, metallb: &mut Metallb) -> Answer<()> {
    match &*listed(run, "addresspools") {
        Ok(list) => {
            if let Some(pools) = metallb.pools.as_mut() {
                pools.extend(list.iter().map(read_metallb::pool));
            }
        }
        Err(error) => unread(run, context, error, Subject::Api("addresspools".to_owned()), "which pools of the old kind there are")?,
    }
    Ok(())
}

/// The other Services that hold addresses of MetalLB's.
fn holders(run: &Run, context: &NativeCallContext, service: &Service, metallb: &mut Metallb) -> Answer<()> {
    match &*listed(run, "services") {
        Ok(list) => {
            let holders = list
                .iter()
                .map(objects::service)
                .filter(|other| other.kind == "LoadBalancer" && !other.addresses.is_empty() && other.path() != service.path())
                .filter(|other| controller_serves(metallb, other) != Some(false))
                .collect();
            metallb.holders = Some(holders);
        }
        Err(error) => unread(run, context, error, Subject::Api("services".to_owned()), "which addresses the other Services hold")?,
    }
    Ok(())
}

/// The labels of the Service's namespace, where a pool that does not name it selects namespaces by labels.
fn namespace_labels(run: &Run, context: &NativeCallContext, service: &Service, metallb: &mut Metallb) -> Answer<()> {
    let needed =
        metallb.pools.iter().flatten().any(|pool| !pool.namespace_selectors.is_empty() && !pool.namespaces.contains(&service.namespace));
    if !needed {
        return Ok(());
    }
    let query = ObjectQuery { kind: Kind::core("namespaces"), namespace: None, name: service.namespace.clone() };
    match run.evidence.cluster.get(&query) {
        Ok(found) => metallb.namespace_labels = found.map(|value| map(&value, "/metadata/labels")),
        Err(error) => {
            let subject = Subject::Namespace(service.namespace.clone());
            unread(run, context, &error, subject, "whether the pools' namespaceSelectors select it")?;
        }
    }
    Ok(())
}

/// The controller's log, folded for the Service as it is read.
fn controller_log(run: &Run, context: &NativeCallContext, service: &Service, metallb: &mut Metallb) -> Answer<()> {
    let Some(pod) = metallb.controllers.iter().filter(|pod| pod.node.is_some()).min_by_key(|pod| (pod.terminating, !pod.ready)) else {
        return Ok(());
    };
    let container = pod
        .containers
        .iter()
        .find(|container| container.name.contains("controller"))
        .or_else(|| pod.containers.iter().find(|container| container.image.contains("controller")))
        .or_else(|| pod.containers.first());
    let container = container.map(|container| container.name.clone()).unwrap_or_default();
    let query = LogQuery { namespace: pod.namespace.clone(), pod: pod.name.clone(), container, previous: false };
    let mut fold = ControllerFold::new(&pod.name, service);
    let read = run.evidence.cluster.read_log(&query, &mut |line| if fold.line(line) { Keep::Yes } else { Keep::No });
    let subject = Subject::pod(&pod.namespace, &pod.name);
    match read {
        Ok(()) => {
            let (word, log) = fold.finish();
            metallb.configuration.extend(word);
            metallb.controller_log = Some(log);
            Ok(())
        }
        Err(error) if ends_the_run(&error) => run.failed_look(context, &error, subject, ""),
        Err(error) if error.kind == ErrorKind::NotRecorded => Ok(()),
        Err(error) => {
            let undecided = "what MetalLB's controller says of this Service and of the configuration";
            run.gap(error.gap_named(names::EVIDENCE_LOG_UNREADABLE, subject, undecided));
            Ok(())
        }
    }
}

fn ends_the_run(error: &EvidenceError) -> bool {
    matches!(error.kind, ErrorKind::Interrupted | ErrorKind::ApiUnreachable)
}

/// What could not be read is a gap; what the cluster does not know does not exist, and an older recording was not asked.
fn unread(run: &Run, context: &NativeCallContext, error: &EvidenceError, subject: impl Into<Subject>, undecided: &str) -> Answer<()> {
    if matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotRecorded) {
        return Ok(());
    }
    run.failed_look(context, error, subject, undecided)
}
