//! The facts that a judgement rests on, as a playbook hands them to a word, with the gaps that there are by then.

use rhai::{Dynamic, NativeCallContext};

use crate::analysis::judge::Case;
use crate::analysis::state::closer::Closer;
use crate::model::announcement::Announcement;
use crate::model::endpoint::Target;
use crate::model::finding::Gap;
use crate::model::flow::Flow;
use crate::model::service::Service;
use crate::words::fact::Fact;
use crate::words::session::{Answer, Run};

/// What the steps of a playbook gave, each as a word takes it: `()` where a step gave nothing.
pub struct Given {
    pub announcer: Dynamic,
    pub target: Dynamic,
    pub flow: Dynamic,
    pub closer: Dynamic,
}

/// The facts of one judgement.
pub struct Facts {
    service: Fact<Service>,
    announcer: Option<Fact<Announcement>>,
    target: Option<Fact<Target>>,
    flow: Option<Fact<Flow>>,
    closer: Option<Fact<Closer>>,
    gaps: Vec<Gap>,
}

impl Facts {
    /// The facts that were handed over.
    ///
    /// # Errors
    /// When one of them is something else than the word takes.
    pub fn gathered(run: &Run, context: &NativeCallContext, service: &Fact<Service>, given: Given) -> Answer<Self> {
        Ok(Self {
            service: service.clone(),
            announcer: optional(context, "announcer", given.announcer)?,
            target: optional(context, "target", given.target)?,
            flow: optional(context, "flow", given.flow)?,
            closer: optional(context, "closer", given.closer)?,
            gaps: run.state().gaps.clone(),
        })
    }

    /// What a judgement rests on.
    #[must_use]
    pub fn case(&self) -> Case<'_> {
        Case {
            service: &self.service.0,
            announcement: self.announcer.as_ref().map(|fact| &*fact.0),
            target: self.target.as_ref().map(|fact| &*fact.0),
            flow: self.flow.as_ref().map(|fact| &*fact.0),
            closer: self.closer.as_ref().map(|fact| &*fact.0),
            gaps: &self.gaps,
        }
    }
}

/// A fact, or nothing when its step gave `()`.
///
/// # Errors
/// When it is something else.
pub fn optional<T: Send + Sync + 'static>(context: &NativeCallContext, name: &str, value: Dynamic) -> Answer<Option<Fact<T>>> {
    if value.is_unit() {
        return Ok(None);
    }
    let kind = value.type_name();
    value
        .try_cast::<Fact<T>>()
        .map(Some)
        .ok_or_else(|| Run::refuse(context, format!("`{name}` is a {kind}, which is not what the word takes")))
}
