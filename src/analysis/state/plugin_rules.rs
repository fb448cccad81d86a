//! Whose rules a network plugin's are: Calico and kube-router write the policy behind a rule into the rule's comment.

use super::netfilter;
use super::place_state::PlaceState;

/// The object that a rule enforces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Enforced {
    /// Kubernetes' own NetworkPolicy; the namespace is the pod's where the rule does not tell it.
    Kubernetes { namespace: Option<String>, name: String },
    /// Calico's NetworkPolicy.
    Calico { namespace: String, name: String },
    /// Calico's `GlobalNetworkPolicy`.
    Global(String),
    /// An `AdminNetworkPolicy`, or the baseline one.
    Admin(String),
}

/// How Calico names what it made of Kubernetes' objects: in a tier of its own, with this before the name.
const KUBERNETES: &str = "knp.default.";
const ADMIN: [&str; 4] = ["kanp.adminnetworkpolicy.", "kbanp.baselineadminnetworkpolicy.", "kcnp.kube-admin.", "kcnp.kube-baseline."];

/// How kube-router says which policy the chain is of that a rule leads to.
const KUBE_ROUTER: &str = "run through nw policy ";

/// The policy that a rule is of, by its own comment.
#[must_use]
pub fn enforced_by(text: &str) -> Option<Enforced> {
    comments(text).into_iter().find_map(|comment| {
        let named = comment.strip_prefix("Policy ")?;
        let name = named.strip_suffix(" ingress").or_else(|| named.strip_suffix(" egress"))?;
        nameable(name).then(|| calicos(name))
    })
}

/// The policy that a chain of Calico's is of: by the comment of the first of its rules that has one, since Felix writes it into the first alone,
/// otherwise by the chain's name. Nothing for a chain that is none of a policy's.
#[must_use]
pub fn of_chain(state: &PlaceState, table: &str, chain: &str) -> Option<Enforced> {
    let short = ["cali-pi-", "cali-po-"].iter().find_map(|start| chain.strip_prefix(start))?;
    let dumps = [state.iptables(), state.ip6tables(), state.iptables_legacy()];
    let mut own = dumps.into_iter().flatten().flatten().filter(|rule| rule.table == table && rule.chain == chain);
    // A name that is too long for a chain's is a hash there, which begins so.
    own.find_map(|rule| enforced_by(&rule.text)).or_else(|| (!short.starts_with('_') && nameable(short)).then(|| calicos(short)))
}

/// Whether a place has a rule of one of Calico's own policies.
#[must_use]
pub fn of_calicos_own(state: &PlaceState) -> bool {
    let dumps = [state.iptables(), state.ip6tables(), state.iptables_legacy()];
    let mut all = dumps.into_iter().flatten().flatten().filter(|rule| rule.chain.starts_with("cali-"));
    all.any(|rule| matches!(enforced_by(&rule.text), Some(Enforced::Calico { .. } | Enforced::Global(_))))
}

/// Whether an object may be called so. A comment is anybody's, and the name stands in a command that is made to be copied.
fn nameable(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/');
    !name.is_empty() && !name.starts_with('-') && name.chars().all(plain)
}

/// The policies that a chain asks before a rule of its own takes what none of them lets in; nothing for another rule.
#[must_use]
pub fn asked_before(state: &PlaceState, table: &str, chain: &str, text: &str) -> Vec<Enforced> {
    let of_none = ["Drop if no policies passed packet", "rule to REJECT traffic destined for POD", "rule to log dropped traffic POD"];
    if !comments(text).iter().any(|comment| of_none.iter().any(|told| comment.contains(told))) {
        return Vec::new();
    }
    let dumps = [state.iptables(), state.ip6tables(), state.iptables_legacy()];
    let rules: Vec<&netfilter::Rule> = dumps.into_iter().flatten().flatten().filter(|rule| rule.table == table).collect();
    let mut all = Vec::new();
    for rule in rules.iter().filter(|rule| rule.chain == chain).take_while(|rule| !rule.text.ends_with(text.trim_start_matches("-A "))) {
        let by_router = comments(&rule.text)
            .into_iter()
            .find_map(|comment| comment.strip_prefix(KUBE_ROUTER).map(str::to_owned))
            .filter(|name| nameable(name));
        let target = rule.text.split(" -j ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
        let named = match by_router {
            Some(name) => Some(Enforced::Kubernetes { namespace: None, name }),
            None => of_chain(state, table, target),
        };
        all.extend(named.filter(|named| !all.contains(named)));
    }
    all
}

/// A policy by the name that Calico gives it: `NAMESPACE/NAME`, or `NAME` for one of the whole cluster. Its tier may stand before the name.
fn calicos(name: &str) -> Enforced {
    let in_tier = |name: &str| name.strip_prefix("default.").unwrap_or(name).to_owned();
    if let Some(admin) = ADMIN.iter().find_map(|start| name.strip_prefix(start)) {
        return Enforced::Admin(admin.to_owned());
    }
    match name.split_once('/') {
        Some((namespace, name)) => match name.strip_prefix(KUBERNETES) {
            Some(name) => Enforced::Kubernetes { namespace: Some(namespace.to_owned()), name: name.to_owned() },
            None => Enforced::Calico { namespace: namespace.to_owned(), name: in_tier(name) },
        },
        None => Enforced::Global(in_tier(name)),
    }
}

/// The comments of a rule as iptables-save prints it.
fn comments(text: &str) -> Vec<String> {
    let words = netfilter::words(text);
    words.windows(2).filter(|pair| pair[0] == "--comment").map(|pair| pair[1].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{Host, HostKind, Place};

    fn kubernetes(namespace: Option<&str>, name: &str) -> Enforced {
        Enforced::Kubernetes { namespace: namespace.map(str::to_owned), name: name.to_owned() }
    }

    #[test]
    fn calicos_comments_name_the_object() {
        let said = |name: &str| {
            let text = format!(
                "-A cali-pi-x -s 10.0.0.0/8 -m comment --comment \"cali:a-b\" -m comment --comment \"Policy {name} ingress\" -j DROP"
            );
            enforced_by(&text).unwrap()
        };
        assert_eq!(said("quarantine"), Enforced::Global("quarantine".to_owned()));
        assert_eq!(said("default.quarantine"), Enforced::Global("quarantine".to_owned()));
        assert_eq!(said("a/knp.default.clients"), kubernetes(Some("a"), "clients"));
        assert_eq!(said("a/default.clients"), Enforced::Calico { namespace: "a".to_owned(), name: "clients".to_owned() });
        assert_eq!(said("kanp.adminnetworkpolicy.deny-all"), Enforced::Admin("deny-all".to_owned()));
        assert_eq!(enforced_by("-A INPUT -s 10.0.0.0/8 -m comment --comment \"Policy of the house\" -j DROP"), None);
        for forged in ["a/$(id)", "a;reboot", "-rf", "a/b --all"] {
            assert_eq!(enforced_by(&format!("-A INPUT -m comment --comment \"Policy {forged} ingress\" -j DROP")), None, "{forged}");
        }
    }

    #[test]
    fn what_no_policy_lets_in_names_those_that_were_asked_before() {
        let dump = "*filter\n:FORWARD ACCEPT [0:0]\n:cali-tw-cali1 - [0:0]\n:cali-pi-_hash - [0:0]\n:cali-pi-quarantine - [0:0]\n:cali-pi-later - [0:0]\n\
            [0:0] -A cali-pi-_hash -s 10.0.0.0/8 -m comment --comment \"Policy a/knp.default.clients ingress\" -j MARK --set-xmark 0x10000/0x10000\n\
            [0:0] -A cali-tw-cali1 -m mark --mark 0x0/0x20000 -j cali-pi-quarantine\n\
            [0:0] -A cali-tw-cali1 -m mark --mark 0x0/0x20000 -j cali-pi-_hash\n\
            [9:9] -A cali-tw-cali1 -m comment --comment \"Drop if no policies passed packet\" -m mark --mark 0x0/0x20000 -j DROP\n\
            [0:0] -A cali-tw-cali1 -m mark --mark 0x0/0x20000 -j cali-pi-later\nCOMMIT\n";
        let place = Place::Host(Host { name: "n2".into(), address: String::new(), kind: HostKind::Node });
        let state = place_state(place, &format!("=== iptables\n{dump}=== end 0\n"));
        let drop = "-A cali-tw-cali1 -m comment --comment \"Drop if no policies passed packet\" -m mark --mark 0x0/0x20000 -j DROP";
        let expected = [Enforced::Global("quarantine".to_owned()), kubernetes(Some("a"), "clients")];
        assert_eq!(asked_before(&state, "filter", "cali-tw-cali1", drop), expected);
        assert_eq!(asked_before(&state, "filter", "cali-tw-cali1", "-A cali-tw-cali1 -j DROP"), []);
    }
}
