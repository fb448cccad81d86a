//! Places from which a probe starts, as a person writes them.

use rhai::{Dynamic, NativeCallContext};

use super::run::{Answer, Run, Stop};
use crate::model::place::{Host, HostKind};
use crate::model::probe::Vantage;

/// Reads `local`, `ssh:HOST` or `node:NAME`, one or several by comma.
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
            _ => return Err(format!("`{part}` is no vantage point: write local, ssh:HOST or node:NAME")),
        };
        if !all.contains(&vantage) {
            all.push(vantage);
        }
    }
    if all.is_empty() { Err("no vantage point is named: write local, ssh:HOST or node:NAME".to_owned()) } else { Ok(all) }
}

/// The vantage points that a script names: a text with commas, or an array.
///
/// # Errors
/// Ends the run as a usage error when one is none.
pub fn named(run: &Run, context: &NativeCallContext, value: &Dynamic) -> Answer<Vec<Vantage>> {
    let text = match value.clone().into_array() {
        Ok(parts) => parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Err(_) => value.to_string(),
    };
    parse(&text).map_err(|error| run.end(context, Stop::Usage(error)))
}

/// A host's name that no program can take for an option.
fn plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:@[]%".contains(c))
}

/// The host that a vantage point means.
#[must_use]
pub fn host(run: &Run, vantage: &Vantage) -> Host {
    match vantage {
        Vantage::Local => Host { name: vantage.place().to_owned(), address: String::new(), kind: HostKind::Local },
        Vantage::Ssh(name) => Host { name: name.clone(), address: name.clone(), kind: HostKind::Client },
        Vantage::Node(name) => run.node_host(name),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::model::probe::Vantage;

    #[test]
    fn vantage_points_are_read() {
        assert_eq!(parse("local, ssh:c1,node:n2").unwrap(), [Vantage::Local, Vantage::Ssh("c1".into()), Vantage::Node("n2".into())]);
        for wrong in ["", "ssh:", "ssh:-oProxyCommand=x", "pod", "ssh:a b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
