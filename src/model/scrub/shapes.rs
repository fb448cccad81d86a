//! Credentials that have a shape of their own, whatever stands before them.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::REMOVED;

/// Whether a match is one after all.
type Holds = fn(&Captures<'_>) -> bool;

/// One shape. The group `keep`, where there is one, stays; the rest becomes `(removed)`, and `after` stays behind it.
struct Shape {
    pattern: &'static str,
    /// Whether this match is one after all.
    holds: Holds,
}

const fn shape(pattern: &'static str) -> Shape {
    Shape { pattern, holds: always }
}

const fn only(pattern: &'static str, holds: Holds) -> Shape {
    Shape { pattern, holds }
}

/// Without any of these a text holds nothing that this module knows.
const HINTS: &[&str] = &[
    concat!(
        r"(?i-u)pass|pwd|pw|secret|token|key|auth|cred|cookie|psk|session|sig|jwt|otp|sas|sid|bearer|basic|negotiate|://|@|-----|eyJ|community|",
        r"AKIA|ASIA|ABIA|ACCA|gh[pousr]_|gl[a-z]+-|xox|xapp-|AIza|ya29|npm_|[srp]k_(?:live|test)|sk-|SG\.|hv[sbr]\.|dop_v1|gls?[ac]_|pypi-|dckr_|tskey|",
        r"hf_|K10|tcp-ao| -[pukwa]| --(?:proxy-)?user|\bpin[=: ]|\$(?:2[abxy]?|[156y]|7|gy|argon2|scrypt|pbkdf2|apr1)"
    ),
    r"(?-u)\b[a-z0-9]{6}\.[a-z0-9]{16}\b",
    r"(?-u)[A-Za-z0-9+/]{48}|0x[0-9a-fA-F]{20}",
];

const SHAPES: &[Shape] = &[
    // Keys as PEM: whole, cut, or with their line feeds written out.
    shape(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?:\\+[rnt]|\s|[A-Za-z0-9+/=])*(?:-----END [A-Z0-9 ]*-----)?"),
    shape(r"(?:(?:\\+[rnt]|\s|[A-Za-z0-9+/=]){8,})-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"),
    // A line of a PEM block alone, as logs have them one by one.
    only(r"(?m)(?P<keep>^(?:\d{4}-\d\d-\d\dT\S+[ \t]+)?)(?P<body>[A-Za-z0-9+/]{48,}={0,2})[ \t]*$", |found| is_packed(found, "body")),
    // JSON web tokens, and other JSON in base64.
    shape(r"\beyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,4}"),
    // Keys of clouds and forges, by their documented prefixes.
    shape(r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}\b"),
    shape(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl[a-z]{2,6}-[\w-]{16,}|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}|AIza[\w-]{30,}|ya29\.[\w-]{10,})",
    ),
    shape(
        r"\b(?:npm_\w{30,}|[srp]k_(?:live|test)_\w{16,}|sk-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|hv[sbr]\.[\w-]{20,}|dop_v1_[0-9a-f]{20,}|gls[ac]_\w{20,}|glc_[\w+/=]{20,})",
    ),
    shape(r"\b(?:pypi-[\w-]{20,}|dckr_pat_[\w-]{20,}|tskey-[\w-]{10,}|hf_\w{30,}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|K10[0-9a-f]{20,}::\S+)"),
    // Join tokens of kubeadm and k3s, tokens of Rancher.
    only(r"(?P<keep>^|[^A-Za-z0-9./_-])(?P<body>[a-z0-9]{6}\.[a-z0-9]{16})(?P<after>[^A-Za-z0-9./_-]|$|\.(?:\s|$))", |_| true),
    shape(r"\b(?:kubeconfig-[a-z0-9-]+|token-[a-z0-9]{5}):[a-z0-9]{40,}"),
    // Credentials within an address.
    only(r#"(?P<keep>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<body>[^\s"'<>`]*)(?P<after>@[^\s"'<>`@]*)"#, is_user),
    only(r#"(?P<keep>(?:^|[\s"'(=])[\w.-]+:)(?P<body>[^\s@"']+)(?P<after>@(?:tcp|udp|unix)\()"#, always),
    only(r#"(?P<keep>(?:^|[\s"'(=])[A-Za-z][\w.-]*:)(?P<body>[^\s@"'/:]{3,})(?P<after>@[A-Za-z0-9\[][\w.\-:\]]*)"#, is_login),
    shape(
        r#"(?i)(?P<keep>[?&#](?:[\w.-]*(?:token|secret|passw\w*|apikey|api[_-]key|signature|credential|session)|sig|key|pwd|pass|auth|jwt|x-amz-[\w-]+|x-goog-[\w-]+)=)(?P<body>[^&\s"'<>()]+)"#,
    ),
    // Passwords as crypt(3) and others keep them: bcrypt, the SHA crypts, yescrypt, Argon2, PBKDF2, scrypt.
    shape(r"\$(?:2[abxy]?|[156y]|7|gy|argon2(?:id?|d)|pbkdf2[\w-]*|scrypt|apr1)\$[\w./+=,$-]{20,}"),
    // Between the marks of XML, as they are and as JSON and HTML write them.
    shape(
        r"(?i)(?P<keep>(?:<|\\+u003c|&lt;)(?:[\w.-]+:)?[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key|credentials?)(?:\s[^<>&\\]*)?(?:>|\\+u003e|&gt;))(?P<body>[^<>&\\]+)(?P<after>(?:<|\\+u003c|&lt;)\\*/)",
    ),
    // Words of HTTP.
    only(r"(?i)(?P<keep>\b(?:bearer(?:\s+token)?|basic|negotiate)\s+)(?P<body>[A-Za-z0-9._~+/=-]{6,})", is_credential),
    // Routers.
    only(
        r"(?i)(?P<keep>\b(?:neighbor\s+\S+\s+password|ldp\s+neighbor\s+\S+\s+password|(?:area-|domain-|isis\s+)?password\s+(?:clear|md5)|isis\s+password)\s+(?:\d\s+)?)(?P<body>\S+)",
        is_word,
    ),
    only(
        r"(?i)(?P<keep>\b(?:message-digest-key\s+\d+\s+md5|authentication-key|key-string|authentication\s+(?:string|text)|(?:enable|username\s+\S+.*?)\s+(?:password|secret)|requirepass|masterauth|bind_?pw|isakmp\s+key|(?:tacacs|radius)-server\s+key|snmp-server\s+community|nhrp\s+authentication)\s+(?:\d\s+)?)(?P<body>\S+)",
        is_word,
    ),
    only(r"(?i)(?P<keep>\btcp-ao\s+)(?P<body>\S.*)", is_word),
    shape(r"(?i)(?P<keep>\bPSK\s+)(?P<body>\S+)"),
    shape(r"(?P<keep>\b(?:auth|auth-trunc|enc|aead|comp)\s+\S+\s+)(?P<body>0x[0-9a-fA-F]{16,})"),
    // Options of one letter, of programs that take a password so.
    shape(
        r#"(?i)(?P<keep>\b(?:sshpass|mysql\w*|mariadb\w*|docker\s+login|podman\s+login|nerdctl\s+login|oras\s+login|smbclient|mongo\w*)\b[^|\n]*?\s-p[ ="']*)(?P<body>[^\s"']+)"#,
    ),
    shape(r#"(?i)(?P<keep>\b(?:curl|wget|http|ab|hey)\b[^|\n]*?\s(?:-u|--user|--proxy-user|-U)[ ="']*[^\s:"']+:)(?P<body>[^\s"']+)"#),
    shape(r#"(?i)(?P<keep>\s--(?:proxy-)?user[ ="']+[^\s:"']+:)(?P<body>[^\s"']+)"#),
    shape(r#"(?i)(?P<keep>\bldap\w+\b[^|\n]*?\s-w\s*)(?P<body>[^\s"']+)"#),
    shape(r#"(?i)(?P<keep>\bopenssl\b[^|\n]*?\s-(?:k|K)\s+)(?P<body>[^\s"']+)"#),
    shape(r#"(?i)(?P<keep>\bredis-cli\b[^|\n]*?\s-a\s*)(?P<body>[^\s"']+)"#),
    shape(r#"(?i)(?P<keep>-pass(?:in|out)?\s+pass:)(?P<body>[^\s"']+)"#),
];

static HINT: LazyLock<Vec<Regex>> = LazyLock::new(|| HINTS.iter().filter_map(|hint| Regex::new(hint).ok()).collect());
static COMPILED: LazyLock<Vec<(Regex, Holds)>> =
    LazyLock::new(|| SHAPES.iter().filter_map(|shape| Some((Regex::new(&in_ascii(shape.pattern)).ok()?, shape.holds))).collect());

/// The same pattern, with letters, digits and the bounds of words in ASCII: of all scripts' they take a hundred times as much, for each thread.
fn in_ascii(pattern: &str) -> String {
    let mut out = String::new();
    let mut within = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('w') => out.push_str(if within { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('d') => out.push_str(if within { "0-9" } else { "[0-9]" }),
                Some('b') if !within => out.push_str(r"(?-u:\b)"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' | ']' => {
                within = character == '[';
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// Whether a text may hold a credential at all; most do not.
pub(super) fn worth_a_look(text: &str) -> bool {
    HINT.iter().any(|hint| hint.is_match(text))
}

/// The text without what has such a shape.
pub(super) fn scrub(text: &str) -> Cow<'_, str> {
    let mut scrubbed = Cow::Borrowed(text);
    for (pattern, holds) in COMPILED.iter() {
        if let Cow::Owned(changed) = pattern.replace_all(&scrubbed, |found: &Captures<'_>| replaced(found, *holds)) {
            scrubbed = Cow::Owned(changed);
        }
    }
    // A replacement by itself changes nothing.
    if scrubbed == text { Cow::Borrowed(text) } else { scrubbed }
}

fn replaced(found: &Captures<'_>, holds: Holds) -> String {
    let group = |name: &str| found.name(name).map_or("", |group| group.as_str());
    if !holds(found) || group("body").starts_with(REMOVED) {
        return found[0].to_owned();
    }
    format!("{}{REMOVED}{}", group("keep"), group("after"))
}

fn always(_: &Captures<'_>) -> bool {
    true
}

fn body<'a>(found: &'a Captures<'_>) -> &'a str {
    found.name("body").map_or("", |body| body.as_str())
}

/// Base64 of many bytes: small and large letters and digits.
fn is_packed(found: &Captures<'_>, group: &str) -> bool {
    let text = found.name(group).map_or("", |group| group.as_str());
    let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

/// A user with a password, or a token in a user's place. Behind a host's port an `@` is part of the path.
fn is_user(found: &Captures<'_>) -> bool {
    let (user, scheme) = (body(found), found.name("keep").map_or("", |scheme| scheme.as_str()));
    if user.is_empty() || user.starts_with(REMOVED) {
        return false;
    }
    let first = user.split('/').next().unwrap_or_default();
    let port = first.rsplit_once(':').map(|(_, port)| port);
    if user.contains('/') {
        return port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()));
    }
    user.contains(':') || !(scheme.contains("ssh") || scheme.starts_with("git"))
}

/// `user:password@host`, which is neither an image nor an address of mail.
fn is_login(found: &Captures<'_>) -> bool {
    let after = found.name("after").map_or("", |after| after.as_str());
    let name = found.name("keep").map_or("", |name| name.as_str()).trim_matches([' ', '"', '\'', '(', '=', ':', '\t', '\n']);
    !["@sha256", "@sha512", "@md5"].iter().any(|hash| after.starts_with(hash))
        && !["mailto", "email", "mail", "user", "sip", "from", "to", "issuer", "sha256", "acct", "xmpp"]
            .contains(&name.to_ascii_lowercase().as_str())
}

/// The credential of a header, and not the sentence that goes on.
fn is_credential(found: &Captures<'_>) -> bool {
    let text = body(found);
    if ["realm=", "error=", "charset=", "service="].iter().any(|parameter| text.starts_with(parameter)) {
        return false;
    }
    super::values::looks_secret(text)
        || (text.len() >= 16 && !super::values::prose(text) && !text.contains('=') && text.bytes().any(|byte| byte.is_ascii_digit()))
        || (text.len() >= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Anything but the next word of a sentence.
fn is_word(found: &Captures<'_>) -> bool {
    !super::values::prose(body(found).split_whitespace().next().unwrap_or_default())
}
