//! Reports: an outcome as words for people and for pipelines. Knows nothing of where the facts came from.

mod diagnostics;
mod json;
mod layout;
mod page;
mod plan;
mod table;
mod text;
mod trace;

pub use diagnostics::{diagnostic, diagnostics};
pub use json::json;
pub use layout::wrap as wrapped;
pub use page::Style;
pub use plan::plan_text;
pub use text::text;
pub use trace::{TracePart, trace_connection, trace_json, trace_summary};
