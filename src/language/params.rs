//! The values of a playbook's parameters: `--set` before environment before `--params` before site before default.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::header::{Header, Param, ParamKind};
use crate::model::nearest::nearest;
use crate::model::{amount, request_text, vantage_text};

/// The parameter that a kubeconfig's context gives.
const NAMESPACE: &str = "namespace";

/// Where values may come from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// `--set k=v`, in order; the last of a name wins.
    pub set: Vec<(String, String)>,
    pub params_file: Option<BTreeMap<String, Value>>,
    /// Environment variables, all of them; `LBDIAG_PARAM_NAME` and `LBDIAG_NAME` in capitals are looked up.
    pub env: Vec<(String, String)>,
    pub site: BTreeMap<String, Value>,
    /// The namespace that the kubeconfig's context names: a parameter of that name has it by default.
    pub context: Option<String>,
    /// The parameters of the run that is replayed.
    pub recorded: Option<BTreeMap<String, Value>>,
}

/// Every parameter's value; a parameter without one is `null`.
///
/// # Errors
/// A usage error that names the parameter and, for an unknown one, the nearest.
pub fn resolve(header: &Header, inputs: &Inputs) -> Result<BTreeMap<String, Value>, String> {
    let known = |name: &str| header.params.iter().find(|param| param.name == name);
    for name in inputs.set.iter().map(|(name, _)| name).chain(inputs.params_file.iter().flat_map(BTreeMap::keys)) {
        if known(name).is_none() {
            let names = header.params.iter().map(|param| param.name.as_str());
            let hint = nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("playbook {} has no parameter `{name}`{hint}", header.name));
        }
    }
    let mut values = BTreeMap::new();
    for param in &header.params {
        let value = match given(param, inputs) {
            Some((value, _)) => checked(param, &value)?,
            None if param.required => {
                return Err(format!(
                    "playbook {} needs the parameter `{}` ({}): --set {}=…",
                    header.name, param.name, param.help, param.name
                ));
            }
            None => Value::Null,
        };
        values.insert(param.name.clone(), value);
    }
    Ok(values)
}

/// Where each parameter's value comes from, in the words of a person; a parameter without one is left out.
#[must_use]
pub fn sources(header: &Header, inputs: &Inputs) -> BTreeMap<String, String> {
    let named = header.params.iter().filter_map(|param| Some((param.name.clone(), given(param, inputs)?.1)));
    named.collect()
}

/// A value, and where it comes from.
fn given(param: &Param, inputs: &Inputs) -> Option<(Value, String)> {
    let env_name = format!("LBDIAG_{}", param.name.to_uppercase().replace('-', "_"));
    let set = inputs.set.iter().rev().find(|(name, _)| *name == param.name).map(|(_, value)| json!(value));
    let from = |source: &str| {
        let source = source.to_owned();
        move |value: Value| (value, source)
    };
    let file = || inputs.params_file.as_ref().and_then(|file| file.get(&param.name).cloned());
    let recorded = || inputs.recorded.as_ref().and_then(|recorded| recorded.get(&param.name).cloned()).filter(|value| !value.is_null());
    let env = || inputs.env.iter().find(|(name, _)| *name == env_name).map(|(_, value)| json!(value));
    set.map(from("--set"))
        .or_else(|| env().map(from(&env_name)))
        .or_else(|| file().map(from("--params")))
        .or_else(|| recorded().map(from("recording")))
        .or_else(|| inputs.site.get(&param.name).cloned().map(from("site")))
        .or_else(|| inputs.context.as_ref().filter(|_| param.name == NAMESPACE).map(|name| json!(name)).map(from("kubeconfig")))
        .or_else(|| param.default.clone().map(from("default")))
}

/// The value in its parameter's kind.
///
/// # Errors
/// Says what the parameter takes.
pub fn checked(param: &Param, value: &Value) -> Result<Value, String> {
    let text = plain(value);
    let wrong = |takes: &str| Err(format!("parameter `{}` takes {takes}, not `{text}`", param.name));
    match param.kind {
        ParamKind::String => Ok(json!(text)),
        ParamKind::Int => match text.parse::<i64>() {
            Ok(number) if param.least.is_none_or(|least| number >= least) && param.most.is_none_or(|most| number <= most) => {
                Ok(json!(number))
            }
            _ => wrong(&whole_number(param)),
        },
        ParamKind::Bool => text.parse::<bool>().map(|flag| json!(flag)).or_else(|_| wrong("true or false")),
        ParamKind::Ip => text.parse::<IpAddr>().map(|address| json!(address)).or_else(|_| wrong("an IP address")),
        ParamKind::Cidr => text.parse::<ipnet::IpNet>().map(|net| json!(net)).or_else(|_| wrong("a network such as 10.0.0.0/8")),
        ParamKind::Duration => {
            let milliseconds = text.strip_suffix("ms").is_some_and(|number| number.parse::<u64>().is_ok());
            if milliseconds || amount::seconds(&text).is_ok() { Ok(json!(text)) } else { wrong("a duration such as 500ms, 5s, 2m or 14d") }
        }
        ParamKind::Port => {
            let number = text.parse::<u16>().is_ok_and(|number| number > 0);
            let name = !text.is_empty()
                && text.len() <= 63
                && text.chars().any(|c| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if number || name { Ok(json!(text)) } else { wrong("a port's name or number") }
        }
        ParamKind::Enum => {
            if param.values.contains(&text) {
                Ok(json!(text))
            } else {
                wrong(&format!("one of {}", param.values.join(", ")))
            }
        }
        ParamKind::List => Ok(json!(parts(&text))),
        ParamKind::Vantages => match vantage_text::parse(&text) {
            Ok(_) => Ok(json!(parts(&text))),
            Err(why) => Err(format!("parameter `{}`: {why}", param.name)),
        },
        ParamKind::Name => named(param, request_text::name(&text).map(|name| json!(name))),
        ParamKind::Host => named(param, request_text::host(&text).map(|host| json!(host))),
        ParamKind::Path => named(param, request_text::path(&text).map(|path| json!(path))),
        ParamKind::Statuses => named(param, request_text::statuses(&text).map(|all| json!(all))),
        // Kept as it was written: the word reads it again.
        ParamKind::Payload => named(param, request_text::payload(&text).map(|_| json!(text))),
        ParamKind::Sizes => named(param, request_text::sizes(&text).map(|all| json!(all))),
        ParamKind::ListOf(each) => list(param, each.kind(), value),
        ParamKind::Map => map(param, value),
        // The file is read by whoever prepares the run; of a recorded run it was.
        ParamKind::Outcome => match value {
            Value::Object(_) => Ok(value.clone()),
            Value::String(file) if !file.is_empty() => Ok(json!(file)),
            _ => wrong("the file of an earlier run's outcome, as `--report json=FILE` writes it"),
        },
    }
}

/// A value as it would be written behind `--set`.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Several values of one kind: each is what a parameter of that kind takes.
fn list(param: &Param, each: ParamKind, value: &Value) -> Result<Value, String> {
    let one = Param { kind: each, ..param.clone() };
    let text = plain(value);
    parts(&text).into_iter().map(|part| checked(&one, &json!(part))).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// Texts by name: a map, or `NAME=TEXT` by comma.
fn map(param: &Param, value: &Value) -> Result<Value, String> {
    let mut all = serde_json::Map::new();
    let takes = |given: &str| format!("parameter `{}` takes texts by name, such as n1=A,n2=B, not `{given}`", param.name);
    if let Value::Object(entries) = value {
        for (name, entry) in entries {
            if entry.is_object() || entry.is_array() || entry.is_null() {
                return Err(takes(&format!("{name}: {entry}")));
            }
            all.insert(name.clone(), json!(plain(entry)));
        }
        return Ok(Value::Object(all));
    }
    for part in parts(&plain(value)) {
        let (name, text) = part.split_once('=').filter(|(name, _)| !name.trim().is_empty()).ok_or_else(|| takes(part))?;
        if all.insert(name.trim().to_owned(), json!(text.trim())).is_some() {
            return Err(format!("parameter `{}` names `{}` twice", param.name, name.trim()));
        }
    }
    Ok(Value::Object(all))
}

/// What an `int` takes, in words.
fn whole_number(param: &Param) -> String {
    match (param.least, param.most) {
        (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
        (Some(least), None) => format!("a whole number from {least} on"),
        (None, Some(most)) => format!("a whole number up to {most}"),
        (None, None) => "a whole number".to_owned(),
    }
}

fn named(param: &Param, value: Result<Value, String>) -> Result<Value, String> {
    value.map_err(|why| format!("parameter `{}`: {why}", param.name))
}

/// The parts of a list that is written with commas.
fn parts(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Inputs, resolve};
    use crate::language::header::Header;
    use crate::language::read_header;
    use crate::model::diagnostic::Source;
    use serde_json::json;

    fn read(text: &str) -> Option<Header> {
        read_header::read(&Source { file: "a.rhai", text }).ok()
    }

    fn header() -> Header {
        read("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   service: { type: string }\n//!   tries: { type: int, default: 8 }\n//!   from: { type: vantages, default: local }\n//!   port: { type: port, required: false }\n//! ---\n").unwrap()
    }

    fn set(pairs: &[(&str, &str)]) -> Inputs {
        Inputs { set: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(), ..Inputs::default() }
    }

    #[test]
    fn set_comes_before_all() {
        let mut inputs = set(&[("service", "web"), ("tries", "3")]);
        inputs.env = vec![("LBDIAG_TRIES".into(), "5".into()), ("LBDIAG_FROM".into(), "ssh:c1, ssh:c2".into())];
        let values = resolve(&header(), &inputs).unwrap();
        assert_eq!(values["tries"], json!(3));
        assert_eq!(values["from"], json!(["ssh:c1", "ssh:c2"]));
        assert_eq!(values["port"], json!(null));
        let sources = super::sources(&header(), &inputs);
        assert_eq!((sources["tries"].as_str(), sources["from"].as_str()), ("--set", "LBDIAG_FROM"));
        assert_eq!(sources.get("port"), None);
    }

    #[test]
    fn wrong_names_and_values_are_named() {
        assert!(resolve(&header(), &set(&[("servcie", "web")])).unwrap_err().contains("did you mean `service`"));
        assert!(resolve(&header(), &set(&[])).unwrap_err().contains("needs the parameter `service`"));
        assert!(resolve(&header(), &set(&[("service", "w"), ("tries", "many")])).unwrap_err().contains("`tries` takes a whole number"));
        for tries in ["0", "-1", "1001"] {
            let bounded = read("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   tries: { type: int, least: 1, most: 1000 }\n//! ---\n").unwrap();
            let error = resolve(&bounded, &set(&[("tries", tries)])).unwrap_err();
            assert!(error.contains("a whole number from 1 to 1000, not"), "{error}");
        }
        assert!(resolve(&header(), &set(&[("service", "w"), ("port", "99999")])).unwrap_err().contains("port"));
        assert!(resolve(&header(), &set(&[("service", "w"), ("from", "sh:c1")])).unwrap_err().contains("`sh:c1` is no vantage point"));
    }

    #[test]
    fn lists_of_a_kind_and_maps_are_taken_part_by_part() {
        let header = read("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   at: { type: list<ip>, required: false }\n//!   counts: { type: list<int>, least: 1, most: 9, default: [3, 4] }\n//!   racks: { type: map, default: { n1: A, n2: 2 } }\n//! ---\n").unwrap();
        let values = resolve(&header, &set(&[("at", "10.0.0.1, fd00::1")])).unwrap();
        assert_eq!((values["at"].clone(), values["counts"].clone()), (json!(["10.0.0.1", "fd00::1"]), json!([3, 4])));
        assert_eq!(values["racks"], json!({"n1": "A", "n2": "2"}));
        assert_eq!(resolve(&header, &set(&[("racks", "n1 = A,n2=b=c")])).unwrap()["racks"], json!({"n1": "A", "n2": "b=c"}));
        assert_eq!(resolve(&header, &set(&[("at", "")])).unwrap()["at"], json!([]));
        for (name, value, why) in [
            ("at", "10.0.0.1,x", "`at` takes an IP address, not `x`"),
            ("counts", "1,10", "a whole number from 1 to 9, not `10`"),
            ("racks", "n1", "texts by name, such as n1=A,n2=B, not `n1`"),
            ("racks", "=A", "texts by name"),
            ("racks", "n1=A,n1=B", "names `n1` twice"),
        ] {
            let error = resolve(&header, &set(&[(name, value)])).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_duration_is_what_the_word_of_that_name_takes_or_milliseconds() {
        let header =
            read("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   last: { type: duration }\n//! ---\n").unwrap();
        for good in ["500ms", "5s", "2m", "1h30m", "14d"] {
            assert_eq!(resolve(&header, &set(&[("last", good)])).unwrap()["last"], json!(good));
        }
        for wrong in ["", "5", "ms", "14 days", "-1d"] {
            assert!(resolve(&header, &set(&[("last", wrong)])).unwrap_err().contains("a duration such as 500ms, 5s, 2m or 14d"), "{wrong}");
        }
    }

    #[test]
    fn what_a_probe_sends_is_checked_before_anything_is_touched() {
        let header = read("//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! params:\n//!   path: { type: path, required: false }\n//!   status: { type: statuses, required: false }\n//!   sni: { type: name, required: false }\n//!   host: { type: host, required: false }\n//!   payload: { type: payload, required: false }\n//!   sizes: { type: sizes, required: false }\n//! ---\n").unwrap();
        let good = [
            ("path", "/a?b=1"),
            ("status", "200,204"),
            ("sni", "web.example"),
            ("host", "web:80"),
            ("payload", "hex:00ff"),
            ("sizes", "9,3"),
        ];
        let values = resolve(&header, &set(&good)).unwrap();
        assert_eq!((values["status"].clone(), values["sizes"].clone()), (json!([200, 204]), json!([3, 9])));
        assert_eq!(values["payload"], json!("hex:00ff"));
        for (name, value) in [("path", "a b"), ("status", "ok"), ("sni", "-x"), ("host", "a b"), ("payload", "hex:0"), ("sizes", "big")] {
            let error = resolve(&header, &set(&[(name, value)])).unwrap_err();
            assert!(error.starts_with(&format!("parameter `{name}`: it takes")) || error.contains("after hex: it takes"), "{error}");
        }
    }
}
