//! What the drawings share: how long a text is, and how a name is shortened that has no room.

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

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn the_ends_of_a_name_stay() {
        assert_eq!(shortened("n2", 9), "n2");
        assert_eq!(shortened("stacklight/iam-proxy-79cb-svmfd", 11), "stack…svmfd");
    }
}
