//! Which blocks of a playbook run on a recording: each is made to leave an empty table, whose title is its number.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::operators::body;
use super::tokens::tokens;

/// A playbook whose blocks tell that they run.
pub(crate) struct Marked {
    pub(crate) text: String,
    /// For each byte at which a block begins or ends, the block that is innermost from there on.
    from: Vec<(usize, Option<usize>)>,
    /// For each byte at which that changes, whether what stands from there on may be left out although its block runs: what follows `&&`,
    /// `||` or `??`, and the condition of an arm.
    at_times: Vec<(usize, bool)>,
}

impl Marked {
    /// Marks every block: bodies, branches, and the arms of `switch`.
    pub(crate) fn of(text: &str) -> Self {
        let all = tokens(text, body(text));
        let mut marked = text[..all.first().map_or(text.len(), |token| token.bytes.start)].to_owned();
        let mut copied = marked.len();
        let mut from = Vec::new();
        // What is open, each with the block that it is, and whether it is a `switch` or one of its arms.
        let mut open: Vec<(Option<usize>, bool, bool)> = Vec::new();
        let (mut count, mut switch) = (0, None);
        for token in &all {
            let mark = &text[token.bytes.clone()];
            let inner = |open: &Vec<(Option<usize>, bool, bool)>| open.last().and_then(|(block, ..)| *block);
            let mut copy = |marked: &mut String, to: usize| {
                marked.push_str(&text[copied..to]);
                copied = to;
            };
            // An arm ends with a comma, or with its `switch`.
            if open.last().is_some_and(|(_, _, arm)| *arm) && matches!(mark, "," | "}") {
                copy(&mut marked, token.bytes.start);
                marked.push_str(" }");
                open.pop();
                from.push((token.bytes.start, inner(&open)));
            }
            match mark {
                "switch" => switch = Some(open.len()),
                "(" | "[" | "#{" | "${" => open.push((inner(&open), false, false)),
                "{" => {
                    let is_switch = switch == Some(open.len());
                    if is_switch {
                        switch = None;
                        open.push((inner(&open), true, false));
                    } else {
                        copy(&mut marked, token.bytes.end);
                        write!(marked, " table(\"@{count}\", [\"n\"], []); ").expect("a text");
                        open.push((Some(count), false, false));
                        from.push((token.bytes.start, Some(count)));
                        count += 1;
                    }
                }
                "=>" if open.last().is_some_and(|(_, switch, _)| *switch) => {
                    copy(&mut marked, token.bytes.end);
                    write!(marked, " {{ table(\"@{count}\", [\"n\"], []); ").expect("a text");
                    open.push((Some(count), false, true));
                    from.push((token.bytes.start, Some(count)));
                    count += 1;
                }
                ")" | "]" | "}" => {
                    open.pop();
                    from.push((token.bytes.end, inner(&open)));
                }
                _ => {}
            }
        }
        marked.push_str(&text[copied..]);
        Self { text: marked, from, at_times: at_times(text) }
    }

    /// Whether what stands at a byte may be left out although its block runs.
    pub(crate) fn at_times(&self, byte: usize) -> bool {
        self.at_times.iter().take_while(|(at, _)| *at <= byte).last().is_some_and(|(_, at_times)| *at_times)
    }

    /// The innermost block around a byte; `None` outside of all of them.
    pub(crate) fn block(&self, byte: usize) -> Option<usize> {
        self.from.iter().take_while(|(at, _)| *at <= byte).last().and_then(|(_, block)| *block)
    }
}

fn at_times(text: &str) -> Vec<(usize, bool)> {
    let (mut all, mut open, mut now, mut before) = (Vec::new(), Vec::new(), false, "");
    for token in tokens(text, body(text)) {
        let mark = &text[token.bytes.clone()];
        match mark {
            "(" | "[" | "{" | "#{" | "${" => {
                open.push(now);
                now &= mark != "{";
            }
            ")" | "]" | "}" => now = open.pop().unwrap_or(false),
            ";" | "," | "=>" => now = *open.last().unwrap_or(&false) && mark == ",",
            // Behind a parenthesis or a comma it begins a closure, which may never be called.
            "&&" | "??" | "|" => now = true,
            // The condition of an arm stands behind a value, and that of a statement behind none.
            "if" if before.ends_with(['"', '_']) => now = true,
            _ => {}
        }
        all.push((token.bytes.start, now));
        before = mark;
    }
    all
}

/// The blocks that ran, by the titles of a run's tables.
pub(crate) fn ran<'a>(titles: impl Iterator<Item = &'a str>) -> BTreeSet<usize> {
    titles.filter_map(|title| title.strip_prefix('@')?.parse().ok()).collect()
}
