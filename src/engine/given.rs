//! Gathers what was given for a playbook's parameters, source by source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::evidence::text_file;
use crate::language::params::Inputs;
use crate::model::diagnostic::{Diagnostic, Source, codes};
use crate::model::document;

/// Prefix of environment variables that set parameters.
const PREFIX: &str = "LBDIAG_";
/// Variables of that prefix that are options of the command line.
const OPTIONS: [&str; 1] = ["LBDIAG_SITE"];

/// What somebody asks a run with.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Parameters by name, before all other sources.
    pub set: Vec<(String, String)>,
    /// The namespace that the kubeconfig's context names.
    pub namespace: Option<String>,
    /// A file of parameters.
    pub params: Option<PathBuf>,
    /// The environment; what begins with `LBDIAG_` is taken.
    pub variables: Vec<(String, String)>,
    /// The site's file.
    pub site: Option<PathBuf>,
    /// Whether the API alone is read.
    pub static_only: bool,
    /// Whether nodes are reached through pods.
    pub via_pods: bool,
    /// The recording that is replayed.
    pub replay: Option<PathBuf>,
    /// The world that is looked at: a recording whose parameters are nobody's.
    pub world: Option<PathBuf>,
}

/// Everything that was given.
///
/// # Errors
/// When the parameters' file cannot be used.
pub(super) fn gather(asked: &Asked, site: &BTreeMap<String, Value>, recorded: Option<&BTreeMap<String, Value>>) -> Result<Inputs, String> {
    Ok(Inputs {
        set: asked.set.clone(),
        params_file: asked.params.as_deref().map(read).transpose()?,
        env: environment(asked.variables.iter().cloned()),
        site: site.clone(),
        recorded: recorded.cloned(),
        context: asked.namespace.clone(),
    })
}

fn environment(variables: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    variables.filter(|(name, _)| name.starts_with(PREFIX) && !OPTIONS.contains(&name.as_str())).collect()
}

fn read(file: &Path) -> Result<BTreeMap<String, Value>, String> {
    let text = text_file::read(file).map_err(|error| format!("read parameters {}: {error}", file.display()))?;
    // JSON is YAML too.
    let source = Source { file: &file.display().to_string(), text: &text };
    let refused = |code, bytes, why: String| format!("parameters: {}", Diagnostic::new(code, Some(source.spot(bytes)), why));
    let node =
        document::read(&text).map_err(|why| refused(codes::FILE_NOT_YAML, why.bytes, format!("the file is not YAML: {}", why.reason)))?;
    match node.value() {
        Value::Object(all) => Ok(all.into_iter().collect()),
        _ => {
            Err(refused(codes::FILE_VALUE, node.bytes.clone(), format!("the file holds {}, it has to be a map of parameters", node.kind())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_of_parameters_are_taken() {
        let given = [("LBDIAG_NAMESPACE", "web"), ("LBDIAG_SITE", "/etc/site.yaml"), ("HOME", "/root")];
        let taken = environment(given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(taken, [("LBDIAG_NAMESPACE".to_owned(), "web".to_owned())]);
    }

    #[test]
    fn parameters_are_yaml_or_json() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("params");
        std::fs::write(&file, "namespace: web\ntries: 4\n").unwrap();
        assert_eq!(read(&file).unwrap()["tries"], 4);
        std::fs::write(&file, "{\"namespace\": \"web\", \"from\": [\"local\"]}").unwrap();
        assert_eq!(read(&file).unwrap()["from"][0], "local");
        std::fs::write(&file, "- a\n").unwrap();
        assert!(read(&file).unwrap_err().contains("params"));
        assert!(read(Path::new("/no/such/file")).unwrap_err().contains("/no/such/file"));
    }
}
