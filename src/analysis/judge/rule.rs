//! How the judgement's rules are written down: a cause and its names, the proofs of it, and the stages at which proofs are tried in order.
//!
//! A proof looks at what its stage shows it and at nothing else: no proof asks another one, and only the stage decides what comes of it.

use std::cell::RefCell;

use super::case::Case;
use super::objects::Objects;
use super::rests_on;
use super::road::Road;
use crate::analysis::looked_at;
use crate::model::considered::Considered;
use crate::model::finding::{Finding, Gap};

/// What the proofs of a stage look at.
pub(super) trait View {
    type Of<'a>;

    /// The case that it is of.
    fn case<'s>(scene: &'s Self::Of<'_>) -> &'s Case<'s>;

    /// The connections that it is about, where it is about some.
    fn roads<'s>(_scene: &'s Self::Of<'_>) -> &'s [&'s Road<'s>] {
        &[]
    }
}

/// One cause. A name that the judgement says is that of one rule alone; a rule may be proven in several ways, at several points of the path.
pub(super) struct Rule {
    /// What is wrong.
    pub title: &'static str,
    /// The names that it says.
    pub names: &'static [&'static str],
    /// What of the API, and of MetalLB's own words, it is read from.
    pub objects: &'static [Objects],
}

impl Rule {
    /// A finding of what is told, if it is one of this rule's.
    ///
    /// Some causes exclude each other, and one walk tells which of them it is: why the pools refuse a wish, why nothing serves, what is wrong
    /// between a node and its own pod, why a node is no candidate. Apart, each would have to go the whole way of the others to know that it
    /// comes first. Such a walk is one function that the rows of several rules name, and each row takes of what it tells what has its own name.
    pub(super) fn of(&self, told: Option<Finding>) -> Option<Finding> {
        told.filter(|finding| self.names.contains(&finding.name.as_str()))
    }
}

/// One way to prove a cause.
pub(super) struct Proof<V: View + 'static> {
    pub rule: &'static Rule,
    /// What it looks for; no other proof is called so.
    pub title: &'static str,
    /// What has to have been seen or read for it.
    pub needs: &'static str,
    pub apply: Apply<V>,
}

/// How a proof is looked for.
pub(super) enum Apply<V: View + 'static> {
    /// It is there or not.
    One(for<'a> fn(&V::Of<'a>) -> Option<Finding>),
    /// It may be there several times, of several places.
    Each(for<'a> fn(&V::Of<'a>) -> Vec<Finding>),
}

impl<V: View> Proof<V> {
    fn findings(&self, scene: &V::Of<'_>) -> Vec<Finding> {
        let findings = match &self.apply {
            Apply::One(apply) => apply(scene).into_iter().collect(),
            Apply::Each(apply) => apply(scene),
        };
        let own = |finding: &Finding| self.rule.names.contains(&finding.name.as_str());
        debug_assert!(findings.iter().all(own), "the rule of `{}` says {findings:?}", self.title);
        findings
    }

    fn row(&self, stage: &'static str) -> Row {
        Row { stage, rule: self.rule.title, names: self.rule.names, proof: self.title, needs: self.needs }
    }
}

/// A step of a stage that ends with the first answer.
pub(super) enum Step<V: View + 'static> {
    /// A cause is looked for.
    Look(&'static Proof<V>),
    /// What an earlier stage has proven is the cause.
    Known(for<'a> fn(&V::Of<'a>) -> Option<Finding>),
    /// Without more than was seen nothing behind this can be told.
    Open(for<'a> fn(&V::Of<'a>) -> Option<Gap>),
}

/// Steps in the order in which a packet meets what they look for: the first answer ends it.
pub(super) struct FirstOf<V: View + 'static> {
    /// Where it is, as a place's name can follow it.
    pub title: &'static str,
    pub steps: &'static [Step<V>],
}

/// Proofs that stand side by side: each is said that is there.
pub(super) struct AllOf<V: View + 'static> {
    pub title: &'static str,
    pub proofs: &'static [&'static Proof<V>],
}

/// Where a proof is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub stage: &'static str,
    pub rule: &'static str,
    pub names: &'static [&'static str],
    /// The proof's title.
    pub proof: &'static str,
    pub needs: &'static str,
}

/// A stage of either kind.
pub(super) trait Stage: Sync {
    /// The proofs that are tried there, in order.
    fn rows(&self) -> Vec<Row>;
}

impl<V: View> Stage for FirstOf<V> {
    fn rows(&self) -> Vec<Row> {
        let looks = self.steps.iter().filter_map(|step| if let Step::Look(proof) = step { Some(proof) } else { None });
        looks.map(|proof| proof.row(self.title)).collect()
    }
}

impl<V: View> Stage for AllOf<V> {
    fn rows(&self) -> Vec<Row> {
        self.proofs.iter().map(|proof| proof.row(self.title)).collect()
    }
}

/// What a judgement tried.
#[derive(Default)]
pub(super) struct Log {
    tried: RefCell<Vec<Considered>>,
    /// A proof that is left out, by its title.
    without: Option<String>,
}

impl Log {
    /// A log of a judgement that leaves one proof out.
    pub(super) fn without(title: &str) -> Self {
        Self { without: Some(title.to_owned()), ..Self::default() }
    }

    /// The first answer on a path: a cause that is proven, or what keeps it from being told. `None` when its end is come to.
    pub(super) fn first<V: View>(&self, stage: &FirstOf<V>, place: &str, scene: &V::Of<'_>) -> Option<Result<Finding, Gap>> {
        stage.steps.iter().find_map(|step| match step {
            Step::Look(proof) => self.look(proof, stage.title, place, scene).into_iter().next().map(Ok),
            Step::Known(known) => known(scene).map(Ok),
            Step::Open(open) => open(scene).map(Err),
        })
    }

    /// Everything that stands side by side.
    pub(super) fn all<V: View>(&self, stage: &AllOf<V>, place: &str, scene: &V::Of<'_>) -> Vec<Finding> {
        stage.proofs.iter().flat_map(|proof| self.look(proof, stage.title, place, scene)).collect()
    }

    fn look<V: View>(&self, proof: &Proof<V>, stage: &str, place: &str, scene: &V::Of<'_>) -> Vec<Finding> {
        if self.without.as_deref() == Some(proof.title) {
            return Vec::new();
        }
        let (mut findings, looked) = looked_at::during(|| proof.findings(scene));
        for finding in &mut findings {
            finding.rests_on = rests_on::of(V::case(scene), V::roads(scene), proof.rule.objects, &looked, finding);
        }
        self.tried.borrow_mut().push(Considered {
            rule: proof.title.to_owned(),
            names: proof.rule.names.iter().map(|name| (*name).to_owned()).collect(),
            point: format!("{stage} {place}").trim_end().to_owned(),
            needs: proof.needs.to_owned(),
            said: findings.first().map(|finding| finding.name.clone()),
        });
        findings
    }

    pub(super) fn tried(self) -> Vec<Considered> {
        self.tried.into_inner()
    }
}
