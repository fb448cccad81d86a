//! Where a Service's port ends: its endpoints, one by one.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::kubernetes::Pod;
use super::service::ServicePort;

/// One address of an EndpointSlice, for one port of the Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The pod behind it, `None` for a hand-made endpoint.
    pub pod: Option<String>,
    pub ip: IpAddr,
    pub node: Option<String>,
    /// `None` when the slice holds no number for the port (a port name that the pod lacks).
    pub port: Option<u16>,
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
    /// The slice that says so.
    pub from: String,
}

impl Endpoint {
    /// Whether kube-proxy may send new connections to it: ready, or serving while it terminates.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.port.is_some() && (self.ready || self.serving)
    }
}

/// Where one port of a Service ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub port: ServicePort,
    pub endpoints: Vec<Endpoint>,
    /// The pods that the selector matches, whether they are endpoints or not.
    pub pods: Vec<Pod>,
    /// Pods whose labels differ from the selector in one value: a likely typing error. Name to what differs.
    pub near_misses: BTreeMap<String, String>,
    /// False when the slices could not be read: then no endpoint means nothing.
    pub slices_read: bool,
    pub pods_read: bool,
}

impl Target {
    /// The endpoints that take part: the ready ones, or the terminating ones that still serve when none is ready.
    #[must_use]
    pub fn serving(&self) -> Vec<&Endpoint> {
        let ready: Vec<&Endpoint> = self.endpoints.iter().filter(|e| e.ready && e.port.is_some()).collect();
        if ready.is_empty() { self.endpoints.iter().filter(|e| e.usable()).collect() } else { ready }
    }

    /// The pod of that name.
    #[must_use]
    pub fn pod(&self, name: &str) -> Option<&Pod> {
        self.pods.iter().find(|pod| pod.name == name)
    }
}
