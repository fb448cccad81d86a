//! The files of recordings: whose they are, what they replace, and what is none.

use super::*;

#[test]
fn the_file_is_private_and_replaces_only_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    fs::write(&path, "older").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    there_and_back(&[Ask::Sweep], 3, &path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else stays behind");

    let tape = Tape::new(true);
    let manifest = manifest(&live(&Arc::new(Tape::new(false)), 3));
    let device = file::write(Path::new("/dev/zero"), &manifest, &tape).unwrap_err();
    assert!(device.reason.contains("not a file"), "{device}");
    let nowhere = file::write(&folder.path().join("no/such/run.lbdiag"), &manifest, &tape).unwrap_err();
    assert!(nowhere.operation.contains("run.lbdiag"), "{nowhere}");

    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    file::write(&link, &manifest, &tape).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(open(&path).is_ok());
}

/// What `open` says about a file with these bytes.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, bytes).unwrap();
    open(&path).map(|_| ()).unwrap_err().reason
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_that_are_no_recordings_are_refused_by_name() {
    assert_eq!(open(Path::new("/no/such/file")).map(|_| ()).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(refusal(b""), "it is cut off");
    assert_eq!(refusal(b"just text\n"), "it is not a recording of lbdiag");
    assert_eq!(refusal(&gzip(b"")), "it is empty");
    assert_eq!(refusal(&gzip(b"\xff\xfe\n")), "it is not a recording of lbdiag");
    assert_eq!(refusal(&gzip(b"{\"format\":\"other\",\"version\":1}\n")), "it is not a recording of lbdiag");
    assert_eq!(
        refusal(&gzip(b"{\"format\":\"lbdiag-recording\",\"version\":9}\n")),
        "its format is version 9, this lbdiag reads up to version 1"
    );
    assert!(refusal(&gzip(b"{\"format\":\"lbdiag-recording\",\"version\":1}\n")).starts_with("its first line makes no sense"));
}

#[test]
fn a_bomb_ends_at_its_bound() {
    assert_eq!(refusal(&gzip(&vec![b' '; (256 << 20) + 10])), "it unfolds to more than 256 MiB");
}

#[test]
fn a_file_that_was_cut_off_opens_up_to_its_last_complete_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/udp-healthy.lbdiag");
    let bytes = fs::read(&recording).unwrap();
    let (manifest, all) = file::read(&recording).unwrap();
    assert_eq!(manifest.cut_after, None);
    let shown = |entry: &Entry| format!("{entry:?}");
    let mut opened = std::collections::BTreeSet::new();
    // The header, the first line, every part of the body, and the checksum at the end.
    let places = (0..400).chain((400..bytes.len()).step_by(bytes.len() / 300)).chain(bytes.len() - 12..bytes.len());
    for length in places {
        fs::write(&path, &bytes[..length]).unwrap();
        match file::read(&path) {
            Ok((manifest, entries)) => {
                assert_eq!(manifest.cut_after, Some(entries.len()), "{length}");
                assert!(entries.iter().map(shown).eq(all.iter().take(entries.len()).map(shown)), "{length}");
                opened.insert(entries.len());
            }
            Err(error) => assert!(error.reason == "it is cut off" && length < bytes.len() / 2, "{length}: {error}"),
        }
    }
    assert!(opened.len() > 20 && opened.contains(&all.len()), "{opened:?}");
}

#[test]
fn what_stands_behind_the_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    there_and_back(&[Ask::Sweep], 3, &path);
    let bytes = fs::read(&path).unwrap();
    for more in [&b"\n"[..], b"\0", &bytes.clone()] {
        fs::write(&path, [&bytes[..], more].concat()).unwrap();
        assert_eq!(open(&path).map(|_| ()).unwrap_err().reason, "something stands behind its end");
    }
}
