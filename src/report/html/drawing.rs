//! What the parts of the page share: how a name is shortened that has no room, and how code in a sentence is shown.

use maud::{Markup, html};

use crate::model::text::one_line;

/// Columns of a monospaced letter of the drawings, in their own units.
pub(super) const LETTER: usize = 7;

/// A name in so many letters: the middle of a longer one is left out, since ends tell pods apart and begins workloads.
pub(super) fn shortened(name: &str, most: usize) -> String {
    let name = one_line(name);
    let count = name.chars().count();
    if count <= most || most < 3 {
        return name;
    }
    let (head, tail) = ((most - 1) / 2, most / 2);
    name.chars().take(head).chain(std::iter::once('…')).chain(name.chars().skip(count - tail)).collect()
}

/// A sentence in which what stands between backticks, such as a rule, is code.
pub(super) fn ticked(text: &str) -> Markup {
    let text = one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    // An odd number of ticks encloses nothing.
    let sound = parts.len() % 2 == 1;
    html! {
        @if !sound { (text) } @else {
            @for (at, part) in parts.iter().enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{shortened, ticked};

    #[test]
    fn what_is_quoted_is_code_and_a_lone_tick_is_a_tick() {
        assert_eq!(ticked("rule `-A <x>` took").into_string(), "rule <code>-A &lt;x&gt;</code> took");
        assert_eq!(ticked("a ` b").into_string(), "a ` b");
    }

    #[test]
    fn the_ends_of_a_name_stay() {
        assert_eq!(shortened("n2", 9), "n2");
        assert_eq!(shortened("stacklight/iam-proxy-79cb-svmfd", 11), "stack…svmfd");
    }
}
