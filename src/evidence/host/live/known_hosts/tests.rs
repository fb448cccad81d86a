//! What `known_hosts` files say about keys and certificates.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::*;

const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMxBTpMIGvo7CnordO7wP0QQRqpBwUjOLl4eMhfucfE1sjTYyK5wmTl1UqoSDS1PtRVTBdl+0+9pquFb46U7fwg=";

fn key(line: &str) -> PublicKey {
    russh::keys::parse_public_key_base64(line.split(' ').nth(1).unwrap()).unwrap()
}

fn known(text: &str) -> KnownHosts {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("known_hosts");
    std::fs::write(&file, text).unwrap();
    KnownHosts::read(&[directory.path().join("missing"), file], None)
}

fn at(host: &str, port: u16) -> Lookup {
    Lookup { host: host.to_owned(), port, ..Lookup::default() }
}

fn judge(text: &str, lookup: &Lookup, shown: &str) -> Verdict {
    known(text).judge(lookup, &key(shown))
}

fn line_of(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Changed(location) | Verdict::Revoked(location) => location.line,
        other => panic!("{other:?}"),
    }
}

const NOTHING: Verdict = Verdict::Unknown { others: Vec::new() };

#[test]
fn plain_names_and_addresses() {
    let text = format!("# comment\n\nn2,10.88.0.12 {ONE} a comment\n");
    for host in ["n2", "N2", "10.88.0.12"] {
        assert_eq!(judge(&text, &at(host, 22), ONE), Verdict::Known, "{host}");
    }
    assert_eq!(judge(&text, &at("n3", 22), ONE), NOTHING);
    assert_eq!(judge("", &at("n3", 22), ONE), NOTHING);
}

#[test]
fn a_changed_key_names_file_and_line() {
    let text = format!("# comment\nn1 {ONE}\nn2 {ONE}\n");
    let verdict = judge(&text, &at("n2", 22), TWO);
    assert_eq!(line_of(&verdict), 3);
    let Verdict::Changed(location) = verdict else { panic!() };
    assert!(location.to_string().ends_with("known_hosts line 3"));
}

#[test]
fn a_second_good_line_wins_over_a_changed_one() {
    let text = format!("n2 {ONE}\nn2 {TWO}\n");
    assert_eq!(judge(&text, &at("n2", 22), TWO), Verdict::Known);
}

#[test]
fn a_key_of_another_type_is_unknown_and_says_where_the_other_stands() {
    let verdict = judge(&format!("n2 {ONE}\n"), &at("n2", 22), ECDSA);
    assert!(matches!(verdict, Verdict::Unknown { others } if others.len() == 1));
}

#[test]
fn ports_stand_in_brackets_and_a_plain_line_serves_every_port() {
    let text = format!("[n2]:2222 {ONE}\n");
    assert_eq!(judge(&text, &at("n2", 2222), ONE), Verdict::Known);
    assert_eq!(judge(&text, &at("n2", 22), ONE), NOTHING);
    assert_eq!(judge(&text, &at("n2", 2223), ONE), NOTHING);
    assert_eq!(judge(&format!("n2 {ONE}\n"), &at("n2", 2222), ONE), Verdict::Known);
    assert_eq!(judge(&format!("n2 {ONE}\n"), &at("n2", 2222), TWO), NOTHING);
    assert_eq!(judge(&format!("[*]:2222 {ONE}\n"), &at("n2", 2222), ONE), Verdict::Known);
}

#[test]
fn wildcards_and_negation() {
    let text = format!("*.lab,!bad.lab,node-? {ONE}\n");
    for (host, expected) in [("a.lab", true), ("a.b.lab", true), ("bad.lab", false), ("node-7", true), ("node-77", false), ("lab", false)] {
        assert_eq!(judge(&text, &at(host, 22), ONE) == Verdict::Known, expected, "{host}");
    }
    assert_eq!(judge(&format!("!n2 {ONE}\n"), &at("n3", 22), ONE), NOTHING);
}

#[test]
fn hashed_names() {
    let hashed = |name: &str| {
        let salt = [7_u8; 20];
        let hash = Hmac::<Sha1>::new_from_slice(&salt).unwrap().chain_update(name).finalize().into_bytes();
        format!("|1|{}|{} {ONE}\n", STANDARD.encode(salt), STANDARD.encode(hash))
    };
    assert_eq!(judge(&hashed("n2"), &at("n2", 22), ONE), Verdict::Known);
    assert_eq!(judge(&hashed("[n2]:2222"), &at("n2", 2222), ONE), Verdict::Known);
    assert_eq!(line_of(&judge(&hashed("n2"), &at("n2", 22), TWO)), 1);
    assert_eq!(judge(&hashed("n2"), &at("n3", 22), ONE), NOTHING);
}

#[test]
fn what_ssh_keygen_hashes_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("known_hosts");
    std::fs::write(&file, format!("node.example {ONE}\n")).unwrap();
    let Ok(status) = Command::new("ssh-keygen").arg("-q").arg("-H").arg("-f").arg(&file).status() else { return };
    assert!(status.success());
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("|1|"));
    assert_eq!(KnownHosts::read(&[file], None).judge(&at("node.example", 22), &key(ONE)), Verdict::Known);
}

#[test]
fn a_revoked_key_is_refused_wherever_its_line_stands() {
    for text in [format!("@revoked * {ONE}\nn2 {ONE}\n"), format!("n2 {ONE}\n@revoked n2 {ONE}\n")] {
        assert!(matches!(judge(&text, &at("n2", 22), ONE), Verdict::Revoked(_)));
    }
    let text = format!("n2 {TWO}\n@revoked * {ONE}\n");
    assert_eq!(judge(&text, &at("n2", 22), TWO), Verdict::Known);
    assert!(matches!(judge(&format!("@revoked n2 {ONE}\nn2 {ONE}\n"), &at("n2", 2222), ONE), Verdict::Revoked(_)));
}

#[test]
fn an_authority_s_key_is_not_taken_for_a_host_s() {
    assert_eq!(judge(&format!("@cert-authority * {ONE}\n"), &at("n2", 22), ONE), NOTHING);
    assert_eq!(judge(&format!("@future n2 {ONE}\n"), &at("n2", 22), ONE), NOTHING);
}

#[test]
fn an_alias_is_the_only_name() {
    let lookup = Lookup { host: "n2".to_owned(), port: 2222, alias: Some("Rack-7".to_owned()), node: Some("n2".to_owned()) };
    assert_eq!(judge(&format!("rack-7 {ONE}\n"), &lookup, ONE), Verdict::Known);
    assert_eq!(judge(&format!("n2,[n2]:2222 {ONE}\n"), &lookup, ONE), NOTHING);
}

#[test]
fn broken_lines_are_passed_over() {
    let text = format!("n2\nn2 ssh-ed25519\nn2 ssh-ed25519 !!!!\n|1|x|y {ONE}\n|2|a|b {ONE}\n\u{0}\nn2\t{}\n", ONE.replace(' ', "\t"));
    assert_eq!(judge(&text, &at("n2", 22), ONE), Verdict::Known);
}

#[test]
fn known_types_are_told_and_unreadable_files_too() {
    let known = known(&format!("n2 {ECDSA}\n[n2]:2222 {ONE}\n@revoked n2 {TWO}\n"));
    assert_eq!(known.types(&at("n2", 22)), vec![key(ECDSA).algorithm()]);
    assert_eq!(known.types(&at("n2", 2222)).len(), 2);
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(KnownHosts::read(&[directory.path().to_owned()], None).unreadable().len(), 1);
}

#[test]
fn a_node_reached_by_its_address_may_be_known_by_its_name() {
    let node = |port| Lookup { host: "10.88.0.12".to_owned(), port, alias: None, node: Some("N2".to_owned()) };
    assert_eq!(judge(&format!("n2 {ONE}\n"), &node(22), ONE), Verdict::Known);
    assert_eq!(judge(&format!("[n2]:2222 {ONE}\n"), &node(2222), ONE), Verdict::Known);
    assert_eq!(line_of(&judge(&format!("n2 {TWO}\n"), &node(22), ONE)), 1);
    assert_eq!(line_of(&judge(&format!("n2 {ONE}\n10.88.0.12 {TWO}\n"), &node(22), ONE)), 2, "what is known of the address comes first");
    assert_eq!(judge(&format!("n3 {ONE}\n"), &node(22), ONE), NOTHING);
    assert!(matches!(judge(&format!("@revoked n2 {ONE}\n"), &node(22), ONE), Verdict::Revoked(_)));
}

#[test]
fn a_list_of_revoked_keys_is_believed_and_has_to_be_readable() {
    let directory = tempfile::tempdir().unwrap();
    let [known, revoked] = ["known", "revoked"].map(|name| directory.path().join(name));
    std::fs::write(&known, format!("n2 {ONE}\n")).unwrap();
    let judge = || KnownHosts::read(std::slice::from_ref(&known), Some(&revoked)).judge(&at("n2", 22), &key(ONE));
    assert!(matches!(judge(), Verdict::NoList(_)), "it is not there");
    std::fs::write(&revoked, format!("# none yet\n\n{TWO} comment\n")).unwrap();
    assert_eq!(judge(), Verdict::Known);
    std::fs::write(&revoked, format!("{TWO}\n{ONE}\n")).unwrap();
    assert_eq!(line_of(&judge()), 2);
    for unreadable in ["SSHKRL\n\0 binary", "what?"] {
        std::fs::write(&revoked, unreadable).unwrap();
        assert!(matches!(judge(), Verdict::NoList(_)), "{unreadable}");
    }
}

/// A host certificate made by the real tool: two authorities and a host's key are in the directory.
struct Signed {
    directory: tempfile::TempDir,
}

impl Signed {
    fn new() -> Option<Self> {
        let signed = Self { directory: tempfile::tempdir().unwrap() };
        for name in ["ca", "other", "host"] {
            signed.keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name])?;
        }
        Some(signed)
    }

    fn keygen(&self, args: &[&str]) -> Option<()> {
        let status = Command::new("ssh-keygen").args(args).current_dir(self.directory.path()).status().ok()?;
        assert!(status.success(), "{args:?}");
        Some(())
    }

    fn sign(&self, args: &[&str]) -> Certificate {
        self.keygen(&[&["-q", "-s", "ca", "-I", "id"], args, &["host.pub"]].concat()).unwrap();
        russh::keys::load_openssh_certificate(self.directory.path().join("host-cert.pub")).unwrap()
    }

    fn public(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(format!("{name}.pub"))).unwrap().trim().to_owned()
    }
}

#[test]
fn certificates_of_a_trusted_authority_are_judged() {
    let Some(signed) = Signed::new() else { return };
    let trusting = format!("@cert-authority *.lab,10.88.* {}\n", signed.public("ca"));
    let judge = |text: &str, host: &str, certificate: &Certificate| known(text).judge_certificate(&at(host, 2222), certificate, now());
    let why = |verdict: Verdict| match verdict {
        Verdict::BadCertificate(reason, location) => format!("{reason} line {}", location.line),
        other => panic!("{other:?}"),
    };
    let good = signed.sign(&["-h", "-n", "n2.lab,10.88.0.1?", "-V", "+1d"]);
    assert_eq!(judge(&trusting, "n2.lab", &good), Verdict::Known, "a line without a port serves every port");
    let at_22 = |text: &str, host: &str, certificate: &Certificate| known(text).judge_certificate(&at(host, 22), certificate, now());
    assert!(known(&trusting).trusts_an_authority(&at("n2.lab", 22)));
    assert!(!known(&trusting).trusts_an_authority(&at("n2.example", 22)));
    assert_eq!(at_22(&trusting, "n2.lab", &good), Verdict::Known);
    assert_eq!(at_22(&trusting, "10.88.0.12", &good), Verdict::Known, "principals are patterns");
    assert_eq!(why(at_22(&trusting, "n3.lab", &good)), "it is for n2.lab, 10.88.0.1? line 1");
    assert_eq!(at_22(&trusting, "n2.example", &good), NOTHING, "an authority of other hosts");
    let other = format!("@cert-authority * {}\n", signed.public("other"));
    assert_eq!(at_22(&other, "n2.lab", &good), NOTHING, "another authority");
    assert_eq!(at_22(&format!("{other}n2.lab {}\n", signed.public("host")), "n2.lab", &good), Verdict::Known, "the bare key is known");

    assert!(why(at_22(&trusting, "n2.lab", &signed.sign(&["-n", "n2.lab"]))).contains("a user's"));
    assert!(why(at_22(&trusting, "n2.lab", &signed.sign(&["-h", "-n", "n2.lab", "-V", "20200101:20200102"]))).contains("expired"));
    assert!(why(at_22(&trusting, "n2.lab", &signed.sign(&["-h", "-n", "n2.lab", "-V", "+1d:+2d"]))).contains("not valid yet"));
    assert!(why(at_22(&trusting, "n2.lab", &signed.sign(&["-h"]))).contains("names no host"));

    for revoked in ["ca", "host"] {
        let text = format!("{trusting}@revoked * {}\n", signed.public(revoked));
        assert_eq!(line_of(&at_22(&text, "n2.lab", &good)), 2, "{revoked}");
    }
}

#[test]
fn a_certificate_with_a_wrong_signature_is_found_out() {
    let Some(signed) = Signed::new() else { return };
    let text = format!("@cert-authority * {}\n", signed.public("ca"));
    let mut bytes = signed.sign(&["-h", "-n", "n2.lab"]).to_bytes().unwrap();
    // The principal, after it was signed.
    let at_principal = bytes.windows(6).position(|window| window == b"n2.lab").unwrap();
    bytes[at_principal + 1] = b'3';
    let forged = Certificate::from_bytes(&bytes).unwrap();
    let verdict = known(&text).judge_certificate(&at("n3.lab", 22), &forged, now());
    assert!(matches!(verdict, Verdict::BadCertificate(reason, _) if reason.contains("signature")));
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic_or_hang(text in ".{0,400}", name in "[a-z*?.]{0,40}") {
        let mut known = KnownHosts::default();
        known.add(Path::new("f"), &text);
        let _ = known.judge(&at(&name, 22), &key(ONE));
        let _ = glob(text.as_bytes(), name.as_bytes());
    }
}

#[test]
fn whatever_a_file_of_keys_holds_is_read() {
    let text = format!(
        "# comment\nn2,10.88.0.12,!n3,[n?]:2222 {ONE} a comment\n@revoked * {TWO}\n@cert-authority *.example {ECDSA}\n\
         |1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {ONE}\n"
    );
    crate::readers::hold("known_hosts", crate::readers::all(&[&text]), |_, is| {
        crate::readers::with_file(is, |path| {
            let known = KnownHosts::read(&[path.to_owned()], None);
            let _ = (known.judge(&at("n2", 2222), &key(ONE)), known.types(&at("n2", 22)));
            let _ = KnownHosts::read(&[], Some(path)).judge(&at("n2", 22), &key(ONE));
        });
    });
}
