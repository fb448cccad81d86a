//! Certificates as TLS shows them, DER (RFC 5280). What is no certificate reads as none.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::analysis::timestamps;
use crate::model::probe::Certificate;

/// Names of one certificate that are kept: some hold hundreds.
const MOST_NAMES: usize = 50;

/// A certificate; `None` when the bytes are none.
#[must_use]
pub fn read(der: &[u8]) -> Option<Certificate> {
    let whole = x509_cert::Certificate::from_der(der).ok()?;
    let body = whole.tbs_certificate();
    // One whose names cannot be read is shown without them.
    let names = body.get_extension::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
    let second = |time: Duration| time.as_secs();
    Some(Certificate {
        subject: body.subject().to_string(),
        issuer: body.issuer().to_string(),
        names: names.iter().filter_map(name).take(MOST_NAMES).collect(),
        valid_from: second(body.validity().not_before.to_unix_duration()),
        valid_until: second(body.validity().not_after.to_unix_duration()),
    })
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => {
            let four = <[u8; 4]>::try_from(bytes.as_bytes()).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(bytes.as_bytes()).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// Whether a certificate is one for a name: by its alternative names alone, of which the first label may be a wildcard (RFC 6125 §6.4).
#[must_use]
pub fn is_for(certificate: &Certificate, name: &str) -> bool {
    let wanted = name.trim_end_matches('.').to_ascii_lowercase();
    certificate.names.iter().map(|name| name.to_ascii_lowercase()).any(|pattern| {
        pattern == wanted
            || pattern
                .strip_prefix("*.")
                .is_some_and(|parent| wanted.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest == parent))
    })
}

/// What is wrong with its time at a second since the epoch, as a sentence goes on; `None` while it is valid.
#[must_use]
pub fn standing(certificate: &Certificate, now: u64) -> Option<String> {
    if now > certificate.valid_until {
        return Some(format!("expired on {}", day(certificate.valid_until)));
    }
    (now < certificate.valid_from).then(|| format!("is not valid before {}", day(certificate.valid_from)))
}

/// One line for a person. `now` is the beginning of the run, RFC 3339.
#[must_use]
pub fn sentence(certificate: &Certificate, now: &str) -> String {
    const SHOWN: usize = 8;
    let mut names = certificate.names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if certificate.names.len() > SHOWN {
        names = format!("{names} and {} more", certificate.names.len() - SHOWN);
    }
    let now = timestamps::second(now).and_then(|second| u64::try_from(second).ok());
    let standing = match now {
        Some(now) if now > certificate.valid_until => ", expired",
        Some(now) if now < certificate.valid_from => ", not valid yet",
        _ => "",
    };
    let issuer = if certificate.issuer == certificate.subject { "itself".to_owned() } else { certificate.issuer.clone() };
    format!(
        "{} for {}, issued by {issuer}, valid from {} until {}{standing}",
        certificate.subject,
        if names.is_empty() { "no names" } else { &names },
        day(certificate.valid_from),
        day(certificate.valid_until)
    )
}

fn day(second: u64) -> String {
    let time = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    time.map_or_else(|| "an unknown day".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    /// Made with `openssl req -x509 -newkey ec -subj '/CN=web.example/O=Ops, Inc' -addext subjectAltName=…`.
    const SHOWN: &str = concat!(
        "MIIB1zCCAXygAwIBAgIUP617nz26wq/4qqSPpZckcv/4IckwCgYIKoZIzj0EAwIwKTEUMBIGA1UEAwwLd2ViLmV4YW1wbGUxETAPBgNVBAoMCE9wcywgSW5j",
        "MB4XDTI2MTEyNzE3NTg0NVoXDTI2MTIyNzE3NTg0NVowKTEUMBIGA1UEAwwLd2ViLmV4YW1wbGUxETAPBgNVBAoMCE9wcywgSW5jMFkwEwYHKoZIzj0CAQYI",
        "KoZIzj0DAQcDQgAETHjMk1ZztLI1ZsWGEZvRS+T96l84BQUH9Tt/Rprj07zuDtIEjGLGJso7Zj3HWrnKId1Ksr7NFxA/asHEeOyX9qOBgTB/MB0GA1UdDgQW",
        "BBToWGvX+0t+L+Nt9Q6PJ+t9GGF8TTAfBgNVHSMEGDAWgBToWGvX+0t+L+Nt9Q6PJ+t9GGF8TTAPBgNVHRMBAf8EBTADAQH/MCwGA1UdEQQlMCOCC3dlYi5l",
        "eGFtcGxlgg4qLmFwcHMuZXhhbXBsZYcEClhAZDAKBggqhkjOPQQDAgNJADBGAiEA9kBJnRAmoHUp5j30yJSaBlpz8S4fenuBYnqmvUTaMZ8CIQDpqSw1YffM",
        "O50odX2l4xJ1/FkiksHwgVch80dYoYwFdA==",
    );

    fn shown() -> Certificate {
        read(&base64::engine::general_purpose::STANDARD.decode(SHOWN).unwrap()).unwrap()
    }

    #[test]
    fn subject_names_and_times_are_read() {
        let shown = shown();
        assert_eq!(shown.names, ["web.example", "*.apps.example", "10.88.64.100"]);
        assert_eq!((shown.valid_from, shown.valid_until), (1_795_802_325, 1_798_394_325));
        assert!(shown.subject.contains("CN=web.example") && shown.subject.contains("Ops\\, Inc"), "{}", shown.subject);
        assert!(sentence(&shown, "2026-12-01T00:00:00Z").contains("for web.example, *.apps.example, 10.88.64.100, issued by itself"));
        assert!(sentence(&shown, "2027-12-01T00:00:00Z").ends_with(", expired"));
        assert!(sentence(&shown, "2020-12-01T00:00:00Z").ends_with(", not valid yet"));
    }

    #[test]
    fn a_name_is_matched_as_clients_match_it() {
        let shown = shown();
        for name in ["web.example", "WEB.example.", "a.apps.example"] {
            assert!(is_for(&shown, name), "{name}");
        }
        for name in ["other.example", "a.b.apps.example", "apps.example", ".apps.example", "example"] {
            assert!(!is_for(&shown, name), "{name}");
        }
    }

    #[test]
    fn garbage_is_no_certificate() {
        let der = base64::engine::general_purpose::STANDARD.decode(SHOWN).unwrap();
        for cut in 0..der.len() {
            assert_eq!(read(&der[..cut]), None, "cut at {cut}");
        }
        for at in 0..der.len() {
            let mut flipped = der.clone();
            flipped[at] ^= 0xff;
            // Whatever comes of it, it ends.
            let _ = read(&flipped);
        }
    }
}
