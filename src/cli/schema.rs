//! `lbdiag schema`: the shapes of what lbdiag writes and reads, as JSON Schemas, made of the types themselves.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};

use super::exit::Exit;
use super::{print, refuse};
use crate::evidence::site::Site;
use crate::model::outcome::Outcome;
use crate::model::plan::Plan;
use crate::model::trace::{TraceSummary, Traced};
use crate::report;

/// A schema's name, what it is of, and what makes it.
type Named = (&'static str, &'static str, fn() -> Schema);

/// Every schema.
const SCHEMAS: [Named; 4] = [
    ("outcome", "What a run comes to: `lbdiag run … --report json`.", || written().into_root_schema_for::<Outcome>()),
    ("plan", "What a run would do: `lbdiag plan … --report json`.", || written().into_root_schema_for::<Plan>()),
    ("trace", "Connections followed through capture files: `lbdiag trace … --report json`.", || {
        written().into_root_schema_for::<Trace>()
    }),
    ("site", "A site file: `--site FILE`.", || read().into_root_schema_for::<Site>()),
];

/// What `lbdiag trace` writes, part by part.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is written part by part while it grows; its shape alone is asked for")]
struct Trace {
    /// `lbdiag-trace/1`
    format: String,
    lbdiag: String,
    connections: Vec<Traced>,
    summary: TraceSummary,
}

fn written() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

fn read() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_deserialize().into_generator()
}

/// The names, for the help.
pub(super) fn names() -> Vec<&'static str> {
    SCHEMAS.iter().map(|(name, _, _)| *name).collect()
}

/// Prints one.
pub(super) fn schema(name: &str) -> Exit {
    match SCHEMAS.iter().find(|(own, _, _)| *own == name) {
        Some((name, about, make)) => {
            let mut schema = make();
            schema.insert("title".to_owned(), format!("lbdiag {name}").into());
            schema.insert("description".to_owned(), (*about).into());
            print(&report::json(&schema))
        }
        None => refuse(Exit::Usage, &format!("`{name}` is no schema; the schemas are {}", names().join(", "))),
    }
}
