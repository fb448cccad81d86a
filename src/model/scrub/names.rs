//! Names that tell of a credential: `DB_PASSWORD`, `secretKey`, `--auth-token`, `client-key-data`.

/// How surely a name tells that what follows it is a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It may be: the value itself has to look like one (`key: …`, `session=…`).
    Light,
    /// It is, where it is written as a setting: `auth=…`, `"pass": "…"`.
    Plain,
    /// It is, however it is written.
    Heavy,
    /// A header of HTTP, whose value goes on to the end of the line.
    Header,
}

/// Words that are the name of a credential.
const HEAVY: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "credential",
    "credentials",
    "psk",
    "requirepass",
    "masterauth",
    "htpasswd",
    "keystring",
    "privatekey",
    "secretkey",
    "accesskey",
    "pgpassword",
    "bindpw",
    "cookie",
];

/// Ends of words that are written in one.
const HEAVY_ENDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authkey",
    "sharedkey",
    "encryptionkey",
    "masterkey",
    "signingkey",
];

/// Words that are one in a setting.
const PLAIN: &[&str] = &[
    "pass",
    "pwd",
    "pw",
    "auth",
    "authorization",
    "passwords",
    "secrets",
    "tokens",
    "sig",
    "signature",
    "jwt",
    "otp",
    "userpass",
    "rootpw",
    "userpw",
    "pswd",
    "passcode",
    "sas",
    "apikeys",
    "bearer",
    "cookies",
    "pin",
];

/// Words that may be.
const LIGHT: &[&str] = &["key", "session", "sid", "nonce", "cert", "login"];

/// Words before `key` that make it a credential.
const KEYS: &[&str] = &[
    "private",
    "access",
    "secret",
    "api",
    "encryption",
    "encrypt",
    "signing",
    "sign",
    "preshared",
    "shared",
    "master",
    "account",
    "auth",
    "authentication",
    "tls",
    "ca",
    "client",
    "license",
    "data",
    "service",
    "storage",
    "session",
    "cipher",
    "aes",
    "hmac",
    "root",
    "admin",
    "ml",
    "wireguard",
    "ssh",
    "rsa",
    "ed25519",
    "digest",
    "server",
];

/// Words after a telling one that say of what kind it is, and still are its name.
const AFTER: &[&str] = &[
    "data", "value", "base", "string", "text", "plain", "b64", "base64", "pem", "hash", "encoded", "old", "new", "current", "prod", "key",
];

/// Last words of a name that say where the credential is, or what is done with it, rather than give it.
const ELSEWHERE: &[&str] = &[
    "path",
    "file",
    "files",
    "filename",
    "name",
    "names",
    "ref",
    "refs",
    "namespace",
    "version",
    "type",
    "types",
    "url",
    "uri",
    "endpoint",
    "expiry",
    "expires",
    "expiration",
    "ttl",
    "length",
    "len",
    "count",
    "size",
    "policy",
    "enabled",
    "disabled",
    "required",
    "lifetime",
    "audience",
    "audiences",
    "issuer",
    "method",
    "methods",
    "mode",
    "provider",
    "realm",
    "server",
    "host",
    "port",
    "user",
    "username",
    "ms",
    "seconds",
    "dir",
    "directory",
    "mount",
    "volume",
    "review",
    "reviews",
    "request",
    "requests",
    "controller",
    "manager",
    "store",
    "class",
    "selector",
    "label",
    "labels",
    "prefix",
    "format",
    "scheme",
    "timeout",
    "algorithm",
    "bucket",
];

const HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "set-cookie2",
    "x-api-key",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-vault-token",
    "x-amz-security-token",
    "x-auth",
    "www-authenticate-info",
    "x-forwarded-access-token",
];

/// What a name tells; `None` when nothing.
pub(super) fn weight(name: &str) -> Option<Weight> {
    let name = name.trim_matches(['-', '_', '.']);
    let lower = name.to_ascii_lowercase();
    if HEADERS.contains(&lower.as_str()) {
        return Some(Weight::Header);
    }
    let words = words(name);
    let last = words.last()?;
    // What the field `passwordSecret` of MetalLB's peers holds is a reference.
    if ELSEWHERE.contains(&last.as_str()) || lower.ends_with("passwordsecret") {
        return None;
    }
    let at = words.iter().rposition(|word| of_word(word).is_some())?;
    let weight = of_word(&words[at])?;
    let behind = &words[at + 1..];
    if words[at] == "session" && behind == ["id"] {
        return Some(weight);
    }
    if behind.is_empty() {
        return Some(if words[at] == "key" { of_key(&words[..at]) } else { weight });
    }
    // `default-token-x7k2p` is an object's name; `SECRET_KEY_BASE` and `tokenData` are settings.
    let object = name.contains('-') && lower == name;
    let tells = behind.iter().all(|word| AFTER.contains(&word.as_str())) || !object;
    (tells && weight > Weight::Light || words[at] == "key" && tells && of_key(&words[..at]) > Weight::Light).then_some(Weight::Plain)
}

fn of_key(before: &[String]) -> Weight {
    if before.last().is_some_and(|word| KEYS.contains(&word.as_str())) { Weight::Heavy } else { Weight::Light }
}

fn of_word(word: &str) -> Option<Weight> {
    if HEAVY.contains(&word) || HEAVY_ENDS.iter().any(|end| word.ends_with(end)) {
        return Some(Weight::Heavy);
    }
    if PLAIN.contains(&word) {
        return Some(Weight::Plain);
    }
    LIGHT.contains(&word).then_some(Weight::Light)
}

/// The words of a name, in small letters and without the numbers at their ends.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let letters: Vec<char> = name.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        let next_is_small = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let begins = letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && next_is_small));
        if !letter.is_ascii_alphanumeric() || begins {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_ascii_alphanumeric() {
            word.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    words.push(word);
    let bare = |word: &String| {
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if bare.is_empty() { word.clone() } else { bare.to_owned() }
    };
    words.iter().filter(|word| !word.is_empty()).map(bare).collect()
}

#[cfg(test)]
mod tests {
    use super::{Weight, weight};

    #[test]
    fn names_are_weighed() {
        for name in
            ["password", "DB_PASSWORD", "adminPassword", "--db-password", "client-key-data", "tls.key", "secretKey", "apikey", "PGPASSWORD"]
        {
            assert!(weight(name) >= Some(Weight::Plain), "{name}");
        }
        for name in [
            "secretName",
            "passwordSecret",
            "METALLB_ML_SECRET_KEY_PATH",
            "tokenFile",
            "default-token-x7k2p",
            "author",
            "monkey",
            "compass",
        ] {
            assert_eq!(weight(name), None, "{name}");
        }
        assert_eq!(weight("key"), Some(Weight::Light));
        assert_eq!(weight("Set-Cookie"), Some(Weight::Header));
    }
}
