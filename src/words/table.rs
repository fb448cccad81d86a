//! `table(title, columns, rows)`: a table of the playbook's own in the report.

use std::sync::Arc;

use rhai::{Array, Engine, ImmutableString, NativeCallContext};

use super::reference::Word;
use super::run::{Answer, Run};
use crate::model::outcome::Table;

pub const WORD: Word = Word {
    name: "table",
    capability: "",
    signature: "table(title, [column, …], [[cell, …], …])",
    meaning: "Shows a table in the report: columns by name, rows as arrays of as many cells. () and empty arrays are shown as -, an array as its parts with commas.",
    register,
};

/// Rows that a report shows at most.
const MOST_ROWS: usize = 10_000;

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("table", move |context: NativeCallContext, title: ImmutableString, columns: Array, rows: Array| -> Answer<()> {
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        if rows.len() > MOST_ROWS {
            return Err(Run::refuse(&context, format!("a table has at most {MOST_ROWS} rows, this one has {}", rows.len())));
        }
        let mut cells: Vec<Vec<String>> = Vec::new();
        for (index, row) in rows.into_iter().enumerate() {
            let row: Vec<String> = row
                .into_array()
                .map_err(|kind| Run::refuse(&context, format!("row {} of the table is a {kind}, it takes an array", index + 1)))?
                .iter()
                .map(cell)
                .collect();
            if row.len() != columns.len() {
                return Err(Run::refuse(
                    &context,
                    format!("row {} of the table has {} cells for {} columns", index + 1, row.len(), columns.len()),
                ));
            }
            cells.push(row);
        }
        run.state().tables.push(Table { title: title.to_string(), columns, rows: cells });
        Ok(())
    });
}

fn cell(value: &rhai::Dynamic) -> String {
    if value.is_unit() {
        return "-".to_owned();
    }
    match value.read_lock::<Array>() {
        Some(parts) if parts.is_empty() => "-".to_owned(),
        Some(parts) => parts.iter().map(cell).collect::<Vec<_>>().join(", "),
        None => value.to_string(),
    }
}
