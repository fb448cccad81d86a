//! Places to ask from, as a person writes them: `local`, `ssh:HOST`, `node:NAME` or `pod:NAMESPACE/NAME`.

use super::probe::Vantage;

/// What can be written.
const FORMS: &str = "write local, ssh:HOST, node:NAME or pod:NAMESPACE/NAME";

/// Reads `local`, `ssh:HOST`, `node:NAME` or `pod:NAMESPACE/NAME`, one or several by comma.
///
/// # Errors
/// When a part is none of these; the text says what is known.
pub fn parse(text: &str) -> Result<Vec<Vantage>, String> {
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let vantage = match part.split_once(':') {
            None if part == "local" => Vantage::Local,
            Some(("ssh", host)) if plain(host) => Vantage::Ssh(host.to_owned()),
            Some(("node", name)) if plain(name) => Vantage::Node(name.to_owned()),
            Some(("pod", name)) if name.split_once('/').is_some_and(|(namespace, name)| plain(namespace) && plain(name)) => {
                Vantage::Pod(name.to_owned())
            }
            _ => return Err(format!("`{part}` is no vantage point: {FORMS}")),
        };
        if !all.contains(&vantage) {
            all.push(vantage);
        }
    }
    if all.is_empty() { Err(format!("no vantage point is named: {FORMS}")) } else { Ok(all) }
}

/// A place as a word takes it, where a node's name or a pod's NAMESPACE/NAME stands for itself, in full.
#[must_use]
pub fn in_full(text: &str) -> String {
    if text.contains(':') || text == "local" {
        text.to_owned()
    } else if text.contains('/') {
        format!("pod:{text}")
    } else {
        format!("node:{text}")
    }
}

/// A host's name that no program can take for an option.
fn plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:@[]%".contains(c))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::model::probe::Vantage;

    #[test]
    fn vantage_points_are_read() {
        let all = [Vantage::Local, Vantage::Ssh("c1".into()), Vantage::Node("n2".into()), Vantage::Pod("web/a-1".into())];
        assert_eq!(parse("local, ssh:c1,node:n2,pod:web/a-1").unwrap(), all);
        assert_eq!(all.map(|one| one.text()), ["local", "ssh:c1", "node:n2", "pod:web/a-1"]);
        for wrong in ["", "ssh:", "ssh:-oProxyCommand=x", "pod", "pod:web", "pod:web/", "pod:a/b/c", "ssh:a b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
