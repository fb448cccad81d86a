//! What each word does: the table that gives the words to an engine. What is known of them stands in `all`.

use std::sync::Arc;

use rhai::Engine;

use super::run::Run;

/// A word's name, and what gives it to an engine.
pub type Code = (&'static str, fn(&mut Engine, &Arc<Run>));

/// Every word, by groups.
pub const CODE: &[Code] = &[
    ("service", super::service::register),
    ("service_at", super::service::register_at),
    ("services", super::services::register),
    ("find_announcer", super::find_announcer::register),
    ("find_announcers", super::find_announcer::register_all),
    ("resolve_target_port", super::resolve_target_port::register),
    ("client_side", super::client_side::register),
    ("api_access", super::api_access::register),
    ("host_checks", super::host_checks::register),
    ("interfaces", super::state::interfaces::register),
    ("routes", super::state::routes::register),
    ("route_to", super::state::route_to::register),
    ("rules", super::state::rules::register),
    ("neighbours", super::state::neighbours::register),
    ("sysctl", super::state::sysctl::register),
    ("conntrack", super::state::conntrack::register),
    ("proxy_rules", super::state::proxy_rules::register),
    ("firewall", super::state::firewall::register),
    ("sockets", super::state::sockets::register),
    ("counters", super::state::counters::register),
    ("look_closer", super::look_closer::register),
    ("watch_points", super::watch_points::register),
    ("node_capture", super::node_capture::register),
    ("pod_netns_capture", super::pod_netns_capture::register),
    ("vantage_capture", super::vantage_capture::register),
    ("local_capture", super::local_capture::register),
    ("during", super::during::register),
    ("trace", super::trace::register),
    ("probe_request", super::probe_request::register),
    ("probe", super::probe::register),
    ("arping", super::arping::register),
    ("await_client", super::await_client::register),
    ("allowed", super::allowed::register),
    ("get_ready", super::get_ready::register),
    ("step", super::step::register),
    ("reads_suffice", super::reads_suffice::register),
    ("note", super::note::register),
    ("table", super::table::register),
    ("finding", super::finding::register),
    ("judge", super::judge::register),
];

#[cfg(test)]
mod tests {
    use super::CODE;
    use crate::words::all;

    #[test]
    fn every_word_that_is_described_does_something_and_no_other() {
        assert_eq!(CODE.iter().map(|(name, _)| *name).collect::<Vec<_>>(), all::names().collect::<Vec<_>>());
    }
}
