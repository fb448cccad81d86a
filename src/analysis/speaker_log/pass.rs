//! The reconciliation that is under way in a log: of which Service, and what it leaves open.

use super::line::Fields;

/// The reconciliation that is under way.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) of: Of,
    /// The Service's name; kept in one buffer, so that no line costs an allocation.
    pub(super) service: String,
    /// Something failed in it: what it does not say tells nothing.
    pub(super) failed: bool,
    /// A withdrawal in it named neither a Service nor an address.
    pub(super) blind: Option<Blind>,
}

/// A withdrawal of nobody knows what, with its time.
pub(super) struct Blind(pub(super) Option<String>);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Of {
    #[default]
    Nothing,
    One,
    All,
}

impl Pass {
    pub(super) fn begin(&mut self, of: Of, service: &str) {
        self.of = of;
        service.clone_into(&mut self.service);
        self.failed = false;
        self.blind = None;
    }

    /// The Service that a line is about: its own field (up to 0.12), otherwise the one that is being reconciled.
    pub(super) fn service<'a>(&'a self, fields: &'a Fields) -> &'a str {
        let own = fields.text("service");
        if own.is_empty() { &self.service } else { own }
    }
}
