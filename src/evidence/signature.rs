//! Whether a text carries the signature of somebody whom a site trusts, in SSH's format. It reads no file and holds no private key.

use russh::keys::ssh_key::{PublicKey, SshSig};

/// What a signature is for: one that was made for anything else counts for nothing here.
pub const NAMESPACE: &str = "lbdiag-playbook";

/// Checks a signature, as `ssh-keygen -Y sign` writes it, by the public keys of those who are trusted.
///
/// # Errors
/// Why it is none of theirs.
pub fn verify(text: &[u8], signature: &str, signers: &[String]) -> Result<(), String> {
    let signature = signature.parse::<SshSig>().map_err(|error| format!("it is no signature in SSH's format: {error}"))?;
    if signature.namespace() != NAMESPACE {
        return Err(format!("it was not made with `-n {NAMESPACE}`"));
    }
    for signer in signers {
        if public_key(signer)?.verify(NAMESPACE, text, &signature).is_ok() {
            return Ok(());
        }
    }
    Err("it is by none of the site's `signers`, or the text was changed since".to_owned())
}

/// A public key, as the line of a `.pub` file.
///
/// # Errors
/// When it is none.
pub fn public_key(line: &str) -> Result<PublicKey, String> {
    PublicKey::from_openssh(line.trim())
        .map_err(|error| format!("signers: `{}` is no public key of SSH, as a .pub file has it: {error}", shortened(line)))
}

fn shortened(line: &str) -> String {
    line.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"note(\"signed\");\n";
    const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgj+uRsYp43ebSCT14q/qhi7Ljc1\nBi/CWSq8CJWKFKGWEAAAAPbGJkaWFnLXBsYXlib29rAAAAAAAAAAZzaGE1MTIAAABTAAAA\nC3NzaC1lZDI1NTE5AAAAQJBPZccO0ACipsdg5Wh31Iw2jYW1b7Yds6Iu+ZZPicCQluk4rN\nWWfwUfkbMifDEnbJfGutQfZFsvAt36t9vxEwU=\n-----END SSH SIGNATURE-----\n";
    /// The same text, signed for the namespace `file`.
    const FOR_A_FILE: &str = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgj+uRsYp43ebSCT14q/qhi7Ljc1\nBi/CWSq8CJWKFKGWEAAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx\nOQAAAEA5clcnl6AR1BzcrVI4qwdSd5N8JuCEj1Jv+A8+GXnunnNRkfx7wHy543eSEKJEvn\nZKImXgd+gOLteKl3iROEwD\n-----END SSH SIGNATURE-----\n";
    const SIGNER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII/rkbGKeN3m0gk9eKv6oYuy43NQYvwlkqvAiVihShlh a test of lbdiag";
    const ANOTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMcDW9AZaIXNrRftx9kg2CD5EhJ+vWKbjl2N/0qYYEKT somebody else";

    #[test]
    fn a_text_is_known_by_the_signature_of_one_who_is_trusted() {
        let both = [ANOTHER.to_owned(), SIGNER.to_owned()];
        assert_eq!(verify(TEXT, SIGNATURE, &both), Ok(()));
        for (text, signature, signers, why) in [
            (b"note(\"signed!\");\n".as_slice(), SIGNATURE, both.as_slice(), "the text was changed"),
            (TEXT, SIGNATURE, &both[..1], "by none of the site's `signers`"),
            (TEXT, SIGNATURE, &[], "by none"),
            (TEXT, FOR_A_FILE, &both, "not made with `-n lbdiag-playbook`"),
            (TEXT, "-----BEGIN", &both, "no signature in SSH's format"),
        ] {
            let error = verify(text, signature, signers).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(public_key("ssh-ed25519 AAAA").is_err() && public_key("").is_err() && public_key(SIGNER).is_ok());
    }
}
