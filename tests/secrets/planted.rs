//! What is planted: random values, each with whether it was ever given to lbdiag, and the search for them in what it wrote.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The secrets of one run of the test, by where they were planted.
#[derive(Default)]
pub(crate) struct Planted(Mutex<BTreeMap<String, Secret>>);

#[derive(Clone)]
struct Secret {
    value: String,
    given: bool,
}

/// Letters and digits without any order, other ones in every run.
pub(crate) fn random(length: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut bytes = vec![0_u8; length];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

impl Planted {
    /// The secret of a place; the same for the same place.
    pub(crate) fn at(&self, place: &str) -> String {
        let mut all = self.0.lock().unwrap();
        all.entry(place.to_owned()).or_insert_with(|| Secret { value: random(22), given: false }).value.clone()
    }

    /// A secret of a shape that has rules of its own.
    pub(crate) fn shaped(&self, place: &str, value: &str) -> String {
        self.0.lock().unwrap().entry(place.to_owned()).or_insert_with(|| Secret { value: value.to_owned(), given: false }).value.clone()
    }

    /// Whatever of it stands in these bytes was given to lbdiag.
    pub(crate) fn gave(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for secret in self.0.lock().unwrap().values_mut() {
            secret.given |= text.contains(&secret.value);
        }
    }

    pub(crate) fn count_given(&self) -> usize {
        self.0.lock().unwrap().values().filter(|secret| secret.given).count()
    }

    pub(crate) fn never_given(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|(_, secret)| !secret.given).map(|(place, _)| place.clone()).collect()
    }

    /// The places whose secret stands in these bytes, however it is written.
    pub(crate) fn found_in(&self, name: &str, bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        let all = self.0.lock().unwrap();
        let shown = |secret: &Secret| written(&secret.value).into_iter().find(|form| text.contains(form.as_str()));
        all.iter().filter_map(|(place, secret)| Some(format!("{place} in {name}, as {}", shown(secret)?))).collect()
    }
}

/// A value raw, in base64 wherever it begins in its group of three bytes, in hexadecimal, and percent-encoded.
fn written(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut forms = vec![value.to_owned()];
    for alignment in 0..3 {
        let mut padded = vec![0_u8; alignment];
        padded.extend_from_slice(bytes);
        // The first letters hold bits of what stands before, the last ones of what stands behind.
        let whole = padded.len() / 3 * 4;
        let first = if alignment == 0 { 0 } else { 4 };
        forms.extend([&STANDARD, &URL_SAFE].map(|engine| engine.encode(&padded)[first..whole].to_owned()));
    }
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let percent = bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    forms.extend([hex.to_uppercase(), hex, percent.to_lowercase(), percent]);
    forms
}

#[test]
fn every_form_is_recognised() {
    let planted = Planted::default();
    let secret = planted.at("somewhere");
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let forms =
        [secret.clone(), hex, STANDARD.encode(&secret), STANDARD.encode(format!("a{secret}z")), STANDARD.encode(format!("ab{secret}yz"))];
    for form in forms {
        assert_eq!(planted.found_in("x", format!("<{form}>").as_bytes()).len(), 1, "{form}");
    }
    assert!(planted.found_in("x", b"nothing").is_empty());
    planted.gave(secret.as_bytes());
    assert_eq!((planted.count_given(), planted.never_given().len()), (1, 0));
}
