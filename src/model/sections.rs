//! The answer of a script that prints sections: each begins with `=== NAME` and ends with `=== end STATUS`, both on lines of their own.

/// One section, as it was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    pub name: &'a str,
    /// Its lines, each with its end.
    pub text: &'a str,
    /// How its tool ended: a number, or `missing`. `None` where the answer ended in the middle, or the next section began in it.
    pub status: Option<&'a str>,
}

/// Everything before the first section is left out, and so is what stands between them.
#[must_use]
pub fn sections(answer: &str) -> Vec<Section<'_>> {
    let mut all = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0;
    for line in answer.split_inclusive('\n') {
        let (begins, bare) = (at, line.trim_end_matches(['\n', '\r']));
        at += line.len();
        let Some(mark) = bare.strip_prefix("=== ") else { continue };
        let status = mark.strip_prefix("end ");
        if let Some((name, from)) = open.take() {
            all.push(Section { name, text: &answer[from..begins], status });
        }
        if status.is_none() {
            open = Some((mark, at));
        }
    }
    all.extend(open.map(|(name, from)| Section { name, text: &answer[from..], status: None }));
    all
}

#[cfg(test)]
mod tests {
    use super::{Section, sections};

    #[test]
    fn an_answer_is_cut_at_its_marks() {
        let all = sections("before\n=== links\n1: lo\n=== end 0\nbetween\n=== nft\n=== end missing\n=== cut\nhalf");
        let section = |name, text, status| Section { name, text, status };
        assert_eq!(all, [section("links", "1: lo\n", Some("0")), section("nft", "", Some("missing")), section("cut", "half", None)]);
        assert!(sections("no marks\n=== end 0\n").is_empty() && sections("").is_empty());
    }

    #[test]
    fn a_section_within_a_section_ends_the_first() {
        let names: Vec<(&str, Option<&str>)> =
            sections("=== a\nx\n=== b\ny\n=== end 0\n").iter().map(|one| (one.name, one.status)).collect();
        assert_eq!(names, [("a", None), ("b", Some("0"))]);
    }
}
