//! `sysctl(place, names)`: kernel settings of a place.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::state::{Look, look};
use crate::words::manual::node::SYSCTL as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let one = Arc::clone(run);
    engine.register_fn("sysctl", move |context: NativeCallContext, place: ImmutableString, name: ImmutableString| -> Answer<Dynamic> {
        Ok(read(&one, &context, &place, &[name.to_string()])?.and_then(|values| values.into_iter().next()).unwrap_or(Dynamic::UNIT))
    });
    let run = Arc::clone(run);
    engine.register_fn("sysctl", move |context: NativeCallContext, place: ImmutableString, names: Array| -> Answer<Dynamic> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let values = read(&run, &context, &place, &names)?;
        Ok(values.map_or(Dynamic::UNIT, |values| names.into_iter().map(Into::into).zip(values).collect::<Map>().into()))
    });
}

/// Settings that one call may ask for.
const MOST: usize = 64;

/// The value of each name, in order; `None` when the place could not be read.
fn read(run: &Run, context: &NativeCallContext, place: &str, names: &[String]) -> Answer<Option<Vec<Dynamic>>> {
    let paths = names.iter().map(|name| path(name).map_err(|why| Run::refuse(context, why))).collect::<Answer<Vec<String>>>()?;
    if paths.len() > MOST {
        return Err(Run::refuse(context, format!("sysctl takes at most {MOST} names, these are {}", paths.len())));
    }
    let state = look(run, context, &Look { word: &WORD, place, values: paths.clone(), needed: &["settings"] })?;
    Ok(state.map(|state| {
        let value = |path: &String| {
            let text = state.settings()?.text(path)?;
            Some(text.parse::<i64>().map_or_else(|_| Dynamic::from(text.to_owned()), Dynamic::from))
        };
        paths.iter().map(|path| value(path).unwrap_or(Dynamic::UNIT)).collect()
    }))
}

/// The path below /proc/sys.
fn path(name: &str) -> Result<String, String> {
    let path = if name.contains('/') { name.to_owned() } else { name.replace('.', "/") };
    let parts: Vec<&str> = path.split('/').collect();
    let plain = parts.iter().all(|part| {
        !part.is_empty() && *part != "." && *part != ".." && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-@:".contains(c))
    });
    let last = parts.last().copied().unwrap_or_default();
    if !plain || parts.len() < 2 || parts[0] != "net" {
        Err(format!("sysctl reads settings such as net.ipv4.ip_forward, and `{name}` is none of them"))
    } else if last.contains("key") || last.contains("secret") {
        Err(format!("sysctl reads no keys and secrets, such as `{name}`"))
    } else {
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn names_are_paths_below_net_and_nothing_else() {
        assert_eq!(path("net.ipv4.ip_forward").unwrap(), "net/ipv4/ip_forward");
        assert_eq!(path("net/ipv4/conf/eth0.5/rp_filter").unwrap(), "net/ipv4/conf/eth0.5/rp_filter");
        for wrong in
            ["", "net", "kernel.hostname", "net/../kernel/hostname", "/etc/passwd", "net.ipv4.$(id)", "net ipv4", "net//x", "net.ipv4.*"]
        {
            assert!(path(wrong).is_err(), "{wrong}");
        }
        assert!(path("net.ipv4.tcp_fastopen_key").unwrap_err().contains("secrets"));
        assert!(path("net.ipv6.conf.all.stable_secret").is_err());
    }
}
