//! What a person writes of a request: names, hosts, paths, statuses, payloads and sizes. Whatever is none of its kind is refused.

use std::fmt::Write as _;
use std::net::IpAddr;

/// The longest path, bytes: what servers take at least.
const LONGEST_PATH: usize = 2_000;
/// The largest payload of a datagram, bytes.
const MOST_PAYLOAD: usize = 4_096;
/// The largest request, bytes. With IP's and UDP's headers a datagram holds no more.
const LARGEST: u32 = 65_000;
const MOST_SIZES: usize = 8;

/// A name as TLS may ask for it (RFC 6066: of DNS, and no address).
///
/// # Errors
/// When it is none.
pub fn name(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let plain = text.len() <= 253 && text.split('.').all(label) && text.parse::<IpAddr>().is_err();
    if plain { Ok(text.to_owned()) } else { Err(format!("it takes a DNS name such as web.example, not `{text}`")) }
}

/// The Host of an HTTP request: a name or an address, with a port or without.
///
/// # Errors
/// When it is none.
pub fn host(text: &str) -> Result<String, String> {
    let bare = match text.rsplit_once(':') {
        Some((bare, port)) if port.parse::<u16>().is_ok() && (!bare.contains(':') || bare.ends_with(']')) => bare,
        _ => text,
    };
    let six =
        bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    if six || bare.parse::<std::net::Ipv4Addr>().is_ok() || name(bare).is_ok() {
        Ok(text.to_owned())
    } else {
        Err(format!("it takes a host such as web.example or web.example:8080, not `{text}`"))
    }
}

/// The path of an HTTP request, with its query.
///
/// # Errors
/// When it is none, or one that no request line can hold.
pub fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.len() <= LONGEST_PATH && text.chars().all(|c| c.is_ascii_graphic() && c != '#') {
        Ok(text.to_owned())
    } else {
        Err(format!("it takes a path such as /health?full=1, of at most {LONGEST_PATH} visible characters of ASCII, not `{text}`"))
    }
}

/// HTTP statuses, by comma.
///
/// # Errors
/// When one is none.
pub fn statuses(text: &str) -> Result<Vec<u16>, String> {
    let wrong = || format!("it takes HTTP statuses from 100 to 599 by comma, such as 200,204, not `{text}`");
    let mut all = Vec::new();
    for part in parts(text) {
        let status = part.parse::<u16>().ok().filter(|status| (100..600).contains(status)).ok_or_else(wrong)?;
        if !all.contains(&status) {
            all.push(status);
        }
    }
    if all.is_empty() { Err(wrong()) } else { Ok(all) }
}

/// A datagram's payload in hexadecimal: of `hex:…` what follows, of any other text its own bytes.
///
/// # Errors
/// When it is empty, too large, or no hexadecimal.
pub fn payload(text: &str) -> Result<String, String> {
    let hex = match text.strip_prefix("hex:") {
        Some(hex) if hex.len() % 2 == 0 && hex.chars().all(|c| c.is_ascii_hexdigit()) => hex.to_ascii_lowercase(),
        Some(_) => return Err("after hex: it takes pairs of hexadecimal digits, such as hex:00ff".to_owned()),
        None => text.bytes().fold(String::new(), |mut hex, byte| {
            // Writing to a string has no way to fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    };
    if hex.is_empty() || hex.len() / 2 > MOST_PAYLOAD {
        return Err(format!("it takes 1 to {MOST_PAYLOAD} bytes, and these are {}", hex.len() / 2));
    }
    Ok(hex)
}

/// Sizes of a request in bytes, by comma; the smallest first, each once.
///
/// # Errors
/// When one is none, or there are too many.
pub fn sizes(text: &str) -> Result<Vec<u32>, String> {
    let wrong =
        || format!("it takes up to {MOST_SIZES} sizes from 1 to {LARGEST} bytes by comma, such as 200,1400,1500,3000, not `{text}`");
    let mut all = Vec::new();
    for part in parts(text) {
        all.push(part.parse::<u32>().ok().filter(|size| (1..=LARGEST).contains(size)).ok_or_else(wrong)?);
    }
    all.sort_unstable();
    all.dedup();
    if all.is_empty() || all.len() > MOST_SIZES { Err(wrong()) } else { Ok(all) }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_values_are_refused() {
        for text in
            ["", "-oProxy", "a b", "web.example\r\nX: y", "$(id)", "a..b", "10.0.0.1", "`id`", "web.example;id", "\u{1b}[2J", "häuser"]
        {
            assert!(name(text).is_err(), "{text:?}");
        }
        for text in ["", "web.example\r\nX: y", "a b", "web:port", "::1", "[::1", "a/b", "user@web"] {
            assert!(host(text).is_err(), "{text:?}");
        }
        for text in ["", "health", "/a b", "/a\r\nHost: x", "/\u{0}", "/ü", "/a#b", "@/etc/passwd"] {
            assert!(path(text).is_err(), "{text:?}");
        }
        assert!(path(&format!("/{}", "x".repeat(2_000))).is_err());
        for text in ["", "20", "600", "200;id", "2xx", "-200"] {
            assert!(statuses(text).is_err(), "{text:?}");
        }
        for text in ["", "0", "65001", "1,2,3,4,5,6,7,8,9", "1e3", "-1"] {
            assert!(sizes(text).is_err(), "{text:?}");
        }
        for text in ["", "hex:0", "hex:", "hex:xy", "hex:ü1"] {
            assert!(payload(text).is_err(), "{text:?}");
        }
        assert!(payload(&"x".repeat(4_097)).is_err());
    }

    #[test]
    fn good_values_are_kept() {
        assert_eq!(name("web-1.example").unwrap(), "web-1.example");
        for text in ["web.example", "web.example:8443", "10.0.0.1:80", "[::1]:80", "[::1]"] {
            assert_eq!(host(text).unwrap(), text);
        }
        assert_eq!(path("/a?b='$(id)'&c=%20").unwrap(), "/a?b='$(id)'&c=%20");
        assert_eq!(statuses("200, 204,200").unwrap(), [200, 204]);
        assert_eq!(sizes("3000,200,200").unwrap(), [200, 3000]);
        assert_eq!(payload("A\n").unwrap(), "410a");
        assert_eq!(payload("hex:00FF").unwrap(), "00ff");
    }
}
