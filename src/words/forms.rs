//! How texts that words take have to be written: what is none of its kind is told before a run where it stands in the playbook, and in the
//! run otherwise.

use std::net::IpAddr;

use ipnet::IpNet;

use super::kind_names;
use super::word::Form;
use crate::model::{amount, selector_text, vantage_text};

/// `90s`
pub const SPAN: Form = Form { what: "a span of time such as 90s or 1h30m", wrong: |text| amount::seconds(text).err() };

/// `90s` or `90`
pub const WAIT: Form = Form {
    what: "a span of time such as 5s or 1m",
    wrong: |text| if text.parse::<u64>().is_ok() { None } else { amount::seconds(text).err() },
};

/// `64KiB`
pub const SIZE: Form = Form { what: "a size such as 64KiB", wrong: |text| amount::bytes(text).err() };

/// `10.0.0.0/24`
pub const NETWORK: Form = Form {
    what: "a network such as 10.0.0.0/24, or an address",
    wrong: |text| {
        let known = text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
        (!known).then(|| format!("`{text}` is no network, such as 10.0.0.0/24"))
    },
};

/// `net.ipv4.ip_forward`
pub const SETTING: Form = Form { what: "a setting such as net.ipv4.ip_forward", wrong: |text| setting(text).err() };

/// `deployments`
pub const KIND_NAME: Form = Form { what: "a kind of objects such as deployments", wrong: |text| kind_names::named(text).err() };

/// `role=edge`
pub const SELECTOR: Form = Form { what: "a label selector such as role=edge", wrong: |text| selector_text::parse(text).err() };

/// What is wrong with a text that names one place: a node's name or a pod's NAMESPACE/NAME stands for itself.
#[must_use]
pub fn wrong_place(text: &str) -> Option<String> {
    match vantage_text::parse(&vantage_text::in_full(text)) {
        Ok(all) if all.len() == 1 => None,
        _ => Some(format!("`{text}` is no place: write a node's name, NAMESPACE/NAME of a pod, ssh:HOST, or local")),
    }
}

/// The path of a kernel's setting below /proc/sys.
///
/// # Errors
/// When it is none that is read.
pub fn setting(name: &str) -> Result<String, String> {
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
    use super::*;

    #[test]
    fn settings_are_paths_below_net_and_nothing_else() {
        assert_eq!(setting("net.ipv4.ip_forward").unwrap(), "net/ipv4/ip_forward");
        assert_eq!(setting("net/ipv4/conf/eth0.5/rp_filter").unwrap(), "net/ipv4/conf/eth0.5/rp_filter");
        for wrong in
            ["", "net", "kernel.hostname", "net/../kernel/hostname", "/etc/passwd", "net.ipv4.$(id)", "net ipv4", "net//x", "net.ipv4.*"]
        {
            assert!(setting(wrong).is_err(), "{wrong}");
        }
        assert!(setting("net.ipv4.tcp_fastopen_key").unwrap_err().contains("secrets"));
        assert!(setting("net.ipv6.conf.all.stable_secret").is_err());
    }

    #[test]
    fn each_form_takes_what_it_is_called_by_and_tells_what_is_none() {
        for (form, right, wrong) in [
            (&SPAN, "1h30m", "14 days"),
            (&WAIT, "5", "5 seconds"),
            (&SIZE, "64KiB", "64 apples"),
            (&NETWORK, "10.0.0.0/24", "10.0.0.0/33"),
            (&SETTING, "net.ipv4.ip_forward", "kernel.hostname"),
            (&KIND_NAME, "deployments", "deployment"),
            (&SELECTOR, "role=edge,!old", "role=="),
        ] {
            assert_eq!((form.wrong)(right), None, "{right}");
            assert!((form.wrong)(wrong).is_some_and(|why| why.contains(wrong)), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_named_in_short_or_in_full() {
        for right in ["n1", "local", "web/a-1", "ssh:c1", "node:n1", "pod:web/a-1"] {
            assert_eq!(wrong_place(right), None, "{right}");
        }
        for wrong in ["", "x y", "host:n0", "ssh:", "a/b/c", "n1,n2"] {
            assert!(wrong_place(wrong).is_some(), "{wrong}");
        }
    }
}
