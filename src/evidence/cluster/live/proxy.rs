//! Whether the way to the API server goes through a proxy, decided as kubectl does.
//!
//! kube 5.0 matches `NO_PROXY` against the proxy's own address, so its decision is not used.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

/// What the environment says about proxies.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxySettings {
    /// `HTTPS_PROXY` or `https_proxy`.
    pub(super) https: Option<String>,
    /// `NO_PROXY` or `no_proxy`.
    pub(super) none: Option<String>,
}

impl ProxySettings {
    pub(super) fn from_environment() -> Self {
        let first = |names: [&str; 2]| names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Self { https: first(["HTTPS_PROXY", "https_proxy"]), none: first(["NO_PROXY", "no_proxy"]) }
    }

    /// The proxy for a server. The one that the kubeconfig names is always used; `NO_PROXY` is for the environment's.
    pub(super) fn choose(&self, kubeconfig: Option<&str>, server: &Uri) -> Option<String> {
        if let Some(proxy) = kubeconfig.filter(|proxy| !proxy.is_empty()) {
            return Some(with_scheme(proxy));
        }
        let proxy = self.https.as_deref().filter(|_| server.scheme_str() == Some("https"))?;
        (!self.excepts(server)).then(|| with_scheme(proxy))
    }

    fn excepts(&self, server: &Uri) -> bool {
        let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        let port = server.port_u16().unwrap_or(443);
        let entries = self.none.as_deref().unwrap_or_default().split([',', ' ']);
        entries.map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| matches(entry, &host, address, port))
    }
}

/// One entry of `NO_PROXY`: `*`, an address, a network, a domain (with its subdomains), each but the first two with a port.
fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return address.is_some_and(|address| network.contains(&address));
    }
    let bare = entry.trim_matches(['[', ']']);
    if let Ok(excepted) = bare.parse::<IpAddr>() {
        return address == Some(excepted);
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) => match digits.parse::<u16>() {
            Ok(wanted) => (name, Some(wanted)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
    if let Ok(excepted) = name.parse::<IpAddr>() {
        return address == Some(excepted);
    }
    let suffix = name.strip_prefix('*').unwrap_or(&name);
    match suffix.strip_prefix('.') {
        Some(_) => host.ends_with(suffix),
        None => host == suffix || host.ends_with(&format!(".{suffix}")),
    }
}

/// A proxy without a scheme speaks HTTP, as everywhere.
fn with_scheme(proxy: &str) -> String {
    if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(none: &str, server: &str) -> bool {
        let settings = ProxySettings { https: Some("http://10.1.2.3:3128".to_owned()), none: Some(none.to_owned()) };
        settings.choose(None, &server.parse().unwrap()).is_some()
    }

    #[test]
    fn exceptions_are_matched_against_the_server() {
        let api = "https://api.corp.example:6443";
        for none in
            ["api.corp.example", "corp.example", ".corp.example", "*.corp.example", "*", " x , CORP.example ", "api.corp.example:6443"]
        {
            assert!(!proxied(none, api), "{none}");
        }
        for none in ["", "10.0.0.0/8", "api.corp", "xcorp.example", "api.corp.example:443", ".api.corp.example", "a:b", ","] {
            assert!(proxied(none, api), "{none}");
        }
        for none in ["10.0.0.0/8", "10.88.0.10", "10.88.0.10:6443"] {
            assert!(!proxied(none, "https://10.88.0.10:6443"), "{none}");
        }
        assert!(!proxied("fd00::/8", "https://[fd00::1]:6443"));
        assert!(!proxied("[fd00::1]", "https://[fd00::1]:6443"));
        assert!(!proxied("", "https://127.0.0.1:6443"));
        assert!(!proxied("", "https://localhost:6443"));
    }

    #[test]
    fn the_kubeconfig_has_the_last_word() {
        let settings = ProxySettings { https: Some("http://env:1".to_owned()), none: Some("*".to_owned()) };
        let server: Uri = "https://api".parse().unwrap();
        assert_eq!(settings.choose(Some("proxy:3128"), &server).as_deref(), Some("http://proxy:3128"));
        assert_eq!(settings.choose(Some(""), &server), None);
        assert_eq!(ProxySettings { https: Some("env:1".to_owned()), none: None }.choose(None, &server).as_deref(), Some("http://env:1"));
        assert_eq!(ProxySettings { https: Some("env:1".to_owned()), none: None }.choose(None, &"http://api".parse().unwrap()), None);
    }
}
