//! Reads the outcomes of earlier runs that parameters name, and keeps of each what it can be compared by.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::evidence::text_file;
use crate::language::header::{Header, ParamKind};
use crate::model::observed::Observed;
use crate::model::outcome::Outcome;

/// Bytes of such a file: a report holds 8 MiB of text at most, which JSON writes out longer.
const MOST: u64 = 64 << 20;

/// Puts what was read in the place of each file's name. What is an outcome already, as in a recording, stays.
///
/// # Errors
/// When a file cannot be read, or holds no outcome.
pub(super) fn read(header: &Header, params: &mut BTreeMap<String, Value>) -> Result<(), String> {
    for param in header.params.iter().filter(|param| param.kind == ParamKind::Outcome) {
        if let Some(Value::String(file)) = params.get(&param.name) {
            let value = kept(file).map_err(|why| format!("parameter `{}`: {why}", param.name))?;
            params.insert(param.name.clone(), value);
        }
    }
    Ok(())
}

fn kept(file: &str) -> Result<Value, String> {
    let bytes = text_file::bytes(Path::new(file), MOST).map_err(|error| format!("read {file}: {error}"))?;
    let outcome: Outcome = serde_json::from_slice(&bytes)
        .map_err(|error| format!("{file} is no outcome of a run: {error}; `lbdiag run … --report json=FILE` writes one"))?;
    let service = outcome.observed.service.clone();
    let from: Vec<String> = outcome.observed.tries.iter().map(|tries| tries.from.clone()).collect();
    Ok(json!({
        "file": file,
        "started": outcome.started,
        "verdict": outcome.verdict,
        "namespace": service.as_ref().map(|service| &service.namespace),
        "service": service.as_ref().map(|service| &service.name),
        "port": service.as_ref().and_then(|service| service.port),
        "from": from,
        "outcome": compared_by(outcome),
    }))
}

/// The outcome without what no comparison reads.
fn compared_by(outcome: Outcome) -> Outcome {
    Outcome {
        params: BTreeMap::new(),
        again: String::new(),
        considered: Vec::new(),
        witnesses: Vec::new(),
        observed: Observed { states: Vec::new(), stages: Vec::new(), ..outcome.observed },
        remedies: Vec::new(),
        tables: Vec::new(),
        attachments: Vec::new(),
        steps: Vec::new(),
        ran: Vec::new(),
        captures: Vec::new(),
        clocks: Vec::new(),
        touched: Vec::new(),
        diagnostics: Vec::new(),
        ..outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::header::Param;

    #[test]
    fn what_is_no_outcome_is_refused_with_what_makes_one() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.json");
        std::fs::write(&file, "{\"verdict\": \"pass\"}").unwrap();
        let header = Header { params: vec![Param { kind: ParamKind::Outcome, ..Param::named("earlier") }], ..Header::default() };
        let mut params: BTreeMap<String, Value> = [("earlier".to_owned(), json!(file))].into();
        let error = read(&header, &mut params).unwrap_err();
        assert!(error.starts_with("parameter `earlier`: ") && error.contains("--report json=FILE"), "{error}");
        params.insert("earlier".to_owned(), json!(place.path().join("none.json")));
        assert!(read(&header, &mut params).unwrap_err().contains("none.json"));
        params.insert("earlier".to_owned(), json!({"file": "x", "outcome": {}}));
        assert_eq!(read(&header, &mut params), Ok(()));
    }
}
