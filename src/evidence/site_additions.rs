//! What a site adds to playbooks that others wrote: steps of its own around theirs, its own data, and what its findings weigh.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inside::inside;
use super::text_file;

/// A hook as the site file writes it: one of `before`, `after` and `around` names the step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hook {
    /// The playbook's name, as its header has it.
    pub playbook: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub around: Option<String>,
    /// The fragment's file, below the folder of the site file.
    pub run: String,
}

/// When a fragment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    Before,
    After,
    /// In its place: the fragment calls the step.
    Around,
}

impl When {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Around => "around",
        }
    }
}

/// A hook with its fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    pub playbook: String,
    pub when: When,
    pub step: String,
    /// Its file, as the site names it.
    pub path: String,
    pub text: String,
}

/// A value of the site's own, of a type.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Datum {
    #[serde(rename = "type")]
    pub kind: DatumKind,
    pub value: Value,
}

/// What such a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatumKind {
    Text,
    Int,
    Bool,
    Ip,
    Cidr,
    List,
    Map,
}

/// A finding that a site lives with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The finding's name.
    pub finding: String,
    /// What it blames, or what lies above it; anything when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day, such as 2027-01-31; for ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Hook {
    /// The hook with its fragment, from below the site's folder.
    ///
    /// # Errors
    /// When it does not say one step, or its file cannot be read.
    pub fn read(&self, folder: &Path) -> Result<Fragment, String> {
        let named = [(When::Before, &self.before), (When::After, &self.after), (When::Around, &self.around)];
        let mut named = named.into_iter().filter_map(|(when, step)| Some((when, step.clone()?)));
        let (Some((when, step)), None) = (named.next(), named.next()) else {
            return Err("a hook names one step, by `before`, `after` or `around`".to_owned());
        };
        if self.playbook.is_empty() {
            return Err("a hook names its `playbook`, such as metallb-flow".to_owned());
        }
        let file = inside(folder, &self.run)?;
        let text = text_file::read(&file).map_err(|error| format!("read {}: {error}", file.display()))?;
        Ok(Fragment { playbook: self.playbook.clone(), when, step, path: file.display().to_string(), text })
    }
}

impl Datum {
    /// Whether the value is of its type.
    ///
    /// # Errors
    /// When it is of another.
    pub fn check(&self, name: &str) -> Result<(), String> {
        let text = || self.value.as_str();
        let fits = match self.kind {
            DatumKind::Text => self.value.is_string(),
            DatumKind::Int => self.value.is_i64(),
            DatumKind::Bool => self.value.is_boolean(),
            DatumKind::Ip => text().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok()),
            DatumKind::Cidr => text().is_some_and(|text| text.parse::<ipnet::IpNet>().is_ok()),
            DatumKind::List => self.value.is_array(),
            DatumKind::Map => self.value.is_object(),
        };
        if fits {
            return Ok(());
        }
        let kind = serde_json::to_value(self.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
        Err(format!("data.{name}: the value is not of the type {kind}"))
    }
}

impl Accepted {
    /// Whether it accepts a finding that blames `culprit` on that day, `2026-11-23`.
    #[must_use]
    pub fn accepts(&self, finding: &str, culprit: &str, today: &str) -> bool {
        let below = |above: &String| culprit == above || culprit.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.finding == finding
            && self.culprit.as_ref().is_none_or(below)
            && self.until.as_ref().is_none_or(|until| today <= until.as_str())
    }

    /// # Errors
    /// When its last day is none.
    pub fn check(&self) -> Result<(), String> {
        match &self.until {
            Some(until) if until.parse::<jiff::civil::Date>().is_err() || until.len() != 10 => {
                Err(format!("accepted: `until: {until}` is no day: write it as 2027-01-31"))
            }
            _ => Ok(()),
        }
    }
}

/// A site's own values, by name.
pub type Data = BTreeMap<String, Datum>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_finding_is_one_of_that_name_at_that_place_until_that_day() {
        let accepted = Accepted {
            finding: "route/asymmetric".into(),
            culprit: Some("node/n3".into()),
            reason: "x".into(),
            until: Some("2027-01-31".into()),
        };
        assert!(accepted.accepts("route/asymmetric", "node/n3", "2027-01-31"));
        assert!(accepted.accepts("route/asymmetric", "node/n3/route/main", "2026-12-01"));
        for (finding, culprit, today) in [
            ("route/asymmetric", "node/n33", "2026-12-01"),
            ("route/x", "node/n3", "2026-12-01"),
            ("route/asymmetric", "node/n3", "2027-02-01"),
        ] {
            assert!(!accepted.accepts(finding, culprit, today), "{finding} {culprit} {today}");
        }
        assert!(Accepted { until: Some("soon".into()), ..accepted }.check().unwrap_err().contains("is no day"));
    }

    #[test]
    fn data_is_of_its_type() {
        let of = |kind: DatumKind, value: Value| Datum { kind, value }.check("x").is_ok();
        assert!(of(DatumKind::Cidr, "10.0.0.0/24".into()) && of(DatumKind::Int, 3.into()) && of(DatumKind::List, vec![1].into()));
        assert!(!of(DatumKind::Ip, "10.0.0.0/24".into()) && !of(DatumKind::Int, "3".into()) && !of(DatumKind::Map, vec![1].into()));
    }
}
