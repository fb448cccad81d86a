//! A table as lines of text: columns as wide as what they hold, two spaces between.

use crate::model::outcome::Table;
use crate::model::text::one_line;

/// The column names and the rows, each as one line. Lines are as long as they have to be: a table that is broken cannot be read.
pub(super) fn lines(table: &Table) -> Vec<String> {
    let cells: Vec<Vec<String>> =
        std::iter::once(&table.columns).chain(&table.rows).map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    cells
        .iter()
        .map(|row| {
            let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            padded.join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_cells_are_harmless() {
        let table = Table {
            title: "t".to_owned(),
            columns: vec!["address".to_owned(), "node".to_owned()],
            rows: vec![vec!["10.0.0.1".to_owned(), "n\u{1b}[1m2".to_owned()], vec!["fd10::100".to_owned(), "-".to_owned()]],
        };
        assert_eq!(lines(&table), ["address    node", "10.0.0.1   n\u{fffd}[1m2", "fd10::100  -"]);
    }
}
