//! Runs one reader on changed inputs for a while, and holds it to its promise: no panic, an end in a time that grows with the input
//! alone, and bounded memory.
//!
//! `READERS_SECONDS` says how long for each (1 by default), `READERS_SEED` begins another sequence. An input that breaks the promise
//! is made small and left in `target/readers/`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::mutation::{Chance, changed};

/// A reader: it is given the input as it was, and changed.
pub(crate) type Reader = fn(&[u8], &[u8]);

/// The thread on which scripts run has as much.
const STACK: usize = 16 << 20;
/// The most that a changed input holds, bytes: in a short run, where one that takes long would be all of it, and in a long one.
const FEW_BYTES: usize = 64 << 10;
const MANY_BYTES: usize = 512 << 10;
/// What the whole process may hold, with every reader that runs beside. KiB.
const MOST_KIB: u64 = 1_500_000;

/// The time that an input of so many bytes may take, in a build without optimisation on a busy machine.
fn longest(bytes: usize) -> Duration {
    Duration::from_secs(10) + Duration::from_micros(100) * u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The input under way, and since when.
type UnderWay = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

fn told<T>(name: &str, default: T) -> T
where
    T: std::str::FromStr,
{
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs the reader; panics when it broke its promise.
pub(crate) fn hold(name: &'static str, seeds: Vec<Vec<u8>>, read: Reader) {
    assert!(!seeds.is_empty(), "{name}: there is nothing to change");
    let budget = Duration::from_secs_f64(told("READERS_SECONDS", 1.0));
    let under_way = UnderWay::default();
    let (give, ended) = channel();
    let watched = Arc::clone(&under_way);
    let work = move || {
        let _ = give.send(run(name, &seeds, read, budget, &watched));
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread");
    loop {
        match ended.recv_timeout(Duration::from_millis(200)) {
            Ok(Ok(())) => return,
            Ok(Err(broken)) => panic!("{broken}"),
            Err(RecvTimeoutError::Disconnected) => panic!("{name}: {:?}", thread.join()),
            Err(RecvTimeoutError::Timeout) => late(name, &under_way),
        }
    }
}

fn late(name: &str, under_way: &UnderWay) {
    let now = under_way.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((since, input)) = &*now
        && since.elapsed() > longest(input.len())
    {
        panic!("{name}: no end within {:?} on {} bytes, in {}", since.elapsed(), input.len(), kept(name, input).display());
    }
}

fn run(name: &str, seeds: &[Vec<u8>], read: Reader, budget: Duration, under_way: &UnderWay) -> Result<(), String> {
    for seed in seeds {
        read(seed, seed);
    }
    let most = if budget < Duration::from_secs(5) { FEW_BYTES } else { MANY_BYTES };
    let mut chance = Chance(told("READERS_SEED", 1) ^ name.len() as u64);
    let (began, mut count, mut slowest) = (Instant::now(), 0_u64, (Duration::ZERO, 0));
    while began.elapsed() < budget {
        let at = chance.below(seeds.len());
        let input = changed(seeds, at, most, &mut chance);
        let length = input.len();
        let begun = Instant::now();
        *under_way.lock().unwrap_or_else(PoisonError::into_inner) = Some((begun, input.clone()));
        if catch_unwind(AssertUnwindSafe(|| read(&seeds[at], &input))).is_err() {
            let small = smaller(&seeds[at], input, read);
            return Err(format!("{name}: a panic after {count} inputs, by {}: {}", kept(name, &small).display(), small.escape_ascii()));
        }
        slowest = slowest.max((begun.elapsed(), length));
        count += 1;
    }
    *under_way.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let held = most_held();
    if std::env::var_os("READERS_SECONDS").is_some() {
        use std::io::Write;
        let (slow, bytes) = slowest;
        let _ = writeln!(std::io::stderr(), "{name}: {count} inputs, the slowest {slow:?} of {bytes} bytes, the process held {held} KiB");
    }
    if held > MOST_KIB { Err(format!("{name}: the process held {held} KiB")) } else { Ok(()) }
}

/// The most memory that the process held so far.
fn most_held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// Takes away pieces as long as what is left panics too.
fn smaller(seed: &[u8], mut input: Vec<u8>, read: Reader) -> Vec<u8> {
    let until = Instant::now() + Duration::from_secs(10);
    let mut piece = input.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at + piece <= input.len() && Instant::now() < until {
            let mut without = input.clone();
            without.drain(at..at + piece);
            if catch_unwind(AssertUnwindSafe(|| read(seed, &without))).is_err() {
                input = without;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    input
}

fn kept(name: &str, input: &[u8]) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/readers");
    let file = directory.join(name);
    let _ = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&file, input));
    file
}
