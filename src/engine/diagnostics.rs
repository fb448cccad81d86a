//! Errors of a playbook, shown like a compiler's: file, line, the piece of source, the reason, what to try.

use rhai::{EvalAltResult, Position};

use crate::model::text::{hanging, one_line};

/// A message at a place of the source, with its line and a mark beneath the column.
#[must_use]
pub fn render(path: &str, source: &str, line: usize, column: usize, message: &str) -> String {
    let text = &one_line(source.lines().nth(line.saturating_sub(1)).unwrap_or_default());
    let (path, message) = (one_line(path), hanging(message));
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let before: String = text.chars().take(column.saturating_sub(1)).map(|_| ' ').collect();
    let length = text.chars().skip(column.saturating_sub(1)).take_while(|c| c.is_alphanumeric() || *c == '_').count().max(1);
    format!(
        "error: {message}\n{margin}--> {path}:{line}:{column}\n{margin} |\n{number} | {text}\n{margin} | {before}{}",
        "^".repeat(length)
    )
}

/// A parse or run error of Rhai, at its place.
#[must_use]
pub fn render_error(path: &str, source: &str, position: Position, message: &str) -> String {
    match position.line() {
        Some(line) => render(path, source, line, position.position().unwrap_or(1), message),
        None => format!("error: {}\n --> {}", hanging(message), one_line(path)),
    }
}

/// The innermost error with its position and a message without Rhai's own wrapping.
#[must_use]
pub fn innermost(error: &EvalAltResult) -> (Position, String) {
    let inner = error.unwrap_inner();
    let message = match inner {
        EvalAltResult::ErrorRuntime(value, _) => value.to_string(),
        EvalAltResult::ErrorFunctionNotFound(name, _) => function_not_found(name),
        other => {
            let mut bare = other.to_string();
            if let Some(at) = bare.rfind(" (line ") {
                bare.truncate(at);
            }
            bare
        }
    };
    let position = if inner.position().is_none() { error.position() } else { inner.position() };
    (position, message)
}

fn function_not_found(signature: &str) -> String {
    let name = signature.split([' ', '(']).next().unwrap_or(signature);
    if let Some(word) = crate::words::reference::word(name) {
        return format!("`{name}` does not take these arguments: {signature}; it is written {}", word.signature);
    }
    let names = crate::words::reference::WORDS.iter().map(|word| word.name);
    let hint = crate::analysis::similar::nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("there is no word `{name}`{hint}")
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn the_mark_stands_beneath_the_word() {
        let shown = render("a.rhai", "let x = 1;\nlet y = find_anouncer(x);\n", 2, 9, "there is no word `find_anouncer`");
        assert!(shown.contains("2 | let y = find_anouncer(x);\n  |         ^^^^^^^^^^^^^"), "{shown}");
    }
}
