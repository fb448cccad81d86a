//! The lab's tests: one for each fault, named after its file. See `tests/lab/README.md`.
//!
//! `LAB_SET=NAME` judges the faults that `tests/lab/sets/NAME` lists, `LAB_SET=own` those that name a setting of the lab,
//! `LAB_FAULTS=DIR[:DIR]` judges other directories, `LAB_REPEAT=n` judges all of them n times, round by round, `LAB_KEEP=1` leaves the lab up, `LAB_RESUME=1` goes on
//! with an interrupted judgement, `LAB_SKIP=1` leaves them out, and `LAB_REQUIRED=1` makes it a failure when the lab cannot be raised here.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tests speak to whoever started them")]
#![expect(unreachable_pub, reason = "the judge is shared with tests/judge_rules.rs as a module")]

#[expect(dead_code, unused_imports, reason = "its own tests run in tests/judge_rules.rs; this harness drops them")]
mod lab_judge;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use lab_judge::cluster::Cluster;
use lab_judge::fault::{Named, read_all};
use lab_judge::score::Score;
use lab_judge::selection::{Selection, score_name};
use lab_judge::trial::{Bench, Ended, unfit};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // There is one lab.
    arguments.test_threads = Some(1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = root.join("target/lab");
    let mut faults = match read_all(&fault_directories(root)) {
        Ok(faults) => faults,
        Err(error) => return refuse(&error),
    };
    let selection = match Selection::read(&std::env::var("LAB_SET").unwrap_or_default(), &root.join("tests/lab/sets")) {
        Ok(selection) => selection,
        Err(error) => return refuse(&error),
    };
    let missing = selection.missing(&faults);
    if !missing.is_empty() {
        return refuse(&format!("the set names faults that do not exist: {}", missing.join(", ")));
    }
    faults.retain(|named| selection.takes(named));
    if let Err(error) = std::fs::create_dir_all(&directory) {
        return refuse(&format!("create {}: {error}", directory.display()));
    }
    let cluster = Cluster::new(root, &directory.join("lab.log"));
    let listed = arguments.list;
    if !listed && set("LAB_SKIP") {
        println!("the lab's tests are left out: LAB_SKIP is set");
        return ExitCode::SUCCESS;
    }
    if !listed && let Some(why) = cluster.hindrance() {
        if set("LAB_REQUIRED") {
            return refuse(&format!("the lab is required, and cannot be raised here: {why}"));
        }
        println!("the lab's tests are left out: {why}");
        return ExitCode::SUCCESS;
    }
    let settings = cluster.settings();
    let resume = set("LAB_RESUME");
    let score = directory.join(score_name(&settings, &cluster.usual_settings())).with_extension("json");
    let rounds = std::env::var("LAB_REPEAT").ok().and_then(|text| text.parse().ok()).unwrap_or(1).max(1);
    let bench = Arc::new(Mutex::new(Bench {
        cluster,
        score: Score::open(&score, resume),
        directory,
        lbdiag: std::env::var_os("LBDIAG").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_lbdiag")), PathBuf::from),
        rounds,
        resume,
        raised: false,
        ready: false,
    }));
    // Round by round: a fault repeated at once would still find in the logs what it did the first time.
    let trials = (1..=rounds).flat_map(|round| faults.iter().map(move |named| (named.clone(), round)));
    let trials = trials.map(|(named, round)| trial(named, round, rounds, &settings, &bench)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !listed {
        close(&bench);
    }
    conclusion.exit_code()
}

fn trial(named: Named, round: u32, rounds: u32, settings: &std::collections::BTreeMap<String, String>, bench: &Arc<Mutex<Bench>>) -> Trial {
    let misfit = named.fault.as_ref().ok().and_then(|fault| unfit(fault, settings));
    if let Some(why) = &misfit {
        lock(bench).score.skip(&named.name, why);
    }
    let bench = Arc::clone(bench);
    let name = if rounds == 1 { named.name.clone() } else { format!("{}, round {round}", named.name) };
    Trial::test(name, move || match lock(&bench).try_fault(&named, round) {
        Ended::Good => Ok(()),
        Ended::Skipped(why) => {
            println!("{} is skipped: {why}", named.name);
            Ok(())
        }
        Ended::Bad(why) => Err(Failed::from(why)),
    })
    .with_ignored_flag(misfit.is_some())
}

/// Shows the table, and removes the lab when this judgement raised it.
fn close(bench: &Mutex<Bench>) {
    let bench = lock(bench);
    if !bench.ready {
        return;
    }
    println!("{}", bench.score.table());
    println!("reports and recordings are in {}", bench.directory.join("runs").display());
    if bench.raised
        && !set("LAB_KEEP")
        && let Err(error) = bench.cluster.down()
    {
        println!("{error}");
    }
}

fn fault_directories(root: &Path) -> Vec<PathBuf> {
    match std::env::var("LAB_FAULTS") {
        Ok(list) if !list.is_empty() => list.split(':').filter(|part| !part.is_empty()).map(|part| root.join(part)).collect(),
        _ => vec![root.join("tests/lab/faults")],
    }
}

fn set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !value.is_empty() && value != "0")
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

fn lock(bench: &Mutex<Bench>) -> std::sync::MutexGuard<'_, Bench> {
    // A trial that panicked has left a score that is still worth having.
    bench.lock().unwrap_or_else(PoisonError::into_inner)
}
