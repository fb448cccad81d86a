//! Which load balancer class MetalLB's parts serve, from their arguments.
//!
//! Source: `filterByLoadBalancerClass`. With `--lb-class` a part handles only Services of that class; without it, only Services
//! without a class. It passes over all others in silence.

use crate::model::kubernetes::Pod;
use crate::model::metallb::Metallb;
use crate::model::service::Service;

/// A class, or none.
pub type Class = Option<String>;

/// The classes that the running parts were started with, each once; empty when none of them was seen.
#[must_use]
pub fn classes(pods: &[Pod]) -> Vec<Class> {
    let mut classes: Vec<Class> = pods.iter().filter(|pod| !pod.terminating && !pod.containers.is_empty()).map(class_of).collect();
    classes.sort();
    classes.dedup();
    classes
}

/// Whether MetalLB's controller handles the Service; `None` when no controller was seen.
#[must_use]
pub fn controller_serves(metallb: &Metallb, service: &Service) -> Option<bool> {
    serves(&metallb.controllers, service)
}

/// Whether MetalLB's speakers handle the Service; `None` when none was seen.
#[must_use]
pub fn speakers_serve(metallb: &Metallb, service: &Service) -> Option<bool> {
    serves(&metallb.speakers, service)
}

fn serves(pods: &[Pod], service: &Service) -> Option<bool> {
    let classes = classes(pods);
    (!classes.is_empty()).then(|| classes.contains(&service.class))
}

/// `--lb-class=X`, `-lb-class X`: Go takes one dash or two, and the value behind `=` or as the next word.
fn class_of(pod: &Pod) -> Class {
    pod.containers.iter().find_map(|container| {
        let mut words = container.args.iter();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else { continue };
            let value = match flag.split_once('=') {
                Some(("lb-class", value)) => value,
                None if flag == "lb-class" => words.next().map(String::as_str)?,
                _ => continue,
            };
            return Some(value.trim_matches('"').to_owned()).filter(|value| !value.is_empty());
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::classes;
    use crate::analysis::read::objects::pod;
    use serde_json::json;

    fn check(args: &[&str], expected: Option<&str>) {
        let pod = pod(&json!({"metadata": {"name": "controller-x"}, "spec": {"containers": [{"name": "controller", "args": args}]}}));
        assert_eq!(classes(&[pod]), [expected.map(str::to_owned)], "{args:?}");
    }

    #[test]
    fn the_class_is_found_however_it_is_written() {
        check(&["--port=7472", "--log-level=info"], None);
        check(&["--port=7472", "--lb-class=metallb.io/metallb"], Some("metallb.io/metallb"));
        check(&["-lb-class", "internal", "--port=7472"], Some("internal"));
        check(&["--lb-class="], None);
    }

    #[test]
    fn parts_that_nobody_saw_serve_nothing_known() {
        assert!(classes(&[]).is_empty());
    }
}
