//! Every kind of object that words read, as a question to the API.

use super::Kind;
use crate::model::kinds::KINDS;

/// All of them.
#[must_use]
pub fn every_kind() -> Vec<Kind> {
    KINDS.iter().map(|kind| Kind::of(kind.group, kind.version, kind.plural)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What words ask for stands in their sources: `Kind::core("pods")` and the like.
    #[test]
    fn no_kind_that_a_word_reads_is_forgotten() {
        let mut folders = vec![std::path::PathBuf::from("src/words")];
        let mut asked = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                // What a test names is asked of nobody.
                let text = text.split("#[cfg(test)]").next().unwrap_or_default();
                for (begin, count) in [("Kind::core(", 1), ("Kind::metallb(", 1), ("Kind::of(", 3)] {
                    for call in text.split(begin).skip(1) {
                        let arguments: Vec<&str> = call.split(')').next().unwrap_or_default().split(',').map(str::trim).collect();
                        let Some(plural) =
                            arguments.get(count - 1).and_then(|text| text.strip_prefix('"')).and_then(|text| text.strip_suffix('"'))
                        else {
                            continue;
                        };
                        asked += 1;
                        assert!(KINDS.iter().any(|known| known.plural == plural), "{}: {plural}", path.display());
                    }
                }
            }
        }
        assert!(asked > 20, "only {asked} questions found");
    }
}
