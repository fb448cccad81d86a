//! Outputs in a directory of their own: what replaces what, and what is refused.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::apart::{Named, apart};
use super::*;

/// A device that takes what is written to it. `/dev/null` is one that other programs run by root have been seen to replace by a file.
const DEVICE: &str = "/dev/zero";

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut output = Output::create(path)?;
    output.write_all(text.as_bytes())?;
    output.finish()
}

fn names(directory: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_there_whole_and_private_or_as_it_was() {
    let here = directory();
    let path = here.path().join("report");
    fs::write(&path, "before").unwrap();
    let mut cut = Output::create(&path).unwrap();
    cut.write_all(b"half").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    drop(cut);
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(&here)), ("before", vec!["report".to_owned()]));
    write(&path, "after").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "after");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(&here), ["report"]);
}

#[test]
fn links_stay_links_also_to_what_is_not_there_yet() {
    let here = directory();
    let at = |name: &str| here.path().join(name);
    fs::write(at("old"), "old").unwrap();
    symlink("old", at("to-old")).unwrap();
    symlink("new", at("to-new")).unwrap();
    symlink("round", at("round")).unwrap();
    write(&at("to-old"), "1").unwrap();
    write(&at("to-new"), "2").unwrap();
    assert_eq!(["old", "new"].map(|name| fs::read_to_string(at(name)).unwrap()), ["1", "2"]);
    assert!(fs::symlink_metadata(at("to-old")).unwrap().is_symlink() && fs::symlink_metadata(at("to-new")).unwrap().is_symlink());
    assert!(write(&at("round"), "").is_err());
}

#[test]
fn what_is_no_file_is_never_replaced() {
    let here = directory();
    let pipe = here.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (at_end, reader) = (
        pipe.clone(),
        std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        }),
    );
    write(&pipe, "through").unwrap();
    assert_eq!(reader.join().unwrap(), "through");
    assert!(fs::metadata(&at_end).unwrap().file_type().is_fifo());
    write(Path::new(DEVICE), "away").unwrap();
    assert!(fs::metadata(DEVICE).unwrap().file_type().is_char_device());
    for wrong in [here.path(), Path::new(DEVICE), &pipe] {
        assert!(check_file(wrong).is_err() && Output::create_file(wrong).is_err(), "{}", wrong.display());
    }
    let socket = here.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(check(&socket).is_err() && check(here.path()).unwrap_err().to_string().contains("is a directory"));
}

#[test]
fn what_could_not_be_written_is_told_before() {
    let here = directory();
    assert!(check(Path::new("/no/such/directory/x")).unwrap_err().to_string().contains("/no/such/directory"));
    check(&here.path().join("x")).unwrap();
    assert!(check(Path::new("/proc/x")).is_err() && check(&here.path().join("..")).is_err() && check(Path::new("")).is_err());
    assert_eq!(names(&here), [""; 0]);
}

fn refusal(inputs: &[&Path], outputs: &[&Path]) -> Option<String> {
    let named = |option: &str, paths: &[&Path]| -> Vec<Named> { paths.iter().map(|path| Named::new(option, path)).collect() };
    apart(&named("--in", inputs), &named("--out", outputs), None).err()
}

#[test]
fn an_output_is_no_input_by_whatever_name() {
    let here = directory();
    let at = |name: &str| here.path().join(name);
    fs::write(at("in"), "x").unwrap();
    fs::hard_link(at("in"), at("hard")).unwrap();
    symlink("in", at("soft")).unwrap();
    symlink("soft", at("softer")).unwrap();
    fs::create_dir(at("sub")).unwrap();
    for same in ["in", "./in", "hard", "soft", "softer", "sub/../in"] {
        let told = refusal(&[&at("in")], &[&at(same)]).unwrap_or_default();
        assert!(told.contains("--in") && told.contains("--out") && told.contains(same), "{same}: {told}");
        assert!(refusal(&[&at(same)], &[&at("in")]).is_some(), "{same}");
    }
    assert_eq!(refusal(&[&at("in"), &at("missing")], &[&at("other"), &at("sub/in")]), None);
    let open = File::open(at("in")).unwrap();
    let descriptor = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    assert!(refusal(&[Path::new(&descriptor)], &[&at("in")]).is_some());
}

#[test]
fn two_outputs_are_two_files() {
    let here = directory();
    let at = |name: &str| here.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    symlink("later", at("link")).unwrap();
    for (one, other) in [("new", "new"), ("new", "./new"), ("new", "sub/../new"), ("later", "link"), ("Report", "report")] {
        assert!(refusal(&[], &[&at(one), &at(other)]).is_some_and(|told| told.contains("one file")), "{one} {other}");
    }
    assert_eq!(refusal(&[], &[&at("new"), &at("sub/new"), Path::new(DEVICE), Path::new(DEVICE)]), None);
}

#[test]
fn the_directory_of_packets_holds_nothing_else() {
    let here = directory();
    let at = |name: &str| here.path().join(name);
    fs::create_dir(at("packets")).unwrap();
    let (packets, fresh) = (Named::new("--pcap", &at("packets")), Named::new("--pcap", &at("fresh")));
    for (directory, output) in [(&packets, "packets/x"), (&packets, "packets"), (&fresh, "fresh"), (&fresh, "fresh/x")] {
        let told = apart(&[], &[Named::new("--record", &at(output))], Some(directory)).unwrap_err();
        assert!(told.contains("--pcap") && told.contains("--record"), "{told}");
    }
    assert!(apart(&[Named::new("--site", &at("packets"))], &[], Some(&packets)).is_err());
    assert_eq!(apart(&[], &[Named::new("--record", &at("x"))], Some(&packets)), Ok(()));
}
