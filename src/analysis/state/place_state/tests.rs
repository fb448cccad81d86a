//! What was not read is no nothing.

use super::*;
use crate::analysis::state::sections::place_state;
use crate::model::place::Host;

fn state(text: &str) -> PlaceState {
    place_state(Place::Host(Host::local()), text)
}

#[test]
fn what_was_not_read_is_told_from_what_is_not_there() {
    let (unread, empty) =
        (state("=== links\nsorry\n=== end 1\n"), state("=== links\n=== end 0\n=== addresses\n=== end 0\n=== settings\n=== end 0\n"));
    assert_eq!((unread.links(), empty.links().map(<[Link]>::len)), (None, Some(0)));
    assert_eq!((unread.on_link("10.0.0.1".parse().unwrap()), empty.on_link("10.0.0.1".parse().unwrap())), (None, Some(Vec::new())));
    assert!(unread.settings().is_none() && empty.settings().is_some());
    assert!(unread.why_missing("links").unwrap().contains("sorry") && !unread.is_read("links") && empty.is_read("links"));
    for nothing in [unread.neighbours().is_none(), unread.forwarding().is_none(), unread.routes().is_none(), unread.counters().is_none()] {
        assert!(nothing);
    }
}

#[test]
fn a_counter_of_which_one_half_was_not_read_has_not_grown() {
    let counted = |drops: u64| state(&format!("=== counters\nTcpExt: ListenDrops\nTcpExt: {drops}\n=== end 0\n"));
    let pair = |before, after| StatePair { before, after };
    assert_eq!(pair(counted(3), counted(9)).grown("TcpExt", "ListenDrops"), Some(6));
    assert_eq!(pair(state(""), counted(9)).grown("TcpExt", "ListenDrops"), None);
    assert_eq!(pair(counted(3), state("")).grown("TcpExt", "ListenDrops"), None);
}

#[test]
fn answers_that_come_later_are_among_the_first_ones() {
    let question = RouteQuestion::forwarded("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap(), "mlb");
    let mut asked = state("=== route-get\n10.0.0.1,, => 10.0.0.1 dev eth0 \n=== end 0\n");
    assert_eq!(asked.way(&question), None);
    asked.add_ways(&state("=== route-get\n10.0.0.1,10.0.0.2,mlb => 10.0.0.1 dev eth1 \n=== end 0\n"));
    assert_eq!(asked.way(&question).unwrap().device.as_deref(), Some("eth1"));
    assert_eq!(asked.way(&RouteQuestion::to("10.0.0.1".parse().unwrap())).unwrap().device.as_deref(), Some("eth0"));
}

#[test]
fn a_family_that_the_kernel_does_not_have_is_read_and_empty() {
    let state =
        state("=== routes\n=== end 0\n=== routes6\nAddress family not supported by protocol\n=== end 2\n=== rules\nno\n=== end 1\n");
    let state = state.without_missing_families();
    assert!(state.is_read("routes6") && state.is_read("routes") && !state.is_read("rules"));
}
