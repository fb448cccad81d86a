//! Whether a file is an earlier output, which alone is replaced: whatever else has that name is somebody's work, such as a key that
//! `ssh_config` names, or a credential plugin.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// Bytes of a file's begin and end that are looked at.
const LOOKED_AT: u64 = 64 << 10;

/// Whether what is there may be replaced: nothing, an empty file, or a recording, a report or a plan of lbdiag.
///
/// # Errors
/// When it cannot be read.
pub fn may_be_replaced(path: &Path) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut begin = Vec::new();
    (&mut file).take(LOOKED_AT).read_to_end(&mut begin)?;
    if begin.starts_with(&[0x1f, 0x8b]) {
        let mut header = Vec::new();
        // One that was cut is as good as any other.
        let _ = MultiGzDecoder::new(&*begin).take(256).read_to_end(&mut header);
        return Ok(header.starts_with(b"{\"format\":\"lbdiag-recording\""));
    }
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LOOKED_AT)))?;
    let mut end = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut end)?;
    let (begin, end) = (String::from_utf8_lossy(&begin), String::from_utf8_lossy(&end));
    Ok(begin.is_empty() || is_report(&begin) || is_answer(&begin, &end) || ends_a_report(&begin, &end))
}

/// JSON with its format, or the first words of a plan.
fn is_report(begin: &str) -> bool {
    let head: String = begin.chars().take(200).filter(|letter| !letter.is_whitespace()).collect();
    head.starts_with("{\"format\":\"lbdiag-")
        || begin.starts_with("Plan of ")
        || begin.starts_with("# HELP lbdiag_run_verdict ")
        || is_page(begin)
        || is_junit(begin)
}

/// The page of a run, by what names its maker.
fn is_page(begin: &str) -> bool {
    begin.starts_with("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"lbdiag ")
}

/// A run as `JUnit` has it.
fn is_junit(begin: &str) -> bool {
    begin.starts_with("<?xml ") && begin.lines().nth(1).is_some_and(|line| line.starts_with("<testsuites name=\"lbdiag "))
}

/// A report as text: the verdict first, and last where more is told. Either may be broken at any width.
fn is_answer(begin: &str, end: &str) -> bool {
    let verdict = begin.split_whitespace().next().is_some_and(|word| ["PASS", "WARN", "FAIL", "INCONCLUSIVE"].contains(&word));
    let words: Vec<&str> = end.split_whitespace().collect();
    verdict && words.windows(2).any(|two| two[0] == "more:" && two[1].starts_with("-v"))
}

/// The last line of a report as text that tells more, of one as Markdown, or as annotations of GitHub.
fn ends_a_report(begin: &str, end: &str) -> bool {
    end.lines().any(|line| {
        let made = line.contains(" with lbdiag ") && line.contains(", began ");
        (made && (line.starts_with("run: ") || begin.starts_with("### "))) || line.starts_with("::notice title=lbdiag ")
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn outputs_are_replaced_and_nothing_else_is() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        assert!(may_be_replaced(&path).unwrap(), "nothing is there");
        let long = format!("PASS all\n{}run: metallb-flow 1.0.0 with lbdiag 0.1.0, began now\n", "x\n".repeat(100_000));
        let ours = [
            "".into(),
            packed("{\"format\":\"lbdiag-recording\",\"version\":1}\n"),
            b"{\n  \"format\": \"lbdiag-outcome/1\",".into(),
            long.into(),
            "FAIL a/b — x\n\n1.0 s · nothing left behind · more:\n-v, lbdiag explain a/b\n".into(),
            "### PASS: a\n\nmetallb-flow 1.0.0 with lbdiag 0.1.0, began now\n".into(),
            "::notice title=lbdiag pass::a\n".into(),
            "# HELP lbdiag_run_verdict Whether\n".into(),
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"lbdiag 0.1.0\">".into(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"lbdiag run\" tests=\"1\">\n".into(),
        ];
        for bytes in ours {
            std::fs::write(&path, &bytes).unwrap();
            assert!(may_be_replaced(&path).unwrap(), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
        }
        let theirs: [Vec<u8>; 11] = [
            "PASS notes of mine\n".into(),
            "what there is more: -v\n".into(),
            b"-----BEGIN OPENSSH PRIVATE KEY-----\n".into(),
            b"ssh-ed25519 AAAA lbdiag@ops\n".into(),
            b"Host n1\n IdentityFile ~/.ssh/lbdiag\n".into(),
            b"#!/bin/sh\n# run: a plugin for lbdiag\n".into(),
            b"\x7fELF\x02\x01\x01".into(),
            packed("logs of something\n"),
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>lbdiag</title>".into(),
            "<?xml version=\"1.0\"?>\n<testsuites name=\"theirs\">lbdiag run\n".into(),
            b"{\"kind\": \"Config\", \"format\": \"lbdiag-\"}".into(),
        ];
        for bytes in theirs {
            std::fs::write(&path, &bytes).unwrap();
            assert!(!may_be_replaced(&path).unwrap(), "{}", String::from_utf8_lossy(&bytes));
        }
    }
}
