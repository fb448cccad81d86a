//! Words that read one part of a place's network state: a node's, another host's or a pod's.
//!
//! Each asks the place's own tools once, with one command start, and hands out rows. What could not be read is a gap, and ().

use std::net::IpAddr;
use std::time::Duration;

use rhai::{Dynamic, NativeCallContext};
use serde::Serialize;

use crate::analysis::state::place_state::PlaceState;
use crate::analysis::state::sections::place_state;
use crate::evidence::cluster::{Kind, ListQuery};
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::nearest::nearest;
use crate::model::probe::Vantage;
use crate::model::subject::Subject;
use crate::model::text::harmless;
use crate::model::vantage_text;
use crate::words::cluster::cluster_facts::{ask, listed};
use crate::words::cluster::metallb;
use crate::words::fact::{differences, dynamic, shaped};
use crate::words::probe::vantage;
use crate::words::session::{Answer, Run, Stop};
use crate::words::word::Word;

/// The capability that all of these words need.
pub const CAPABILITY: &str = "node.read";

/// One look at a place.
pub struct Look<'a> {
    pub word: &'a Word,
    /// The place as the script names it.
    pub place: &'a str,
    /// What the script is told besides.
    pub values: Vec<String>,
    /// Sections without which nothing can be said.
    pub needed: &'a [&'a str],
}

/// Reads the part of the state that the word is named after; `None` when it could not be read, which is a gap then.
///
/// # Errors
/// When the capability is missing, the place is none, or the run ends.
pub fn look(run: &Run, context: &NativeCallContext, look: &Look) -> Answer<Option<PlaceState>> {
    run.allow(context, look.word.name, CAPABILITY)?;
    let vantage = named(run, context, look.word, look.place)?;
    let undecided = format!("what {} would tell of {}", look.word.name, vantage.place());
    let subject = Subject::from(&vantage);
    let place = match vantage::place(run, &vantage) {
        Ok(place) => place,
        Err(error) => {
            run.needed_look(context, &error, &subject, &undecided)?;
            return Ok(None);
        }
    };
    let mut args = place.as_arguments().to_vec();
    args.push(look.word.name.to_owned());
    args.extend(look.values.iter().cloned());
    let command = Command { script: Script::State, args, limit: Duration::from_secs(20), most_bytes: 16 << 20 };
    let state = match run.evidence.hosts.run(place.host(), &command) {
        Ok(output) => place_state(place, &output.stdout),
        Err(error) => {
            run.needed_look(context, &error, &subject, &undecided)?;
            return Ok(None);
        }
    };
    let state = state.without_missing_families();
    for section in look.needed {
        if !state.is_read(section) {
            run.gap(missing(&state, section, subject, undecided));
            return Ok(None);
        }
    }
    Ok(Some(state))
}

/// The gap of a section that was not read.
#[must_use]
pub fn missing(state: &PlaceState, section: &str, subject: impl Into<Subject>, undecided: String) -> Gap {
    let why = state.why_missing(section).unwrap_or("nothing came back");
    let name = if why.ends_with("not installed there") { names::EVIDENCE_TOOL_MISSING } else { names::EVIDENCE_UNREADABLE };
    Gap::new(name, subject, format!("{section}: {}", harmless(why)), undecided).decisive()
}

/// Reads a place, and the nodes' addresses where they are needed and were not read yet.
fn named(run: &Run, context: &NativeCallContext, word: &Word, text: &str) -> Answer<Vantage> {
    let written = vantage_text::in_full(text);
    let wrong = |why: &str| {
        Stop::Usage(format!(
            "{}: `{}` is no place: {why}write a node's name, NAMESPACE/NAME of a pod, ssh:HOST, or local",
            word.name,
            harmless(text)
        ))
    };
    let [vantage] = vantage_text::parse(&written).unwrap_or_default().try_into().map_err(|_| run.end(context, wrong("")))?;
    if matches!(vantage, Vantage::Pod(_)) {
        run.allow(context, word.name, "cluster.read")?;
    }
    if matches!(vantage, Vantage::Node(_) | Vantage::Pod(_)) && run.uses.contains("cluster.read") {
        ask(run, &[("nodes".to_owned(), ListQuery::everywhere(Kind::core("nodes")))]);
        if run.state().nodes.is_empty() {
            metallb::nodes(run, context)?;
        }
    }
    if let Vantage::Node(name) = &vantage
        && listed(run, "nodes").as_ref().as_ref().is_ok_and(|nodes| !nodes.is_empty())
    {
        let nodes: Vec<String> = run.state().nodes.keys().cloned().collect();
        if !nodes.contains(name) {
            let hint = nearest(name, nodes.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            return Err(run.end(context, wrong(&format!("the cluster has no such node; {hint}"))));
        }
    }
    Ok(vantage)
}

/// Rows, or one value, in a script's hands. What is unknown in them is ().
///
/// # Errors
/// Never for what these words give.
pub fn hand<T: Serialize>(context: &NativeCallContext, word: &Word, value: &T) -> Answer<Dynamic> {
    let value = serde_json::to_value(value).map_err(|error| Run::refuse(context, error.to_string()))?;
    // Every test that reads a place's state sees this.
    debug_assert!(differences(&value, word.returns.kind).is_empty(), "{}: {:?}", word.name, differences(&value, word.returns.kind));
    dynamic(context, shaped(value, word.returns.kind))
}

/// An address that stands as an argument of its own.
///
/// # Errors
/// When it is none.
pub fn address(context: &NativeCallContext, word: &str, value: &Dynamic) -> Answer<IpAddr> {
    let text = value.to_string();
    text.parse().map_err(|_| Run::refuse(context, format!("{word} takes an IP address, and `{text}` is none")))
}

/// What tells the tools which family of addresses is meant.
#[must_use]
pub fn family(address: IpAddr) -> String {
    if address.is_ipv6() { "ipv6" } else { "ipv4" }.to_owned()
}
