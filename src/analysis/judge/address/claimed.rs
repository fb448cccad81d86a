//! Other Services that take the address, or an endpoint's, by their `spec.externalIPs`.

use std::net::{IpAddr, SocketAddr};

use crate::analysis::judge::case::{Case, found};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::metallb::{Claim, Metallb};
use crate::model::subject::Subject;

/// A Service that lists what is this one's, while nothing shows that it takes any of it.
pub(super) fn latent(case: &Case, metallb: &Metallb) -> Option<Finding> {
    let claim = metallb.claims.iter().find(|claim| is_of(case, claim))?;
    let whose =
        if Some(claim.address) == case.address() { "the Service's address".to_owned() } else { format!("the endpoint {}", of(claim)) };
    let finding = told(
        &claim.service,
        claim.address,
        format!("{} lists {whose} in its externalIPs, with the same port", claim.service),
        vec![format!("spec.externalIPs of service/{} holds {}, and it has the port {}", claim.service, claim.address, claim.port)],
    );
    Some(super::latent(finding, "the nodes' proxies lead to either of the two, by whichever rule stands first after a sync"))
}

fn of(claim: &Claim) -> SocketAddr {
    SocketAddr::new(claim.address, claim.port)
}

/// Whether it is the address and the port that are followed, or those of an endpoint.
fn is_of(case: &Case, claim: &Claim) -> bool {
    let Some(target) = case.target.filter(|target| target.port.protocol == claim.protocol) else { return false };
    let own = Some(claim.address) == case.address() && claim.port == target.port.port;
    own || target.endpoints.iter().any(|endpoint| endpoint.ip == claim.address && endpoint.port == Some(claim.port))
}

/// The finding about a Service, `NAMESPACE/NAME`, that lists an address.
pub(in crate::analysis::judge) fn told(service: &str, address: IpAddr, summary: String, evidence: Vec<String>) -> Finding {
    let mut finding = found(names::ADDRESS_CLAIMED, vec![Subject::from(format!("service/{service}"))], summary, evidence);
    if let Some((namespace, name)) = service.split_once('/') {
        finding.next = format!(
            "{} It is shown by: kubectl get service -n {namespace} {name} -o jsonpath='{{.spec.externalIPs}}' (it holds {address})",
            finding.next
        );
    }
    finding
}
