//! The words of the language, one file a word. They ask `evidence`, reason with `analysis`, and hand plain facts to the script.
//!
//! A word never reaches a `live` module and never prints.

pub mod address_facts;
pub mod allowed;
pub mod announcer_facts;
pub mod api_access;
pub mod arping;
pub mod await_client;
pub mod capture_options;
pub mod client_side;
pub mod cluster_facts;
pub mod during;
pub mod endpoint_facts;
pub mod endpoint_looks;
pub mod enough;
pub mod fact;
pub mod find_announcer;
pub mod finding;
pub mod get_ready;
pub mod host_checks;
pub mod judge;
pub mod local_capture;
pub mod look_closer;
pub mod metallb;
pub mod node_capture;
pub mod note;
pub mod pod_netns_capture;
pub mod probe;
pub mod probe_request;
pub mod reference;
pub mod resolve_target_port;
pub mod road;
pub mod router;
pub mod run;
pub mod service;
pub mod services;
pub mod speakers;
pub mod state;
pub mod step;
pub mod table;
pub mod trace;
pub mod vantage;
pub mod vantage_capture;
pub mod watched_pods;
pub mod wire;
