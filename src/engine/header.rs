//! A playbook's header: YAML in Rhai's own module documentation, readable without running anything.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What a playbook says of itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub name: String,
    pub version: String,
    pub about: String,
    /// `lbdiag >=0.1`
    #[serde(default)]
    pub requires: Option<String>,
    /// The capabilities that its words may use; a word outside of them does not run.
    #[serde(default)]
    pub uses: Vec<String>,
    #[serde(default, deserialize_with = "params")]
    pub params: Vec<Param>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub kind: ParamKind,
    pub help: String,
    pub required: bool,
    pub default: Option<Value>,
    /// For `enum`: the values that are allowed.
    pub values: Vec<String>,
    /// For `int`: the least and the most that is allowed.
    pub least: Option<i64>,
    pub most: Option<i64>,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamKind {
    String,
    Int,
    Bool,
    Ip,
    Cidr,
    /// `500ms`, `5s`, `2m`.
    Duration,
    /// A port's name or number.
    Port,
    Enum,
    /// Several texts, by comma.
    List,
    /// Places to ask from, by comma: `local`, `ssh:HOST`, `node:NAME`.
    Vantages,
    /// A DNS name.
    Name,
    /// A host as HTTP names it: a name or an address, with a port or without.
    Host,
    /// The path of an HTTP request.
    Path,
    /// HTTP statuses, by comma.
    Statuses,
    /// A datagram's payload: text, or `hex:` with hexadecimal digits.
    Payload,
    /// Sizes of a request in bytes, by comma.
    Sizes,
}

impl ParamKind {
    /// The word that headers use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Duration => "duration",
            Self::Port => "port",
            Self::Enum => "enum",
            Self::List => "list",
            Self::Vantages => "vantages",
            Self::Name => "name",
            Self::Host => "host",
            Self::Path => "path",
            Self::Statuses => "statuses",
            Self::Payload => "payload",
            Self::Sizes => "sizes",
        }
    }
}

/// Capabilities that exist.
pub const CAPABILITIES: [&str; 5] = ["cluster.read", "node.read", "node.capture", "pod.capture", "probe"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParam {
    r#type: ParamKind,
    #[serde(default)]
    help: String,
    #[serde(default = "yes")]
    required: bool,
    #[serde(default)]
    default: Option<Value>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    least: Option<i64>,
    #[serde(default)]
    most: Option<i64>,
}

fn yes() -> bool {
    true
}

fn params<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Param>, D::Error> {
    let raw = BTreeMap::<String, RawParam>::deserialize(deserializer)?;
    Ok(raw
        .into_iter()
        .map(|(name, raw)| Param {
            name,
            kind: raw.r#type,
            help: raw.help,
            required: raw.required && raw.default.is_none(),
            default: raw.default,
            values: raw.values,
            least: raw.least,
            most: raw.most,
        })
        .collect())
}

/// The header of a playbook's source.
///
/// # Errors
/// Says what is wrong and in which line of the source, counted from 1.
pub fn read(source: &str) -> Result<Header, (usize, String)> {
    let mut yaml = String::new();
    let mut begun = None;
    for (number, line) in source.lines().enumerate() {
        let Some(text) = line.strip_prefix("//!") else {
            if begun.is_none() && line.trim().is_empty() {
                continue;
            }
            break;
        };
        let text = text.strip_prefix(' ').unwrap_or(text);
        if text.trim_end() == "---" {
            if begun.is_some() {
                return parse(&yaml, begun.unwrap_or(0));
            }
            begun = Some(number + 1);
        } else if begun.is_some() {
            yaml.push_str(text);
            yaml.push('\n');
        }
    }
    Err((1, "the playbook has no header: it begins with lines `//! ---`, `//! name: …`, `//! ---`".to_owned()))
}

fn parse(yaml: &str, first: usize) -> Result<Header, (usize, String)> {
    let header: Header = serde_yaml::from_str(yaml).map_err(|error| {
        let line = error.location().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
        let text = error.to_string();
        (first + line, format!("the header is wrong: {}", text.lines().next().unwrap_or_default()))
    })?;
    for capability in &header.uses {
        if !CAPABILITIES.contains(&capability.as_str()) {
            let hint = crate::analysis::similar::nearest(capability, CAPABILITIES)
                .map(|near| format!("; did you mean {near}?"))
                .unwrap_or_default();
            return Err((first, format!("the header uses the unknown capability {capability}{hint}")));
        }
    }
    if let Some(requires) = &header.requires {
        check_version(requires).map_err(|why| (first, why))?;
    }
    Ok(header)
}

fn check_version(requires: &str) -> Result<(), String> {
    let wanted = requires.trim().strip_prefix("lbdiag").map(str::trim).and_then(|rest| rest.strip_prefix(">=")).map(str::trim);
    let Some(wanted) = wanted else { return Err(format!("`requires: {requires}` is not understood; write `lbdiag >=0.1`")) };
    let own = crate::analysis::election::version(env!("CARGO_PKG_VERSION"));
    if crate::analysis::election::version(wanted) > own {
        return Err(format!("the playbook requires lbdiag {wanted} or newer, this is {}", env!("CARGO_PKG_VERSION")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ParamKind, read};

    const GOOD: &str = "//! ---\n//! name: a\n//! version: 1.0.0\n//! about: b\n//! requires: lbdiag >=0.1\n//! uses: [cluster.read]\n//! params:\n//!   service: { type: string, help: The Service. }\n//!   tries: { type: int, default: 8 }\n//! ---\nlet x = 1;\n";

    #[test]
    fn a_header_is_read() {
        let header = read(GOOD).unwrap();
        assert_eq!(header.params.len(), 2);
        assert!(header.params[0].required && header.params[0].kind == ParamKind::String);
        assert!(!header.params[1].required);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(read("let x = 1;").unwrap_err().1.contains("no header"));
        assert!(read(&GOOD.replace("cluster.read", "cluster.reed")).unwrap_err().1.contains("did you mean cluster.read"));
        assert!(read(&GOOD.replace(">=0.1", ">=9.1")).unwrap_err().1.contains("requires lbdiag 9.1"));
        assert!(read(&GOOD.replace("about", "abuot")).unwrap_err().1.contains("header is wrong"));
    }
}
