//! Which hosts an `ssh_config` names by themselves. Nothing else of it is read here: `ssh -G` knows what it means.

/// Whether a text of `ssh_config` has an entry for that very name, and not only for a pattern that takes it.
#[must_use]
pub fn names(text: &str, host: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split(|c: char| c.is_whitespace() || c == '=').filter(|word| !word.is_empty());
        words.next().is_some_and(|keyword| keyword.eq_ignore_ascii_case("host")) && words.any(|word| word.trim_matches('"') == host)
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn an_entry_is_for_the_very_name() {
        let text = "# Host c9\nHost c1 \"c2\"\n  HostName 10.0.0.1\nhost=c3\nHost c*\n";
        for (host, named) in [("c1", true), ("c2", true), ("c3", true), ("c4", false), ("c9", false), ("10.0.0.1", false)] {
            assert_eq!(names(text, host), named, "{host}");
        }
    }
}
