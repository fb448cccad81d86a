//! `table(title, columns, rows)`: a table of the playbook's own in the report.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, ImmutableString, NativeCallContext};

use crate::model::diagnostic::codes;
use crate::model::outcome::Table;
use crate::words::fits::in_words;
use crate::words::mistake::Mistake;
use crate::words::printed;
use crate::words::room::{self, Part};
use crate::words::session::{Answer, Run};

/// Rows that a report shows at most.
const MOST_ROWS: usize = 10_000;

/// Arrays within arrays that one cell lists.
const DEEPEST: usize = 16;

/// Bytes of an array in one cell.
const LONGEST_LIST: usize = 16 << 10;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("table", move |context: NativeCallContext, title: ImmutableString, columns: Array, rows: Array| -> Answer<()> {
        let columns: Vec<String> = columns.iter().map(|column| room::name(&printed::shown(column))).collect();
        if rows.len() > MOST_ROWS {
            return Err(Run::refuse(&context, format!("a table has at most {MOST_ROWS} rows, this one has {}", rows.len())));
        }
        if !run.state().room.take(Part::Table, title.len() + columns.iter().map(String::len).sum::<usize>()) {
            return Ok(());
        }
        let mut cells: Vec<Vec<String>> = Vec::new();
        for (index, row) in rows.into_iter().enumerate() {
            let row: Vec<String> = row
                .into_array()
                .map_err(|kind| {
                    unfit(format!("row {} of the table is {}, and not a list of cells", index + 1, in_words(kind))).raised(&context)
                })?
                .iter()
                .map(bounded)
                .collect();
            if row.len() != columns.len() {
                return Err(
                    unfit(format!("row {} of the table has {} cells for {} columns", index + 1, row.len(), columns.len())).raised(&context)
                );
            }
            if run.state().room.take(Part::Row, row.iter().map(|cell| cell.len() + size_of::<String>()).sum()) {
                cells.push(row);
            }
        }
        run.state().tables.push(Table { title: room::name(&title), columns, rows: cells });
        Ok(())
    });
}

/// A row that the table does not take.
fn unfit(message: String) -> Mistake {
    let hint = Some("a row is a list with one cell for each column".to_owned());
    Mistake { code: codes::ARGUMENTS, message, hint }
}

/// A cell as a report holds it.
fn bounded(value: &Dynamic) -> String {
    room::text(&cell(value, DEEPEST))
}

fn cell(value: &Dynamic, levels: usize) -> String {
    if value.is_unit() {
        return "-".to_owned();
    }
    match value.read_lock::<Array>() {
        Some(parts) if parts.is_empty() => "-".to_owned(),
        Some(parts) if levels > 0 => listed(&parts, levels - 1),
        _ => printed::shown(value),
    }
}

/// Parts with commas between; what is beyond a cell's bound is not even made.
fn listed(parts: &Array, levels: usize) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&cell(part, levels));
        if text.len() > LONGEST_LIST {
            return format!("{text}, …");
        }
    }
    text
}
