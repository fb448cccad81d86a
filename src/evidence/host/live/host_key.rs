//! Whether a host is who it is said to be, and what a person is told when that is not known.

use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};

use super::known_hosts::{KnownHosts, Lookup, Verdict, now};
use crate::evidence::error::{ErrorKind, EvidenceError};

/// Whether the files vouch for what a host showed.
///
/// # Errors
/// `HostKey`, with the fingerprint and what to do.
pub(super) fn judged(known: &KnownHosts, lookup: &Lookup, shown: &PublicKeyOrCertificate, name: &str) -> Result<(), EvidenceError> {
    let key = shown.public_key();
    let verdict = match shown.certificate() {
        Some(certificate) => known.judge_certificate(lookup, certificate, now()),
        None => known.judge(lookup, &key),
    };
    let fingerprint = key.fingerprint(HashAlg::Sha256);
    let refused = |reason: String| EvidenceError::new(ErrorKind::HostKey, format!("verify the host key of {name}"), reason);
    let host = &lookup.host;
    match verdict {
        Verdict::Known => Ok(()),
        Verdict::Changed(location) => Err(refused(format!(
            "the key of {host} has changed: it shows {} {fingerprint}, and another key is known for it ({location})",
            key.algorithm().as_str()
        ))
        .hint(
            "the machine was set up again, or somebody stands between; compare the fingerprint with the host's own, then correct that line",
        )),
        Verdict::Revoked(location) => {
            Err(refused(format!("{host} shows {fingerprint}, which is marked as revoked ({location})")).hint("give the host a new key"))
        }
        Verdict::BadCertificate(reason, location) => {
            Err(refused(format!("the certificate of {host} is signed by an authority that is trusted ({location}), but {reason}"))
                .hint("let the authority sign the host's key anew (`ssh-keygen -s CA -h -n NAMES`)"))
        }
        Verdict::NoList(reason) => Err(refused(format!("which keys are revoked cannot be read: {reason}"))
            .hint("correct RevokedHostKeys in ssh_config; without the list no key is trusted")),
        Verdict::Unknown { others } => {
            Err(unknown(known, lookup, &key, &others.iter().map(ToString::to_string).collect::<Vec<_>>(), refused))
        }
    }
}

fn unknown(
    known: &KnownHosts,
    lookup: &Lookup,
    key: &PublicKey,
    others: &[String],
    refused: impl Fn(String) -> EvidenceError,
) -> EvidenceError {
    let host = &lookup.host;
    let mut reason = format!("the key of {host} is not known: {} {}", key.algorithm().as_str(), key.fingerprint(HashAlg::Sha256));
    if let Some(other) = others.first() {
        reason = format!("{reason} (a key of another type is: {other})");
    }
    if let Some(unreadable) = known.unreadable().first() {
        reason = format!("{reason} (not readable: {unreadable})");
    }
    let port = lookup.port;
    refused(reason).hint(format!(
        "compare the fingerprint with the host's own (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there), then connect once with `ssh`, or add the output of `ssh-keyscan -p {port} {host}` to known_hosts"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_fingerprint_and_what_to_do() {
        let key = russh::keys::parse_public_key_base64("AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ").unwrap();
        let lookup = Lookup { host: "10.0.0.2".to_owned(), port: 2222, ..Lookup::default() };
        let error = judged(&KnownHosts::default(), &lookup, &key.into(), "n2").unwrap_err();
        assert_eq!(error.kind, ErrorKind::HostKey);
        assert!(error.reason.contains("SHA256:"), "{error}");
        assert!(error.hint.contains("ssh-keyscan -p 2222 10.0.0.2"), "{error}");
    }
}
