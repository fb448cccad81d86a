//! Rules in order: at a point of the path each is tried until one is proven, and what was tried is kept.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::case::Case;
use super::node::packets::Packets;
use super::road::Road;
use crate::analysis::state::netfilter::Fields;
use crate::model::considered::Considered;
use crate::model::finding::Finding;
use crate::model::state::StatePair;

/// What the rules of one point look at: the packets that were lost on a node, and its state around them.
pub(super) struct Scene<'a> {
    pub case: &'a Case<'a>,
    pub roads: &'a [&'a Road<'a>],
    pub node: &'a str,
    pub pair: &'a StatePair,
    pub packets: &'a Packets,
    /// The lost packets, as packet filters see them.
    pub fields: &'a [Fields],
    /// The interface by which they came in.
    pub input: Option<&'a str>,
    /// The interface on which queues and policies of the kernel may have taken them.
    pub queue: Option<&'a str>,
    /// Whom they came from.
    pub sources: &'a BTreeSet<IpAddr>,
}

/// One cause, and what proves it.
pub(super) struct Rule {
    /// What it looks for; no other rule is called so.
    pub title: &'static str,
    /// The names that it may say.
    pub names: &'static [&'static str],
    /// What has to have been seen or read for it.
    pub needs: &'static str,
    pub apply: fn(&Scene) -> Option<Finding>,
}

/// What a judgement tried.
#[derive(Default)]
pub(super) struct Log {
    tried: RefCell<Vec<Considered>>,
    /// A rule that is left out, by its title.
    without: Option<String>,
}

impl Log {
    /// A log of a judgement that leaves one rule out.
    pub(super) fn without(title: &str) -> Self {
        Self { without: Some(title.to_owned()), ..Self::default() }
    }

    /// The first finding that a rule proves.
    pub(super) fn first(&self, point: &str, rules: &[&Rule], scene: &Scene) -> Option<Finding> {
        rules.iter().filter(|rule| self.without.as_deref() != Some(rule.title)).find_map(|rule| {
            let finding = (rule.apply)(scene);
            self.tried.borrow_mut().push(Considered {
                rule: rule.title.to_owned(),
                names: rule.names.iter().map(|name| (*name).to_owned()).collect(),
                point: format!("{point} {}", scene.node),
                needs: rule.needs.to_owned(),
                said: finding.as_ref().map(|finding| finding.name.clone()),
            });
            finding
        })
    }

    pub(super) fn tried(self) -> Vec<Considered> {
        self.tried.into_inner()
    }
}
