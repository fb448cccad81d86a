//! Recordings at their bounds: what has no room, and what is made to take all of it.

use super::*;

/// Hosts whose answers are as long as they are asked to be.
struct Long;

impl Hosts for Long {
    fn warm(&self, _hosts: &[Host]) {}

    fn run(&self, _host: &Host, command: &Command) -> Result<Output, EvidenceError> {
        let length = command.args[0].parse().unwrap();
        // Letters without order, so that they cannot be packed to nothing.
        let mut state = 88_172_645_463_325_252_u64;
        let letters = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let letter = char::from(b'!' + u8::try_from(state % 90).unwrap());
            // Nor with what a credential might stand behind.
            if "=:@-.&?#".contains(letter) { '_' } else { letter }
        });
        Ok(Output { status: 0, stdout: letters.take(length).collect(), stderr: String::new() })
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        Vec::new()
    }
}

fn ask_for(hosts: &dyn Hosts, length: usize, number: usize) -> Result<usize, ErrorKind> {
    let host = Host { name: "n1".to_owned(), address: String::new(), kind: HostKind::Node };
    let args = vec![length.to_string(), number.to_string()];
    let command = Command { script: Script::State, args, limit: Duration::from_secs(1), most_bytes: 1 };
    hosts.run(&host, &command).map(|output| output.stdout.len()).map_err(|error| error.kind)
}

#[test]
fn what_a_recording_has_no_room_for_is_left_out_and_said_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let tape = Arc::new(Tape::at_most(true, Most { entries: 30, unfolded: 300_000, held: 200_000 }));
    let hosts = RecordingHosts(Arc::new(Long), Arc::clone(&tape));
    assert_eq!(tape.gap(), None);
    for (number, length) in [100, 500_000, 70_000, 250_000].into_iter().enumerate() {
        assert_eq!(ask_for(&hosts, length, number), Ok(length));
    }
    for number in 4..40 {
        assert_eq!(ask_for(&hosts, 10, number), Ok(10));
    }
    // The question whose first answer had room, and whose second has none.
    assert_eq!(ask_for(&hosts, 100, 0), Ok(100));
    let left_out = tape.left_out();
    assert_eq!((left_out.too_large, left_out.too_many), (2, 11));
    let gap = tape.gap().unwrap();
    assert!(gap.reason.starts_with("the recording has no room for 13 answers, among them: state 500000 1 (n1), "), "{}", gap.reason);
    file::write(&path, &manifest(&live(&Arc::new(Tape::new(false)), 9)), &tape).unwrap();
    let (replayed, manifest) = open(&path).unwrap();
    assert_eq!(manifest.left_out, left_out);
    let again: Vec<Result<usize, ErrorKind>> = [(100, 0), (500_000, 1), (70_000, 2), (250_000, 3), (10, 4), (10, 39)]
        .map(|(length, number)| ask_for(&*replayed.hosts, length, number))
        .into();
    let not = Err(ErrorKind::NotRecorded);
    assert_eq!(again, [Ok(100), not, Ok(70_000), not, Ok(10), not]);
    assert_eq!(ask_for(&*replayed.hosts, 100, 0), not, "what was left out is not the answer before it");
}

#[test]
fn what_fills_a_recording_to_its_bound_is_read_again() {
    const MUCH: usize = 256 << 10;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    // An eighth of what is written, and of what is read.
    let eighth = |most: Most| Most { entries: most.entries / 8, unfolded: most.unfolded / 8, held: most.held / 8 };
    let tape = Arc::new(Tape::at_most(true, eighth(MOST)));
    let hosts = RecordingHosts(Arc::new(Long), Arc::clone(&tape));
    for number in 0..18 {
        assert_eq!(ask_for(&hosts, MUCH, number), Ok(MUCH));
    }
    let left_out = usize::try_from(tape.left_out().too_large).unwrap();
    assert!((1..9).contains(&left_out), "{left_out} of 18");
    file::write(&path, &manifest(&live(&Arc::new(Tape::new(false)), 9)), &tape).unwrap();
    assert_eq!(file::read_at_most(&path, eighth(file::MOST)).unwrap().1.len(), 18);
    let (replayed, _) = open(&path).unwrap();
    let again = (0..18).filter(|number| ask_for(&*replayed.hosts, MUCH, *number) == Ok(MUCH)).count();
    assert_eq!(again, 18 - left_out);
}

/// A file of such lines beneath a manifest.
fn written(path: &Path, lines: impl Iterator<Item = String>) {
    let first = serde_json::to_string(&manifest(&live(&Arc::new(Tape::new(false)), 9))).unwrap();
    let mut gzip = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    writeln!(gzip, "{first}").unwrap();
    lines.for_each(|line| writeln!(gzip, "{line}").unwrap());
    gzip.finish().unwrap();
}

#[test]
fn a_file_of_more_entries_than_a_run_makes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.lbdiag");
    let line = |number: usize| format!("{{\"c\":\"clock\",\"q\":\"{number}\",\"n\":0,\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":1}}");
    written(&path, (0..39_000).map(line));
    assert!(open(&path).is_ok());
    written(&path, (0..41_000).map(line));
    let error = open(&path).err().unwrap().to_string();
    assert!(error.contains("holds more than 40000 answers") && error.contains("no run makes such a recording"), "{error}");
}

#[test]
fn a_long_line_is_read_whatever_the_order_of_its_members() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.lbdiag");
    let question = "{\"args\":[\"7\",\"0\"],\"host\":{\"kind\":\"node\",\"name\":\"n1\"},\"script\":\"state\"}";
    let answer = format!("{{\"Ok\":{{\"status\":0,\"stdout\":\"{}\",\"stderr\":\"\"}}}}", "x".repeat(3 << 20));
    let short = "{\"c\":\"clock\",\"q\":\"t\",\"n\":0,\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":7}".to_owned();
    for line in [
        format!("{{\"a\":{answer},\"c\":\"host.run\",\"q\":{question},\"n\":0,\"at\":0,\"took\":0,\"r\":\"ok\"}}"),
        format!("{{\"c\":\"host.run\",\"q\":{question},\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":{answer}}}"),
    ] {
        written(&path, [line, short.clone()].into_iter());
        let (replayed, _) = open(&path).unwrap();
        assert_eq!(ask_for(&*replayed.hosts, 7, 0), Ok(3 << 20));
        assert_eq!(replayed.clock.elapsed_ms("t"), 7, "the line after it is whole");
    }
    let cut = format!("{{\"c\":\"host.run\",\"q\":{question},\"at\":0,\"took\":0,\"r\":\"ok\",\"a\":{}", &answer[..2 << 20]);
    written(&path, [cut].into_iter());
    assert!(open(&path).err().unwrap().to_string().contains("entry 1 makes no sense"));
}
