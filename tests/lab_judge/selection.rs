//! Which faults are judged: all, a named set, or those that only a lab with settings of its own can make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::fault::Named;

/// What `LAB_SET` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    All,
    /// Faults that name a setting of the lab: `LAB_SET=own`.
    Own,
    /// The names in a file of `tests/lab/sets/`.
    Named(BTreeSet<String>),
}

impl Selection {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// When there is no such set.
    pub fn read(wanted: &str, sets: &Path) -> Result<Self, String> {
        match wanted {
            "" => Ok(Self::All),
            "own" => Ok(Self::Own),
            name if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
                let file = sets.join(name);
                let text = std::fs::read_to_string(&file).map_err(|error| format!("LAB_SET={name}: read {}: {error}", file.display()))?;
                Ok(Self::Named(names(&text)))
            }
            other => Err(format!("LAB_SET={other} is no name of a set")),
        }
    }

    /// Names of the set that no fault has: a set that checks less than it says is a mistake.
    pub fn missing(&self, faults: &[Named]) -> Vec<String> {
        let Self::Named(names) = self else { return Vec::new() };
        names.iter().filter(|name| !faults.iter().any(|fault| fault.name == **name)).cloned().collect()
    }

    /// Whether it takes the fault. A file that cannot be read is always taken, so that its error is shown.
    pub fn takes(&self, named: &Named) -> bool {
        match self {
            Self::All => true,
            Self::Own => named.fault.as_ref().map_or(true, |fault| !fault.lab.is_empty()),
            Self::Named(names) => names.contains(&named.name),
        }
    }
}

/// One name a line; what follows a `#` is for people.
fn names(text: &str) -> BTreeSet<String> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What the score of a lab with other settings than usual is called: labs of different kinds have scores of their own.
pub fn score_name(settings: &BTreeMap<String, String>, usual: &BTreeMap<String, String>) -> String {
    let kinds = ["LAB_METALLB", "LAB_PROXY", "LAB_CNI", "LAB_BGP", "LAB_STACK"];
    let different: Vec<&str> = kinds
        .into_iter()
        .filter_map(|name| settings.get(name).filter(|value| usual.get(name) != Some(value)))
        .map(String::as_str)
        .collect();
    std::iter::once("score").chain(different).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_names_with_remarks() {
        assert_eq!(names("# the set\na\n  b # because\n\n").into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_lab_of_another_kind_has_a_score_of_its_own() {
        let settings =
            |proxy: &str, bgp: &str| BTreeMap::from([("LAB_PROXY".to_owned(), proxy.to_owned()), ("LAB_BGP".to_owned(), bgp.to_owned())]);
        let usual = settings("iptables", "none");
        assert_eq!(score_name(&usual, &usual), "score");
        assert_eq!(score_name(&settings("nftables", "native"), &usual), "score-nftables-native");
    }

    #[test]
    fn a_set_that_does_not_exist_is_an_error() {
        let sets = Path::new("tests/lab/sets");
        assert!(Selection::read("nothing-of-that-name", sets).is_err());
        assert!(Selection::read("../lab", sets).is_err());
        assert!(matches!(Selection::read("ci", sets), Ok(Selection::Named(names)) if names.len() > 20));
    }
}
