//! IPsec: a policy of the kernel that blocks what is forwarded, or wants it encrypted, takes packets behind every filter, and no rule
//! counts them.

use crate::analysis::judge::case::found;
use crate::analysis::state::place_state::StatePair;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// IPsec dropped that many packets for one reason.
pub(super) fn drops(pair: &StatePair, node: &str, enough: u64) -> Option<Finding> {
    let (reason, grown) = pair.ipsec_dropped()?.into_iter().next().filter(|(_, grown)| *grown >= enough)?;
    let mut evidence = vec![format!("/proc/net/xfrm_stat on {node}: {reason} grew by {grown} while the probe was repeated")];
    evidence.extend(pair.after.ipsec()?.blocking.iter().take(4).map(|policy| format!("`ip xfrm policy` on {node}: {policy}")));
    Some(found(names::NODE_FIREWALL_DROP, vec![Subject::node(node)], format!("an IPsec policy on {node} drops it"), evidence))
}

#[cfg(test)]
mod tests {
    use super::super::node::queues::enough;
    use super::*;
    use crate::analysis::state::place_state::PlaceState;
    use crate::model::place::{HostKind, Place};

    #[test]
    fn as_many_as_were_lost_have_to_be_counted() {
        let state = |blocked: u64| {
            let text = format!("XfrmInPolBlock \t{blocked}\nsrc 203.0.113.0/24 dst 0.0.0.0/0 \n\tdir fwd action block priority 0\n");
            let place = Place::sample("n1", HostKind::Node);
            PlaceState::new(place, [("ipsec".to_owned(), text)].into(), std::collections::BTreeMap::default())
        };
        let pair = |after: u64| StatePair { before: state(3), after: state(after) };
        let finding = drops(&pair(19), "n1", enough(32)).unwrap();
        assert_eq!((finding.name.as_str(), finding.culprits[0].to_string().as_str()), ("node/firewall-drop", "node/n1"));
        assert!(finding.evidence.iter().any(|line| line.contains("203.0.113.0/24")), "{finding:?}");
        assert_eq!((drops(&pair(18), "n1", enough(32)), drops(&pair(3), "n1", enough(1))), (None, None));
    }
}
