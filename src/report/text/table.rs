//! A table as lines of text: columns as wide as what they hold, two spaces between.

use super::layout::{columns, padded};
use crate::model::outcome::Table;
use crate::model::text::one_line;
use crate::report::style::Style;

/// Columns are made no wider than this, in columns: one long cell among thousands of short ones would multiply the report.
const WIDEST: usize = 200;

/// Most characters of a cell that the text shows; the JSON report has all of it.
const LONGEST: usize = 4_000;

/// The column names and the rows, each as one line. Lines are as long as they have to be: a table that is broken cannot be read.
pub(super) fn lines(table: &Table, style: Style) -> Vec<String> {
    let cells: Vec<Vec<String>> = std::iter::once(&table.columns)
        .chain(&table.rows)
        .map(|row| row.iter().map(|cell| style.spelled(&shortened(one_line(cell)))).collect())
        .collect();
    let mut widths = vec![0; table.columns.len()];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell).min(WIDEST));
        }
    }
    cells.iter().map(|row| line(row, &widths)).collect()
}

/// One row. A cell that is wider than a column may be pushes the rest of its own row aside and no other.
fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        if column > 0 {
            line.push_str("  ");
        }
        line.push_str(&padded(cell, *width));
    }
    line.truncate(line.trim_end().len());
    line
}

/// What of a cell is shown, with how much is not.
fn shortened(cell: String) -> String {
    let Some((at, _)) = cell.char_indices().nth(LONGEST) else { return cell };
    format!("{}… and {} more characters", &cell[..at], cell[at..].chars().count())
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
        assert_eq!(lines(&table, Style::PLAIN), ["address    node", "10.0.0.1   n\u{fffd}[1m2", "fd10::100  -"]);
    }

    fn of(columns: &[&str], rows: &[&[&str]]) -> Vec<String> {
        let owned = |row: &[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
        let table = Table { title: String::new(), columns: owned(columns), rows: rows.iter().map(|row| owned(row)).collect() };
        lines(&table, Style::PLAIN)
    }

    #[test]
    fn any_shape_of_table_is_shown() {
        assert_eq!(of(&[], &[]), [""]);
        assert_eq!(of(&[], &[&[], &[]]), ["", "", ""]);
        assert_eq!(of(&["a"], &[&[""]]), ["a", ""]);
        assert_eq!(of(&["a", "b"], &[&["x"], &["x", "y", "z"]]), ["a  b", "x", "x  y"]);
        assert_eq!(of(&["e\u{301}\u{301}", "b"], &[&["日本", "c"]]), ["e\u{301}\u{301}     b", "日本  c"]);
    }

    #[test]
    fn a_long_cell_is_cut_and_widens_no_other_row() {
        for long in [WIDEST + 1, 65_536, 70_000, 1 << 20] {
            let lines = of(&["a", "b"], &[&[&"é".repeat(long), "1"], &["x", "2"]]);
            assert!(lines[1].ends_with(" 1") && lines[1].chars().count() < LONGEST + 60, "{}", lines[1].chars().count());
            assert_eq!(lines[1].contains(&format!("… and {} more characters", long.saturating_sub(LONGEST))), long > LONGEST);
            assert_eq!(lines[2], format!("x{}  2", " ".repeat(WIDEST - 1)));
        }
        let wide: Vec<String> = (0..5_000).map(|column| column.to_string()).collect();
        let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
        assert_eq!(of(&wide, &[&wide])[0].split_whitespace().count(), 5_000);
    }
}
