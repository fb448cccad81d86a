//! Finds and reads the kubeconfig as kubectl does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::plugin;
use super::proxy::ProxySettings;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::text_file;

const OPERATION: &str = "read the kubeconfig";
const HINT: &str = "set $KUBECONFIG, put a kubeconfig at ~/.kube/config, or give one with --kubeconfig FILE";

/// Longest wait for a connection; an address where nothing answers is told sooner than a server that is slow.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// What the environment says about how to reach the cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) kubeconfig: Option<OsString>,
    pub(super) home: Option<PathBuf>,
    /// Running in a pod: a service account's token is mounted.
    pub(super) in_cluster: bool,
    pub(super) proxy: ProxySettings,
    /// Where programs are looked for.
    pub(super) path: Option<OsString>,
}

impl Surroundings {
    pub(super) fn from_environment() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: std::env::var_os("HOME").map(PathBuf::from),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists(),
            proxy: ProxySettings::from_environment(),
            path: std::env::var_os("PATH"),
        }
    }
}

/// Where a kubeconfig is.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Files(Vec<PathBuf>),
    InCluster,
}

/// The configuration of the client. Nothing is asked of the cluster.
pub(super) async fn load(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
    limit: Duration,
    around: &Surroundings,
) -> Result<Config, EvidenceError> {
    let mut config = match find(kubeconfig, around)? {
        Found::InCluster => Config::incluster().map_err(|error| refused(&error.to_string()))?,
        Found::Files(files) => {
            let mut kubeconfig = read(&files)?;
            plugin::bound(&mut kubeconfig, around.path.as_deref());
            let proxy = check_context(&kubeconfig, context, &files)?;
            let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
            let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unusable(&files, &error))?;
            config.proxy_url = match around.proxy.choose(proxy.as_deref(), &config.cluster_url) {
                Some(proxy) => Some(proxy.parse().map_err(|_| refused("the proxy's address makes no sense"))?),
                None => None,
            };
            config
        }
    };
    // kube would ask a server that answers 503 fifteen times, and wait for an answer for ever.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_LIMIT.min(limit));
    config.write_timeout = Some(limit);
    Ok(config)
}

/// The namespace that the context names, where it names one and the kubeconfig can be read.
#[must_use]
pub fn namespace(kubeconfig: Option<&Path>, context: Option<&str>) -> Option<String> {
    let Ok(Found::Files(files)) = find(kubeconfig, &Surroundings::from_environment()) else { return None };
    // What is no plain file gives its text but once, to whoever connects.
    if !files.iter().all(|file| file.is_file()) {
        return None;
    }
    let kubeconfig = read(&files).ok()?;
    let name = context.map(str::to_owned).or(kubeconfig.current_context)?;
    let named = kubeconfig.contexts.into_iter().find(|known| known.name == name)?;
    named.context?.namespace.filter(|namespace| !namespace.is_empty())
}

fn find(explicit: Option<&Path>, around: &Surroundings) -> Result<Found, EvidenceError> {
    if let Some(file) = explicit {
        return Ok(Found::Files(vec![file.to_owned()]));
    }
    let listed: Vec<PathBuf> =
        around.kubeconfig.iter().flat_map(std::env::split_paths).filter(|path| !path.as_os_str().is_empty()).collect();
    if !listed.is_empty() {
        // As kubectl: files of the list that are not there are passed over.
        let there: Vec<PathBuf> = listed.iter().filter(|path| path.exists()).cloned().collect();
        if there.is_empty() {
            return Err(refused(&format!("no file of $KUBECONFIG exists: {}", names(&listed))));
        }
        return Ok(Found::Files(there));
    }
    let usual = around.home.as_ref().map(|home| home.join(".kube").join("config")).filter(|path| path.exists());
    match usual {
        Some(path) => Ok(Found::Files(vec![path])),
        None if around.in_cluster => Ok(Found::InCluster),
        None => Err(refused("there is none: $KUBECONFIG is not set and ~/.kube/config does not exist")),
    }
}

fn read(files: &[PathBuf]) -> Result<Kubeconfig, EvidenceError> {
    files.iter().try_fold(Kubeconfig::default(), |merged, file| {
        let next = read_one(file)?;
        merged.merge(next).map_err(|error| unusable(std::slice::from_ref(file), &error))
    })
}

/// One file, of a bounded size. What is no file but gives a text, such as a pipe, is read but once, so that the files that it names stand
/// where lbdiag was started.
fn read_one(file: &PathBuf) -> Result<Kubeconfig, EvidenceError> {
    let unusable = |error: &KubeconfigError| unusable(std::slice::from_ref(file), error);
    let about = std::fs::metadata(file);
    let told = if about.as_ref().is_ok_and(|about| about.is_file() && about.len() <= text_file::MOST_OF_A_LIST) || about.is_err() {
        return Kubeconfig::read_from(file).map_err(|error| unusable(&error));
    } else {
        text_file::bytes(file, text_file::MOST_OF_A_LIST)
    };
    let bytes = told.map_err(|error| unusable(&KubeconfigError::ReadConfig(error, file.clone())))?;
    Kubeconfig::from_yaml(&String::from_utf8_lossy(&bytes)).map_err(|error| unusable(&error))
}

/// Makes sure that the context is there, and gives the proxy that its cluster names.
fn check_context(kubeconfig: &Kubeconfig, wanted: Option<&str>, files: &[PathBuf]) -> Result<Option<String>, EvidenceError> {
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    let choose = if known.is_empty() { "it has no contexts at all".to_owned() } else { format!("it knows {}", known.join(", ")) };
    let current = kubeconfig.current_context.as_deref().filter(|name| !name.is_empty());
    let Some(name) = wanted.or(current) else {
        return Err(refused(&format!("{} names no current context; {choose}", names(files))).hint("choose one with --context NAME"));
    };
    let Some(context) = kubeconfig.contexts.iter().find(|context| context.name == name) else {
        return Err(refused(&format!("{} has no context {name}; {choose}", names(files))).hint("choose one with --context NAME"));
    };
    let cluster = context.context.as_ref().map(|context| context.cluster.as_str()).unwrap_or_default();
    let cluster = kubeconfig.clusters.iter().find(|known| known.name == cluster).and_then(|known| known.cluster.as_ref());
    Ok(cluster.and_then(|cluster| cluster.proxy_url.clone()))
}

fn names(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn refused(reason: &str) -> EvidenceError {
    EvidenceError::new(ErrorKind::ApiUnreachable, OPERATION, reason).hint(HINT)
}

/// A kubeconfig that cannot be used. The text around a mistake is not shown: it may be a token.
fn unusable(files: &[PathBuf], error: &KubeconfigError) -> EvidenceError {
    let files = names(files);
    let reason = match error {
        KubeconfigError::ReadConfig(error, path) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("{} does not exist", path.display())
        }
        KubeconfigError::ReadConfig(error, path) => format!("{} cannot be read: {error}", path.display()),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => format!("{files} is no kubeconfig: line {}, column {} makes no sense", place.line(), place.column()),
            None => format!("{files} is no kubeconfig"),
        },
        KubeconfigError::ParseNoProxy(_) => "$NO_PROXY has an entry that makes no sense (an empty one, perhaps)".to_owned(),
        other => format!("{files}: {other}"),
    };
    refused(&reason)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TWO: &str = r#"
apiVersion: v1
kind: Config
clusters: [{name: one, cluster: {server: "https://10.88.0.10:6443"}}, {name: two, cluster: {server: "https://two:6443", proxy-url: "http://p:1"}}]
users: [{name: admin, user: {token: hunter2}}]
contexts: [{name: first, context: {cluster: one, user: admin}}, {name: second, context: {cluster: two, user: admin}}]
current-context: first
"#;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        fn around(&self) -> Surroundings {
            Surroundings { home: Some(self.0.path().to_owned()), ..Surroundings::default() }
        }
    }

    fn load_with(file: Option<&Path>, context: Option<&str>, around: &Surroundings) -> Result<Config, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(load(file, context, Duration::from_secs(10), around)).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_kubeconfig_the_places_are_named() {
        let error = load_with(None, None, &Home::new().around()).unwrap_err();
        for word in ["$KUBECONFIG", "~/.kube/config", "--kubeconfig"] {
            assert!(error.contains(word), "{error}");
        }
        let missing = Surroundings { kubeconfig: Some("/no/a:/no/b".into()), ..Surroundings::default() };
        assert!(load_with(None, None, &missing).unwrap_err().contains("/no/a, /no/b"));
        assert!(load_with(Some(Path::new("/no/c")), None, &missing).unwrap_err().contains("/no/c does not exist"));
    }

    #[test]
    fn a_kubeconfig_is_found_where_kubectl_finds_it() {
        let home = Home::new();
        home.file(".kube/config", TWO);
        let config = load_with(None, None, &home.around()).unwrap();
        assert_eq!(config.cluster_url.host(), Some("10.88.0.10"));
        assert!(!config.default_retry);
        let other = home.file("other", &TWO.replace("current-context: first", "current-context: second"));
        let around = Surroundings { kubeconfig: Some(format!(":/no/such:{}", other.display()).into()), ..home.around() };
        let config = load_with(None, None, &around).unwrap();
        assert_eq!(config.cluster_url.host(), Some("two"));
        assert_eq!(config.proxy_url.unwrap().to_string(), "http://p:1/");
        let config = load_with(Some(&other), Some("first"), &around).unwrap();
        assert_eq!(config.cluster_url.host(), Some("10.88.0.10"));
    }

    #[test]
    fn an_unknown_context_names_the_known_ones() {
        let home = Home::new();
        home.file(".kube/config", TWO);
        let error = load_with(None, Some("third"), &home.around()).unwrap_err();
        assert!(error.contains("no context third") && error.contains("first, second") && error.contains("--context"), "{error}");
        let empty = home.file("empty", "");
        assert!(load_with(Some(&empty), None, &home.around()).unwrap_err().contains("no contexts at all"));
    }

    #[test]
    fn a_broken_kubeconfig_shows_no_token() {
        let home = Home::new();
        for text in ["users: [{name: admin, user: {token: hunter2}", "users:\n- name: a\n  user: {token: [hunter2]}\n", "hunter2"] {
            let error = load_with(Some(&home.file("broken", text)), None, &home.around()).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains("broken"), "{error}");
        }
    }
}
