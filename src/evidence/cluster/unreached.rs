//! A cluster that let nobody in: every question is answered with the reason.

use serde_json::Value;

use super::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::EvidenceError;

/// Why nothing can be asked.
pub struct Unreached(pub EvidenceError);

impl Cluster for Unreached {
    fn get(&self, _: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        Err(self.0.clone())
    }

    fn list(&self, _: &ListQuery) -> Result<List, EvidenceError> {
        Err(self.0.clone())
    }

    fn read_log(&self, _: &LogQuery, _: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        Err(self.0.clone())
    }

    fn read_metrics(&self, _: &MetricsQuery, _: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        Err(self.0.clone())
    }

    fn may(&self, _: &AccessQuery) -> Result<bool, EvidenceError> {
        Err(self.0.clone())
    }
}
